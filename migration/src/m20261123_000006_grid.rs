//! Step 6: what statistics count of grid events and evaluations, in columns of the case.

use sea_orm_migration::prelude::*;

/// The step.
#[derive(Debug, DeriveMigrationName)]
pub(crate) struct Migration;

/// Partial indexes of the statistics; their queries repeat the predicates word for word.
const INDEXES: [(&str, &str); 2] = [
    ("ix_cases_grid", "(division_id, status) where kind = 'GRID'"),
    ("ix_cases_graded", "(division_id, grade) where grade is not null"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let counted = |name: &'static str| ColumnDef::new(name).integer().not_null().default(0).to_owned();
        let columns = [
            counted("failed_checks"),
            counted("reopenings"),
            ColumnDef::new("grade").integer().to_owned(),
        ];
        for column in columns {
            // SQLite adds one column a statement
            let alter = Table::alter().table("cases").add_column(column).to_owned();
            manager.alter_table(alter).await?;
        }
        for (name, of) in INDEXES {
            let sql = format!("create index {name} on cases {of}");
            manager.get_connection().execute_unprepared(&sql).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, _) in INDEXES {
            let sql = format!("drop index if exists {name}");
            manager.get_connection().execute_unprepared(&sql).await?;
        }
        for column in ["failed_checks", "reopenings", "grade"] {
            let alter = Table::alter().table("cases").drop_column(column).to_owned();
            manager.alter_table(alter).await?;
        }
        Ok(())
    }
}
