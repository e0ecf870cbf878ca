//! The plan of a desk on SQLite: a range of its index, in order.

use onedoor_domain::actor::{Actor, ActorKind};
use onedoor_domain::policy::Act;
use onedoor_domain::proof;
use sea_orm::{ConnectionTrait as _, Statement};

use super::*;
use crate::store::database::{Database, DatabaseSettings};

async fn plan(filter: &HandoffFilter, order: BoardOrder, count_at: Option<DateTime<Utc>>) -> String {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/onedoor.db?mode=rwc", folder.path().display());
    let database = Database::connect(&DatabaseSettings::for_url(url), None)
        .await
        .unwrap();
    database.migrate().await.unwrap();
    let clerk = Actor {
        kind: ActorKind::Clerk,
        organization: Some(desk()),
        ..Actor::anonymous()
    };
    let proof = proof::read(&clerk, Act::ReadHandoffs).unwrap();
    let page = PageRequest::first(order.name(), 50);
    let statement = page_and_counts(&proof, filter, order, &page, count_at).unwrap();
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
    assert_eq!(
        plan.matches("COVERING INDEX ix_handoff_desk (to_id=?").count(),
        2,
        "{plan}"
    );
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
