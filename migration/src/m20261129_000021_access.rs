//! Step 21: looks at personal data and how many a day they are, and the blind index of applicants' identity numbers.

use sea_orm_migration::sea_orm::DbBackend;
use sea_orm_migration::{prelude::*, schema::*};

use crate::columns::{drop_tables, index};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// A record stays what it was. The sealed words alone may be sealed anew, when keys are changed.
const KEPT: &str =
    "id, at, kind, outcome, actor, subject, organization_id, case_id, division_id, purpose, fields";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("access_record")
                    .col(uuid("id").primary_key())
                    .col(big_integer("at"))
                    .col(text("kind"))
                    .col(text("outcome"))
                    .col(text("actor"))
                    .col(text("subject"))
                    .col(uuid_null("organization_id"))
                    .col(uuid_null("case_id"))
                    .col(uuid_null("division_id"))
                    .col(text("purpose"))
                    .col(binary_null("purpose_text"))
                    .col(text("fields"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("access_budget")
                    .col(text("subject"))
                    .col(text("day"))
                    .col(text("kind"))
                    .col(integer("used"))
                    .col(integer("refused"))
                    .primary_key(Index::create().col("subject").col("day").col("kind"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("applicant_index")
                    .col(uuid("case_id").primary_key())
                    .col(text("key_id"))
                    .col(small_integer("normalization"))
                    .col(binary_null("hash"))
                    .to_owned(),
            )
            .await?;
        index(manager, "access_record", &["case_id", "at", "id"]).await?;
        index(manager, "access_record", &["division_id", "at", "id"]).await?;
        index(manager, "access_record", &["subject", "at", "id"]).await?;
        index(manager, "access_record", &["at", "id"]).await?;
        index(manager, "access_budget", &["day"]).await?;
        index(manager, "applicant_index", &["hash"]).await?;
        keep_records(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["applicant_index", "access_budget", "access_record"]).await
    }
}

/// Lets the database itself refuse to change or remove records.
async fn keep_records(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let statements = if manager.get_database_backend() == DbBackend::Postgres {
        vec![
            format!(
                "create trigger access_record_is_kept before delete or update of {KEPT} on access_record \
                 for each row execute function refuse_change()"
            ),
            "create trigger access_record_is_not_emptied before truncate on access_record \
             for each statement execute function refuse_change()"
                .to_owned(),
        ]
    } else {
        vec![
            format!(
                "create trigger access_record_refuses_update before update of {KEPT} on access_record \
                 begin select raise(abort, 'access_record is append-only'); end"
            ),
            "create trigger access_record_refuses_delete before delete on access_record \
             begin select raise(abort, 'access_record is append-only'); end"
                .to_owned(),
        ]
    };
    for sql in &statements {
        manager.get_connection().execute_unprepared(sql).await?;
    }
    Ok(())
}
