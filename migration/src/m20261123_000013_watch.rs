//! Step 13: what the gateway does by itself towards each upstream system, and finding a case by a number given elsewhere.

use sea_orm_migration::{prelude::*, schema::*};

use crate::columns::{drop_tables, index};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("upstream_watch")
                    .col(text("upstream"))
                    .col(text("duty"))
                    .col(text_null("cursor"))
                    .col(big_integer("fence"))
                    .col(big_integer("lease_until"))
                    .col(big_integer("next_at"))
                    .col(integer("failures"))
                    .col(big_integer_null("succeeded_at"))
                    .primary_key(Index::create().col("upstream").col("duty"))
                    .to_owned(),
            )
            .await?;
        index(manager, "external_number", &["number"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_index(
                Index::drop()
                    .name("ix_external_number_number")
                    .table("external_number")
                    .to_owned(),
            )
            .await?;
        drop_tables(manager, &["upstream_watch"]).await
    }
}
