//! What is left when the load is over: compares every answer that was given with what the databases hold.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use onedoor::secret::keyring::{KeyPlaces, Keyring};
use onedoor::secret::suite::SuiteName;
use onedoor::store::case::CaseStore;
use onedoor::store::database::{Database, DatabaseSettings};
use onedoor_domain::case::apply::replay;
use onedoor_domain::case::event::NewEvent;
use onedoor_domain::id::CaseId;
use onedoor_domain::ledger::{Head, Known, verify_chain};
use sea_orm::{ConnectionTrait as _, DatabaseConnection, Statement};

use super::county::County;
use super::desks::{Desks, Done, Journal};
use crate::harness::wait::{PATIENCE, until};
use crate::harness::world::{World, connect};

/// How long a county may take to hear of everything: a lease, its own pauses between reports, and a busy machine.
const SETTLED_WITHIN: Duration = Duration::from_secs(60);

/// Every answer given so far is given again, byte for byte.
pub(super) async fn assert_repeated(desks: &Desks, answered: &[Done]) {
    for done in answered {
        let again = desks.insist(&done.request, PATIENCE).await;
        assert_eq!(
            String::from_utf8_lossy(&again.bytes),
            String::from_utf8_lossy(&done.bytes),
            "the same key, the same answer"
        );
    }
}

/// Nothing answered is lost, nothing exists twice, every accepted case had one effect at the county and was decided,
/// and every ledger holds and replays to its rows.
pub(super) async fn assert_nothing_lost(
    world: &World,
    url: &str,
    (desks, county): (&Desks, &County),
    journal: &RefCell<Journal>,
) {
    desks.resolve(journal, PATIENCE).await;
    let journal = journal.borrow();
    assert_repeated(desks, &journal.done).await;

    let database = connect(url).await;
    let submitted: BTreeSet<&str> = journal.submitted().map(|done| done.case.as_str()).collect();
    assert_eq!(
        submitted.len(),
        journal.submitted().count(),
        "one case for each key"
    );
    let cases = number(&database, "SELECT COUNT(*) FROM cases").await;
    assert_eq!(
        usize::try_from(cases).unwrap(),
        submitted.len(),
        "no case without an answer"
    );

    let accepted: BTreeSet<&str> = journal.accepted().map(|done| done.case.as_str()).collect();
    let undecided = "SELECT COUNT(*) FROM cases WHERE accepted_at IS NOT NULL AND decided_at IS NULL";
    let decided = until(
        "the county has decided every accepted case",
        SETTLED_WITHIN,
        async || number(&database, undecided).await == 0,
    );
    if let Err(panic) = AssertUnwindSafe(decided).catch_unwind().await {
        println!(
            "{}\n{:#?}",
            undecided_cases(&database).await,
            county.latest_reports().await
        );
        resume_unwind(panic);
    }
    let effects = county.effects().await;
    for done in journal
        .submitted()
        .filter(|done| accepted.contains(done.case.as_str()))
    {
        assert_eq!(
            effects.get(&done.reference),
            Some(&1),
            "{}: one effect at the county",
            done.case
        );
    }
    assert_eq!(effects.len(), accepted.len(), "no effect without an acceptance");
    let waiting = "SELECT COUNT(*) FROM delivery WHERE waiting OR state <> 'DELIVERED'";
    until(
        "every delivery is known to have arrived",
        SETTLED_WITHIN,
        async || number(&database, waiting).await == 0,
    )
    .await;
    database.close().await.unwrap();
    assert_ledgers_hold(world, url, &journal).await;
}

async fn assert_ledgers_hold(world: &World, url: &str, journal: &Journal) {
    let settings = DatabaseSettings::for_url(url.to_owned());
    let database = Database::connect(&settings, None).await.unwrap();
    let keys = Keyring::open(KeyPlaces::generated(
        SuiteName::Intl,
        &world.config(&[]).keys_dir(),
    ))
    .unwrap();
    let store = CaseStore::new(database.clone(), Arc::new(keys));
    for done in journal.submitted() {
        assert_whole(&store, done.case.parse().unwrap()).await;
    }
    database.close().await.unwrap();
}

/// The chain holds, passes through every receipt, and replays to the rows.
async fn assert_whole(store: &CaseStore, case: CaseId) {
    let lines = store.ledger_lines(case).await.unwrap();
    let receipts = store.receipts(case).await.unwrap();
    let attested = receipts
        .into_iter()
        .filter_map(|receipt| receipt.body.ledger)
        .map(|place| Head {
            chain: case.uuid(),
            seq: place.seq,
            hash: place.hash,
        });
    let known = Known {
        head: None,
        attested: attested.collect(),
    };
    verify_chain(case.uuid(), &lines, &known).unwrap();
    let timeline = store.timeline(case).await.unwrap();
    let events: Vec<NewEvent> = timeline
        .iter()
        .map(onedoor_domain::timeline::StoredEvent::as_new)
        .collect();
    let row = store.load_case(case).await.unwrap().map(|loaded| loaded.case);
    assert!(
        row.is_some() && replay(&events) == row,
        "{case}: replay(ledger) == row"
    );
}

/// What is known of accepted cases that wait for the county, and of notices that wait for a case.
async fn undecided_cases(database: &DatabaseConnection) -> String {
    let cases = "SELECT c.tracking_code || ' ' || c.status || ' delivery ' || d.state || ' attempts ' || d.attempts \
                 || ' ' || COALESCE(d.reason, '') FROM cases c LEFT JOIN delivery d ON d.case_id = c.id \
                 WHERE c.accepted_at IS NOT NULL AND c.decided_at IS NULL";
    let notices = "SELECT event_id || ' ' || state FROM inbox ORDER BY received_at";
    let mut told = String::new();
    for sql in [cases, notices] {
        let statement = Statement::from_string(database.get_database_backend(), sql);
        for row in database.query_all_raw(statement).await.unwrap() {
            let line: Option<String> = row.try_get_by_index(0).unwrap();
            told.push_str(&line.unwrap_or_default());
            told.push('\n');
        }
    }
    told
}

/// Asks for one number.
pub(super) async fn number(database: &DatabaseConnection, sql: &str) -> i64 {
    let statement = Statement::from_string(database.get_database_backend(), sql);
    let row = database.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}
