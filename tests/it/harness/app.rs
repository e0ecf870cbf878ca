//! The gateway inside the test's own process: its whole inside is real, and its clock stands still.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::panic;
use std::sync::{Arc, Once};

use chrono::{DateTime, Utc};
use onedoor::app::gateway::Gateway;
use onedoor::app::upstreams::Upstreams;
use onedoor::clock::{HeldClock, SharedClock};
use onedoor::sandbox::RunningSandbox;
use onedoor::service::identity::verifier;
use onedoor::telemetry::capture::CapturedLogs;
use serde_json::Value;

use super::actors::Actors;
use super::gql::Gql;
use super::people;
use super::wait::{PATIENCE, until};
use super::world::World;

/// A Monday morning at ten in the village: 2026-03-02, an ordinary working day.
pub(crate) const MONDAY_AT_TEN: &str = "2026-03-02T02:00:00Z";

/// One gateway with its sandbox.
pub(crate) struct TestApp {
    gateway: Option<Gateway>,
    sandbox: Option<RunningSandbox>,
    addr: SocketAddr,
    pub(crate) clock: HeldClock,
    pub(crate) actors: Actors<HeldClock>,
    logs: &'static CapturedLogs,
    logs_from: usize,
    expected_errors: RefCell<Vec<&'static str>>,
}

impl TestApp {
    /// A gateway in a world on a Monday morning.
    pub(crate) async fn start(world: &World) -> Self {
        let monday: DateTime<Utc> = MONDAY_AT_TEN.parse().unwrap();
        Self::start_with(world, HeldClock::at(monday), &[]).await
    }

    /// A gateway with a clock and settings of the story; a second one with the same clock is another replica.
    pub(crate) async fn start_with(world: &World, clock: HeldClock, extra: &[(&str, &str)]) -> Self {
        let config = world.config(extra);
        let shared: SharedClock = Arc::new(clock.clone());
        let configured = Upstreams::configured(&config).unwrap();
        let (upstreams, sandbox) = configured.with_sandbox(&config, &shared).await.unwrap();
        let mut app = Self::start_before(world, clock, extra, upstreams).await;
        app.sandbox = Some(sandbox);
        app
    }

    /// A gateway before upstream systems that the story plays itself.
    pub(crate) async fn start_before(
        world: &World,
        clock: HeldClock,
        extra: &[(&str, &str)],
        upstreams: Upstreams,
    ) -> Self {
        let logs = CapturedLogs::of_process();
        tell_why_a_story_fails();
        let logs_from = logs.len();
        verifier::install_crypto();
        let config = world.config(extra);
        let gateway = Gateway::start(&config, upstreams, Arc::new(clock.clone()))
            .await
            .unwrap();
        Self {
            addr: gateway.addr(),
            gateway: Some(gateway),
            sandbox: None,
            actors: Actors::of(world, clock.clone()),
            clock,
            logs,
            logs_from,
            expected_errors: RefCell::default(),
        }
    }

    /// Where it listens.
    pub(crate) const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The sandbox behind it, for orders and the journal.
    pub(crate) fn sandbox_url(&self) -> String {
        self.sandbox.as_ref().expect("the sandbox runs").base_url()
    }

    /// Somebody without a token.
    pub(crate) fn anybody(&self) -> Gql {
        Gql::anonymous(self.addr)
    }

    /// The terminal of a village station.
    pub(crate) fn kiosk(&self, station: &str) -> Gql {
        self.anybody().bearing(&self.actors.kiosk(station))
    }

    /// A clerk at an organization's window.
    pub(crate) fn clerk(&self, organization: &str) -> Gql {
        self.anybody().bearing(&self.actors.clerk(organization))
    }

    /// An officer of an organization.
    pub(crate) fn officer(&self, organization: &str) -> Gql {
        self.anybody().bearing(&self.actors.officer(organization))
    }

    /// A supervisor of a division.
    pub(crate) fn supervisor(&self, division: &str) -> Gql {
        self.anybody().bearing(&self.actors.supervisor(division))
    }

    /// Everything it logged so far.
    pub(crate) fn log(&self) -> String {
        self.logs.text_since(self.logs_from)
    }

    /// The story causes an error log line with this text; any other one fails it.
    pub(crate) fn expect_error(&self, containing: &'static str) {
        self.expected_errors.borrow_mut().push(containing);
    }

    /// Waits until nothing is on its way to an upstream system.
    pub(crate) async fn deliveries_settle(&self, world: &World) {
        let database = world.database().await;
        until("the outbox is empty", PATIENCE, async || {
            waiting(&database).await == 0
        })
        .await;
        database.close().await.unwrap();
    }

    /// Stops in order; the outbox must be empty.
    pub(crate) async fn stop(self, world: &World) {
        self.deliveries_settle(world).await;
        self.stop_with_deliveries_waiting().await;
    }

    /// Stops in order and leaves what waits in the outbox to the next replica.
    pub(crate) async fn stop_with_deliveries_waiting(mut self) {
        assert!(
            self.gateway.take().expect("the gateway runs").stop().await,
            "it stops within its time"
        );
        if let Some(sandbox) = self.sandbox.take() {
            sandbox.stop().await;
        }
    }
}

/// After every story, also one that does not stop its gateway: nobody in the log, and no error but the expected.
impl Drop for TestApp {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let log = self.log();
        people::assert_nobody_in("the log", log.as_bytes());
        let expected = self.expected_errors.borrow();
        for line in log.lines().filter(|line| is_error(line)) {
            assert!(
                expected.iter().any(|text| line.contains(text)),
                "unexpected error in the log: {line}"
            );
        }
    }
}

/// The gateway's panic hook withholds messages, which the captured log installs; of a story they are wanted.
#[expect(
    clippy::print_stderr,
    reason = "the runner shows it with the story that failed"
)]
fn tell_why_a_story_fails() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let of_gateway = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            of_gateway(info);
            eprintln!("{info}");
        }));
    });
}

fn is_error(line: &str) -> bool {
    serde_json::from_str::<Value>(line).is_ok_and(|line| line["level"] == "ERROR")
}

async fn waiting(database: &sea_orm::DatabaseConnection) -> i64 {
    use sea_orm::ConnectionTrait as _;
    let sql = "SELECT COUNT(*) FROM delivery WHERE waiting";
    let statement = sea_orm::Statement::from_string(database.get_database_backend(), sql);
    database
        .query_one_raw(statement)
        .await
        .unwrap()
        .unwrap()
        .try_get_by_index(0)
        .unwrap()
}
