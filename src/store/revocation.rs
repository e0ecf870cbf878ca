//! Revocations of access: written with their audit entry, read whole by every replica.

use chrono::{DateTime, Utc};
use onedoor_domain::audit::AuditEntry;
use onedoor_domain::id::{RevocationId, SessionId};
use onedoor_domain::page::{KeyPart, Page, PageRequest, Position};
use onedoor_domain::proof::Allowed;
use onedoor_domain::revocation::{Revocation, RevokedAccess};
use onedoor_entity::{idempotency, revocation};
use sea_orm::sea_query::{Condition, Expr};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, PaginatorTrait as _, QueryFilter as _,
};

use super::audit;
use super::case::CaseStore;
use super::database::Database;
use super::error::StoreError;
use super::idempotency::{row as key_row, take};
use super::names::name_of;
use super::page::{descending, keyset};
use super::parse::{Row, micros};
use super::tx::Tx;
use super::write_set::IdempotencyClaim;
use crate::secret::data_key::DataKey;

/// The order of the list: the last first. Positions have 2 parts.
pub const REVOCATIONS_BY_TIME: &str = "revocation.time";

const SUBJECT: &str = "SUBJECT";
const TOKEN: &str = "TOKEN";
const SESSION: &str = "SESSION";
const ISSUER: &str = "ISSUER";

/// All that stand at an instant: what each replica goes by.
///
/// # Errors
/// As any query; `Corrupt` when a row does not parse.
pub async fn standing(database: &Database, now: DateTime<Utc>) -> Result<Vec<Revocation>, StoreError> {
    let rows = revocation::Entity::find()
        .filter(stands(now))
        .all(database.read())
        .await?;
    rows.into_iter().map(parse).collect()
}

/// Removes those that have nothing left to refuse.
///
/// # Errors
/// As any write.
pub async fn remove_ended(database: &Database, now: DateTime<Utc>) -> Result<u64, StoreError> {
    let ended = revocation::Column::EndsAt.lte(now.timestamp_micros());
    if revocation::Entity::find()
        .filter(ended.clone())
        .count(database.read())
        .await?
        == 0
    {
        return Ok(0);
    }
    let own = database.clone();
    let write = async move {
        let tx = own.write_tx().await?;
        let deleted = revocation::Entity::delete_many()
            .filter(ended)
            .exec(tx.connection())
            .await?;
        tx.commit().await?;
        Ok(deleted.rows_affected)
    };
    database.in_turn(write).await
}

impl CaseStore {
    /// Writes a revocation with its audit entry, once by the caller's key. What is revoked already keeps its row; of an
    /// issuer the later instant counts. `None`: the key is taken.
    ///
    /// # Errors
    /// As any write.
    pub async fn revoke(
        &self,
        new: &Revocation,
        entry: &AuditEntry,
        claim: &IdempotencyClaim,
    ) -> Result<Option<RevocationId>, StoreError> {
        let (store, new, entry, claim) = (self.clone(), model(new)?, entry.clone(), claim.clone());
        let sealing = self.answer_key(entry.at).await?;
        let write = async move {
            let tx = store.database().write_tx().await?;
            let known = revocation::Entity::find()
                .filter(revocation::Column::Kind.eq(&new.kind))
                .filter(revocation::Column::Issuer.eq(&new.issuer))
                .filter(revocation::Column::Value.eq(&new.value))
                .one(tx.connection())
                .await?;
            let id = RevocationId::from_uuid(known.as_ref().map_or(new.id, |known| known.id));
            if !take(&tx, key_of(&claim, id, entry.at, &sealing)?).await? {
                tx.rollback().await?;
                return Ok(None);
            }
            match known {
                None => {
                    revocation::Entity::insert(new.into_active_model())
                        .exec_without_returning(tx.connection())
                        .await?;
                }
                Some(known) => prolong(&tx, &known, &new).await?,
            }
            audit::write(&tx, &entry.on(id)).await?;
            tx.commit().await?;
            Ok(Some(id))
        };
        self.database().in_turn(write).await
    }

    /// Takes a revocation back, with its audit entry, once by the caller's key. Gives whether it stood; `None`: the key is
    /// taken.
    ///
    /// # Errors
    /// As any write.
    pub async fn restore(
        &self,
        id: RevocationId,
        entry: &AuditEntry,
        claim: &IdempotencyClaim,
    ) -> Result<Option<bool>, StoreError> {
        let (store, entry, claim) = (self.clone(), entry.clone(), claim.clone());
        let sealing = self.answer_key(entry.at).await?;
        let write = async move {
            let tx = store.database().write_tx().await?;
            let deleted = revocation::Entity::delete_by_id(id.uuid())
                .exec(tx.connection())
                .await?;
            if deleted.rows_affected == 0 {
                // only an act that was carried out uses a key up
                tx.rollback().await?;
                return Ok(Some(false));
            }
            if !take(&tx, key_of(&claim, id, entry.at, &sealing)?).await? {
                tx.rollback().await?;
                return Ok(None);
            }
            audit::write(&tx, &entry.on(id)).await?;
            tx.commit().await?;
            Ok(Some(true))
        };
        self.database().in_turn(write).await
    }

    /// A revocation.
    ///
    /// # Errors
    /// As any query; `Corrupt` when the row does not parse.
    pub async fn revocation(&self, id: RevocationId) -> Result<Option<Revocation>, StoreError> {
        let row = revocation::Entity::find_by_id(id.uuid())
            .one(self.database().read())
            .await?;
        row.map(parse).transpose()
    }

    /// A page of those that stand, in the order [`REVOCATIONS_BY_TIME`].
    ///
    /// # Errors
    /// As [`standing`].
    pub async fn list_revocations(
        &self,
        _allowed: Allowed,
        now: DateTime<Utc>,
        page: &PageRequest,
    ) -> Result<Page<Revocation>, StoreError> {
        let keys = [
            descending(revocation::Column::RevokedAt),
            descending(revocation::Column::Id),
        ];
        let query = revocation::Entity::find().filter(stands(now));
        let rows = keyset(query, &keys, page)?.all(self.database().read()).await?;
        let found = rows.into_iter().map(parse).collect::<Result<_, _>>()?;
        Ok(page.page(found, |one: &Revocation| {
            Position(vec![
                KeyPart::Integer(one.revoked_at.timestamp_micros()),
                KeyPart::Uuid(one.id.uuid()),
            ])
        }))
    }
}

/// The caller's key with the revocation it was used for.
fn key_of(
    claim: &IdempotencyClaim,
    id: RevocationId,
    now: DateTime<Utc>,
    sealing: &DataKey,
) -> Result<idempotency::Model, StoreError> {
    let answer = id.to_string();
    key_row(
        claim,
        None,
        Some(answer.as_bytes()),
        now.timestamp_micros(),
        sealing,
    )
}

/// What is revoked again stands at least as long as either says.
async fn prolong(tx: &Tx, known: &revocation::Model, new: &revocation::Model) -> Result<(), StoreError> {
    let ends_at = match (known.ends_at, new.ends_at) {
        (Some(known), Some(new)) => Some(known.max(new)),
        (None, _) | (_, None) => None,
    };
    revocation::Entity::update_many()
        .filter(revocation::Column::Id.eq(known.id))
        .col_expr(
            revocation::Column::IssuedBefore,
            Expr::value(known.issued_before.max(new.issued_before)),
        )
        .col_expr(revocation::Column::EndsAt, Expr::value(ends_at))
        .exec(tx.connection())
        .await?;
    Ok(())
}

fn stands(now: DateTime<Utc>) -> Condition {
    Condition::any()
        .add(revocation::Column::EndsAt.is_null())
        .add(revocation::Column::EndsAt.gt(now.timestamp_micros()))
}

fn model(of: &Revocation) -> Result<revocation::Model, StoreError> {
    let none = String::new;
    let (kind, issuer, value, issued_before) = match &of.access {
        RevokedAccess::Subject(subject) => (SUBJECT, none(), subject.clone(), None),
        RevokedAccess::Token { issuer, token } => (TOKEN, issuer.clone(), token.clone(), None),
        RevokedAccess::Session(session) => (SESSION, none(), session.to_string(), None),
        RevokedAccess::Issuer { issuer, before } => {
            (ISSUER, issuer.clone(), none(), Some(before.timestamp_micros()))
        }
    };
    Ok(revocation::Model {
        id: of.id.uuid(),
        kind: kind.to_owned(),
        issuer,
        value,
        issued_before,
        reason: name_of(of.reason)?,
        revoked_at: of.revoked_at.timestamp_micros(),
        revoked_by: of.revoked_by.clone(),
        ends_at: micros(of.ends_at),
    })
}

fn parse(row: revocation::Model) -> Result<Revocation, StoreError> {
    let id = RevocationId::from_uuid(row.id);
    let parse = Row::of("revocation", &id);
    let session = |text: &str| {
        text.parse::<SessionId>()
            .ok()
            .ok_or_else(|| parse.corrupt("value"))
    };
    let before = parse.instant_opt("issued_before", row.issued_before)?;
    let access = match (row.kind.as_str(), before) {
        (SUBJECT, _) => RevokedAccess::Subject(row.value),
        (TOKEN, _) => RevokedAccess::Token {
            issuer: row.issuer,
            token: row.value,
        },
        (SESSION, _) => RevokedAccess::Session(session(&row.value)?),
        (ISSUER, Some(before)) => RevokedAccess::Issuer {
            issuer: row.issuer,
            before,
        },
        (_, _) => return Err(parse.corrupt("kind")),
    };
    Ok(Revocation {
        id,
        access,
        reason: parse.word("reason", &row.reason)?,
        revoked_at: parse.instant("revoked_at", row.revoked_at)?,
        revoked_by: row.revoked_by,
        ends_at: parse.instant_opt("ends_at", row.ends_at)?,
    })
}
