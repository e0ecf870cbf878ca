//! A GeoReport server is told whole or all faults of it are; what is sent and what it says is what was configured.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::*;
use crate::config::fault::{Fault, Origin};
use crate::upstream::fact::Verdict;
use crate::upstream::sample::{self, Fullness};

mod news;

const SOUND: &str = r#"
    updates = true
    [services]
    "*" = "001"
    [update_status]
    withdraw = "CANCELLED"
    [statuses]
    fixed = ["GRANTED", "COMPLETED"]
    "closed/Duplicate request." = "DENIED"
    planned = []
"#;

fn built(text: &str) -> (Option<Arc<dyn Adapter>>, Vec<Fault>) {
    let mut section = Section::new("options".to_owned(), Origin::Default, text.parse().expect("TOML"));
    let adapter = build(&mut section);
    (adapter, section.finish())
}

fn sound(text: &str) -> Arc<dyn Adapter> {
    let (adapter, faults) = built(text);
    assert_eq!(faults, []);
    adapter.expect("an adapter")
}

fn now() -> DateTime<Utc> {
    "2026-11-23T01:05:00Z".parse().unwrap()
}

fn cx() -> EncodeContext {
    EncodeContext { now: now() }
}

fn answer(status: u16, body: &str) -> WireAnswer {
    WireAnswer {
        status,
        headers: BTreeMap::new(),
        retry_after: None,
        body: body.as_bytes().to_vec(),
    }
}

fn command(operation: Operation, form: &Value) -> DeliveryCommand {
    let Value::Object(form) = form.clone() else {
        panic!("an object")
    };
    sample::command(operation, sample::case(Fullness::Full, form))
}

/// The fields of a form that is sent.
fn fields(text: &str, command: &DeliveryCommand) -> Vec<(String, String)> {
    let request = sound(text).encode(command, &cx()).unwrap();
    url::form_urlencoded::parse(&request.body.unwrap())
        .into_owned()
        .collect()
}

fn field<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = fields.iter().find(|(found, _)| found == name);
    found.map(|(_, value)| value.as_str())
}

#[test]
fn all_faults_of_the_options_are_told_at_once() {
    let (adapter, faults) = built(
        r#"
        format = "yaml"
        jurisdiction = ""
        colour = "red"
        page_max = 5
        email = "email"
        description = "a..b"
        reference_attribute = "our ref"
        [services]
        "x" = ""
        [location]
        lat = "lat"
        height = "h"
        [attributes]
        "a]" = "x"
        score = "credit.score"
        [update_status]
        withdraw = "CANCELLED"
        [statuses]
        closed = "FIXED"
        Closed = "NOTE"
        "#,
    );
    assert!(adapter.is_none());
    let paths: BTreeSet<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
    let expected = [
        "options.attributes.a]",
        "options.attributes.score",
        "options.colour",
        "options.description",
        "options.email",
        "options.format",
        "options.jurisdiction",
        "options.location.height",
        "options.location.lat",
        "options.page_max",
        "options.reference_attribute",
        "options.services.x",
        "options.statuses.closed",
        "options.update_status",
    ];
    assert_eq!(paths, BTreeSet::from(expected), "{faults:#?}");
    let (none, faults) = built("");
    assert!(none.is_none());
    assert_eq!(
        faults.first().map(|fault| fault.path.as_str()),
        Some("options.services")
    );
}

#[test]
fn capabilities_are_what_the_server_can_do_and_no_more() {
    let able = |text: &str| sound(text).capabilities();
    let base = "[services]\n\"*\" = \"1\"";
    assert_eq!(
        able(base),
        BTreeSet::from([Capability::Submit, Capability::Query, Capability::Poll])
    );
    let updates = format!("updates = true\n{base}");
    assert!(able(&updates).is_superset(&BTreeSet::from([Capability::Transition, Capability::Supplement])));
    assert!(!able(&updates).contains(&Capability::Withdraw));
    assert!(able(SOUND).contains(&Capability::Withdraw));
    assert!(
        !able(SOUND).contains(&Capability::FindByOurKey),
        "nobody may believe a description"
    );
}

#[test]
fn a_place_is_taken_from_the_form_and_else_is_the_division() {
    let text = format!(
        "[location]\nlat = \"at.lat\"\nlong = \"at.long\"\naddress = \"where\"\naddress_id = \"at.id\"\n{}",
        "[services]\n\"*\" = \"1\""
    );
    let sent = |form: Value| {
        let all = fields(&text, &command(Operation::Submit, &form));
        let place = ["lat", "long", "address_string", "address_id"];
        let here = place.map(|name| field(&all, name).unwrap_or("-").to_owned());
        here.join(" ")
    };
    assert_eq!(
        sent(json!({ "at": { "lat": 32.95, "long": "117.36" }, "where": "解放路1号" })),
        "32.95 117.36 解放路1号 -"
    );
    assert_eq!(
        sent(json!({ "at": { "lat": 32.95, "long": 117.36 } })),
        "32.95 117.36 - -"
    );
    assert_eq!(sent(json!({ "at": { "id": 545_483 } })), "- - - 545483");
    for nowhere in [
        json!({}),
        json!({ "at": { "lat": 32.95 } }),
        json!({ "at": { "lat": 95, "long": 117 } }),
        json!({ "at": { "lat": "NaN", "long": "117" } }),
        json!({ "at": "x", "where": { "b": 1 } }),
    ] {
        assert_eq!(sent(nowhere.clone()), "- - 张庄村 -", "{nowhere}");
    }
}

#[test]
fn a_person_stays_here_unless_the_server_is_to_know_them() {
    let form = json!({ "mail": "a@b.example", "colours": ["red", "blue"], "months": 12 });
    let base = "[services]\n\"*\" = \"1\"\n[attributes]\nCOLOURS = \"colours\"\nMONTHS = \"months\"";
    let all = fields(base, &command(Operation::Submit, &form));
    for name in [
        "first_name",
        "last_name",
        "phone",
        "email",
        "account_id",
        "device_id",
        "media_url",
    ] {
        assert_eq!(field(&all, name), None, "{name}");
    }
    assert!(!format!("{all:?}").contains("测试甲") && !format!("{all:?}").contains("11010519491231002X"));
    let colours: Vec<&str> = all
        .iter()
        .filter(|(name, _)| name == "attribute[COLOURS][]")
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!(colours, ["red", "blue"]);
    assert_eq!(field(&all, "attribute[MONTHS]"), Some("12"));

    let named = fields(
        &format!("send_person = true\nemail = \"mail\"\n{base}"),
        &command(Operation::Submit, &form),
    );
    assert_eq!(field(&named, "last_name"), Some("测试甲"));
    assert_eq!(field(&named, "phone"), Some("13800000000"));
    assert_eq!(field(&named, "email"), Some("a@b.example"));
}

#[test]
fn our_number_stands_behind_the_words_however_long_they_are() {
    let text = "description = \"words\"\n[services]\n\"*\" = \"1\"";
    let form = json!({ "words": "路面塌陷".repeat(2_000) });
    let all = fields(text, &command(Operation::Submit, &form));
    let description = field(&all, "description").unwrap();
    assert_eq!(description.chars().count(), 4_000);
    assert!(description.ends_with(" [BB26112300017]"), "{description}");
}

#[test]
fn an_item_without_a_service_code_is_never_sent() {
    let adapter = sound("[services]\nother = \"1\"");
    let refused = adapter.encode(&command(Operation::Submit, &json!({})), &cx());
    assert!(matches!(refused, Err(EncodeError::Template { part, .. }) if part == "services"));
}

#[test]
fn a_request_is_asked_for_by_its_number_or_its_token_and_never_by_ours() {
    let adapter = sound(&format!("jurisdiction = \"city.example\"\n{SOUND}"));
    let asked = |number: Option<ExternalId>| {
        let mut command = command(Operation::Submit, &json!({}));
        command.external_id = number;
        adapter.encode_query(&command, &cx())
    };
    let request = asked(ExternalId::parse("../../admin?x=1#")).unwrap();
    assert_eq!(request.segments, ["requests", "../../admin?x=1#.json"]);
    assert_eq!(
        request.query,
        [("jurisdiction_id".to_owned(), "city.example".to_owned())]
    );
    let request = asked(ExternalId::provisional("12345")).unwrap();
    assert_eq!(request.segments, ["tokens", "12345.json"]);
    assert!(matches!(asked(None), Err(EncodeError::Unsupported)));
}

#[test]
fn a_token_becomes_a_number_that_its_report_brings() {
    let adapter = sound(SOUND);
    let mut asked = command(Operation::Submit, &json!({}));
    asked.external_id = ExternalId::provisional("12345");
    let found = |body: &str| adapter.decode_query(&asked, &answer(200, body));
    let Finding::Found(given) = found(r#"[{"service_request_id":638344,"token":12345}]"#) else {
        panic!("found")
    };
    assert_eq!(given.external_id.as_str(), "638344");
    let fact = given.facts.first().unwrap();
    assert_eq!(
        (
            fact.external_id.as_str(),
            fact.our_reference.as_deref(),
            &fact.kind
        ),
        ("638344", Some("BB26112300017"), &FactKind::Received)
    );
    let Finding::Found(waiting) = found(r#"[{"service_request_id":null,"token":"12345"}]"#) else {
        panic!("found")
    };
    assert_eq!(
        (waiting.external_id.as_str(), waiting.facts.len()),
        ("token:12345", 0)
    );
    for strange in [
        r#"[{"service_request_id":638344,"token":99}]"#,
        r#"[{"service_request_id":"token:12345","token":12345}]"#,
        "[]",
        "{}",
    ] {
        assert_eq!(found(strange), UNANSWERED, "{strange}");
    }
}

#[test]
fn an_update_waits_for_the_number_that_a_token_stands_for() {
    let adapter = sound(SOUND);
    let mut update = command(Operation::Supplement, &json!({}));
    update.external_id = ExternalId::provisional("12345");
    assert!(matches!(
        adapter.encode(&update, &cx()),
        Err(EncodeError::NumberMissing)
    ));
}

#[test]
fn what_a_state_means_is_configured_and_closing_alone_decides_nothing() {
    let adapter = sound(SOUND);
    let said = |status: &str, notes: &str| {
        let entry = json!([{
            "service_request_id": "7", "status": status, "status_notes": notes,
            "updated_datetime": "2026-11-23T09:03:00+08:00",
        }]);
        let mut asked = command(Operation::Submit, &json!({}));
        asked.external_id = ExternalId::parse("7");
        let finding = adapter.decode_query(&asked, &answer(200, &entry.to_string()));
        let Finding::Found(found) = finding else {
            panic!("{finding:?}")
        };
        let kinds: Vec<FactKind> = found.facts.into_iter().map(|fact| fact.kind).collect();
        (kinds, found.awaits_callback)
    };
    let note = |text: &str| {
        let text = UntrustedText::new(text);
        (vec![FactKind::Note { text }], true)
    };
    let decided = |verdict, words: &str| FactKind::Decided {
        verdict,
        opinion: UntrustedText::new(words),
    };
    assert_eq!(said("open", ""), (vec![FactKind::Received], true));
    assert_eq!(said("OPEN", ""), (vec![FactKind::Received], true));
    assert_eq!(said("closed", ""), note("closed"));
    assert_eq!(said("closed", "Fixed."), note("closed: Fixed."));
    assert_eq!(
        said("Closed", "Duplicate request."),
        (vec![decided(Verdict::Denied, "Duplicate request.")], false)
    );
    assert_eq!(
        said("fixed", ""),
        (
            vec![decided(Verdict::Granted, "fixed"), FactKind::Completed],
            false
        )
    );
    for status in [
        "investigating",
        "in_progress",
        "In Progress",
        "action-scheduled",
        "for_triage",
        "internal_referral",
        "no_further_action",
        "not_councils_responsibility",
        "duplicate",
        "cancelled",
        "reopen",
        "something else",
    ] {
        assert_eq!(said(status, ""), note(status));
    }
    assert_eq!(
        said("planned", "soon"),
        (vec![], true),
        "a state without meaning here"
    );
}
