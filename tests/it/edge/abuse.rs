//! Abusive documents, bodies and connections are refused cheaply (P31).

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::kit::{TestEdge, shipped};

/// `levels` fragments, each spreading the next one twice.
fn bomb(levels: usize, leaf: &str) -> String {
    let mut text = "{ ...F0 }".to_owned();
    for level in 0..levels {
        let next = level + 1;
        write!(text, " fragment F{level} on Query {{ ...F{next} ...F{next} }}").unwrap();
    }
    write!(text, " fragment F{levels} on Query {{ {leaf} }}").unwrap();
    text
}

fn abusive() -> Vec<(String, &'static str)> {
    let many = 60_000;
    vec![
        (bomb(22, "hello"), "OPERATION_LIMIT"),
        (bomb(60, "hello"), "OPERATION_LIMIT"),
        (bomb(22, "hello").replacen("...F0", "hello", 1), "OPERATION_LIMIT"),
        (
            "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }".to_owned(),
            "OPERATION_LIMIT",
        ),
        ("{".repeat(many), "OPERATION_LIMIT"),
        (format!("{{ a{} }}", "{a".repeat(900)), "OPERATION_LIMIT"),
        (
            format!("{{ change(input: {}1{}) }}", "[".repeat(900), "]".repeat(900)),
            "OPERATION_LIMIT",
        ),
        (
            format!("query($x: {}Int{}) {{ hello }}", "[".repeat(900), "]".repeat(900)),
            "OPERATION_LIMIT",
        ),
        (format!("{{ {} }}", "a ".repeat(many / 2)), "OPERATION_LIMIT"),
        (
            format!("{{ hello {} }}", "@skip(if: false)".repeat(200)),
            "OPERATION_LIMIT",
        ),
        (
            format!("{{ hello(name: \"{}", "\\".repeat(many)),
            "GRAPHQL_PARSE_FAILED",
        ),
        ("\u{0}\u{feff}\u{1f4a3}".to_owned(), "GRAPHQL_PARSE_FAILED"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bomb_is_refused_in_no_time_in_both_modes() {
    for mode in ["enforce", "measure"] {
        let edge =
            TestEdge::with(|config| config.limits.mode = serde_json::from_value(json!(mode)).unwrap()).await;
        for (number, (document, code)) in abusive().into_iter().enumerate() {
            let began = Instant::now();
            let reply = edge.ask(&document).await;
            // Measuring refuses what no server could bear, and lets the rest reach validation.
            let borne = mode == "measure" && matches!(reply.code(), "GRAPHQL_VALIDATION_FAILED" | "no error");
            assert!(
                reply.code() == code || borne,
                "{mode} bomb {number}: {}",
                reply.text
            );
            assert!(reply.status < 500);
            assert!(
                began.elapsed() < Duration::from_secs(2),
                "{mode} bomb {number} took {:?}",
                began.elapsed()
            );
        }
        assert_eq!(edge.ask("{ hello }").await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nested_json_and_batches_cost_nothing() {
    let edge = TestEdge::start().await;
    let nested = format!(
        "{{\"query\":\"{{hello}}\",\"variables\":{}{}}}",
        "[".repeat(60_000),
        "]".repeat(60_000)
    );
    let reply = edge.send(edge.request(&nested)).await;
    assert_eq!((reply.status, reply.code()), (400, "BAD_REQUEST"));
    let batch = format!("[{}]", vec![r#"{"query":"{hello}"}"#; 5_000].join(","));
    assert_eq!(edge.send(edge.request(&batch)).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_dawdles_is_408_and_one_that_never_ends_is_413() {
    let edge = TestEdge::with(|config| {
        config.server.body_timeout_ms = 200;
        config.server.body_max_bytes = 4_096;
    })
    .await;
    let head = "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    let mut slow = TcpStream::connect(edge.addr).await.unwrap();
    slow.write_all(format!("{head}Content-Length: 100\r\n\r\n{{\"query\"").as_bytes())
        .await
        .unwrap();
    assert!(answer(&mut slow).await.starts_with("HTTP/1.1 408 "));
    let mut endless = TcpStream::connect(edge.addr).await.unwrap();
    endless
        .write_all(format!("{head}Transfer-Encoding: chunked\r\n\r\n").as_bytes())
        .await
        .unwrap();
    // One write, so that the server does not close under a second one.
    let chunks = format!("400\r\n{}\r\n", "x".repeat(1_024)).repeat(5);
    endless.write_all(chunks.as_bytes()).await.unwrap();
    let said = answer(&mut endless).await;
    assert!(said.starts_with("HTTP/1.1 413 "), "{said}");
    let mut silent = TcpStream::connect(edge.addr).await.unwrap();
    silent.write_all(b"POST /graphql HTTP/1.1\r\n").await.unwrap();
    assert!(
        answer(&mut silent).await.starts_with("HTTP/1.1 408 "),
        "the head is timed too"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_are_remembered_within_a_bound() {
    let edge = TestEdge::with(|config| {
        config.limits.documents_max = 20;
        config.limits.fields_per_minute = 1_000_000;
    })
    .await;
    for number in 0..200 {
        assert_eq!(edge.ask(&format!("{{ x{number}: hello }}")).await.status, 200);
    }
    assert!(edge.edge.documents.remembered().await <= shipped().limits.documents_max.min(20));
}

async fn answer(stream: &mut TcpStream) -> String {
    let mut text = vec![0; 1_024];
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut text))
        .await
        .unwrap()
        .unwrap();
    String::from_utf8_lossy(&text[..read]).into_owned()
}
