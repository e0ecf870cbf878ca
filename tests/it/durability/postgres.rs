//! P14: PostgreSQL crashes, cuts sessions, becomes read-only; errors are retryable and end, and nothing needs a restart.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::county::County;
use super::desks::{Again, Desks, Journal, Request, pause};
use super::evidence::assert_nothing_lost;
use crate::harness::gql::http_client;
use crate::harness::own_postgres::{DURABLE, OwnPostgres};
use crate::harness::process::Gateway;
use crate::harness::template::Ground;
use crate::harness::wait::until;
use crate::harness::world::{World, WorldKind};

/// The promise.
const RECOVERED_WITHIN: Duration = Duration::from_secs(15);
const PEOPLE: usize = 6;

#[actix_web::test]
async fn postgres_may_crash_cut_sessions_and_turn_read_only_under_load() {
    let world = World::open(WorldKind::Sqlite, Ground::Empty).await;
    let mut postgres = OwnPostgres::start(DURABLE).await;
    let url = postgres.url();
    let county = County::open(&world, 40).await;
    let mut gateway = Gateway::start(&world, &county.settings_and(&[("ONEDOOR__DATABASE__URL", &url)])).await;
    let desks = Desks::at(gateway.address(), &world);
    let (journal, open) = (RefCell::new(Journal::default()), Cell::new(true));
    let troubles = async {
        for _ in 0..3 {
            busy().await;
            assert!(postgres.kill_sessions().await > 0);
            recovered(&gateway, &desks, &journal, "sessions were cut").await;
        }
        for _ in 0..3 {
            busy().await;
            postgres.crash().await;
            busy().await;
            postgres.start_again().await;
            recovered(&gateway, &desks, &journal, "PostgreSQL crashed").await;
        }
        busy().await;
        read_only(&postgres, "on").await;
        until("readiness is red", RECOVERED_WITHIN, async || {
            ready(&gateway).await == 503
        })
        .await;
        let refused = desks.ask(&Request::Submit(Uuid::new_v4())).await;
        assert_eq!(refused.unwrap_err(), Again::Code("STORE_UNAVAILABLE".to_owned()));
        read_only(&postgres, "off").await;
        recovered(&gateway, &desks, &journal, "PostgreSQL was read-only").await;
        open.set(false);
    };
    tokio::join!(desks.work(PEOPLE, &journal, &open), troubles);
    println!(
        "{} acts answered, {} asked for patience",
        journal.borrow().done.len(),
        journal.borrow().again.len()
    );
    assert_nothing_lost(&world, &url, (&desks, &county), &journal).await;
    assert!(gateway.terminate(Duration::from_secs(15)).await.success());
    world.close().await;
}

/// Lets the load run for a moment, so that a fault hits it in the middle.
async fn busy() {
    pause(Duration::from_millis(300)).await;
}

async fn read_only(postgres: &OwnPostgres, value: &str) {
    let set = format!("ALTER SYSTEM SET default_transaction_read_only = {value}");
    postgres.execute(&set).await;
    postgres.execute("SELECT pg_reload_conf()").await;
}

/// From now on a new application is taken in, and the page says so, in time.
async fn recovered(gateway: &Gateway, desks: &Desks, journal: &RefCell<Journal>, after: &str) {
    let began = Instant::now();
    let done = desks
        .insist(&Request::Submit(Uuid::new_v4()), RECOVERED_WITHIN)
        .await;
    journal.borrow_mut().done.push(done);
    until("readiness is green", RECOVERED_WITHIN, async || {
        ready(gateway).await == 200
    })
    .await;
    println!("recovered in {:?} after {after}", began.elapsed());
}

/// Status of the page that says whether requests may come.
pub(super) async fn ready(gateway: &Gateway) -> u16 {
    let url = format!("http://{}/health/ready", gateway.address());
    http_client()
        .get(url)
        .send()
        .await
        .map_or(0, |answer| answer.status().as_u16())
}
