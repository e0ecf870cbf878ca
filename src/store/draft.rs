//! Drafts: sealed, and in the hands of their author alone.

use onedoor_domain::draft::Draft;
use onedoor_domain::id::{DraftId, ItemVersionId};
use onedoor_domain::page::{KeyPart, Page, PageRequest, Position};
use onedoor_entity::draft;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _, TryInsertResult};

use super::case::CaseStore;
use super::data_key::{Opener, Owner, Sealing, key_ids};
use super::error::StoreError;
use super::page::{descending, keyset};
use super::parse::Row;
use crate::secret::seal::SealPlace;

/// Order of the list of drafts: saved last first.
pub const DRAFTS_BY_SAVED: &str = "draft.saved";

impl CaseStore {
    /// Saves a draft, or saves it again; saving the same twice changes nothing more.
    ///
    /// # Errors
    /// `NotFound` when the draft is another author's; else as any write.
    pub async fn save_draft(&self, draft: &Draft) -> Result<(), StoreError> {
        let row = self.draft_row(draft).await?;
        let own = Expr::col((draft::Entity, draft::Column::Author)).eq(draft.author.as_str());
        let again = OnConflict::column(draft::Column::Id)
            .update_columns([
                draft::Column::ItemVersionId,
                draft::Column::ItemCode,
                draft::Column::Content,
                draft::Column::SavedAt,
            ])
            .action_and_where(own)
            .to_owned();
        let database = self.database().clone();
        let write = async move {
            let tx = database.write_tx().await?;
            let written = draft::Entity::insert(row.into_active_model())
                .on_conflict(again)
                .exec_without_returning(tx.connection())
                .await?;
            if written == 0 {
                tx.rollback().await?;
                return Err(StoreError::NotFound { what: "draft" });
            }
            tx.commit().await
        };
        self.database().in_turn(write).await
    }

    /// Keeps a new draft. `false`: its id is taken, and nothing was written.
    ///
    /// # Errors
    /// As any write.
    pub async fn keep_draft(&self, draft: &Draft) -> Result<bool, StoreError> {
        let row = self.draft_row(draft).await?;
        let database = self.database().clone();
        let write = async move {
            let tx = database.write_tx().await?;
            let written = draft::Entity::insert(row.into_active_model())
                .on_conflict_do_nothing_on([draft::Column::Id])
                .exec_without_returning(tx.connection())
                .await?;
            tx.commit().await?;
            Ok(matches!(written, TryInsertResult::Inserted(1)))
        };
        self.database().in_turn(write).await
    }

    /// A draft of this author; `None` when it is absent or another's.
    ///
    /// # Errors
    /// As any query; `Other` when it does not open.
    pub async fn load_draft(&self, author: &str, id: DraftId) -> Result<Option<Draft>, StoreError> {
        let row = draft::Entity::find_by_id(id.uuid())
            .filter(draft::Column::Author.eq(author))
            .one(self.database().read())
            .await?;
        Ok(self.drafts(row.into_iter().collect()).await?.pop())
    }

    /// The drafts of an author, saved last first. The page's order is [`DRAFTS_BY_SAVED`], with 2 parts.
    ///
    /// # Errors
    /// As [`Self::load_draft`].
    pub async fn list_drafts(&self, author: &str, page: &PageRequest) -> Result<Page<Draft>, StoreError> {
        let query = draft::Entity::find().filter(draft::Column::Author.eq(author));
        let keys = [descending(draft::Column::SavedAt), descending(draft::Column::Id)];
        let rows = keyset(query, &keys, page)?.all(self.database().read()).await?;
        let drafts = self.drafts(rows).await?;
        Ok(page.page(drafts, |draft: &Draft| {
            Position(vec![
                KeyPart::Integer(draft.saved_at.timestamp_micros()),
                KeyPart::Uuid(draft.id.uuid()),
            ])
        }))
    }

    /// Removes a draft of this author. `false`: there was none.
    ///
    /// # Errors
    /// As any write.
    pub async fn delete_draft(&self, author: &str, id: DraftId) -> Result<bool, StoreError> {
        let (database, author) = (self.database().clone(), author.to_owned());
        let write = async move {
            let tx = database.write_tx().await?;
            let deleted = draft::Entity::delete_many()
                .filter(draft::Column::Id.eq(id.uuid()))
                .filter(draft::Column::Author.eq(author))
                .exec(tx.connection())
                .await?;
            tx.commit().await?;
            Ok(deleted.rows_affected > 0)
        };
        self.database().in_turn(write).await
    }

    async fn draft_row(&self, draft: &Draft) -> Result<draft::Model, StoreError> {
        let sealed = self
            .sealing_key(Owner::Kind(Sealing::Draft), draft.saved_at)
            .await?
            .seal_json(&place(draft.id), &draft.content)
            .map_err(StoreError::other)?;
        Ok(draft::Model {
            id: draft.id.uuid(),
            author: draft.author.clone(),
            item_version_id: draft.item.uuid(),
            item_code: draft.item_code.clone(),
            ephemeral: draft.ephemeral,
            content: sealed.into_bytes(),
            created_at: draft.created_at.timestamp_micros(),
            saved_at: draft.saved_at.timestamp_micros(),
        })
    }

    async fn drafts(&self, rows: Vec<draft::Model>) -> Result<Vec<Draft>, StoreError> {
        let opener = self
            .opener(key_ids(rows.iter().map(|row| row.content.as_slice())))
            .await?;
        rows.into_iter().map(|row| draft(row, &opener)).collect()
    }
}

fn draft(row: draft::Model, opener: &Opener) -> Result<Draft, StoreError> {
    let id = DraftId::from_uuid(row.id);
    let parse = Row::of("draft", &id);
    Ok(Draft {
        id,
        author: row.author,
        item: ItemVersionId::from_uuid(row.item_version_id),
        item_code: row.item_code,
        ephemeral: row.ephemeral,
        content: opener
            .open_json(&place(id), row.content)
            .map_err(StoreError::other)?
            .ok_or_else(|| parse.corrupt("content"))?,
        created_at: parse.instant("created_at", row.created_at)?,
        saved_at: parse.instant("saved_at", row.saved_at)?,
    })
}

pub(super) fn place(id: DraftId) -> SealPlace {
    SealPlace::new("draft", "content", id)
}
