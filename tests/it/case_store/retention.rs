//! What time removes from the outbox and the inbox, and what it never does.

use std::collections::BTreeSet;
use std::time::Duration as Wait;

use chrono::Duration;
use onedoor::store::case::CaseStore;
use onedoor::store::inbox::{NoticeKey, Received};
use onedoor::store::outbox::{ClaimRequest, DeliveryResult, Tried, Tries};
use onedoor::store::retention::{Keeping, Removed};
use onedoor::store::write_set::InboxMark;
use onedoor_domain::delivery::{DeliveryState, NoticeState};
use onedoor_domain::id::CaseId;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, Statement};
use serde_json::json;

use super::fixture::{count, delivery, morning, open, stored, submission};
use crate::harness::story::story;

/// What the stories keep; the shortest time allowed wins over less.
const KEEP: Keeping = Keeping {
    idempotency: Duration::days(30),
    exchanges: Duration::days(90),
};

async fn after(store: &CaseStore, days: i64, keep: Keeping) -> Removed {
    store
        .remove_expired(morning() + Duration::days(days), keep)
        .await
        .unwrap()
}

/// A case with one delivery in every state, each to a system of the state's name.
async fn case_with_all_states(store: &CaseStore) -> CaseId {
    let mut set = submission(morning());
    let handoff = set.case.after.handoffs[0].id;
    set.deliveries = DeliveryState::ALL
        .iter()
        .map(|state| delivery(handoff, &format!("{state:?}")))
        .collect();
    let case = stored(store, set).await.case.id;
    let request = ClaimRequest {
        upstream: None,
        except: &["Sending".to_owned()],
        now: morning(),
        lease: Wait::from_secs(60),
        max: 100,
        tried: Tried::Either,
    };
    for claimed in store.claim_deliveries(&request).await.unwrap() {
        assert!(store.start_attempt(&claimed, morning()).await.unwrap());
        let state = DeliveryState::ALL
            .into_iter()
            .find(|state| format!("{state:?}") == claimed.upstream);
        let result = DeliveryResult {
            delivery: claimed.id,
            fence: claimed.fence,
            attempt: Some(claimed.attempt),
            outcome: "TOLD".to_owned(),
            evidence: None,
            state: state.unwrap(),
            reason: None,
            next_attempt_at: Some(morning() + Duration::days(1_000)),
            tries: Tries::Spend,
            in_doubt: false,
        };
        assert!(store.finish_delivery(&result, morning()).await.unwrap());
    }
    let sending = ClaimRequest {
        except: &[],
        lease: Wait::from_secs(86_400 * 1_000),
        ..request
    };
    assert_eq!(store.claim_deliveries(&sending).await.unwrap().len(), 1);
    case
}

/// Systems whose deliveries of a case are still there.
async fn left(beside: &DatabaseConnection, case: CaseId) -> BTreeSet<String> {
    let sql = "select upstream from delivery where case_id = $1";
    let statement = Statement::from_sql_and_values(beside.get_database_backend(), sql, [case.uuid().into()]);
    let rows = beside.query_all_raw(statement).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

story!(
    only_finished_deliveries_of_closed_cases_are_removed,
    async |world| {
        let store = open(world).await;
        let (under_way, closed) = (
            case_with_all_states(&store).await,
            case_with_all_states(&store).await,
        );
        let beside = world.database().await;
        let close = "update cases set owner_id = null where id = $1";
        let values = [closed.uuid().into()];
        let close = Statement::from_sql_and_values(beside.get_database_backend(), close, values);
        beside.execute_raw(close).await.unwrap();

        assert_eq!(after(&store, 89, KEEP).await.deliveries, 0, "not yet");
        let attempts = count(&beside, "delivery_attempt").await;
        assert_eq!(after(&store, 91, KEEP).await.deliveries, 3);
        let all: BTreeSet<String> = DeliveryState::ALL
            .iter()
            .map(|state| format!("{state:?}"))
            .collect();
        assert_eq!(left(&beside, under_way).await, all, "of an open case nothing");
        let open = ["Pending", "Sending", "Held", "Uncertain", "Dead", "ToBeTold"].map(str::to_owned);
        assert_eq!(
            left(&beside, closed).await,
            BTreeSet::from(open),
            "nothing that waits, is in doubt or was given up"
        );
        assert_eq!(count(&beside, "delivery_attempt").await, attempts - 3);
        assert!(after(&store, 91, KEEP).await.is_nothing());
        beside.close().await.unwrap();
    }
);

story!(
    a_notice_is_known_again_for_as_long_as_it_may_be_repeated,
    async |world| {
        let store = open(world).await;
        let key = |event: &str| NoticeKey {
            upstream: "county-hr".to_owned(),
            event_id: event.to_owned(),
        };
        for event in ["applied", "kept", "waits"] {
            let received = store.receive_notice(&key(event), &json!([]), morning()).await;
            assert_eq!(received.unwrap(), Received::New);
        }
        for (event, state) in [("applied", NoticeState::Applied), ("kept", NoticeState::Kept)] {
            let mark = InboxMark {
                notice: key(event),
                state,
            };
            assert!(store.settle_notice(&mark, morning()).await.unwrap());
        }
        let hasty = Keeping {
            exchanges: Duration::days(1),
            ..KEEP
        };
        assert_eq!(after(&store, 29, hasty).await.notices, 0, "30 days at least");
        let again = store.receive_notice(&key("applied"), &json!([]), morning()).await;
        assert_eq!(again.unwrap(), Received::Duplicate(NoticeState::Applied));
        assert_eq!(after(&store, 91, KEEP).await.notices, 2);
        let pending = store.pending_notices(10).await.unwrap();
        assert_eq!(pending.len(), 1, "what waits for its case stays");
        assert_eq!(pending[0].key, key("waits"));
    }
);

story!(what_piled_up_is_removed_in_batches_and_all_of_it, async |world| {
    let store = open(world).await;
    let key = NoticeKey {
        upstream: "county-hr".to_owned(),
        event_id: "waits".to_owned(),
    };
    store.receive_notice(&key, &json!([]), morning()).await.unwrap();
    let beside = world.database().await;
    let pile = format!(
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < 1201) \
         insert into inbox (upstream, event_id, state, facts, received_at, settled_at) \
         select 'county-hr', 'event-' || i, 'KEPT', (select facts from inbox where event_id = 'waits'), \
         {at} + i, {at} + i from n",
        at = morning().timestamp_micros()
    );
    beside.execute_unprepared(&pile).await.unwrap();
    assert_eq!(after(&store, 91, KEEP).await.notices, 1_201);
    assert_eq!(count(&beside, "inbox").await, 1);
    beside.close().await.unwrap();
});
