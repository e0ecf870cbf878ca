//! P23: far more callers than the gateway has places for: some served in good time, the rest told at once to come back.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;
use uuid::Uuid;

use super::county::County;
use super::desks::{Desks, Journal, Request, following, pause, read};
use super::evidence::assert_nothing_lost;
use super::postgres::ready;
use crate::harness::gql::{Answer, Gql, http_client};
use crate::harness::process::Gateway;
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, until};

/// Places of the gateway; the county's reports take some of them.
const PLACES: u32 = 16;
/// Callers that it has places for.
const FEW: usize = 8;
/// Callers that it has not.
const MANY: usize = 200;
/// How long who was turned away waits: twice as impatient as the answer asks for.
const IMPATIENCE: Duration = Duration::from_millis(500);
/// How long each load lasts, and how often each comes, one after the other: a machine that others use too is now fast
/// and now slow, and both loads meet both.
const LASTS: Duration = Duration::from_secs(3);
const WINDOWS: usize = 4;
/// How often the two loads are compared at most: a neighbour's burst that falls on one of them alone tells nothing.
const ROUNDS: usize = 3;
/// In what time an accepted request is answered; a healthy machine needs a twentieth of it.
const SERVED_WITHIN: Duration = Duration::from_secs(10);
/// In what time a refusal is there, seen by callers who share the machine with the gateway.
const REFUSED_WITHIN: Duration = Duration::from_secs(5);
/// What a refusal takes the gateway itself on average, from the request's head to the answer's.
const REFUSAL_S_MAX: f64 = 0.1;
/// What the load may add to the memory.
const GROWTH_MAX_KIB: u64 = 128 * 1_024;
/// The share of the peak that must be left. Callers and gateway share the machine, so it is measured by what the gateway
/// does with the processor's time that it gets; on a machine of its own that is its goodput.
const GOODPUT_MIN: f64 = 0.8;
/// Hundredths of a second: the unit of /proc/…/stat on every Linux.
const TICKS_PER_S: f64 = 100.0;

story!(an_overload_is_refused_at_once_and_loses_nothing, async |world| {
    let county = County::open(world, 40).await;
    let places = PLACES.to_string();
    let settings = county.settings_and(&[("ONEDOOR__SERVER__REQUESTS_MAX", &places)]);
    let mut gateway = Gateway::start(world, &settings).await;
    let desks = Desks::at(gateway.address(), world);
    let journal = RefCell::new(Journal::default());
    desks.carry_one(&journal).await;
    // the first load finds what every later one finds: warm caches
    load(&gateway, &desks, &journal, FEW).await;

    let before = memory_kib(gateway.pid());
    let mut turned_away = 0;
    let (mut peak, mut over) = (Met::default(), Met::default());
    for _ in 0..ROUNDS {
        (peak, over) = (Met::default(), Met::default());
        for _ in 0..WINDOWS {
            peak.add(load(&gateway, &desks, &journal, FEW).await);
            over.add(load(&gateway, &desks, &journal, MANY).await);
        }
        turned_away += over.refused.len();
        if bears(&peak, &over) {
            break;
        }
    }
    let after = memory_kib(gateway.pid());

    // well at once: the first request is taken
    let began = Instant::now();
    let request = Request::Submit(Uuid::new_v4());
    let done = desks.ask(&request).await.expect("there is a place at once");
    journal.borrow_mut().done.push(done);
    println!(
        "{:?}: {:.0} acts in a second of the gateway's with {FEW} callers, {:.0} with {MANY} ({:.0} and {:.0} in one of \
         the clock's), memory {before} to {after} KiB, at once after: {:?}; {}",
        world.kind(),
        peak.goodput(),
        over.goodput(),
        peak.pace(),
        over.pace(),
        began.elapsed(),
        over.summary(),
    );
    assert!(began.elapsed() < SERVED_WITHIN);
    assert_eq!(ready(&gateway).await, 200);
    // the county still reports what it decided; then every place is free
    until("every place is free", PATIENCE, async || {
        samples(&gateway).await["onedoor_requests_in_flight"] < 0.5
    })
    .await;
    let samples = samples(&gateway).await;
    let shed = samples["onedoor_requests_shed_total{limit=\"requests\"}"];
    let of = |what: &str| samples[&format!("onedoor_http_request_seconds_{what}{{class=\"5xx\"}}")];
    let refusal_s = of("sum") / of("count");
    println!("{shed} turned away, each within {refusal_s:.6} s of the gateway's time");

    assert!(over.refused.len() > MANY, "{}", over.summary());
    let refused = f64::from(u32::try_from(turned_away).unwrap());
    assert!(shed >= refused, "{shed} counted, {refused} met");
    assert!(
        bears(&peak, &over),
        "goodput stays and refusals are faster than service: {:.1} after {:.1}, {}",
        over.goodput(),
        peak.goodput(),
        over.summary()
    );
    assert!(over.served.last() < Some(&SERVED_WITHIN), "{}", over.summary());
    assert!(over.refused.last() < Some(&REFUSED_WITHIN), "{}", over.summary());
    assert!(refusal_s < REFUSAL_S_MAX, "{refusal_s}");
    assert!(after < before + GROWTH_MAX_KIB, "{before} to {after} KiB");
    assert_nothing_lost(world, world.database_url(), (&desks, &county), &journal).await;
    assert!(gateway.terminate(Duration::from_secs(15)).await.success());
});

story!(who_asks_too_much_is_told_when_to_come_back, async |world| {
    let little = [("ONEDOOR__LIMITS__FIELDS_PER_MINUTE_ANONYMOUS", "20")];
    let mut gateway = Gateway::start(world, &little).await;
    let anybody = Gql::anonymous(gateway.address());
    let mut refused = None;
    for _ in 0..40 {
        let began = Instant::now();
        let answer = anybody
            .ask("{ divisions(first: 1) { totalCount } }", json!({}))
            .await;
        if answer.status == 429 {
            refused = Some((answer, began.elapsed()));
            break;
        }
    }
    let (answer, took) = refused.expect("the limit is enforced");
    assert_eq!(answer.codes(), ["RATE_LIMITED"]);
    assert!((1..=60).contains(&retry_after_s(&answer)));
    assert!(took < REFUSED_WITHIN, "{took:?}");
    assert!(gateway.terminate(Duration::from_secs(15)).await.success());
});

/// What the callers of one load met with; times in order.
#[derive(Default)]
struct Met {
    served: Vec<Duration>,
    refused: Vec<Duration>,
    lasted: Duration,
    /// The processor's time that the gateway used meanwhile.
    used_s: f64,
}

impl Met {
    /// Acts answered in a second of the gateway's work.
    fn goodput(&self) -> f64 {
        self.acts() / self.used_s
    }

    /// Acts answered in a second of the clock, which others on this machine have a part in.
    fn pace(&self) -> f64 {
        self.acts() / self.lasted.as_secs_f64()
    }

    fn acts(&self) -> f64 {
        f64::from(u32::try_from(self.served.len()).unwrap())
    }

    /// The same load once more.
    fn add(&mut self, mut other: Self) {
        self.served.append(&mut other.served);
        self.refused.append(&mut other.refused);
        self.served.sort();
        self.refused.sort();
        self.lasted += other.lasted;
        self.used_s += other.used_s;
    }

    fn summary(&self) -> String {
        format!(
            "{} served, half within {:?}, all within {:?}; {} refused, half within {:?}, all within {:?}",
            self.served.len(),
            middle(&self.served),
            self.served.last(),
            self.refused.len(),
            middle(&self.refused),
            self.refused.last(),
        )
    }
}

/// Whether goodput stays when there are too many, and who is turned away knows it sooner than others are served.
fn bears(peak: &Met, over: &Met) -> bool {
    over.goodput() >= peak.goodput() * GOODPUT_MIN && middle(&over.refused) < middle(&over.served)
}

fn middle(times: &[Duration]) -> Option<&Duration> {
    times.get(times.len() / 2)
}

/// So many people act without a pause, while somebody looks after the gateway's health.
async fn load(gateway: &Gateway, desks: &Desks, journal: &RefCell<Journal>, people: usize) -> Met {
    let (met, open) = (RefCell::new(Met::default()), Cell::new(true));
    let (began, used_s) = (Instant::now(), processor_s(gateway.pid()));
    let watch = async {
        while began.elapsed() < LASTS {
            assert_healthy(gateway).await;
            pause(IMPATIENCE).await;
        }
        open.set(false);
    };
    let all = join_all((0..people).map(|_| act(desks, journal, &met, &open)));
    tokio::join!(all, watch);
    let mut met = met.into_inner();
    met.lasted = began.elapsed();
    met.used_s = processor_s(gateway.pid()) - used_s;
    desks.resolve(journal, PATIENCE).await;
    met
}

async fn act(desks: &Desks, journal: &RefCell<Journal>, met: &RefCell<Met>, open: &Cell<bool>) {
    let mut next = Request::Submit(Uuid::new_v4());
    while open.get() {
        let began = Instant::now();
        let answer = desks.send(&next).await.expect("every request is answered");
        if answer.status == 503 {
            met.borrow_mut().refused.push(began.elapsed());
            assert_eq!(answer.codes(), ["OVERLOADED"], "{}", answer.body);
            assert_eq!(retry_after_s(&answer), 1);
            assert!(answer.body.get("data").is_none(), "{}", answer.body);
            pause(IMPATIENCE).await;
            continue;
        }
        let done = read(&next, answer).expect("who has a place is served");
        met.borrow_mut().served.push(began.elapsed());
        next = following(&done);
        journal.borrow_mut().done.push(done);
    }
    journal.borrow_mut().in_doubt.push(next);
}

/// Health and metrics are never refused, and the places are never more than they are.
async fn assert_healthy(gateway: &Gateway) {
    let live = format!("http://{}/health/live", gateway.address());
    let began = Instant::now();
    assert_eq!(http_client().get(live).send().await.unwrap().status(), 200);
    assert!(began.elapsed() < SERVED_WITHIN, "{:?}", began.elapsed());
    assert_eq!(ready(gateway).await, 200, "busy is not broken");
    let taken = samples(gateway).await["onedoor_requests_in_flight"];
    assert!(
        (0.0..=f64::from(PLACES)).contains(&taken),
        "{taken} places are taken"
    );
}

async fn samples(gateway: &Gateway) -> BTreeMap<String, f64> {
    let answer = http_client()
        .get(format!("http://{}/metrics", gateway.address()))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let text = answer.text().await.unwrap();
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(name, value)| (name.to_owned(), value.parse().unwrap()))
        .collect()
}

fn retry_after_s(answer: &Answer) -> u64 {
    answer.headers["retry-after"].to_str().unwrap().parse().unwrap()
}

/// The processor's time that a process has used so far, in its own work and the kernel's for it.
fn processor_s(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // the second field is the program's name in brackets, which may hold anything
    let (_, rest) = stat.rsplit_once(") ").unwrap();
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |index: usize| fields[index].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / TICKS_PER_S
}

/// Resident memory of a process.
fn memory_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}
