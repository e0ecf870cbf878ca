//! What the envelope adds, keeps and drops, and which configurations are refused.

use std::collections::BTreeMap;

use chrono::DateTime;

use super::*;
use crate::config::fault::Origin;
use crate::upstream::command::Operation;
use crate::upstream::outcome::{Ambiguity, HeldReason};
use crate::upstream::sample::{self, Fullness};

const OPTIONS: &str = r#"
    client = "EE/GOV/70000001/portal"
    service = "EE/COM/10000001/registry/cases"
    inner = "county-rest"
"#;

fn built(options: &str) -> Result<Arc<dyn Adapter>, Vec<String>> {
    let table = options.parse().expect("TOML");
    let mut section = Section::new("upstreams.x.options".to_owned(), Origin::Default, table);
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

fn header<'a>(request: &'a WireRequest, name: &str) -> Option<&'a str> {
    let found = request.headers.iter().find(|(one, _)| one == name);
    found.map(|(_, value)| value.as_str())
}

#[test]
fn a_request_is_enveloped_and_its_message_keeps_its_identifier() {
    let adapter = built(&format!("{OPTIONS}\nuser_id = \"EE38001085718\"\nrepresented_party = \"COM/11065244\""))
        .expect("sound");
    let mut command = command(Operation::Withdraw);
    let request = adapter.encode(&command, &cx()).expect("written");
    let path = "r1/EE/COM/10000001/registry/cases/api/applications/HR-2026-000123/withdrawal";
    assert_eq!(request.segments.join("/"), path);
    assert_eq!(header(&request, "x-road-client"), Some("EE/GOV/70000001/portal"));
    assert_eq!(header(&request, "x-road-userid"), Some("EE38001085718"));
    assert_eq!(header(&request, "x-road-represented-party"), Some("COM/11065244"));
    assert_eq!(header(&request, "x-road-issue"), Some(sample::CASE_NUMBER));
    let id = "00000000-0000-0000-0000-000000000002";
    assert_eq!(header(&request, "x-road-id"), Some(id));
    command.attempt = 7;
    let again = adapter.encode(&command, &cx()).expect("written");
    assert_eq!(header(&again, "x-road-id"), Some(id), "a retry is the same message");
    let asked = adapter.encode_query(&command, &cx()).expect("written");
    let question = header(&asked, "x-road-id").expect("an identifier");
    assert!(question != id && Uuid::try_parse(question).is_ok(), "{question}");
    let later = EncodeContext {
        now: cx().now + chrono::Duration::seconds(1),
    };
    let asked = adapter.encode_query(&command, &later).expect("written");
    assert_ne!(header(&asked, "x-road-id"), Some(question), "another question");
}

#[test]
fn a_part_that_a_path_cannot_carry_stays_one_segment() {
    let options = OPTIONS.replace("registry/cases", "登记 处/cases?x#y");
    let request = built(&options).expect("sound").encode(&command(Operation::Submit), &cx());
    let segments = request.expect("written").segments;
    assert_eq!(segments[4..6], ["登记 处", "cases?x#y"]);
}

#[test]
fn what_a_security_server_would_replace_is_not_sent() {
    let described = r#"
        client = "EE/GOV/70000001"
        service = "EE/COM/10000001/cases"
        inner = "template"
        [inner_options.read]
        external_id = "$.id"
        [inner_options.operations.submit]
        path = "/cases"
        headers = { user-agent = "x", X-Road-Id = "{{ case.case_number }}", keep-alive = "9", accept = "application/json" }
        body = "{}"
    "#;
    let request = built(described).expect("sound").encode(&command(Operation::Submit), &cx());
    let names: Vec<String> = request
        .expect("written")
        .headers
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert!(names.contains(&"accept".to_owned()), "{names:?}");
    assert!(!names.contains(&"user-agent".to_owned()) && !names.contains(&"keep-alive".to_owned()));
    assert_eq!(names.iter().filter(|name| name.eq_ignore_ascii_case("x-road-id")).count(), 1);
}

#[test]
fn the_office_that_hands_over_is_named_in_the_class_of_our_member() {
    let adapter = built(&format!("{OPTIONS}\nrepresented_party = true")).expect("sound");
    let request = adapter.encode(&command(Operation::Submit), &cx()).expect("written");
    assert_eq!(
        header(&request, "x-road-represented-party"),
        Some("GOV/340321103000%3Atown.center")
    );
    let poll = adapter.encode_poll(None, &cx()).expect("written");
    assert_eq!(header(&poll, "x-road-represented-party"), None, "a poll is about no case");
    assert_eq!(header(&poll, "x-road-issue"), None);
}

#[test]
fn faults_of_a_configuration_are_told_with_their_whole_path() {
    let bad = r#"
        client = "EE/GOV"
        service = "EE/COM/1/../x"
        user_id = "38001085718"
        represented_party = "COM"
        inner = "template"
        [inner_options.operations.submit]
        path = "/x"
        zzz = 1
    "#;
    let faults = built(bad).expect_err("faulty");
    for option in ["client", "service", "user_id", "represented_party", "inner_options.operations.submit.zzz"] {
        let path = format!("upstreams.x.options.{option}");
        assert!(faults.contains(&path), "{path} of {faults:?}");
    }
    let faults = built(&OPTIONS.replace("county-rest", "x-road")).expect_err("faulty");
    assert_eq!(faults, ["upstreams.x.options.inner"], "no envelope in an envelope");
}

#[test]
fn callbacks_do_not_come_by_x_road_and_polls_do() {
    let able = built(OPTIONS).expect("sound").capabilities();
    assert!(!able.contains(&Capability::Callback));
    assert!(able.contains(&Capability::Poll) && able.contains(&Capability::FindByOurKey));
}

#[test]
fn an_error_of_x_road_is_no_answer_of_the_provider() {
    let adapter = built(OPTIONS).expect("sound");
    let answer = |mark: Option<&str>, status, body: &str| {
        let mut headers = BTreeMap::from([
            ("x-road-request-id".to_owned(), "r-1".to_owned()),
            ("x-road-request-hash".to_owned(), "aGFzaA==".to_owned()),
        ]);
        headers.extend(mark.map(|mark| ("x-road-error".to_owned(), mark.to_owned())));
        WireAnswer {
            status,
            headers,
            retry_after: None,
            body: body.as_bytes().to_vec(),
        }
    };
    let sent = command(Operation::Submit);
    let taken = r#"{"serial_no": "HR-1"}"#;
    let own = answer(None, 202, taken);
    assert!(matches!(adapter.decode(&sent, &own), UpstreamOutcome::Accepted(_)));
    assert_eq!(
        adapter.evidence(&own).as_deref(),
        Some("x-road-request-id: r-1; x-road-request-hash: aGFzaA==")
    );
    let marked = |kind| adapter.decode(&sent, &answer(Some(kind), 202, taken));
    let reason = HeldReason::Refused;
    assert_eq!(marked("Client.BadRequest"), UpstreamOutcome::Held { reason });
    let reason = Ambiguity::ServerError;
    assert_eq!(
        marked("Server.ServerProxy.ServiceFailed"),
        UpstreamOutcome::Ambiguous { reason }
    );
    let poll = answer(Some("Server.ServerProxy.NetworkError"), 200, r#"{"events": [], "more": false}"#);
    assert_eq!(adapter.decode_poll_since(None, &poll, &cx()), None);
}
