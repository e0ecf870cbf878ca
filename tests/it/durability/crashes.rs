//! P1, P6: the process dies at every failpoint and at any other moment, again and again, and nothing answered is lost.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use sea_orm::ConnectionTrait as _;

use super::county::County;
use super::desks::{Desks, Journal, pause};
use super::evidence::assert_nothing_lost;
use super::loops::{names, samples};
use crate::harness::own_postgres::{DURABLE, OwnPostgres};
use crate::harness::process::Gateway;
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, until};
use crate::harness::world::{WorldKind, connect};

/// How often every point of the way is died at in one world, and how often any other moment.
const TURNS: u32 = 10;
/// Deaths in one world at the least, those at the loops' own points not counted.
const DEATHS_MIN: u32 = 100;
/// People at the desks.
const PEOPLE: usize = 4;
/// A point that is not reached by then is not on the way of this load; the process is killed all the same.
const POINT_REACHED_WITHIN: Duration = Duration::from_secs(5);
/// How a process ends at a point: SIGABRT.
const ABORTED: i32 = 6;
/// A point that does not exist.
const NOWHERE: &str = "nowhere=1";
/// Not on the way of a county at work, and died at elsewhere: an office is succeeded by an import
/// (`stories::succession`), who reports back is not polled (`stories::polling`), nobody compares within a load
/// (`stories::reconciliation`) or uploads documents (`durability::uploads`); keys are rotated and cases erased in stories of
/// their own (`keys`).
const ELSEWHERE: &[&str] = &[
    "succession.take_over",
    "poll.fetched",
    "poll.stored",
    "reconcile.asked",
    "reconcile.stored",
    "rekey.before",
    "rekey.after",
    "erase.before",
    "upload.stored",
];
/// Where the clocks of a case are let speak. No clock runs out within this load, so some are told that it is time.
const CLOCKS: &str = "clocks.hear";
const IT_IS_TIME: &str = "UPDATE cases SET next_tick_at = 0 WHERE id IN (SELECT id FROM cases \
                          WHERE next_tick_at IS NOT NULL ORDER BY submitted_at DESC LIMIT 8)";

story!(
    /// Each round starts on the data of the last, dies under load, and leaves its answers for the next to repeat.
    no_crash_loses_an_answer_or_repeats_an_effect,
    async |world| {
        let own = match world.kind() {
            WorldKind::Sqlite => None,
            WorldKind::Postgres => Some(OwnPostgres::start(DURABLE).await),
        };
        let url = own.as_ref().map_or_else(|| world.database_url().to_owned(), OwnPostgres::url);
        let county = County::open(world, 40).await;
        let mut gateway = Gateway::prepare(world, &county.settings_and(&[("ONEDOOR__DATABASE__URL", &url)]));
        let desks = Desks::at(gateway.address(), world);
        let journal = RefCell::new(Journal::default());
        let points = failpoints();
        assert!(points.iter().any(|point| point == CLOCKS), "{points:?}");
        gateway.start_again().await;
        let loops = samples(&gateway).await;
        let loops: Vec<_> = names(&loops).iter().map(|name| format!("loop.{name}")).collect();
        gateway.kill();
        let mut deaths: BTreeMap<&str, u32> = BTreeMap::new();
        let began = Instant::now();
        for turn in 0..TURNS {
            // the last of each turn is killed at any moment
            for point in points.iter().map(Some).chain([None]) {
                let passing = turn % 4 + 1;
                gateway.set(
                    "ONEDOOR_CRASH_AT",
                    &point.map_or(NOWHERE.to_owned(), |point| format!("{point}={passing}")),
                );
                let reached = one_life(&mut gateway, &url, (&desks, &journal), point).await;
                *deaths.entry(reached).or_default() += 1;
            }
        }
        assert!(deaths.values().sum::<u32>() >= DEATHS_MIN, "{deaths:?}");
        // a loop dies at its first iteration, some before the gateway is ready
        for point in &loops {
            gateway.set("ONEDOOR_CRASH_AT", &format!("{point}=1"));
            let reached = one_life(&mut gateway, &url, (&desks, &journal), Some(point)).await;
            *deaths.entry(reached).or_default() += 1;
        }
        println!(
            "{:?}: {} acts answered, deaths within {:?} at {deaths:?}",
            world.kind(),
            journal.borrow().done.len(),
            began.elapsed(),
        );
        for point in points.iter().chain(&loops) {
            assert!(deaths.contains_key(point.as_str()), "never died at {point}: {deaths:?}");
        }
        gateway.set("ONEDOOR_CRASH_AT", NOWHERE);
        gateway.start_again().await;
        assert_nothing_lost(world, &url, (&desks, &county), &journal).await;
        assert!(gateway.terminate(Duration::from_secs(15)).await.success());
    }
);

/// Starts the gateway, lets people work until it dies, and gives where it died. Before that the last life's answers
/// are asked for again.
async fn one_life<'a>(
    gateway: &mut Gateway,
    url: &str,
    (desks, journal): (&Desks, &RefCell<Journal>),
    point: Option<&'a String>,
) -> &'a str {
    gateway.launch();
    if let Some(status) = gateway.ready_or_ended().await {
        assert_eq!(
            status.signal(),
            Some(ABORTED),
            "it ends by itself at a point only: {status}"
        );
        return point.expect("a point was armed");
    }
    let open = Cell::new(true);
    let load = async {
        ask_again(desks, journal).await;
        desks.work(PEOPLE, journal, &open).await;
    };
    let death = async {
        if point.is_some_and(|point| point == CLOCKS) {
            let database = connect(url).await;
            until("cases whose clocks may speak", PATIENCE, async || {
                database
                    .execute_unprepared(IT_IS_TIME)
                    .await
                    .unwrap()
                    .rows_affected()
                    >= 4
            })
            .await;
            database.close().await.unwrap();
        }
        let died = match point {
            Some(_) => gateway.ends_within(POINT_REACHED_WITHIN).await,
            None => {
                pause(Duration::from_millis(rand::random_range(20..400))).await;
                None
            }
        };
        open.set(false);
        match died {
            Some(status) => assert_eq!(status.signal(), Some(ABORTED), "{status}"),
            None => gateway.kill(),
        }
        died.is_some()
    };
    let ((), died) = tokio::join!(load, death);
    match point {
        Some(point) if died => point,
        Some(_) | None => "any moment",
    }
}

/// Asks again for what the last life left unanswered, and for the answers it gave; this life may end meanwhile.
async fn ask_again(desks: &Desks, journal: &RefCell<Journal>) {
    let unanswered = std::mem::take(&mut journal.borrow_mut().in_doubt);
    for request in unanswered {
        match desks.ask(&request).await {
            Ok(done) => journal.borrow_mut().done.push(done),
            Err(_again) => journal.borrow_mut().in_doubt.push(request),
        }
    }
    let latest: Vec<_> = journal.borrow().done.iter().rev().take(8).cloned().collect();
    for done in latest {
        if let Ok(again) = desks.ask(&done.request).await {
            assert_eq!(
                again.bytes, done.bytes,
                "the same key, the same answer: {:?}",
                done.request
            );
        }
    }
}

/// Every failpoint of the source but those that loops are given by name and those of other stories, so that a new one is
/// crashed at without being told.
fn failpoints() -> Vec<String> {
    let mut points = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut points);
    points.retain(|point| !ELSEWHERE.contains(&point.as_str()));
    points.sort();
    points.dedup();
    assert!(points.len() >= 8, "{points:?}");
    points
}

fn collect(folder: &Path, into: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, into);
        } else {
            let text = fs::read_to_string(&path).unwrap();
            let named = text.split("fail_point!(\"").skip(1);
            into.extend(named.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
        }
    }
}
