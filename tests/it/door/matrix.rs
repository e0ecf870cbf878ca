//! Every root field × every kind of actor: what the policy says is what the gateway does (P25).

use std::collections::BTreeSet;

use onedoor_domain::actor::ActorKind;
use onedoor_domain::policy::{Scope, act_of_field, grant};
use serde_json::json;
use uuid::Uuid;

use super::journey::{CENTER, COUNTY, STATION};
use crate::contract::sdl::Contract;
use crate::harness::app::{MONDAY_AT_TEN, TestApp};
use crate::harness::events;
use crate::harness::gql::Gql;
use crate::harness::story::story;

/// Each root field with the least it must be asked with. CASE, HANDOFF and KEY become fresh ids of things that do not
/// exist: whoever may ask at all is told that, and nobody else.
const ASKED: &[(&str, &str, &str)] = &[
    ("Query", "viewer", "viewer { kind }"),
    ("Query", "serviceItems", "serviceItems(first: 1) { totalCount }"),
    (
        "Query",
        "serviceItem",
        r#"serviceItem(by: { code: "senior-card" }) { id }"#,
    ),
    ("Query", "divisions", "divisions(first: 1) { totalCount }"),
    (
        "Query",
        "division",
        r#"division(by: { code: "340300000000" }) { id }"#,
    ),
    ("Query", "organizations", "organizations(first: 1) { totalCount }"),
    (
        "Query",
        "organization",
        r#"organization(by: { code: "BB-MCA" }) { id }"#,
    ),
    ("Query", "calendar", "calendar { number }"),
    ("Query", "satisfaction", "satisfaction { total { evaluated } }"),
    ("Query", "node", r#"node(id: "CASE") { id }"#),
    ("Query", "nodes", r#"nodes(ids: ["CASE"]) { id }"#),
    (
        "Query",
        "trackCase",
        r#"trackCase(trackingCode: "none", secret: "none") { id }"#,
    ),
    (
        "Query",
        "verifyReceipt",
        r#"verifyReceipt(by: { id: "none" }) { verdict }"#,
    ),
    ("Query", "case", r#"case(by: { id: "CASE" }) { id }"#),
    ("Query", "cases", "cases(first: 1) { totalCount }"),
    ("Query", "handoffs", "handoffs(first: 1) { counts { count } }"),
    ("Query", "cards", "cards(first: 1) { totalCount }"),
    ("Query", "changesSince", "changesSince { cursor }"),
    ("Query", "upstreams", "upstreams { name }"),
    ("Query", "kiosks", "kiosks(first: 1) { totalCount }"),
    ("Query", "accessRecords", "accessRecords(first: 1) { totalCount }"),
    ("Query", "deliveries", "deliveries(first: 1) { totalCount }"),
    (
        "Query",
        "reconciliations",
        "reconciliations(first: 1) { nodes { id } }",
    ),
    (
        "Query",
        "openDifferences",
        "openDifferences(first: 1) { totalCount }",
    ),
    ("Query", "auditLog", "auditLog(first: 1) { nodes { id } }"),
    ("Query", "revocations", "revocations(first: 1) { nodes { id } }"),
    (
        "Mutation",
        "revokeAccess",
        r#"revokeAccess(input: { idempotencyKey: "KEY", access: { subject: "" }, reason: OTHER }) { userErrors { code } }"#,
    ),
    (
        "Mutation",
        "restoreAccess",
        r#"restoreAccess(input: { idempotencyKey: "KEY", revocation: "REVOCATION" }) { userErrors { code } }"#,
    ),
    (
        "Mutation",
        "saveDraft",
        r#"saveDraft(input: { idempotencyKey: "KEY", serviceItem: "senior-card", content: {} }) { userErrors { code } }"#,
    ),
    (
        "Mutation",
        "submitCase",
        r#"submitCase(input: { idempotencyKey: "KEY", serviceItem: "none", form: {},
            applicant: { kind: PERSON, name: "无名", idType: OTHER } }) { userErrors { code } }"#,
    ),
    (
        "Mutation",
        "createUploadTicket",
        r#"createUploadTicket(input: { case: "CASE", idempotencyKey: "KEY", material: "id", fileName: "a.pdf",
            mediaType: "application/pdf", sizeBytes: 1 }) { userErrors { code } }"#,
    ),
    (
        "Mutation",
        "createDownloadTicket",
        r#"createDownloadTicket(input: { document: "document_00000000000000000000000000000007", idempotencyKey: "KEY" }) {
            userErrors { code } }"#,
    ),
    (
        "Mutation",
        "acceptCase",
        r#"acceptCase(input: { case: "CASE", idempotencyKey: "KEY", expectedVersion: 1 }) { userErrors { code } }"#,
    ),
    (
        "Mutation",
        "handOff",
        r#"handOff(input: { case: "CASE", idempotencyKey: "KEY", expectedVersion: 1 }) { userErrors { code } }"#,
    ),
    (
        "Mutation",
        "acknowledgeHandoff",
        r#"acknowledgeHandoff(input: { case: "CASE", handoff: "HANDOFF", idempotencyKey: "KEY", expectedVersion: 1 }) {
            userErrors { code } }"#,
    ),
    (
        "Mutation",
        "refuseHandoff",
        r#"refuseHandoff(input: { case: "CASE", handoff: "HANDOFF", idempotencyKey: "KEY", expectedVersion: 1,
            reason: DUPLICATE, text: "t" }) { userErrors { code } }"#,
    ),
    (
        "Mutation",
        "recallHandoff",
        r#"recallHandoff(input: { case: "CASE", handoff: "HANDOFF", idempotencyKey: "KEY", expectedVersion: 1 }) {
            userErrors { code } }"#,
    ),
    (
        "Mutation",
        "finishHandoff",
        r#"finishHandoff(input: { case: "CASE", handoff: "HANDOFF", idempotencyKey: "KEY", expectedVersion: 1 }) {
            userErrors { code } }"#,
    ),
    (
        "Mutation",
        "decideCase",
        r#"decideCase(input: { case: "CASE", idempotencyKey: "KEY", expectedVersion: 1, decision: GRANTED }) {
            userErrors { code } }"#,
    ),
    (
        "Mutation",
        "deliverResult",
        r#"deliverResult(input: { case: "CASE", idempotencyKey: "KEY", expectedVersion: 1 }) { userErrors { code } }"#,
    ),
    (
        "Mutation",
        "remindHolder",
        r#"remindHolder(input: { case: "CASE", idempotencyKey: "KEY" }) { userErrors { code } }"#,
    ),
    (
        "Mutation",
        "issueSupervisionOrder",
        r#"issueSupervisionOrder(input: { case: "CASE", idempotencyKey: "KEY", expectedVersion: 1, text: "x",
            limit: { value: 3, unit: WORKING_DAY } }) { userErrors { code } }"#,
    ),
    (
        "Mutation",
        "answerSupervisionOrder",
        r#"answerSupervisionOrder(input: { case: "CASE", idempotencyKey: "KEY", expectedVersion: 1, text: "x",
            order: "ORDER" }) { userErrors { code } }"#,
    ),
    (
        "Mutation",
        "issueCard",
        r#"issueCard(input: { case: "CASE", idempotencyKey: "KEY", expectedVersion: 1, text: "x", to: "OFFICE",
            reason: NO_REASON }) { userErrors { code } }"#,
    ),
    (
        "Mutation",
        "appealCard",
        r#"appealCard(input: { case: "CASE", idempotencyKey: "KEY", expectedVersion: 1, reason: "x",
            card: "CARD" }) { userErrors { code } }"#,
    ),
    (
        "Mutation",
        "cancelCard",
        r#"cancelCard(input: { case: "CASE", idempotencyKey: "KEY", expectedVersion: 1, reason: "x",
            card: "CARD" }) { userErrors { code } }"#,
    ),
    (
        "Mutation",
        "checkGridEvent",
        r#"checkGridEvent(input: { case: "CASE", idempotencyKey: "KEY", expectedVersion: 1, result: PASS }) {
            userErrors { code } }"#,
    ),
    (
        "Mutation",
        "reopenCase",
        r#"reopenCase(input: { case: "CASE", idempotencyKey: "KEY", expectedVersion: 1, reason: "r" }) {
            userErrors { code } }"#,
    ),
    (
        "Mutation",
        "evaluateCase",
        r#"evaluateCase(input: { case: "CASE", idempotencyKey: "KEY", grade: SATISFIED }) { userErrors { code } }"#,
    ),
    (
        "Mutation",
        "evaluateHandoff",
        r#"evaluateHandoff(input: { case: "CASE", handoff: "HANDOFF", idempotencyKey: "KEY", grade: SATISFIED }) {
            userErrors { code } }"#,
    ),
    (
        "Mutation",
        "answerEvaluation",
        r#"answerEvaluation(input: { case: "CASE", idempotencyKey: "KEY", answer: CONTACT }) { userErrors { code } }"#,
    ),
    (
        "Mutation",
        "declineCase",
        r#"declineCase(input: { case: "CASE", idempotencyKey: "KEY", expectedVersion: 1, ground: REFUSED }) { userErrors { code } }"#,
    ),
    (
        "Mutation",
        "requestSupplement",
        r#"requestSupplement(input: { case: "CASE", idempotencyKey: "KEY", expectedVersion: 1 }) { userErrors { code } }"#,
    ),
    (
        "Mutation",
        "supplementCase",
        r#"supplementCase(input: { case: "CASE", idempotencyKey: "KEY", expectedVersion: 1 }) { userErrors { code } }"#,
    ),
    (
        "Mutation",
        "withdrawCase",
        r#"withdrawCase(input: { case: "CASE", idempotencyKey: "KEY", expectedVersion: 1 }) { userErrors { code } }"#,
    ),
    (
        "Mutation",
        "beginSpecialProcedure",
        r#"beginSpecialProcedure(input: { case: "CASE", idempotencyKey: "KEY", expectedVersion: 1, reason: "r" }) { userErrors { code } }"#,
    ),
    (
        "Mutation",
        "endSpecialProcedure",
        r#"endSpecialProcedure(input: { case: "CASE", idempotencyKey: "KEY", expectedVersion: 1 }) { userErrors { code } }"#,
    ),
    (
        "Mutation",
        "extendCase",
        r#"extendCase(input: { case: "CASE", idempotencyKey: "KEY", expectedVersion: 1, workingDays: 1, reason: "r" }) { userErrors { code } }"#,
    ),
    (
        "Mutation",
        "voidCase",
        r#"voidCase(input: { case: "CASE", idempotencyKey: "KEY", expectedVersion: 1, reason: "r" }) { userErrors { code } }"#,
    ),
    (
        "Mutation",
        "redeliver",
        r#"redeliver(input: { delivery: "DELIVERY", idempotencyKey: "KEY", expectedVersion: 1 }) { userErrors { code } }"#,
    ),
    (
        "Mutation",
        "resolveUncertainDelivery",
        r#"resolveUncertainDelivery(input: { delivery: "DELIVERY", idempotencyKey: "KEY", expectedVersion: 1,
            resolution: NOT_TAKEN }) { userErrors { code } }"#,
    ),
    (
        "Mutation",
        "reconcileUpstream",
        r#"reconcileUpstream(input: { upstream: "none", idempotencyKey: "KEY" }) { userErrors { code } }"#,
    ),
    (
        "Mutation",
        "enrollKiosk",
        r#"enrollKiosk(input: { idempotencyKey: "KEY" }) { userErrors { code } }"#,
    ),
    (
        "Mutation",
        "revokeKiosk",
        r#"revokeKiosk(input: { kiosk: "KIOSK", idempotencyKey: "KEY" }) { userErrors { code } }"#,
    ),
    (
        "Mutation",
        "syncKiosk",
        r#"syncKiosk(input: { deviceTime: "2026-03-02T02:00:00Z", items: [] }) { userErrors { code } }"#,
    ),
    (
        "Mutation",
        "revealPersonalData",
        r#"revealPersonalData(input: { case: "CASE", purpose: VERIFY_IDENTITY, fields: [NAME], idempotencyKey: "KEY" }) {
            userErrors { code } }"#,
    ),
    (
        "Mutation",
        "findCasesByApplicant",
        r#"findCasesByApplicant(input: { idNumber: "1", purpose: VERIFY_IDENTITY, idempotencyKey: "KEY" }) {
            userErrors { code } }"#,
    ),
    (
        "Subscription",
        "caseChanged",
        r#"caseChanged(id: "CASE") { case { id } }"#,
    ),
    ("Subscription", "handoffsChanged", "handoffsChanged { at }"),
];

fn document(root: &str, field: &str) -> String {
    format!("{} {{ {} }}", root.to_lowercase(), asked(root, field))
}

/// A root field with the least it must be asked with, of things that do not exist.
fn asked(root: &str, field: &str) -> String {
    let fresh = |prefix: &str| format!("{prefix}_{}", Uuid::now_v7().simple());
    let (_, _, asked) = ASKED
        .iter()
        .find(|(its_root, its_field, _)| *its_root == root && *its_field == field)
        .unwrap();
    asked
        .replace("CASE", &fresh("case"))
        .replace("HANDOFF", &fresh("handoff"))
        .replace("CARD", &fresh("card"))
        .replace("DELIVERY", &fresh("delivery"))
        .replace("ORDER", &fresh("order"))
        .replace("OFFICE", &fresh("organization"))
        .replace("KIOSK", &fresh("kiosk"))
        .replace("REVOCATION", &fresh("revocation"))
        .replace("KEY", &Uuid::now_v7().to_string())
}

/// The same without what is selected of it.
pub(super) fn arguments_of(root: &str, field: &str) -> String {
    let asked = asked(root, field);
    match asked.rfind(')') {
        Some(end) => asked[..=end].to_owned(),
        None => field.to_owned(),
    }
}

pub(super) fn everybody(app: &TestApp) -> Vec<(ActorKind, Gql)> {
    let anybody = app.anybody();
    let bearing = |token: String| anybody.bearing(&token);
    vec![
        (ActorKind::Anonymous, anybody.clone()),
        (ActorKind::Citizen, bearing(app.actors.citizen("a-resident"))),
        (ActorKind::Kiosk, app.kiosk(STATION)),
        (ActorKind::Clerk, app.clerk(CENTER)),
        (ActorKind::Officer, app.officer(CENTER)),
        (ActorKind::Supervisor, app.supervisor(COUNTY)),
        (ActorKind::Auditor, bearing(app.actors.auditor())),
        (ActorKind::SystemAdmin, bearing(app.actors.admin())),
        (ActorKind::SecurityAdmin, bearing(app.actors.security_admin())),
        (ActorKind::AuditAdmin, bearing(app.actors.audit_admin())),
    ]
}

#[test]
fn every_root_field_of_the_schema_is_asked() {
    let contract = Contract::of_this_build();
    let schema: BTreeSet<String> = contract
        .root_fields()
        .into_iter()
        .map(|(root, field)| format!("{root}.{}", field.name.node))
        .collect();
    let asked: BTreeSet<String> = ASKED
        .iter()
        .map(|(root, field, _)| format!("{root}.{field}"))
        .collect();
    assert_eq!(schema, asked, "a new root field gets a line in ASKED");
}

story!(
    /// The policy table, cell by cell, over real HTTP.
    nobody_asks_what_is_not_for_their_role_and_everybody_else_may,
    async |world| {
        let clock = onedoor::clock::HeldClock::at(MONDAY_AT_TEN.parse().unwrap());
        // a silent stream says so soon
        let settings = [("ONEDOOR__WEBSOCKET__PING_INTERVAL_MS", "200")];
        let app = TestApp::start_with(world, clock, &settings).await;
        let mut faults = Vec::new();
        for (kind, caller) in everybody(&app) {
            for (root, field, _) in ASKED {
                let document = document(root, field);
                let codes = if *root == "Subscription" {
                    events::first_codes(&caller, &document).await
                } else {
                    let answer = caller.ask(&document, json!({})).await;
                    assert!(answer.status < 500, "{field}: {}", answer.body);
                    answer.codes().into_iter().map(str::to_owned).collect()
                };
                let never = grant(act_of_field(root, field).unwrap(), kind).scope == Scope::Never;
                let refusal = if kind == ActorKind::Anonymous {
                    "UNAUTHENTICATED"
                } else {
                    "FORBIDDEN"
                };
                let refused = codes.iter().any(|code| code == "FORBIDDEN" || code == "UNAUTHENTICATED");
                let as_told = if never { codes == [refusal] } else { !refused };
                if !as_told {
                    faults.push(format!("{kind:?} asks {field}: {codes:?}, never is {never}"));
                }
            }
        }
        assert!(faults.is_empty(), "{}", faults.join("\n"));
        app.stop(world).await;
    }
);
