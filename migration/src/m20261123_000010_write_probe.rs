//! Step 10: the row on which the gateway tries whether a whole write set can be committed.

use sea_orm_migration::{prelude::*, schema::*};

use crate::columns::drop_tables;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("write_probe")
                    .col(text("name").primary_key())
                    .col(binary("filler"))
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["write_probe"]).await
    }
}
