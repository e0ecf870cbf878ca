//! More requests and connections than there are places for: turned away at once, and welcome when there is room.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::kit::TestEdge;
use crate::harness::wait::{PATIENCE, until};

/// Sends a mutation that waits for the gate, and leaves when it has begun.
async fn begin_and_leave(edge: &TestEdge, count: u32) {
    let body = json!({ "query": "mutation { gated }" }).to_string();
    let mut stream = TcpStream::connect(edge.addr).await.unwrap();
    stream
        .write_all(format!("{}\r\n{body}", head(body.len())).as_bytes())
        .await
        .unwrap();
    until("the mutation to begin", PATIENCE, async || {
        edge.probe.begun.load(Ordering::SeqCst) == count
    })
    .await;
}

fn head(length: usize) -> String {
    format!(
        "POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer clerk\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n"
    )
}

/// Asks over a connection that stays; gives the answer up to the end of its head.
async fn ask_over(stream: &mut TcpStream) -> String {
    let body = r#"{"query":"{ hello }"}"#;
    stream
        .write_all(format!("{}\r\n{body}", head(body.len())).as_bytes())
        .await
        .unwrap();
    let mut heard = Vec::new();
    let mut piece = [0; 4_096];
    while !heard.ends_with(b"}") {
        let read = tokio::time::timeout(PATIENCE, stream.read(&mut piece))
            .await
            .expect("an answer in time")
            .unwrap();
        assert!(read > 0, "the connection ended in an answer");
        heard.extend_from_slice(&piece[..read]);
    }
    String::from_utf8(heard).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_beyond_the_places_is_told_at_once_when_to_come_back() {
    let edge = TestEdge::with(|config| config.server.requests_max = 2).await;
    begin_and_leave(&edge, 1).await;
    begin_and_leave(&edge, 2).await;
    let began = Instant::now();
    for accept in [
        "application/json",
        "application/graphql-response+json",
        "text/event-stream",
    ] {
        let request = edge
            .request(r#"{"query":"{ hello }"}"#)
            .header("accept-language", "zh");
        let reply = edge.send(request.header("accept", accept)).await;
        assert_eq!((reply.status, reply.code()), (503, "OVERLOADED"), "{accept}");
        assert_eq!(reply.header("retry-after"), "1");
        let error = &reply.json["errors"][0];
        assert_eq!(error["extensions"]["retryAfterMs"], 1_000);
        assert_eq!(error["extensions"]["retryable"], true);
        assert!(reply.json.get("data").is_none(), "nothing was executed");
    }
    let reply = edge.send(edge.get("query={hello}")).await;
    assert_eq!((reply.status, reply.code()), (503, "OVERLOADED"));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let text = edge.metrics.text().unwrap();
    assert!(
        text.contains("onedoor_requests_shed_total{limit=\"requests\"} 4"),
        "{text}"
    );
    assert!(text.contains("onedoor_requests_in_flight 2"), "{text}");

    edge.gate.0.add_permits(2);
    until("there is a place again", PATIENCE, async || {
        edge.ask("{ hello }").await.status == 200
    })
    .await;
    until("all places are free", PATIENCE, async || {
        edge.metrics
            .text()
            .unwrap()
            .contains("onedoor_requests_in_flight 0")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_on_its_way_holds_no_place() {
    let edge = TestEdge::with(|config| config.server.requests_max = 1).await;
    let mut slow = TcpStream::connect(edge.addr).await.unwrap();
    slow.write_all(format!("{}\r\n{{", head(100)).as_bytes())
        .await
        .unwrap();
    for _ in 0..5 {
        assert_eq!(edge.ask("{ hello }").await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_beyond_the_limit_is_told_so_and_closed() {
    let edge = TestEdge::with(|config| config.server.connections_max = 2).await;
    let mut first = TcpStream::connect(edge.addr).await.unwrap();
    let mut second = TcpStream::connect(edge.addr).await.unwrap();
    assert!(ask_over(&mut first).await.starts_with("HTTP/1.1 200"));
    assert!(ask_over(&mut second).await.starts_with("HTTP/1.1 200"));

    let mut third = TcpStream::connect(edge.addr).await.unwrap();
    let answer = ask_over(&mut third).await.to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 503"), "{answer}");
    assert!(answer.contains("\r\nretry-after: 1\r\n"), "{answer}");
    assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
    let mut rest = Vec::new();
    tokio::time::timeout(PATIENCE, third.read_to_end(&mut rest))
        .await
        .expect("the connection ends")
        .unwrap();
    assert!(
        ask_over(&mut first).await.starts_with("HTTP/1.1 200"),
        "the others stay"
    );
    let text = edge.metrics.text().unwrap();
    assert!(
        text.contains("onedoor_requests_shed_total{limit=\"connections\"} 1"),
        "{text}"
    );

    drop(second);
    until("there is room for a connection", PATIENCE, async || {
        let mut fourth = TcpStream::connect(edge.addr).await.unwrap();
        ask_over(&mut fourth).await.starts_with("HTTP/1.1 200")
    })
    .await;
}
