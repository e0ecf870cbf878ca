//! Deliveries to one upstream system beside each other: what hangs costs a place and delays nothing else (P10).

use std::time::Duration;

use onedoor::upstream::config::UpstreamConfig;
use serde_json::json;

use super::kit::{County, offered_to_county};
use crate::harness::story::story;

/// Longer than any pause between two attempts.
const LONGEST_PAUSE_S: i64 = 301;

/// The county's system with a timeout that others could not overlook.
fn patient(county: &County) -> UpstreamConfig {
    let mut config = county.upstream();
    config.timeout = Duration::from_secs(8);
    config
}

story!(
    a_delivery_that_hangs_delays_no_other_to_the_same_system,
    async |world| {
        let county = County::open().await;
        let app = county.gateway_with(world, &[], vec![patient(&county)]).await;
        county
            .department
            .told(json!({ "mode": "hang", "times": 1 }))
            .await;
        let hanging = offered_to_county(&app).await;
        county.department.heard(1).await;
        for _ in 0..2 {
            let case = offered_to_county(&app).await;
            case.delivery_becomes(&app, "DELIVERED", 1).await;
        }
        assert_eq!(
            hanging.deliveries(&app).await[0]["state"],
            "SENDING",
            "the two arrived while the first still hangs"
        );
        hanging.delivery_becomes(&app, "PENDING", 1).await;
        county.seconds_later(LONGEST_PAUSE_S);
        hanging.delivery_becomes(&app, "DELIVERED", 2).await;
        app.stop(world).await;
    }
);

story!(
    a_system_is_asked_for_no_more_at_once_than_it_takes_and_for_the_next_when_a_place_is_free,
    async |world| {
        let county = County::open().await;
        let mut config = county.upstream();
        config.concurrency_max = 2;
        let app = county.gateway_with(world, &[], vec![config]).await;
        county
            .department
            .told(json!({ "mode": "hang", "times": 2 }))
            .await;
        let mut cases = Vec::new();
        for _ in 0..4 {
            cases.push(offered_to_county(&app).await);
        }
        county.department.heard(3).await;
        let mut hung = 0;
        for case in &cases[..2] {
            let state = case.deliveries(&app).await[0]["state"].clone();
            hung += usize::from(state == "SENDING");
        }
        assert!(hung < 2, "the third came before a place was free");
        for case in &cases[2..] {
            case.delivery_becomes(&app, "DELIVERED", 1).await;
        }
        for case in &cases[..2] {
            case.delivery_becomes(&app, "PENDING", 1).await;
        }
        county.seconds_later(LONGEST_PAUSE_S);
        for case in &cases[..2] {
            case.delivery_becomes(&app, "DELIVERED", 2).await;
        }
        app.stop(world).await;
    }
);

story!(a_stop_waits_for_what_is_under_way, async |world| {
    let county = County::open().await;
    let app = county.gateway_with(world, &[], vec![patient(&county)]).await;
    let slow = json!({ "mode": "slow", "delay_ms": 1_500, "times": 1 });
    county.department.told(slow).await;
    let case = offered_to_county(&app).await;
    county.department.heard(1).await;
    app.stop_with_deliveries_waiting().await;

    let next = county.gateway(world).await;
    let delivery = case.deliveries(&next).await.remove(0);
    assert_eq!(
        (&delivery["state"], &delivery["attempts"]),
        (&json!("DELIVERED"), &json!(1)),
        "its answer was heard and stored before the end"
    );
    assert_eq!(county.department.requests().await.len(), 1);
    next.stop(world).await;
});
