//! Step 23: uploaded documents, and the one-time tickets by which they are read.

use sea_orm_migration::{prelude::*, schema::*};

use crate::columns::{drop_tables, index, unique_index};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("document")
                    .col(uuid("id").primary_key())
                    .col(binary("ticket"))
                    .col(binary("ticket_sealed"))
                    .col(big_integer("expires_at"))
                    .col(text("principal"))
                    .col(uuid("idempotency_key"))
                    .col(binary("fingerprint"))
                    .col(uuid_null("meant_for"))
                    .col(text("material"))
                    .col(text("kind"))
                    .col(big_integer("size_bytes"))
                    .col(binary_null("sha256"))
                    .col(binary("file_name"))
                    .col(text("state"))
                    .col(integer("attempts"))
                    .col(text_null("object"))
                    .col(binary_null("file_key"))
                    .col(big_integer("created_at"))
                    .col(big_integer_null("uploaded_at"))
                    .col(uuid_null("case_id"))
                    .col(big_integer_null("joined_at"))
                    .col(big_integer_null("scan_at"))
                    .col(boolean("swept"))
                    .to_owned(),
            )
            .await?;
        unique_index(manager, "document", &["ticket"]).await?;
        unique_index(manager, "document", &["principal", "idempotency_key"]).await?;
        index(manager, "document", &["principal", "created_at"]).await?;
        index(manager, "document", &["meant_for"]).await?;
        index(manager, "document", &["case_id"]).await?;
        // few are ever unswept or unscanned: both loops find theirs without reading the rest
        index(manager, "document", &["swept", "created_at"]).await?;
        index(manager, "document", &["scan_at"]).await?;
        manager
            .create_table(
                Table::create()
                    .table("document_ticket")
                    .col(binary("ticket").primary_key())
                    .col(binary("ticket_sealed"))
                    .col(text("principal"))
                    .col(uuid("idempotency_key"))
                    .col(uuid("document_id"))
                    .col(text("actor"))
                    .col(text("subject"))
                    .col(uuid_null("organization_id"))
                    .col(boolean("by_credential"))
                    .col(big_integer("expires_at"))
                    .col(boolean("used"))
                    .to_owned(),
            )
            .await?;
        unique_index(manager, "document_ticket", &["principal", "idempotency_key"]).await?;
        index(manager, "document_ticket", &["expires_at"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["document_ticket", "document"]).await
    }
}
