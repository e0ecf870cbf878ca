//! Step 7: divisions that end and are succeeded, equal codes on several levels, and the tree of any day.
//!
//! On PostgreSQL the references of `division` and `division_code` to `division` go: the import is their only writer and
//! has resolved every parent before it writes, and checking 1,300,000 references one by one is what an import of the
//! country would wait for. SQLite, which cannot drop a reference, checks them cheaply and keeps them.

use sea_orm_migration::sea_orm::DbBackend;
use sea_orm_migration::{prelude::*, schema::*};

use crate::columns::index;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Table and column of the references that go on PostgreSQL.
const REFERENCES: [(&str, &str); 2] = [("division", "parent_id"), ("division_code", "division_id")];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in [text_null("valid_to"), uuid_null("successor_id")] {
            add_column(manager, "division", column).await?;
        }
        add_column(manager, "division_code", uuid_null("parent_id")).await?;
        let sql = [
            "update division_code set parent_id = \
             (select parent_id from division where division.id = division_code.division_id)",
            "drop index ux_division_code",
            "create unique index ux_division_living on division (level, code) where valid_to is null",
        ];
        for sql in sql {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        index(manager, "division", &["code", "id"]).await?;
        index(manager, "division", &["successor_id"]).await?;
        index(manager, "division_code", &["parent_id"]).await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            for (table, column) in REFERENCES {
                let sql = format!("alter table {table} drop constraint fk_{table}_{column}");
                manager.get_connection().execute_unprepared(&sql).await?;
            }
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in [
            "ux_division_living",
            "ix_division_code_id",
            "ix_division_successor_id",
            "ix_division_code_parent_id",
        ] {
            let sql = format!("drop index {name}");
            manager.get_connection().execute_unprepared(&sql).await?;
        }
        if manager.get_database_backend() == DbBackend::Postgres {
            for (table, column) in REFERENCES {
                let sql = format!(
                    "alter table {table} add constraint fk_{table}_{column} \
                     foreign key ({column}) references division (id) on delete restrict"
                );
                manager.get_connection().execute_unprepared(&sql).await?;
            }
        }
        for (table, column) in [
            ("division", "valid_to"),
            ("division", "successor_id"),
            ("division_code", "parent_id"),
        ] {
            manager
                .alter_table(Table::alter().table(table).drop_column(column).to_owned())
                .await?;
        }
        let sql = "create unique index ux_division_code on division (code)";
        manager.get_connection().execute_unprepared(sql).await?;
        Ok(())
    }
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
