//! Who lives in the stories, what they hand in, and how they ask.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use onedoor::app::upstreams::Upstreams;
use onedoor::clock::HeldClock;
use onedoor::secret::Redacted;
use onedoor::upstream::config::{SANDBOX_CALLBACK_SECRET, SANDBOX_TOKEN, UpstreamConfig};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::app::{MONDAY_AT_TEN, TestApp};
use crate::harness::gql::{Answer, Gql};
use crate::harness::people::{FARMER, Person};
use crate::harness::wait::{PATIENCE, eventually};
use crate::harness::world::World;
use crate::upstreams::fixture::{BEARER, CALLBACK_SECRET, Department};

/// A community of a street office, and its neighbour.
pub(crate) const VILLAGE: &str = "340302001001";
pub(crate) const STATION: &str = "340302001001:village.station";
pub(crate) const NEXT_STATION: &str = "340302001002:village.station";
pub(crate) const COMMITTEE: &str = "340302001001:village.committee";
pub(crate) const TOWNSHIP: &str = "340302001000:township.service-center";
/// A township of another district.
pub(crate) const OTHER_TOWNSHIP: &str = "340322100000:township.service-center";
pub(crate) const COUNTY: &str = "340302000000";
pub(crate) const HUMAN_RESOURCES: &str = "340302000000:county.human-resources";
pub(crate) const CIVIL_AFFAIRS: &str = "340302000000:county.civil-affairs";
pub(crate) const MEDICAL_SECURITY: &str = "340302000000:county.medical-security";
pub(crate) const DISABLED_FEDERATION: &str = "340302000000:county.disabled-federation";

/// What most stories look at.
pub(crate) const CASE: &str = "fragment C on Case {
  id version status trackingCode submittedAt acceptedAt decidedAt completedAt deliveredAt decision dueAt isOverdue
  statusText grid { status failedChecks reopenings checkedAt }
  evaluation { grade code stars negative contactedAt rectifiedAt followedUpAt }
  owner { code } firstContact { code } nextStep { kind dueAt organization { code } } availableActions
  handoffs { id seq kind state version step owning required upstream opinion from { code } to { code } dueAt isOverdue }
  clocks { kind state dueDate step }
  externalNumbers { upstream number }
  timeline { seq event actorKind text remedy upstream organization { code } onBehalfOf { code } }
  receipts { id kind keyId canonical signature promisedDate trackingCode applicantMasked }
}";

/// A department of the county that a story plays, and the clock that it shares with the gateways.
pub(crate) struct County {
    pub(crate) department: Department,
    pub(crate) clock: HeldClock,
}

impl County {
    /// On a Monday morning; it decides when it is told.
    pub(crate) async fn open() -> Self {
        let county = Self::deciding_by_itself().await;
        county
            .department
            .told(json!({ "mode": "decide-when-told" }))
            .await;
        county
    }

    /// One that decides as soon as it has taken a case over.
    pub(crate) async fn deciding_by_itself() -> Self {
        let monday: DateTime<Utc> = MONDAY_AT_TEN.parse().unwrap();
        let clock = HeldClock::at(monday);
        let shared = clock.clone();
        let department = Department::open_with(|settings| settings.clock = Arc::new(shared)).await;
        Self { department, clock }
    }

    /// How a gateway reaches it.
    pub(crate) fn upstream(&self) -> UpstreamConfig {
        let mut config = UpstreamConfig::sandbox(&self.department.url("")).unwrap();
        config.timeout = std::time::Duration::from_millis(1_500);
        config.connect_timeout = std::time::Duration::from_millis(500);
        // a story looks at each attempt; the breaker has stories of its own
        config.breaker.failures = 100;
        config
    }

    /// A gateway before it.
    pub(crate) async fn gateway(&self, world: &World) -> TestApp {
        self.gateway_with(world, &[], vec![self.upstream()]).await
    }

    /// A gateway with settings and upstream systems of the story; the outbox ticks fast.
    pub(crate) async fn gateway_with(
        &self,
        world: &World,
        extra: &[(&str, &str)],
        configs: Vec<UpstreamConfig>,
    ) -> TestApp {
        let mut settings = vec![
            ("ONEDOOR__OUTBOX__TICK_MS", "50"),
            ("ONEDOOR__WORKER__FEED_POLL_MS", "100"),
            // the limits have stories of their own
            ("ONEDOOR__LIMITS__FIELDS_PER_MINUTE", "1000000"),
            ("ONEDOOR__LIMITS__FIELDS_PER_MINUTE_DEVICE", "1000000"),
            ("ONEDOOR__LIMITS__FIELDS_PER_MINUTE_ANONYMOUS", "1000000"),
        ];
        settings.extend_from_slice(extra);
        let upstreams = Upstreams {
            configs,
            made: [
                (SANDBOX_TOKEN.to_owned(), Redacted::new(BEARER.to_owned())),
                (
                    SANDBOX_CALLBACK_SECRET.to_owned(),
                    Redacted::new(CALLBACK_SECRET.to_owned()),
                ),
            ]
            .into(),
        };
        TestApp::start_before(world, self.clock.clone(), &settings, upstreams).await
    }

    /// Lets it decide a case.
    pub(crate) async fn decides(&self, case: &Case, result: &str, opinion: Option<&str>) {
        let mut order = json!({ "our_ref": case.reference(), "result": result });
        if let Some(opinion) = opinion {
            order["opinion"] = json!(opinion);
        }
        self.department.decide(order).await;
    }

    /// Lets it say something of a case.
    pub(crate) async fn says(&self, case: &Case, mut word: Value) {
        word["our_ref"] = json!(case.reference());
        self.department.say(word).await;
    }

    /// Days later.
    pub(crate) fn days_later(&self, days: i64) {
        self.clock.advance(TimeDelta::days(days));
    }

    /// Seconds later.
    pub(crate) fn seconds_later(&self, seconds: i64) {
        self.clock.advance(TimeDelta::seconds(seconds));
    }
}

/// A case that was handed in.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) tracking_code: String,
    pub(crate) secret: String,
}

impl Case {
    /// The number without its separators, as upstream systems know it.
    pub(crate) fn reference(&self) -> String {
        self.tracking_code.replace('-', "")
    }

    /// The case as somebody sees it; null when they do not.
    pub(crate) async fn seen_by(&self, who: &Gql) -> Value {
        let document = format!("query($id: ID!) {{ case(by: {{ id: $id }}) {{ ...C }} }} {CASE}");
        who.data(&document, json!({ "id": self.id })).await["case"].clone()
    }

    /// The case as its applicant sees it.
    pub(crate) async fn tracked(&self, anybody: &Gql) -> Value {
        let document = format!(
            "query($code: String!, $secret: String!) {{ trackCase(trackingCode: $code, secret: $secret) {{ ...C }} }} {CASE}"
        );
        let variables = json!({ "code": self.tracking_code, "secret": self.secret });
        anybody.data(&document, variables).await["trackCase"].clone()
    }

    /// Waits until it is in a state, and gives it.
    pub(crate) async fn becomes(&self, status: &str, who: &Gql) -> Value {
        self.comes_to(who, status, |case| case["status"] == status).await
    }

    /// Waits until the county's system has signed for it, and gives it.
    pub(crate) async fn taken_over(&self, who: &Gql) -> Value {
        self.comes_to(who, "the county holds it", |case| {
            case["owner"]["code"] == HUMAN_RESOURCES
        })
        .await
    }

    /// Waits until it is as described, and gives it.
    pub(crate) async fn comes_to(&self, who: &Gql, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        eventually(what, PATIENCE, async || {
            Some(self.seen_by(who).await).filter(&holds)
        })
        .await
    }

    /// Lets somebody act on it at its version of now; gives the payload.
    pub(crate) async fn act(&self, who: &Gql, mutation: &str, more: Value) -> Value {
        let version = self.seen_by(who).await["version"].clone();
        act(who, mutation, self.input(&version, more)).await
    }

    /// The same, and it must be done; gives the case afterwards.
    pub(crate) async fn done(&self, who: &Gql, mutation: &str, more: Value) -> Value {
        let payload = self.act(who, mutation, more).await;
        assert_eq!(payload["userErrors"], json!([]), "{mutation}");
        payload["case"].clone()
    }

    /// The input of an act at a version, under a fresh key.
    pub(crate) fn input(&self, version: &Value, more: Value) -> Value {
        let mut input =
            json!({ "case": self.id, "expectedVersion": version, "idempotencyKey": Uuid::now_v7() });
        for (name, value) in more.as_object().unwrap() {
            input[name] = value.clone();
        }
        input
    }

    /// Signs for the handoff that waits for somebody.
    pub(crate) async fn signed_for(&self, who: &Gql) -> Value {
        let case = self.seen_by(who).await;
        let unsigned = |one: &Value| one["state"] == "OFFERED" || one["state"] == "EXPIRED";
        let open = handoff(&case, unsigned);
        let more = json!({ "handoff": open["id"] });
        let payload = act(who, "acknowledgeHandoff", self.input(&open["version"], more)).await;
        assert_eq!(payload["userErrors"], json!([]), "acknowledgeHandoff");
        payload["case"].clone()
    }

    /// Its deliveries, as an administrator sees them.
    pub(crate) async fn deliveries(&self, app: &TestApp) -> Vec<Value> {
        let document = "query($case: ID!) { deliveries(filter: { case: $case }) {
            nodes { id state attempts reason upstream operation nextAttemptAt
                lastAttempts { number startedAt finishedAt outcome evidence } } } }";
        let admin = app.anybody().bearing(&app.actors.admin());
        let data = admin.data(document, json!({ "case": self.id })).await;
        data["deliveries"]["nodes"].as_array().unwrap().clone()
    }

    /// Waits until its only delivery is in a state after so many attempts.
    pub(crate) async fn delivery_becomes(&self, app: &TestApp, state: &str, attempts: u32) -> Value {
        let what = format!("the delivery is {state} after {attempts} attempts");
        eventually(&what, PATIENCE, async || {
            self.deliveries(app)
                .await
                .into_iter()
                .find(|delivery| delivery["state"] == state && delivery["attempts"] == attempts)
        })
        .await
    }
}

/// The one handoff that fits.
pub(crate) fn handoff(case: &Value, fits: impl Fn(&Value) -> bool) -> Value {
    let found: Vec<_> = case["handoffs"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|one| fits(one))
        .collect();
    assert_eq!(found.len(), 1, "one handoff of {}", case["handoffs"]);
    found[0].clone()
}

/// The last clock of a kind.
pub(crate) fn clock(case: &Value, kind: &str) -> Value {
    let clocks = case["clocks"].as_array().unwrap();
    let found = clocks.iter().rev().find(|clock| clock["kind"] == kind);
    found.cloned().unwrap_or(Value::Null)
}

/// The names of what happened, in order.
pub(crate) fn events(case: &Value) -> Vec<String> {
    let lines = case["timeline"].as_array().unwrap();
    lines
        .iter()
        .map(|line| line["event"].as_str().unwrap().to_owned())
        .collect()
}

/// How often something happened.
pub(crate) fn count(case: &Value, event: &str) -> usize {
    events(case).iter().filter(|name| *name == event).count()
}

/// The codes of the user errors of a payload.
pub(crate) fn codes(payload: &Value) -> Vec<&str> {
    let errors = payload["userErrors"].as_array().unwrap();
    errors
        .iter()
        .map(|error| error["code"].as_str().unwrap())
        .collect()
}

/// The document of a mutation.
pub(crate) fn mutation(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().unwrap().to_ascii_uppercase();
    let input = format!("{first}{}Input", letters.as_str());
    let more = match name {
        "submitCase" => "trackingSecret warnings { field message }",
        _ => "",
    };
    format!(
        "mutation($input: {input}!) {{ {name}(input: $input) {{
            case {{ ...C }} {more} receipt {{ kind id canonical signature }}
            userErrors {{ code field message currentVersion status possibleActions }} }} }} {CASE}"
    )
}

/// Carries a mutation out and gives its payload.
pub(crate) async fn act(who: &Gql, name: &str, input: Value) -> Value {
    who.data(&mutation(name), json!({ "input": input })).await[name].clone()
}

/// The same with everything of the answer.
pub(crate) async fn answer(who: &Gql, name: &str, input: &Value) -> Answer {
    who.ask(&mutation(name), json!({ "input": input })).await
}

/// Hands an application in; it must be taken.
pub(crate) async fn submit(who: &Gql, application: Value) -> Case {
    let payload = act(who, "submitCase", application).await;
    taken(&payload)
}

/// The case of a submission's payload.
pub(crate) fn taken(payload: &Value) -> Case {
    assert_eq!(payload["userErrors"], json!([]), "submitCase");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    Case {
        id: text(&payload["case"]["id"]),
        tracking_code: text(&payload["case"]["trackingCode"]),
        secret: text(&payload["trackingSecret"]),
    }
}

/// A pension case at its kiosk, accepted and offered to the county's system.
pub(crate) async fn offered_to_county(app: &TestApp) -> Case {
    let case = submit(&app.kiosk(STATION), pension(&FARMER)).await;
    let more = json!({ "advance": true });
    case.done(&app.clerk(TOWNSHIP), "acceptCase", more).await;
    case
}

/// A pension case accepted while its bank card is owed, and offered to the county's system.
pub(crate) async fn offered_with_a_paper_owed(app: &TestApp) -> Case {
    let form = json!({ "hukou": VILLAGE, "level": "200" });
    let papers = application("pension-enroll", &FARMER, form, &["id", "hk"]);
    let case = submit(&app.kiosk(STATION), papers).await;
    let more = json!({ "advance": true, "owed": [{ "material": "bankc", "due": "2026-03-03" }] });
    case.done(&app.clerk(TOWNSHIP), "acceptCase", more).await;
    case
}

/// What the applicant brings by code and secret.
pub(crate) async fn brings(case: &Case, anybody: &Gql, material: &str) -> Value {
    let version = case.tracked(anybody).await["version"].clone();
    let input = json!({
        "credential": { "trackingCode": case.tracking_code, "secret": case.secret },
        "expectedVersion": version, "idempotencyKey": Uuid::now_v7(),
        "materials": [{ "code": material, "trust": "C" }],
    });
    act(anybody, "supplementCase", input).await
}

/// The applicant brings the bank card that was owed.
pub(crate) async fn bring(app: &TestApp, case: &Case) {
    let payload = brings(case, &app.anybody(), "bankc").await;
    assert_eq!(payload["userErrors"], json!([]));
}

/// The applicant withdraws the case.
pub(crate) async fn withdraw(app: &TestApp, case: &Case) {
    let anybody = app.anybody();
    let version = case.tracked(&anybody).await["version"].clone();
    let input = json!({
        "credential": { "trackingCode": case.tracking_code, "secret": case.secret }, "expectedVersion": version,
        "idempotencyKey": Uuid::now_v7(),
    });
    let payload = act(&anybody, "withdrawCase", input).await;
    assert_eq!(payload["userErrors"], json!([]));
}

/// An application of a person, with what the form of the item asks for besides the usual.
pub(crate) fn application(item: &str, person: &Person, form: Value, materials: &[&str]) -> Value {
    let mut whole = json!({ "name": person.name, "idNo": person.id_number, "mobile": person.phone });
    for (name, value) in form.as_object().unwrap() {
        whole[name] = value.clone();
    }
    let materials: Vec<_> = materials
        .iter()
        .map(|code| json!({ "code": code, "trust": "C" }))
        .collect();
    json!({
        "idempotencyKey": Uuid::now_v7(),
        "serviceItem": item,
        "applicant": {
            "kind": "PERSON", "name": person.name, "idType": "RESIDENT_ID", "idNumber": person.id_number,
            "phone": person.phone,
        },
        "form": whole,
        "materials": materials,
    })
}

/// Enrolment in the pension insurance: village, township, and the county's own system decides.
pub(crate) fn pension(person: &Person) -> Value {
    let form = json!({ "hukou": VILLAGE, "level": "200" });
    application("pension-enroll", person, form, &["id", "hk", "bankc"])
}

/// The funeral subsidy: village, township, and the county's civil affairs decide by hand.
pub(crate) fn funeral(person: &Person) -> Value {
    let form = json!({ "relative": "试验故人", "bank": "6222020000000000", "bankName": "试验银行" });
    application("funeral-subsidy", person, form, &["id", "death", "bankc"])
}
