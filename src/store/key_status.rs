//! Which key is referred to by how many rows: a key may go when nothing refers to it.

use std::collections::BTreeMap;

use onedoor_entity::{
    access_record, case_private, data_key, document, document_ticket, draft, idempotency, inbox,
    ledger_checkpoint, ledger_private, receipt,
};
use sea_orm::sea_query::{Expr, ExprTrait as _, Func};
use sea_orm::{ColumnTrait as _, EntityTrait, FromQueryResult, QueryFilter as _, QuerySelect as _};

use super::case::CaseStore;
use super::error::StoreError;
use crate::secret::seal::{SealedWith, sealed_with};

/// Rows by what they refer to.
pub type Counts = BTreeMap<String, u64>;

/// What refers to which key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyUse {
    /// Data keys, by the master key that wraps them.
    pub wrapped: Counts,
    /// Values, by the master key that seals them.
    pub of_masters: Counts,
    /// Data keys by suite, class and state.
    pub data_keys: Counts,
    /// Receipts and checkpoints, by the key that signed them.
    pub signed: Counts,
}

#[derive(FromQueryResult)]
struct Counted {
    key: String,
    rows: i64,
}

#[derive(FromQueryResult)]
struct State {
    suite: String,
    class: String,
    retired: i32,
    destroyed: i32,
    rows: i64,
}

impl CaseStore {
    /// Counts what refers to which key. It reads whole tables.
    ///
    /// # Errors
    /// As any query.
    pub async fn key_use(&self) -> Result<KeyUse, StoreError> {
        let read = self.database().read();
        let wrapped = data_key::Entity::find()
            .select_only()
            .column_as(data_key::Column::MasterKey, "key")
            .column_as(data_key::Column::Id.count(), "rows")
            .filter(data_key::Column::DestroyedAt.is_null())
            .group_by(data_key::Column::MasterKey)
            .into_model::<Counted>()
            .all(read)
            .await?;
        let mut signed = Counts::new();
        let receipts = receipt::Entity::find()
            .select_only()
            .column_as(receipt::Column::KeyId, "key")
            .column_as(receipt::Column::Id.count(), "rows")
            .group_by(receipt::Column::KeyId)
            .into_model::<Counted>()
            .all(read)
            .await?;
        let checkpoints = ledger_checkpoint::Entity::find()
            .select_only()
            .column_as(ledger_checkpoint::Column::KeyId, "key")
            .column_as(ledger_checkpoint::Column::Seq.count(), "rows")
            .group_by(ledger_checkpoint::Column::KeyId)
            .into_model::<Counted>()
            .all(read)
            .await?;
        for counted in receipts.into_iter().chain(checkpoints) {
            add(&mut signed, counted.key, counted.rows);
        }
        let mut counts = Counts::new();
        for counted in wrapped {
            add(&mut counts, counted.key, counted.rows);
        }
        Ok(KeyUse {
            wrapped: counts,
            of_masters: self.count_of_masters().await?,
            data_keys: self.data_key_states().await?,
            signed,
        })
    }

    async fn data_key_states(&self) -> Result<Counts, StoreError> {
        // grouped by: without values that are bound, so that both databases see the same expression twice
        let is_set =
            |column: &'static str| Expr::cust(format!("case when {column} is null then 0 else 1 end"));
        let states = data_key::Entity::find()
            .select_only()
            .column(data_key::Column::Suite)
            .column(data_key::Column::Class)
            .column_as(is_set("retired_at"), "retired")
            .column_as(is_set("destroyed_at"), "destroyed")
            .column_as(data_key::Column::Id.count(), "rows")
            .group_by(data_key::Column::Suite)
            .group_by(data_key::Column::Class)
            .group_by(is_set("retired_at"))
            .group_by(is_set("destroyed_at"))
            .into_model::<State>()
            .all(self.database().read())
            .await?;
        let mut counts = Counts::new();
        for state in states {
            let how = match (state.destroyed, state.retired) {
                (0, 0) => "in use",
                (0, _) => "retired",
                _ => "destroyed",
            };
            add(
                &mut counts,
                format!("{} {} {how}", state.suite, state.class),
                state.rows,
            );
        }
        Ok(counts)
    }

    /// Values that are sealed with master keys, by key.
    pub(super) async fn count_of_masters(&self) -> Result<Counts, StoreError> {
        use case_private::Column as Private;
        let mut counts = Counts::new();
        for column in [
            Private::Applicant,
            Private::Form,
            Private::Materials,
            Private::Salt,
        ] {
            self.count_in::<case_private::Entity>(column, &mut counts).await?;
        }
        self.count_in::<ledger_private::Entity>(ledger_private::Column::Sealed, &mut counts)
            .await?;
        self.count_in::<access_record::Entity>(access_record::Column::PurposeText, &mut counts)
            .await?;
        for column in [
            document::Column::TicketSealed,
            document::Column::FileName,
            document::Column::FileKey,
        ] {
            self.count_in::<document::Entity>(column, &mut counts).await?;
        }
        self.count_in::<document_ticket::Entity>(document_ticket::Column::TicketSealed, &mut counts)
            .await?;
        self.count_in::<receipt::Entity>(receipt::Column::Body, &mut counts)
            .await?;
        self.count_in::<draft::Entity>(draft::Column::Content, &mut counts)
            .await?;
        self.count_in::<inbox::Entity>(inbox::Column::Facts, &mut counts)
            .await?;
        self.count_in::<idempotency::Entity>(idempotency::Column::Answer, &mut counts)
            .await?;
        Ok(counts)
    }

    async fn count_in<E: EntityTrait>(
        &self,
        column: E::Column,
        counts: &mut Counts,
    ) -> Result<(), StoreError> {
        let begin = |length: i32| {
            Expr::from(Func::cust("substr").args([
                Expr::col((E::default(), column)),
                Expr::cust("1"),
                Expr::cust(length.to_string()),
            ]))
        };
        let found: Vec<(Vec<u8>, i64)> = E::find()
            .select_only()
            .column_as(begin(9), "key")
            .column_as(Expr::cust("count(*)"), "rows")
            .filter(begin(1).eq(vec![1_u8]))
            .group_by(begin(9))
            .into_tuple()
            .all(self.database().read())
            .await?;
        for (header, rows) in found {
            if let Some(SealedWith::Master(id)) = sealed_with(&header) {
                add(counts, id.to_string(), rows);
            }
        }
        Ok(())
    }
}

fn add(counts: &mut Counts, key: String, rows: i64) {
    *counts.entry(key).or_default() += u64::try_from(rows).unwrap_or_default();
}
