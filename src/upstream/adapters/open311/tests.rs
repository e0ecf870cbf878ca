//! A GeoReport server is told whole or all faults of it are; what it says is what it says, and no news is lost at a seam.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::*;
use crate::config::fault::{Fault, Origin};
use crate::upstream::fact::Verdict;
use crate::upstream::sample::{self, Fullness};

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

/// Updates of one list, each `(request, update, status, instant)`.
fn updates(list: &[(&str, &str, &str, &str)]) -> WireAnswer {
    let list: Vec<Value> = list
        .iter()
        .map(|(request, update, status, at)| {
            json!({
                "service_request_id": request, "update_id": update, "status": status,
                "updated_datetime": at, "description": "",
            })
        })
        .collect();
    answer(200, &Value::Array(list).to_string())
}

fn asked(adapter: &dyn Adapter, cursor: Option<&str>) -> (String, String, String) {
    let request = adapter.encode_poll(cursor, &cx()).unwrap();
    let value = |name: &str| {
        let found = request.query.iter().find(|(found, _)| found == name);
        found.unwrap().1.clone()
    };
    (
        request.segments.first().unwrap().clone(),
        value("start_date"),
        value("end_date"),
    )
}

fn told(page: &PollPage) -> Vec<String> {
    page.facts
        .iter()
        .map(|fact| format!("{} {}", fact.external_id, fact.event_id.as_deref().unwrap_or("-")))
        .collect()
}

#[test]
fn updates_go_on_from_the_last_one_and_none_is_told_twice() {
    let adapter = sound(SOUND);
    let first = asked(&*adapter, None);
    assert_eq!(
        first,
        (
            "servicerequestupdates.json".to_owned(),
            "2026-08-25T01:05:00Z".to_owned(),
            "2026-11-23T01:04:00Z".to_owned()
        )
    );
    let answered = updates(&[
        ("7", "b", "fixed", "2026-11-23T01:03:00Z"),
        ("8", "a", "open", "2026-11-23T09:02:00+08:00"),
        ("9", "c", "open", "2026-11-23T01:03:00Z"),
        ("9", "d", "open", "yesterday"),
    ]);
    let page = adapter.decode_poll_since(None, &answered, &cx()).unwrap();
    assert_eq!(told(&page), ["8 8/a", "7 7/b", "7 7/b/2", "9 9/c"]);
    assert_eq!((page.unreadable, page.more), (1, false));

    let cursor = page.next.unwrap();
    assert_eq!(asked(&*adapter, Some(&cursor)).1, "2026-11-23T01:03:00Z");
    // one more at the instant of the last, written after it was read
    let answered = updates(&[
        ("7", "b", "fixed", "2026-11-23T01:03:00Z"),
        ("9", "c", "open", "2026-11-23T01:03:00Z"),
        ("5", "e", "open", "2026-11-23T01:03:00Z"),
    ]);
    let page = adapter
        .decode_poll_since(Some(&cursor), &answered, &cx())
        .unwrap();
    assert_eq!(told(&page), ["5 5/e"]);
    let quiet = adapter
        .decode_poll_since(page.next.as_deref(), &answered, &cx())
        .unwrap();
    assert_eq!((told(&quiet), &quiet.next), (vec![], &page.next));
}

#[test]
fn a_full_answer_counts_for_nothing_and_half_its_window_is_asked_for() {
    let adapter = sound(&format!("page_max = 10\n{SOUND}"));
    let start: DateTime<Utc> = "2026-11-01T00:00:00Z".parse().unwrap();
    // one update each hour, and a server that tells the ten newest of a window
    let all: Vec<(String, String)> = (0..500)
        .map(|hour| {
            let at = start + TimeDelta::hours(hour);
            (format!("u{hour}"), requests::w3(at))
        })
        .collect();
    let mut cursor: Option<String> = None;
    let mut heard = BTreeSet::new();
    let mut pages = 0;
    loop {
        let (_, from, until) = asked(&*adapter, cursor.as_deref());
        let mut within: Vec<_> = all
            .iter()
            .filter(|(_, at)| *at >= from && *at <= until)
            .rev()
            .collect();
        within.truncate(10);
        let list: Vec<(&str, &str, &str, &str)> = within
            .iter()
            .map(|(id, at)| ("7", id.as_str(), "open", at.as_str()))
            .collect();
        let page = adapter
            .decode_poll_since(cursor.as_deref(), &updates(&list), &cx())
            .unwrap();
        for event in page.facts.iter().filter_map(|fact| fact.event_id.clone()) {
            heard.insert(event);
        }
        pages += 1;
        assert!(pages < 400, "it comes to an end");
        cursor = page.next;
        if !page.more {
            break;
        }
    }
    assert_eq!(heard.len(), 500, "after {pages} pages");
}

#[test]
fn a_quiet_server_is_asked_window_after_window() {
    let adapter = sound(SOUND);
    let (_, from, until) = asked(&*adapter, Some("2026-01-01T00:00:00+00:00 7776000 7/a"));
    assert_eq!(
        (from.as_str(), until.as_str()),
        ("2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z")
    );
    let page = adapter
        .decode_poll_since(
            Some("2026-01-01T00:00:00+00:00 7776000 7/a"),
            &answer(200, "[]"),
            &cx(),
        )
        .unwrap();
    assert!(page.more);
    assert_eq!(asked(&*adapter, page.next.as_deref()).1, "2026-04-01T00:00:00Z");
}

#[test]
fn without_updates_all_requests_of_ninety_days_are_read_again_and_again() {
    let adapter = sound("[services]\n\"*\" = \"1\"\n[statuses]\nclosed = \"GRANTED\"");
    let first = asked(&*adapter, None);
    assert_eq!(first.0, "requests.json");
    let list = json!([
        { "service_request_id": 7, "status": "closed", "status_notes": "Filled.",
          "requested_datetime": "2026-11-20T00:00:00Z", "updated_datetime": "2026-11-23T01:00:00Z" },
        { "service_request_id": 8, "status": "open", "requested_datetime": "2026-11-20T00:00:00Z" },
        { "status": "open" },
    ]);
    let page = adapter
        .decode_poll_since(None, &answer(200, &list.to_string()), &cx())
        .unwrap();
    assert_eq!((page.facts.len(), page.unreadable, page.more), (2, 1, false));
    assert!(page.facts.iter().all(|fact| fact.our_reference.is_none()));
    assert_eq!(asked(&*adapter, page.next.as_deref()), first);
}

#[test]
fn a_cursor_that_is_none_of_ours_begins_anew() {
    let adapter = sound(SOUND);
    for strange in ["", "x", "2026-11-23", "- 99999999999999999999"] {
        assert_eq!(
            asked(&*adapter, Some(strange)).2,
            "2026-11-23T01:04:00Z",
            "{strange}"
        );
    }
}

#[test]
fn news_that_is_no_list_of_the_protocol_is_not_read() {
    let adapter = sound(SOUND);
    for body in ["", "<html>", "{}", "null", "7", "{\"service_requests\":[]}"] {
        assert_eq!(
            adapter.decode_poll_since(None, &answer(200, body), &cx()),
            None,
            "{body}"
        );
    }
}
