//! Keeps the blind index whole: cases from before it, and rows of an older key or older rules, are written anew.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use onedoor_domain::id::CaseId;

use crate::error::AppError;
use crate::service::More;
use crate::service::cases::Cases;

/// Cases of one write.
const BATCH: u64 = 100;
/// How long after a walk over all cases the next one begins. New cases bring their row themselves; what a walk can miss
/// was written meanwhile by a replica that does not have the new key yet.
const REST: TimeDelta = TimeDelta::minutes(10);
/// How often it is looked whether the next walk is due.
pub const TICK: Duration = Duration::from_secs(60);

/// Writes rows anew. Safe on several replicas: they write the same.
pub struct Indexing {
    cases: Arc<Cases>,
    walk: Mutex<Walk>,
}

/// How far a walk over all cases is.
#[derive(Debug, Clone, Copy)]
enum Walk {
    /// Behind this case; `None`: at the beginning.
    Behind(Option<CaseId>),
    /// Through; the next one begins then.
    Until(DateTime<Utc>),
}

impl Indexing {
    /// A walk that begins at once.
    #[must_use]
    pub const fn new(cases: Arc<Cases>) -> Self {
        Self {
            cases,
            walk: Mutex::new(Walk::Behind(None)),
        }
    }

    /// One step of the walk. A case whose applicant cannot be opened is told, and passed over.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE; the next step begins where this one did.
    pub async fn step(&self) -> Result<More, AppError> {
        let now = self.cases.clock.now();
        let walk = *self.walk.lock().unwrap_or_else(PoisonError::into_inner);
        let behind = match walk {
            Walk::Until(due) if now < due => return Ok(More::No),
            Walk::Until(_) => None,
            Walk::Behind(case) => case,
        };
        let found = self.cases.store.not_indexed(behind, BATCH).await?;
        if self.cases.store.index_applicants(&found, now).await.is_err() {
            // one after another, so that one stops no other; what stops all of them is told by the first
            for case in &found {
                self.index_one(*case, now).await?;
            }
        }
        let last = found.last().copied();
        let through = u64::try_from(found.len()).is_ok_and(|count| count < BATCH);
        let (next, more) = if through {
            (Walk::Until(now + REST), More::No)
        } else {
            (Walk::Behind(last), More::Perhaps)
        };
        *self.walk.lock().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(more)
    }

    async fn index_one(&self, case: CaseId, now: DateTime<Utc>) -> Result<(), AppError> {
        use crate::store::error::StoreError;
        match self.cases.store.index_applicants(&[case], now).await {
            Err(StoreError::Other { source }) => {
                tracing::warn!(case.id = %case, error = %source, "an applicant is not indexed");
                Ok(())
            }
            other => Ok(other?),
        }
    }
}
