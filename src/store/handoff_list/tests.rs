//! The plan of a desk on SQLite: a range of its index, in order.

use onedoor_domain::actor::{Actor, ActorKind};
use onedoor_domain::policy::Act;
use onedoor_domain::proof;
use sea_orm::{ConnectionTrait as _, Statement};

use super::*;
use crate::store::database::{Database, DatabaseSettings};

async fn plan(filter: &HandoffFilter, order: BoardOrder, count_at: Option<DateTime<Utc>>) -> String {
    plan_for(ActorKind::Clerk, filter, order, count_at).await
}

async fn plan_for(
    kind: ActorKind,
    filter: &HandoffFilter,
    order: BoardOrder,
    count_at: Option<DateTime<Utc>>,
) -> String {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/onedoor.db?mode=rwc", folder.path().display());
    let database = Database::connect(&DatabaseSettings::for_url(url), None)
        .await
        .unwrap();
    database.migrate().await.unwrap();
    let reader = Actor {
        kind,
        organization: Some(desk()),
        ..Actor::anonymous()
    };
    let proof = proof::read(&reader, Act::ReadHandoffs).unwrap();
    let page = PageRequest::first(order.name(), 50);
    let backend = database.read().get_database_backend();
    let statement = page_and_counts(backend, &proof, filter, order, &page, count_at).unwrap();
    let query = database.read().get_database_backend().build(&statement);
    let explain = Statement {
        sql: format!("explain query plan {}", query.sql),
        ..query
    };
    let rows = database.read().query_all_raw(explain).await.unwrap();
    let steps: Vec<String> = rows
        .iter()
        .map(|row| row.try_get("", "detail").unwrap())
        .collect();
    steps.join("\n")
}

fn desk() -> OrganizationId {
    OrganizationId::from_uuid(Uuid::from_u128(1))
}

fn open_work() -> HandoffFilter {
    HandoffFilter {
        organization: Some(desk()),
        states: vec![HandoffState::Offered, HandoffState::Acknowledged],
        ..HandoffFilter::default()
    }
}

#[actix_web::test]
async fn a_desk_is_read_from_its_index_in_order() {
    let plan = plan(&open_work(), BoardOrder::default(), None).await;
    assert!(plan.contains("ix_handoff_desk (to_id=?"), "{plan}");
    assert!(!plan.contains("TEMP B-TREE"), "no sorting: {plan}");
}

#[actix_web::test]
async fn a_desk_is_counted_from_its_index_alone() {
    let plan = plan(&open_work(), BoardOrder::default(), Some(DateTime::UNIX_EPOCH)).await;
    assert!(plan.contains("COVERING INDEX ix_handoff_desk (to_id=?"), "{plan}");
    assert!(
        plan.contains("COVERING INDEX ix_handoff_tally (to_id=?"),
        "the tally is grouped as its index is ordered: {plan}"
    );
}

#[test]
fn a_county_is_read_division_by_division() {
    let supervisor = Actor {
        kind: ActorKind::Supervisor,
        division: Some(DivisionId::from_uuid(Uuid::from_u128(2))),
        ..Actor::anonymous()
    };
    let proof = proof::read(&supervisor, Act::ReadHandoffs).unwrap();
    let everywhere = HandoffFilter {
        organization: None,
        ..open_work()
    };
    let order = BoardOrder::default();
    let page = PageRequest::first(order.name(), 50);
    let sql = |backend: DbBackend| {
        let at = Some(DateTime::UNIX_EPOCH);
        let statement = page_and_counts(backend, &proof, &everywhere, order, &page, at).unwrap();
        backend.build(&statement).sql
    };
    let (postgres, sqlite) = (sql(DbBackend::Postgres), sql(DbBackend::Sqlite));
    assert_eq!(
        postgres.matches("LATERAL").count(),
        2,
        "page and counts: {postgres}"
    );
    assert!(
        !postgres.contains("\"cases\""),
        "without reading a case: {postgres}"
    );
    assert!(!sqlite.contains("LATERAL"), "{sqlite}");
}

#[actix_web::test]
async fn on_sqlite_a_county_is_a_list_of_ranges() {
    let county = HandoffFilter {
        organization: None,
        division: Some(DivisionId::from_uuid(Uuid::from_u128(2))),
        ..open_work()
    };
    let plan = plan_for(ActorKind::Auditor, &county, BoardOrder::default(), None).await;
    assert!(plan.contains("ix_handoff_division (division_id=?"), "{plan}");
}

#[actix_web::test]
async fn what_was_offered_and_what_was_sent_have_indexes_too() {
    let offered = BoardOrder {
        key: BoardKey::Offered,
        direction: Direction::Descending,
    };
    let closed = HandoffFilter {
        states: vec![HandoffState::Refused],
        ..open_work()
    };
    let plan_of_closed = plan(&closed, offered, None).await;
    assert!(
        plan_of_closed.contains("ix_handoff_offered (to_id=?"),
        "{plan_of_closed}"
    );
    assert!(
        !plan_of_closed.contains("TEMP B-TREE"),
        "no sorting: {plan_of_closed}"
    );
    let sent = HandoffFilter {
        organization: None,
        sender: Some(desk()),
        ..open_work()
    };
    let plan_of_sent = plan(&sent, BoardOrder::default(), None).await;
    assert!(
        plan_of_sent.contains("ix_handoff_sent (from_id=?"),
        "{plan_of_sent}"
    );
    assert!(
        !plan_of_sent.contains("TEMP B-TREE"),
        "no sorting: {plan_of_sent}"
    );
}
