//! What DIGIT's services are sent of a case, and which configurations are refused.

use std::collections::BTreeMap;

use chrono::DateTime;
use serde_json::{Value, json};

use super::*;
use crate::config::fault::Origin;
use crate::upstream::text::ExternalId;

const PGR: &str = r#"
    module = "pgr"
    tenant_id = "pb.amritsar"
    service_codes = { "*" = "Others" }
"#;
const WORKFLOW: &str = r#"
    module = "workflow"
    tenant_id = "pb.amritsar"
    business_service = "X"
    module_name = "x"
    actions = { submit = "APPLY" }
    statuses = { DONE = ["GRANTED", "COMPLETED"] }
"#;

fn built(options: &str) -> Result<Arc<dyn Adapter>, Vec<String>> {
    let table = options.parse().expect("TOML");
    let mut section = Section::new("options".to_owned(), Origin::Default, table);
    let adapter = build(&mut section);
    let faults = section.finish();
    match adapter {
        Some(adapter) if faults.is_empty() => Ok(adapter),
        Some(_) | None => Err(faults.into_iter().map(|fault| fault.path).collect()),
    }
}

fn cx() -> EncodeContext {
    EncodeContext {
        now: DateTime::from_timestamp(1_795_395_900, 0).expect("instant"),
    }
}

fn command(operation: Operation) -> DeliveryCommand {
    sample::command(operation, sample::case(Fullness::Sparse, sample::form()))
}

fn body(request: &WireRequest) -> Value {
    serde_json::from_slice(request.body.as_deref().expect("a body")).expect("JSON")
}

fn answer(body: &Value) -> WireAnswer {
    WireAnswer {
        status: 200,
        headers: BTreeMap::new(),
        retry_after: None,
        body: body.to_string().into_bytes(),
    }
}

#[test]
fn what_is_configured_goes_to_its_place_and_our_number_stays() {
    let options = r#"
        module = "tl"
        tenant_id = "pb.amritsar"
        service_codes = { "*" = "GOODS" }
        [fields]
        tradeName = "employment"
        "tradeLicenseDetail.noOfEmployees" = "months"
        "tradeLicenseDetail.surveyNo" = "not_in_this_form"
        [constants]
        licenseType = "TEMPORARY"
    "#;
    let request = built(options).expect("sound").encode(&command(Operation::Submit), &cx());
    let sent = body(&request.expect("written"));
    let licence = &sent["Licenses"][0];
    assert_eq!(licence["tradeName"], "灵活就业");
    assert_eq!(licence["licenseType"], "TEMPORARY");
    let detail = &licence["tradeLicenseDetail"];
    assert_eq!((&detail["noOfEmployees"], detail.get("surveyNo")), (&json!(12), None));
    assert_eq!(detail["additionalDetail"]["ourRef"], sample::CASE_NUMBER);
    assert!(sent["RequestInfo"].get("authToken").is_none(), "the token is the driver's");
    assert_eq!(
        sent["RequestInfo"]["msgId"],
        "delivery_00000000000000000000000000000003-1"
    );
}

#[test]
fn a_comment_is_cut_by_characters_and_keeps_our_key() {
    let mut submitted = command(Operation::Submit);
    submitted.case.handoff.note = Some("长".repeat(3_000));
    let sent = built(WORKFLOW).expect("sound").encode(&submitted, &cx()).expect("written");
    let sent = body(&sent);
    let comment = sent["ProcessInstances"][0]["comment"].as_str().expect("a comment");
    assert_eq!(comment.chars().count(), 1_024);
    assert!(comment.ends_with(&format!("长 [{}]", submitted.key)), "{comment}");
    let sent = built(PGR).expect("sound").encode(&submitted, &cx()).expect("written");
    let sent = body(&sent);
    let comments = sent["workflow"]["comments"].as_str().expect("comments");
    assert_eq!(comments.chars().count(), 1_024);
}

#[test]
fn an_operation_without_an_action_is_not_offered() {
    let able = built(PGR).expect("sound").capabilities();
    assert!(able.contains(&Capability::Transition), "REOPEN is shipped");
    assert!(!able.contains(&Capability::Supplement) && !able.contains(&Capability::Withdraw));
    let able = built(&format!("{PGR}\nactions = {{ transition = \"\", withdraw = \"CANCEL\" }}"));
    let able = able.expect("sound").capabilities();
    assert!(!able.contains(&Capability::Transition) && able.contains(&Capability::Withdraw));
    let able = built(WORKFLOW).expect("sound").capabilities();
    assert!(!able.contains(&Capability::Poll), "it gives no list of all its cases");
    assert!(!able.contains(&Capability::Callback));
}

#[test]
fn an_item_that_has_no_code_there_is_not_sent_under_another() {
    let options = PGR.replace('*', "another-item");
    let refused = built(&options).expect("sound").encode(&command(Operation::Submit), &cx());
    assert!(matches!(refused, Err(EncodeError::Template { part, .. }) if part == "service_codes"));
}

#[test]
fn an_update_keeps_what_it_does_not_know_of_the_record() {
    let adapter = built(&format!("{PGR}\nactions = {{ withdraw = \"CANCEL\" }}")).expect("sound");
    let withdrawal = command(Operation::Withdraw);
    let number = withdrawal.external_id.as_ref().map(ExternalId::as_str);
    let held = json!({ "ServiceWrappers": [{ "service": {
        "id": "u-1", "serviceRequestId": number, "applicationStatus": "PENDINGATLME", "newMember": [1],
        "additionalDetail": null, "auditDetails": { "lastModifiedTime": 5 },
    } }] });
    let Ok(Prepared::Request(request)) = adapter.prepare(&withdrawal, &answer(&held), &cx()) else {
        panic!("a request")
    };
    let sent = body(&request);
    assert_eq!((&sent["service"]["id"], &sent["service"]["newMember"]), (&json!("u-1"), &json!([1])));
    assert_eq!(sent["service"]["additionalDetail"]["ourKey"], withdrawal.key);
    assert_eq!(sent["workflow"]["action"], "CANCEL");
}

#[test]
fn faults_of_a_configuration_are_told_all_at_once() {
    let bad = r#"
        module = "tl"
        tenant_id = ""
        search_days = 0
        source = "web"
        [service_codes]
        [fields]
        "a..b" = "x"
        "tradeLicenseDetail.owners.name" = "y"
        "tradeLicenseDetail.additionalDetail.z" = "z"
        tradeName = "credit_score"
        [statuses]
        APPLIED = "TELEPORTED"
        [actions]
        submit = ""
        zzz = "x"
    "#;
    let faults = built(bad).expect_err("faulty");
    for option in ["tenant_id", "search_days", "source", "service_codes", "fields", "statuses.APPLIED", "actions.zzz", "actions.submit"] {
        assert!(faults.contains(&format!("options.{option}")), "{option} of {faults:?}");
    }
    assert_eq!(faults.iter().filter(|path| *path == "options.fields").count(), 3, "{faults:?}");
    let through = format!("{PGR}\nfields = {{ \"serviceCode.x\" = \"y\" }}");
    assert_eq!(built(&through).expect_err("faulty"), ["options.fields"]);
    assert_eq!(built("module = \"dog\"").expect_err("faulty").first().map(String::as_str), Some("options.module"));
    let without = WORKFLOW.replace("statuses = { DONE = [\"GRANTED\", \"COMPLETED\"] }", "");
    assert_eq!(built(&without).expect_err("faulty"), ["options.statuses"]);
}
