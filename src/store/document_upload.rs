//! Documents on their way: uploads begin and end, the scanner speaks, and what nobody uses goes.

use chrono::{DateTime, Utc};
use onedoor_domain::digest::Digest;
use onedoor_domain::document::{DocumentState, StoredDocument};
use onedoor_domain::id::DocumentId;
use onedoor_entity::document;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};

use super::case::CaseStore;
use super::data_key::key_ids;
use super::document::{document as read, place};
use super::error::StoreError;
use super::names::name_of;
use crate::secret::Redacted;

/// Where the bytes of a document lie, and the key that opens them.
pub struct StoredFile {
    /// Name of the object.
    pub object: String,
    /// The key of its cipher.
    pub key: Redacted<Vec<u8>>,
}

/// An upload that has reached its end.
pub struct Uploaded<'a> {
    /// The object that was written.
    pub object: String,
    /// The key of its cipher.
    pub key: &'a [u8],
    /// Hash of the bytes.
    pub sha256: Digest,
    /// Whether a scanner is to look at it first.
    pub state: DocumentState,
    /// When.
    pub now: DateTime<Utc>,
}

/// A document whose storage was not looked after yet.
pub struct Unswept {
    /// The document.
    pub document: StoredDocument,
    /// Uploads begun; each may have left an object.
    pub attempts: i32,
    /// The object that counts; `None`: there is none, or it was erased.
    pub object: Option<String>,
}

impl CaseStore {
    /// Begins an upload and gives its number; `None`: the document is stored already.
    ///
    /// # Errors
    /// As any write.
    pub async fn begin_upload(&self, id: DocumentId) -> Result<Option<i32>, StoreError> {
        let waiting = name_of(DocumentState::Waiting)?;
        let database = self.database().clone();
        let write = async move {
            let tx = database.write_tx().await?;
            let begun = document::Entity::update_many()
                .col_expr(
                    document::Column::Attempts,
                    Expr::col(document::Column::Attempts).add(1),
                )
                .filter(document::Column::Id.eq(id.uuid()))
                .filter(document::Column::State.eq(waiting))
                .exec_with_returning(tx.connection())
                .await?;
            tx.commit().await?;
            Ok(begun.first().map(|row| row.attempts))
        };
        self.database().in_turn(write).await
    }

    /// Ends an upload: from now on its object is the document. `false`: another upload was faster, or the document is gone;
    /// nothing was written.
    ///
    /// # Errors
    /// As any write.
    pub async fn finish_upload(&self, id: DocumentId, done: &Uploaded<'_>) -> Result<bool, StoreError> {
        let key = self.document_key(done.now).await?;
        let sealed = key.seal(&place(id, "file_key"), done.key);
        let key = sealed.map_err(StoreError::other)?.into_bytes();
        let at = done.now.timestamp_micros();
        let scan_at = (done.state == DocumentState::PendingScan).then_some(at);
        let update = document::Entity::update_many()
            .col_expr(document::Column::Object, Expr::value(done.object.clone()))
            .col_expr(document::Column::FileKey, Expr::value(key))
            .col_expr(
                document::Column::Sha256,
                Expr::value(done.sha256.as_bytes().to_vec()),
            )
            .col_expr(document::Column::State, Expr::value(name_of(done.state)?))
            .col_expr(document::Column::UploadedAt, Expr::value(at))
            .col_expr(document::Column::ScanAt, Expr::value(scan_at))
            .filter(document::Column::Id.eq(id.uuid()))
            .filter(document::Column::State.eq(name_of(DocumentState::Waiting)?));
        let database = self.database().clone();
        let write = async move {
            let tx = database.write_tx().await?;
            let updated = update.exec(tx.connection()).await?;
            tx.commit().await?;
            Ok(updated.rows_affected == 1)
        };
        self.database().in_turn(write).await
    }

    /// Where the bytes of a document lie; `None` when there are none.
    ///
    /// # Errors
    /// As any query; `Other` when the key does not open.
    pub async fn file_of(&self, id: DocumentId) -> Result<Option<StoredFile>, StoreError> {
        let row = document::Entity::find_by_id(id.uuid())
            .one(self.database().read())
            .await?;
        let Some((object, sealed)) = row.and_then(|row| row.object.zip(row.file_key)) else {
            return Ok(None);
        };
        let opener = self.opener(key_ids([sealed.as_slice()])).await?;
        let opened = opener.open(&place(id, "file_key"), sealed);
        let key = opened.map_err(StoreError::other)?;
        Ok(key.map(|key| StoredFile { object, key }))
    }

    /// Documents that the scanner is to look at now. Each is claimed: nobody else gets it before `again_at`.
    ///
    /// # Errors
    /// As any write.
    pub async fn claim_scans(
        &self,
        now: DateTime<Utc>,
        again_at: DateTime<Utc>,
        most: u64,
    ) -> Result<Vec<StoredDocument>, StoreError> {
        let due = document::Entity::find()
            .filter(document::Column::ScanAt.lte(now.timestamp_micros()))
            .order_by_asc(document::Column::ScanAt)
            .limit(most)
            .all(self.database().read())
            .await?;
        let mut claimed = Vec::new();
        for row in due {
            let claim = document::Entity::update_many()
                .col_expr(document::Column::ScanAt, Expr::value(again_at.timestamp_micros()))
                .filter(document::Column::Id.eq(row.id))
                .filter(document::Column::ScanAt.eq(row.scan_at));
            if self.update_documents(claim).await? == 1 {
                claimed.push(read(&row)?);
            }
        }
        Ok(claimed)
    }

    /// Keeps what the scanner found.
    ///
    /// # Errors
    /// As any write.
    pub async fn settle_scan(&self, id: DocumentId, state: DocumentState) -> Result<(), StoreError> {
        let none: Option<i64> = None;
        let settle = document::Entity::update_many()
            .col_expr(document::Column::State, Expr::value(name_of(state)?))
            .col_expr(document::Column::ScanAt, Expr::value(none))
            .filter(document::Column::Id.eq(id.uuid()))
            .filter(document::Column::State.eq(name_of(DocumentState::PendingScan)?));
        self.update_documents(settle).await?;
        Ok(())
    }

    /// Documents asked for before a moment whose storage was not looked after yet.
    ///
    /// # Errors
    /// As any query.
    pub async fn unswept(&self, before: DateTime<Utc>, most: u64) -> Result<Vec<Unswept>, StoreError> {
        let rows = document::Entity::find()
            .filter(document::Column::Swept.eq(false))
            .filter(document::Column::CreatedAt.lt(before.timestamp_micros()))
            .order_by_asc(document::Column::CreatedAt)
            .limit(most)
            .all(self.database().read())
            .await?;
        // one without a key opens nothing any more
        let unswept = rows.into_iter().map(|row| {
            Ok(Unswept {
                document: read(&row)?,
                attempts: row.attempts,
                object: row.object.filter(|_| row.file_key.is_some()),
            })
        });
        unswept.collect()
    }

    /// Marks a document whose storage was looked after.
    ///
    /// # Errors
    /// As any write.
    pub async fn mark_swept(&self, id: DocumentId) -> Result<(), StoreError> {
        let mark = document::Entity::update_many()
            .col_expr(document::Column::Swept, Expr::value(true))
            .filter(document::Column::Id.eq(id.uuid()));
        self.update_documents(mark).await?;
        Ok(())
    }

    /// Lets nobody use a document any more that belongs to no case, so that its bytes may go. `false`: it belongs to one.
    ///
    /// # Errors
    /// As any write.
    pub async fn retire_document(&self, id: DocumentId) -> Result<bool, StoreError> {
        let retire = document::Entity::update_many()
            .col_expr(
                document::Column::State,
                Expr::value(name_of(DocumentState::Waiting)?),
            )
            .col_expr(document::Column::ExpiresAt, Expr::value(0_i64))
            .filter(document::Column::Id.eq(id.uuid()))
            .filter(document::Column::CaseId.is_null());
        Ok(self.update_documents(retire).await? == 1)
    }

    /// Removes a retired document, whose bytes are gone.
    ///
    /// # Errors
    /// As any write.
    pub async fn remove_document(&self, id: DocumentId) -> Result<(), StoreError> {
        let database = self.database().clone();
        let write = async move {
            let tx = database.write_tx().await?;
            document::Entity::delete_many()
                .filter(document::Column::Id.eq(id.uuid()))
                .filter(document::Column::CaseId.is_null())
                .exec(tx.connection())
                .await?;
            tx.commit().await
        };
        self.database().in_turn(write).await
    }

    async fn update_documents(
        &self,
        update: sea_orm::UpdateMany<document::Entity>,
    ) -> Result<u64, StoreError> {
        let database = self.database().clone();
        let write = async move {
            let tx = database.write_tx().await?;
            let updated = update.exec(tx.connection()).await?;
            tx.commit().await?;
            Ok(updated.rows_affected)
        };
        self.database().in_turn(write).await
    }
}
