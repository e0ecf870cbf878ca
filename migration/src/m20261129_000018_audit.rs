//! Step 18: the audit log. An entry is never changed; it may only be removed when it is 180 days old (GB/T 22239 level 3).

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
                    .table("audit_entry")
                    .col(uuid("id").primary_key())
                    .col(big_integer("at"))
                    .col(text("actor"))
                    .col(text("subject"))
                    .col(uuid_null("organization_id"))
                    .col(text("action"))
                    .col(text_null("object"))
                    .col(text("outcome"))
                    .col(text_null("reason"))
                    .col(text_null("correlation"))
                    .to_owned(),
            )
            .await?;
        index(manager, "audit_entry", &["at", "id"]).await?;
        index(manager, "audit_entry", &["subject", "at"]).await?;
        let statements: &[&str] = if manager.get_database_backend() == DbBackend::Postgres {
            &[
                "create function refuse_young_audit() returns trigger language plpgsql as $$
                 begin
                     if tg_op = 'DELETE' and old.at < (extract(epoch from clock_timestamp()) - 180 * 86400) * 1000000 then
                         return old;
                     end if;
                     raise exception 'audit_entry is append-only for 180 days';
                 end $$",
                "create trigger audit_entry_is_kept before update or delete on audit_entry \
                 for each row execute function refuse_young_audit()",
                "create trigger audit_entry_is_not_emptied before truncate on audit_entry \
                 for each statement execute function refuse_change()",
            ]
        } else {
            &[
                "create trigger audit_entry_refuses_update before update on audit_entry \
                 begin select raise(abort, 'audit_entry is append-only'); end",
                "create trigger audit_entry_is_kept before delete on audit_entry \
                 when old.at >= (unixepoch('now') - 180 * 86400) * 1000000 \
                 begin select raise(abort, 'audit_entry is append-only for 180 days'); end",
            ]
        };
        for sql in statements {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["audit_entry"]).await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            manager
                .get_connection()
                .execute_unprepared("drop function refuse_young_audit()")
                .await?;
        }
        Ok(())
    }
}
