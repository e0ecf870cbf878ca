//! Every shipped item runs from its submission to its end: granted and delivered, the grid event resolved and checked.

use serde_json::{Value, json};

use super::kit::{Case, County, STATION, VILLAGE, act, clock, handoff, submit};
use crate::harness::app::TestApp;
use crate::harness::people::{FARMER, SHOPKEEPER};
use crate::harness::story::story;
use crate::harness::world::World;

/// Acts that the longest route takes, and days of its publicities.
const TURNS_MAX: usize = 80;
/// A credit code whose check character is right.
const CREDIT_CODE: &str = "91340300MA2N7E2K4N";

pub(super) async fn items(app: &TestApp) -> Vec<Value> {
    let document = "{ serviceItems(first: 100) { nodes {
        code caseKind applicant form materials { code form required producedBy }
        route { index action role accepts assignment } } } }";
    let data = app.anybody().data(document, json!({})).await;
    data["serviceItems"]["nodes"].as_array().unwrap().clone()
}

/// What a form's field takes.
fn value_of(field: &Value) -> Value {
    if let Some(first) = field["enum"].get(0) {
        return first.clone();
    }
    match (
        field["type"].as_str().unwrap(),
        field["x-pii"].as_str(),
        field["x-check"].as_str(),
    ) {
        ("number", ..) => json!(12),
        ("boolean", ..) => json!(false),
        ("array", ..) => json!([{ "name": SHOPKEEPER.name, "idNo": SHOPKEEPER.id_number, "relation": "10" }]),
        (_, Some("RESIDENT_ID"), _) => json!(FARMER.id_number),
        (_, Some("NAME"), _) => json!(FARMER.name),
        (_, Some("PHONE"), _) => json!(FARMER.phone),
        (_, Some("BANK_ACCOUNT"), _) => json!("6222020000000000"),
        (_, Some("ADDRESS"), _) => json!(FARMER.address),
        (_, Some("BIRTH_DATE"), _) => json!("1978-03-15"),
        (_, _, Some("GB32100")) => json!(CREDIT_CODE),
        _ if field["x-ref"] == "Division" => json!(VILLAGE),
        _ if field["format"] == "date" => json!("2026-03-09"),
        _ => json!("1"),
    }
}

pub(super) fn application(item: &Value) -> Value {
    let required = item["form"]["required"].as_array().unwrap();
    let form: serde_json::Map<String, Value> = required
        .iter()
        .map(|name| name.as_str().unwrap())
        .map(|name| (name.to_owned(), value_of(&item["form"]["properties"][name])))
        .collect();
    let asked = item["materials"].as_array().unwrap().iter();
    let materials: Vec<Value> = asked
        .filter(|one| one["required"] == true && one["form"] != "GENERATED" && one["producedBy"].is_null())
        .map(|one| json!({ "code": one["code"], "trust": "C" }))
        .collect();
    let applicant = if item["applicant"] == "ORGANIZATION" {
        json!({ "kind": "ORGANIZATION", "name": "试验商行", "idType": "CREDIT_CODE", "idNumber": CREDIT_CODE,
                "phone": FARMER.phone, "contactName": FARMER.name })
    } else {
        json!({ "kind": "PERSON", "name": FARMER.name, "idType": "RESIDENT_ID", "idNumber": FARMER.id_number,
                "phone": FARMER.phone })
    };
    json!({
        "idempotencyKey": uuid::Uuid::now_v7(), "serviceItem": item["code"], "applicant": applicant, "form": form,
        "materials": materials,
    })
}

/// One act by whoever has to act now; false: the case is over.
async fn turn(app: &TestApp, county: &County, item: &Value, case: &Case) -> bool {
    let auditor = app.anybody().bearing(&app.actors.auditor());
    let seen = case.seen_by(&auditor).await;
    let owner = seen["owner"]["code"].as_str().map(str::to_owned);
    let Some(owner) = owner else { return false };
    let officer = app.officer(&owner);
    let bound =
        |one: &Value| one["owning"] == true && one["state"] == "ACKNOWLEDGED" && !one["upstream"].is_null();
    if seen["decidedAt"].is_null() && seen["handoffs"].as_array().unwrap().iter().any(bound) {
        decided_by_the_county(app, case).await;
        return true;
    }
    match seen["nextStep"]["kind"].as_str().unwrap() {
        "ACKNOWLEDGE" => acknowledged(app, item, case, &seen).await,
        "ACCEPT" => {
            case.done(&officer, "acceptCase", json!({})).await;
        }
        "HAND_OFF" | "SPECIAL_PROCEDURE" => {
            let to = chosen(app, item, &seen).await;
            hand_off(county, item, case, &seen, (&officer, to)).await;
        }
        "DECIDE" => decide(app, item, case, &seen, &owner).await,
        "CHECK" => {
            let verify = handoff_beside(&seen);
            let grid = app.clerk(verify["to"]["code"].as_str().unwrap());
            case.done(&grid, "checkGridEvent", json!({ "result": "PASS" }))
                .await;
        }
        "FINISH" => {
            let beside = handoff_beside(&seen);
            let who = app.officer(beside["to"]["code"].as_str().unwrap());
            let more = json!({ "handoff": beside["id"], "opinion": "AGREE" });
            let done = act(&who, "finishHandoff", case.input(&beside["version"], more)).await;
            assert_eq!(done["userErrors"], json!([]), "{}", item["code"]);
        }
        "DELIVER" => {
            let asked = seen["handoffs"].as_array().unwrap().iter();
            let addressee = asked
                .filter(|one| one["kind"] == "DELIVERY")
                .map(|one| one["to"]["code"].as_str().unwrap().to_owned())
                .next();
            case.done(
                &app.clerk(&addressee.unwrap_or(owner)),
                "deliverResult",
                json!({}),
            )
            .await;
        }
        other => panic!("{}: {other}", item["code"]),
    }
    true
}

/// The open handoff is signed, by its person or by the system behind it.
async fn acknowledged(app: &TestApp, item: &Value, case: &Case, seen: &Value) {
    let open = handoff(seen, |one| {
        one["owning"] == true && (one["state"] == "OFFERED" || one["state"] == "EXPIRED")
            || one["state"] == "SENT"
    });
    if !open["upstream"].is_null() {
        return decided_by_the_county(app, case).await;
    }
    let receiver = app.officer(open["to"]["code"].as_str().unwrap());
    let more = json!({ "handoff": open["id"] });
    let signed = act(
        &receiver,
        "acknowledgeHandoff",
        case.input(&open["version"], more),
    )
    .await;
    assert_eq!(signed["userErrors"], json!([]), "{}", item["code"]);
}

async fn decided_by_the_county(app: &TestApp, case: &Case) {
    let auditor = app.anybody().bearing(&app.actors.auditor());
    case.comes_to(&auditor, "the county decides", |case| {
        !case["decidedAt"].is_null()
    })
    .await;
}

fn handoff_beside(seen: &Value) -> Value {
    let open = |one: &&Value| {
        one["owning"] == false
            && one["kind"] != "DELIVERY"
            && (one["state"] == "OFFERED" || one["state"] == "ACKNOWLEDGED")
    };
    seen["handoffs"]
        .as_array()
        .unwrap()
        .iter()
        .find(open)
        .unwrap()
        .clone()
}

/// The route step that the owner holds.
fn stands(seen: &Value) -> Value {
    let held = seen["handoffs"].as_array().unwrap().iter();
    held.filter(|one| one["owning"] == true && one["state"] == "ACKNOWLEDGED")
        .map(|one| one["step"].clone())
        .next_back()
        .unwrap()
}

/// The department that the next step leaves to choose; null: it leaves none.
async fn chosen(app: &TestApp, item: &Value, seen: &Value) -> Value {
    let next = stands(seen).as_i64().map_or(0, |step| step + 1);
    let route = item["route"].as_array().unwrap();
    let leaves = |step: &&Value| step["index"] == next && step["assignment"] == "CHOSEN";
    if !route.iter().any(|step| leaves(&step)) {
        return Value::Null;
    }
    let document = r#"{ organization(by: { code: "340302000000:county.housing" }) { id } }"#;
    app.anybody().data(document, json!({})).await["organization"]["id"].clone()
}

/// To the next step, with what this one has to bring; a step with a shortest time is waited for.
async fn hand_off(
    county: &County,
    item: &Value,
    case: &Case,
    seen: &Value,
    (officer, to): (&crate::harness::gql::Gql, Value),
) {
    let step = stands(seen);
    let route = item["route"].as_array().unwrap();
    let action = route
        .iter()
        .find(|one| one["index"] == step)
        .map(|one| one["action"].clone());
    let produced: Vec<Value> = item["materials"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| action.as_ref().is_some_and(|action| one["producedBy"] == *action))
        .map(|one| json!({ "code": one["code"], "trust": "A", "originals": 1 }))
        .collect();
    if !produced.is_empty() {
        let bare = case.act(officer, "handOff", json!({ "slip": "公示一号" })).await;
        let told = bare["userErrors"][0]["code"].as_str().unwrap();
        assert!(["MATERIAL_MISSING", "ILLEGAL_ACT"].contains(&told), "{told}");
    }
    let more = json!({ "slip": "皖〔2026〕7号", "materials": produced, "to": to });
    let handed = case.act(officer, "handOff", more).await;
    if handed["userErrors"][0]["code"] == "ILLEGAL_ACT" {
        // a publicity may not be cut short
        county.days_later(8);
    } else {
        assert_eq!(handed["userErrors"], json!([]), "{}", item["code"]);
    }
}

/// The owner decides; for an office outside the network its sender does, and is named with it.
async fn decide(app: &TestApp, item: &Value, case: &Case, seen: &Value, owner: &str) {
    let holding = handoff(seen, |one| {
        one["owning"] == true && one["state"] == "ACKNOWLEDGED"
    });
    let outside = owner.contains("province.");
    let who = if outside {
        holding["from"]["code"].as_str().unwrap()
    } else {
        owner
    };
    let grid = item["caseKind"] == "GRID";
    let more = json!({ "decision": if grid { "RESOLVED" } else { "GRANTED" } });
    let decided = case.done(&app.officer(who), "decideCase", more).await;
    let lines = decided["timeline"].as_array().unwrap();
    let line = lines.iter().find(|line| line["event"] == "DECIDED").unwrap();
    let named = line["onBehalfOf"]["code"].as_str();
    assert_eq!(named, outside.then_some(owner), "the event names both");
}

/// Walks one item and gives the case as it ended.
async fn walk(app: &TestApp, county: &County, item: &Value) -> Value {
    let case = submit(&app.kiosk(STATION), application(item)).await;
    for _ in 0..TURNS_MAX {
        if !turn(app, county, item, &case).await {
            return case.tracked(&app.anybody()).await;
        }
    }
    panic!(
        "{} comes to no end: {}",
        item["code"],
        case.tracked(&app.anybody()).await
    );
}

async fn walk_all(world: &World) {
    let county = County::deciding_by_itself().await;
    let app = county.gateway(world).await;
    let items = items(&app).await;
    assert_eq!(items.len(), 36);
    for item in &items {
        let ended = walk(&app, &county, item).await;
        let code = &item["code"];
        let grid = item["caseKind"] == "GRID";
        let end = if grid {
            ("COMPLETED", "RESOLVED")
        } else {
            ("DELIVERED", "GRANTED")
        };
        assert_eq!(
            (&ended["status"], &ended["decision"]),
            (&json!(end.0), &json!(end.1)),
            "{code}"
        );
        assert_eq!(ended["owner"], Value::Null, "{code}");
        let kinds: Vec<_> = ended["receipts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["kind"].as_str().unwrap())
            .collect();
        for kind in ["RECEIPT", "ACCEPTANCE", "DECISION", "DELIVERY"] {
            let told = kinds.contains(&kind) || grid && kind == "DELIVERY";
            assert!(told, "{code}: {kind} of {kinds:?}");
        }
        let public = kinds.contains(&"SPECIAL_PROCEDURE");
        assert_eq!(
            public,
            !clock(&ended, "SPECIAL").is_null(),
            "{code}: told in writing"
        );
    }
    app.stop(world).await;
}

story!(every_item_runs_from_its_submission_to_its_end, async |world| {
    walk_all(world).await;
});
