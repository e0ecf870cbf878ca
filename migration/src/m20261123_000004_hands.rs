//! Step 4: what was handed over and why it was refused, how often a case went back and forth, and the admission lists.

use sea_orm_migration::{prelude::*, schema::*};

use crate::columns::{drop_tables, index};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Columns of `handoff`, all of them empty in rows of an older binary.
const OF_HANDOFFS: [&str; 3] = ["materials", "refused_for", "admission"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in OF_HANDOFFS {
            let added = Table::alter()
                .table("handoff")
                .add_column(text_null(column))
                .to_owned();
            manager.alter_table(added).await?;
        }
        manager
            .alter_table(
                Table::alter()
                    .table("cases")
                    .add_column(big_integer("back_and_forth").default(0))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("admission")
                    .col(text("number").primary_key())
                    .col(text("list"))
                    .col(text("item_code"))
                    .col(text_null("division_code"))
                    .col(text("approver"))
                    .col(text("funds_note"))
                    .col(text("valid_from"))
                    .col(text_null("valid_to"))
                    .to_owned(),
            )
            .await?;
        index(manager, "admission", &["item_code"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["admission"]).await?;
        manager
            .alter_table(
                Table::alter()
                    .table("cases")
                    .drop_column("back_and_forth")
                    .to_owned(),
            )
            .await?;
        for column in OF_HANDOFFS {
            let dropped = Table::alter().table("handoff").drop_column(column).to_owned();
            manager.alter_table(dropped).await?;
        }
        Ok(())
    }
}
