//! What people do about deliveries that do not go on by themselves: send again, or say what the system has.

use chrono::{DateTime, Utc};
use onedoor_domain::actor::{Actor, ActorKind};
use onedoor_domain::audit::{AuditAction, AuditEntry};
use onedoor_domain::case::command::{By, Command, DeliveryResolved};
use onedoor_domain::case::decide;
use onedoor_domain::delivery::{AttemptEntry, DeliveryEntry, DeliveryResolution, DeliveryState};
use onedoor_domain::id::{DeliveryId, HandoffId};
use onedoor_domain::idempotency::{Fingerprint, IdempotencyKey};
use onedoor_domain::policy::Act;

use super::cases::{ATTEMPTS_MAX, Cases, Done, answer_about, verdict};
use super::delivery_texts::state_words;
use super::guard;
use super::rejection::{Rejection, RejectionCode};
use crate::error::{AppError, ErrorCode};
pub use crate::store::delivery_list::DeliveryCount;
use crate::store::outbox::{DeliveryResult, Tries};
use crate::store::write_set::{Commit, IdempotencyClaim};
use crate::upstream::text::ExternalId;

/// One act on a delivery.
#[derive(Debug, Clone)]
pub struct DeliveryOrder {
    /// Which delivery.
    pub delivery: DeliveryId,
    /// The version of it that the caller has seen.
    pub expected: i32,
    /// The caller's key: the same key and content are carried out once.
    pub key: IdempotencyKey,
    /// Hash of the canonical input.
    pub fingerprint: Fingerprint,
    /// What is said of it.
    pub resolution: DeliveryResolution,
    /// The system's number for the case.
    pub number: Option<String>,
    /// How it was learnt, in words.
    pub note: Option<String>,
}

impl DeliveryOrder {
    /// The mutation it came by.
    const fn act(&self) -> &'static str {
        match self.resolution {
            DeliveryResolution::SentAgain => "redeliver",
            DeliveryResolution::Taken | DeliveryResolution::NotTaken | DeliveryResolution::GivenUp => {
                "resolveUncertainDelivery"
            }
        }
    }

    /// Whether a delivery waits for this as it stands.
    const fn fits(&self, entry: &DeliveryEntry) -> bool {
        let state = entry.state;
        match self.resolution {
            DeliveryResolution::SentAgain => state.can_be_redelivered(),
            // there is nothing to send
            DeliveryResolution::NotTaken => {
                state.can_be_resolved() && !matches!(state, DeliveryState::ToBeTold)
            }
            DeliveryResolution::Taken => state.can_be_resolved(),
            DeliveryResolution::GivenUp => entry.can_be_given_up(),
        }
    }

    /// What the outbox keeps of it.
    fn result(&self, entry: &DeliveryEntry, now: DateTime<Utc>) -> DeliveryResult {
        let again = |in_doubt| DeliveryResult::again(entry.id, entry.fence, now, in_doubt);
        let ended = |state, outcome: &str, reason: Option<&str>| DeliveryResult {
            outcome: outcome.to_owned(),
            state,
            reason: reason.map(str::to_owned),
            next_attempt_at: None,
            tries: Tries::Keep,
            ..again(false)
        };
        match self.resolution {
            DeliveryResolution::SentAgain => again(entry.in_doubt),
            DeliveryResolution::NotTaken => again(false),
            DeliveryResolution::Taken => ended(DeliveryState::Delivered, "RESOLVED", None),
            DeliveryResolution::GivenUp => ended(DeliveryState::Cancelled, "GIVEN_UP", Some("GIVEN_UP")),
        }
    }
}

impl Cases {
    /// Carries an act on a delivery out, once: a second click finds the answer of the first, or another version.
    ///
    /// # Errors
    /// NOT_FOUND: no such delivery of the actor's own; FORBIDDEN or UNAUTHENTICATED by the policy; STORE_UNAVAILABLE.
    pub async fn act_on_delivery(&self, actor: &Actor, order: DeliveryOrder) -> Result<Done, AppError> {
        guard::allow(actor, Act::ResolveDelivery)?;
        if let Some(done) = self.earlier(&actor.subject, order.key, order.fingerprint).await? {
            return Ok(done);
        }
        let done = self.resolve(actor, &order).await;
        if matches!(done, Ok(Ok(_))) {
            return done;
        }
        // the same act may have been committed beside this one: its answer goes before any refusal of a repetition
        match self.earlier(&actor.subject, order.key, order.fingerprint).await? {
            Some(earlier) => Ok(earlier),
            None => done,
        }
    }

    async fn resolve(&self, actor: &Actor, order: &DeliveryOrder) -> Result<Done, AppError> {
        let absent = || AppError::of(ErrorCode::NotFound);
        for _ in 0..ATTEMPTS_MAX {
            let proof = self.may_read(actor, Act::ResolveDelivery)?;
            let entry = self
                .store
                .delivery(&proof, order.delivery)
                .await?
                .ok_or_else(absent)?;
            if let Err(rejection) = checked(order, &entry, self.clock.now()) {
                return Ok(Err(vec![rejection]));
            }
            let loaded = self.store.load_case(entry.case).await?.ok_or_else(absent)?;
            let item = self.item_of(&loaded.case).await?;
            let (calendar, directory) = (self.calendar().await?, self.directory());
            let command = Command::ResolveDelivery(DeliveryResolved {
                delivery: entry.id,
                kind: entry.operation,
                upstream: entry.upstream.clone(),
                handoff: entry.handoff,
                resolution: order.resolution,
                number: order.number.clone(),
                note: order.note.clone(),
            });
            let decided = self.decide(By::from(actor), &item, calendar.calendar(), &directory, |cx| {
                decide::decide(&loaded.case, &command, cx)
            });
            let outcome = match decided {
                Ok(outcome) => outcome,
                Err(refusal) => return Ok(Err(vec![refusal.into()])),
            };
            let result = order.result(&entry, self.clock.now());
            let mut set = self.write_set(Some(loaded), outcome, &item, None).await?;
            set.idempotency = Some(IdempotencyClaim {
                principal: actor.subject.clone(),
                key: order.key,
                act: order.act(),
                fingerprint: order.fingerprint,
            });
            set.answer = Some(answer_about(after(entry, &result, self.clock.now())));
            set.delivery_result = Some(result);
            set.audit = self.audited(actor, order);
            match self.store.commit(set).await? {
                // the case moved on, or somebody else acted on the delivery: look again
                Commit::Stale | Commit::Overtaken => {}
                Commit::NumberTaken => return Ok(Err(vec![number_taken()])),
                settled @ (Commit::Committed(_)
                | Commit::Replayed { .. }
                | Commit::Mismatch
                | Commit::DocumentTaken) => {
                    let (verdict, committed) = verdict(settled)?;
                    if let Some(committed) = committed {
                        self.committed(&committed);
                    }
                    if let super::cases::Verdict::Over(done) = verdict {
                        return Ok(*done);
                    }
                }
            }
        }
        Err(AppError::of(ErrorCode::Overloaded).retry_after_ms(500))
    }

    /// What the audit log is told: offices answer for their deliveries in the ledger, the administrator here too.
    fn audited(&self, actor: &Actor, order: &DeliveryOrder) -> Option<AuditEntry> {
        let action = match order.resolution {
            DeliveryResolution::SentAgain => AuditAction::DeliveryRedelivered,
            DeliveryResolution::Taken | DeliveryResolution::NotTaken | DeliveryResolution::GivenUp => {
                AuditAction::DeliveryResolved
            }
        };
        let entry = || self.services.audit_entry(actor, action).on(order.delivery);
        (actor.kind == ActorKind::SystemAdmin).then(entry)
    }

    /// The deliveries that carry or follow some handoffs, as far as the actor may see them; none for whom they are not.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE.
    pub async fn deliveries_of(
        &self,
        actor: &Actor,
        handoffs: &[HandoffId],
    ) -> Result<Vec<DeliveryEntry>, AppError> {
        match self.may_read(actor, Act::ReadDeliveries) {
            Ok(proof) => Ok(self.store.deliveries_of(&proof, handoffs).await?),
            Err(_) => Ok(Vec::new()),
        }
    }

    /// The last attempts of some deliveries, as far as the actor may see them; none for whom they are not.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE.
    pub async fn attempts_of(
        &self,
        actor: &Actor,
        deliveries: &[DeliveryId],
    ) -> Result<Vec<AttemptEntry>, AppError> {
        match self.may_read(actor, Act::ReadDeliveries) {
            Ok(proof) => Ok(self.store.attempts_of(&proof, deliveries).await?),
            Err(_) => Ok(Vec::new()),
        }
    }

    /// How many deliveries that the actor may see have not reached their system, by state; none for whom they are not.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE.
    pub async fn count_undelivered(&self, actor: &Actor) -> Result<Vec<DeliveryCount>, AppError> {
        match self.may_read(actor, Act::ReadDeliveries) {
            Ok(proof) => Ok(self.store.count_undelivered(&proof).await?),
            Err(_) => Ok(Vec::new()),
        }
    }

    /// How many handoffs that the actor may see were taken over by a system that owes its report beyond the day on which
    /// the work was due; 0 for whom deliveries are not.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE.
    pub async fn count_silent(&self, actor: &Actor) -> Result<u64, AppError> {
        match self.may_read(actor, Act::ReadDeliveries) {
            Ok(proof) => Ok(self.store.count_silent(&proof, self.clock.now()).await?),
            Err(_) => Ok(0),
        }
    }
}

/// Whether an actor may act on deliveries that it sees.
#[must_use]
pub fn may_resolve(actor: &Actor) -> bool {
    guard::allow(actor, Act::ResolveDelivery).is_ok()
}

/// Whether an actor may see cases at all: the administrator of the system works without their content.
#[must_use]
pub fn may_see_cases(actor: &Actor) -> bool {
    guard::allow(actor, Act::ReadCase).is_ok()
}

/// A version as the schema shows it.
#[must_use]
pub fn version_of(entry: &DeliveryEntry) -> i32 {
    i32::try_from(entry.fence).unwrap_or(i32::MAX)
}

fn checked(order: &DeliveryOrder, entry: &DeliveryEntry, now: DateTime<Utc>) -> Result<(), Rejection> {
    if order.expected != version_of(entry) {
        let current = version_of(entry);
        return Err(Rejection {
            current_version: Some(current),
            ..Rejection::of(
                RejectionCode::StaleVersion,
                &["expectedVersion"],
                format!("该次送达已有变化（当前版本 {current}），请刷新后再操作。"),
                format!("The delivery has changed (it is at version {current}); look again, then repeat."),
            )
        });
    }
    if !order.fits(entry) {
        let words = state_words(entry, now);
        return Err(Rejection::of(
            RejectionCode::IllegalAct,
            &[],
            format!("该次送达的当前状态不能进行此操作：{}", words.zh),
            format!("This act is not possible as the delivery stands: {}", words.en),
        ));
    }
    let readable = |number: &String| ExternalId::parse(number).is_some_and(|id| id.as_str() == number);
    if order.number.as_ref().is_some_and(|number| !readable(number)) {
        return Err(Rejection::of(
            RejectionCode::InvalidField,
            &["number"],
            "流水号为空、过长或含不可见字符，请照对方系统所示填写。",
            "The number is empty, too long or not printable; give it as the other system shows it.",
        ));
    }
    Ok(())
}

/// The delivery as the act leaves it.
fn after(entry: DeliveryEntry, result: &DeliveryResult, now: DateTime<Utc>) -> DeliveryEntry {
    DeliveryEntry {
        state: result.state,
        reason: result.reason.clone(),
        in_doubt: result.in_doubt,
        fence: entry.fence.saturating_add(1),
        next_attempt_at: result.next_attempt_at.unwrap_or(now),
        awaited: None,
        changed_at: now,
        ..entry
    }
}

fn number_taken() -> Rejection {
    Rejection::of(
        RejectionCode::InvalidField,
        &["number"],
        "该流水号已属另一办件，请与对方核对。",
        "That number belongs to another case; check it with the other office.",
    )
}
