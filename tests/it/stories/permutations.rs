//! P12: whatever order a history comes in, the case ends where it would have ended in order, and never goes back.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::kit::{Case, County, TOWNSHIP, count, events, offered_to_county};
use super::notices::Report;
use crate::harness::app::TestApp;
use crate::harness::gql::Gql;
use crate::harness::story::story;

/// What the department tells of a case, in its own order.
const HISTORY: [&str; 5] = [
    "RECEIVED",
    "SPECIAL_BEGUN",
    "SPECIAL_ENDED",
    "DECIDED",
    "COMPLETED",
];
/// Cases on their way at once.
const AT_ONCE: usize = 12;

/// All orders of five.
fn orders() -> Vec<Vec<usize>> {
    let mut orders = vec![Vec::new()];
    for _ in 0..HISTORY.len() {
        orders = orders
            .into_iter()
            .flat_map(|order: Vec<usize>| {
                (0..HISTORY.len())
                    .filter(|next| !order.contains(next))
                    .map(|next| [order.as_slice(), &[next]].concat())
                    .collect::<Vec<_>>()
            })
            .collect();
    }
    orders
}

fn report(app: &TestApp, case: &Case, number: &str, index: usize) -> Report {
    let (kind, seq) = (HISTORY[index], index as u64 + 1);
    match kind {
        "DECIDED" => Report::decided(app, case, number, seq, "APPROVED"),
        _ => Report::of(app, case, number, seq, kind),
    }
}

/// Where a case stands, whatever was kept on the way. A special procedure whose beginning came after the decision was
/// never begun here, and has no paper of its own.
fn standing(case: &Value) -> Value {
    let handoffs: Vec<&Value> = case["handoffs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["state"])
        .collect();
    json!({
        "status": case["status"], "decision": case["decision"], "decidedAt": case["decidedAt"],
        "completedAt": case["completedAt"], "owner": case["owner"], "handoffs": handoffs,
        "nextStep": case["nextStep"], "dueAt": case["dueAt"],
        "decided": count(case, "DECIDED"), "completed": count(case, "COMPLETED"),
    })
}

/// The little that is looked at after each notice.
async fn glance(case: &Case, clerk: &Gql) -> Value {
    let document = "query($id: ID!) { case(by: { id: $id }) { status decision timeline { event } } }";
    clerk.data(document, json!({ "id": case.id })).await["case"].clone()
}

/// Tells a whole history in an order, looking after each notice; gives the case at the end.
async fn told_in(order: &[usize], app: &TestApp, clerk: &Gql, case: &Case) -> Value {
    let taken = case.taken_over(clerk).await;
    let number = taken["externalNumbers"][0]["number"].as_str().unwrap().to_owned();
    let mut last = taken;
    for &index in order {
        let status = report(app, case, &number, index).told(app).await;
        assert_eq!(status / 100, 2, "{order:?}");
        let seen = glance(case, clerk).await;
        let settled = |case: &Value| case["decision"] != Value::Null;
        assert!(
            !settled(&last) || settled(&seen),
            "{order:?}: the decision is gone"
        );
        if settled(&last) {
            assert_eq!(seen["status"], "COMPLETED", "{order:?}: back from COMPLETED");
        }
        assert!(count(&seen, "SPECIAL_BEGUN") <= 1, "{order:?}: begun again");
        for once in ["DECIDED", "COMPLETED"] {
            assert!(count(&seen, once) <= 1, "{order:?}: {once} twice");
        }
        assert!(
            events(&seen).starts_with(&events(&last)),
            "{order:?}: the ledger only grows"
        );
        last = seen;
    }
    case.seen_by(clerk).await
}

story!(
    in_all_orders_of_five_notices_the_case_ends_the_same,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        county.department.told(json!({ "mode": "callback-never" })).await;
        let clerk = app.clerk(TOWNSHIP);
        let orders = orders();
        assert_eq!(orders.len(), 120);
        let mut in_order = None;
        for batch in orders.chunks(AT_ONCE) {
            let cases = join_all(batch.iter().map(|_| offered_to_county(&app))).await;
            let told = batch
                .iter()
                .zip(&cases)
                .map(|(order, case)| told_in(order, &app, &clerk, case));
            for (order, seen) in batch.iter().zip(join_all(told).await) {
                let stands = standing(&seen);
                // the first order is the department's own
                let expected = in_order.get_or_insert_with(|| stands.clone());
                assert_eq!(&stands, expected, "{order:?}");
            }
        }
        let expected = in_order.unwrap();
        assert_eq!(
            (&expected["status"], &expected["decision"]),
            (&json!("COMPLETED"), &json!("GRANTED"))
        );
        app.stop(world).await;
    }
);
