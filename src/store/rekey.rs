//! Rotation: wraps data keys anew under the current master key, and seals anew what is sealed with a retired data key or,
//! from the time before data keys, with a master key.
//!
//! Every step is a small batch in one transaction, and every row is replaced only if it still holds what was read. So a
//! step may be cut, repeated, or done by two replicas at once, and readers find either the old bytes or the new ones.

mod documents;
mod held;

use chrono::{DateTime, Duration, Utc};
use onedoor_domain::audit::AuditEntry;
use onedoor_domain::id::CaseId;
use onedoor_entity::data_key;
use sea_orm::sea_query::{Expr, Query, UpdateStatement};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait as _, EntityTrait as _, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use self::held::Wanted;
use super::audit;
use super::case::CaseStore;
use super::data_key::{KEPT_FOR, key_ids, wrapped_of};
use super::error::StoreError;
use super::tx::Tx;
use crate::secret::suite::SuiteName;

/// Retired data keys looked at in one step.
const KEYS_AT_ONCE: u64 = 20;

/// What one step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rekeyed {
    /// Data keys that were retired because they are of the other suite.
    pub retired: u64,
    /// Data keys wrapped anew.
    pub wrapped: u64,
    /// Values sealed anew.
    pub sealed: u64,
    /// Retired data keys that nothing refers to any more and that were removed.
    pub removed: u64,
}

impl Rekeyed {
    /// Whether there was nothing to do.
    #[must_use]
    pub fn is_nothing(self) -> bool {
        self == Self::default()
    }
}

/// Where a rotation goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RekeyFrom {
    /// From its start: everything is looked through.
    Start,
    /// Behind a data key that other master keys may wrap, or at the first.
    Wrapped(Option<Uuid>),
    /// At the values that are sealed with master keys.
    OfMasters,
    /// Behind a retired data key, or at the first.
    Retired(Option<Uuid>),
    /// It is through.
    End,
}

/// What a rotation has still to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RekeyRemaining {
    /// Data keys that other master keys wrap.
    pub wrapped: u64,
    /// Retired data keys that may still seal something.
    pub retired: u64,
    /// Values that are sealed with master keys.
    pub of_masters: u64,
}

impl CaseStore {
    /// One step of a rotation; call it again from where it stopped until a round ends without anything done.
    /// `keep_answers`: how long answers under callers' keys are kept; a retired key is kept as long, because they are not
    /// sealed anew.
    ///
    /// # Errors
    /// As any write; what earlier steps did stays done.
    pub async fn rekey(
        &self,
        now: DateTime<Utc>,
        batch: u64,
        keep_answers: Duration,
        from: RekeyFrom,
    ) -> Result<(Rekeyed, RekeyFrom), StoreError> {
        match from {
            RekeyFrom::Start => {
                let done = Rekeyed {
                    retired: self.retire_other_suites(now).await?,
                    removed: self.remove_keys(now - keep_answers - Duration::days(1)).await?,
                    ..Rekeyed::default()
                };
                Ok((done, RekeyFrom::Wrapped(None)))
            }
            RekeyFrom::Wrapped(behind) => {
                let (wrapped, last) = self.rewrap(behind, batch).await?;
                let next = last.map_or(RekeyFrom::OfMasters, |last| RekeyFrom::Wrapped(Some(last)));
                let done = Rekeyed {
                    wrapped,
                    ..Rekeyed::default()
                };
                Ok((done, next))
            }
            RekeyFrom::OfMasters => {
                let sealed = self.reseal(Wanted::OfMaster, batch, now).await?;
                let next = if sealed > 0 {
                    RekeyFrom::OfMasters
                } else {
                    RekeyFrom::Retired(None)
                };
                let done = Rekeyed {
                    sealed,
                    ..Rekeyed::default()
                };
                Ok((done, next))
            }
            RekeyFrom::Retired(behind) => self.rekey_retired(behind, now, batch).await,
            RekeyFrom::End => Ok((Rekeyed::default(), RekeyFrom::End)),
        }
    }

    /// Seals anew what is sealed with the retired keys behind one.
    async fn rekey_retired(
        &self,
        behind: Option<Uuid>,
        now: DateTime<Utc>,
        batch: u64,
    ) -> Result<(Rekeyed, RekeyFrom), StoreError> {
        let mut done = Rekeyed::default();
        let keys = data_key::Entity::find()
            .filter(at_work())
            .filter(data_key::Column::Id.gt(behind.unwrap_or(Uuid::nil())))
            .order_by_asc(data_key::Column::Id)
            .limit(KEYS_AT_ONCE)
            .all(self.database().read())
            .await?;
        let Some(last) = keys.last().map(|key| key.id) else {
            return Ok((done, RekeyFrom::End));
        };
        let late = KEPT_FOR + KEPT_FOR;
        let mut before = behind;
        for key in keys {
            // this replica may not have heard that it is retired
            self.key_cache().retire(&key);
            let wanted = Wanted::OfKey(key.id, key.case_id.map(CaseId::from_uuid));
            done.sealed += self
                .reseal(wanted, batch.saturating_sub(done.sealed), now)
                .await?;
            if done.sealed >= batch {
                return Ok((done, RekeyFrom::Retired(before)));
            }
            // who planned a write with it has written by then
            let quiet = key
                .retired_at
                .and_then(DateTime::from_timestamp_micros)
                .is_some_and(|at| at + late < now);
            if quiet && self.find(wanted, 1).await?.is_empty() {
                self.mark_emptied(key.id, now).await?;
            }
            before = Some(key.id);
        }
        Ok((done, RekeyFrom::Retired(Some(last))))
    }

    /// How much a rotation has still to do.
    ///
    /// # Errors
    /// As any query.
    pub async fn rekey_remaining(&self) -> Result<RekeyRemaining, StoreError> {
        let read = self.database().read();
        let wrapped = data_key::Entity::find()
            .filter(data_key::Column::MasterKey.ne(self.keys().masters.key_id().to_string()))
            .filter(data_key::Column::DestroyedAt.is_null());
        let retired = data_key::Entity::find().filter(at_work());
        Ok(RekeyRemaining {
            wrapped: wrapped.count(read).await?,
            retired: retired.count(read).await?,
            of_masters: self.count_of_masters().await?.values().sum(),
        })
    }

    /// Retires data keys, all or those of a case: nothing new is sealed with them, and what they sealed is sealed anew.
    ///
    /// # Errors
    /// As any write.
    pub async fn retire_keys(
        &self,
        case: Option<CaseId>,
        now: DateTime<Utc>,
        entry: AuditEntry,
    ) -> Result<u64, StoreError> {
        let of = case.map(|case| data_key::Column::CaseId.eq(case.uuid()));
        let retire = data_key::Entity::update_many()
            .col_expr(data_key::Column::RetiredAt, Expr::value(now.timestamp_micros()))
            .filter(data_key::Column::RetiredAt.is_null())
            .filter(data_key::Column::DestroyedAt.is_null())
            .filter(Condition::all().add_option(of));
        let database = self.database().clone();
        let write = async move {
            let tx = database.write_tx().await?;
            let retired = retire.exec(tx.connection()).await?.rows_affected;
            audit::write(&tx, &entry).await?;
            tx.commit().await?;
            Ok(retired)
        };
        let retired = self.database().in_turn(write).await?;
        self.key_cache().forget();
        Ok(retired)
    }

    async fn retire_other_suites(&self, now: DateTime<Utc>) -> Result<u64, StoreError> {
        let current = self.keys().masters.suite();
        let others = SuiteName::ALL.into_iter().filter(|suite| *suite != current);
        let others = Condition::all()
            .add(data_key::Column::Suite.is_in(others.map(SuiteName::as_str)))
            .add(data_key::Column::RetiredAt.is_null())
            .add(data_key::Column::DestroyedAt.is_null());
        let any = data_key::Entity::find()
            .filter(others.clone())
            .one(self.database().read())
            .await?;
        if any.is_none() {
            return Ok(0);
        }
        let database = self.database().clone();
        let write = async move {
            let tx = database.write_tx().await?;
            let retired = data_key::Entity::update_many()
                .col_expr(data_key::Column::RetiredAt, Expr::value(now.timestamp_micros()))
                .filter(others)
                .exec(tx.connection())
                .await?;
            tx.commit().await?;
            Ok(retired.rows_affected)
        };
        self.database().in_turn(write).await
    }

    /// Wraps the next keys behind one anew; gives how many and the last that was looked at.
    async fn rewrap(&self, behind: Option<Uuid>, batch: u64) -> Result<(u64, Option<Uuid>), StoreError> {
        let masters = &self.keys().masters;
        let others = masters.ids().filter(|id| *id != masters.key_id());
        let rows = data_key::Entity::find()
            .filter(data_key::Column::MasterKey.is_in(others.map(|id| id.to_string())))
            .filter(data_key::Column::DestroyedAt.is_null())
            .filter(data_key::Column::Id.gt(behind.unwrap_or(Uuid::nil())))
            .order_by_asc(data_key::Column::Id)
            .limit(batch)
            .all(self.database().read())
            .await?;
        let last = rows.last().map(|row| row.id);
        let mut updates = Vec::new();
        for row in rows {
            let Some(wrapped) = wrapped_of(&row, self.keys())? else {
                continue;
            };
            let fresh = masters.rewrap(&wrapped).map_err(StoreError::other)?;
            updates.push(
                Query::update()
                    .table(data_key::Entity)
                    .value(data_key::Column::MasterKey, fresh.master.to_string())
                    .value(data_key::Column::Wrapped, fresh.bytes)
                    .and_where(data_key::Column::Id.eq(row.id))
                    .and_where(data_key::Column::Wrapped.eq(wrapped.bytes))
                    .to_owned(),
            );
        }
        Ok((self.replace_all(updates).await?, last))
    }

    async fn mark_emptied(&self, id: Uuid, now: DateTime<Utc>) -> Result<(), StoreError> {
        let database = self.database().clone();
        let write = async move {
            let tx = database.write_tx().await?;
            data_key::Entity::update_many()
                .col_expr(data_key::Column::EmptiedAt, Expr::value(now.timestamp_micros()))
                .filter(data_key::Column::Id.eq(id))
                .exec(tx.connection())
                .await?;
            tx.commit().await
        };
        self.database().in_turn(write).await
    }

    /// Removes keys that sealed nothing any more when the last answer that one may have sealed was removed.
    async fn remove_keys(&self, before: DateTime<Utc>) -> Result<u64, StoreError> {
        let over = Condition::all()
            .add(data_key::Column::RetiredAt.lt(before.timestamp_micros()))
            .add(data_key::Column::EmptiedAt.is_not_null())
            .add(data_key::Column::DestroyedAt.is_null());
        let any = data_key::Entity::find()
            .filter(over.clone())
            .one(self.database().read())
            .await?;
        if any.is_none() {
            return Ok(0);
        }
        let database = self.database().clone();
        let write = async move {
            let tx = database.write_tx().await?;
            let removed = data_key::Entity::delete_many()
                .filter(over)
                .exec(tx.connection())
                .await?;
            tx.commit().await?;
            Ok(removed.rows_affected)
        };
        self.database().in_turn(write).await
    }

    /// Seals some values anew. One that does not open is left as it is, and told.
    async fn reseal(&self, wanted: Wanted, batch: u64, now: DateTime<Utc>) -> Result<u64, StoreError> {
        let found = self.find(wanted, batch).await?;
        let opener = self
            .opener(key_ids(found.iter().map(|held| held.bytes.as_slice())))
            .await?;
        let mut updates = Vec::new();
        for held in found {
            let value = match opener.open(&held.place, held.bytes) {
                Ok(Some(value)) => value,
                // erased meanwhile
                Ok(None) => continue,
                Err(error) => {
                    tracing::error!(error = %error, "a sealed value does not open and stays as it is");
                    continue;
                }
            };
            let key = self.sealing_key(held.owner, now).await?;
            let sealed = key.seal(&held.place, value.expose()).map_err(StoreError::other)?;
            updates.push((held.replace)(sealed.into_bytes()));
        }
        self.replace_all(updates).await
    }

    async fn replace_all(&self, updates: Vec<UpdateStatement>) -> Result<u64, StoreError> {
        if updates.is_empty() {
            return Ok(0);
        }
        let database = self.database().clone();
        let write = async move {
            let tx = database.write_tx().await?;
            let replaced = run_all(&tx, &updates).await?;
            fail::fail_point!("rekey.before", |_| Err(StoreError::other(
                "failpoint rekey.before"
            )));
            tx.commit().await?;
            fail::fail_point!("rekey.after", |_| Err(StoreError::other("failpoint rekey.after")));
            Ok(replaced)
        };
        self.database().in_turn(write).await
    }
}

/// Retired keys that may still seal something.
fn at_work() -> Condition {
    Condition::all()
        .add(data_key::Column::RetiredAt.is_not_null())
        .add(data_key::Column::EmptiedAt.is_null())
        .add(data_key::Column::DestroyedAt.is_null())
}

async fn run_all(tx: &Tx, updates: &[UpdateStatement]) -> Result<u64, StoreError> {
    let mut replaced = 0;
    for update in updates {
        replaced += tx.connection().execute(update).await?.rows_affected();
    }
    Ok(replaced)
}
