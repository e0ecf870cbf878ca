//! Every protocol keeps its description: recorded requests and answers, bytes for bytes, over TCP and the real driver.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use onedoor::upstream::adapter::NoticeError;
use onedoor::upstream::adapters::PROTOCOLS;
use onedoor::upstream::callback::{NoticeHeaders, VerifiedNotice};
use onedoor::upstream::command::{DeliveryCommand, Operation};
use onedoor::upstream::driver::Polled;
use onedoor::upstream::fact::{FactKind, UpstreamFact, Verdict};
use onedoor::upstream::outcome::{Acceptance, Finding, UpstreamOutcome};
use onedoor::upstream::registry::Upstream;
use onedoor::upstream::text::ExternalId;
use onedoor::upstream::view::{SupplementView, WithdrawalKind, WithdrawalView};
use serde::Deserialize;

use super::fixture::{described, now, submission, upstream};
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
/// Where the descriptions lie, a folder each.
const ROOT: &str = "tests/upstreams";
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
    /// The description of the system; without one it is the county department's.
    upstream: Option<String>,
    exchange: Vec<Exchange>,
    #[serde(default)]
    notice: Vec<Notice>,
    #[serde(default)]
    history: History,
}

/// What is the same for every described system.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Common {
    exchange: Vec<Exchange>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchange {
    rule: String,
    operation: String,
    #[serde(default = "first")]
    attempt: u32,
    /// Where a poll goes on from.
    cursor: Option<String>,
    request: Option<String>,
    /// What is asked before the command is written, and what comes back.
    reading: Option<Reading>,
    /// What comes back of the command; without one, reading settles it and nothing more is sent.
    answer: Option<String>,
    expect: String,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reading {
    request: String,
    answer: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Notice {
    file: String,
    expect: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct History {
    files: Vec<String>,
}

const fn first() -> u32 {
    1
}

/// A folder with what one system says, and the script of it.
struct Description {
    folder: PathBuf,
    script: Script,
}

impl Description {
    /// All of them: one for each protocol, and one for each described system that is shipped.
    fn all() -> Vec<Self> {
        let mut folders: Vec<PathBuf> = fs::read_dir(ROOT)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|folder| folder.join("script.toml").exists())
            .collect();
        folders.sort();
        let read = |folder: PathBuf| Self {
            script: toml_of(&folder.join("script.toml")),
            folder,
        };
        folders.into_iter().map(read).collect()
    }

    /// Its own exchanges, and of those that are common to described systems what it does not tell itself.
    fn exchanges(&self) -> Vec<Exchange> {
        let mut all = self.script.exchange.clone();
        if self.script.upstream.is_some() {
            let common: Common = toml_of(&Path::new(ROOT).join("common/exchanges.toml"));
            let told = |one: &Exchange| self.script.exchange.iter().any(|own| own.rule == one.rule);
            all.extend(common.exchange.into_iter().filter(|one| !told(one)));
        }
        all
    }

    /// The system at an address of ours.
    fn upstream(&self, url: &str) -> Arc<Upstream> {
        match &self.script.upstream {
            Some(file) => described(file, url),
            None => upstream(
                &format!("{url}/exchange"),
                "timeout_ms = 400\nconnect_timeout_ms = 150",
            ),
        }
    }

    fn file(&self, name: &str) -> Vec<u8> {
        let own = self.folder.join(name);
        let path = if own.exists() {
            own
        } else {
            Path::new(ROOT).join("common").join(name)
        };
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    fn name(&self) -> String {
        self.folder.display().to_string()
    }
}

fn toml_of<T: serde::de::DeserializeOwned>(path: &Path) -> T {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[actix_web::test]
async fn every_protocol_sends_and_reads_what_its_description_says() {
    let mut kinds: BTreeSet<&str> = PROTOCOLS.iter().map(|protocol| protocol.kind).collect();
    for description in Description::all() {
        let exchanges = description.exchanges();
        let told: BTreeSet<&str> = exchanges.iter().map(|one| one.rule.as_str()).collect();
        let missing: Vec<_> = RULES.iter().filter(|rule| !told.contains(*rule)).collect();
        assert!(
            missing.is_empty(),
            "{} has no exchange for {missing:?}",
            description.name()
        );
        for exchange in &exchanges {
            let kind = play(&description, exchange).await;
            kinds.remove(kind.as_str());
        }
    }
    assert!(kinds.is_empty(), "no description shows {kinds:?}");
}

/// Plays one exchange, and tells the protocol of the system.
async fn play(description: &Description, exchange: &Exchange) -> String {
    let rule = format!("{}: {}", description.name(), exchange.rule);
    let read = |file: &String| match file.as_str() {
        "silence" => None,
        file => Some(description.file(file)),
    };
    let answers: Vec<&String> = exchange
        .reading
        .iter()
        .map(|reading| &reading.answer)
        .chain(&exchange.answer)
        .collect();
    let play = match answers.iter().copied().map(read).collect() {
        Some(bytes) => Play::InTurn(bytes),
        None => Play::Silence,
    };
    let server = RawServer::playing(play).await;
    let upstream = description.upstream(&server.url());
    let found = match exchange.operation.as_str() {
        "QUERY" => {
            let asked = command(Operation::Submit, exchange.attempt);
            finding(&upstream.driver().find(&asked).await.finding)
        }
        // the same by the number it gave
        "ASK" => {
            let asked = command(Operation::Transition, exchange.attempt);
            finding(&upstream.driver().find(&asked).await.finding)
        }
        "POLL" => polled(&upstream.driver().poll(exchange.cursor.as_deref()).await),
        name => {
            let sent = command(operation(name), exchange.attempt);
            outcome(&upstream.driver().send(&sent).await.outcome)
        }
    };
    assert_eq!(found, exchange.expect, "{rule}");
    let asked = exchange.reading.as_ref().map(|reading| &reading.request);
    let recorded: Vec<&String> = asked.into_iter().chain(&exchange.request).collect();
    let sent = server.received(recorded.len()).await;
    for (file, sent) in recorded.iter().zip(&sent) {
        same(&rule, &Request::parse(&description.file(file)), sent);
    }
    assert!(sent.len() <= answers.len(), "{rule}: more was sent than is told");
    upstream.config().protocol.clone()
}

fn operation(name: &str) -> Operation {
    match name {
        "SUBMIT" => Operation::Submit,
        "TRANSITION" => Operation::Transition,
        "SUPPLEMENT" => Operation::Supplement,
        "WITHDRAW" => Operation::Withdraw,
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
    if operation == Operation::Supplement {
        command.case.supplement = Some(SupplementView {
            materials: vec![command.case.materials[1].clone()],
            note: Some("补交".to_owned()),
        });
    }
    if operation == Operation::Withdraw {
        command.case.withdrawal = Some(WithdrawalView {
            kind: WithdrawalKind::Withdrawn,
            at: "2026-11-23T01:03:00Z".parse().unwrap(),
        });
    }
    command
}

/// The request line and the body are the recorded ones; each recorded header is there, and no strange one.
fn same(rule: &str, recorded: &Request, sent: &Request) {
    assert_eq!(sent.line, recorded.line, "{rule}");
    for (name, value) in &recorded.headers {
        // `*` is a value that is another one each time
        if name != "content-length" && value != "*" {
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
    for description in Description::all() {
        let script = &description.script;
        let upstream = description.upstream("http://127.0.0.1:1");
        for notice in &script.notice {
            let read = upstream.read_notice(&verified(&upstream, &description.file(&notice.file)));
            let found = match &read {
                Ok(facts) => format!("{} [{}]", heading(facts), list(facts)),
                Err(NoticeError::Malformed { .. }) => "MALFORMED".to_owned(),
                Err(NoticeError::UnknownKind) => "UNKNOWN_KIND".to_owned(),
            };
            assert_eq!(found, notice.expect, "{} {}", description.name(), notice.file);
        }
        let facts = |file: &String| {
            upstream
                .read_notice(&verified(&upstream, &description.file(file)))
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

fn verified(upstream: &Arc<Upstream>, bytes: &[u8]) -> VerifiedNotice {
    let request = Request::parse(bytes);
    let headers = NoticeHeaders {
        id: request.header("webhook-id"),
        timestamp: request.header("webhook-timestamp"),
        signature: request.header("webhook-signature"),
    };
    let verified = upstream.verifier().unwrap().verify(headers, &request.body, now());
    verified.unwrap_or_else(|error| panic!("{}: {error}", request.line))
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

fn polled(polled: &Polled) -> String {
    let Some(page) = &polled.page else {
        return format!("NONE {}", polled.class.as_str());
    };
    let next = page.next.as_deref().unwrap_or("-");
    let more = if page.more { " more" } else { "" };
    let number = |fact: &UpstreamFact| fact.external_id.to_string();
    let numbers: BTreeSet<String> = page.facts.iter().map(number).collect();
    let numbers: Vec<String> = numbers.into_iter().collect();
    let facts = format!("{} [{}]", numbers.join(","), list(&page.facts));
    format!("PAGE {} unreadable, next {next}{more}, {facts}", page.unreadable)
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
