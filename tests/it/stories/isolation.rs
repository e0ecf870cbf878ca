//! A slow or dead upstream slows nobody else (P10).

use std::sync::Arc;
use std::time::Duration;

use onedoor::upstream::config::UpstreamConfig;
use serde_json::json;

use super::kit::{CIVIL_AFFAIRS, County, STATION, TOWNSHIP, funeral, offered_to_county, submit};
use crate::harness::people::NEIGHBOUR;
use crate::harness::story::story;
use crate::upstreams::fixture::Department;

/// A second department, bound to the county's civil affairs.
fn civil_affairs(department: &Department) -> UpstreamConfig {
    let mut config = UpstreamConfig::sandbox(&department.url("")).unwrap();
    config.name = "civil".parse().unwrap();
    config.roles = vec!["county.civil-affairs".to_owned()];
    config
}

story!(a_black_hole_delays_no_other_upstream, async |world| {
    let county = County::open().await;
    let clock = county.clock.clone();
    let healthy = Department::open_with(|settings| settings.clock = Arc::new(clock)).await;
    healthy.told(json!({ "mode": "decide-when-told" })).await;
    let mut hole = county.upstream();
    hole.timeout = Duration::from_secs(20);
    let app = county
        .gateway_with(world, &[], vec![hole, civil_affairs(&healthy)])
        .await;
    county.department.told(json!({ "mode": "hang" })).await;
    let mut swallowed = Vec::new();
    for _ in 0..3 {
        swallowed.push(offered_to_county(&app).await);
    }
    county.department.heard(1).await;
    for _ in 0..3 {
        let case = submit(&app.kiosk(STATION), funeral(&NEIGHBOUR)).await;
        case.done(&app.clerk(TOWNSHIP), "acceptCase", json!({ "advance": true }))
            .await;
        let taken = case
            .comes_to(&app.clerk(TOWNSHIP), "the healthy one has it", |case| {
                case["owner"]["code"] == CIVIL_AFFAIRS
            })
            .await;
        assert_eq!(taken["status"], "IN_REVIEW");
    }
    // all of it within the first attempt at the hole: none has ended, none was begun again
    let first = swallowed[0].deliveries(&app).await;
    assert_eq!(
        (&first[0]["state"], &first[0]["attempts"]),
        (&json!("SENDING"), &json!(1))
    );
    // whoever hung up on the hole is free
    county.department.close().await;
    app.stop_with_deliveries_waiting().await;
    healthy.close().await;
});
