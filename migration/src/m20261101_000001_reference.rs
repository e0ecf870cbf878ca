//! Step 1: divisions, organizations, service items, working days, and the epochs that date what caches hold.

use sea_orm_migration::{prelude::*, schema::*};

use crate::columns::{drop_tables, index, references, unique_index};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_divisions(manager).await?;
        create_organizations(manager).await?;
        create_items(manager).await?;
        create_calendar(manager).await?;
        manager
            .create_table(
                Table::create()
                    .table("reference_epoch")
                    .col(text("name").primary_key())
                    .col(big_integer("value"))
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(
            manager,
            &[
                "reference_epoch",
                "calendar_day",
                "calendar_version",
                "service_item_version",
                "service_item",
                "organization_name",
                "organization",
                "division_code",
                "division",
            ],
        )
        .await
    }
}

async fn create_divisions(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("division")
                .col(pk_uuid("id"))
                .col(text("code"))
                .col(uuid_null("parent_id"))
                .col(text("level"))
                .col(text("name"))
                .col(text("kind"))
                .col(text_null("setting"))
                .col(boolean("counted"))
                .col(text_null("ur_class"))
                .foreign_key(&mut references("division", "parent_id", "division"))
                .to_owned(),
        )
        .await?;
    unique_index(manager, "division", &["code"]).await?;
    index(manager, "division", &["parent_id", "code"]).await?;
    index(manager, "division", &["level", "code"]).await?;
    manager
        .create_table(
            Table::create()
                .table("division_code")
                .col(text("system"))
                .col(text("level"))
                .col(text("code"))
                .col(text("valid_from"))
                .col(text_null("valid_to"))
                .col(text("name"))
                .col(uuid("division_id"))
                .primary_key(
                    Index::create()
                        .col("system")
                        .col("level")
                        .col("code")
                        .col("valid_from"),
                )
                .foreign_key(&mut references("division_code", "division_id", "division"))
                .to_owned(),
        )
        .await?;
    index(manager, "division_code", &["division_id"]).await
}

async fn create_organizations(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("organization")
                .col(pk_uuid("id"))
                .col(text("code"))
                .col(text("role"))
                .col(text("kind"))
                .col(uuid("division_id"))
                .col(text("level"))
                .col(text("name_zh"))
                .col(text("name_en"))
                .col(uuid_null("successor_id"))
                .col(big_integer_null("closed_at"))
                .foreign_key(&mut references("organization", "division_id", "division"))
                .foreign_key(&mut references("organization", "successor_id", "organization"))
                .to_owned(),
        )
        .await?;
    unique_index(manager, "organization", &["code"]).await?;
    index(manager, "organization", &["division_id", "code"]).await?;
    index(manager, "organization", &["role", "code"]).await?;
    index(manager, "organization", &["successor_id"]).await?;
    manager
        .create_table(
            Table::create()
                .table("organization_name")
                .col(uuid("organization_id"))
                .col(big_integer("valid_from"))
                .col(big_integer_null("valid_to"))
                .col(text("name_zh"))
                .col(text("name_en"))
                .primary_key(Index::create().col("organization_id").col("valid_from"))
                .foreign_key(&mut references(
                    "organization_name",
                    "organization_id",
                    "organization",
                ))
                .to_owned(),
        )
        .await
}

async fn create_items(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("service_item")
                .col(pk_uuid("id"))
                .col(text("code"))
                // the published version; no foreign key, because each of the two rows would need the other first
                .col(uuid("current_version_id"))
                .col(big_integer_null("withdrawn_at"))
                .to_owned(),
        )
        .await?;
    unique_index(manager, "service_item", &["code"]).await?;
    manager
        .create_table(
            Table::create()
                .table("service_item_version")
                .col(pk_uuid("id"))
                .col(uuid("item_id"))
                .col(integer("version"))
                .col(text("document"))
                .col(text("content_hash"))
                .col(big_integer("published_at"))
                .foreign_key(&mut references("service_item_version", "item_id", "service_item"))
                .to_owned(),
        )
        .await?;
    unique_index(manager, "service_item_version", &["item_id", "version"]).await
}

async fn create_calendar(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("calendar_version")
                .col(pk_uuid("id"))
                .col(integer("number"))
                .col(text("content_hash"))
                .col(big_integer("imported_at"))
                .to_owned(),
        )
        .await?;
    unique_index(manager, "calendar_version", &["number"]).await?;
    manager
        .create_table(
            Table::create()
                .table("calendar_day")
                .col(uuid("version_id"))
                .col(text("date"))
                .col(text("kind"))
                .col(text("name"))
                .col(text("status"))
                .col(text("source"))
                .primary_key(Index::create().col("version_id").col("date"))
                .foreign_key(&mut references("calendar_day", "version_id", "calendar_version"))
                .to_owned(),
        )
        .await
}
