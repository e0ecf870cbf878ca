//! Step 15: comparisons with upstream systems, what they found, and the way from a system to its handoffs.

use sea_orm_migration::{prelude::*, schema::*};

use crate::columns::{drop_tables, index};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// One open difference of a kind for a case at a system; and the walk over all cases at a system.
const INDEXES: [(&str, &str); 2] = [
    (
        "ux_reconciliation_difference_open",
        "create unique index ux_reconciliation_difference_open \
         on reconciliation_difference (upstream, case_id, kind) where open",
    ),
    (
        "ix_handoff_upstream",
        "create index ix_handoff_upstream on handoff (upstream, case_id) where upstream is not null",
    ),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("reconciliation")
                    .col(uuid("id").primary_key())
                    .col(text("upstream"))
                    .col(text("cause"))
                    .col(text_null("requested_by"))
                    .col(text("state"))
                    .col(big_integer("requested_at"))
                    .col(big_integer_null("started_at"))
                    .col(big_integer_null("ended_at"))
                    .col(integer("checked"))
                    .col(integer("differing"))
                    .col(integer("unanswered"))
                    .col(integer("unsettled"))
                    .col(integer("resolved"))
                    .col(text_null("reason"))
                    .col(uuid_null("last_case_id"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("reconciliation_difference")
                    .col(uuid("id").primary_key())
                    .col(text("upstream"))
                    .col(uuid("case_id"))
                    .col(uuid("handoff_id"))
                    .col(text("kind"))
                    .col(text("ours"))
                    .col(text("theirs"))
                    .col(text_null("number"))
                    .col(big_integer("as_of"))
                    .col(boolean("open"))
                    .col(uuid("first_run_id"))
                    .col(big_integer("first_seen_at"))
                    .col(uuid("last_run_id"))
                    .col(big_integer("last_seen_at"))
                    .col(uuid("looked_run_id"))
                    .col(uuid_null("resolved_run_id"))
                    .col(big_integer_null("resolved_at"))
                    .to_owned(),
            )
            .await?;
        index(manager, "reconciliation", &["upstream", "requested_at", "id"]).await?;
        index(manager, "reconciliation", &["ended_at"]).await?;
        index(manager, "reconciliation_difference", &["first_seen_at", "id"]).await?;
        index(manager, "reconciliation_difference", &["resolved_at"]).await?;
        for (_, sql) in INDEXES {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, _) in INDEXES {
            let sql = format!("drop index if exists {name}");
            manager.get_connection().execute_unprepared(&sql).await?;
        }
        drop_tables(manager, &["reconciliation_difference", "reconciliation"]).await
    }
}
