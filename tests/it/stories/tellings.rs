//! What comes after a handoff reaches the system that took the case over: papers that came later, and that it is to stop;
//! in order, once, and by a person where the system cannot be told.

use onedoor::upstream::config::Idempotency;
use serde_json::{Value, json};

use super::kit::{
    COUNTY, Case, County, TOWNSHIP, act, bring, events, handoff, offered_to_county,
    offered_with_a_paper_owed, withdraw,
};
use crate::harness::app::TestApp;
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, eventually, until};
use crate::upstreams::fixture::Department;

/// The application of a case at the department.
async fn at_the_department(department: &Department, case: &Case) -> Value {
    let all = department.applications().await;
    let of_case = all.iter().find(|one| one["our_ref"] == case.reference());
    of_case.cloned().unwrap_or(Value::Null)
}

/// The requests about a case, by what the department did with them.
async fn did(department: &Department, case: &Case) -> Vec<String> {
    let number = at_the_department(department, case).await["serial_no"].clone();
    department
        .requests()
        .await
        .iter()
        .filter(|one| {
            one["our_ref"] == case.reference() || (number.is_string() && one["serial_no"] == number)
        })
        .map(|one| one["did"].as_str().unwrap().to_owned())
        .collect()
}

/// Waits until a delivery of the case of this operation is in a state; PENDING after an attempt.
async fn delivery_is(app: &TestApp, case: &Case, operation: &str, state: &str) -> Value {
    eventually(&format!("{operation} is {state}"), PATIENCE, async || {
        let all = case.deliveries(app).await;
        all.into_iter()
            .find(|one| one["operation"] == operation && one["state"] == state)
            .filter(|one| state != "PENDING" || one["attempts"] != 0)
    })
    .await
}

story!(
    papers_that_come_later_reach_the_system_that_holds_the_case,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        app.expect_error("on purpose");
        let case = offered_with_a_paper_owed(&app).await;
        case.taken_over(&app.clerk(TOWNSHIP)).await;
        // the answer is lost: the same key brings the same papers once
        county
            .department
            .told(json!({ "mode": "accept-then-reset", "times": 1 }))
            .await;
        bring(&app, &case).await;
        delivery_is(&app, &case, "SUPPLEMENT", "PENDING").await;
        county.seconds_later(301);
        delivery_is(&app, &case, "SUPPLEMENT", "DELIVERED").await;
        let application = at_the_department(&county.department, &case).await;
        assert_eq!(application["supplements"], json!(["bankc"]));
        assert_eq!(
            did(&county.department, &case).await,
            ["accepted", "supplemented", "repeated"]
        );
        let seen = case.seen_by(&app.clerk(TOWNSHIP)).await;
        assert!(events(&seen).contains(&"UPSTREAM_TOLD".to_owned()));
        app.stop(world).await;
    }
);

story!(
    what_is_withdrawn_is_stopped_where_it_was_taken_over,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let township = app.clerk(TOWNSHIP);
        let withdrawn = offered_to_county(&app).await;
        withdrawn.taken_over(&township).await;
        withdraw(&app, &withdrawn).await;
        let voided = offered_to_county(&app).await;
        voided.taken_over(&township).await;
        voided
            .done(
                &app.supervisor(COUNTY),
                "voidCase",
                json!({ "reason": "重复申请" }),
            )
            .await;
        for (case, cause) in [(&withdrawn, "WITHDRAWN"), (&voided, "VOIDED")] {
            delivery_is(&app, case, "WITHDRAW", "DELIVERED").await;
            let application = at_the_department(&county.department, case).await;
            assert_eq!(application["state"], "WITHDRAWN");
            assert_eq!(application["stopped_for"], cause);
            let seen = case.seen_by(&township).await;
            assert_eq!(events(&seen).last().map(String::as_str), Some("UPSTREAM_TOLD"));
        }
        app.stop(world).await;
    }
);

story!(a_withdrawal_waits_for_the_handoff_it_follows, async |world| {
    let county = County::open().await;
    let app = county.gateway(world).await;
    app.expect_error("on purpose");
    county.department.told(json!({ "mode": "callback-never" })).await;
    // its answer is lost: nobody knows whether the department has the case
    let lost = json!({ "mode": "accept-then-hang", "times": 1 });
    county.department.told(lost).await;
    let case = offered_to_county(&app).await;
    case.delivery_becomes(&app, "PENDING", 1).await;
    withdraw(&app, &case).await;
    county.seconds_later(301);
    delivery_is(&app, &case, "WITHDRAW", "DELIVERED").await;
    assert_eq!(
        did(&county.department, &case).await,
        ["accepted", "answered", "withdrew"],
        "asked first, not sent again, then stopped"
    );
    // one that surely never left is not told of
    let busy = json!({ "mode": "answer", "status": 429, "retry_after_s": 900, "times": 1 });
    county.department.told(busy).await;
    let unsent = offered_to_county(&app).await;
    unsent.delivery_becomes(&app, "PENDING", 1).await;
    withdraw(&app, &unsent).await;
    delivery_is(&app, &unsent, "SUBMIT", "CANCELLED").await;
    delivery_is(&app, &unsent, "WITHDRAW", "CANCELLED").await;
    assert_eq!(did(&county.department, &unsent).await, ["nothing"]);
    app.stop(world).await;
});

story!(a_recalled_handoff_that_had_arrived_is_stopped, async |world| {
    let county = County::open().await;
    let app = county.gateway(world).await;
    app.expect_error("on purpose");
    county.department.told(json!({ "mode": "callback-never" })).await;
    county
        .department
        .told(json!({ "mode": "accept-then-hang", "times": 1 }))
        .await;
    let case = offered_to_county(&app).await;
    case.delivery_becomes(&app, "PENDING", 1).await;
    let township = app.clerk(TOWNSHIP);
    let sent = handoff(&case.seen_by(&township).await, |one| one["state"] == "SENT");
    let recall = case.input(&sent["version"], json!({ "handoff": sent["id"] }));
    let recalled = act(&township, "recallHandoff", recall).await;
    assert_eq!(recalled["userErrors"], json!([]));
    county.seconds_later(301);
    delivery_is(&app, &case, "WITHDRAW", "DELIVERED").await;
    let application = at_the_department(&county.department, &case).await;
    assert_eq!(application["stopped_for"], "RECALLED");
    assert_eq!(application["effects"], 1, "not sent again");
    let seen = case.seen_by(&township).await;
    assert_eq!(seen["owner"]["code"], TOWNSHIP, "never past the recall");
    app.stop(world).await;
});

story!(
    a_system_that_cannot_be_asked_leaves_a_lost_withdrawal_no_doubt,
    async |world| {
        let county = County::open().await;
        let mut config = county.upstream();
        config.idempotency = Idempotency::None;
        let app = county.gateway_with(world, &[], vec![config]).await;
        app.expect_error("on purpose");
        let case = offered_to_county(&app).await;
        case.taken_over(&app.clerk(TOWNSHIP)).await;
        county
            .department
            .told(json!({ "mode": "accept-then-reset", "times": 1 }))
            .await;
        withdraw(&app, &case).await;
        delivery_is(&app, &case, "WITHDRAW", "PENDING").await;
        county.seconds_later(301);
        delivery_is(&app, &case, "WITHDRAW", "DELIVERED").await;
        until("it was told twice, which is once", PATIENCE, async || {
            did(&county.department, &case).await == ["accepted", "withdrew", "withdrew"]
        })
        .await;
        app.stop(world).await;
    }
);
