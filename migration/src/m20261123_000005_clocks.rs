//! Step 5: cards on cases, the epochs of clocks, and when a clock of a case speaks next.

use sea_orm_migration::{prelude::*, schema::*};

use crate::columns::{drop_tables, index, unique_index};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_cards(manager).await?;
        // one column a statement: SQLite adds no more
        for column in [
            big_integer_null("next_tick_at").to_owned(),
            integer("tick_failures").default(0).to_owned(),
            integer("cards").default(0).to_owned(),
            text_null("card").to_owned(),
        ] {
            add_column(manager, "cases", column).await?;
        }
        for column in [
            integer("epoch").default(0).to_owned(),
            big_integer_null("epoch_from").to_owned(),
            big_integer_null("last_due_at").to_owned(),
            boolean("firm").default(true).to_owned(),
        ] {
            add_column(manager, "case_clock", column).await?;
        }
        // cases from before this step are looked at once; the look writes when their clocks speak
        let open = Query::update()
            .table("cases")
            .value("next_tick_at", 0_i64)
            .and_where(Expr::col("status").is_not_in([
                "DELIVERED",
                "NOT_ACCEPTED",
                "LAPSED",
                "WITHDRAWN",
                "VOIDED",
            ]))
            .to_owned();
        manager.execute(open).await?;
        let due = Query::update()
            .table("case_clock")
            .value("last_due_at", Expr::col("due_at"))
            .to_owned();
        manager.execute(due).await?;
        index(manager, "cases", &["next_tick_at"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_index(
                Index::drop()
                    .name("ix_cases_next_tick_at")
                    .table("cases")
                    .to_owned(),
            )
            .await?;
        for column in ["firm", "last_due_at", "epoch_from", "epoch"] {
            drop_column(manager, "case_clock", column).await?;
        }
        for column in ["card", "cards", "tick_failures", "next_tick_at"] {
            drop_column(manager, "cases", column).await?;
        }
        drop_tables(manager, &["case_card"]).await
    }
}

async fn create_cards(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("case_card")
                .col(uuid("id").primary_key())
                .col(uuid("case_id"))
                .col(big_integer("revision"))
                .col(integer("position"))
                .col(text("cause"))
                .col(uuid_null("clock_id"))
                .col(text_null("clock_kind"))
                .col(integer_null("epoch"))
                .col(text("rung"))
                .col(uuid_null("holder_id"))
                .col(text("desk"))
                .col(uuid_null("division_id"))
                .col(text_null("level"))
                .col(big_integer("due_at"))
                .col(big_integer("raised_at"))
                .col(text("state"))
                .col(big_integer_null("appealed_at"))
                .col(big_integer_null("cancelled_at"))
                .to_owned(),
        )
        .await?;
    // nulls differ from each other, so that cards by hand are not bound by it
    unique_index(manager, "case_card", &["clock_id", "rung", "epoch"]).await?;
    unique_index(manager, "case_card", &["case_id", "position"]).await?;
    index(manager, "case_card", &["division_id", "state", "raised_at"]).await?;
    index(manager, "case_card", &["holder_id", "state", "raised_at"]).await
}

async fn add_column(
    manager: &SchemaManager<'_>,
    table: &'static str,
    column: ColumnDef,
) -> Result<(), DbErr> {
    manager
        .alter_table(Table::alter().table(table).add_column(column).to_owned())
        .await
}

async fn drop_column(
    manager: &SchemaManager<'_>,
    table: &'static str,
    column: &'static str,
) -> Result<(), DbErr> {
    manager
        .alter_table(Table::alter().table(table).drop_column(column).to_owned())
        .await
}
