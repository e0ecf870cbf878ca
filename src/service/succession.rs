//! Brings the open cases of organizations that were succeeded to those who do their work now.
//!
//! Readers, decisions and lists read through the succession from the moment it is known; what this adds is the event
//! of each case, and the new address of what was only offered. Safe to run twice, on two replicas, at any moment.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use onedoor_domain::actor::ActorKind;
use onedoor_domain::case::command::{By, Command};
use onedoor_domain::case::decide::{self, Outcome};
use onedoor_domain::case::event::Event;
use onedoor_domain::delivery::DeliveryState;
use onedoor_domain::id::CaseId;
use tokio::sync::Mutex;

use super::More;
use super::cases::{ATTEMPTS_MAX, Cases};
use crate::cache::epochs::{Epoch, Stamp};
use crate::error::{AppError, ErrorCode};
use crate::store::outbox::{DeliveryResult, Tries};
use crate::store::succession::Unsent;
use crate::store::write_set::Commit;
use crate::telemetry;

/// A look without news finds what a replica that had not heard of a succession wrote since.
const LOOK_AGAIN: TimeDelta = TimeDelta::minutes(1);
/// Cases looked for at once.
const CASES_MAX: u64 = 200;

/// Moves open work to successors.
pub struct Successions {
    cases: Arc<Cases>,
    /// What was known of organizations, and when, at the last look that left nothing behind.
    looked: Mutex<Option<(Stamp, DateTime<Utc>)>>,
}

/// What came of one pass.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Passed {
    /// Cases that got their event.
    pub moved: usize,
    /// Cases that failed; the log says why.
    pub left: usize,
}

impl fmt::Display for Passed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} open cases moved to successors", self.moved)?;
        if self.left > 0 {
            write!(out, "; {} failed, a running gateway tries them again", self.left)?;
        }
        Ok(())
    }
}

/// What came of one case.
enum TakeOver {
    /// It has its event.
    Moved,
    /// There was nothing to move.
    Nothing,
}

impl Successions {
    /// Over the use cases of a case.
    #[must_use]
    pub const fn new(cases: Arc<Cases>) -> Self {
        Self {
            cases,
            looked: Mutex::const_new(None),
        }
    }

    /// Looks if organizations moved since the last look, or a minute has passed. Returns whether some cases are left.
    ///
    /// # Errors
    /// As [`Self::pass`].
    pub async fn look(&self) -> Result<More, AppError> {
        let mut looked = self.looked.lock().await;
        let known = self.cases.services.cache.epochs().stamp(&[Epoch::Organizations]);
        let now = self.cases.clock.now();
        if looked.is_some_and(|(stamp, at)| stamp == known && now - at < LOOK_AGAIN) {
            return Ok(More::No);
        }
        let passed = self.pass().await?;
        *looked = (passed.left == 0).then_some((known, now));
        Ok(if passed.left == 0 { More::No } else { More::Perhaps })
    }

    /// Looks once through all cases that wait for it. One that fails is isolated, logged and tried again by the next
    /// pass.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE of the look itself.
    pub async fn pass(&self) -> Result<Passed, AppError> {
        let (mut after, mut passed) = (None, Passed::default());
        loop {
            let found = self.cases.store.cases_to_take_over(after, CASES_MAX).await?;
            let Some(last) = found.last() else {
                return Ok(passed);
            };
            after = Some(*last);
            for case in found {
                match self.take_over(case).await {
                    Ok(TakeOver::Moved) => passed.moved += 1,
                    Ok(TakeOver::Nothing) => {}
                    Err(error) => {
                        passed.left += 1;
                        tracing::error!(
                            case.id = %case, error = %telemetry::chain(&error),
                            "a case could not be moved to its successor; it is tried again"
                        );
                    }
                }
            }
        }
    }

    async fn take_over(&self, id: CaseId) -> Result<TakeOver, AppError> {
        fail::fail_point!("succession.take_over", |_| Err(AppError::of(
            ErrorCode::Overloaded
        )));
        let cases = &self.cases;
        for _ in 0..ATTEMPTS_MAX {
            let Some(before) = cases.store.load_case(id).await? else {
                return Ok(TakeOver::Nothing);
            };
            let unsent = cases.store.unsent_deliveries(id).await?;
            let item = cases.item_of(&before.case).await?;
            let (calendar, directory) = (cases.calendar().await?, cases.directory());
            let command = Command::TakeOver {
                unsent: unsent.iter().map(|one| one.handoff).collect(),
            };
            let outcome = cases
                .decide(by(), &item, calendar.calendar(), &directory, |cx| {
                    decide::decide(&before.case, &command, cx)
                })
                .map_err(AppError::internal)?;
            if outcome.events.is_empty() {
                return Ok(TakeOver::Nothing);
            }
            let redirected = unsent.iter().filter(|one| is_redirected(&outcome, one));
            let withdrawn = redirected.map(withdrawal).collect();
            let mut set = cases.write_set(Some(before), outcome, &item, None).await?;
            set.withdrawn = withdrawn;
            match cases.store.commit(set).await? {
                Commit::Committed(set) => {
                    cases.committed(&set);
                    return Ok(TakeOver::Moved);
                }
                Commit::Stale | Commit::Overtaken => {}
                Commit::Replayed { .. } | Commit::Mismatch | Commit::NumberTaken | Commit::DocumentTaken => {
                    return Err(AppError::internal(
                        "a succession claims no key and gives no number",
                    ));
                }
            }
        }
        Err(AppError::of(ErrorCode::Overloaded).retry_after_ms(500))
    }
}

fn by() -> By {
    By {
        kind: ActorKind::System,
        subject: "succession".to_owned(),
        organization: None,
        on_behalf_of: None,
    }
}

fn is_redirected(outcome: &Outcome, unsent: &Unsent) -> bool {
    outcome.events.iter().any(|new| {
        if let Event::WorkTakenOver { redirected, .. } = &new.event {
            redirected.iter().any(|one| one.handoff == unsent.handoff)
        } else {
            false
        }
    })
}

/// The old delivery is no longer wanted; a worker that has taken it meanwhile moved its fence, and keeps it.
fn withdrawal(unsent: &Unsent) -> DeliveryResult {
    DeliveryResult {
        delivery: unsent.delivery,
        fence: unsent.fence,
        attempt: None,
        outcome: "NOT_WANTED".to_owned(),
        evidence: None,
        state: DeliveryState::Cancelled,
        reason: None,
        next_attempt_at: None,
        tries: Tries::Keep,
        in_doubt: false,
    }
}
