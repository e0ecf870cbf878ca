//! One-time tickets by which a document is read: given once, used once, and the audit log knows it before a byte goes out.

use chrono::{DateTime, Utc};
use onedoor_domain::actor::{Actor, ActorKind};
use onedoor_domain::audit::AuditEntry;
use onedoor_domain::id::{DocumentId, OrganizationId};
use onedoor_domain::idempotency::IdempotencyKey;
use onedoor_entity::document_ticket;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _, TryInsertResult};

use super::audit;
use super::case::CaseStore;
use super::document::ticket_hash;
use super::error::StoreError;
use super::names::name_of;
use super::parse::Row;
use crate::secret::Redacted;
use crate::secret::seal::SealPlace;

/// A ticket: for which document, and to whom it was given.
pub struct ReadTicket {
    /// The document.
    pub document: DocumentId,
    /// To whom, as far as the policy asks again when it is used.
    pub actor: Actor,
    /// Whether code and secret of the case were given.
    pub by_credential: bool,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// A ticket to be given.
pub struct NewReadTicket {
    /// The ticket in clear; it is kept hashed, and sealed.
    pub ticket: Redacted<String>,
    /// Whose the caller's key is.
    pub principal: String,
    /// The caller's key.
    pub key: IdempotencyKey,
    /// What it is for.
    pub read: ReadTicket,
}

impl CaseStore {
    /// The ticket that was given under a caller's key, in clear.
    ///
    /// # Errors
    /// As any query; `Other` when it does not open.
    pub async fn earlier_read_ticket(
        &self,
        principal: &str,
        key: IdempotencyKey,
    ) -> Result<Option<(ReadTicket, Redacted<String>)>, StoreError> {
        let row = document_ticket::Entity::find()
            .filter(document_ticket::Column::Principal.eq(principal))
            .filter(document_ticket::Column::IdempotencyKey.eq(key.uuid()))
            .one(self.database().read())
            .await?;
        let Some(row) = row else { return Ok(None) };
        let ticket = self
            .open_text(&place(&row.ticket), row.ticket_sealed.clone())
            .await?;
        Ok(Some((read_ticket(&row)?, ticket)))
    }

    /// Keeps a ticket. `false`: the caller's key is taken, and nothing was written.
    ///
    /// # Errors
    /// As any write.
    pub async fn keep_read_ticket(&self, new: &NewReadTicket) -> Result<bool, StoreError> {
        let ticket = ticket_hash(new.ticket.expose());
        let key = self.document_key(new.read.expires_at).await?;
        let sealed = key.seal(&place(&ticket), new.ticket.expose().as_bytes());
        let actor = &new.read.actor;
        let row = document_ticket::Model {
            ticket_sealed: sealed.map_err(StoreError::other)?.into_bytes(),
            ticket,
            principal: new.principal.clone(),
            idempotency_key: new.key.uuid(),
            document_id: new.read.document.uuid(),
            actor: name_of(actor.kind)?,
            subject: actor.subject.clone(),
            organization_id: actor.organization.map(OrganizationId::uuid),
            by_credential: new.read.by_credential,
            expires_at: new.read.expires_at.timestamp_micros(),
            used: false,
        };
        let database = self.database().clone();
        let write = async move {
            let tx = database.write_tx().await?;
            let written = document_ticket::Entity::insert(row.into_active_model())
                .on_conflict_do_nothing_on([
                    document_ticket::Column::Principal,
                    document_ticket::Column::IdempotencyKey,
                ])
                .exec_without_returning(tx.connection())
                .await?;
            tx.commit().await?;
            Ok(matches!(written, TryInsertResult::Inserted(1)))
        };
        self.database().in_turn(write).await
    }

    /// The ticket as it was given, if nobody used it and its time is not over.
    ///
    /// # Errors
    /// As any query.
    pub async fn read_ticket(
        &self,
        ticket: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<ReadTicket>, StoreError> {
        let row = document_ticket::Entity::find_by_id(ticket_hash(ticket))
            .filter(document_ticket::Column::Used.eq(false))
            .filter(document_ticket::Column::ExpiresAt.gt(now.timestamp_micros()))
            .one(self.database().read())
            .await?;
        row.as_ref().map(read_ticket).transpose()
    }

    /// Uses a ticket up and writes who reads into the audit log, in one transaction. `false`: somebody was faster; nothing
    /// was written.
    ///
    /// # Errors
    /// As any write.
    pub async fn use_read_ticket(&self, ticket: &str, entry: &AuditEntry) -> Result<bool, StoreError> {
        let (hash, entry) = (ticket_hash(ticket), entry.clone());
        let database = self.database().clone();
        let write = async move {
            let tx = database.write_tx().await?;
            let used = document_ticket::Entity::update_many()
                .col_expr(document_ticket::Column::Used, Expr::value(true))
                .filter(document_ticket::Column::Ticket.eq(hash))
                .filter(document_ticket::Column::Used.eq(false))
                .exec(tx.connection())
                .await?;
            if used.rows_affected != 1 {
                tx.rollback().await?;
                return Ok(false);
            }
            audit::write(&tx, &entry).await?;
            tx.commit().await?;
            Ok(true)
        };
        self.database().in_turn(write).await
    }

    /// Removes tickets that ended before a moment.
    ///
    /// # Errors
    /// As any write.
    pub async fn remove_read_tickets(&self, before: DateTime<Utc>) -> Result<u64, StoreError> {
        let database = self.database().clone();
        let write = async move {
            let tx = database.write_tx().await?;
            let deleted = document_ticket::Entity::delete_many()
                .filter(document_ticket::Column::ExpiresAt.lt(before.timestamp_micros()))
                .exec(tx.connection())
                .await?;
            tx.commit().await?;
            Ok(deleted.rows_affected)
        };
        self.database().in_turn(write).await
    }
}

pub(super) fn place(ticket: &[u8]) -> SealPlace {
    SealPlace::new("document_ticket", "ticket_sealed", hex::encode(ticket))
}

fn read_ticket(row: &document_ticket::Model) -> Result<ReadTicket, StoreError> {
    let document = DocumentId::from_uuid(row.document_id);
    let parse = Row::of("document_ticket", &document);
    Ok(ReadTicket {
        document,
        actor: Actor {
            kind: parse.word::<ActorKind>("actor", &row.actor)?,
            subject: row.subject.clone(),
            organization: row.organization_id.map(OrganizationId::from_uuid),
            division: None,
            approver: false,
        },
        by_credential: row.by_credential,
        expires_at: parse.instant("expires_at", row.expires_at)?,
    })
}
