//! Whatever may touch the database runs, and is put down, in the process's runtime, by whichever way it came.

use std::sync::atomic::Ordering;

use serde_json::json;

use super::kit::TestEdge;
use super::socket::Client;
use crate::harness::wait::{PATIENCE, until};

async fn all_were_cut_at_home(edge: &TestEdge, count: u32) {
    let probe = &edge.probe;
    until("everything to be put down", PATIENCE, async || {
        let elsewhere = probe.cut_elsewhere.load(Ordering::SeqCst);
        assert_eq!(elsewhere, 0, "put down in a worker's own runtime");
        probe.cut_at_home.load(Ordering::SeqCst) == count
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_runs_at_home() {
    let edge = TestEdge::start().await;
    for operation in ["query", "mutation"] {
        let reply = edge.ask(&format!("{operation} {{ atHome }}")).await;
        assert_eq!(reply.json["data"]["atHome"], true, "{operation}: {}", reply.text);
    }
    let got = edge
        .send(edge.get("query=%7B+atHome+%7D").bearer_auth("clerk"))
        .await;
    assert_eq!(got.json["data"]["atHome"], true, "{}", got.text);
    let mut client = Client::admitted(&edge, "clerk").await;
    for operation in ["query", "subscription"] {
        client
            .subscribe(operation, &format!("{operation} {{ atHome }}"))
            .await;
        let heard = client.hear().await;
        assert_eq!(heard["payload"]["data"]["atHome"], true, "{heard}");
        if operation == "query" {
            assert_eq!(client.hear().await["type"], "complete");
        }
    }
    drop(client);
    all_were_cut_at_home(&edge, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_cut_is_put_down_at_home() {
    let edge = TestEdge::with(|config| config.limits.query_timeout_ms = 50).await;
    assert_eq!(edge.ask("{ never }").await.code(), "QUERY_TIMEOUT");
    all_were_cut_at_home(&edge, 1).await;

    let edge = TestEdge::start().await;
    let begun = async |count: u32| {
        until("the query to begin", PATIENCE, async || {
            edge.probe.begun.load(Ordering::SeqCst) == count
        })
        .await;
    };
    // a caller over HTTP who goes away
    let asking = edge
        .request(r#"{"query":"{ never }"}"#)
        .bearer_auth("clerk")
        .send();
    let gone = tokio::select! {
        answer = asking => panic!("an answer: {answer:?}"),
        () = begun(1) => true,
    };
    assert!(gone);
    all_were_cut_at_home(&edge, 1).await;
    // an operation that its caller completes, and a socket that goes away
    let mut client = Client::admitted(&edge, "clerk").await;
    client.subscribe("q", "{ never }").await;
    begun(2).await;
    client.say(json!({ "type": "complete", "id": "q" })).await;
    all_were_cut_at_home(&edge, 2).await;
    client.subscribe("s", "subscription { atHome }").await;
    assert_eq!(client.hear().await["type"], "next");
    drop(client);
    all_were_cut_at_home(&edge, 3).await;
    // a stream that goes away
    let body = r#"{"query":"subscription { atHome }"}"#;
    let request = edge
        .http
        .post(&edge.url)
        .header("content-type", "application/json");
    let request = request.header("accept", "text/event-stream").bearer_auth("clerk");
    let mut stream = request.body(body).send().await.unwrap();
    let mut heard = String::new();
    while !heard.contains("atHome") {
        let chunk = stream.chunk().await.unwrap().expect("the stream goes on");
        heard.push_str(&String::from_utf8_lossy(&chunk));
    }
    assert!(heard.contains(r#""atHome":true"#), "{heard}");
    drop(stream);
    all_were_cut_at_home(&edge, 4).await;
}
