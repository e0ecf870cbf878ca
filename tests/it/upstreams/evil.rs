//! An upstream that means harm: it cannot lead the gateway elsewhere nor exhaust it (P32).

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use onedoor::config::fault::{Fault, Origin};
use onedoor::upstream::config::UpstreamConfig;
use onedoor::upstream::metrics::UpstreamMetrics;
use onedoor::upstream::outcome::{Ambiguity, HeldReason, OutcomeClass, UpstreamOutcome};
use onedoor::upstream::registry::{Registry, Upstream};

use super::fixture::{clock, described_secret, submission, try_upstream, upstream};
use super::raw::{Play, RawServer};

fn answer(head: &str, body: &[u8]) -> Play {
    let mut bytes = format!("{head}\r\n\r\n").into_bytes();
    bytes.extend_from_slice(body);
    Play::Bytes(bytes)
}

async fn outcome_of(play: Play) -> UpstreamOutcome {
    let server = RawServer::playing(play).await;
    upstream(&server.url(), "")
        .driver()
        .send(&submission())
        .await
        .outcome
}

#[actix_web::test]
async fn redirects_are_never_followed() {
    let trap = RawServer::answering("200 OK", "{}").await;
    for status in [
        "301 Moved",
        "302 Found",
        "303 See Other",
        "307 Temporary",
        "308 Permanent",
    ] {
        for target in [
            trap.url(),
            "http://169.254.169.254/latest/meta-data/".to_owned(),
            "/again".to_owned(),
        ] {
            let head = format!("HTTP/1.1 {status}\r\nlocation: {target}\r\ncontent-length: 0");
            let server = RawServer::playing(answer(&head, b"")).await;
            let attempt = upstream(&server.url(), "").driver().send(&submission()).await;
            assert_eq!(
                attempt.outcome,
                UpstreamOutcome::Held {
                    reason: HeldReason::Redirected
                },
                "{status}"
            );
            assert_eq!(server.requests().len(), 1, "{status} {target}");
        }
    }
    assert!(trap.requests().is_empty(), "the trap was reached");
}

#[actix_web::test]
async fn a_gzip_bomb_is_cut_at_the_cap_after_decompression() {
    let bomb = fs::read("tests/upstreams/evil/bomb.json.gz").unwrap();
    assert!(bomb.len() < 50_000);
    let head = format!(
        "HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: {}",
        bomb.len()
    );
    let server = RawServer::playing(answer(&head, &bomb)).await;
    let attempt = upstream(&server.url(), "").driver().send(&submission()).await;
    assert_eq!(
        attempt.outcome,
        UpstreamOutcome::Ambiguous {
            reason: Ambiguity::TooLong
        }
    );
    assert!(attempt.bytes <= 1_000_000);
}

#[actix_web::test]
async fn an_announced_giant_is_not_even_begun() {
    let head = "HTTP/1.1 202 Accepted\r\ncontent-length: 99999999999";
    let outcome = outcome_of(answer(head, b"{")).await;
    assert_eq!(
        outcome,
        UpstreamOutcome::Ambiguous {
            reason: Ambiguity::TooLong
        }
    );
}

#[actix_web::test]
async fn a_drip_ends_at_the_total_deadline() {
    let drips = [
        b"HTTP/1.1 202 Accepted\r\nx-slow:".to_vec(),
        b"HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\ncontent-length: 500000\r\n\r\n{"
            .to_vec(),
    ];
    for drip in drips {
        let server = RawServer::playing(Play::Drip(drip)).await;
        let upstream = upstream(&server.url(), "timeout_ms = 400\nconnect_timeout_ms = 100");
        let begun = Instant::now();
        let attempt = upstream.driver().send(&submission()).await;
        assert_eq!(
            attempt.outcome,
            UpstreamOutcome::Ambiguous {
                reason: Ambiguity::Timeout
            }
        );
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    }
}

#[actix_web::test]
async fn huge_and_countless_headers_end_the_exchange() {
    let huge = format!(
        "HTTP/1.1 202 Accepted\r\nx-huge: {}\r\ncontent-length: 2",
        "a".repeat(2_000_000)
    );
    let many: String = (0..1_000).map(|number| format!("x-{number}: 1\r\n")).collect();
    let many = format!("HTTP/1.1 202 Accepted\r\n{many}content-length: 2");
    for head in [huge, many] {
        let outcome = outcome_of(answer(&head, b"{}")).await;
        assert_eq!(outcome.class(), OutcomeClass::Ambiguous, "{outcome:?}");
    }
}

#[actix_web::test]
async fn broken_compression_and_broken_chunks_are_cut_answers() {
    let gzip = "HTTP/1.1 202 Accepted\r\ncontent-encoding: gzip\r\ncontent-length: 5";
    let chunks = "HTTP/1.1 202 Accepted\r\ntransfer-encoding: chunked";
    for play in [
        answer(gzip, b"plain"),
        answer(chunks, b"zz\r\n{}\r\n"),
        answer(chunks, b"10\r\n{\"serial"),
    ] {
        let outcome = outcome_of(play).await;
        assert_eq!(
            outcome,
            UpstreamOutcome::Ambiguous {
                reason: Ambiguity::Truncated
            }
        );
    }
}

#[actix_web::test]
async fn a_name_that_resolves_to_loopback_is_refused_unless_allowed() {
    let server = RawServer::answering("202 Accepted", r#"{"serial_no":"1"}"#).await;
    let url = format!("http://localhost:{}", server.port());
    let refused = try_upstream(&url, "", "")
        .unwrap()
        .driver()
        .send(&submission())
        .await;
    assert_eq!(
        refused.outcome,
        UpstreamOutcome::Held {
            reason: HeldReason::AddressRefused
        }
    );
    assert!(server.requests().is_empty());
    let allowed = upstream(&url, "").driver().send(&submission()).await;
    assert_eq!(allowed.outcome.class(), OutcomeClass::Accepted, "{allowed:?}");
}

#[actix_web::test]
async fn special_literal_addresses_are_refused_at_start() {
    for url in [
        "http://169.254.169.254/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::1]:1/",
        "http://0x7f.1/",
        "http://0.0.0.0/",
        "http://[::]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://100.100.100.200/",
        "http://[fd00:ec2::254]/",
    ] {
        let faults = try_upstream(url, "", "").unwrap_err();
        assert_eq!(faults[0].path, "upstreams.county-hr.base_url", "{url}");
    }
}

#[actix_web::test]
async fn hostile_numbers_and_words_are_kept_out() {
    for number in ["a b", "编号", "", "1\\n2", &"9".repeat(200)] {
        let body = format!(r#"{{"serial_no":"{number}"}}"#);
        let server = RawServer::answering("202 Accepted", &body).await;
        let outcome = upstream(&server.url(), "")
            .driver()
            .send(&submission())
            .await
            .outcome;
        assert_eq!(
            outcome,
            UpstreamOutcome::Ambiguous {
                reason: Ambiguity::Unreadable
            },
            "{number}"
        );
    }
    let body = r#"{"error":{"code":"X<script>Y","message":"不符\u0000\u202e条件\n"}}"#;
    let server = RawServer::answering("422 No", body).await;
    let outcome = upstream(&server.url(), "")
        .driver()
        .send(&submission())
        .await
        .outcome;
    let UpstreamOutcome::Rejected { code, reason } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(code.as_deref(), Some("XscriptY"));
    assert_eq!(reason.as_str(), "不符条件");
}

/// An upstream that is reached with tokens of an endpoint.
fn by_tokens(url: &str, token_url: &str) -> Result<Arc<Upstream>, Vec<Fault>> {
    let text = format!(
        r#"
        name = "county-hr"
        title_zh = "县人社局"
        title_en = "County HR"
        protocol = "county-rest"
        base_url = "{url}"
        roles = ["county.human-resources"]
        operator_contact = "0552-0000000"
        idempotency = "native"
        allow_addresses = ["127.0.0.1"]
        timeout_ms = 1_000
        connect_timeout_ms = 200
        [auth]
        oauth2 = {{ token_url = "{token_url}", client_id = "onedoor", client_secret = {{ env = "SECRET" }} }}
        "#
    );
    let config = UpstreamConfig::parse(&text, &Origin::Default).unwrap_or_else(|faults| panic!("{faults:?}"));
    let metrics = UpstreamMetrics::register(&prometheus::Registry::new()).unwrap();
    let registry =
        Registry::build(vec![config], &described_secret, &metrics, &clock()).map_err(|faults| faults.0)?;
    Ok(Arc::clone(registry.iter().next().unwrap()))
}

#[actix_web::test]
async fn a_token_endpoint_is_reached_by_the_same_rules() {
    let server = RawServer::answering("202 Accepted", r#"{"serial_no":"1"}"#).await;
    for token_url in [
        "http://169.254.169.254/token",
        "http://[::ffff:10.0.0.1]/token",
        "http://0.0.0.0/token",
    ] {
        let faults = by_tokens(&server.url(), token_url).unwrap_err();
        assert_eq!(
            faults[0].path, "upstreams.county-hr.auth.oauth2.token_url",
            "{token_url}"
        );
    }
    let trap = RawServer::answering("200 OK", r#"{"access_token":"stolen","token_type":"Bearer"}"#).await;
    let led_away = format!(
        "HTTP/1.1 307 Elsewhere\r\nlocation: {}\r\ncontent-length: 0",
        trap.url()
    );
    let giant = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99999999999";
    let plays = [
        answer(&led_away, b""),
        answer(giant, b"{"),
        Play::Drip(b"HTTP/1.1 200 OK\r\ncontent-length: 500000\r\n\r\n{".to_vec()),
        Play::Silence,
    ];
    for play in plays {
        let endpoint = RawServer::playing(play).await;
        let upstream = by_tokens(&server.url(), &format!("{}/token", endpoint.url())).unwrap();
        let begun = Instant::now();
        let outcome = upstream.driver().send(&submission()).await.outcome;
        assert!(
            matches!(outcome.class(), OutcomeClass::NotSent | OutcomeClass::Held),
            "without a token nothing is sent: {outcome:?}"
        );
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        assert_eq!(endpoint.requests().len(), 1);
    }
    assert!(trap.requests().is_empty() && server.requests().is_empty());
}
