//! A batch that a kiosk collected while it was offline: each item is taken, refused or kept for later by itself.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use onedoor_domain::actor::Actor;
use onedoor_domain::case::event::OfflineCapture;
use onedoor_domain::idempotency::IdempotencyKey;
use onedoor_domain::kiosk::{CaptureFault, DeviceTime, captured_at, is_provisional_number};
use onedoor_domain::policy::Act;
use serde_json::Value;

use super::Kiosks;
use crate::error::{AppError, ErrorCode};
use crate::service::answer::Answer;
use crate::service::cases::Done;
use crate::service::guard;
use crate::service::intake::Application;
use crate::service::rejection::{Rejection, RejectionCode};
use crate::store::write_set::NewProvisional;

/// When a device comes again that was not told otherwise.
const COME_AGAIN_MS: u64 = 1_000;

/// A batch.
#[derive(Debug)]
pub struct Batch {
    /// When it was sent, by the device.
    pub sent: DeviceTime,
    /// What was collected, in order.
    pub items: Vec<Item>,
}

/// One application of a batch.
#[derive(Debug)]
pub struct Item {
    /// Its own key, under which it may also have been handed in online.
    pub key: IdempotencyKey,
    /// What was printed for the applicant.
    pub number: String,
    /// When it was captured, by the device.
    pub captured: DeviceTime,
    /// The application, or why it cannot be read.
    pub application: Result<Box<Application>, Rejection>,
}

/// What came of one item.
#[derive(Debug)]
pub enum ItemOutcome {
    /// It is a case: of now, or of an earlier time it was sent.
    Accepted(Box<Answer>),
    /// Its key stood before in the same batch; the answer is that one's.
    Duplicate(Box<Answer>),
    /// It is none; sent again as it is, it never will be.
    Refused(Vec<Rejection>),
    /// It could not be stored now: keep it and send it again.
    Retry {
        /// After how long.
        after_ms: u64,
    },
}

impl Kiosks {
    /// Opens what a device sealed while it was offline.
    ///
    /// # Errors
    /// The expected answer to what does not open, or was sealed by another device.
    pub fn open(&self, actor: &Actor, sealed: &str) -> Result<Value, Rejection> {
        let opened = self.sealing.open(sealed).map_err(|error| {
            tracing::debug!(error = %error, "an item of a kiosk's batch does not open");
            unreadable()
        })?;
        if opened.device != actor.subject {
            return Err(unreadable());
        }
        serde_json::from_slice(&opened.bytes).ok().ok_or_else(unreadable)
    }

    /// Takes a batch in, item by item in its order. None stops the others; only when the database is away the rest is not
    /// tried, because each would wait for it.
    ///
    /// # Errors
    /// FORBIDDEN or UNAUTHENTICATED by the policy.
    pub async fn sync(&self, actor: &Actor, batch: Batch) -> Result<Vec<ItemOutcome>, AppError> {
        let proof = guard::submit(actor, Act::SyncKiosk)?;
        let device = proof.principal();
        let mut outcomes = Vec::with_capacity(batch.items.len());
        let mut seen = BTreeSet::new();
        let mut away = None;
        for item in batch.items {
            if let Some(after_ms) = away {
                outcomes.push(ItemOutcome::Retry { after_ms });
                continue;
            }
            let again = !seen.insert(item.key);
            let taken = Box::pin(self.take(actor, device, &batch.sent, item)).await;
            outcomes.push(match taken {
                Ok(Ok(answer)) if again => ItemOutcome::Duplicate(Box::new(answer)),
                Ok(Ok(answer)) => ItemOutcome::Accepted(Box::new(answer)),
                Ok(Err(rejections)) => ItemOutcome::Refused(rejections),
                Err(error) => {
                    let after_ms = error.retry_after_ms.unwrap_or(COME_AGAIN_MS);
                    tracing::warn!(
                        error.code = error.code.as_str(),
                        error = %error.source.as_deref().map(ToString::to_string).unwrap_or_default(),
                        "an item of a kiosk's batch could not be stored and stays on the kiosk"
                    );
                    away = (error.code == ErrorCode::StoreUnavailable).then_some(after_ms);
                    ItemOutcome::Retry { after_ms }
                }
            });
        }
        Ok(outcomes)
    }

    async fn take(
        &self,
        actor: &Actor,
        device: &str,
        sent: &DeviceTime,
        item: Item,
    ) -> Result<Done, AppError> {
        let mut application = match item.application {
            Ok(application) => application,
            Err(fault) => return Ok(Err(vec![fault])),
        };
        if !is_provisional_number(&item.number) {
            return Ok(Err(vec![bad_number()]));
        }
        if application.key != item.key {
            return Ok(Err(vec![Rejection::idempotency_mismatch()]));
        }
        let age_max = TimeDelta::hours(i64::from(self.settings.offline_max_hours));
        let captured = captured_at(self.cases.clock.now(), sent, &item.captured, age_max);
        // what was stored before is told again, however old it is by now
        let key = (application.key, application.fingerprint);
        if let Some(done) = self.cases.earlier(device, key.0, key.1).await? {
            if let Ok(answer) = &done {
                let printed = NewProvisional {
                    device: device.to_owned(),
                    number: item.number,
                    captured_at: captured.unwrap_or_else(|_too_old| self.cases.clock.now()),
                };
                self.cases
                    .store
                    .bind_provisional(&printed, answer.case.id)
                    .await?;
            }
            return Ok(done);
        }
        let captured_at = match captured {
            Ok(captured_at) => captured_at,
            Err(fault) => return Ok(Err(vec![self.bad_time(fault)])),
        };
        let store = &self.cases.store;
        if store.find_by_provisional(device, &item.number).await?.is_some() {
            // unless the same item was stored beside this one
            let beside = self.cases.earlier(device, key.0, key.1).await?;
            return Ok(beside.unwrap_or_else(|| Err(vec![number_taken()])));
        }
        application.offline = Some(OfflineCapture {
            captured_at,
            provisional_number: item.number,
        });
        Box::pin(self.cases.submit(actor, *application)).await
    }

    fn bad_time(&self, fault: CaptureFault) -> Rejection {
        let hours = self.settings.offline_max_hours;
        match fault {
            CaptureFault::TooLongAgo => Rejection::of(
                RejectionCode::CapturedTooLongAgo,
                &["capturedAt"],
                format!("此件离线收存已超过 {hours} 小时，不能补传；请打印提示，请申请人到窗口办理。"),
                format!(
                    "Captured more than {hours} hours ago, which cannot be sent any more; print a note that asks the \
                     applicant to a window."
                ),
            ),
            CaptureFault::InFuture => Rejection::of(
                RejectionCode::CapturedInFuture,
                &["capturedAt"],
                "收件时间晚于上传时间，请校准终端时钟后重传。",
                "Captured after it was sent; set the device's clock right and send it again.",
            ),
        }
    }
}

fn bad_number() -> Rejection {
    Rejection::of(
        RejectionCode::InvalidField,
        &["provisionalNumber"],
        "临时编号为 1 至 40 位大写字母、数字或连字符。",
        "A provisional number has 1 to 40 capital letters, digits or hyphens.",
    )
}

fn number_taken() -> Rejection {
    Rejection::of(
        RejectionCode::ProvisionalNumberTaken,
        &["provisionalNumber"],
        "本终端已将此临时编号用于另一件，请换用新的编号。",
        "This device gave the provisional number to another application; print a new one.",
    )
}

fn unreadable() -> Rejection {
    Rejection::of(
        RejectionCode::SealedUnreadable,
        &["sealedInput"],
        "密封内容无法打开：已损坏，或非本终端所封，或所用公钥已停用。",
        "The sealed input does not open: it was altered, or sealed by another device or to a key that is gone.",
    )
}
