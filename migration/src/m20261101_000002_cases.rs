//! Step 2: cases with their ledger and receipts, idempotency, drafts, outbox, inbox and change feed.
//!
//! No foreign keys here: these rows are written by one write path in one transaction, and a foreign key to an
//! organization or item would take a share lock on the same few rows in every transaction.

use sea_orm_migration::sea_orm::DbBackend;
use sea_orm_migration::{prelude::*, schema::*};

use crate::columns::{drop_tables, index, unique_index};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Tables whose rows are never changed and never deleted.
const APPEND_ONLY: [&str; 2] = ["ledger_event", "receipt"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_cases(manager).await?;
        create_handoffs(manager).await?;
        create_clocks(manager).await?;
        create_desks(manager).await?;
        create_ledger(manager).await?;
        create_answers(manager).await?;
        create_outbox(manager).await?;
        create_feeds(manager).await?;
        for table in APPEND_ONLY {
            make_append_only(manager, table).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(
            manager,
            &[
                "change",
                "inbox",
                "delivery_attempt",
                "delivery",
                "draft",
                "idempotency",
                "receipt",
                "ledger_private",
                "ledger_event",
                "ledger_head",
                "external_number",
                "case_clock",
                "handoff",
                "case_party",
                "case_private",
                "cases",
            ],
        )
        .await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            manager
                .get_connection()
                .execute_unprepared("drop function if exists refuse_change()")
                .await?;
        }
        Ok(())
    }
}

async fn create_cases(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("cases")
                .col(uuid("id").primary_key())
                .col(big_integer("revision"))
                .col(integer("version"))
                .col(text("tracking_code"))
                .col(uuid("item_version_id"))
                .col(text("item_code"))
                .col(text("kind"))
                .col(text("status"))
                .col(uuid("division_id"))
                .col(text("division_code"))
                .col(text("division_name"))
                .col(uuid("first_contact_id"))
                .col(uuid_null("owner_id"))
                .col(integer("step"))
                .col(text("channel"))
                .col(text_null("applicant_subject"))
                .col(text("submitted_by"))
                .col(big_integer("submitted_at"))
                .col(big_integer_null("accepted_at"))
                .col(big_integer_null("decided_at"))
                .col(text_null("outcome"))
                .col(big_integer_null("completed_at"))
                .col(big_integer_null("delivered_at"))
                .col(big_integer_null("due_at"))
                .col(boolean("provisional"))
                .col(text("document"))
                .to_owned(),
        )
        .await?;
    manager
        .create_table(
            Table::create()
                .table("case_private")
                .col(uuid("case_id").primary_key())
                .col(text("secret_hash"))
                .col(binary("applicant"))
                .col(binary("form"))
                .col(binary("materials"))
                .col(binary("salt"))
                .to_owned(),
        )
        .await?;
    unique_index(manager, "cases", &["tracking_code"]).await?;
    index(manager, "cases", &["owner_id", "submitted_at", "id"]).await?;
    index(manager, "cases", &["applicant_subject", "submitted_at", "id"]).await?;
    index(manager, "cases", &["submitted_by", "submitted_at", "id"]).await?;
    index(manager, "cases", &["division_id", "submitted_at", "id"]).await?;
    index(manager, "cases", &["submitted_at", "id"]).await
}

async fn create_handoffs(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("case_party")
                .col(uuid("organization_id"))
                .col(big_integer("submitted_at"))
                .col(uuid("case_id"))
                .primary_key(
                    Index::create()
                        .col("organization_id")
                        .col("submitted_at")
                        .col("case_id"),
                )
                .to_owned(),
        )
        .await?;
    manager
        .create_table(
            Table::create()
                .table("handoff")
                .col(uuid("id").primary_key())
                .col(uuid("case_id"))
                .col(big_integer("revision"))
                .col(integer("seq"))
                .col(integer("version"))
                .col(text("kind"))
                .col(text("state"))
                .col(boolean("open"))
                .col(boolean("owning"))
                .col(boolean("required"))
                .col(integer_null("step"))
                .col(uuid_null("from_id"))
                .col(uuid("to_id"))
                .col(text_null("upstream"))
                .col(big_integer("originals"))
                .col(text_null("slip"))
                .col(text("offered_by"))
                .col(text_null("acknowledged_by"))
                .col(big_integer("offered_at"))
                .col(big_integer_null("sent_at"))
                .col(big_integer_null("acknowledged_at"))
                .col(big_integer_null("closed_at"))
                .col(text_null("opinion"))
                .col(big_integer("due_at"))
                .to_owned(),
        )
        .await?;
    index(manager, "case_party", &["case_id"]).await?;
    unique_index(manager, "handoff", &["case_id", "seq"]).await?;
    index(manager, "handoff", &["from_id"]).await
}

async fn create_clocks(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("case_clock")
                .col(uuid("id").primary_key())
                .col(uuid("case_id"))
                .col(big_integer("revision"))
                .col(integer("position"))
                .col(text("kind"))
                .col(text("state"))
                .col(big_integer("limit_value"))
                .col(text("limit_unit"))
                .col(integer_null("step"))
                .col(uuid_null("handoff_id"))
                .col(uuid_null("holder_id"))
                .col(big_integer("started_at"))
                .col(big_integer_null("due_at"))
                .col(boolean("provisional"))
                .col(uuid("calendar_id"))
                .col(big_integer_null("stopped_at"))
                .col(text("pauses"))
                .to_owned(),
        )
        .await?;
    manager
        .create_table(
            Table::create()
                .table("external_number")
                .col(text("upstream"))
                .col(text("number"))
                .col(uuid("case_id"))
                .primary_key(Index::create().col("upstream").col("number"))
                .to_owned(),
        )
        .await?;
    unique_index(manager, "case_clock", &["case_id", "position"]).await?;
    index(manager, "external_number", &["case_id"]).await
}

/// The desks: open handoffs of one organization, or of all, by due date. The predicate is the bare column, which a
/// query repeats word for word; bound to a parameter it would not lead either planner to the index.
async fn create_desks(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let (covered, also) = if manager.get_database_backend() == DbBackend::Postgres {
        ("due_at, id", " include (state, kind, case_id)")
    } else {
        ("due_at, id, state, kind, case_id", "")
    };
    for (name, columns) in [
        ("ix_handoff_desk", format!("to_id, {covered}")),
        ("ix_handoff_open", covered.to_owned()),
    ] {
        let sql = format!("create index {name} on handoff ({columns}){also} where open");
        manager.get_connection().execute_unprepared(&sql).await?;
    }
    Ok(())
}

async fn create_ledger(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("ledger_head")
                .col(uuid("chain").primary_key())
                .col(big_integer("seq"))
                .col(binary("hash"))
                .to_owned(),
        )
        .await?;
    manager
        .create_table(
            Table::create()
                .table("ledger_event")
                .col(uuid("chain"))
                .col(big_integer("seq"))
                .col(binary("prev"))
                .col(binary("hash"))
                .col(binary("payload"))
                .col(text("name"))
                .col(big_integer("at"))
                .primary_key(Index::create().col("chain").col("seq"))
                .to_owned(),
        )
        .await?;
    manager
        .create_table(
            Table::create()
                .table("ledger_private")
                .col(uuid("chain"))
                .col(big_integer("seq"))
                .col(binary("sealed"))
                .primary_key(Index::create().col("chain").col("seq"))
                .to_owned(),
        )
        .await?;
    manager
        .create_table(
            Table::create()
                .table("receipt")
                .col(uuid("id").primary_key())
                .col(uuid("case_id"))
                .col(text("kind"))
                .col(big_integer("seq"))
                .col(binary("body"))
                .col(text("key_id"))
                .col(binary("signature"))
                .col(big_integer("issued_at"))
                .to_owned(),
        )
        .await?;
    unique_index(manager, "ledger_event", &["chain", "prev"]).await?;
    index(manager, "receipt", &["case_id"]).await
}

async fn create_answers(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("idempotency")
                .col(text("principal"))
                .col(uuid("key"))
                .col(text("act"))
                .col(binary("fingerprint"))
                .col(uuid_null("case_id"))
                .col(binary_null("answer"))
                .col(big_integer("created_at"))
                .primary_key(Index::create().col("principal").col("key"))
                .to_owned(),
        )
        .await?;
    manager
        .create_table(
            Table::create()
                .table("draft")
                .col(uuid("id").primary_key())
                .col(text("author"))
                .col(uuid("item_version_id"))
                .col(text("item_code"))
                .col(boolean("ephemeral"))
                .col(binary("content"))
                .col(big_integer("created_at"))
                .col(big_integer("saved_at"))
                .to_owned(),
        )
        .await?;
    index(manager, "idempotency", &["created_at"]).await?;
    index(manager, "draft", &["author", "saved_at"]).await?;
    index(manager, "draft", &["saved_at"]).await
}

async fn create_outbox(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("delivery")
                .col(uuid("id").primary_key())
                .col(uuid("case_id"))
                .col(big_integer("revision"))
                .col(uuid("handoff_id"))
                .col(text("upstream"))
                .col(text("operation"))
                .col(text("key"))
                .col(text("state"))
                .col(boolean("waiting"))
                .col(big_integer("fence"))
                .col(integer("attempts"))
                .col(integer("tries_spent"))
                .col(boolean("in_doubt"))
                .col(big_integer("next_attempt_at"))
                .col(text_null("reason"))
                .col(big_integer("created_at"))
                .col(big_integer("changed_at"))
                .to_owned(),
        )
        .await?;
    manager
        .create_table(
            Table::create()
                .table("delivery_attempt")
                .col(uuid("delivery_id"))
                .col(integer("number"))
                .col(big_integer("fence"))
                .col(big_integer("started_at"))
                .col(big_integer_null("finished_at"))
                .col(text_null("outcome"))
                .primary_key(Index::create().col("delivery_id").col("number"))
                .to_owned(),
        )
        .await?;
    index(manager, "delivery", &["case_id"]).await?;
    index(manager, "delivery", &["handoff_id"]).await?;
    index(manager, "delivery", &["upstream", "state"]).await?;
    // as with the desks: the bare column is what a claim repeats
    for columns in ["next_attempt_at, id", "upstream, next_attempt_at, id"] {
        let name = format!("ix_delivery_waiting_{}", columns.replace(", ", "_"));
        let sql = format!("create index {name} on delivery ({columns}) where waiting");
        manager.get_connection().execute_unprepared(&sql).await?;
    }
    Ok(())
}

async fn create_feeds(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("inbox")
                .col(text("upstream"))
                .col(text("event_id"))
                .col(text("state"))
                .col(binary("facts"))
                .col(big_integer("received_at"))
                .col(big_integer_null("settled_at"))
                .primary_key(Index::create().col("upstream").col("event_id"))
                .to_owned(),
        )
        .await?;
    manager
        .create_table(
            Table::create()
                .table("change")
                .col(big_pk_auto("id"))
                .col(uuid("case_id"))
                .col(big_integer("revision"))
                .col(text("organizations"))
                .col(uuid("division_id"))
                .col(big_integer("at"))
                .to_owned(),
        )
        .await?;
    index(manager, "inbox", &["state", "received_at"]).await?;
    index(manager, "change", &["at"]).await
}

/// Lets the database itself refuse to change or remove rows.
async fn make_append_only(manager: &SchemaManager<'_>, table: &str) -> Result<(), DbErr> {
    let statements = if manager.get_database_backend() == DbBackend::Postgres {
        vec![
            "create or replace function refuse_change() returns trigger language plpgsql as \
             $$ begin raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation'; end $$"
                .to_owned(),
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
