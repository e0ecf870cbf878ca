//! The inbox: notices of upstream systems are stored before they are answered and acted upon later, each once.

use chrono::{DateTime, Utc};
use onedoor_domain::delivery::NoticeState;
use onedoor_entity::inbox;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, Condition, EntityTrait as _, IntoActiveModel as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, TryInsertResult,
};
use serde_json::Value;

use super::case::CaseStore;
use super::data_key::{Owner, Sealing, key_ids};
use super::error::StoreError;
use super::names::name_of;
use super::parse::Row;
use super::tx::Tx;
use super::write_set::InboxMark;
use crate::secret::seal::SealPlace;

/// Names a notice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NoticeKey {
    /// Name of the upstream system.
    pub upstream: String,
    /// Its id of the notice.
    pub event_id: String,
}

impl NoticeKey {
    pub(super) fn place(&self) -> SealPlace {
        SealPlace::new(
            "inbox",
            "facts",
            format_args!("{}/{}", self.upstream, self.event_id),
        )
    }
}

/// What storing a notice came to. Both answers are a success to the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// It is stored.
    New,
    /// It was stored before.
    Duplicate(NoticeState),
}

/// A notice that waits to be acted upon.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// Which one.
    pub key: NoticeKey,
    /// What it says, as it was stored.
    pub facts: Value,
    /// When it came.
    pub received_at: DateTime<Utc>,
}

impl CaseStore {
    /// Stores a verified notice, sealed. Answer the sender only afterwards.
    ///
    /// # Errors
    /// As any write.
    pub async fn receive_notice(
        &self,
        key: &NoticeKey,
        facts: &Value,
        now: DateTime<Utc>,
    ) -> Result<Received, StoreError> {
        let row = inbox::Model {
            upstream: key.upstream.clone(),
            event_id: key.event_id.clone(),
            state: name_of(NoticeState::Received)?,
            facts: self
                .sealing_key(Owner::Kind(Sealing::Notice), now)
                .await?
                .seal_json(&key.place(), facts)
                .map_err(StoreError::other)?
                .into_bytes(),
            received_at: now.timestamp_micros(),
            settled_at: None,
        };
        let (database, key) = (self.database().clone(), key.clone());
        let write = async move {
            let tx = database.write_tx().await?;
            let inserted = inbox::Entity::insert(row.into_active_model())
                .on_conflict_do_nothing_on([inbox::Column::Upstream, inbox::Column::EventId])
                .exec_without_returning(tx.connection())
                .await?;
            if matches!(inserted, TryInsertResult::Inserted(1)) {
                tx.commit().await?;
                return Ok(Received::New);
            }
            let known = inbox::Entity::find_by_id((key.upstream, key.event_id.clone()))
                .one(tx.connection())
                .await?
                .ok_or(StoreError::NotFound { what: "notice" })?;
            tx.rollback().await?;
            let row = Row::of("inbox", &key.event_id);
            Ok(Received::Duplicate(row.word("state", &known.state)?))
        };
        self.database().in_turn(write).await
    }

    /// Notices that wait, the oldest first.
    ///
    /// # Errors
    /// As any query; `Other` when one does not open.
    pub async fn pending_notices(&self, max: u64) -> Result<Vec<Notice>, StoreError> {
        self.waiting_notices(None, max).await
    }

    /// Those of one system.
    ///
    /// # Errors
    /// As [`Self::pending_notices`].
    pub async fn pending_notices_of(&self, upstream: &str, max: u64) -> Result<Vec<Notice>, StoreError> {
        self.waiting_notices(Some(upstream), max).await
    }

    async fn waiting_notices(&self, upstream: Option<&str>, max: u64) -> Result<Vec<Notice>, StoreError> {
        let of = upstream.map(|upstream| inbox::Column::Upstream.eq(upstream));
        let rows = inbox::Entity::find()
            .filter(Condition::all().add_option(of))
            .filter(inbox::Column::State.eq(name_of(NoticeState::Received)?))
            .order_by_asc(inbox::Column::ReceivedAt)
            .order_by_asc(inbox::Column::EventId)
            .limit(max)
            .all(self.database().read())
            .await?;
        let opener = self
            .opener(key_ids(rows.iter().map(|row| row.facts.as_slice())))
            .await?;
        let notice = |row: inbox::Model| {
            let key = NoticeKey {
                upstream: row.upstream,
                event_id: row.event_id,
            };
            let parse = Row::of("inbox", &key.event_id);
            let facts = opener
                .open_json(&key.place(), row.facts)
                .map_err(StoreError::other)?
                .ok_or_else(|| parse.corrupt("facts"))?;
            let received_at = parse.instant("received_at", row.received_at)?;
            Ok(Notice {
                key,
                facts,
                received_at,
            })
        };
        rows.into_iter().map(notice).collect()
    }

    /// Settles a notice that changes no case. `false`: somebody else has settled it.
    ///
    /// # Errors
    /// As any write.
    pub async fn settle_notice(&self, mark: &InboxMark, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let (database, mark) = (self.database().clone(), mark.clone());
        let write = async move {
            let tx = database.write_tx().await?;
            let settled = settle(&tx, &mark, now.timestamp_micros()).await?;
            tx.commit().await?;
            Ok(settled)
        };
        self.database().in_turn(write).await
    }
}

/// Settles a notice that nobody has settled.
pub(super) async fn settle(tx: &Tx, mark: &InboxMark, now: i64) -> Result<bool, StoreError> {
    let updated = inbox::Entity::update_many()
        .col_expr(inbox::Column::State, Expr::value(name_of(mark.state)?))
        .col_expr(inbox::Column::SettledAt, Expr::value(now))
        .filter(inbox::Column::Upstream.eq(&mark.notice.upstream))
        .filter(inbox::Column::EventId.eq(&mark.notice.event_id))
        .filter(inbox::Column::State.eq(name_of(NoticeState::Received)?))
        .exec(tx.connection())
        .await?;
    Ok(updated.rows_affected == 1)
}
