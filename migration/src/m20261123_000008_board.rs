//! Step 8: what the board is ordered and narrowed by, as ranges of indexes.
//!
//! The desk's own index stands since step 2. Beside it: what an organization handed on, what it was offered (closed work
//! included), what it took in, and its cases by due date.

use sea_orm_migration::sea_orm::DbBackend;
use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// `cases.due_order` of a case without a due date: it sorts last.
const NO_DATE: i64 = i64::MAX;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // a key of a list must not be null; rows that an older binary writes meanwhile sort last
        let due_order = big_integer("due_order").default(NO_DATE).to_owned();
        manager
            .alter_table(Table::alter().table("cases").add_column(due_order).to_owned())
            .await?;
        run(
            manager,
            "update cases set due_order = due_at where due_at is not null",
        )
        .await?;
        let postgres = manager.get_database_backend() == DbBackend::Postgres;
        for index in INDEXES {
            run(manager, &index.create(postgres)).await?;
        }
        if !postgres {
            // SQLite reads a condition's column from the row unless the index holds it
            for (name, columns) in DESKS {
                run(manager, &format!("drop index {name}")).await?;
                let sql = format!("create index {name} on handoff ({columns}, open) where open");
                run(manager, &sql).await?;
            }
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for index in INDEXES {
            run(manager, &format!("drop index {}", index.name)).await?;
        }
        if manager.get_database_backend() != DbBackend::Postgres {
            for (name, columns) in DESKS {
                run(manager, &format!("drop index {name}")).await?;
                let sql = format!("create index {name} on handoff ({columns}) where open");
                run(manager, &sql).await?;
            }
        }
        let drop = Table::alter().table("cases").drop_column("due_order").to_owned();
        manager.alter_table(drop).await
    }
}

async fn run(manager: &SchemaManager<'_>, sql: &str) -> Result<(), DbErr> {
    manager.get_connection().execute_unprepared(sql).await?;
    Ok(())
}

/// The indexes of the desks as step 2 made them on SQLite.
const DESKS: [(&str, &str); 2] = [
    ("ix_handoff_desk", "to_id, due_at, id, state, kind, case_id"),
    ("ix_handoff_open", "due_at, id, state, kind, case_id"),
];

struct NewIndex {
    name: &'static str,
    table: &'static str,
    /// By what it is ordered.
    key: &'static str,
    /// What a list or a count reads beside it.
    also: &'static [&'static str],
    condition: &'static str,
}

impl NewIndex {
    fn create(&self, postgres: bool) -> String {
        let Self {
            name,
            table,
            key,
            also,
            condition,
        } = self;
        let also = also.join(", ");
        let columns = match (also.is_empty(), postgres) {
            (true, _) => format!("({key})"),
            (false, true) => format!("({key}) include ({also})"),
            (false, false) => format!("({key}, {also})"),
        };
        format!("create index {name} on {table} {columns} {condition}")
    }
}

const INDEXES: [NewIndex; 5] = [
    NewIndex {
        name: "ix_handoff_sent",
        table: "handoff",
        key: "from_id, due_at, id",
        also: &["state", "kind", "case_id", "open"],
        condition: "where open",
    },
    NewIndex {
        name: "ix_handoff_offered",
        table: "handoff",
        key: "to_id, offered_at, id",
        also: &["state", "kind", "case_id"],
        condition: "",
    },
    NewIndex {
        name: "ix_cases_first_contact",
        table: "cases",
        key: "first_contact_id, submitted_at, id",
        also: &[],
        condition: "",
    },
    NewIndex {
        name: "ix_cases_owner_due",
        table: "cases",
        key: "owner_id, due_order, id",
        also: &[],
        condition: "",
    },
    NewIndex {
        name: "ix_cases_division_due",
        table: "cases",
        key: "division_id, due_order, id",
        also: &[],
        condition: "",
    },
];
