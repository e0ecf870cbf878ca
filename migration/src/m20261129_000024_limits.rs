//! Step 24: denials of a minute as one entry of the audit log, and wrong tracking secrets that outlive a restart.

use sea_orm_migration::{prelude::*, schema::*};

use crate::columns::drop_tables;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let times = Table::alter()
            .table("audit_entry")
            .add_column(integer("times").default(1))
            .to_owned();
        manager.alter_table(times).await?;
        manager
            .create_table(
                Table::create()
                    .table("tracking_failure")
                    .col(integer("bucket").primary_key())
                    .col(integer("failures"))
                    .col(big_integer("since"))
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["tracking_failure"]).await?;
        let times = Table::alter()
            .table("audit_entry")
            .drop_column("times")
            .to_owned();
        manager.alter_table(times).await
    }
}
