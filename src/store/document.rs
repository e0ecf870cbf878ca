//! Uploaded documents: their tickets, what was stored of them, and the case that each belongs to.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use onedoor_domain::digest::Digest;
use onedoor_domain::document::{DocumentState, FileKind, StoredDocument};
use onedoor_domain::id::{CaseId, DocumentId};
use onedoor_domain::idempotency::{Fingerprint, IdempotencyKey};
use onedoor_entity::document;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, PaginatorTrait as _, QueryFilter as _,
    QueryOrder as _, TryInsertResult,
};
use uuid::Uuid;

use super::case::CaseStore;
use super::data_key::{Opener, Owner, Sealing, key_ids};
use super::error::StoreError;
use super::names::name_of;
use super::parse::{Row, number};
use super::tx::Tx;
use crate::secret::Redacted;
use crate::secret::data_key::DataKey;
use crate::secret::seal::SealPlace;

/// A document that is asked for: its ticket, and what is said of it.
pub struct NewDocument {
    /// The document, not uploaded yet.
    pub document: StoredDocument,
    /// The ticket in clear; it is kept hashed, and sealed.
    pub ticket: Redacted<String>,
    /// The caller's key.
    pub key: IdempotencyKey,
    /// Hash of what was asked.
    pub fingerprint: Fingerprint,
    /// The file's own name.
    pub file_name: Redacted<String>,
    /// When it is asked.
    pub now: DateTime<Utc>,
}

/// What was asked under a caller's key before.
pub struct EarlierTicket {
    /// The document.
    pub document: StoredDocument,
    /// The ticket in clear.
    pub ticket: Redacted<String>,
    /// Hash of what was asked.
    pub fingerprint: Fingerprint,
}

/// A document as a set joins it to its case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinedDocument {
    /// The document.
    pub id: DocumentId,
    /// Who must have uploaded it.
    pub principal: String,
}

impl CaseStore {
    /// What was asked for under a caller's key; `None`: the key is free.
    ///
    /// # Errors
    /// As any query; `Other` when the ticket does not open.
    pub async fn earlier_ticket(
        &self,
        principal: &str,
        key: IdempotencyKey,
    ) -> Result<Option<EarlierTicket>, StoreError> {
        let row = document::Entity::find()
            .filter(document::Column::Principal.eq(principal))
            .filter(document::Column::IdempotencyKey.eq(key.uuid()))
            .one(self.database().read())
            .await?;
        let Some(row) = row else { return Ok(None) };
        let id = DocumentId::from_uuid(row.id);
        let fingerprint = Fingerprint::from_column(&row.fingerprint).ok();
        Ok(Some(EarlierTicket {
            ticket: self
                .open_text(&place(id, "ticket_sealed"), row.ticket_sealed.clone())
                .await?,
            fingerprint: fingerprint.ok_or_else(|| Row::of("document", &id).corrupt("fingerprint"))?,
            document: document(&row)?,
        }))
    }

    /// Keeps a document that is asked for. `false`: the caller's key is taken, and nothing was written.
    ///
    /// # Errors
    /// As any write.
    pub async fn keep_document(&self, new: &NewDocument) -> Result<bool, StoreError> {
        let asked = &new.document;
        let key = self.document_key(new.now).await?;
        let seal = |column, text: &Redacted<String>| -> Result<Vec<u8>, StoreError> {
            let sealed = key.seal(&place(asked.id, column), text.expose().as_bytes());
            Ok(sealed.map_err(StoreError::other)?.into_bytes())
        };
        let row = document::Model {
            id: asked.id.uuid(),
            ticket: ticket_hash(new.ticket.expose()),
            ticket_sealed: seal("ticket_sealed", &new.ticket)?,
            expires_at: asked.expires_at.timestamp_micros(),
            principal: asked.principal.clone(),
            idempotency_key: new.key.uuid(),
            fingerprint: new.fingerprint.digest().as_bytes().to_vec(),
            meant_for: asked.meant_for.map(CaseId::uuid),
            material: asked.material.clone(),
            kind: name_of(asked.kind)?,
            size_bytes: number(asked.size_bytes)?,
            sha256: asked.sha256.map(|hash| hash.as_bytes().to_vec()),
            file_name: seal("file_name", &new.file_name)?,
            state: name_of(DocumentState::Waiting)?,
            attempts: 0,
            object: None,
            file_key: None,
            created_at: new.now.timestamp_micros(),
            uploaded_at: None,
            case_id: None,
            joined_at: None,
            scan_at: None,
            swept: false,
        };
        let database = self.database().clone();
        let write = async move {
            let tx = database.write_tx().await?;
            let written = document::Entity::insert(row.into_active_model())
                .on_conflict_do_nothing_on([document::Column::Principal, document::Column::IdempotencyKey])
                .exec_without_returning(tx.connection())
                .await?;
            tx.commit().await?;
            Ok(matches!(written, TryInsertResult::Inserted(1)))
        };
        self.database().in_turn(write).await
    }

    /// The document of an upload's ticket, whatever its state.
    ///
    /// # Errors
    /// As any query.
    pub async fn document_of_ticket(&self, ticket: &str) -> Result<Option<StoredDocument>, StoreError> {
        let row = document::Entity::find()
            .filter(document::Column::Ticket.eq(ticket_hash(ticket)))
            .one(self.database().read())
            .await?;
        row.as_ref().map(document).transpose()
    }

    /// How many documents somebody asked for since a moment.
    ///
    /// # Errors
    /// As any query.
    pub async fn documents_since(&self, principal: &str, since: DateTime<Utc>) -> Result<u64, StoreError> {
        let found = document::Entity::find()
            .filter(document::Column::Principal.eq(principal))
            .filter(document::Column::CreatedAt.gte(since.timestamp_micros()));
        Ok(found.count(self.database().read()).await?)
    }

    /// How many documents were asked for, for a case, or by somebody for an application that is still to come; of one
    /// material and in all.
    ///
    /// # Errors
    /// As any query.
    pub async fn documents_meant_for(
        &self,
        principal: &str,
        case: Option<CaseId>,
        material: &str,
    ) -> Result<(u64, u64), StoreError> {
        let all = document::Entity::find();
        let all = match case {
            Some(case) => all.filter(
                document::Column::MeantFor
                    .eq(case.uuid())
                    .or(document::Column::CaseId.eq(case.uuid())),
            ),
            None => all
                .filter(document::Column::Principal.eq(principal))
                .filter(document::Column::MeantFor.is_null())
                .filter(document::Column::CaseId.is_null()),
        };
        let read = self.database().read();
        let of_material = all.clone().filter(document::Column::Material.eq(material));
        Ok((of_material.count(read).await?, all.count(read).await?))
    }

    /// Documents by their keys; those that do not exist are left out.
    ///
    /// # Errors
    /// As any query.
    pub async fn documents(&self, ids: &[DocumentId]) -> Result<Vec<StoredDocument>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let rows = document::Entity::find()
            .filter(document::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
            .all(self.database().read())
            .await?;
        rows.iter().map(document).collect()
    }

    /// The documents that belong to a case with the names of their files, the first joined first.
    ///
    /// # Errors
    /// As any query; `Other` when a name does not open.
    pub async fn documents_of_case(
        &self,
        case: CaseId,
    ) -> Result<Vec<(StoredDocument, Redacted<String>)>, StoreError> {
        let rows = document::Entity::find()
            .filter(document::Column::CaseId.eq(case.uuid()))
            .order_by_asc(document::Column::JoinedAt)
            .order_by_asc(document::Column::Id)
            .all(self.database().read())
            .await?;
        let opener = self
            .opener(key_ids(rows.iter().map(|row| row.file_name.as_slice())))
            .await?;
        let named = |row: document::Model| {
            let id = DocumentId::from_uuid(row.id);
            let name = text_in(&opener, &place(id, "file_name"), row.file_name.clone())?;
            Ok((document(&row)?, name))
        };
        rows.into_iter().map(named).collect()
    }

    /// The key that documents' names, keys and tickets are sealed with.
    pub(super) async fn document_key(&self, at: DateTime<Utc>) -> Result<Arc<DataKey>, StoreError> {
        self.sealing_key(Owner::Kind(Sealing::Document), at).await
    }

    pub(super) async fn open_text(
        &self,
        place: &SealPlace,
        sealed: Vec<u8>,
    ) -> Result<Redacted<String>, StoreError> {
        let opener = self.opener(key_ids([sealed.as_slice()])).await?;
        text_in(&opener, place, sealed)
    }
}

/// A sealed text; empty once it was erased.
fn text_in(opener: &Opener, place: &SealPlace, sealed: Vec<u8>) -> Result<Redacted<String>, StoreError> {
    let opened = opener.open(place, sealed).map_err(StoreError::other)?;
    let bytes = opened.map(Redacted::into_exposed).unwrap_or_default();
    let text = String::from_utf8(bytes).map_err(|bad| StoreError::other(bad.utf8_error()))?;
    Ok(Redacted::new(text))
}

/// Joins documents to a case, in its transaction. `false`: one of them was used or taken away meanwhile.
pub(super) async fn join(
    tx: &Tx,
    case: Uuid,
    documents: &[JoinedDocument],
    now_micros: i64,
) -> Result<bool, StoreError> {
    if documents.is_empty() {
        return Ok(true);
    }
    let usable = [DocumentState::PendingScan, DocumentState::Clean].map(name_of);
    let usable = usable.into_iter().collect::<Result<Vec<_>, _>>()?;
    for joined in documents {
        let updated = document::Entity::update_many()
            .col_expr(document::Column::CaseId, Expr::value(case))
            .col_expr(document::Column::JoinedAt, Expr::value(now_micros))
            .filter(document::Column::Id.eq(joined.id.uuid()))
            .filter(document::Column::Principal.eq(joined.principal.as_str()))
            .filter(document::Column::CaseId.is_null())
            .filter(document::Column::State.is_in(usable.iter().map(String::as_str)))
            .exec(tx.connection())
            .await?;
        if updated.rows_affected != 1 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What is kept of a ticket.
pub(super) fn ticket_hash(ticket: &str) -> Vec<u8> {
    Digest::of(ticket.as_bytes()).as_bytes().to_vec()
}

pub(super) fn place(id: DocumentId, column: &'static str) -> SealPlace {
    SealPlace::new("document", column, id)
}

pub(super) fn document(row: &document::Model) -> Result<StoredDocument, StoreError> {
    let id = DocumentId::from_uuid(row.id);
    let parse = Row::of("document", &id);
    let hash = row.sha256.as_deref().map(Digest::from_column).transpose();
    let case = row.case_id.map(CaseId::from_uuid);
    let joined_at = parse.instant_opt("joined_at", row.joined_at)?;
    Ok(StoredDocument {
        id,
        principal: row.principal.clone(),
        meant_for: row.meant_for.map(CaseId::from_uuid),
        material: row.material.clone(),
        kind: parse.word::<FileKind>("kind", &row.kind)?,
        size_bytes: parse.number("size_bytes", row.size_bytes)?,
        sha256: hash.ok().ok_or_else(|| parse.corrupt("sha256"))?,
        state: parse.word::<DocumentState>("state", &row.state)?,
        expires_at: parse.instant("expires_at", row.expires_at)?,
        uploaded_at: parse.instant_opt("uploaded_at", row.uploaded_at)?,
        joined: case.zip(joined_at),
    })
}
