//! Comparisons with upstream systems: found once, kept while found again, gone when not; and nothing under an old fence.

use std::time::Duration as Wait;

use chrono::{DateTime, Duration, Utc};
use onedoor::store::case::CaseStore;
use onedoor::store::reconciliation::{Found, Looked};
use onedoor::store::reconciliation_list::{DIFFERENCES_BY_SEEN, DifferenceFilter};
use onedoor::store::watch::{Duty, Watch, WatchStep};
use onedoor_domain::actor::ActorKind;
use onedoor_domain::case::state::CaseStatus;
use onedoor_domain::id::{CaseId, HandoffId, ReconciliationId};
use onedoor_domain::page::PageRequest;
use onedoor_domain::policy::Act;
use onedoor_domain::reconciliation::{
    Difference, DifferenceEntry, DifferenceKind, Reconciliation, RunCause, RunState, UpstreamWord,
};
use uuid::Uuid;

use super::fixture::{COUNTY, STATION, morning, open, reader, stored, submission};
use crate::harness::story::story;

fn at(minutes: i64) -> DateTime<Utc> {
    morning() + Duration::minutes(minutes)
}

async fn claimed(store: &CaseStore, now: DateTime<Utc>) -> Watch {
    let lease = Wait::from_secs(30);
    store
        .claim_watch("county-hr", Duty::Reconcile, now, lease)
        .await
        .unwrap()
        .unwrap()
}

fn run(now: DateTime<Utc>) -> Reconciliation {
    Reconciliation {
        id: ReconciliationId::from_uuid(Uuid::now_v7()),
        upstream: "county-hr".to_owned(),
        cause: RunCause::OnDemand,
        requested_by: None,
        state: RunState::Running,
        requested_at: now,
        started_at: Some(now),
        ended_at: None,
        checked: 0,
        differing: 0,
        unanswered: 0,
        unsettled: 0,
        resolved: 0,
        reason: None,
        cursor: None,
    }
}

fn looked(case: &(CaseId, HandoffId), kinds: &[DifferenceKind], now: DateTime<Utc>) -> Looked {
    let difference = |kind: &DifferenceKind| Difference {
        kind: *kind,
        ours: CaseStatus::InReview,
        theirs: UpstreamWord::Granted,
        number: Some("HR-1".to_owned()),
    };
    Looked {
        case: case.0,
        found: Some(Found {
            differences: kinds.iter().map(difference).collect(),
            handoff: case.1,
            as_of: now,
        }),
    }
}

fn step(now: DateTime<Utc>) -> WatchStep {
    WatchStep {
        cursor: None,
        lease_until: now,
        next_at: now,
        failures: 0,
    }
}

/// One run with one page, and its end.
async fn whole(store: &CaseStore, page: &[Looked], now: DateTime<Utc>) -> Reconciliation {
    let watch = claimed(store, now).await;
    let run = run(now);
    let run = store
        .step_reconciliation(&watch, &step(now), run, page, now)
        .await
        .unwrap()
        .unwrap();
    let ended = Reconciliation {
        state: RunState::Done,
        ended_at: Some(now),
        ..run
    };
    store
        .step_reconciliation(&watch, &step(now), ended, &[], now)
        .await
        .unwrap()
        .unwrap()
}

async fn differences(store: &CaseStore, kind: ActorKind, office: u128, open: bool) -> Vec<DifferenceEntry> {
    let proof = reader(Act::ReadReconciliations, kind, office);
    let filter = DifferenceFilter {
        open,
        ..DifferenceFilter::default()
    };
    let page = PageRequest::first(DIFFERENCES_BY_SEEN, 50);
    let found = store.list_differences(&proof, &filter, &page).await.unwrap();
    let counted = store.count_differences(&proof, &filter).await.unwrap();
    assert_eq!(counted, u64::try_from(found.edges.len()).unwrap());
    found.edges.into_iter().map(|edge| edge.node).collect()
}

/// A case and the handoff by which its first contact has it.
async fn case(store: &CaseStore) -> (CaseId, HandoffId) {
    let case = stored(store, submission(morning())).await.case;
    (case.id, case.handoffs[0].id)
}

story!(a_difference_is_one_for_as_long_as_it_is_found, async |world| {
    use DifferenceKind::{AbsentThere, AheadThere, OutcomeDiffers};
    let store = open(world).await;
    let (one, other, silent) = (case(&store).await, case(&store).await, case(&store).await);
    let first = [
        looked(&one, &[AheadThere], at(1)),
        looked(&other, &[AbsentThere], at(1)),
        looked(&silent, &[AheadThere], at(1)),
    ];
    assert_eq!(whole(&store, &first, at(1)).await.resolved, 0);
    let found = differences(&store, ActorKind::Clerk, STATION, true).await;
    assert_eq!(found.len(), 3);

    // found again, joined by another, gone, and not answered
    let silent_now = Looked {
        case: silent.0,
        found: None,
    };
    let second = [
        looked(&one, &[AheadThere, OutcomeDiffers], at(2)),
        looked(&other, &[], at(2)),
        silent_now,
    ];
    assert_eq!(whole(&store, &second, at(2)).await.resolved, 1);
    let open_now = differences(&store, ActorKind::Clerk, STATION, true).await;
    let of = |case: CaseId, kind: DifferenceKind| {
        let mut all = open_now.iter().filter(|entry| entry.case == case);
        all.find(|entry| entry.difference.kind == kind)
    };
    assert_eq!(open_now.len(), 3);
    let kept = of(one.0, AheadThere).unwrap();
    assert_eq!((kept.first_seen_at, kept.last_seen_at), (at(1), at(2)));
    assert_eq!(of(one.0, OutcomeDiffers).unwrap().first_seen_at, at(2));
    assert_eq!(of(silent.0, AheadThere).unwrap().last_seen_at, at(1));
    let all = differences(&store, ActorKind::Clerk, STATION, false).await;
    let gone = all.iter().find(|entry| entry.case == other.0).unwrap();
    assert_eq!(gone.resolved_at, Some(at(2)));

    // what a run does not meet is over with it
    assert_eq!(whole(&store, &[], at(3)).await.resolved, 3);
    assert!(
        differences(&store, ActorKind::Clerk, STATION, true)
            .await
            .is_empty()
    );
    // what comes back is new
    whole(&store, &[looked(&other, &[AbsentThere], at(4))], at(4)).await;
    let back = differences(&store, ActorKind::Clerk, STATION, true).await;
    assert_eq!((back.len(), back[0].first_seen_at), (1, at(4)));
    let counts = store.open_differences().await.unwrap();
    assert_eq!(
        (counts.len(), counts[0].kind, counts[0].count),
        (1, AbsentThere, 1)
    );
    assert_eq!(
        store.last_reconciliations().await.unwrap(),
        [("county-hr".to_owned(), at(4))]
    );
    // other offices and divisions see nothing of it
    for (kind, office) in [(ActorKind::Officer, COUNTY), (ActorKind::Supervisor, 902)] {
        assert!(differences(&store, kind, office, false).await.is_empty());
    }
});

story!(a_page_under_an_old_fence_is_not_stored, async |world| {
    let store = open(world).await;
    let one = case(&store).await;
    let stalled = claimed(&store, at(1)).await;
    // its lease ends, another replica goes on
    let next = claimed(&store, at(2)).await;
    let page = [looked(&one, &[DifferenceKind::AbsentThere], at(2))];
    let late = store
        .step_reconciliation(&stalled, &step(at(2)), run(at(1)), &page, at(2))
        .await
        .unwrap();
    assert_eq!(late, None);
    assert!(store.open_differences().await.unwrap().is_empty());
    assert_eq!(store.unfinished_reconciliation("county-hr").await.unwrap(), None);
    let begun = run(at(2));
    let stored = store
        .step_reconciliation(&next, &step(at(2)), begun.clone(), &page, at(2))
        .await
        .unwrap();
    assert_eq!(stored, Some(begun.clone()));
    assert_eq!(
        store.unfinished_reconciliation("county-hr").await.unwrap(),
        Some(begun)
    );
});
