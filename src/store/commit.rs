//! Stores write sets: one set, one transaction, everything or nothing.
//!
//! All rows are made, sealed and signed before the transaction begins. That is possible because the revision of a
//! case moves with every write: if the case is still at the revision it was loaded at, the head of its ledger is the
//! one it was loaded with. Nothing is computed while locks are held, and a set can be tried again as it is.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sea_orm::DbErr;

use super::case::CaseStore;
use super::data_key::Owner;
use super::error::StoreError;
use super::idempotency::Record;
use super::write_set::{Commit, IdempotencyClaim, WriteSet};

mod plan;
mod write;

use plan::Plan;

/// How often a set is tried when other transactions are in its way.
const ATTEMPTS_MAX: u32 = 6;
/// Pause before a set is tried again, times the number of the attempt.
const PAUSE: Duration = Duration::from_millis(5);

/// What came of one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Stored,
    KeyTaken,
    Stale,
    Overtaken,
    NumberTaken,
    DocumentTaken,
}

impl CaseStore {
    /// Stores a write set. Only `Committed` and `Replayed` mean that the act is stored; it then survives everything.
    ///
    /// # Errors
    /// `Unavailable`: nothing was stored. `Unknown`: the connection broke while committing and the outcome could not
    /// be learnt either; the caller may try again with the same key. `Conflict` on the tracking code: draw another.
    pub fn commit(&self, set: WriteSet) -> BoxFuture<'_, Result<Commit, StoreError>> {
        // boxed, because every act of every use case holds it
        Box::pin(self.commit_once(set))
    }

    async fn commit_once(&self, set: WriteSet) -> Result<Commit, StoreError> {
        let owner = Owner::Case(set.case.after.id);
        let (key, new) = match &set.case.before {
            Some(_) => (self.sealing_key(owner, set.now).await?, None),
            None => {
                let (key, row) = self.new_key(owner, set.now)?;
                (key, Some(row))
            }
        };
        let is_new = new.is_some();
        let plan = Arc::new(Plan::of(set, self.keys(), &key, new)?);
        fail::fail_point!("commit.before", |_| Err(failed("commit.before")));
        let mut attempt = 1;
        let verdict = loop {
            match self.store(&plan).await {
                Err(busy) if busy.retry_at_once() && attempt < ATTEMPTS_MAX => {
                    tokio::time::sleep(PAUSE * attempt).await;
                    attempt += 1;
                }
                Err(StoreError::Unknown { source }) => break self.settle(&plan, source).await?,
                other => break other?,
            }
        };
        match (verdict, &plan.claim) {
            (Verdict::Stored, _) => {}
            (Verdict::KeyTaken, Some((claim, _))) => return self.replay(claim).await,
            (Verdict::KeyTaken, None) => {
                return Err(StoreError::other("a key was taken that was not claimed"));
            }
            (Verdict::Stale, _) => return Ok(Commit::Stale),
            (Verdict::Overtaken, _) => return Ok(Commit::Overtaken),
            (Verdict::NumberTaken, _) => return Ok(Commit::NumberTaken),
            (Verdict::DocumentTaken, _) => return Ok(Commit::DocumentTaken),
        }
        if is_new {
            self.key_cache().keep(owner, &key);
        }
        // the writer is done with it by now; a set that it still held would only be copied
        let sealed = Arc::try_unwrap(plan).map_or_else(|held| held.sealed.clone(), |plan| plan.sealed);
        Ok(Commit::Committed(Box::new(sealed)))
    }

    async fn store(&self, plan: &Arc<Plan>) -> Result<Verdict, StoreError> {
        let (database, plan) = (self.database().clone(), Arc::clone(plan));
        let write = async move {
            let tx = database.write_tx().await?;
            let written = write::write(&tx, &plan).await;
            match written.map_err(|error| database.note(error))? {
                Verdict::Stored => {
                    tx.commit().await?;
                    fail::fail_point!("commit.after", |_| Err(StoreError::Unknown {
                        source: DbErr::Custom("failpoint commit.after".to_owned()),
                    }));
                    Ok(Verdict::Stored)
                }
                refused @ (Verdict::KeyTaken
                | Verdict::Stale
                | Verdict::Overtaken
                | Verdict::NumberTaken
                | Verdict::DocumentTaken) => {
                    tx.rollback().await?;
                    Ok(refused)
                }
            }
        };
        self.database().in_turn(write).await
    }

    /// Learns what became of a commit whose answer was lost. The probe first waits for the lost transaction, should
    /// it still be at work, by asking for a lock that it holds.
    async fn settle(&self, plan: &Arc<Plan>, lost: DbErr) -> Result<Verdict, StoreError> {
        let (database, plan) = (self.database().clone(), Arc::clone(plan));
        let probe = async move {
            let tx = database.write_tx().await?;
            write::wait_for_lost(&tx, &plan).await?;
            let stored = write::is_stored(&tx, &plan).await?;
            tx.rollback().await?;
            Ok::<_, StoreError>(stored)
        };
        match self.database().in_turn(probe).await {
            Ok(true) => Ok(Verdict::Stored),
            Ok(false) => Err(StoreError::Unavailable { source: lost }),
            Err(_) => Err(StoreError::Unknown { source: lost }),
        }
    }

    async fn replay(&self, claim: &IdempotencyClaim) -> Result<Commit, StoreError> {
        match self.look_up(&claim.principal, claim.key).await? {
            Some(Record {
                act,
                fingerprint,
                answer,
                ..
            }) if act == claim.act && fingerprint == claim.fingerprint => Ok(Commit::Replayed {
                answer: answer.unwrap_or_default(),
            }),
            Some(_) => Ok(Commit::Mismatch),
            // the record's time ran out between the two statements
            None => Err(StoreError::Stale),
        }
    }
}

/// The error of a failpoint; nothing was stored.
#[cfg_attr(
    not(feature = "failpoints"),
    expect(dead_code, reason = "failpoints exist in the test build only")
)]
fn failed(point: &str) -> StoreError {
    StoreError::Unavailable {
        source: DbErr::Custom(format!("failpoint {point}")),
    }
}
