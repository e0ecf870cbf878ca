//! Step 22: kiosks with their keys, their short tokens, the proofs they have used, and the numbers they print offline.

use sea_orm_migration::{prelude::*, schema::*};

use crate::columns::{drop_tables, index, references, unique_index};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("kiosk")
                    .col(uuid("id").primary_key())
                    .col(text("name"))
                    .col(uuid("organization_id"))
                    .col(text("state"))
                    .col(binary_null("code_hash"))
                    .col(big_integer_null("code_expires_at"))
                    .col(text_null("public_key"))
                    .col(text_null("thumbprint"))
                    .col(big_integer("counter"))
                    .col(binary_null("challenge"))
                    .col(big_integer_null("challenge_at"))
                    .col(text_null("app_version"))
                    .col(big_integer_null("queue_length"))
                    .col(big_integer_null("clock_ahead_s"))
                    .col(big_integer("created_at"))
                    .col(big_integer_null("enrolled_at"))
                    .col(big_integer_null("last_seen_at"))
                    .col(big_integer_null("ended_at"))
                    .foreign_key(&mut references("kiosk", "organization_id", "organization"))
                    .to_owned(),
            )
            .await?;
        index(manager, "kiosk", &["created_at", "id"]).await?;
        unique_index(manager, "kiosk", &["code_hash"]).await?;
        manager
            .create_table(
                Table::create()
                    .table("kiosk_token")
                    .col(binary("hash").primary_key())
                    .col(uuid("kiosk_id"))
                    .col(big_integer("expires_at"))
                    .foreign_key(&mut references("kiosk_token", "kiosk_id", "kiosk"))
                    .to_owned(),
            )
            .await?;
        index(manager, "kiosk_token", &["kiosk_id"]).await?;
        index(manager, "kiosk_token", &["expires_at"]).await?;
        manager
            .create_table(
                Table::create()
                    .table("kiosk_proof")
                    .col(uuid("kiosk_id"))
                    .col(binary("hash"))
                    .col(big_integer("expires_at"))
                    .primary_key(Index::create().col("kiosk_id").col("hash"))
                    .to_owned(),
            )
            .await?;
        index(manager, "kiosk_proof", &["expires_at"]).await?;
        manager
            .create_table(
                Table::create()
                    .table("provisional_number")
                    .col(text("device"))
                    .col(text("number"))
                    .col(uuid("case_id"))
                    .col(big_integer("captured_at"))
                    .primary_key(Index::create().col("device").col("number"))
                    .foreign_key(&mut references("provisional_number", "case_id", "cases"))
                    .to_owned(),
            )
            .await?;
        index(manager, "provisional_number", &["case_id"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(
            manager,
            &["provisional_number", "kiosk_proof", "kiosk_token", "kiosk"],
        )
        .await
    }
}
