//! How our requests say who sends them, as the other side sees it: passwords and tokens over TCP.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use futures_util::future::join_all;
use onedoor::clock::HeldClock;
use onedoor::config::fault::{Fault, Origin};
use onedoor::secret::Redacted;
use onedoor::telemetry::capture::CapturedLogs;
use onedoor::upstream::config::{SecretRef, UpstreamConfig};
use onedoor::upstream::metrics::UpstreamMetrics;
use onedoor::upstream::outcome::{HeldReason, NotSentReason, OutcomeClass, UpstreamOutcome};
use onedoor::upstream::registry::{Registry, Upstream};
use tokio::sync::Semaphore;

use super::fixture::{CALLBACK_SECRET, now, submission};
use super::raw::Request;
use super::talker::{Talker, json};
use crate::harness::wait::{PATIENCE, eventually};

pub(super) const TAKEN: &str = r#"{"serial_no":"HR-1","state":"RECEIVED"}"#;
const CLIENT_SECRET: &str = "a client's own secret / with + signs";

/// An upstream with an `[auth]` of the test; secrets by the names of their variables.
pub(super) fn upstream_of(
    base_url: &str,
    (more, auth): (&str, &str),
    secrets: &[(&str, &str)],
    clock: &HeldClock,
) -> Result<Arc<Upstream>, Vec<Fault>> {
    let text = format!(
        r#"
        name = "county-hr"
        title_zh = "县人社局"
        title_en = "County HR"
        protocol = "county-rest"
        base_url = "{base_url}/exchange"
        roles = ["county.human-resources"]
        operator_contact = "0552-0000000"
        idempotency = "native"
        allow_addresses = ["127.0.0.1"]
        connect_timeout_ms = 900
        timeout_ms = 2_000
        {more}
        [breaker]
        failures = 1000
        {auth}
        "#
    );
    let config = UpstreamConfig::parse(&text, &Origin::Default)?;
    let source = |at: &SecretRef| match at {
        SecretRef::Env(name) => secrets
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, secret)| Redacted::new((*secret).to_owned()))
            .ok_or_else(|| "is not known".to_owned()),
        SecretRef::File(_) => Err("no files here".to_owned()),
    };
    let metrics = UpstreamMetrics::register(&prometheus::Registry::new()).unwrap();
    let shared: onedoor::clock::SharedClock = Arc::new(clock.clone());
    let registry = Registry::build(vec![config], &source, &metrics, &shared).map_err(|faults| faults.0)?;
    Ok(Arc::clone(registry.iter().next().unwrap()))
}

pub(super) fn held() -> HeldClock {
    HeldClock::at(now())
}

pub(super) async fn outcome(upstream: &Upstream) -> UpstreamOutcome {
    upstream.driver().send(&submission()).await.outcome
}

pub(super) fn is_accepted(outcome: &UpstreamOutcome) -> bool {
    outcome.class() == OutcomeClass::Accepted
}

/// A system that takes every case over.
pub(super) async fn taking() -> Talker {
    Talker::answering(|_, _| async { json("202 Accepted", TAKEN) }).await
}

/// A system that takes a case over from whoever shows one of these tokens.
async fn taking_from(good: Arc<std::sync::Mutex<BTreeSet<String>>>) -> Talker {
    Talker::answering(move |_, request: Request| {
        let shown = request.header("authorization").unwrap_or_default().to_owned();
        let is_good = good.lock().unwrap().contains(shown.trim_start_matches("Bearer "));
        async move {
            if is_good {
                json("202 Accepted", TAKEN)
            } else {
                json("401 Unauthorized", "{}")
            }
        }
    })
    .await
}

/// A token endpoint whose tokens are T1, T2 and so on.
pub(super) async fn granting() -> Talker {
    Talker::answering(|number, _| async move {
        let body = format!(
            r#"{{"access_token":"T{}-token-text","token_type":"Bearer","expires_in":3600}}"#,
            number + 1
        );
        json("200 OK", &body)
    })
    .await
}

pub(super) fn oauth(endpoint: &Talker, more: &str) -> String {
    format!(
        r#"
        [auth.oauth2]
        token_url = "{}/token"
        client_id = "one door"
        client_secret = {{ env = "CLIENT" }}
        {more}
        "#,
        endpoint.url()
    )
}

pub(super) const CLIENT: &[(&str, &str)] = &[
    ("CLIENT", CLIENT_SECRET),
    ("MAC", "hush"),
    ("SIGNING", CALLBACK_SECRET),
];

#[actix_web::test]
async fn bearer_and_basic_say_who_sends() {
    let system = taking().await;
    let bearer = "[auth]\nbearer = { env = \"TOKEN\" }";
    let basic = "[auth.basic]\nuser = \"one门\"\npassword = { env = \"TOKEN\" }";
    for auth in [bearer, basic, ""] {
        let upstream = upstream_of(&system.url(), ("", auth), &[("TOKEN", "p:ä-ss")], &held());
        let upstream = match upstream {
            Ok(upstream) => upstream,
            // a header cannot carry it as a token
            Err(faults) => {
                assert!(
                    auth == bearer && faults[0].path.ends_with("auth.bearer"),
                    "{faults:?}"
                );
                upstream_of(&system.url(), ("", auth), &[("TOKEN", "p-ss")], &held()).unwrap()
            }
        };
        assert!(is_accepted(&outcome(&upstream).await));
    }
    let said: Vec<Option<String>> = system
        .requests()
        .iter()
        .map(|request| request.header("authorization").map(str::to_owned))
        .collect();
    let basic = format!("Basic {}", STANDARD.encode("one门:p:ä-ss"));
    assert_eq!(said, [Some("Bearer p-ss".to_owned()), Some(basic), None]);
}

#[actix_web::test]
async fn fifty_deliveries_at_once_ask_for_one_token_and_nobody_logs_it() {
    let logs = CapturedLogs::of_process();
    let from = logs.len();
    let (system, endpoint) = (taking().await, granting().await);
    let auth = oauth(&endpoint, "scope = \"cases\"\naudience = \"hr\"");
    let upstream = upstream_of(&system.url(), ("concurrency_max = 64", &auth), CLIENT, &held()).unwrap();
    let ended = join_all((0..50).map(|_| outcome(&upstream))).await;
    assert!(ended.iter().all(is_accepted), "{ended:?}");
    let asked = endpoint.requests();
    assert_eq!(asked.len(), 1, "one token for all");
    assert_eq!(asked[0].line, "POST /token HTTP/1.1");
    assert_eq!(
        String::from_utf8(asked[0].body.clone()).unwrap(),
        "grant_type=client_credentials&scope=cases&audience=hr"
    );
    // RFC 6749 §2.3.1: both are form-encoded before they become Basic
    let pair = "one+door:a+client%27s+own+secret+%2F+with+%2B+signs";
    assert_eq!(
        asked[0].header("authorization"),
        Some(format!("Basic {}", STANDARD.encode(pair)).as_str())
    );
    assert!(
        system
            .requests()
            .iter()
            .all(|one| one.header("authorization") == Some("Bearer T1-token-text"))
    );
    assert_eq!(system.requests().len(), 50);
    let log = logs.text_since(from);
    assert!(log.contains("an attempt to deliver ended"), "the log is captured");
    for secret in [
        "T1-token-text",
        "a client's own",
        "a+client",
        &STANDARD.encode(pair),
    ] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

#[actix_web::test]
async fn identifier_and_secret_go_into_the_form_where_the_endpoint_wants_them_there() {
    let (system, endpoint) = (taking().await, granting().await);
    let auth = oauth(&endpoint, "credentials_in = \"body\"");
    let upstream = upstream_of(&system.url(), ("", &auth), CLIENT, &held()).unwrap();
    assert!(is_accepted(&outcome(&upstream).await));
    let asked = &endpoint.requests()[0];
    assert_eq!(asked.header("authorization"), None);
    let form: Vec<(String, String)> = url::form_urlencoded::parse(&asked.body).into_owned().collect();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        form,
        [
            pair("grant_type", "client_credentials"),
            pair("client_id", "one door"),
            pair("client_secret", CLIENT_SECRET),
        ]
    );
}

#[actix_web::test]
async fn a_token_that_was_revoked_is_replaced_once_by_all_who_find_out() {
    let good = Arc::new(std::sync::Mutex::new(BTreeSet::from(
        ["T1-token-text".to_owned()],
    )));
    let (system, endpoint) = (taking_from(Arc::clone(&good)).await, granting().await);
    let auth = oauth(&endpoint, "");
    let upstream = upstream_of(&system.url(), ("concurrency_max = 64", &auth), CLIENT, &held()).unwrap();
    assert!(is_accepted(&outcome(&upstream).await));
    *good.lock().unwrap() = BTreeSet::from(["T2-token-text".to_owned()]);
    let ended = join_all((0..20).map(|_| outcome(&upstream))).await;
    assert!(ended.iter().all(is_accepted), "{ended:?}");
    assert_eq!(endpoint.requests().len(), 2, "renewed once");
}

#[actix_web::test]
async fn a_token_is_replaced_before_it_expires() {
    let (system, endpoint) = (taking().await, granting().await);
    let (clock, auth) = (held(), oauth(&endpoint, ""));
    let upstream = upstream_of(&system.url(), ("", &auth), CLIENT, &clock).unwrap();
    for (later_s, tokens) in [(0, 1), (3_539, 1), (2, 2)] {
        clock.advance(TimeDelta::seconds(later_s));
        assert!(is_accepted(&outcome(&upstream).await));
        assert_eq!(endpoint.requests().len(), tokens, "{later_s} s later");
    }
}

#[actix_web::test]
async fn a_token_that_the_system_never_takes_holds_the_delivery() {
    let good = Arc::default();
    let (system, endpoint) = (taking_from(good).await, granting().await);
    let auth = oauth(&endpoint, "");
    let upstream = upstream_of(&system.url(), ("", &auth), CLIENT, &held()).unwrap();
    // the first token is fresh: another one would be no better; the second time it is old, and tried once more
    for (requests, tokens) in [(1, 1), (3, 2)] {
        let ended = outcome(&upstream).await;
        let reason = HeldReason::Unauthenticated;
        assert_eq!(ended, UpstreamOutcome::Held { reason });
        assert_eq!(
            (system.requests().len(), endpoint.requests().len()),
            (requests, tokens)
        );
    }
}

#[actix_web::test]
async fn without_a_token_nothing_is_sent_and_the_delivery_waits_for_one() {
    let is_up = Arc::new(AtomicBool::new(false));
    let up = Arc::clone(&is_up);
    let endpoint = Talker::answering(move |_, _| {
        let is_up = up.load(Ordering::SeqCst);
        async move {
            if is_up {
                json(
                    "200 OK",
                    r#"{"access_token":"T-token-text","token_type":"bearer"}"#,
                )
            } else {
                let busy = "HTTP/1.1 503 Service Unavailable\r\nretry-after: 30\r\ncontent-length: 0\r\n\r\n";
                busy.as_bytes().to_vec()
            }
        }
    })
    .await;
    let system = taking().await;
    let auth = oauth(&endpoint, "");
    let upstream = upstream_of(&system.url(), ("concurrency_max = 64", &auth), CLIENT, &held()).unwrap();
    let reason = NotSentReason::NoToken;
    let ended = join_all((0..20).map(|_| outcome(&upstream))).await;
    let retry_after = Some(Duration::from_secs(30));
    assert!(
        ended
            .iter()
            .all(|one| *one == UpstreamOutcome::NotSent { reason, retry_after }),
        "{ended:?}"
    );
    assert_eq!(
        endpoint.requests().len(),
        1,
        "who waited for it gets the same answer"
    );
    assert!(system.requests().is_empty());
    is_up.store(true, Ordering::SeqCst);
    eventually("the next attempt gets a token", PATIENCE, async || {
        is_accepted(&outcome(&upstream).await).then_some(())
    })
    .await;

    let gone = Talker::answering(|_, _| async { Vec::new() }).await;
    let auth = oauth(&gone, "");
    drop(gone);
    let upstream = upstream_of(&system.url(), ("", &auth), CLIENT, &held()).unwrap();
    let retry_after = None;
    assert_eq!(
        outcome(&upstream).await,
        UpstreamOutcome::NotSent { reason, retry_after }
    );
}

#[actix_web::test]
async fn a_token_endpoint_that_refuses_or_leads_away_holds_the_delivery() {
    let elsewhere = granting().await;
    let moved = format!(
        "HTTP/1.1 302 Found\r\nlocation: {}/token\r\ncontent-length: 0\r\n\r\n",
        elsewhere.url()
    );
    let rows = [
        (moved.into_bytes(), HeldReason::Redirected),
        (
            json("400 Bad Request", r#"{"error":"invalid_client"}"#),
            HeldReason::Unauthenticated,
        ),
        (json("401 Unauthorized", "{}"), HeldReason::Unauthenticated),
        (json("404 Not Found", "{}"), HeldReason::NotFound),
        (json("200 OK", "<html>"), HeldReason::Configuration),
        (
            json("200 OK", r#"{"access_token":"a b"}"#),
            HeldReason::Configuration,
        ),
        (
            json("200 OK", r#"{"access_token":"T","token_type":"mac"}"#),
            HeldReason::Configuration,
        ),
    ];
    let system = taking().await;
    for (answer, reason) in rows {
        let endpoint = Talker::answering(move |_, _| std::future::ready(answer.clone())).await;
        let auth = oauth(&endpoint, "");
        let upstream = upstream_of(&system.url(), ("", &auth), CLIENT, &held()).unwrap();
        assert_eq!(outcome(&upstream).await, UpstreamOutcome::Held { reason });
    }
    assert!(
        system.requests().is_empty() && elsewhere.requests().is_empty(),
        "no redirect is followed"
    );
}

/// Whoever is refused while another asks for a token waits no longer than its own time.
#[actix_web::test]
async fn an_attempt_ends_in_its_time_also_while_another_waits_for_the_token_endpoint() {
    // the second token is never granted
    let endpoint = Talker::answering(|number, _| async move {
        if number > 0 {
            std::future::pending::<()>().await;
        }
        json("200 OK", r#"{"access_token":"T-token-text","expires_in":3600}"#)
    })
    .await;
    let opened = Arc::new(Semaphore::new(0));
    let gate = Arc::clone(&opened);
    let system = Talker::answering(move |number, _| {
        let gate = Arc::clone(&gate);
        async move {
            match number {
                0 => json("202 Accepted", TAKEN),
                1 => {
                    gate.acquire().await.unwrap().forget();
                    json("401 Unauthorized", "{}")
                }
                _ => json("401 Unauthorized", "{}"),
            }
        }
    })
    .await;
    let auth = oauth(&endpoint, "");
    let upstream = upstream_of(&system.url(), ("", &auth), CLIENT, &held()).unwrap();
    assert!(is_accepted(&outcome(&upstream).await));
    let begun = Instant::now();
    let early = async {
        let attempt = upstream.driver().send(&submission()).await;
        (attempt.outcome.class(), begun.elapsed())
    };
    let late = async {
        system.heard(2).await;
        // much later than the first, so that its deadline is too
        eventually("half of the first one's time", PATIENCE, async || {
            (begun.elapsed() > Duration::from_millis(1_000)).then_some(())
        })
        .await;
        let asking = async {
            endpoint.heard(2).await;
            opened.add_permits(1);
        };
        let command = submission();
        let (attempt, ()) = tokio::join!(upstream.driver().send(&command), asking);
        (attempt.outcome.class(), begun.elapsed())
    };
    let (early, late) = tokio::join!(early, late);
    assert_eq!((early.0, late.0), (OutcomeClass::NotSent, OutcomeClass::NotSent));
    assert!(late.1 > Duration::from_millis(2_900), "{late:?}");
    assert!(
        early.1 < Duration::from_millis(2_600),
        "{early:?} waited for {late:?}"
    );
}
