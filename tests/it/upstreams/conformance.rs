//! Every protocol keeps its description: recorded requests and answers, bytes for bytes, over TCP and the real driver.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use onedoor::config::fault::Origin;
use onedoor::upstream::adapters::PROTOCOLS;
use onedoor::upstream::callback::{NoticeHeaders, VerifiedNotice};
use onedoor::upstream::command::DeliveryCommand;
use onedoor::upstream::config::UpstreamConfig;
use onedoor::upstream::fact::UpstreamFact;
use onedoor::upstream::recording::{Recording, SILENCE, ScriptedExchange, ScriptedOperation, replay, words};
use onedoor::upstream::registry::Upstream;
use serde::Deserialize;

use super::fixture::{described, news, now, upstream};
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

/// What is the same for every described system.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Common {
    exchange: Vec<ScriptedExchange>,
}

/// A folder with what one system says, and the script of it.
struct Description {
    recording: Recording,
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
        let read = |folder: &PathBuf| Self {
            recording: Recording::open(folder).unwrap(),
        };
        folders.iter().map(read).collect()
    }

    /// Its own exchanges, and of those that are common to described systems what it does not tell itself.
    fn exchanges(&self) -> Vec<ScriptedExchange> {
        let script = &self.recording.script;
        let mut all = script.exchange.clone();
        if script.upstream.is_some() {
            let common: Common = toml_of(&Path::new(ROOT).join("common/exchanges.toml"));
            let told = |one: &ScriptedExchange| script.exchange.iter().any(|own| own.rule == one.rule);
            all.extend(common.exchange.into_iter().filter(|one| !told(one)));
        }
        all
    }

    /// The system at an address of ours.
    fn upstream(&self, url: &str) -> Arc<Upstream> {
        match &self.recording.script.upstream {
            Some(file) => described(file, url),
            None => upstream(
                &format!("{url}/exchange"),
                "timeout_ms = 400\nconnect_timeout_ms = 150",
            ),
        }
    }

    fn file(&self, name: &str) -> Vec<u8> {
        let own = self.recording.folder.join(name);
        let path = if own.exists() {
            own
        } else {
            Path::new(ROOT).join("common").join(name)
        };
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    fn name(&self) -> String {
        self.recording.folder.display().to_string()
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
async fn play(description: &Description, exchange: &ScriptedExchange) -> String {
    let rule = format!("{}: {}", description.name(), exchange.rule);
    let read = |file: &String| match file.as_str() {
        SILENCE => None,
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
    let command = commanded(&description.recording, exchange);
    let driver = upstream.driver();
    let found = match exchange.operation {
        ScriptedOperation::Query | ScriptedOperation::Ask => {
            words::finding(&driver.find(&command).await.finding)
        }
        ScriptedOperation::Poll => {
            let polled = driver.poll(exchange.cursor.as_deref()).await;
            words::page(polled.page.as_ref().ok_or(polled.class))
        }
        ScriptedOperation::Submit
        | ScriptedOperation::Transition
        | ScriptedOperation::Supplement
        | ScriptedOperation::Withdraw
        | ScriptedOperation::Notify => words::outcome(&driver.send(&command).await.outcome),
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

/// News is told as it is of every case: with a person in it, so that whatever leaks is seen.
fn commanded(recording: &Recording, exchange: &ScriptedExchange) -> DeliveryCommand {
    let mut command = recording.command(exchange, recording.case(None));
    if exchange.operation == ScriptedOperation::Notify {
        command.case = news().case;
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
        let script = &description.recording.script;
        let upstream = description.upstream("http://127.0.0.1:1");
        for notice in &script.notice {
            let read = upstream.read_notice(&verified(&upstream, &description.file(&notice.file)));
            let found = words::notice(read.as_deref());
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

/// P11: what the suite plays over TCP, a person replays without any network, and nothing differs.
#[actix_web::test]
async fn every_folder_is_replayed_without_a_difference_and_a_changed_description_is_told() {
    let mut differing = Vec::new();
    for description in Description::all() {
        let script = &description.recording.script;
        let file = script
            .upstream
            .as_deref()
            .unwrap_or("config/upstreams/example.toml");
        let text = fs::read_to_string(file).unwrap();
        let config = UpstreamConfig::parse(&text, &Origin::Default).unwrap();
        let replay = replay::replay(&config, &description.recording).unwrap();
        let differences = replay.exchanges.iter().filter(|one| !one.differences.is_empty());
        differing.extend(differences.map(|one| format!("{}: {one:#?}", description.name())));
        assert_eq!(replay.exchanges.len(), script.exchange.len());
        assert!(replay.exchanges.iter().any(|one| one.is_compared));
        if !text.contains("{{ case.case_number }}") {
            continue;
        }
        let other = text.replace("{{ case.case_number }}", "{{ case.item.code }}");
        let other = UpstreamConfig::parse(&other, &Origin::Default).unwrap();
        let replay = replay::replay(&other, &description.recording).unwrap();
        let told = replay.to_string();
        assert!(replay.differs() && told.contains("recorded"), "{told}");
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}
