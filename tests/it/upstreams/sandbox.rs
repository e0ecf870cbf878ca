//! The sandbox itself: its journal is complete, its checks are its own, and it stops when told.

use std::fs;

use onedoor::upstream::outcome::{OutcomeClass, UpstreamOutcome};
use serde_json::{Value, json};

use super::fixture::{APPLICANT_NAME, Department, submission};

#[actix_web::test]
async fn the_journal_has_a_line_for_each_request_also_in_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("journal.jsonl");
    let path = file.clone();
    let department = Department::open_with(|settings| settings.journal_file = Some(path)).await;
    let upstream = department.upstream("timeout_ms = 300\nconnect_timeout_ms = 100");
    let steps = [
        ("hang", "nothing", Value::Null),
        ("reset", "nothing", Value::Null),
        ("answer", "nothing", json!(500)),
        ("redirect", "nothing", json!(307)),
        ("accept-then-hang", "accepted", Value::Null),
        ("accept-then-answer", "repeated", json!(500)),
        ("normal", "repeated", json!(202)),
    ];
    for (mode, _, _) in &steps {
        department.told(json!({ "mode": mode, "times": 1 })).await;
        upstream.driver().send(&submission()).await;
    }
    upstream.driver().find(&submission()).await;
    let requests = department.requests().await;
    assert_eq!(requests.len(), steps.len() + 1);
    for (line, (mode, did, status)) in requests.iter().zip(&steps) {
        assert_eq!(
            (&line["mode"], &line["did"], &line["status"]),
            (&json!(mode), &json!(did), status)
        );
        assert_eq!(line["our_ref"], submission().case.case_number);
        assert_eq!(line["key"], submission().key);
    }
    assert_eq!(requests[steps.len()]["did"], "answered");
    department.close().await;
    let text = fs::read_to_string(file).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let incoming: Vec<&Value> = lines.iter().filter(|line| line["direction"] == "in").collect();
    assert_eq!(incoming.len(), requests.len());
    assert!(incoming.iter().zip(&requests).all(|(left, right)| *left == right));
    assert!(!text.contains(APPLICANT_NAME), "the journal names the applicant");
}

#[actix_web::test]
async fn without_idempotency_each_request_has_its_own_effect() {
    let department = Department::open_with(|settings| settings.idempotent = false).await;
    let upstream = department.upstream("");
    for _ in 0..3 {
        upstream.driver().send(&submission()).await;
    }
    assert_eq!(department.applications().await.len(), 3);
    department.close().await;
}

#[actix_web::test]
async fn rules_hold_for_their_reference_alone() {
    let department = Department::open().await;
    let upstream = department.upstream("");
    department
        .told(json!({ "mode": "answer", "status": 422, "our_ref": "OTHER" }))
        .await;
    let mut other = submission();
    other.case.case_number = "OTHER".to_owned();
    other.key = "other-key".to_owned();
    assert_eq!(
        upstream.driver().send(&submission()).await.outcome.class(),
        OutcomeClass::Accepted
    );
    assert_eq!(
        upstream.driver().send(&other).await.outcome.class(),
        OutcomeClass::Rejected
    );
    department.close().await;
}

#[actix_web::test]
async fn an_incomplete_application_is_refused_with_a_reason() {
    let department = Department::open().await;
    let upstream = department.upstream("");
    let mut command = submission();
    command.case.applicant.name.clear();
    let attempt = upstream.driver().send(&command).await;
    let UpstreamOutcome::Rejected { code, reason } = attempt.outcome else {
        panic!("{attempt:?}")
    };
    assert_eq!(code.as_deref(), Some("MALFORMED"));
    assert_eq!(reason.as_str(), "缺少 applicant.name");
    department.close().await;
}

#[actix_web::test]
async fn a_stopped_sandbox_is_gone_even_while_requests_hang() {
    let department = Department::open().await;
    department.told(json!({ "mode": "hang" })).await;
    let upstream = department.upstream("timeout_ms = 5_000\nconnect_timeout_ms = 500");
    let command = submission();
    let hanging = upstream.driver().send(&command);
    let stopping = async {
        department.heard(1).await;
        department.close().await;
    };
    let (attempt, ()) = futures_util::future::join(hanging, stopping).await;
    assert_eq!(attempt.outcome.class(), OutcomeClass::Ambiguous, "{attempt:?}");
    let attempt = upstream.driver().send(&command).await;
    assert_eq!(attempt.outcome.class(), OutcomeClass::NotSent, "{attempt:?}");
}
