//! P14: a commit whose answer is lost is told as what it was, and a server that is no longer the primary is left.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait as _, DatabaseConnection, Statement};
use uuid::Uuid;

use super::county::County;
use super::desks::{Again, Desks, Journal, Request};
use super::evidence::assert_nothing_lost;
use super::postgres::ready;
use crate::harness::fault_proxy::{Fault, FaultProxy};
use crate::harness::own_postgres::{DURABLE, OwnPostgres};
use crate::harness::process::Gateway;
use crate::harness::template::Ground;
use crate::harness::wait::{PATIENCE, until};
use crate::harness::world::{World, WorldKind, connect};

/// The promise.
const RECOVERED_WITHIN: Duration = Duration::from_secs(15);
/// A commit of a case takes a second, so that its answer can be lost on its way.
const SLOW_COMMITS: &str = "CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS \
    $$ BEGIN PERFORM pg_sleep(1); RETURN NULL; END $$; \
    CREATE CONSTRAINT TRIGGER slowly AFTER INSERT ON cases DEFERRABLE INITIALLY DEFERRED \
    FOR EACH ROW EXECUTE FUNCTION slowly()";
const COMMITTING: &str = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
const CASES: &str = "SELECT count(*) FROM cases";
/// As connections to a primary that was demoted: those made now stay read-only as long as they live.
const DEMOTED: &str = "ALTER ROLE onedoor SET default_transaction_read_only = on";
const PROMOTED: &str = "BEGIN READ WRITE; ALTER ROLE onedoor RESET default_transaction_read_only; COMMIT";

async fn number(database: &DatabaseConnection, sql: &str) -> i64 {
    let statement = Statement::from_string(database.get_database_backend(), sql);
    let row = database.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

#[actix_web::test]
async fn a_commit_whose_answer_is_lost_is_told_as_what_it_was() {
    let world = World::open(WorldKind::Sqlite, Ground::Empty).await;
    let postgres = OwnPostgres::start(DURABLE).await;
    let proxy = FaultProxy::to(postgres.port());
    let url = postgres.url_at(proxy.port());
    let county = County::open(&world, 40).await;
    let mut gateway = Gateway::start(&world, &county.settings_and(&[("ONEDOOR__DATABASE__URL", &url)])).await;
    let desks = Desks::at(gateway.address(), &world);
    let journal = RefCell::new(Journal::default());
    postgres.execute(SLOW_COMMITS).await;
    let beside = connect(&postgres.url()).await;

    let request = Request::Submit(Uuid::new_v4());
    let loses = async {
        until("the case is being committed", PATIENCE, async || {
            number(&beside, COMMITTING).await == 1
        })
        .await;
        proxy.set(Fault::LoseAnswers);
        until("it is committed", PATIENCE, async || {
            number(&beside, CASES).await == 1
        })
        .await;
        proxy.heal();
    };
    let (answer, ()) = tokio::join!(desks.ask(&request), loses);
    let done = answer.expect("it is stored, and the applicant is told so");
    postgres.execute("DROP TRIGGER slowly ON cases").await;
    let again = desks.insist(&request, RECOVERED_WITHIN).await;
    assert_eq!(again.bytes, done.bytes, "the same receipt");
    assert_eq!(number(&beside, CASES).await, 1, "one case");
    beside.close().await.unwrap();
    journal.borrow_mut().done.push(done);
    assert_nothing_lost(&world, &postgres.url(), (&desks, &county), &journal).await;
    assert!(gateway.terminate(Duration::from_secs(15)).await.success());
    world.close().await;
}

#[actix_web::test]
async fn connections_to_a_demoted_primary_are_given_up() {
    let world = World::open(WorldKind::Sqlite, Ground::Empty).await;
    let postgres = OwnPostgres::start(DURABLE).await;
    let url = postgres.url();
    let county = County::open(&world, 40).await;
    let mut gateway = Gateway::start(&world, &county.settings_and(&[("ONEDOOR__DATABASE__URL", &url)])).await;
    let desks = Desks::at(gateway.address(), &world);
    let journal = RefCell::new(Journal::default());
    desks.carry_one(&journal).await;

    postgres.execute(DEMOTED).await;
    postgres.kill_sessions().await;
    until("readiness is red", RECOVERED_WITHIN, async || {
        ready(&gateway).await == 503
    })
    .await;
    let refused = desks.ask(&Request::Submit(Uuid::new_v4())).await;
    assert_eq!(refused.unwrap_err(), Again::Code("STORE_UNAVAILABLE".to_owned()));
    // the address leads to the new primary now; connections to the old one live on, and nobody cuts them
    postgres.execute(PROMOTED).await;
    let began = Instant::now();
    let done = desks
        .insist(&Request::Submit(Uuid::new_v4()), RECOVERED_WITHIN)
        .await;
    until("readiness is green", RECOVERED_WITHIN, async || {
        ready(&gateway).await == 200
    })
    .await;
    assert!(began.elapsed() < RECOVERED_WITHIN, "{:?}", began.elapsed());
    journal.borrow_mut().done.push(done);
    assert_nothing_lost(&world, &url, (&desks, &county), &journal).await;
    assert!(gateway.terminate(Duration::from_secs(15)).await.success());
    world.close().await;
}
