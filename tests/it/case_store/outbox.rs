//! Outbox and inbox: each delivery in one pair of hands, each notice once.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use onedoor::store::case::CaseStore;
use onedoor::store::inbox::{NoticeKey, Received};
use onedoor::store::outbox::{ClaimRequest, ClaimedDelivery, DeliveryResult, Tried, Tries};
use onedoor::store::write_set::{CaseChange, Commit, InboxMark, NewDelivery, WriteSet};
use onedoor_domain::actor::ActorKind;
use onedoor_domain::delivery::{DeliveryKind, DeliveryState, NoticeState};
use onedoor_domain::id::CaseId;
use onedoor_domain::policy::Act;
use serde_json::json;

use super::fixture::{CANARY, delivery, load, morning, open, reader, stored, submission};
use crate::harness::story::story;

const LEASE: Duration = Duration::from_secs(60);

fn at(seconds: i64) -> DateTime<Utc> {
    morning() + chrono::Duration::seconds(seconds)
}

async fn claim(store: &CaseStore, now: DateTime<Utc>, max: u32) -> Vec<ClaimedDelivery> {
    let request = ClaimRequest {
        upstream: None,
        except: &[],
        now,
        lease: LEASE,
        max,
        tried: Tried::Either,
    };
    store.claim_deliveries(&request).await.unwrap()
}

async fn case_with_deliveries(store: &CaseStore, upstreams: &[&str]) -> CaseId {
    let mut set = submission(morning());
    let handoff = set.case.after.handoffs[0].id;
    set.deliveries = upstreams
        .iter()
        .map(|upstream| delivery(handoff, upstream))
        .collect();
    stored(store, set).await.case.id
}

fn result(claimed: &ClaimedDelivery, state: DeliveryState) -> DeliveryResult {
    DeliveryResult {
        delivery: claimed.id,
        fence: claimed.fence,
        attempt: Some(claimed.attempt),
        outcome: "ACCEPTED".to_owned(),
        evidence: None,
        state,
        reason: None,
        next_attempt_at: None,
        tries: Tries::Spend,
        in_doubt: false,
    }
}

story!(
    /// P11.
    no_delivery_is_given_to_two_claimers,
    async |world| {
        let (here, there) = (open(world).await, open(world).await);
        for _ in 0..20 {
            case_with_deliveries(&here, &["a", "b"]).await;
        }
        let claims = join_all((0..16).map(|number| {
            claim(if number % 2 == 0 { &here } else { &there }, at(1), 5)
        }))
        .await;
        let all: Vec<_> = claims.iter().flatten().map(|claimed| claimed.id).collect();
        let distinct: BTreeSet<_> = all.iter().copied().collect();
        assert_eq!(all.len(), distinct.len());
        let rest = claim(&here, at(1), 100).await;
        assert_eq!(all.len() + rest.len(), 40);
        assert!(claim(&there, at(2), 100).await.is_empty(), "the leases hold");
    }
);

story!(
    /// P11.
    a_worker_that_stalled_past_its_lease_cannot_overwrite_the_next_one,
    async |world| {
        let store = open(world).await;
        let case = case_with_deliveries(&store, &["a"]).await;
        let stalled = claim(&store, at(1), 1).await.remove(0);
        assert!(!stalled.earlier_attempt_unknown);
        assert!(store.start_attempt(&stalled, at(2)).await.unwrap());

        let next = claim(&store, at(62), 1).await.remove(0);
        assert_eq!((next.id, next.attempt, next.earlier_attempt_unknown), (stalled.id, 2, true));
        assert!(!store.start_attempt(&stalled, at(63)).await.unwrap());
        assert!(!store.finish_delivery(&result(&stalled, DeliveryState::Dead), at(63)).await.unwrap());
        let loaded = load(&store, case).await;
        let change = CaseChange { after: loaded.case.clone(), before: Some(loaded), events: Vec::new() };
        let mut late = WriteSet::of(at(63), change.clone());
        late.delivery_result = Some(result(&stalled, DeliveryState::Delivered));
        assert!(matches!(store.commit(late).await.unwrap(), Commit::Overtaken));

        assert!(store.start_attempt(&next, at(64)).await.unwrap());
        let mut done = WriteSet::of(at(65), change);
        done.delivery_result = Some(result(&next, DeliveryState::Delivered));
        stored(&store, done).await;
        assert!(!store.finish_delivery(&result(&next, DeliveryState::Dead), at(66)).await.unwrap(), "once");
        assert!(claim(&store, at(1_000), 10).await.is_empty());
        let counts = store.outbox_counts().await.unwrap();
        assert_eq!((counts.len(), counts[0].state, counts[0].count), (1, DeliveryState::Delivered, 1));
    }
);

story!(
    what_an_answer_proves_is_kept_with_its_attempt_and_shown_to_whom_the_delivery_is,
    async |world| {
        let store = open(world).await;
        case_with_deliveries(&store, &["a"]).await;
        for number in 1..=25 {
            let claimed = claim(&store, at(number * 100), 1).await.remove(0);
            assert!(store.start_attempt(&claimed, at(number * 100)).await.unwrap());
            let mut held = result(&claimed, DeliveryState::Held);
            held.outcome = "HELD".to_owned();
            held.evidence = (number % 2 == 0).then(|| format!("exchange {number}"));
            held.next_attempt_at = Some(at(number * 100 + 50));
            assert!(store.finish_delivery(&held, at(number * 100 + 1)).await.unwrap());
        }
        let admin = reader(Act::ReadDeliveries, ActorKind::SystemAdmin, 1);
        let id = claim(&store, at(10_000), 1).await.remove(0).id;
        let attempts = store.attempts_of(&admin, &[id]).await.unwrap();
        let numbers: Vec<u32> = attempts.iter().map(|attempt| attempt.number).collect();
        assert_eq!(numbers, (6..=25).collect::<Vec<_>>(), "the last twenty, in order");
        assert_eq!(attempts[0].evidence.as_deref(), Some("exchange 6"));
        assert_eq!(
            (attempts[19].evidence.as_deref(), attempts[19].outcome.as_deref()),
            (None, Some("HELD"))
        );
        let stranger = reader(Act::ReadDeliveries, ActorKind::Officer, 77);
        assert_eq!(store.attempts_of(&stranger, &[id]).await.unwrap(), []);
    }
);

story!(
    deliveries_of_a_case_to_one_system_go_out_in_order,
    async |world| {
        let store = open(world).await;
        case_with_deliveries(&store, &["a", "a", "b"]).await;
        let first = claim(&store, at(1), 10).await;
        let upstreams: Vec<_> = first.iter().map(|claimed| claimed.upstream.as_str()).collect();
        assert_eq!(
            upstreams,
            ["a", "b"],
            "the second to a waits for the first, b for nobody"
        );
        let mut uncertain = result(&first[0], DeliveryState::Uncertain);
        uncertain.in_doubt = true;
        assert!(store.finish_delivery(&uncertain, at(2)).await.unwrap());
        assert!(
            claim(&store, at(3), 10).await.is_empty(),
            "also while it is uncertain"
        );

        let again = DeliveryResult::again(first[0].id, first[0].fence + 1, at(4), false);
        assert!(store.finish_delivery(&again, at(4)).await.unwrap());
        assert!(
            !store.finish_delivery(&again, at(4)).await.unwrap(),
            "a double click sends once"
        );
        let resent = claim(&store, at(5), 10).await.remove(0);
        assert_eq!((resent.id, resent.tries_spent), (first[0].id, 0));
        assert!(
            store
                .finish_delivery(&result(&resent, DeliveryState::Delivered), at(6))
                .await
                .unwrap()
        );
        assert_eq!(claim(&store, at(7), 10).await.len(), 1);
    }
);

story!(
    resting_systems_are_left_out_and_retries_wait_for_their_time,
    async |world| {
        let store = open(world).await;
        case_with_deliveries(&store, &["a", "b", "c"]).await;
        let resting = ["a".to_owned()];
        let request = ClaimRequest {
            upstream: None,
            except: &resting,
            now: at(1),
            lease: LEASE,
            max: 10,
            tried: Tried::Either,
        };
        let claimed = store.claim_deliveries(&request).await.unwrap();
        assert_eq!(claimed.len(), 2);
        let mut retry = result(&claimed[0], DeliveryState::Pending);
        retry.next_attempt_at = Some(at(500));
        assert!(store.finish_delivery(&retry, at(2)).await.unwrap());
        let one = ClaimRequest {
            upstream: Some("a"),
            except: &[],
            now: at(3),
            lease: LEASE,
            max: 10,
            tried: Tried::Either,
        };
        assert_eq!(store.claim_deliveries(&one).await.unwrap().len(), 1);
        assert!(claim(&store, at(4), 10).await.is_empty());
        let due = claim(&store, at(501), 10).await;
        assert!(
            due.iter()
                .any(|delivery| delivery.id == claimed[0].id && delivery.tries_spent == 1)
        );
    }
);

story!(
    /// P12.
    a_notice_is_new_once_and_settled_once,
    async |world| {
        let store = open(world).await;
        let key = NoticeKey { upstream: "county-hr".to_owned(), event_id: "e-1".to_owned() };
        let facts = json!({"said": "DECIDED", "reasons": CANARY});
        let received = join_all((0..50).map(|_| store.receive_notice(&key, &facts, morning()))).await;
        let new = received.iter().filter(|answer| matches!(answer, Ok(Received::New))).count();
        let again = received
            .iter()
            .filter(|answer| matches!(answer, Ok(Received::Duplicate(NoticeState::Received))))
            .count();
        assert_eq!((new, again), (1, 49));
        let pending = store.pending_notices(10).await.unwrap();
        assert_eq!((pending.len(), &pending[0].facts), (1, &facts));

        let case = stored(&store, submission(morning())).await.case.id;
        let settle = async || {
            let loaded = load(&store, case).await;
            let change = CaseChange { after: loaded.case.clone(), before: Some(loaded), events: Vec::new() };
            let mut set = WriteSet::of(morning(), change);
            set.inbox = Some(InboxMark { notice: key.clone(), state: NoticeState::Applied });
            store.commit(set).await.unwrap()
        };
        assert!(matches!(settle().await, Commit::Committed(_)));
        assert!(matches!(settle().await, Commit::Overtaken));
        let mark = InboxMark { notice: key.clone(), state: NoticeState::Kept };
        assert!(!store.settle_notice(&mark, morning()).await.unwrap());
        let late = store.receive_notice(&key, &facts, morning()).await.unwrap();
        assert_eq!(late, Received::Duplicate(NoticeState::Applied));
        assert!(store.pending_notices(10).await.unwrap().is_empty());
    }
);

story!(
    /// A succession redirects all deliveries of a case that have not left, or none: one in somebody's hands by then
    /// keeps its old system, and the case is looked at again.
    several_deliveries_are_withdrawn_together_or_not_at_all,
    async |world| {
        let store = open(world).await;
        let case = case_with_deliveries(&store, &["a", "b"]).await;
        let withdraw = async || {
            let withdrawn = store.unsent_deliveries(case).await.unwrap();
            let before = load(&store, case).await;
            let change = CaseChange { after: before.case.clone(), before: Some(before), events: Vec::new() };
            let mut set = WriteSet::of(at(2), change);
            set.withdrawn = withdrawn
                .iter()
                .map(|one| DeliveryResult {
                    delivery: one.delivery,
                    fence: one.fence,
                    attempt: None,
                    outcome: "NOT_WANTED".to_owned(),
                    evidence: None,
                    state: DeliveryState::Cancelled,
                    reason: None,
                    next_attempt_at: None,
                    tries: Tries::Keep,
                    in_doubt: false,
                })
                .collect();
            set
        };
        let overtaken = withdraw().await;
        assert_eq!(overtaken.withdrawn.len(), 2);
        let mut stale = withdraw().await;
        stale.withdrawn[1].fence += 1;
        assert!(matches!(store.commit(stale).await.unwrap(), Commit::Overtaken));
        assert_eq!(store.unsent_deliveries(case).await.unwrap().len(), 2, "neither was withdrawn");
        assert!(matches!(store.commit(overtaken).await.unwrap(), Commit::Committed(_)));
        assert_eq!(store.unsent_deliveries(case).await.unwrap(), []);
        assert!(claim(&store, at(10), 10).await.is_empty());
    }
);

story!(
    /// What waits after an outage goes out in order per case, by many hands and in large claims, and none is lost.
    a_backlog_of_thousands_drains_in_order,
    async |world| {
        const CASES: usize = 700;
        let store = open(world).await;
        for _ in 0..CASES {
            case_with_deliveries(&store, &["a", "a", "a"]).await;
        }
        let workers = (0..4).map(|worker| {
            let store = store.clone();
            async move {
                let mut went = Vec::new();
                loop {
                    let claimed = claim(&store, at(10 + worker), 200).await;
                    if claimed.is_empty() {
                        break went;
                    }
                    for one in claimed {
                        assert!(store.start_attempt(&one, at(10)).await.unwrap());
                        let done = result(&one, DeliveryState::Delivered);
                        assert!(store.finish_delivery(&done, at(11)).await.unwrap());
                        went.push((std::time::Instant::now(), one.case, one.id));
                    }
                }
            }
        });
        let mut went: Vec<_> = join_all(workers).await.into_iter().flatten().collect();
        // what another worker had in hand hid what stood behind it
        went.extend(rest(&store).await);
        went.sort_by_key(|(when, _, _)| *when);
        assert_eq!(went.len(), 3 * CASES, "none lost, none twice");
        let mut last = std::collections::BTreeMap::new();
        for (_, case, id) in went {
            assert!(last.insert(case, id).is_none_or(|before| before < id), "in the order they were asked for");
        }
    }
);

async fn rest(store: &CaseStore) -> Vec<(std::time::Instant, CaseId, onedoor_domain::id::DeliveryId)> {
    let mut went = Vec::new();
    loop {
        let claimed = claim(store, at(20), 200).await;
        if claimed.is_empty() {
            return went;
        }
        for one in claimed {
            assert!(store.start_attempt(&one, at(20)).await.unwrap());
            let done = result(&one, DeliveryState::Delivered);
            assert!(store.finish_delivery(&done, at(21)).await.unwrap());
            went.push((std::time::Instant::now(), one.case, one.id));
        }
    }
}

story!(
    news_waits_for_handoffs_and_no_handoff_waits_for_news,
    async |world| {
        let store = open(world).await;
        let mut set = submission(morning());
        let handoff = set.case.after.handoffs[0].id;
        let news = |upstream: &str| NewDelivery {
            kind: DeliveryKind::Notify,
            ..delivery(handoff, upstream)
        };
        // news, a handoff, news, news of another system
        set.deliveries = vec![news("a"), delivery(handoff, "a"), news("a"), news("b")];
        let ids: Vec<_> = set.deliveries.iter().map(|one| one.id).collect();
        let case = stored(&store, set).await.case.id;
        let first = claim(&store, at(1), 10).await;
        let claimed: BTreeSet<_> = first.iter().map(|one| one.id).collect();
        assert_eq!(
            claimed,
            [ids[0], ids[1], ids[3]].into_iter().collect(),
            "the last of a waits for both"
        );
        for one in &first {
            let state = if one.id == ids[0] {
                DeliveryState::Dead
            } else {
                DeliveryState::Delivered
            };
            assert!(store.finish_delivery(&result(one, state), at(2)).await.unwrap());
        }
        assert!(
            claim(&store, at(3), 10).await.is_empty(),
            "news waits for news that was given up"
        );
        // what was sent of the case is the handoff alone
        assert_eq!(store.last_sent(case, "b").await.unwrap(), None);
        // a recall cancels the handoff's deliveries and no news
        let mut set = submission(morning());
        let handoff = set.case.after.handoffs[0].id;
        let news = NewDelivery {
            kind: DeliveryKind::Notify,
            ..delivery(handoff, "c")
        };
        set.deliveries = vec![delivery(handoff, "c"), news];
        let (kept, case) = (set.deliveries[1].id, stored(&store, set).await.case.id);
        let loaded = load(&store, case).await;
        let change = CaseChange {
            after: loaded.case.clone(),
            before: Some(loaded),
            events: Vec::new(),
        };
        let mut recall = WriteSet::of(at(4), change);
        recall.unwanted = vec![handoff];
        stored(&store, recall).await;
        let left = claim(&store, at(5), 10).await;
        assert_eq!(left.iter().map(|one| one.id).collect::<Vec<_>>(), [kept]);
        assert!(store.start_attempt(&left[0], at(6)).await.unwrap());
        assert!(
            !store.has_left(handoff).await.unwrap(),
            "telling is not handing over"
        );
    }
);
