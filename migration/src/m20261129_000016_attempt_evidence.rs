//! Step 16: what the answer to an attempt says of itself for later proof, for example the number of an exchange.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = Table::alter()
            .table("delivery_attempt")
            .add_column(text_null("evidence"))
            .to_owned();
        manager.alter_table(column).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = Table::alter()
            .table("delivery_attempt")
            .drop_column("evidence")
            .to_owned();
        manager.alter_table(column).await
    }
}
