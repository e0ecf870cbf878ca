//! Callers' keys: what was done under each, and the answer that was given.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use onedoor_domain::id::CaseId;
use onedoor_domain::idempotency::{Fingerprint, IdempotencyKey};
use onedoor_entity::idempotency;
use sea_orm::{EntityTrait as _, IntoActiveModel as _, TryInsertResult};

use super::case::CaseStore;
use super::data_key::{Owner, Sealing, key_ids};
use super::error::StoreError;
use super::parse::Row;
use super::tx::Tx;
use super::write_set::IdempotencyClaim;
use crate::secret::Redacted;
use crate::secret::data_key::DataKey;
use crate::secret::seal::{SealPlace, Sealed};

/// What was done under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Name of the act.
    pub act: String,
    /// Hash of the canonical input.
    pub fingerprint: Fingerprint,
    /// The case it was about; `None`: another thing.
    pub case: Option<CaseId>,
    /// Payload of the answer; `None` when the act kept none, or it was erased.
    pub answer: Option<Vec<u8>>,
    /// When.
    pub created_at: DateTime<Utc>,
}

impl CaseStore {
    /// The key that answers are sealed with that belong to no case; asked for before a transaction begins.
    pub(super) async fn answer_key(&self, at: DateTime<Utc>) -> Result<Arc<DataKey>, StoreError> {
        self.sealing_key(Owner::Kind(Sealing::Answer), at).await
    }

    /// What was done under a caller's key; `None`: nothing, the key is free.
    ///
    /// # Errors
    /// As any query; `Other` when the answer does not open.
    pub async fn look_up(&self, principal: &str, key: IdempotencyKey) -> Result<Option<Record>, StoreError> {
        let row = idempotency::Entity::find_by_id((principal.to_owned(), key.uuid()))
            .one(self.database().read())
            .await?;
        let Some(row) = row else { return Ok(None) };
        let opener = self.opener(key_ids(row.answer.as_deref())).await?;
        let opened = row
            .answer
            .map(|sealed| opener.open(&answer_place(principal, key), sealed))
            .transpose()
            .map_err(StoreError::other)?;
        let parse = Row::of("idempotency", &key);
        Ok(Some(Record {
            fingerprint: Fingerprint::from_column(&row.fingerprint)
                .ok()
                .ok_or_else(|| parse.corrupt("fingerprint"))?,
            case: row.case_id.map(CaseId::from_uuid),
            answer: opened.flatten().map(Redacted::into_exposed),
            created_at: parse.instant("created_at", row.created_at)?,
            act: row.act,
        }))
    }
}

/// Writes a caller's key in the transaction of what was done under it; `false`: it is taken.
pub(super) async fn take(tx: &Tx, row: idempotency::Model) -> Result<bool, StoreError> {
    let taken = idempotency::Entity::insert(row.into_active_model())
        .on_conflict_do_nothing_on([idempotency::Column::Principal, idempotency::Column::Key])
        .exec_without_returning(tx.connection())
        .await?;
    Ok(matches!(taken, TryInsertResult::Inserted(1)))
}

pub(super) fn answer_place(principal: &str, key: IdempotencyKey) -> SealPlace {
    SealPlace::new("idempotency", "answer", format_args!("{key}/{principal}"))
}

/// The row of a claim, with the answer sealed.
pub(super) fn row(
    claim: &IdempotencyClaim,
    case: Option<CaseId>,
    answer: Option<&[u8]>,
    now: i64,
    key: &DataKey,
) -> Result<idempotency::Model, StoreError> {
    let place = answer_place(&claim.principal, claim.key);
    let answer = answer
        .map(|answer| key.seal(&place, answer).map_err(StoreError::other))
        .transpose()?;
    Ok(idempotency::Model {
        principal: claim.principal.clone(),
        key: claim.key.uuid(),
        act: claim.act.to_owned(),
        fingerprint: claim.fingerprint.digest().as_bytes().to_vec(),
        case_id: case.map(CaseId::uuid),
        answer: answer.map(Sealed::into_bytes),
        created_at: now,
    })
}
