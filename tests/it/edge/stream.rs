//! Subscriptions over server-sent events.

use std::collections::BTreeMap;

use futures_util::StreamExt as _;
use onedoor::worker::supervise::spawn;
use serde_json::json;

use super::kit::{Reply, TestEdge};
use crate::harness::wait::{PATIENCE, until};

async fn events(edge: &TestEdge, query: &str) -> Reply {
    let body = json!({ "query": query }).to_string();
    let request = edge
        .http
        .post(&edge.url)
        .header("content-type", "application/json");
    edge.send(
        request
            .header("accept", "text/event-stream")
            .bearer_auth("clerk")
            .body(body),
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_is_a_stream_of_next_and_one_complete() {
    let edge = TestEdge::start().await;
    let reply = events(&edge, "subscription { countdown(from: 2) }").await;
    assert_eq!(reply.header("content-type"), "text/event-stream; charset=utf-8");
    let expected = ":\n\nevent: next\ndata: {\"data\":{\"countdown\":1}}\n\nevent: next\ndata: {\"data\":{\"countdown\":0}}\n\nevent: complete\ndata:\n\n";
    assert_eq!(reply.text, expected);
    let reply = events(&edge, "mutation { bump }").await;
    assert!(reply.text.contains("{\"data\":{\"bump\":1}}"));
    let get = edge
        .http
        .get(format!("{}?query=subscription+%7Bcountdown(from:1)%7D", edge.url));
    assert!(
        edge.send(get.header("accept", "text/event-stream"))
            .await
            .text
            .contains("\"countdown\":0")
    );
    let get = edge.http.get(format!("{}?query=mutation+%7Bbump%7D", edge.url));
    assert_eq!(
        edge.send(get.header("accept", "text/event-stream")).await.status,
        405
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_graphql_refuses_is_an_event_and_what_the_transport_refuses_a_status() {
    let edge = TestEdge::start().await;
    let reply = events(&edge, "subscription { nothing }").await;
    assert_eq!(reply.status, 200);
    assert!(
        reply.text.contains("GRAPHQL_VALIDATION_FAILED")
            && reply.text.ends_with("event: complete\ndata:\n\n")
    );
    let body = r#"{"query":"subscription { silence }"}"#;
    let request = edge
        .http
        .post(&edge.url)
        .header("content-type", "application/json")
        .body(body);
    let reply = edge
        .send(
            request
                .header("accept", "text/event-stream")
                .bearer_auth("nobody"),
        )
        .await;
    assert_eq!((reply.status, reply.code()), (401, "UNAUTHENTICATED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_its_token_with_its_client_and_with_the_server() {
    let edge = TestEdge::with(|config| {
        config.websocket.ping_interval_ms = 100;
        config.websocket.sockets_per_principal_max = 1;
    })
    .await;
    let body = r#"{"query":"subscription { silence }"}"#;
    let open = |token: &'static str| {
        let request = edge
            .http
            .post(&edge.url)
            .header("content-type", "application/json")
            .body(body);
        request.header("accept", "text/event-stream").bearer_auth(token)
    };
    let brief = edge.send(open("brief")).await;
    assert!(
        !brief.text.contains("complete"),
        "a stream that was cut does not say that it is complete"
    );
    let held = open("clerk").send().await.unwrap();
    assert_eq!(edge.send(open("clerk")).await.status, 429);
    drop(held);
    until("the stream to be given back", PATIENCE, async || {
        open("clerk").send().await.unwrap().status() == 200
    })
    .await;
    let held = open("citizen").send().await.unwrap();
    let reading = spawn("aside", held.bytes_stream().count());
    assert!(edge.server.stop().await);
    assert!(reading.await.unwrap() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_is_counted_once_whichever_way_it_came() {
    let edge = TestEdge::with(|config| {
        config.websocket.sockets_per_principal_max = 1;
        config.limits.fields_per_minute_anonymous = 1;
    })
    .await;
    let ask = |accept: &'static str, token: Option<&'static str>, query: &str| {
        let request = edge
            .http
            .post(&edge.url)
            .header("content-type", "application/json");
        let request = request
            .header("accept", accept)
            .body(json!({ "query": query }).to_string());
        token.map_or_else(
            || request.try_clone().unwrap(),
            |token| request.try_clone().unwrap().bearer_auth(token),
        )
    };
    let mut expected = BTreeMap::new();
    let mut counted = |reply: &Reply, status: u16, reason: &str| {
        assert_eq!(reply.status, status, "{reason}: {}", reply.text);
        assert_eq!(
            reply.header("content-type").starts_with("text/event-stream"),
            status == 200,
            "{reason}"
        );
        *expected.entry(reason.to_owned()).or_default() += 1;
        assert_eq!(rejections(&edge), expected, "after {reason}");
    };
    let (json_, events) = ("application/graphql-response+json", "text/event-stream");
    assert_eq!(edge.ask_anonymously("{ hello }").await.status, 200);
    for accept in [json_, events] {
        let limited = edge.send(ask(accept, None, "{ hello }")).await;
        counted(&limited, 429, "rate");
        counted(
            &edge.send(ask(accept, Some("nobody"), "{ hello }")).await,
            401,
            "UNAUTHENTICATED",
        );
    }
    counted(
        &edge.send(ask(events, Some("clerk"), "{ nothing }")).await,
        200,
        "validation",
    );
    let get = edge
        .http
        .get(format!("{}?query=mutation+%7Bbump%7D", edge.url))
        .header("accept", events);
    counted(&edge.send(get.bearer_auth("clerk")).await, 405, "method");
    counted(
        &edge.send(edge.http.put(&edge.url)).await,
        405,
        "METHOD_NOT_ALLOWED",
    );
    let held = ask(events, Some("clerk"), "subscription { silence }")
        .send()
        .await
        .unwrap();
    let one_too_many = edge
        .send(ask(events, Some("clerk"), "subscription { silence }"))
        .await;
    counted(&one_too_many, 429, "sockets");
    drop(held);
}

/// Requests turned away so far, by reason.
fn rejections(edge: &TestEdge) -> BTreeMap<String, u32> {
    let of = |line: &str| {
        let (reason, count) = line
            .strip_prefix("onedoor_rejections_total{reason=\"")?
            .split_once("\"} ")?;
        Some((reason.to_owned(), count.parse().ok()?))
    };
    edge.metrics.text().unwrap().lines().filter_map(of).collect()
}
