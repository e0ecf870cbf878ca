//! Every text that can be reached from a case, by every reader and every way, shows its person masked (P27).
//!
//! The questions are made from the schema, so that a field of tomorrow is asked today. The one way to see more is
//! `revealPersonalData`, which has stories of its own.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use uuid::Uuid;

use super::journey::{self, COUNTY, Hands};
use super::looking::{hands, look, number, on_the_desk, reveal};
use crate::contract::sdl::{Contract, bottom};
use crate::harness::app::{MONDAY_AT_TEN, TestApp};
use crate::harness::events::Events;
use crate::harness::gql::Gql;
use crate::harness::people::{self, FARMER, NEIGHBOUR};
use crate::harness::story::story;

/// How deep a type is asked; no type is asked within itself.
const DEPTH: usize = 6;

/// Public reference data: what they hold themselves is asked, and nothing behind it.
const REFERENCE: [&str; 3] = ["Division", "Organization", "ServiceItem"];

/// The questions are longer than any person's.
const ROOM: [(&str, &str); 11] = [
    ("ONEDOOR__LIMITS__DOCUMENT_MAX_BYTES", "1000000"),
    ("ONEDOOR__LIMITS__TOKENS_MAX", "1000000"),
    ("ONEDOOR__LIMITS__DEPTH_MAX", "40"),
    ("ONEDOOR__LIMITS__FIELDS_MAX", "1000000"),
    ("ONEDOOR__LIMITS__ALIASES_MAX", "1000000"),
    ("ONEDOOR__LIMITS__ALIASES_ANONYMOUS_MAX", "1000000"),
    ("ONEDOOR__LIMITS__COMPLEXITY_MAX", "1000000"),
    ("ONEDOOR__LIMITS__QUERY_TIMEOUT_MS", "60000"),
    ("ONEDOOR__LIMITS__FIELDS_PER_MINUTE", "10000000"),
    ("ONEDOOR__LIMITS__FIELDS_PER_MINUTE_ANONYMOUS", "10000000"),
    ("ONEDOOR__LIMITS__FIELDS_PER_MINUTE_DEVICE", "10000000"),
];

/// Everything of a type, as a selection.
fn everything(
    contract: &Contract,
    of: &str,
    path: &mut Vec<String>,
    leaves: &mut BTreeSet<String>,
) -> String {
    let members = contract.members(of);
    if !members.is_empty() {
        let fragments = members.into_iter().filter_map(|member| {
            let inner = everything(contract, &member, path, leaves);
            (!inner.is_empty()).then(|| format!("... on {member} {{ {inner} }} "))
        });
        return format!("__typename {}", fragments.collect::<String>());
    }
    if path.len() > DEPTH || path.iter().any(|outer| outer == of) {
        return String::new();
    }
    path.push(of.to_owned());
    let mut selection = String::new();
    for field in contract.fields(of) {
        let needs = |argument: &async_graphql::parser::types::InputValueDefinition| {
            !argument.ty.node.nullable && argument.default_value.is_none()
        };
        if field.arguments.iter().any(|argument| needs(&argument.node)) {
            continue;
        }
        let name = field.name.node.as_str();
        // fields of one name and several types of a union cannot be asked side by side without another name
        let alias = format!("{}_{name}", of.to_lowercase());
        let returned = bottom(&field.ty.node);
        if !contract.is_leaf(returned) {
            if REFERENCE.contains(&of) {
                continue;
            }
            let inner = everything(contract, returned, path, leaves);
            if !inner.is_empty() {
                selection.push_str(&format!("{alias}: {name} {{ {inner} }} "));
            }
        } else {
            leaves.insert(format!("{of}.{name}"));
            selection.push_str(&format!("{alias}: {name} "));
        }
    }
    path.pop();
    selection
}

/// Asks one document and takes what is told: nothing of a person, and the case is in it.
async fn ask(who: &str, reader: &Gql, document: &str, variables: Value, named: &str) {
    let answer = reader.ask(document, variables).await;
    let start: String = document.chars().take(90).collect();
    assert_eq!(answer.status, 200, "{who}: {start}: {}", answer.body);
    people::assert_nobody_in(&format!("{who}: {start}"), &answer.bytes);
    let told = String::from_utf8_lossy(&answer.bytes);
    assert!(told.contains(named), "{who}: {start} tells of the case");
}

story!(
    /// Masked by default: lists, nodes, boards, feeds, searches, subscriptions and answers of acts, for each kind of reader.
    no_field_of_a_case_shows_its_person_to_anybody,
    async |world| {
        let contract = Contract::of_this_build();
        let mut leaves = BTreeSet::new();
        let whole = everything(&contract, "Case", &mut Vec::new(), &mut leaves);
        assert!(leaves.len() > 150, "a walk over the schema: {}", leaves.len());
        let fragment = format!("fragment S on Case {{ {whole} }}");
        let clock = onedoor::clock::HeldClock::at(MONDAY_AT_TEN.parse().unwrap());
        let app = TestApp::start_with(world, clock, &ROOM).await;
        let hands = hands(&app);
        let feed = hands.clerk.data("{ changesSince { cursor } }", json!({})).await;
        let before = feed["changesSince"]["cursor"].clone();
        let case = on_the_desk(&hands, FARMER).await;
        reveal(&hands.clerk, &look(case.id(), "CASE_HANDLING")).await;
        find_masked(&hands, &fragment).await;
        let bearing = |token: String| app.anybody().bearing(&token);
        let readers: [(&str, Gql); 6] = [
            ("the terminal", hands.kiosk.clone()),
            ("the station", hands.station.clone()),
            ("the clerk", hands.clerk.clone()),
            ("the officer", hands.officer.clone()),
            ("the supervisor", app.supervisor(COUNTY)),
            ("the auditor", bearing(app.actors.auditor())),
        ];
        let one = [
            "query($id: ID!) { case(by: { id: $id }) { ...S } }",
            "query($id: ID!) { node(id: $id) { __typename ...S } }",
        ];
        let lists = ["{ cases { nodes { ...S } } }"];
        let boards = [
            "{ handoffs(filter: { state: [OFFERED, ACKNOWLEDGED, DONE] }) { page { nodes { case { ...S } } } } }",
        ];
        for (who, reader) in &readers {
            for question in one {
                let document = format!("{question} {fragment}");
                ask(who, reader, &document, json!({ "id": case.id() }), case.id()).await;
            }
            for question in lists.iter().chain(boards.iter().filter(|_| *who != "the terminal")) {
                ask(who, reader, &format!("{question} {fragment}"), json!({}), case.id()).await;
            }
            let feed = format!(
                "query($after: String) {{ changesSince(after: $after) {{ changes {{ case {{ ...S }} }} }} }} {fragment}"
            );
            ask(who, reader, &feed, json!({ "after": before }), case.id()).await;
            let document =
                format!("subscription($id: ID!) {{ caseChanged(id: $id) {{ case {{ ...S }} }} }} {fragment}");
            let mut events = Events::open(reader, &document, json!({ "id": case.id() })).await;
            let told = events.answer().await.unwrap().to_string();
            assert!(told.contains(case.id()), "{who} follows the case: {told}");
            people::assert_nobody_in(who, told.as_bytes());
        }
        let tracked = format!(
            "query($code: String!, $secret: String!) {{
                 trackCase(trackingCode: $code, secret: $secret) {{ ...S }} }} {fragment}"
        );
        let secret = json!({ "code": case.code(), "secret": case.secret });
        ask("the applicant", &app.anybody(), &tracked, secret, case.id()).await;
        acts_are_masked(&app, &hands, &fragment).await;
        app.stop(world).await;
    }
);

/// A search by the whole number shows the cases, and no more of their person than before.
async fn find_masked(hands: &Hands, fragment: &str) {
    let document = format!(
        "mutation($input: FindCasesByApplicantInput!) {{
             findCasesByApplicant(input: $input) {{ cases {{ ...S }} }} }} {fragment}"
    );
    let input = json!({ "input": number(FARMER.id_number) });
    ask("the clerk", &hands.clerk, &document, input, "裘*").await;
}

/// The answers of acts: handing in, signing, accepting.
async fn acts_are_masked(app: &TestApp, hands: &Hands, fragment: &str) {
    let answer_of = |mutation: &str| {
        let pascal = format!("{}{}", mutation[..1].to_uppercase(), &mutation[1..]);
        format!(
            "mutation($input: {pascal}Input!) {{ {mutation}(input: $input) {{ case {{ ...S }}
                 receipt {{ canonical text(width: MM58) }} userErrors {{ code }} }} }} {fragment}"
        )
    };
    let application = journey::senior_card(NEIGHBOUR);
    let variables = json!({ "input": application });
    ask(
        "the terminal",
        &hands.kiosk,
        &answer_of("submitCase"),
        variables.clone(),
        "皇甫*",
    )
    .await;
    // asked again it is the same case: the key is the application's own
    let submitted = journey::submit(&hands.kiosk, application).await;
    let offered = submitted.case["handoffs"][1].clone();
    let input = json!({ "input": { "case": submitted.id(), "handoff": offered["id"],
        "expectedVersion": offered["version"], "idempotencyKey": Uuid::now_v7() } });
    ask(
        "the clerk",
        &hands.clerk,
        &answer_of("acknowledgeHandoff"),
        input,
        submitted.id(),
    )
    .await;
    let version = journey::read(&hands.clerk, submitted.id()).await["version"].clone();
    let input = json!({ "input": { "case": submitted.id(), "expectedVersion": version,
        "idempotencyKey": Uuid::now_v7() } });
    ask(
        "the clerk",
        &hands.clerk,
        &answer_of("acceptCase"),
        input,
        submitted.id(),
    )
    .await;
    let records =
        "{ accessRecords { nodes { id person subject purpose purposeText fields caseId trackingCode } } }";
    ask(
        "the supervisor",
        &app.supervisor(COUNTY),
        records,
        json!({}),
        "access_",
    )
    .await;
}
