//! What an answer says of itself for later proof stays with the attempt, and whoever may see deliveries reads it.

use serde_json::json;

use super::kit::{County, TOWNSHIP, offered_to_county};
use crate::harness::story::story;
use crate::upstreams::fixture::described_as;
use crate::upstreams::raw::{Play, RawServer};

const REQUEST_ID: &str = "f92591a3-6bf0-49b1-987b-0dd78c034cc3";

story!(the_proof_of_an_exchange_stays_with_the_attempt, async |world| {
    let county = County::open().await;
    let taken = std::fs::read("tests/upstreams/x_road/taken.answer.http").unwrap();
    let security_server = RawServer::playing(Play::Bytes(taken)).await;
    let text = std::fs::read_to_string("config/upstreams/x-road.toml").unwrap();
    let mut config = described_as(&text, &security_server.url());
    config.roles = county.upstream().roles;
    let app = county.gateway_with(world, &[], vec![config]).await;

    let case = offered_to_county(&app).await;
    let delivered = case.delivery_becomes(&app, "DELIVERED", 1).await;

    let sent = security_server.received(1).await.remove(0);
    assert_eq!(sent.header("x-road-issue"), Some(case.reference().as_str()));
    let attempts = &delivered["lastAttempts"];
    assert_eq!(attempts[0]["outcome"], "ACCEPTED", "{attempts}");
    let evidence = attempts[0]["evidence"].as_str().unwrap();
    assert!(evidence.starts_with(&format!("x-road-request-id: {REQUEST_ID}; x-road-request-hash: ")));
    assert!(attempts[0]["finishedAt"].is_string(), "{attempts}");
    let document = "query($case: ID!) { deliveries(filter: { case: $case }) {
            nodes { lastAttempts { number evidence } } } }";
    let clerk = app
        .clerk(TOWNSHIP)
        .data(document, json!({ "case": case.id }))
        .await;
    assert_eq!(
        clerk["deliveries"]["nodes"][0]["lastAttempts"],
        json!([{ "number": 1, "evidence": evidence }])
    );
    app.stop(world).await;
});
