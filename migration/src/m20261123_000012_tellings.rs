//! Step 12: what a delivery tells of beside its handoff, and the trace of whoever asked for it.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // one column a statement: SQLite adds no more at once
        for column in [big_integer_null("ledger_seq"), text_null("traceparent")] {
            let added = Table::alter().table("delivery").add_column(column).to_owned();
            manager.alter_table(added).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in ["traceparent", "ledger_seq"] {
            let dropped = Table::alter().table("delivery").drop_column(column).to_owned();
            manager.alter_table(dropped).await?;
        }
        Ok(())
    }
}
