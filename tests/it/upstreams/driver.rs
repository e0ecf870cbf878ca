//! What the driver makes of a department that answers in every possible way.

use std::time::{Duration, Instant};

use aws_lc_rs::hmac;
use onedoor::secret::Redacted;
use onedoor::upstream::outcome::{
    Ambiguity, Finding, HeldReason, NotSentReason, OutcomeClass, UpstreamOutcome,
};
use onedoor::upstream::signing::{NoticeKey, signed_content};
use serde_json::{Value, json};

use super::fixture::{BEARER, CALLBACK_SECRET, CASE_NUMBER, Department, submission, try_upstream, upstream};
use super::raw::{Play, RawServer};
use crate::harness::wait::{PATIENCE, eventually};

#[actix_web::test]
async fn a_case_is_taken_over_under_the_upstreams_number() {
    let department = Department::open().await;
    let upstream = department.upstream("");
    let attempt = upstream.driver().send(&submission()).await;
    let UpstreamOutcome::Accepted(acceptance) = &attempt.outcome else {
        panic!("{attempt:?}")
    };
    assert!(acceptance.awaits_callback);
    assert_eq!(attempt.http_status, Some(202));
    let applications = department.applications().await;
    assert_eq!(applications.len(), 1);
    assert_eq!(applications[0]["serial_no"], acceptance.external_id.as_str());
    assert_eq!(applications[0]["our_ref"], CASE_NUMBER);
    let requests = department.requests().await;
    assert_eq!(requests[0]["key"], submission().key);
    department.close().await;
}

/// P7: one effect however often and however it was cut.
#[actix_web::test]
async fn the_same_key_has_one_effect_however_often_the_answer_is_lost() {
    let department = Department::open().await;
    let upstream = department.upstream("timeout_ms = 500\nconnect_timeout_ms = 200");
    for mode in [
        "accept-then-hang",
        "accept-then-reset",
        "accept-then-answer",
        "truncated",
    ] {
        department.told(json!({ "mode": mode, "times": 1 })).await;
        let attempt = upstream.driver().send(&submission()).await;
        assert_eq!(
            attempt.outcome.class(),
            OutcomeClass::Ambiguous,
            "{mode}: {attempt:?}"
        );
    }
    let mut again = submission();
    again.attempt = 5;
    let attempt = upstream.driver().send(&again).await;
    assert_eq!(attempt.outcome.class(), OutcomeClass::Accepted, "{attempt:?}");
    let applications = department.applications().await;
    assert_eq!(applications.len(), 1);
    assert_eq!(applications[0]["effects"], 1);
    department.close().await;
}

/// P8: whatever happens to a request, the driver sends it once.
#[actix_web::test]
async fn the_driver_itself_never_repeats_a_request() {
    let department = Department::open_with(|settings| settings.idempotent = false).await;
    let upstream =
        department.upstream("timeout_ms = 300\nconnect_timeout_ms = 100\n[breaker]\nfailures = 1000");
    let modes = [
        "hang",
        "reset",
        "accept-then-hang",
        "accept-then-reset",
        "accept-then-answer",
        "garbage",
    ];
    for (index, mode) in modes.into_iter().enumerate() {
        department.told(json!({ "mode": mode, "times": 1 })).await;
        let attempt = upstream.driver().send(&submission()).await;
        assert_eq!(
            attempt.outcome.class(),
            OutcomeClass::Ambiguous,
            "{mode}: {attempt:?}"
        );
        assert_eq!(department.requests().await.len(), index + 1, "{mode}");
    }
    department.close().await;
}

#[actix_web::test]
async fn each_status_has_its_outcome_on_the_wire() {
    let department = Department::open().await;
    let upstream = department.upstream("[breaker]\nfailures = 1000");
    let rows = [
        (500, None, "AMBIGUOUS SERVER_ERROR"),
        (503, None, "AMBIGUOUS SERVER_ERROR"),
        (503, Some(9), "RETRYABLE "),
        (429, Some(9), "RETRYABLE "),
        (429, None, "RETRYABLE "),
        (408, None, "AMBIGUOUS REQUEST_TIMEOUT"),
        (400, None, "REJECTED "),
        (409, None, "REJECTED "),
        (410, None, "REJECTED "),
        (422, None, "REJECTED "),
        (401, None, "HELD UNAUTHENTICATED"),
        (403, None, "HELD FORBIDDEN"),
        (404, None, "HELD NOT_FOUND"),
        (413, None, "HELD REFUSED"),
    ];
    for (status, retry_after_s, expected) in rows {
        let rule = json!({ "mode": "answer", "times": 1, "status": status, "retry_after_s": retry_after_s });
        department.told(rule).await;
        let attempt = upstream.driver().send(&submission()).await;
        let found = format!(
            "{} {}",
            attempt.outcome.class().as_str(),
            attempt.outcome.reason()
        );
        assert_eq!(found, expected, "{status}");
        assert_eq!(attempt.http_status, Some(status));
        if let UpstreamOutcome::Retryable { retry_after } = attempt.outcome {
            assert_eq!(retry_after, retry_after_s.map(Duration::from_secs));
        }
    }
    department.close().await;
}

#[actix_web::test]
async fn unreadable_answers_leave_it_open_whether_the_upstream_acted() {
    let department = Department::open().await;
    let upstream = department.upstream("[breaker]\nfailures = 1000");
    let rows = [
        ("garbage", Ambiguity::Unreadable),
        ("truncated", Ambiguity::Truncated),
        ("huge", Ambiguity::TooLong),
        ("wrong-charset", Ambiguity::Unreadable),
        ("reset", Ambiguity::ConnectionLost),
        ("accept-then-reset", Ambiguity::ConnectionLost),
    ];
    for (mode, reason) in rows {
        department.told(json!({ "mode": mode, "times": 1 })).await;
        let attempt = upstream.driver().send(&submission()).await;
        assert_eq!(attempt.outcome, UpstreamOutcome::Ambiguous { reason }, "{mode}");
        assert!(attempt.bytes <= 1_000_000, "{mode}");
    }
    department.close().await;
}

#[actix_web::test]
async fn nothing_is_sent_where_nobody_listens() {
    let gone = RawServer::playing(Play::Silence).await.url();
    for (url, expected) in [
        (gone.as_str(), NotSentReason::NoConnection),
        ("http://upstream.invalid/", NotSentReason::NoAddress),
    ] {
        let attempt = upstream(url, "").driver().send(&submission()).await;
        assert_eq!(
            attempt.outcome,
            UpstreamOutcome::NotSent {
                reason: expected,
                retry_after: None
            },
            "{url}"
        );
    }
}

#[actix_web::test]
async fn tls_with_a_stranger_is_not_sent() {
    let plain = RawServer::answering("200 OK", "{}").await;
    let upstream = upstream(&plain.url().replace("http://", "https://"), "");
    // A plain server waits for an end of the head that a TLS greeting does not have.
    let attempt = upstream.driver().send(&submission()).await;
    assert_eq!(attempt.outcome.class(), OutcomeClass::NotSent, "{attempt:?}");
}

#[actix_web::test]
async fn a_failing_upstream_is_rested_and_found_well_by_one_probe() {
    let department = Department::open().await;
    let upstream = department.upstream("[breaker]\nfailures = 3\nrest_ms = 300");
    department
        .told(json!({ "mode": "answer", "status": 500, "times": 3 }))
        .await;
    for _ in 0..3 {
        upstream.driver().send(&submission()).await;
    }
    let attempt = upstream.driver().send(&submission()).await;
    let UpstreamOutcome::NotSent {
        reason: NotSentReason::CircuitOpen,
        retry_after: Some(rest),
    } = attempt.outcome
    else {
        panic!("{attempt:?}")
    };
    assert!(rest <= Duration::from_millis(300));
    assert_eq!(
        department.requests().await.len(),
        3,
        "a resting upstream hears nothing"
    );
    eventually("the probe", PATIENCE, async || {
        let attempt = upstream.driver().send(&submission()).await;
        (attempt.outcome.class() == OutcomeClass::Accepted).then_some(())
    })
    .await;
    assert_eq!(department.requests().await.len(), 4);
    department.close().await;
}

#[actix_web::test]
async fn a_full_upstream_lets_nobody_wait_longer_than_for_a_connection() {
    let department = Department::open().await;
    let upstream = department.upstream("concurrency_max = 1");
    department.told(json!({ "mode": "hang" })).await;
    let command = submission();
    let first = upstream.driver().send(&command);
    let second = async {
        department.heard(1).await;
        let begun = Instant::now();
        (upstream.driver().send(&command).await, begun.elapsed())
    };
    let (first, (second, waited)) = futures_util::future::join(first, second).await;
    assert_eq!(
        first.outcome,
        UpstreamOutcome::Ambiguous {
            reason: Ambiguity::Timeout
        }
    );
    let busy = UpstreamOutcome::NotSent {
        reason: NotSentReason::Busy,
        retry_after: None,
    };
    assert_eq!(second.outcome, busy);
    assert!(waited < Duration::from_secs(2), "{waited:?}");
    department.close().await;
}

/// P10: each upstream has its own places, so that a black hole fills only its own.
#[actix_web::test]
async fn a_dead_upstream_slows_nobody_else() {
    let (dead, well) = (Department::open().await, Department::open().await);
    dead.told(json!({ "mode": "hang" })).await;
    let (to_dead, to_well) = (dead.upstream("concurrency_max = 2"), well.upstream(""));
    let command = submission();
    let stuck = futures_util::future::join_all((0..4).map(|_| to_dead.driver().send(&command)));
    let quick = async {
        dead.heard(2).await;
        let mut slowest = Duration::ZERO;
        for _ in 0..20 {
            let attempt = to_well.driver().send(&command).await;
            assert_eq!(attempt.outcome.class(), OutcomeClass::Accepted);
            slowest = slowest.max(attempt.elapsed);
        }
        slowest
    };
    let (stuck, slowest) = futures_util::future::join(stuck, quick).await;
    assert!(
        stuck
            .iter()
            .all(|attempt| attempt.outcome.class() != OutcomeClass::Accepted)
    );
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    dead.close().await;
    well.close().await;
}

#[actix_web::test]
async fn requests_prove_who_sends_them() {
    let server = RawServer::answering("202 Accepted", r#"{"serial_no":"1"}"#).await;
    upstream(&server.url(), "").driver().send(&submission()).await;
    let request = server.received(1).await.remove(0);
    assert_eq!(request.header("authorization"), Some("Bearer demo-token"));
    assert_eq!(request.header("idempotency-key"), Some(submission().key.as_str()));
    let id = request.header("webhook-id").unwrap();
    let time = request.header("webhook-timestamp").unwrap().parse().unwrap();
    let key = NoticeKey::parse(&Redacted::new(CALLBACK_SECRET.to_owned())).unwrap();
    let signature = request.header("webhook-signature").unwrap();
    assert!(key.verifies(&signed_content(id, time, &request.body), signature));
}

#[actix_web::test]
async fn a_secret_in_the_body_is_sealed_by_every_signature() {
    let server = RawServer::answering("202 Accepted", r#"{"serial_no":"1"}"#).await;
    let more = r#"
        [auth.body]
        field = "RequestInfo.authToken"
        secret = { env = "BEARER" }
        [auth.hmac]
        secret = { env = "SECRET" }
        header = "x-signature"
        canonical = "{body}"
    "#;
    upstream(&server.url(), more).driver().send(&submission()).await;
    let request = server.received(1).await.remove(0);
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(body["RequestInfo"], json!({ "authToken": BEARER }));
    assert_eq!(body["our_ref"], submission().case.case_number);
    let length = request.header("content-length").unwrap();
    assert_eq!(length, request.body.len().to_string());

    let id = request.header("webhook-id").unwrap();
    let time = request.header("webhook-timestamp").unwrap().parse().unwrap();
    let key = NoticeKey::parse(&Redacted::new(CALLBACK_SECRET.to_owned())).unwrap();
    let signature = request.header("webhook-signature").unwrap();
    assert!(key.verifies(&signed_content(id, time, &request.body), signature));

    let key = hmac::Key::new(hmac::HMAC_SHA256, CALLBACK_SECRET.as_bytes());
    let tag = hmac::sign(&key, &request.body);
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(request.header("x-signature"), Some(hex.as_str()));
}

#[actix_web::test]
async fn a_body_that_cannot_hold_its_secret_never_leaves() {
    let server = RawServer::answering("202 Accepted", r#"{"serial_no":"1"}"#).await;
    let taken = "[auth.body]\nfield = \"our_ref\"\nsecret = { env = \"BEARER\" }";
    let upstream = upstream(&server.url(), taken);
    let attempt = upstream.driver().send(&submission()).await;
    assert_eq!(
        attempt.outcome,
        UpstreamOutcome::Held {
            reason: HeldReason::NotEncodable
        }
    );
    // a question has no body, needs none, and is the first that arrives
    upstream.driver().find(&submission()).await;
    let request = server.received(1).await.remove(0);
    assert!(request.line.starts_with("GET "), "{}", request.line);
    assert!(!request.line.contains(BEARER));
}

#[actix_web::test]
async fn a_question_tells_whether_the_case_arrived() {
    let department = Department::open().await;
    let upstream = department.upstream("timeout_ms = 500\nconnect_timeout_ms = 200");
    let driver = upstream.driver();
    let asked = driver.find(&submission()).await;
    assert_eq!(asked.finding, Finding::Absent);
    department
        .told(json!({ "mode": "accept-then-hang", "times": 1 }))
        .await;
    driver.send(&submission()).await;
    let asked = driver.find(&submission()).await;
    let Finding::Found(acceptance) = asked.finding else {
        panic!("{asked:?}")
    };
    let applications = department.applications().await;
    assert_eq!(applications[0]["serial_no"], acceptance.external_id.as_str());

    department
        .told(json!({ "mode": "answer", "status": 401, "times": 1, "on": "query" }))
        .await;
    let held = Finding::Held {
        reason: HeldReason::Unauthenticated,
    };
    assert_eq!(driver.find(&submission()).await.finding, held);
    department
        .told(json!({ "mode": "hang", "times": 1, "on": "query" }))
        .await;
    let unanswered = Finding::Unanswered {
        class: OutcomeClass::Ambiguous,
        retry_after: None,
    };
    assert_eq!(driver.find(&submission()).await.finding, unanswered);
    department.close().await;
}

#[actix_web::test]
async fn a_case_is_handed_over_again_and_withdrawn_under_its_number() {
    let department = Department::open().await;
    let upstream = department.upstream("");
    let mut command = submission();
    let attempt = upstream.driver().send(&command).await;
    let UpstreamOutcome::Accepted(acceptance) = attempt.outcome else {
        panic!("{attempt:?}")
    };
    let operations = [
        (
            onedoor::upstream::command::Operation::Transition,
            "second-key",
            "RECEIVED",
            2,
        ),
        (
            onedoor::upstream::command::Operation::Withdraw,
            "third-key",
            "WITHDRAWN",
            2,
        ),
    ];
    for (operation, key, state, effects) in operations {
        command.operation = operation;
        command.key = key.to_owned();
        command.external_id = Some(acceptance.external_id.clone());
        let attempt = upstream.driver().send(&command).await;
        assert_eq!(attempt.outcome.class(), OutcomeClass::Accepted, "{attempt:?}");
        let applications = department.applications().await;
        assert_eq!(applications.len(), 1);
        assert_eq!(applications[0]["effects"], effects);
        assert_eq!(applications[0]["state"], state);
    }
    command.external_id = None;
    let attempt = upstream.driver().send(&command).await;
    assert_eq!(
        attempt.outcome,
        UpstreamOutcome::Held {
            reason: HeldReason::NotEncodable
        }
    );
    department.close().await;
}

#[actix_web::test]
async fn wrong_credentials_hold_the_upstream() {
    let department = Department::open_with(|settings| {
        settings.bearer_token = Redacted::new("another-token".to_owned());
    })
    .await;
    let upstream = department.upstream("");
    let attempt = upstream.driver().send(&submission()).await;
    assert_eq!(
        attempt.outcome,
        UpstreamOutcome::Held {
            reason: HeldReason::Unauthenticated
        }
    );
    assert!(department.applications().await.is_empty());
    department.close().await;
}

#[actix_web::test]
async fn an_upstream_on_loopback_needs_its_allow_list() {
    let server = RawServer::answering("202 Accepted", r#"{"serial_no":"1"}"#).await;
    let faults = try_upstream(&server.url(), "", "").unwrap_err();
    assert_eq!(faults[0].path, "upstreams.county-hr.base_url");
}

/// A connection that the other side closed while it was idle: nobody can know whether the request was read.
#[actix_web::test]
async fn a_stale_connection_leaves_it_open_and_is_not_retried() {
    let body = r#"{"serial_no":"1"}"#;
    let first = format!(
        "HTTP/1.1 202 Accepted\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let server = RawServer::playing(Play::AnswerOnce(first.into_bytes())).await;
    let upstream = upstream(&server.url(), "");
    let attempt = upstream.driver().send(&submission()).await;
    assert_eq!(attempt.outcome.class(), OutcomeClass::Accepted, "{attempt:?}");
    let attempt = upstream.driver().send(&submission()).await;
    assert_eq!(
        attempt.outcome,
        UpstreamOutcome::Ambiguous {
            reason: Ambiguity::ConnectionLost
        }
    );
    assert_eq!(server.requests().len(), 2);
}
