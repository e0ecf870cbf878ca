//! Whether there is room for a whole write set: known from what was refused, and from trials of that size.
//!
//! On a nearly full disk a row still fits where a case does not, so a readiness that writes a row stays green while
//! every applicant is refused. Here a refusal for want of room raises a doubt, and only a committed trial, several
//! times the size of an ordinary write set, settles it. A trial is also made from time to time without a doubt, so
//! that nobody has to be refused first.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use onedoor_entity::write_probe;
use rand::RngCore as _;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, EntityTrait as _};
use tokio::time::Instant;

use super::dialect;
use super::error::StoreError;
use super::tx::Tx;

/// Size of a trial, bytes: a submitted case changes about 60 pages of 4 KiB, most of them in indexes.
const TRIAL_BYTES: usize = 512 * 1_024;
/// How often a trial is made without a doubt: it is written to the disk each time.
const TRIAL_EVERY: Duration = Duration::from_secs(60);
/// For how long a commit speaks for the next one.
const FRESH_FOR: Duration = Duration::from_secs(1);
/// The one row of trials.
const TRIAL_ROW: &str = "room";

/// What is known of the room.
#[derive(Debug, Default)]
pub(super) struct Room(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// How often something was refused for want of room.
    refusals: u64,
    /// The refusals that a later trial has answered.
    settled: u64,
    /// When a trial was last committed.
    tried: Option<Instant>,
    /// When anything was last committed.
    committed: Option<Instant>,
}

/// How to prove that writes can be committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// Something was committed a moment ago, and nothing speaks against it.
    Given,
    /// A row is enough.
    Row,
    /// A trial of a write set's size, begun after so many refusals.
    Trial(u64),
}

impl Room {
    /// A transaction was committed.
    pub(super) fn note_commit(&self) {
        self.known().committed = Some(Instant::now());
    }

    /// A write was refused: for want of room, perhaps.
    pub(super) fn note(&self, error: StoreError) -> StoreError {
        if lacks_room(&error) {
            let mut known = self.known();
            let doubted = known.doubted();
            known.refusals += 1;
            drop(known);
            if !doubted {
                tracing::error!(
                    "the database has no room for a whole write set; the gateway is not ready until it has"
                );
            }
        }
        error
    }

    /// The proof that is due now.
    pub(super) fn proof_due(&self, now: Instant) -> Proof {
        let known = self.known();
        let within = |then: Option<Instant>, time| then.is_some_and(|then| now < then + time);
        if known.doubted() {
            Proof::Trial(known.refusals)
        } else if within(known.committed, FRESH_FOR) {
            Proof::Given
        } else if within(known.tried, TRIAL_EVERY) {
            Proof::Row
        } else {
            Proof::Trial(known.refusals)
        }
    }

    /// A trial that was begun after so many refusals is committed; what was refused since then still counts.
    pub(super) fn note_trial(&self, refusals: u64) {
        let mut known = self.known();
        known.settled = known.settled.max(refusals);
        known.tried = Some(Instant::now());
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    const fn doubted(&self) -> bool {
        self.refusals > self.settled
    }
}

/// Writes a trial. Its bytes are random, because a database may compress others.
pub(super) async fn write_trial(tx: &Tx) -> Result<(), StoreError> {
    let mut filler = vec![0; TRIAL_BYTES];
    rand::rng().fill_bytes(&mut filler);
    let row = write_probe::ActiveModel {
        name: Set(TRIAL_ROW.to_owned()),
        filler: Set(filler),
    };
    write_probe::Entity::insert(row)
        .on_conflict(
            OnConflict::column(write_probe::Column::Name)
                .update_column(write_probe::Column::Filler)
                .to_owned(),
        )
        .exec_without_returning(tx.connection())
        .await?;
    Ok(())
}

fn lacks_room(error: &StoreError) -> bool {
    match error {
        StoreError::Unavailable { source } | StoreError::Unknown { source } => dialect::lacks_room(source),
        StoreError::NotFound { .. }
        | StoreError::Conflict { .. }
        | StoreError::Stale
        | StoreError::Busy { .. }
        | StoreError::Corrupt { .. }
        | StoreError::Other { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sea_orm::{DbErr, RuntimeErr, sqlx};

    /// The error of a disk that does not exist any more, as SQLite tells it.
    async fn refusal() -> StoreError {
        let refused = sqlx::SqlitePool::connect("sqlite:///no/such/folder/onedoor.db").await;
        StoreError::Unavailable {
            source: DbErr::Exec(RuntimeErr::SqlxError(refused.unwrap_err().into())),
        }
    }

    #[test]
    fn a_row_proves_enough_until_a_trial_is_due_or_something_was_refused() {
        let (room, now) = (Room::default(), Instant::now());
        assert_eq!(
            room.proof_due(now),
            Proof::Trial(0),
            "the first look is a whole one"
        );
        room.note_commit();
        room.note_trial(0);
        assert_eq!(room.proof_due(now), Proof::Given);
        assert_eq!(room.proof_due(now + 2 * FRESH_FOR), Proof::Row);
        assert_eq!(room.proof_due(now + 2 * TRIAL_EVERY), Proof::Trial(0));
    }

    #[tokio::test]
    async fn only_a_trial_begun_after_the_last_refusal_settles_it() {
        let (room, now) = (Room::default(), Instant::now());
        room.note_trial(0);
        drop(room.note(refusal().await));
        room.note_commit();
        assert_eq!(
            room.proof_due(now),
            Proof::Trial(1),
            "a small commit settles nothing"
        );
        drop(room.note(refusal().await));
        room.note_trial(1);
        assert_eq!(
            room.proof_due(now),
            Proof::Trial(2),
            "the second refusal came while the trial ran"
        );
        room.note_trial(2);
        assert_eq!(room.proof_due(now), Proof::Given);
    }

    #[test]
    fn a_pool_without_a_free_connection_is_no_want_of_room() {
        let room = Room::default();
        room.note_trial(0);
        drop(room.note(StoreError::Unavailable {
            source: DbErr::Conn(RuntimeErr::Internal("timed out".to_owned())),
        }));
        assert_eq!(room.proof_due(Instant::now()), Proof::Row);
    }
}
