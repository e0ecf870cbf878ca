//! What is not for somebody's eyes looks as if it were not there: same status, same body, whatever way is tried (P25).

use onedoor::service::identity::claims::Role;
use onedoor::service::identity::demo::TokenRequest;
use onedoor_domain::identifier::division_code::DivisionCode;
use onedoor_domain::tracking::TrackingCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::journey::{self, CENTER, Hands, STATION, Submitted};
use crate::harness::actors::of_role;
use crate::harness::app::{MONDAY_AT_TEN, TestApp};
use crate::harness::events::{Events, Said};
use crate::harness::gql::{Answer, Gql};
use crate::harness::people::FARMER;
use crate::harness::story::story;

/// Another county's village, township and bureau.
const ELSEWHERE: [&str; 3] = [
    "340302001001:village.station",
    "340302001000:township.service-center",
    "340302000000:county.human-resources",
];

/// Ways to a case by its keys.
const WAYS: &[&str] = &[
    "{ case(by: { id: $case }) { id status } }",
    "{ case(by: { trackingCode: $code }) { id status } }",
    "{ node(id: $case) { __typename id } }",
    "{ node(id: $handoff) { __typename id } }",
    "{ nodes(ids: [$case, $handoff]) { __typename id } }",
    "{ deliveries(filter: { case: $case }) { totalCount nodes { id } } }",
    r#"{ trackCase(trackingCode: $code, secret: "AAAAAAAA") { id } }"#,
];

/// Acts on a case by its keys.
const ACTS: &[(&str, &str)] = &[
    ("acceptCase", ""),
    ("handOff", ""),
    ("acknowledgeHandoff", "handoff: $handoff"),
    (
        "refuseHandoff",
        r#"handoff: $handoff, reason: DUPLICATE, text: "t""#,
    ),
    ("recallHandoff", "handoff: $handoff"),
    ("finishHandoff", "handoff: $handoff"),
    ("decideCase", r#"decision: DENIED, reasons: "r", remedy: "r""#),
    ("deliverResult", ""),
    ("checkGridEvent", "result: PASS"),
    ("reopenCase", r#"reason: "r""#),
    ("declineCase", r#"ground: REFUSED, reasons: "r", remedy: "r""#),
    ("requestSupplement", r#"text: "t""#),
    ("supplementCase", r#"note: "n""#),
    ("withdrawCase", ""),
    ("beginSpecialProcedure", r#"reason: "r""#),
    ("endSpecialProcedure", ""),
    ("extendCase", r#"workingDays: 1, reason: "r""#),
    ("voidCase", r#"reason: "r""#),
];

/// Lists in which a foreign case must not be, however they are narrowed.
const LISTS: &str = "query($office: ID!) {
    cases { totalCount nodes { id trackingCode } }
    ofOffice: cases(filter: { owner: $office }) { totalCount nodes { id trackingCode } }
    handoffs { counts { state count late } page { nodes { id case { id trackingCode } } } }
    desk: handoffs(filter: { organization: $office }) { counts { state count late } page { nodes { case { id } } } }
    sent: handoffs(filter: { sender: $office }) { counts { state count late } page { nodes { case { id } } } }
    cards(filter: { state: [RAISED, APPEALED, CANCELLED] }) { totalCount nodes { id case { id trackingCode } } }
    heldBy: cards(filter: { organization: $office }) { totalCount nodes { id case { id trackingCode } } }
    deliveries { nodes { caseId trackingCode } }
    viewer { drafts { nodes { id } } }
}";

/// An operation that declares the variables it uses.
fn declaring(operation: &str, selection: &str) -> String {
    let used: Vec<String> = [("case", "ID!"), ("code", "String!"), ("handoff", "ID!")]
        .into_iter()
        .filter(|(name, _)| selection.contains(&format!("${name}")))
        .map(|(name, of)| format!("${name}: {of}"))
        .collect();
    format!("{operation}({}) {selection}", used.join(", "))
}

/// The keys of a case: real ones, or such as nothing has.
struct Keys {
    case: String,
    code: String,
    handoff: String,
}

impl Keys {
    fn of(submitted: &Submitted) -> Self {
        Self {
            case: submitted.id().to_owned(),
            code: submitted.code().to_owned(),
            handoff: submitted.case["handoffs"][1]["id"].as_str().unwrap().to_owned(),
        }
    }

    fn of_nothing() -> Self {
        let division: DivisionCode = "340321101200".parse().unwrap();
        let day = "2026-03-02".parse().unwrap();
        let code = (0_u8..64)
            .find_map(|turn| TrackingCode::draw(&division, day, [turn; 8]))
            .unwrap();
        Self {
            case: format!("case_{}", Uuid::now_v7().simple()),
            code: code.to_string(),
            handoff: format!("handoff_{}", Uuid::now_v7().simple()),
        }
    }

    fn variables(&self, document: &str) -> Value {
        let mut used = json!({ "case": self.case, "code": self.code, "handoff": self.handoff });
        let used_in = |name: &str| document.contains(&format!("${name}:"));
        used.as_object_mut().unwrap().retain(|name, _| used_in(name));
        used
    }
}

fn foreigners(app: &TestApp) -> Vec<(&'static str, Gql)> {
    let anybody = app.anybody();
    let bearing = |token: String| anybody.bearing(&token);
    vec![
        ("nobody in particular", anybody.clone()),
        ("another resident", bearing(app.actors.citizen("the-neighbour"))),
        (
            "another terminal of the same station",
            bearing(journey::kiosk(&app.actors, STATION, "the-terminal-beside")),
        ),
        (
            "a terminal elsewhere",
            bearing(journey::kiosk(&app.actors, ELSEWHERE[0], "a-terminal-elsewhere")),
        ),
        ("a station elsewhere", app.clerk(ELSEWHERE[0])),
        ("a township elsewhere", app.clerk(ELSEWHERE[1])),
        ("an officer elsewhere", app.officer(ELSEWHERE[1])),
        ("a bureau elsewhere", app.officer(ELSEWHERE[2])),
        ("the supervisor of another county", app.supervisor("340302000000")),
        ("an administrator", bearing(app.actors.admin())),
    ]
}

/// What an answer shows, without what differs between any two requests.
pub(super) fn shown(answer: &Answer) -> (u16, Value) {
    let mut body = answer.body.clone();
    for error in body["errors"].as_array_mut().into_iter().flatten() {
        error["extensions"]
            .as_object_mut()
            .unwrap()
            .remove("correlationId");
    }
    let text = body.to_string();
    assert!(
        !text.contains("GRAPHQL_VALIDATION_FAILED"),
        "the story asks well: {text}"
    );
    (answer.status, body)
}

async fn office_id(caller: &Gql, code: &str) -> String {
    let document = "query($code: String!) { organization(by: { code: $code }) { id } }";
    let data = caller.data(document, json!({ "code": code })).await;
    data["organization"]["id"].as_str().unwrap().to_owned()
}

story!(
    /// By key, by code, by node, by act: a foreign case and no case answer alike.
    a_foreign_case_answers_as_one_that_does_not_exist,
    async |world| {
        let settings = [
            ("ONEDOOR__TRACKING__FAILURES_PER_SOURCE_PER_MINUTE", "1000"),
            ("ONEDOOR__TRACKING__FAILURES_PER_SOURCE_AND_CODE_PER_MINUTE", "1000"),
        ];
        let clock = onedoor::clock::HeldClock::at(MONDAY_AT_TEN.parse().unwrap());
        let app = TestApp::start_with(world, clock, &settings).await;
        let hands = Hands::of(&app.anybody(), &app.actors);
        let submitted = journey::submit(&hands.kiosk, journey::senior_card(FARMER)).await;
        assert_eq!(journey::read(&hands.kiosk, submitted.id()).await["id"], submitted.id(), "it is there");
        let (real, nothing) = (Keys::of(&submitted), Keys::of_nothing());
        for (who, foreigner) in foreigners(&app) {
            for way in WAYS {
                let way = &declaring("query", way);
                let there = shown(&foreigner.ask(way, real.variables(way)).await);
                let absent = shown(&foreigner.ask(way, nothing.variables(way)).await);
                assert_eq!(there, absent, "{who}: {way}");
            }
            for (mutation, more) in ACTS {
                let document = declaring(
                    "mutation",
                    &format!(
                        "{{ {mutation}(input: {{ case: $case, expectedVersion: 1, idempotencyKey: \"{}\" {more} }}) {{
                             case {{ id }} userErrors {{ code message }} }} }}",
                        Uuid::now_v7()
                    ),
                );
                let there = shown(&foreigner.ask(&document, real.variables(&document)).await);
                let absent = shown(&foreigner.ask(&document, nothing.variables(&document)).await);
                assert_eq!(there, absent, "{who}: {mutation}");
            }
            let follow = "subscription($case: ID!) { caseChanged(id: $case) { case { id } } }";
            let mut told = Vec::new();
            for keys in [&real, &nothing] {
                let mut events = Events::open(&foreigner, follow, json!({ "case": keys.case })).await;
                let mut answer = events.answer().await.unwrap();
                answer["errors"][0]["extensions"].as_object_mut().unwrap().remove("correlationId");
                told.push(answer);
            }
            assert_eq!(told[0], told[1], "{who}: caseChanged");
        }
        app.stop(world).await;
    }
);

story!(
    /// Lists, counts and drafts hold only what is one's own, whatever the filter says.
    foreign_cases_are_in_no_list_and_no_count,
    async |world| {
        let app = TestApp::start(world).await;
        let hands = Hands::of(&app.anybody(), &app.actors);
        let submitted = journey::submit(&hands.kiosk, journey::senior_card(FARMER)).await;
        let office = office_id(&hands.clerk, CENTER).await;
        let own = hands.clerk.ask(LISTS, json!({ "office": office })).await;
        assert!(own.body.to_string().contains(submitted.id()), "the lists hold it for its office");
        let author = app.anybody().bearing(&app.actors.citizen("the-author"));
        let draft = saved_draft(&author, None).await.unwrap();
        for (who, foreigner) in foreigners(&app) {
            let answer = foreigner.ask(LISTS, json!({ "office": office })).await;
            let text = answer.body.to_string();
            for key in [submitted.id(), submitted.code(), &draft] {
                assert!(!text.contains(key), "{who} sees {key}: {text}");
            }
            for list in ["cases", "ofOffice"] {
                let count = &answer.body["data"][list]["totalCount"];
                assert!(count.is_null() || count == 0, "{who} counts {list}: {text}");
            }
            for list in ["handoffs", "desk", "sent"] {
                let counts = answer.body["data"][list]["counts"].as_array().cloned().unwrap_or_default();
                assert!(counts.is_empty(), "{who} counts {list}: {text}");
            }
        }
        app.stop(world).await;
    }
);

story!(
    /// Nobody saves over, sees or ends a draft but its author.
    a_foreign_draft_answers_as_one_that_does_not_exist,
    async |world| {
        let app = TestApp::start(world).await;
        let citizen = |subject: &str| app.anybody().bearing(&app.actors.citizen(subject));
        let (author, other) = (citizen("the-author"), citizen("the-neighbour"));
        let draft = saved_draft(&author, None).await.unwrap();
        let absent = format!("draft_{}", Uuid::now_v7().simple());
        assert_eq!(saved_draft(&other, Some(&draft)).await, saved_draft(&other, Some(&absent)).await);
        assert!(saved_draft(&other, Some(&draft)).await.is_err());
        let mut input = journey::senior_card(FARMER);
        input["draft"] = json!(draft);
        let document = "mutation($input: SubmitCaseInput!) { submitCase(input: $input) { userErrors { code } } }";
        other.ask(document, json!({ "input": input })).await;
        let data = author.data("{ viewer { drafts { nodes { id } } } }", json!({})).await;
        assert_eq!(data["viewer"]["drafts"]["nodes"], json!([{ "id": draft }]), "the author still has it");
        app.stop(world).await;
    }
);

/// Saves a draft, and gives its id or the codes of what stood against it.
async fn saved_draft(by: &Gql, draft: Option<&str>) -> Result<String, Value> {
    let document = "mutation($input: SaveDraftInput!) {
        saveDraft(input: $input) { draft { id } userErrors { code message field } } }";
    let mut input = json!({
        "idempotencyKey": Uuid::now_v7(), "serviceItem": "senior-card", "content": { "name": FARMER.name },
    });
    if let Some(draft) = draft {
        input["draft"] = json!(draft);
    }
    let answer = by.ask(document, json!({ "input": input })).await;
    match answer.at("/saveDraft/draft/id").as_str() {
        Some(id) => Ok(id.to_owned()),
        None => Err(shown(&answer).1),
    }
}

story!(
    /// A desk's changes are told to those who may see the desk's cases, and to nobody else.
    a_foreign_desk_is_silent,
    async |world| {
        let clock = onedoor::clock::HeldClock::at(MONDAY_AT_TEN.parse().unwrap());
        let settings = [("ONEDOOR__WEBSOCKET__PING_INTERVAL_MS", "300")];
        let app = TestApp::start_with(world, clock, &settings).await;
        let hands = Hands::of(&app.anybody(), &app.actors);
        let office = office_id(&hands.clerk, CENTER).await;
        let document = "subscription($office: ID!) { handoffsChanged(organization: $office) { case { id } } }";
        let listen = async |caller: &Gql| {
            let mut events = Events::open(caller, document, json!({ "office": office })).await;
            // two pauses: it listens by now
            assert_eq!((events.next().await, events.next().await), (Said::Ping, Said::Ping));
            events
        };
        let mut own = listen(&hands.clerk).await;
        let mut foreign = Vec::new();
        for (who, caller) in [
            ("a township elsewhere", app.clerk(ELSEWHERE[1])),
            ("a supervisor elsewhere", app.supervisor("340302000000")),
        ] {
            foreign.push((who, listen(&caller).await));
        }
        let submitted = journey::submit(&hands.kiosk, journey::senior_card(FARMER)).await;
        let told = own.answer().await.unwrap();
        assert_eq!(told["data"]["handoffsChanged"]["case"]["id"], submitted.id());
        for (who, events) in &mut foreign {
            assert_eq!(events.through_pauses(3).await, Vec::<Value>::new(), "{who}");
        }
        drop((own, foreign));
        app.stop(world).await;
    }
);

story!(
    /// A resident's own case, and only that, whoever else holds a resident's token.
    a_resident_reads_their_own_case_only,
    async |world| {
        let app = TestApp::start(world).await;
        let resident = |subject: &str| {
            app.anybody().bearing(&app.actors.issue(&TokenRequest {
                subject: Some(subject.to_owned()),
                ..of_role(Role::Citizen)
            }))
        };
        let (own, other) = (resident("resident-one"), resident("resident-two"));
        let mut input = journey::senior_card(FARMER);
        input["division"] = json!("340321101200");
        let submitted = journey::submit(&own, input).await;
        assert_eq!(journey::read(&own, submitted.id()).await["id"], submitted.id());
        assert_eq!(journey::read(&other, submitted.id()).await, Value::Null);
        app.stop(world).await;
    }
);
