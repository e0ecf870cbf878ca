//! What the gateway does by itself towards an upstream system: one replica at a time, and never further than what is stored.

use std::time::Duration;

use chrono::{DateTime, Utc};
use onedoor_domain::delivery::NoticeState;
use onedoor_domain::handoff::HandoffState;
use onedoor_domain::id::{CaseId, HandoffId};
use onedoor_entity::{external_number, handoff, inbox, upstream_watch};
use sea_orm::sea_query::{Expr, ExprTrait as _, Query};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, TryInsertResult,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::case::CaseStore;
use super::data_key::{Owner, Sealing};
use super::error::StoreError;
use super::inbox::NoticeKey;
use super::names::name_of;
use super::tx::Tx;
use crate::secret::data_key::DataKey;

/// What is done by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Duty {
    /// Asking for all news since a cursor.
    Poll,
    /// Asking for cases that are overdue there.
    AskOverdue,
    /// Comparing all open cases with what it says of them (对账).
    Reconcile,
}

/// A duty that is this process's until its lease ends.
#[derive(Debug, Clone)]
pub struct Watch {
    /// The system.
    pub upstream: String,
    /// What.
    pub duty: Duty,
    /// Where to go on; `None`: from the beginning.
    pub cursor: Option<String>,
    /// Failures in a row.
    pub failures: i32,
    fence: i64,
}

/// How far a duty came.
#[derive(Debug, Clone)]
pub struct WatchStep {
    /// Where to go on.
    pub cursor: Option<String>,
    /// Until when it stays this process's.
    pub lease_until: DateTime<Utc>,
    /// When it is done next.
    pub next_at: DateTime<Utc>,
    /// Failures in a row.
    pub failures: i32,
}

/// A notice to store.
#[derive(Debug, Clone)]
pub struct NewNotice {
    /// Which one.
    pub key: NoticeKey,
    /// What it says.
    pub facts: Value,
}

impl CaseStore {
    /// Takes a duty that is due and nobody's.
    ///
    /// # Errors
    /// As any write.
    pub async fn claim_watch(
        &self,
        upstream: &str,
        duty: Duty,
        now: DateTime<Utc>,
        lease: Duration,
    ) -> Result<Option<Watch>, StoreError> {
        let word = name_of(duty)?;
        let known = upstream_watch::Entity::find_by_id((upstream.to_owned(), word.clone()))
            .one(self.database().read())
            .await?;
        let now = now.timestamp_micros();
        if known.is_some_and(|row| row.lease_until > now || row.next_at > now) {
            return Ok(None);
        }
        let lease = i64::try_from(lease.as_micros()).unwrap_or(i64::MAX);
        let (database, upstream) = (self.database().clone(), upstream.to_owned());
        let write = async move {
            let tx = database.write_tx().await?;
            let first = upstream_watch::Model {
                upstream: upstream.clone(),
                duty: word.clone(),
                cursor: None,
                fence: 0,
                lease_until: 0,
                next_at: 0,
                failures: 0,
                succeeded_at: None,
            };
            upstream_watch::Entity::insert(first.into_active_model())
                .on_conflict_do_nothing_on([upstream_watch::Column::Upstream, upstream_watch::Column::Duty])
                .exec_without_returning(tx.connection())
                .await?;
            let taken = upstream_watch::Entity::update_many()
                .col_expr(
                    upstream_watch::Column::Fence,
                    Expr::col(upstream_watch::Column::Fence).add(1),
                )
                .col_expr(
                    upstream_watch::Column::LeaseUntil,
                    Expr::value(now.saturating_add(lease)),
                )
                .filter(upstream_watch::Column::Upstream.eq(&upstream))
                .filter(upstream_watch::Column::Duty.eq(&word))
                .filter(upstream_watch::Column::LeaseUntil.lte(now))
                .filter(upstream_watch::Column::NextAt.lte(now))
                .exec(tx.connection())
                .await?;
            if taken.rows_affected != 1 {
                tx.rollback().await?;
                return Ok(None);
            }
            let row = upstream_watch::Entity::find_by_id((upstream.clone(), word))
                .one(tx.connection())
                .await?
                .ok_or(StoreError::NotFound { what: "watch" })?;
            tx.commit().await?;
            Ok(Some(Watch {
                upstream,
                duty,
                cursor: row.cursor,
                failures: row.failures,
                fence: row.fence,
            }))
        };
        self.database().in_turn(write).await
    }

    /// Stores what was heard and how far that is, together. Gives which of the notices are new, in their order; `None`:
    /// somebody else goes on by now and nothing was stored.
    ///
    /// # Errors
    /// As any write.
    pub async fn step_watch(
        &self,
        watch: &Watch,
        step: &WatchStep,
        notices: &[NewNotice],
        now: DateTime<Utc>,
    ) -> Result<Option<Vec<bool>>, StoreError> {
        let mut rows = Vec::new();
        if !notices.is_empty() {
            let key = self.sealing_key(Owner::Kind(Sealing::Notice), now).await?;
            for (place, notice) in (0_i64..).zip(notices) {
                // a microsecond apart, so that the inbox keeps their order
                let at = now.timestamp_micros().saturating_add(place);
                rows.push(inbox_row(&notice.key, &notice.facts, at, &key)?);
            }
        }
        let (database, watch, step) = (self.database().clone(), watch.clone(), step.clone());
        let now = now.timestamp_micros();
        let write = async move {
            let tx = database.write_tx().await?;
            if !keep(&tx, &watch, &step, now).await? {
                tx.rollback().await?;
                return Ok(None);
            }
            let mut new = Vec::new();
            for row in rows {
                let inserted = inbox::Entity::insert(row.into_active_model())
                    .on_conflict_do_nothing_on([inbox::Column::Upstream, inbox::Column::EventId])
                    .exec_without_returning(tx.connection())
                    .await?;
                new.push(matches!(inserted, TryInsertResult::Inserted(1)));
            }
            tx.commit().await?;
            Ok(Some(new))
        };
        self.database().in_turn(write).await
    }

    /// How far a duty was when it was last stepped; `None`: nobody ever took it.
    ///
    /// # Errors
    /// As any query.
    pub async fn watched(&self, upstream: &str, duty: Duty) -> Result<Option<Option<String>>, StoreError> {
        let row = upstream_watch::Entity::find_by_id((upstream.to_owned(), name_of(duty)?))
            .one(self.database().read())
            .await?;
        Ok(row.map(|row| row.cursor))
    }

    /// Handoffs at work at a system that took their cases over under tokens, which begin with a mark, and has given no
    /// numbers yet; the newest first, so that tokens which never become numbers stand in nobody's way.
    ///
    /// # Errors
    /// As any query.
    pub async fn provisional_at(
        &self,
        upstream: &str,
        mark: &str,
        max: u64,
    ) -> Result<Vec<(CaseId, HandoffId)>, StoreError> {
        let numbers = || {
            Query::select()
                .column((external_number::Entity, external_number::Column::Number))
                .from(external_number::Entity)
                .and_where(
                    Expr::col((external_number::Entity, external_number::Column::CaseId))
                        .equals((handoff::Entity, handoff::Column::CaseId)),
                )
                .and_where(external_number::Column::Upstream.eq(upstream))
                .to_owned()
        };
        let a_token = external_number::Column::Number.starts_with(mark);
        let token = numbers().and_where(a_token.clone()).to_owned();
        let given = numbers().and_where(a_token.not()).to_owned();
        let found: Vec<(Uuid, Uuid)> = handoff::Entity::find()
            .select_only()
            .column(handoff::Column::CaseId)
            .column(handoff::Column::Id)
            .filter(Expr::col((handoff::Entity, handoff::Column::Open)))
            .filter(handoff::Column::Upstream.eq(upstream))
            .filter(handoff::Column::State.eq(name_of(HandoffState::Acknowledged)?))
            .filter(Expr::exists(token))
            .filter(Expr::exists(given).not())
            .order_by_desc(handoff::Column::Id)
            .limit(max)
            .into_tuple()
            .all(self.database().read())
            .await?;
        let keys = found.into_iter();
        Ok(keys
            .map(|(case, handoff)| (CaseId::from_uuid(case), HandoffId::from_uuid(handoff)))
            .collect())
    }

    /// Handoffs that a system took over and whose work is overdue there, by key, behind one of them.
    ///
    /// # Errors
    /// As any query.
    pub async fn overdue_at(
        &self,
        upstream: &str,
        behind: Option<HandoffId>,
        now: DateTime<Utc>,
        max: u64,
    ) -> Result<Vec<(CaseId, HandoffId)>, StoreError> {
        let found: Vec<(Uuid, Uuid)> = handoff::Entity::find()
            .select_only()
            .column(handoff::Column::CaseId)
            .column(handoff::Column::Id)
            .filter(Expr::col((handoff::Entity, handoff::Column::Open)))
            .filter(handoff::Column::DueAt.lte(now.timestamp_micros()))
            .filter(handoff::Column::Upstream.eq(upstream))
            .filter(handoff::Column::State.eq(name_of(HandoffState::Acknowledged)?))
            .filter(handoff::Column::Id.gt(behind.map_or(Uuid::nil(), |handoff| handoff.uuid())))
            .order_by_asc(handoff::Column::Id)
            .limit(max)
            .into_tuple()
            .all(self.database().read())
            .await?;
        let keys = found.into_iter();
        Ok(keys
            .map(|(case, handoff)| (CaseId::from_uuid(case), HandoffId::from_uuid(handoff)))
            .collect())
    }
}

/// Moves a duty on; `false`: somebody else has it by now.
pub(super) async fn keep(tx: &Tx, watch: &Watch, step: &WatchStep, now: i64) -> Result<bool, StoreError> {
    let mut row = upstream_watch::ActiveModel {
        cursor: Set(step.cursor.clone()),
        lease_until: Set(step.lease_until.timestamp_micros()),
        next_at: Set(step.next_at.timestamp_micros()),
        failures: Set(step.failures),
        ..Default::default()
    };
    if step.failures == 0 {
        row.succeeded_at = Set(Some(now));
    }
    let moved = upstream_watch::Entity::update_many()
        .set(row)
        .filter(upstream_watch::Column::Upstream.eq(&watch.upstream))
        .filter(upstream_watch::Column::Duty.eq(name_of(watch.duty)?))
        .filter(upstream_watch::Column::Fence.eq(watch.fence))
        .exec(tx.connection())
        .await?;
    Ok(moved.rows_affected == 1)
}

fn inbox_row(notice: &NoticeKey, facts: &Value, at: i64, key: &DataKey) -> Result<inbox::Model, StoreError> {
    let sealed = key.seal_json(&notice.place(), facts);
    Ok(inbox::Model {
        upstream: notice.upstream.clone(),
        event_id: notice.event_id.clone(),
        state: name_of(NoticeState::Received)?,
        facts: sealed.map_err(StoreError::other)?.into_bytes(),
        received_at: at,
        settled_at: None,
    })
}
