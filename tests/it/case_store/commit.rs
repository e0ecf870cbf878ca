//! Write sets: stored whole or not at all, once for each key, in one chain for each case.

use futures_util::future::join_all;
use onedoor::store::case::CaseStore;
use onedoor::store::error::StoreError;
use onedoor::store::write_set::{CaseChange, Commit, WriteSet};
use onedoor_domain::actor::ActorKind;
use onedoor_domain::case::apply::{apply, replay};
use onedoor_domain::case::command::{By, Command};
use onedoor_domain::case::event::{Event, NewEvent};
use onedoor_domain::case::state::CaseStatus;
use onedoor_domain::id::CaseId;
use onedoor_domain::ledger::{Head, Known, verify_chain};
use onedoor_domain::receipt::kind::ReceiptKind;
use sea_orm::ConnectionTrait as _;
use uuid::Uuid;

use super::fixture::{
    CANARY, STATION, TOWNSHIP, act, actor, claim, count, delivery, keys, load, morning, open, receipt,
    stored, submission,
};
use crate::harness::story::story;

const TABLES: [&str; 16] = [
    "cases",
    "data_key",
    "case_private",
    "case_party",
    "handoff",
    "case_clock",
    "case_card",
    "external_number",
    "ledger_head",
    "ledger_event",
    "ledger_private",
    "receipt",
    "idempotency",
    "delivery",
    "inbox",
    "change",
];

/// The ledger verifies, ends at its head, passes through every receipt, and replays to the rows.
async fn assert_whole(store: &CaseStore, case: CaseId) {
    let loaded = load(store, case).await;
    let lines = store.ledger_lines(case).await.unwrap();
    let attested = store.receipts(case).await.unwrap().into_iter().map(|receipt| {
        assert!(keys().receipts.public_key().verify(
            &receipt.body.canonical_bytes().unwrap(),
            &base64::Engine::decode(&base64::engine::general_purpose::STANDARD, &receipt.signature).unwrap(),
        ));
        let place = receipt.body.ledger.unwrap();
        Head {
            chain: case.uuid(),
            seq: place.seq,
            hash: place.hash,
        }
    });
    let known = Known {
        head: None,
        attested: attested.collect(),
    };
    let end = verify_chain(case.uuid(), &lines, &known).unwrap();
    assert_eq!(end.seq, u64::try_from(lines.len()).unwrap());
    let events: Vec<NewEvent> = store
        .timeline(case)
        .await
        .unwrap()
        .iter()
        .map(|event| event.as_new())
        .collect();
    assert_eq!(replay(&events), Some(loaded.case));
}

story!(
    /// P18, P26.
    a_case_comes_back_as_it_was_decided_and_its_ledger_replays_to_it,
    async |world| {
        let store = open(world).await;
        let set = submission(morning());
        let after = set.case.after.clone();
        let sealed = stored(&store, set).await;
        assert_eq!((sealed.case.clone(), sealed.revision), (after, 1));
        let loaded = load(&store, sealed.case.id).await;
        assert_eq!((loaded.case.clone(), loaded.revision), (sealed.case.clone(), 1));

        let later = morning() + chrono::Duration::hours(1);
        let mut accepted =
            act(loaded, ActorKind::Clerk, TOWNSHIP, &Command::Accept { advance: true, owed: Vec::new() }, later);
        accepted.receipts.push(onedoor::store::write_set::NewReceipt {
            body: receipt(&accepted.case.after, ReceiptKind::Acceptance, later),
            attests: 0,
        });
        if let Some(event) = accepted.case.events.first_mut() {
            event.private = Some(serde_json::json!({"text": CANARY}));
        }
        let sealed = stored(&store, accepted).await;
        assert_eq!(sealed.case.status, CaseStatus::InReview);
        assert_whole(&store, sealed.case.id).await;

        let timeline = store.timeline(sealed.case.id).await.unwrap();
        assert!(timeline.iter().any(|event| event.private == Some(serde_json::json!({"text": CANARY}))));
        let private = store.private(sealed.case.id).await.unwrap().unwrap();
        assert_eq!(private.applicant, serde_json::json!({"name": CANARY}));
        assert_eq!(private.form["area"], 3.5);
        assert_eq!(private.salt, [5; 16]);
        let (found, secret) = store.find_by_tracking(&sealed.case.tracking).await.unwrap().unwrap();
        assert_eq!((found, secret.as_str()), (sealed.case.id, "$argon2id$stand-in"));
        for entry in std::fs::read_dir(world.folder()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let bytes = std::fs::read(&path).unwrap();
                assert!(!bytes.windows(CANARY.len()).any(|part| part == CANARY.as_bytes()), "{path:?}");
            }
        }
    }
);

story!(
    cards_orders_and_epochs_replay_to_their_rows_and_a_card_is_stored_once,
    async |world| {
        let store = open(world).await;
        let case = stored(&store, submission(morning())).await.case.id;
        let later = morning() + chrono::Duration::days(30);
        let tick = |loaded| act(loaded, ActorKind::System, TOWNSHIP, &Command::Tick, later);
        let set = tick(load(&store, case).await);
        // the other replica has decided the same from the same rows
        let (first, second) = (set, tick(load(&store, case).await));
        let cards = stored(&store, first).await.case.cards;
        assert!(cards.len() >= 2, "{cards:?}");
        assert!(matches!(store.commit(second).await.unwrap(), Commit::Stale));
        let loaded = load(&store, case).await;
        assert_eq!(loaded.case.cards, cards);
        let order = Command::OrderSupervision {
            to: None,
            limit: onedoor_domain::limit::Limit::working_days(3),
            by: None,
            text: CANARY.to_owned(),
        };
        stored(
            &store,
            act(loaded, ActorKind::Supervisor, TOWNSHIP, &order, later),
        )
        .await;
        let appeal = Command::AppealCard {
            card: cards[0].id,
            reason: CANARY.to_owned(),
        };
        stored(
            &store,
            act(
                load(&store, case).await,
                ActorKind::Officer,
                TOWNSHIP,
                &appeal,
                later,
            ),
        )
        .await;
        assert_whole(&store, case).await;
    }
);

story!(
    a_commit_that_fails_in_the_middle_leaves_nothing_and_can_be_tried_again,
    async |world| {
        let store = open(world).await;
        let beside = world.database().await;
        let scenario = fail::FailScenario::setup();
        for point in ["commit.before", "commit.middle"] {
            fail::cfg(point, "return").unwrap();
            let failed = store.commit(submission(morning())).await.unwrap_err();
            assert!(matches!(failed, StoreError::Unavailable { .. }), "{failed:?}");
            fail::remove(point);
            for table in TABLES {
                assert_eq!(count(&beside, table).await, 0, "{table}");
            }
        }
        let sealed = stored(&store, submission(morning())).await;
        assert_whole(&store, sealed.case.id).await;
        scenario.teardown();
    }
);

story!(
    /// P14.
    a_commit_whose_answer_is_lost_is_found_by_reading_again,
    async |world| {
        let store = open(world).await;
        let scenario = fail::FailScenario::setup();
        fail::cfg("commit.after", "return").unwrap();
        let sealed = stored(&store, submission(morning())).await;
        let loaded = load(&store, sealed.case.id).await;
        let quiet = WriteSet::of(
            morning(),
            CaseChange { after: loaded.case.clone(), before: Some(loaded), events: Vec::new() },
        );
        assert_eq!(stored(&store, quiet).await.revision, 2, "a set without events is found as well");
        fail::remove("commit.after");
        assert_whole(&store, sealed.case.id).await;
        scenario.teardown();
    }
);

story!(
    /// P4.
    fifty_times_the_same_act_at_once_is_one_case_and_fifty_equal_answers,
    async |world| {
        let (here, there) = (open(world).await, open(world).await);
        let key = Uuid::now_v7();
        let submit = |at: usize| {
            let store = if at.is_multiple_of(2) { &here } else { &there };
            let mut set = submission(morning());
            set.idempotency = Some(claim(key, "same"));
            async move {
                match store.commit(set).await.unwrap() {
                    Commit::Committed(sealed) => sealed.answer.unwrap(),
                    Commit::Replayed { answer } => answer,
                    other => panic!("{other:?}"),
                }
            }
        };
        let answers = join_all((0..50).map(submit)).await;
        assert!(answers.iter().all(|answer| *answer == answers[0] && !answer.is_empty()));
        let beside = world.database().await;
        for table in ["cases", "idempotency", "receipt", "ledger_head", "change"] {
            assert_eq!(count(&beside, table).await, 1, "{table}");
        }
    }
);

story!(
    /// P5.
    a_key_used_for_something_else_is_a_mismatch_and_keys_belong_to_their_owner,
    async |world| {
        let store = open(world).await;
        let key = Uuid::now_v7();
        let with = |content: &str, principal: &str| {
            let mut set = submission(morning());
            let mut claim = claim(key, content);
            claim.principal = principal.to_owned();
            set.idempotency = Some(claim);
            set
        };
        stored(&store, with("one", "a")).await;
        assert!(matches!(store.commit(with("two", "a")).await.unwrap(), Commit::Mismatch));
        stored(&store, with("two", "b")).await;
        let record = store
            .look_up("a", onedoor_domain::idempotency::IdempotencyKey::from_uuid(key))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(record.act, "submitCase");
        assert!(record.answer.is_some() && record.case.is_some());
        assert_eq!(count(&world.database().await, "cases").await, 2);
    }
);

story!(
    of_two_acts_on_the_same_state_one_is_stale_and_leaves_no_key,
    async |world| {
        let store = open(world).await;
        let case = stored(&store, submission(morning())).await.case.id;
        let accept = || Command::Accept {
            advance: false,
            owed: Vec::new(),
        };
        let (one, two) = (load(&store, case).await, load(&store, case).await);
        let mut second = act(two, ActorKind::Clerk, TOWNSHIP, &accept(), morning());
        second.idempotency = Some(claim(Uuid::now_v7(), "late"));
        stored(&store, act(one, ActorKind::Clerk, TOWNSHIP, &accept(), morning())).await;
        assert!(matches!(store.commit(second).await.unwrap(), Commit::Stale));
        assert_eq!(count(&world.database().await, "idempotency").await, 1);
        assert_whole(&store, case).await;
    }
);

story!(
    /// P18.
    forty_eight_writers_on_one_case_leave_one_chain_without_gap_or_fork,
    async |world| {
        let store = open(world).await;
        let case = stored(&store, submission(morning())).await.case.id;
        let write = |number: usize| {
            let store = &store;
            async move {
                for _ in 0..400 {
                    let loaded = load(store, case).await;
                    let event = NewEvent {
                        event: Event::NumberGiven {
                            upstream: format!("system-{number}"),
                            number: format!("n-{number}"),
                        },
                        at: morning(),
                        by: By::from(&actor(ActorKind::Upstream, STATION)),
                        private: None,
                    };
                    let mut after = loaded.case.clone();
                    apply(&mut after, &event);
                    let change = CaseChange { before: Some(loaded), after, events: vec![event] };
                    match store.commit(WriteSet::of(morning(), change)).await.unwrap() {
                        Commit::Committed(_) => return,
                        Commit::Stale => {}
                        other => panic!("{other:?}"),
                    }
                }
                panic!("never got through");
            }
        };
        join_all((0..48).map(write)).await;
        let loaded = load(&store, case).await;
        assert_eq!((loaded.revision, loaded.case.external_numbers.len()), (49, 48));
        assert_whole(&store, case).await;
        let found = store.find_by_external_number("system-7", "n-7").await.unwrap();
        assert_eq!(found, Some(case));
        assert_eq!(store.find_by_external_number("system-7", "n-8").await.unwrap(), None);
    }
);

story!(
    a_number_that_another_case_has_in_that_system_is_refused_whole,
    async |world| {
        let store = open(world).await;
        let give = |loaded: onedoor::store::case::Loaded| {
            let event = NewEvent {
                event: Event::NumberGiven {
                    upstream: "county-hr".to_owned(),
                    number: "HR-1".to_owned(),
                },
                at: morning(),
                by: By::from(&actor(ActorKind::Upstream, STATION)),
                private: None,
            };
            let mut after = loaded.case.clone();
            apply(&mut after, &event);
            WriteSet::of(
                morning(),
                CaseChange {
                    before: Some(loaded),
                    after,
                    events: vec![event],
                },
            )
        };
        let mut revisions = Vec::new();
        for _ in 0..2 {
            let case = stored(&store, submission(morning())).await.case.id;
            let given = store.commit(give(load(&store, case).await)).await.unwrap();
            revisions.push((
                matches!(given, Commit::NumberTaken),
                load(&store, case).await.revision,
            ));
        }
        assert_eq!(revisions, [(false, 2), (true, 1)]);
    }
);

story!(
    /// DOMAIN §5.
    ledger_and_receipts_cannot_be_changed_or_removed,
    async |world| {
        let store = open(world).await;
        stored(&store, submission(morning())).await;
        let beside = world.database().await;
        for sql in [
            "update ledger_event set name = 'X'",
            "update ledger_event set payload = payload",
            "delete from ledger_event",
            "update receipt set kind = 'X'",
            "delete from receipt",
        ] {
            let refused = beside.execute_unprepared(sql).await.unwrap_err().to_string();
            assert!(refused.contains("append-only"), "{sql}: {refused}");
        }
    }
);

story!(a_lone_submission_takes_few_statements, async |world| {
    let store = open(world).await;
    let mut set = submission(morning());
    let handoff = set.case.after.handoffs[0].id;
    set.deliveries.push(delivery(handoff, "county-hr"));
    let before = store.database().statements();
    stored(&store, set).await;
    let ran = store.database().statements() - before;
    assert!(ran <= 13, "{ran} statements beside begin and commit");
});
