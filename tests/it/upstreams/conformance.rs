//! Every protocol keeps its description: recorded requests and answers, bytes for bytes, over TCP and the real driver.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use onedoor::upstream::adapter::NoticeError;
use onedoor::upstream::adapters::PROTOCOLS;
use onedoor::upstream::callback::{NoticeHeaders, VerifiedNotice};
use onedoor::upstream::command::{DeliveryCommand, Operation};
use onedoor::upstream::fact::{FactKind, UpstreamFact, Verdict};
use onedoor::upstream::outcome::{Acceptance, Finding, UpstreamOutcome};
use onedoor::upstream::registry::Upstream;
use onedoor::upstream::text::ExternalId;
use serde::Deserialize;

use super::fixture::{now, submission, upstream};
use super::raw::{Play, RawServer, Request};

/// What the script of every protocol must show.
const RULES: &[&str] = &[
    "taken over",
    "refused",
    "conflict at first",
    "conflict on repeat",
    "429 with Retry-After",
    "503 with Retry-After",
    "503 without Retry-After",
    "5xx",
    "credentials refused",
    "redirect",
    "truncated",
    "wrong charset",
    "timeout",
    "query after timeout",
];
/// The number that recorded answers give the case.
const EXTERNAL_ID: &str = "HR-2026-000123";
/// Headers every HTTP client may add.
const CLIENT_HEADERS: &[&str] = &[
    "host",
    "accept",
    "accept-encoding",
    "user-agent",
    "content-length",
];
/// Headers of our signature; they change with the clock and are tested on their own.
const SIGNATURE_HEADERS: &[&str] = &["webhook-id", "webhook-timestamp", "webhook-signature"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Script {
    exchange: Vec<Exchange>,
    notice: Vec<Notice>,
    history: History,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchange {
    rule: String,
    operation: String,
    #[serde(default = "first")]
    attempt: u32,
    request: Option<String>,
    answer: String,
    expect: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Notice {
    file: String,
    expect: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct History {
    files: Vec<String>,
}

const fn first() -> u32 {
    1
}

fn folder(kind: &str) -> PathBuf {
    Path::new("tests/upstreams").join(kind.replace('-', "_"))
}

fn script(kind: &str) -> Script {
    let path = folder(kind).join("script.toml");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[actix_web::test]
async fn every_protocol_sends_and_reads_what_its_description_says() {
    for protocol in PROTOCOLS {
        let script = script(protocol.kind);
        let told: BTreeSet<&str> = script.exchange.iter().map(|one| one.rule.as_str()).collect();
        let missing: Vec<_> = RULES.iter().filter(|rule| !told.contains(*rule)).collect();
        assert!(
            missing.is_empty(),
            "{} has no exchange for {missing:?}",
            protocol.kind
        );
        for exchange in &script.exchange {
            play(&folder(protocol.kind), exchange).await;
        }
    }
}

async fn play(folder: &Path, exchange: &Exchange) {
    let play = match exchange.answer.as_str() {
        "silence" => Play::Silence,
        file => Play::Bytes(fs::read(folder.join(file)).unwrap()),
    };
    let server = RawServer::playing(play).await;
    let upstream = upstream(
        &format!("{}/exchange", server.url()),
        "timeout_ms = 400\nconnect_timeout_ms = 150",
    );
    let found = match operation(&exchange.operation) {
        Some(operation) => outcome(
            &upstream
                .driver()
                .send(&command(operation, exchange.attempt))
                .await
                .outcome,
        ),
        None => finding(
            &upstream
                .driver()
                .find(&command(Operation::Submit, exchange.attempt))
                .await
                .finding,
        ),
    };
    assert_eq!(found, exchange.expect, "{}", exchange.rule);
    if let Some(file) = &exchange.request {
        let recorded = Request::parse(&fs::read(folder.join(file)).unwrap());
        same(&exchange.rule, &recorded, &server.received(1).await[0]);
    }
}

fn operation(name: &str) -> Option<Operation> {
    match name {
        "SUBMIT" => Some(Operation::Submit),
        "TRANSITION" => Some(Operation::Transition),
        "SUPPLEMENT" => Some(Operation::Supplement),
        "WITHDRAW" => Some(Operation::Withdraw),
        "QUERY" => None,
        other => panic!("no operation {other}"),
    }
}

fn command(operation: Operation, attempt: u32) -> DeliveryCommand {
    let mut command = submission();
    command.operation = operation;
    command.attempt = attempt;
    if operation != Operation::Submit {
        command.external_id = ExternalId::parse(EXTERNAL_ID);
    }
    command
}

/// The request line and the body are the recorded ones; each recorded header is there, and no strange one.
fn same(rule: &str, recorded: &Request, sent: &Request) {
    assert_eq!(sent.line, recorded.line, "{rule}");
    for (name, value) in &recorded.headers {
        if name != "content-length" {
            assert_eq!(sent.header(name), Some(value.as_str()), "{rule}: {name}");
        }
    }
    let known = |name: &str| {
        recorded.header(name).is_some() || CLIENT_HEADERS.contains(&name) || SIGNATURE_HEADERS.contains(&name)
    };
    let strange: Vec<_> = sent.headers.iter().filter(|(name, _)| !known(name)).collect();
    assert!(strange.is_empty(), "{rule}: {strange:?}");
    let is_json = recorded
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("application/json"));
    if is_json {
        let json = |body: &[u8]| serde_json::from_slice::<serde_json::Value>(body).unwrap();
        assert_eq!(json(&sent.body), json(&recorded.body), "{rule}");
    } else {
        assert_eq!(sent.body, recorded.body, "{rule}");
    }
}

#[actix_web::test]
async fn every_protocol_reads_its_notices_and_knows_repetitions_and_order() {
    for protocol in PROTOCOLS {
        let (folder, script) = (folder(protocol.kind), script(protocol.kind));
        let upstream = upstream("https://hr.county.example/", "");
        for notice in &script.notice {
            let read = upstream.read_notice(&verified(&upstream, &folder.join(&notice.file)));
            let found = match &read {
                Ok(facts) => format!("{} [{}]", heading(facts), list(facts)),
                Err(NoticeError::Malformed { .. }) => "MALFORMED".to_owned(),
                Err(NoticeError::UnknownKind) => "UNKNOWN_KIND".to_owned(),
            };
            assert_eq!(found, notice.expect, "{}", notice.file);
        }
        let facts = |file: &String| {
            upstream
                .read_notice(&verified(&upstream, &folder.join(file)))
                .unwrap()
        };
        let history: Vec<Vec<UpstreamFact>> = script.history.files.iter().map(facts).collect();
        let again: Vec<Vec<UpstreamFact>> = script.history.files.iter().map(facts).collect();
        assert_eq!(history, again, "a repetition says the same under the same event");
        let events: BTreeSet<_> = history
            .iter()
            .flatten()
            .map(|fact| fact.event_id.clone().unwrap())
            .collect();
        assert_eq!(events.len(), history.len(), "each event has its identifier");
        let versions: Vec<_> = history
            .iter()
            .flatten()
            .map(|fact| fact.version.unwrap())
            .collect();
        assert!(
            versions.is_sorted_by(|left, right| left < right),
            "versions tell the order: {versions:?}"
        );
    }
}

fn verified(upstream: &Arc<Upstream>, path: &Path) -> VerifiedNotice {
    let request = Request::parse(&fs::read(path).unwrap());
    let headers = NoticeHeaders {
        id: request.header("webhook-id"),
        timestamp: request.header("webhook-timestamp"),
        signature: request.header("webhook-signature"),
    };
    let verified = upstream.verifier().unwrap().verify(headers, &request.body, now());
    verified.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn outcome(outcome: &UpstreamOutcome) -> String {
    let class = outcome.class().as_str();
    let words = match outcome {
        UpstreamOutcome::Accepted(acceptance) => accepted(acceptance),
        UpstreamOutcome::Rejected { code, reason } => {
            format!("{} {}", code.as_deref().unwrap_or_default(), reason.as_str())
        }
        UpstreamOutcome::Retryable { retry_after } => retry_after
            .map(|delay| format!("{}s", delay.as_secs()))
            .unwrap_or_default(),
        UpstreamOutcome::NotSent { .. }
        | UpstreamOutcome::Ambiguous { .. }
        | UpstreamOutcome::Held { .. } => outcome.reason().to_owned(),
    };
    format!("{class} {words}").trim().to_owned()
}

fn finding(finding: &Finding) -> String {
    let words = match finding {
        Finding::Found(acceptance) => accepted(acceptance),
        Finding::Absent | Finding::Unsupported => String::new(),
        Finding::Unanswered { class, .. } => class.as_str().to_owned(),
        Finding::Held { reason } => reason.as_str().to_owned(),
    };
    format!("{} {words}", finding.as_str()).trim().to_owned()
}

fn accepted(acceptance: &Acceptance) -> String {
    let mut words = vec![acceptance.external_id.to_string()];
    if acceptance.awaits_callback {
        words.push("awaits".to_owned());
    }
    words.extend(acceptance.version.map(|version| format!("v{version}")));
    if !acceptance.facts.is_empty() {
        words.push(format!("[{}]", list(&acceptance.facts)));
    }
    words.join(" ")
}

fn heading(facts: &[UpstreamFact]) -> String {
    let fact = &facts[0];
    let event = fact.event_id.as_deref().unwrap_or("-");
    format!(
        "{event} {} {}",
        fact.external_id,
        fact.our_reference.as_deref().unwrap_or("-")
    )
}

fn list(facts: &[UpstreamFact]) -> String {
    let word = |fact: &UpstreamFact| {
        let version = fact
            .version
            .map_or_else(|| "v-".to_owned(), |version| format!("v{version}"));
        let kind = match &fact.kind {
            FactKind::Received => "RECEIVED".to_owned(),
            FactKind::Decided {
                verdict: Verdict::Granted,
                opinion,
            } => {
                format!("DECIDED GRANTED {}", opinion.as_str())
            }
            FactKind::Decided {
                verdict: Verdict::Denied,
                opinion,
            } => {
                format!("DECIDED DENIED {}", opinion.as_str())
            }
            FactKind::Completed => "COMPLETED".to_owned(),
            FactKind::Rejected { reason } => format!("REJECTED {}", reason.as_str()),
            FactKind::Note { text } => format!("NOTE {}", text.as_str()),
            FactKind::Accepted => "ACCEPTED".to_owned(),
            FactKind::SupplementRequested { materials, text } => {
                format!("SUPPLEMENT_REQUESTED {} {}", materials.join(","), text.as_str())
            }
            FactKind::SpecialBegun { text, .. } => format!("SPECIAL_BEGUN {}", text.as_str()),
            FactKind::SpecialEnded { text } => format!("SPECIAL_ENDED {}", text.as_str()),
            FactKind::Opinion { opinion, text } => format!("OPINION {opinion:?} {}", text.as_str()),
            FactKind::Delivered => "DELIVERED".to_owned(),
        };
        format!("{kind} {version}")
    };
    facts.iter().map(word).collect::<Vec<_>>().join(", ")
}
