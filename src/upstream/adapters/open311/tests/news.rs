//! News by windows: none is lost at a seam, none is told twice, and a full answer is not believed.

use chrono::TimeDelta;

use super::*;

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
