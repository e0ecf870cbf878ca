//! Step 20: data keys. The body of a receipt may be sealed anew; what it says is held by its signature.

use sea_orm_migration::sea_orm::DbBackend;
use sea_orm_migration::{prelude::*, schema::*};

use crate::columns::{drop_tables, index};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("data_key")
                    .col(uuid("id").primary_key())
                    .col(uuid_null("case_id"))
                    .col(text("class"))
                    .col(text("suite"))
                    .col(text("master_key"))
                    .col(binary_null("wrapped"))
                    .col(big_integer("created_at"))
                    .col(big_integer_null("retired_at"))
                    .col(big_integer_null("emptied_at"))
                    .col(big_integer_null("destroyed_at"))
                    .to_owned(),
            )
            .await?;
        index(manager, "data_key", &["case_id"]).await?;
        let shared: &[&str] = &[
            "create index ix_data_key_class_created_at on data_key (class, created_at) where case_id is null",
            "create index ix_data_key_retired_at on data_key (retired_at) where retired_at is not null",
        ];
        let receipts: &[&str] = if manager.get_database_backend() == DbBackend::Postgres {
            &[
                "create function refuse_receipt_change() returns trigger language plpgsql as $$
                 begin
                     if tg_op = 'UPDATE' then
                         if (new.id, new.case_id, new.kind, new.seq, new.key_id, new.signature, new.issued_at)
                             is not distinct from
                            (old.id, old.case_id, old.kind, old.seq, old.key_id, old.signature, old.issued_at) then
                             return new;
                         end if;
                     end if;
                     raise exception 'receipt is append-only' using errcode = 'restrict_violation';
                 end $$",
                "drop trigger receipt_is_append_only on receipt",
                "create trigger receipt_is_append_only before update or delete on receipt \
                 for each row execute function refuse_receipt_change()",
            ]
        } else {
            &[
                "drop trigger receipt_refuses_update",
                "create trigger receipt_refuses_update \
                 before update of id, case_id, kind, seq, key_id, signature, issued_at on receipt \
                 begin select raise(abort, 'receipt is append-only'); end",
            ]
        };
        run(manager, shared).await?;
        run(manager, receipts).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let receipts: &[&str] = if manager.get_database_backend() == DbBackend::Postgres {
            &[
                "drop trigger receipt_is_append_only on receipt",
                "create trigger receipt_is_append_only before update or delete on receipt \
                 for each row execute function refuse_change()",
                "drop function refuse_receipt_change()",
            ]
        } else {
            &[
                "drop trigger receipt_refuses_update",
                "create trigger receipt_refuses_update before update on receipt \
                 begin select raise(abort, 'receipt is append-only'); end",
            ]
        };
        run(manager, receipts).await?;
        drop_tables(manager, &["data_key"]).await
    }
}

async fn run(manager: &SchemaManager<'_>, statements: &[&str]) -> Result<(), DbErr> {
    for sql in statements {
        manager.get_connection().execute_unprepared(sql).await?;
    }
    Ok(())
}
