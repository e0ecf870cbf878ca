//! The department reports back: signed, repeated, doubled, early and out of order, and each is verified and read.

use onedoor::upstream::callback::{CallbackError, NoticeHeaders, VerifiedNotice};
use onedoor::upstream::command::DeliveryCommand;
use onedoor::upstream::fact::{FactKind, UpstreamFact, Verdict};
use onedoor::upstream::registry::Upstream;
use serde_json::json;

use super::fixture::{Department, now, submission};
use super::raw::{RawServer, Request};
use crate::harness::wait::{PATIENCE, eventually};

fn reporting_to(listener: &RawServer) -> DeliveryCommand {
    let mut command = submission();
    command.case.callback_url = Some(format!("{}/callbacks/county-hr", listener.url()));
    command
}

fn verify(upstream: &Upstream, request: &Request) -> Result<VerifiedNotice, CallbackError> {
    let headers = NoticeHeaders {
        id: request.header("webhook-id"),
        timestamp: request.header("webhook-timestamp"),
        signature: request.header("webhook-signature"),
    };
    upstream.verifier().unwrap().verify(headers, &request.body, now())
}

fn facts(upstream: &Upstream, requests: &[Request]) -> Vec<UpstreamFact> {
    let read = |request| upstream.read_notice(&verify(upstream, request).unwrap()).unwrap();
    requests.iter().flat_map(read).collect()
}

fn told(facts: &[UpstreamFact]) -> Vec<(u64, &'static str)> {
    let word = |fact: &UpstreamFact| match &fact.kind {
        FactKind::Received => "received",
        FactKind::Decided {
            verdict: Verdict::Granted,
            ..
        } => "granted",
        FactKind::Decided {
            verdict: Verdict::Denied,
            ..
        } => "denied",
        FactKind::Accepted
        | FactKind::SupplementRequested { .. }
        | FactKind::SpecialBegun { .. }
        | FactKind::SpecialEnded { .. }
        | FactKind::Opinion { .. }
        | FactKind::Completed
        | FactKind::Delivered
        | FactKind::Rejected { .. }
        | FactKind::Withdrawn
        | FactKind::Note { .. } => "other",
    };
    facts
        .iter()
        .map(|fact| (fact.version.unwrap(), word(fact)))
        .collect()
}

/// Tells the department, hands the case over, and waits for so many reports.
async fn reports(rule: serde_json::Value, count: usize) -> Vec<(u64, &'static str)> {
    let (department, listener) = (Department::open().await, RawServer::answering("200 OK", "").await);
    department.told(rule).await;
    let upstream = department.upstream("");
    upstream.driver().send(&reporting_to(&listener)).await;
    let requests = listener.received(count).await;
    let facts = facts(&upstream, &requests);
    department.close().await;
    told(&facts)
}

#[actix_web::test]
async fn a_receipt_and_a_decision_are_reported_in_order() {
    assert_eq!(
        reports(json!({ "mode": "normal" }), 2).await,
        [(1, "received"), (2, "granted")]
    );
    assert_eq!(
        reports(json!({ "mode": "deny" }), 2).await,
        [(1, "received"), (2, "denied")]
    );
}

#[actix_web::test]
async fn reports_come_twice_out_of_order_and_early_when_told() {
    let twice = reports(json!({ "mode": "callback-twice" }), 4).await;
    assert_eq!(
        twice,
        [(1, "received"), (1, "received"), (2, "granted"), (2, "granted")]
    );
    let reversed = reports(json!({ "mode": "callback-out-of-order" }), 2).await;
    assert_eq!(reversed, [(2, "granted"), (1, "received")]);
    assert_eq!(
        reports(json!({ "mode": "callback-early" }), 1).await,
        [(2, "granted")]
    );
}

#[actix_web::test]
async fn an_early_report_overtakes_the_answer_and_is_known_by_our_reference() {
    let (department, listener) = (Department::open().await, RawServer::answering("200 OK", "").await);
    department
        .told(json!({ "mode": "callback-early", "times": 1 }))
        .await;
    let upstream = department.upstream("");
    upstream.driver().send(&reporting_to(&listener)).await;
    // It is here although the driver has only just been answered: no waiting.
    let requests: Vec<Request> = listener
        .requests()
        .iter()
        .map(|bytes| Request::parse(bytes))
        .collect();
    let facts = facts(&upstream, &requests);
    assert_eq!(told(&facts), [(2, "granted")]);
    assert_eq!(
        facts[0].our_reference.as_deref(),
        Some(submission().case.case_number.as_str())
    );
    department.close().await;
}

#[actix_web::test]
async fn a_report_is_repeated_with_the_same_identifier_until_it_is_heard() {
    let department = Department::open().await;
    let deaf = RawServer::answering("503 No", "").await;
    department.told(json!({ "mode": "decide-when-told" })).await;
    let upstream = department.upstream("");
    upstream.driver().send(&reporting_to(&deaf)).await;
    let requests = deaf.received(3).await;
    let ids: Vec<_> = requests
        .iter()
        .map(|request| request.header("webhook-id").unwrap())
        .collect();
    assert!(ids.windows(2).all(|two| two[0] == two[1]), "{ids:?}");
    assert!(
        department
            .callbacks()
            .await
            .iter()
            .all(|line| line["status"] == 503)
    );
    department.close().await;
}

#[actix_web::test]
async fn a_decision_waits_for_the_word_when_told() {
    let (department, listener) = (Department::open().await, RawServer::answering("200 OK", "").await);
    department.told(json!({ "mode": "decide-when-told" })).await;
    let upstream = department.upstream("");
    upstream.driver().send(&reporting_to(&listener)).await;
    listener.received(1).await;
    let order =
        json!({ "our_ref": submission().case.case_number, "result": "DENIED", "opinion": "材料不符" });
    let event = department.decide(order).await;
    assert_eq!(event["kind"], "DECIDED");
    let facts = facts(&upstream, &listener.received(2).await);
    assert_eq!(told(&facts), [(1, "received"), (2, "denied")]);
    let FactKind::Decided { opinion, .. } = &facts[1].kind else {
        panic!("{facts:?}")
    };
    assert_eq!(opinion.as_str(), "材料不符");
    department.close().await;
}

#[actix_web::test]
async fn silence_leaves_the_decision_to_be_asked_for() {
    let (department, listener) = (Department::open().await, RawServer::answering("200 OK", "").await);
    department.told(json!({ "mode": "callback-never" })).await;
    let upstream = department.upstream("");
    let command = reporting_to(&listener);
    upstream.driver().send(&command).await;
    eventually("the decision", PATIENCE, async || {
        let asked = upstream.driver().find(&command).await;
        let onedoor::upstream::outcome::Finding::Found(found) = asked.finding else {
            return None;
        };
        (told(&found.facts) == [(2, "granted")]).then_some(())
    })
    .await;
    assert!(listener.requests().is_empty());
    department.close().await;
}

#[actix_web::test]
async fn an_altered_report_is_not_believed() {
    let (department, listener) = (Department::open().await, RawServer::answering("200 OK", "").await);
    let upstream = department.upstream("");
    upstream.driver().send(&reporting_to(&listener)).await;
    let mut request = listener.received(2).await.remove(1);
    assert!(verify(&upstream, &request).is_ok());
    let text = String::from_utf8(request.body.clone()).unwrap();
    request.body = text.replace("APPROVED", "DENIED").into_bytes();
    assert_ne!(text.as_bytes(), request.body);
    assert_eq!(
        verify(&upstream, &request).err(),
        Some(CallbackError::SignatureMismatch)
    );
    department.close().await;
}
