//! Applications that go through many hands, for stories that look at what they leave behind.

use onedoor::clock::Clock;
use onedoor::service::identity::claims::Role;
use onedoor::service::identity::demo::TokenRequest;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::actors::{Actors, of_role};
use crate::harness::gql::Gql;
use crate::harness::people::Person;
use crate::harness::wait::{PATIENCE, eventually};

/// The station of a village, whose kiosk takes applications in.
pub(crate) const STATION: &str = "340321101200:village.station";
/// The service center of its township.
pub(crate) const CENTER: &str = "340321101000:township.service-center";
/// The county of both.
pub(crate) const COUNTY: &str = "340321000000";

/// What a story asks of a case after an act.
const CASE: &str =
    "id version status trackingCode availableActions handoffs { id version state to { code } }";

/// Everybody who handles the applications of these stories.
pub(crate) struct Hands {
    pub(crate) kiosk: Gql,
    pub(crate) station: Gql,
    pub(crate) clerk: Gql,
    pub(crate) officer: Gql,
}

/// A case as its applicant leaves the kiosk with it.
pub(crate) struct Submitted {
    pub(crate) case: Value,
    pub(crate) secret: String,
}

impl Submitted {
    pub(crate) fn id(&self) -> &str {
        self.case["id"].as_str().unwrap()
    }

    pub(crate) fn code(&self) -> &str {
        self.case["trackingCode"].as_str().unwrap()
    }
}

impl Hands {
    pub(crate) fn of<C: Clock>(anybody: &Gql, actors: &Actors<C>) -> Self {
        Self {
            kiosk: anybody.bearing(&kiosk(actors, STATION, "kiosk-of-the-village")),
            station: anybody.bearing(&actors.clerk(STATION)),
            clerk: anybody.bearing(&actors.clerk(CENTER)),
            officer: anybody.bearing(&actors.officer(CENTER)),
        }
    }

    /// An application that the township denies, with these reasons.
    pub(crate) async fn denied(&self, person: Person, reasons: &str) -> Submitted {
        let submitted = submit(&self.kiosk, senior_card(person)).await;
        let accepted = self.accepted(&submitted.case, false).await;
        let decided = act(
            &self.officer,
            "decideCase",
            json!({
                "case": submitted.id(), "expectedVersion": accepted["version"], "decision": "DENIED",
                "reasons": reasons, "remedy": format!("复议。{reasons}"),
            }),
        )
        .await;
        Submitted {
            case: decided,
            ..submitted
        }
    }

    /// An application that the county's system decides, and whose result is handed over.
    pub(crate) async fn delivered(&self, person: Person, bank_account: &str) -> Submitted {
        let submitted = submit(&self.kiosk, pension(person, bank_account)).await;
        self.accepted(&submitted.case, true).await;
        let (hand, case) = eventually("the result can be handed over", PATIENCE, async || {
            for hand in [&self.station, &self.clerk] {
                let case = read(hand, submitted.id()).await;
                let acts = case["availableActions"].as_array().cloned().unwrap_or_default();
                if acts.iter().any(|act| act == "DELIVER_RESULT") {
                    return Some((hand, case));
                }
            }
            None
        })
        .await;
        let input =
            json!({ "case": submitted.id(), "expectedVersion": case["version"], "note": person.name });
        let delivered = act(hand, "deliverResult", input).await;
        Submitted {
            case: delivered,
            ..submitted
        }
    }

    /// Signed for and accepted at the township.
    async fn accepted(&self, case: &Value, advance: bool) -> Value {
        let handoffs = case["handoffs"].as_array().unwrap();
        let offered = handoffs
            .iter()
            .find(|handoff| handoff["state"] == "OFFERED")
            .unwrap();
        let signed = act(
            &self.clerk,
            "acknowledgeHandoff",
            json!({ "case": case["id"], "handoff": offered["id"], "expectedVersion": offered["version"] }),
        )
        .await;
        act(
            &self.clerk,
            "acceptCase",
            json!({ "case": case["id"], "expectedVersion": signed["version"], "advance": advance }),
        )
        .await
    }
}

/// A token of a terminal with a name of its own; two terminals of one name are one to the policy.
pub(crate) fn kiosk<C: Clock>(actors: &Actors<C>, station: &str, device: &str) -> String {
    actors.issue(&TokenRequest {
        subject: Some(device.to_owned()),
        organization: Some(station.to_owned()),
        ..of_role(Role::Kiosk)
    })
}

/// An act that must be carried out; gives the case after it.
pub(crate) async fn act(by: &Gql, mutation: &str, mut input: Value) -> Value {
    input["idempotencyKey"] = json!(Uuid::now_v7());
    let pascal = format!("{}{}", mutation[..1].to_uppercase(), &mutation[1..]);
    let document = format!(
        "mutation($input: {pascal}Input!) {{ {mutation}(input: $input) {{
             case {{ {CASE} }} userErrors {{ message field code }} }} }}"
    );
    let data = by.data(&document, json!({ "input": input })).await;
    assert_eq!(data[mutation]["userErrors"], json!([]), "{mutation}");
    data[mutation]["case"].clone()
}

/// Hands an application in.
pub(crate) async fn submit(by: &Gql, input: Value) -> Submitted {
    let document = format!(
        "mutation($input: SubmitCaseInput!) {{ submitCase(input: $input) {{
             case {{ {CASE} }} trackingSecret userErrors {{ message field code }} }} }}"
    );
    let data = by.data(&document, json!({ "input": input })).await;
    let payload = &data["submitCase"];
    assert_eq!(payload["userErrors"], json!([]));
    Submitted {
        case: payload["case"].clone(),
        secret: payload["trackingSecret"].as_str().unwrap().to_owned(),
    }
}

/// A case as somebody sees it now.
pub(crate) async fn read(by: &Gql, id: &str) -> Value {
    let document = format!("query($id: ID!) {{ case(by: {{ id: $id }}) {{ {CASE} }} }}");
    by.data(&document, json!({ "id": id })).await["case"].clone()
}

/// An application for a senior citizen's card; the township accepts and decides it.
pub(crate) fn senior_card(person: Person) -> Value {
    application(
        "senior-card",
        person,
        &json!({
            "name": person.name, "idNo": person.id_number, "mobile": person.phone, "birth": born(person),
        }),
        &["id", "photo"],
    )
}

/// An application for the pension insurance; the county's system decides it.
pub(crate) fn pension(person: Person, bank_account: &str) -> Value {
    application(
        "pension-enroll",
        person,
        &json!({
            "name": person.name, "idNo": person.id_number, "mobile": person.phone, "hukou": "340321101200",
            "level": "3", "bank": bank_account, "bankName": "中国农业银行",
        }),
        &["id", "hk", "bankc"],
    )
}

fn application(item: &str, person: Person, form: &Value, materials: &[&str]) -> Value {
    let promised = |code: &&str| json!({ "code": code, "trust": "D", "note": person.address });
    json!({
        "idempotencyKey": Uuid::now_v7(), "serviceItem": item, "division": "340321101200",
        "applicant": {
            "kind": "PERSON", "name": person.name, "idType": "RESIDENT_ID", "idNumber": person.id_number,
            "phone": person.phone,
        },
        "form": form, "materials": materials.iter().map(promised).collect::<Vec<_>>(),
    })
}

/// The date of birth that stands in the identity number.
fn born(person: Person) -> String {
    let digits = &person.id_number[6..14];
    format!("{}-{}-{}", &digits[..4], &digits[4..6], &digits[6..])
}
