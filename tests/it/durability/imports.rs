//! P15: reference data is imported by a process beside the gateway, and nobody at a desk notices more than a moment.

use std::cell::{Cell, RefCell};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use onedoor::service::import::shipped::{CATALOGUE, DIVISIONS, ORGANIZATION_ROLES, WORKDAYS};
use sea_orm::ConnectionTrait as _;
use serde_json::Value;
use uuid::Uuid;

use super::county::County;
use super::desks::{Again, Desks, Journal, Request, following, pause};
use super::evidence::assert_nothing_lost;
use crate::harness::process::{Gateway, onedoor};
use crate::harness::story::story;
use crate::harness::template::Ground;
use crate::harness::wait::{PATIENCE, until};
use crate::harness::world::{World, WorldKind, connect};

const PEOPLE: usize = 4;
/// In what time an act is answered while an import is written; a healthy machine needs a tenth of it.
const ANSWERED_WITHIN: Duration = Duration::from_secs(5);
/// Longer than a write waits for its turn, and longer than SQLite itself waits for another process.
const HELD_FOR: Duration = Duration::from_secs(7);

/// The tables of an import that changes something in each of them.
fn tables(folder: &Path) -> Vec<(&'static str, String)> {
    let renamed = DIVISIONS.replacen("包集村村民委员会", "包集村民委员会", 1);
    assert_ne!(renamed, DIVISIONS);
    let longer = format!("{WORKDAYS}2027-12-31,off,调休,provisional,\n");
    let write = |name: &str, text: &str| {
        let file = folder.join(name);
        fs::write(&file, text).unwrap();
        file.display().to_string()
    };
    vec![
        ("divisions", write("divisions.csv", &renamed)),
        ("organizations", write("organizations.csv", ORGANIZATION_ROLES)),
        ("catalogue", write("catalogue.yaml", CATALOGUE)),
        ("calendar", write("workdays.csv", &longer)),
        ("divisions", write("divisions-again.csv", DIVISIONS)),
    ]
}

/// Runs an import in a process of its own while the desks go on.
async fn import(world: &World, what: &'static str, file: String) -> String {
    let mut settings = world.settings();
    settings.push(("ONEDOOR__LOG__FILTER".to_owned(), "warn".to_owned()));
    let run = move || onedoor(&["import", what, &file, "--demo"], &settings);
    let (status, stdout, stderr) = tokio::task::spawn_blocking(run).await.unwrap();
    assert!(status.success(), "{what}: {stdout}{stderr}");
    stdout
}

/// Acts without a pause; every act is answered at the first asking, and in time.
async fn work(desks: &Desks, journal: &RefCell<Journal>, open: &Cell<bool>) -> Duration {
    let (mut next, mut longest) = (Request::Submit(Uuid::new_v4()), Duration::ZERO);
    while open.get() {
        let began = Instant::now();
        let done = desks
            .ask(&next)
            .await
            .unwrap_or_else(|again| panic!("refused: {again:?}"));
        longest = longest.max(began.elapsed());
        next = following(&done);
        journal.borrow_mut().done.push(done);
    }
    longest
}

story!(an_import_beside_the_gateway_refuses_nobody, async |world| {
    let county = County::open(world, 40).await;
    let mut gateway = Gateway::start(world, &county.settings()).await;
    let desks = Desks::at(gateway.address(), world);
    let journal = RefCell::new(Journal::default());
    desks.carry_one(&journal).await;
    let open = Cell::new(true);
    let imports = async {
        for (what, file) in tables(world.folder()) {
            let began = Instant::now();
            let report = import(world, what, file).await;
            println!(
                "{:?}: {what} in {:?}: {}",
                world.kind(),
                began.elapsed(),
                report.trim_end()
            );
        }
        open.set(false);
    };
    let people = join_all((0..PEOPLE).map(|_| work(&desks, &journal, &open)));
    let (longest, ()) = tokio::join!(people, imports);
    let longest = longest.into_iter().max().unwrap();
    println!(
        "{} acts meanwhile, the slowest in {longest:?}",
        journal.borrow().done.len()
    );
    assert!(longest < ANSWERED_WITHIN, "{longest:?}");
    for line in gateway.log().lines() {
        let is_error = serde_json::from_str::<Value>(line).is_ok_and(|line| line["level"] == "ERROR");
        assert!(!is_error && !line.contains("locked"), "{line}");
    }
    assert_nothing_lost(world, world.database_url(), (&desks, &county), &journal).await;
    assert!(gateway.terminate(Duration::from_secs(15)).await.success());
});

#[actix_web::test]
async fn while_another_process_holds_the_one_writer_acts_are_asked_to_wait_and_none_is_lost() {
    let world = World::open(WorldKind::Sqlite, Ground::Loaded).await;
    let county = County::open(&world, 40).await;
    let mut gateway = Gateway::start(&world, &county.settings()).await;
    let desks = Desks::at(gateway.address(), &world);
    let journal = RefCell::new(Journal::default());
    desks.carry_one(&journal).await;
    let other = connect(world.database_url()).await;
    other.execute_unprepared("BEGIN IMMEDIATE").await.unwrap();
    let (open, answered) = (Cell::new(true), Cell::new(Duration::ZERO));
    let hold = async {
        pause(HELD_FOR).await;
        let told = journal.borrow().again.clone();
        assert!(!told.is_empty(), "who waits for long is told to come again");
        assert!(
            told.iter().all(|again| matches!(again, Again::Code(_))),
            "{told:?}"
        );
        other.execute_unprepared("COMMIT").await.unwrap();
        let free = Instant::now();
        let done = journal.borrow().done.len();
        until("everybody is served again", PATIENCE, async || {
            journal.borrow().done.len() >= done + 4 * PEOPLE
        })
        .await;
        answered.set(free.elapsed());
        open.set(false);
    };
    tokio::join!(desks.work(PEOPLE, &journal, &open), hold);
    println!(
        "served again after {:?}; told {:?}",
        answered.get(),
        journal.borrow().again
    );
    assert_nothing_lost(&world, world.database_url(), (&desks, &county), &journal).await;
    assert!(gateway.terminate(Duration::from_secs(15)).await.success());
    other.close().await.unwrap();
    world.close().await;
}
