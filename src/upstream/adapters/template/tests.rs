//! A description is whole or every fault of it is told; what it reads is what it says.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::config::fault::{Fault, Origin};
use crate::upstream::fact::{FactKind, Verdict};
use crate::upstream::sample::{self, Fullness};

const SOUND: &str = r#"
    [read]
    external_id = ["$.id", "$.data.id"]
    our_reference = "$.ref"
    status = "$.state"
    version = "$.seq"
    error = "$.code"
    message = "$.msg"
    promised = "$.due"
    occurred_at = "$.at"
    time_formats = ["%Y年%m月%d日"]
    success = { path = "$.code", is = ["0", "200"] }
    [statuses]
    "1" = ["ACCEPTED"]
    "2" = ["GRANTED", "COMPLETED"]
    "*" = "NOTE"
    [errors]
    E1 = "RETRY"
    E2 = "PERMANENT"
    E3 = "CONFIG"
    E4 = "DUPLICATE"
    "*" = "UNKNOWN"
    "http:503" = "RETRY"
    [operations.submit]
    path = "/cases"
    body = '{ "ref": {{ case.case_number }} }'
"#;

fn built(text: &str) -> (Option<Arc<dyn Adapter>>, Vec<Fault>) {
    let mut section = Section::new(
        "upstreams.x.options".to_owned(),
        Origin::File("x.toml".into()),
        text.parse().expect("TOML"),
    );
    let adapter = build(&mut section);
    (adapter, section.finish())
}

fn sound(text: &str) -> Arc<dyn Adapter> {
    let (adapter, faults) = built(text);
    assert_eq!(faults, []);
    adapter.expect("an adapter")
}

fn faults(text: &str) -> Vec<String> {
    built(text).1.iter().map(ToString::to_string).collect()
}

fn taken(outcome: UpstreamOutcome) -> Acceptance {
    let UpstreamOutcome::Accepted(acceptance) = outcome else {
        panic!("{outcome:?}");
    };
    acceptance
}

fn answer(status: u16, body: &str) -> WireAnswer {
    WireAnswer {
        status,
        headers: BTreeMap::new(),
        retry_after: None,
        body: body.as_bytes().to_vec(),
    }
}

fn submission(attempt: u32) -> DeliveryCommand {
    let case = sample::case(Fullness::Full, sample::form());
    DeliveryCommand {
        attempt,
        ..sample::command(Operation::Submit, case)
    }
}

fn decoded(attempt: u32, status: u16, body: &str) -> UpstreamOutcome {
    sound(SOUND).decode(&submission(attempt), &answer(status, body))
}

#[test]
fn every_fault_is_told_at_once_with_its_file_and_key_in_both_languages() {
    let told = faults(
        r#"
        charset = "big5"
        colour = "red"
        redact = ["phone"]
        [read]
        external_id = "data.id"
        success = { path = "$.ok" }
        time_formats = ["yyyy-MM-dd"]
        [statuses]
        "1" = "GRANTET"
        [errors]
        "http:409" = "RETRY"
        E1 = "AGAIN"
        [operations.submit]
        method = "SEND"
        path = "https://elsewhere.example/"
        headers = { Authorization = "x" }
        body = '{ "a": "{{ case.case_number }}" }'
        [operations.find]
        path = "/a"
        body = '{ "a": {{ case.case_number }'
        "#,
    );
    let keys = [
        "charset",
        "colour",
        "redact",
        "read.external_id",
        "read.success.path",
        "read.time_formats",
        "statuses.1",
        "errors.http:409",
        "errors.E1",
        "operations.submit.method",
        "operations.submit.path",
        "operations.submit.headers.authorization",
        "operations.submit.body",
        "operations.find.body",
    ];
    for key in keys {
        let place = format!("upstreams.x.options.{key} (file x.toml): ");
        let line = told.iter().find(|line| line.starts_with(&place));
        let line = line.unwrap_or_else(|| panic!("{key} in {told:#?}"));
        let chinese = line.chars().any(|letter| ('\u{4e00}'..'\u{9fff}').contains(&letter));
        assert!(chinese, "{line}");
    }
    assert_eq!(told.len(), keys.len(), "{told:#?}");
}

#[test]
fn what_only_a_sample_case_shows_is_told_too() {
    let told = faults(
        r#"
        profiling = ["household_grade"]
        [statuses]
        "1/2" = "NOTE"
        [errors]
        E1 = "RETRY"
        [operations.submit]
        path = "/cases/{{ case.applicant.id_number }}"
        body = '{ "a": {{ case.aplicant.name }}, "score": {{ case.form.credit_score }}, "g": {{ case.form.household_grade }} }'
        [operations.supplement]
        path = "/papers"
        body = '{ "phone": {{ case.applicant.phone | cut(3) | urlencode }} }'
        [operations.find]
        path = "/find/{{ delivery.external_id }}"
        body_kind = "xml"
        body = "<a>{{ case.materials }}</a>"
        "#,
    );
    let whole = told.join("\n");
    for part in [
        "case.form.credit_score is tagged as profiling",
        "case.form.household_grade is tagged as profiling",
        "path.1 names case.applicant: addresses and headers end in logs",
        "submit.body, on a full sample case: undefined value",
        "supplement.body, on a sparse sample case",
        "find.body, on a full sample case",
        "operations.submit.read (file x.toml): has no external_id",
        "operations.find.read (file x.toml): needs our_reference",
        "operations.find (file x.toml): asks by our key, but names delivery.external_id",
        "codes are named, but no read table has a path `error`",
    ] {
        assert!(whole.contains(part), "{part} in\n{whole}");
    }
}

#[test]
fn a_whole_form_leaves_without_the_fields_that_profile_people() {
    let text = format!(
        "profiling = [\"grade\"]\n{}",
        SOUND.replace("{{ case.case_number }}", "{{ case.form }}")
    );
    let mut command = submission(1);
    command.case.form.insert("grade".to_owned(), 3.into());
    command.case.form.insert("宗教信仰".to_owned(), "x".into());
    let request = sound(&text)
        .encode(&command, &EncodeContext { now: command.case.submitted_at })
        .expect("a request");
    let body: Value = serde_json::from_slice(&request.body.expect("a body")).expect("JSON");
    assert_eq!(body["ref"], Value::Object(sample::form()));
}

#[test]
fn a_success_is_one_only_as_the_description_says() {
    let accepted = |body: &str| taken(decoded(1, 200, body));
    let first = accepted(r#"{"code":0,"id":"A-1","data":{"id":"A-2"},"seq":"7","state":1,"due":"2026年12月05日"}"#);
    assert_eq!(first.external_id.as_str(), "A-1");
    assert_eq!(first.version, Some(7));
    let [promise, taken] = first.facts.as_slice() else {
        panic!("{:?}", first.facts)
    };
    assert!(matches!(&promise.kind, FactKind::Note { text } if text.as_str().contains("2026-12-05")));
    assert_eq!((&taken.kind, promise.version, taken.version), (&FactKind::Accepted, None, Some(7)));
    assert_eq!(accepted(r#"{"code":"200","data":{"id":"A-2"}}"#).external_id.as_str(), "A-2");
    let unreadable = UpstreamOutcome::Ambiguous { reason: Ambiguity::Unreadable };
    for body in [r#"{"code":"0"}"#, "", "null", r#"{"code":"0","id":" "}"#, r#"{"id":"A-1"}"#, "<html>"] {
        assert_eq!(decoded(1, 200, body), unreadable, "{body}");
    }
}

#[test]
fn their_error_codes_mean_what_the_map_says_and_no_more() {
    let held = UpstreamOutcome::Held { reason: HeldReason::Configuration };
    let retry = UpstreamOutcome::Retryable { retry_after: None };
    let conflict = UpstreamOutcome::Ambiguous { reason: Ambiguity::ConflictOnRepeat };
    let unknown = UpstreamOutcome::Ambiguous { reason: Ambiguity::Unreadable };
    let is_rejected = |outcome: &UpstreamOutcome, code: &str| {
        matches!(outcome, UpstreamOutcome::Rejected { code: Some(found), .. } if found == code)
    };
    let code = |code: &str| format!(r#"{{"code":"{code}","msg":"x"}}"#);
    for status in [200, 400, 500] {
        assert_eq!(decoded(1, status, &code("E1")), retry, "{status}");
        assert!(is_rejected(&decoded(1, status, &code("E2")), "E2"), "{status}");
        assert_eq!(decoded(1, status, &code("E3")), held, "{status}");
        assert!(is_rejected(&decoded(1, status, &code("E4")), "E4"), "{status}");
        assert_eq!(decoded(2, status, &code("E4")), conflict, "{status}");
    }
    assert_eq!(decoded(1, 200, &code("E9")), unknown, "the entry for all others");
    // outside a 2xx the entry for all others has no say: the table of outcomes has
    assert!(is_rejected(&decoded(1, 422, &code("E9")), "E9"));
    assert_eq!(
        decoded(1, 500, &code("E9")),
        UpstreamOutcome::Ambiguous { reason: Ambiguity::ServerError }
    );
    assert_eq!(decoded(1, 503, ""), retry, "a bare status");
    // what HTTP itself says of our configuration and of repetitions stands, whatever their code
    assert_eq!(decoded(2, 409, &code("E1")), conflict);
    assert_eq!(
        decoded(1, 302, &code("E1")),
        UpstreamOutcome::Held { reason: HeldReason::Redirected }
    );
}

#[test]
fn states_propose_what_the_map_says_and_an_unknown_one_is_news() {
    let facts = |state: &str| {
        let body = format!(r#"{{"code":"0","id":"A","state":"{state}","msg":"m"}}"#);
        taken(decoded(1, 200, &body)).facts.into_iter().map(|fact| fact.kind).collect::<Vec<_>>()
    };
    assert_eq!(facts("1"), [FactKind::Accepted]);
    assert!(matches!(
        facts("2").as_slice(),
        [FactKind::Decided { verdict: Verdict::Granted, .. }, FactKind::Completed]
    ));
    assert!(matches!(facts("77").as_slice(), [FactKind::Note { .. }]));
}

#[test]
fn a_family_of_joined_states_goes_before_the_entry_for_all_others() {
    let text = SOUND
        .replace("status = \"$.state\"", "status = [\"$.state\", \"$.result\"]")
        .replace("\"1\" = [\"ACCEPTED\"]", "\"3/0\" = \"GRANTED\"\n\"3/*\" = \"DENIED\"");
    let verdict = |body: &str| {
        let acceptance = taken(sound(&text).decode(&submission(1), &answer(200, body)));
        acceptance.facts.first().map(|fact| fact.kind.clone())
    };
    let decided = |body: &str| match verdict(body) {
        Some(FactKind::Decided { verdict, .. }) => Some(verdict),
        Some(_) | None => None,
    };
    assert_eq!(decided(r#"{"code":"0","id":"A","state":3,"result":0}"#), Some(Verdict::Granted));
    assert_eq!(decided(r#"{"code":"0","id":"A","state":3,"result":5}"#), Some(Verdict::Denied));
    assert_eq!(decided(r#"{"code":"0","id":"A","state":4,"result":0}"#), None);
}

#[test]
fn a_page_of_news_passes_over_what_it_cannot_read_and_tells_where_to_go_on() {
    let text = format!(
        "{SOUND}\n[operations.poll]\nmethod = \"GET\"\npath = \"/news\"\nquery = {{ after = \"{{{{ cursor }}}}\" }}\n\
         entries = \"$.list\"\nnext_cursor = \"$.next\"\nmore = \"$.more\"\n"
    );
    let adapter = sound(&text);
    let cx = EncodeContext { now: chrono::DateTime::UNIX_EPOCH };
    let first = adapter.encode_poll(None, &cx).expect("a request");
    assert!(first.query.is_empty(), "nothing is asked after: {:?}", first.query);
    let later = adapter.encode_poll(Some("c&7"), &cx).expect("a request");
    assert_eq!(later.query, [("after".to_owned(), "c&7".to_owned())]);
    let page = adapter
        .decode_poll(&answer(
            200,
            r#"{"code":0,"next":"c9","more":true,"list":[{"id":"A","state":"1"},{"state":"1"},{"id":"B","state":"2"}]}"#,
        ))
        .expect("a page");
    assert_eq!((page.next.as_deref(), page.more, page.unreadable), (Some("c9"), true, 1));
    let numbers: Vec<_> = page.facts.iter().map(|fact| fact.external_id.as_str()).collect();
    assert_eq!(numbers, ["A", "B", "B"]);
    let empty = adapter.decode_poll(&answer(200, r#"{"code":0,"list":[]}"#)).expect("a page");
    assert_eq!((empty.facts.len(), empty.next, empty.more), (0, None, false));
    for body in [r#"{"code":0}"#, r#"{"code":"E2","list":[]}"#, "<html>"] {
        assert_eq!(adapter.decode_poll(&answer(200, body)), None, "{body}");
    }
}

#[test]
fn a_document_is_handed_in_as_it_is_or_within_a_body() {
    let raw = "[operations.attach]\nmethod = \"PUT\"\n\
               path = \"/cases/{{ delivery.external_id }}/files/{{ attachment.material_code }}\"\nbody_kind = \"content\"\n";
    let within = "[operations.attach]\npath = \"/files\"\n\
                  body = '{ \"no\": {{ delivery.external_id }}, \"name\": {{ attachment.file_name }}, \"data\": {{ attachment.content_base64 }} }'\n";
    let attachment = AttachmentView {
        material_code: "M/01".to_owned(),
        file_name: "身份证\".pdf".to_owned(),
        media_type: "application/pdf".to_owned(),
        sha256: "0".repeat(64),
        length: 3,
        content: vec![0, 255, 7],
    };
    let cx = EncodeContext { now: chrono::DateTime::UNIX_EPOCH };
    let case = sample::case(Fullness::Full, sample::form());
    let command = sample::command(Operation::Transition, case);
    let request = sound(&format!("{SOUND}\n{raw}")).encode_attachment(&command, &attachment, &cx).expect("a request");
    assert_eq!(request.segments, ["cases", "HR-2026-000123", "files", "M/01"]);
    assert_eq!(request.body.as_deref(), Some([0, 255, 7].as_slice()));
    let request = sound(&format!("{SOUND}\n{within}")).encode_attachment(&command, &attachment, &cx).expect("a request");
    let body: Value = serde_json::from_slice(&request.body.expect("a body")).expect("JSON");
    assert_eq!(body, serde_json::json!({ "no": "HR-2026-000123", "name": "身份证\".pdf", "data": "AP8H" }));
    let unnumbered = sound(&format!("{SOUND}\n{within}")).encode_attachment(&submission(1), &attachment, &cx);
    assert!(matches!(unnumbered, Err(EncodeError::NumberMissing)));
}

#[test]
fn news_may_name_a_number_that_is_not_known_and_nothing_that_is_withheld() {
    let with = |notify: &str| format!("{SOUND}\n[operations.notify]\n{notify}");
    let everywhere = sound(&with(
        "path = \"/news\"\nbody = '{ \"no\": {{ delivery.external_id }}, \"kind\": {{ case.notice.kind }} }'",
    ));
    assert!(everywhere.capabilities().contains(&Capability::Notify) && !everywhere.notifies_by_number());
    let sparse = sample::command(Operation::Notify, sample::case(Fullness::Sparse, sample::form()));
    let cx = EncodeContext {
        now: sparse.case.submitted_at,
    };
    let request = everywhere.encode(&sparse, &cx).expect("a request");
    let body: Value = serde_json::from_slice(&request.body.expect("a body")).expect("JSON");
    assert_eq!(body, serde_json::json!({ "no": null, "kind": "ACCEPTED" }));

    let addressed = sound(&with("path = \"/cases/{{ delivery.external_id }}/news\""));
    assert!(addressed.notifies_by_number());
    assert!(matches!(
        addressed.encode(&sparse, &cx),
        Err(EncodeError::NumberMissing)
    ));

    for field in ["case.applicant.name", "case.form", "case.materials", "case.handoff.note"] {
        let text = with(&format!("path = \"/news\"\nbody = '{{ \"x\": {{{{ {field} }}}} }}'"));
        let told = faults(&text);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told.iter().all(|fault| fault.contains("holds no personal data")), "{told:?}");
    }
}
