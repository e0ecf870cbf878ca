//! Step 19: sign-in sessions, sign-ins that were begun, and revocations of access.

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
                    .table("session")
                    .col(uuid("id").primary_key())
                    .col(binary("key"))
                    .col(text("issuer"))
                    .col(text("subject"))
                    .col(text("role"))
                    .col(text_null("organization"))
                    .col(text_null("division"))
                    .col(boolean("approver"))
                    .col(big_integer("created_at"))
                    .col(big_integer("seen_at"))
                    .col(big_integer("expires_at"))
                    .to_owned(),
            )
            .await?;
        unique_index(manager, "session", &["key"]).await?;
        index(manager, "session", &["expires_at"]).await?;
        manager
            .create_table(
                Table::create()
                    .table("sign_in")
                    .col(binary("key").primary_key())
                    .col(text("issuer"))
                    .col(text("target"))
                    .col(big_integer("expires_at"))
                    .to_owned(),
            )
            .await?;
        index(manager, "sign_in", &["expires_at"]).await?;
        manager
            .create_table(
                Table::create()
                    .table("revocation")
                    .col(uuid("id").primary_key())
                    .col(text("kind"))
                    .col(text("issuer"))
                    .col(text("value"))
                    .col(big_integer_null("issued_before"))
                    .col(text("reason"))
                    .col(big_integer("revoked_at"))
                    .col(text("revoked_by"))
                    .col(big_integer_null("ends_at"))
                    .to_owned(),
            )
            .await?;
        unique_index(manager, "revocation", &["kind", "issuer", "value"]).await?;
        index(manager, "revocation", &["revoked_at", "id"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["revocation", "sign_in", "session"]).await
    }
}
