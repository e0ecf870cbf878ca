//! P15: fifty writers, a report and a backup at once: no lock reaches a client, and no single request is refused.

use std::cell::{Cell, RefCell};

use sea_orm::ConnectionTrait as _;
use serde_json::json;

use super::county::County;
use super::desks::{Desks, Journal};
use super::evidence::{assert_nothing_lost, number};
use crate::harness::actors::Actors;
use crate::harness::gql::Gql;
use crate::harness::process::Gateway;
use crate::harness::template::Ground;
use crate::harness::wait::{PATIENCE, until};
use crate::harness::world::{World, WorldKind, connect};

const WRITERS: usize = 50;
const REPORT: &str = "{ cases(first: 50) { totalCount edges { node { id status dueAt handoffs { state } } } }
    deliveries(first: 50) { totalCount } }";

#[actix_web::test]
async fn fifty_writers_a_report_and_a_backup_meet_no_locked_database() {
    let world = World::open(WorldKind::Sqlite, Ground::Loaded).await;
    let county = County::open(&world, 40).await;
    let mut gateway = Gateway::start(&world, &county.settings()).await;
    let desks = Desks::at(gateway.address(), &world);
    let supervisor = Actors::of(&world, onedoor::clock::SystemClock).supervisor("340321000000");
    let supervisor = Gql::anonymous(gateway.address()).bearing(&supervisor);
    let (journal, open) = (RefCell::new(Journal::default()), Cell::new(true));
    let report = async {
        let mut told = 0;
        while open.get() {
            let answer = supervisor.ask(REPORT, json!({})).await;
            assert!(answer.body.get("errors").is_none(), "{}", answer.body);
            told += 1;
        }
        told
    };
    let backups = async {
        for part in 0..3 {
            let enough = (part + 1) * 2 * WRITERS;
            until("the load goes on", PATIENCE, async || {
                journal.borrow().done.len() >= enough
            })
            .await;
            let copy = world.folder().join(format!("backup-{part}.db"));
            let database = world.database().await;
            let into = format!("VACUUM INTO '{}'", copy.display());
            database.execute_unprepared(&into).await.unwrap();
            database.close().await.unwrap();
            let backup = connect(&format!("sqlite://{}?mode=ro", copy.display())).await;
            assert!(number(&backup, "SELECT COUNT(*) FROM cases").await > 0);
            let broken = "SELECT COUNT(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'";
            assert_eq!(number(&backup, broken).await, 0);
            backup.close().await.unwrap();
        }
        open.set(false);
    };
    let ((), reports, ()) = tokio::join!(desks.work(WRITERS, &journal, &open), report, backups);
    println!(
        "{} acts, {reports} reports, 3 backups",
        journal.borrow().done.len()
    );
    assert!(reports > 0);
    let refused = journal.borrow().again.clone();
    assert!(refused.is_empty(), "{refused:?}\n{}", gateway.log());
    assert!(!gateway.log().contains("database is locked"), "{}", gateway.log());
    assert_nothing_lost(&world, world.database_url(), (&desks, &county), &journal).await;
    assert!(
        gateway
            .terminate(std::time::Duration::from_secs(15))
            .await
            .success()
    );
    world.close().await;
}
