//! Step 9: finds finished deliveries by their age, so that removing them reads nothing else.

use sea_orm_migration::prelude::*;

const INDEX: &str = "ix_delivery_finished_changed_at";

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = format!("create index {INDEX} on delivery (changed_at) where not waiting");
        manager.get_connection().execute_unprepared(&sql).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = format!("drop index {INDEX}");
        manager.get_connection().execute_unprepared(&sql).await?;
        Ok(())
    }
}
