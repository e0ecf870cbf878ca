//! Step 17: signed checkpoints of the ledger, and how far each chain is covered by one.

use sea_orm_migration::sea_orm::DbBackend;
use sea_orm_migration::{prelude::*, schema::*};

use crate::columns::drop_tables;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // no index: a checkpoint reads the heads once an interval, every commit would keep one up
        manager
            .alter_table(
                Table::alter()
                    .table("ledger_head")
                    .add_column(big_integer("checkpointed_seq").default(0))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("ledger_checkpoint")
                    .col(big_integer("seq").primary_key())
                    .col(big_integer("at"))
                    .col(binary("prev"))
                    .col(big_integer("heads"))
                    .col(binary("root"))
                    .col(text("key_id"))
                    .col(binary("signature"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("ledger_checkpoint_head")
                    .col(big_integer("checkpoint"))
                    .col(uuid("chain"))
                    .col(big_integer("seq"))
                    .col(binary("hash"))
                    .primary_key(Index::create().col("checkpoint").col("chain"))
                    .to_owned(),
            )
            .await?;
        make_append_only(manager, "ledger_checkpoint").await?;
        make_append_only(manager, "ledger_checkpoint_head").await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["ledger_checkpoint_head", "ledger_checkpoint"]).await?;
        manager
            .alter_table(
                Table::alter()
                    .table("ledger_head")
                    .drop_column("checkpointed_seq")
                    .to_owned(),
            )
            .await
    }
}

/// Lets the database itself refuse to change or remove rows.
async fn make_append_only(manager: &SchemaManager<'_>, table: &str) -> Result<(), DbErr> {
    let statements = if manager.get_database_backend() == DbBackend::Postgres {
        // the function is of step 2
        vec![
            format!(
                "create trigger {table}_is_append_only before update or delete on {table} \
                 for each row execute function refuse_change()"
            ),
            format!(
                "create trigger {table}_is_not_emptied before truncate on {table} \
                 for each statement execute function refuse_change()"
            ),
        ]
    } else {
        let refuse = |act| {
            format!(
                "create trigger {table}_refuses_{act} before {act} on {table} \
                 begin select raise(abort, '{table} is append-only'); end"
            )
        };
        vec![refuse("update"), refuse("delete")]
    };
    for sql in statements {
        manager.get_connection().execute_unprepared(&sql).await?;
    }
    Ok(())
}
