//! A client that goes away never leaves half of a mutation behind (P22), and a stop waits for it (P23).

use std::sync::atomic::Ordering;
use std::time::Duration;

use onedoor::worker::supervise::spawn;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::kit::TestEdge;
use crate::harness::wait::{PATIENCE, until};

async fn send_and_leave(edge: &TestEdge, query: &str) -> TcpStream {
    let body = json!({ "query": query }).to_string();
    let head = "POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer clerk\r\nContent-Type: application/json\r\n";
    let mut stream = TcpStream::connect(edge.addr).await.unwrap();
    stream
        .write_all(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes())
        .await
        .unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mutation_finishes_without_its_caller() {
    let edge = TestEdge::start().await;
    for round in 1..=20 {
        let stream = send_and_leave(&edge, "mutation { gated }").await;
        until("the mutation to begin", PATIENCE, async || {
            edge.probe.begun.load(Ordering::SeqCst) == round
        })
        .await;
        drop(stream);
        edge.gate.0.add_permits(1);
        until("the mutation to finish", PATIENCE, async || {
            edge.probe.finished.load(Ordering::SeqCst) == round
        })
        .await;
    }
    until("no task to be left", PATIENCE, async || {
        edge.edge.mutations.is_empty()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_waits_for_a_mutation_whose_caller_has_gone() {
    let edge = TestEdge::start().await;
    let stream = send_and_leave(&edge, "mutation { gated }").await;
    until("the mutation to begin", PATIENCE, async || {
        edge.probe.begun.load(Ordering::SeqCst) == 1
    })
    .await;
    drop(stream);
    let TestEdge {
        server,
        gate,
        probe,
        edge: shared,
        ..
    } = edge;
    let stopping = spawn("aside", server.stop());
    until("the stop to begin", PATIENCE, async || shared.stop.is_cancelled()).await;
    assert_eq!(probe.finished.load(Ordering::SeqCst), 0);
    gate.0.add_permits(1);
    assert!(stopping.await.unwrap(), "everything finished");
    assert_eq!(probe.finished.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_answers_the_callers_that_wait() {
    let edge = TestEdge::start().await;
    let request = edge.request(r#"{"query":"mutation { gated }"}"#);
    let waiting = spawn("aside", async move {
        request.send().await.unwrap().text().await.unwrap()
    });
    until("the mutation to begin", PATIENCE, async || {
        edge.probe.begun.load(Ordering::SeqCst) == 1
    })
    .await;
    let TestEdge {
        server, gate, addr, ..
    } = edge;
    let stopping = spawn("aside", server.stop());
    until("new callers to be refused", PATIENCE, async || {
        TcpStream::connect(addr).await.is_err()
    })
    .await;
    gate.0.add_permits(1);
    assert_eq!(waiting.await.unwrap(), r#"{"data":{"gated":true}}"#);
    assert!(stopping.await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_forever() {
    let edge = TestEdge::with(|config| config.server.stop_timeout_ms = 100).await;
    let _stream = send_and_leave(&edge, "mutation { gated }").await;
    until("the mutation to begin", PATIENCE, async || {
        edge.probe.begun.load(Ordering::SeqCst) == 1
    })
    .await;
    assert!(
        !tokio::time::timeout(Duration::from_secs(20), edge.server.stop())
            .await
            .unwrap()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn abandoned_queries_give_their_sockets_back() {
    let edge = TestEdge::start().await;
    let before = sockets();
    for _ in 0..50 {
        let stream = send_and_leave(&edge, "{ never }").await;
        drop(stream);
    }
    until("file descriptors to be back", PATIENCE, async || {
        sockets() <= before + 5
    })
    .await;
}

fn sockets() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}
