//! Step 11: open work by the division of its case and tallies of a desk as ranges, cards in the order they were raised.
//!
//! A case never changes its division; which divisions stand below another is asked of the tree of the day. What an older
//! binary writes meanwhile has no division yet: the retention loop adds it. Divisions lose an index that another one
//! holds already, and that an import of a country would wait for.

use sea_orm_migration::sea_orm::DbBackend;
use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = uuid_null("division_id");
        manager
            .alter_table(Table::alter().table("handoff").add_column(column).to_owned())
            .await?;
        let postgres = manager.get_database_backend() == DbBackend::Postgres;
        // SQLite reads a condition's column from the row unless the index holds it
        let (range, tally) = if postgres {
            (
                "(division_id, due_at, id) include (state, kind, case_id)",
                "(to_id, state, due_at)",
            )
        } else {
            (
                "(division_id, due_at, id, state, kind, case_id, open)",
                "(to_id, state, due_at, open)",
            )
        };
        for sql in [
            "update handoff set division_id = (select division_id from cases where cases.id = handoff.case_id)",
            &format!("create index ix_handoff_division on handoff {range} where open"),
            &format!("create index ix_handoff_tally on handoff {tally} where open"),
            "create index ix_case_card_raised_at_id on case_card (raised_at, id)",
            "drop index ix_division_level_code",
            "drop index ix_division_successor_id",
            "create index ix_division_successor_id on division (successor_id) where successor_id is not null",
        ] {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for sql in [
            "drop index ix_division_successor_id",
            "create index ix_division_successor_id on division (successor_id)",
            "create index ix_division_level_code on division (level, code)",
            "drop index ix_case_card_raised_at_id",
            "drop index ix_handoff_tally",
            "drop index ix_handoff_division",
        ] {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        let drop = Table::alter()
            .table("handoff")
            .drop_column("division_id")
            .to_owned();
        manager.alter_table(drop).await
    }
}
