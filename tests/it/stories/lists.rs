//! Lists, things behind ids, who asks, and the calendar.

use serde_json::{Value, json};

use super::kit::{Case, County, OTHER_TOWNSHIP, STATION, TOWNSHIP, VILLAGE, funeral, pension, submit};
use crate::harness::gql::Gql;
use crate::harness::people::{FARMER, NEIGHBOUR};
use crate::harness::story::story;

async fn page(who: &Gql, arguments: &str) -> (Vec<String>, Value) {
    let document = format!(
        "{{ cases({arguments}) {{ nodes {{ id }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"
    );
    let data = who.data(&document, json!({})).await;
    let nodes = data["cases"]["nodes"].as_array().unwrap();
    let ids = nodes
        .iter()
        .map(|node| node["id"].as_str().unwrap().to_owned())
        .collect();
    (ids, data["cases"]["pageInfo"].clone())
}

story!(pages_stay_put_while_new_cases_come_in, async |world| {
    let county = County::open().await;
    let app = county.gateway(world).await;
    let (kiosk, clerk) = (app.kiosk(STATION), app.clerk(STATION));
    let mut ids = Vec::new();
    for number in 0..7 {
        // two by two within one microsecond: the key decides
        if number % 2 == 0 {
            county.seconds_later(1);
        }
        ids.push(submit(&kiosk, funeral(&FARMER)).await.id);
    }
    let (whole, _) = page(&clerk, "first: 50").await;
    let mut sorted = (whole.clone(), ids.clone());
    sorted.0.sort();
    sorted.1.sort();
    assert_eq!(sorted.0, sorted.1);
    assert_eq!(whole[0], ids[6], "the last submitted first");

    let mut seen = Vec::new();
    let mut arguments = "first: 3".to_owned();
    loop {
        let (found, info) = page(&clerk, &arguments).await;
        seen.extend(found);
        if info["hasNextPage"] == false {
            break;
        }
        county.seconds_later(1);
        submit(&kiosk, funeral(&NEIGHBOUR)).await;
        arguments = format!("first: 3, after: {}", info["endCursor"]);
    }
    assert_eq!(seen, whole, "each once, in order, and none of the new ones");

    let (end, info) = page(&clerk, "last: 2").await;
    assert_eq!(end, whole[5..]);
    assert_eq!(info["hasPreviousPage"], true);
    let (before, _) = page(&clerk, &format!("last: 2, before: {}", info["startCursor"])).await;
    assert_eq!(before, whole[3..5]);
    app.stop(world).await;
});

story!(a_list_is_narrowed_by_its_filter_and_by_who_asks, async |world| {
    let county = County::open().await;
    let app = county.gateway(world).await;
    let first = submit(&app.kiosk(STATION), funeral(&FARMER)).await;
    county.seconds_later(3_600);
    let second = submit(&app.kiosk(STATION), pension(&NEIGHBOUR)).await;
    second.done(&app.clerk(TOWNSHIP), "acceptCase", json!({})).await;
    let clerk = app.clerk(TOWNSHIP);
    for (filter, expected) in [
        ("{}", vec![&second, &first]),
        ("{ serviceItem: \"pension-enroll\" }", vec![&second]),
        ("{ status: [SUBMITTED] }", vec![&first]),
        ("{ status: [SUBMITTED, ACCEPTED] }", vec![&second, &first]),
        ("{ submittedFrom: \"2026-03-02T02:30:00Z\" }", vec![&second]),
        ("{ submittedBefore: \"2026-03-02T02:30:00Z\" }", vec![&first]),
        ("{ division: \"340302001000\" }", vec![&second, &first]),
        ("{ division: \"340322000000\" }", vec![]),
    ] {
        let (found, _) = page(&clerk, &format!("filter: {filter}")).await;
        let expected: Vec<_> = expected.iter().map(|case: &&Case| case.id.clone()).collect();
        assert_eq!(found, expected, "{filter}");
    }
    assert!(page(&app.clerk(OTHER_TOWNSHIP), "first: 5").await.0.is_empty());
    assert_eq!(
        page(&app.kiosk(STATION), "first: 5").await.0.len(),
        2,
        "what this device handed in"
    );
    let citizen = app.anybody().bearing(&app.actors.citizen("citizen-9"));
    assert!(page(&citizen, "first: 5").await.0.is_empty());
    let auditor = app.anybody().bearing(&app.actors.auditor());
    assert_eq!(page(&auditor, "first: 5").await.0.len(), 2);
    let masked = "{ cases(first: 5) { nodes { applicant { name idNumber phone } } } }";
    for who in [clerk, auditor] {
        let data = who.data(masked, json!({})).await;
        crate::harness::people::assert_nobody_in("a list", data.to_string().as_bytes());
    }
    app.stop(world).await;
});

const NODES: &str = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id
  ... on Case { status } ... on ServiceItem { code } ... on Division { name } ... on Organization { code } } }";

story!(
    every_thing_is_found_by_its_id_and_a_denied_one_is_null,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let case = submit(&app.kiosk(STATION), pension(&FARMER)).await;
        let document = "query($item: String!, $place: DivisionCode!, $office: String!) {
        serviceItem(by: { code: $item }) { id } division(by: { code: $place }) { id } organization(by: { code: $office }) { id } }";
        let variables = json!({ "item": "pension-enroll", "place": VILLAGE, "office": TOWNSHIP });
        let found = app.anybody().data(document, variables).await;
        let ids = json!([
            found["organization"]["id"],
            case.id,
            "01890000-0000-7000-8000-000000000000",
            found["serviceItem"]["id"],
            "no id",
            found["division"]["id"],
        ]);
        let kinds = |data: &Value| -> Vec<Value> {
            data["nodes"]
                .as_array()
                .unwrap()
                .iter()
                .map(|node| node["__typename"].clone())
                .collect()
        };
        let clerk = app.clerk(TOWNSHIP).data(NODES, json!({ "ids": ids })).await;
        assert_eq!(
            kinds(&clerk),
            json!(["Organization", "Case", null, "ServiceItem", null, "Division"])
                .as_array()
                .unwrap()[..]
        );
        assert_eq!(clerk["nodes"][1]["status"], "SUBMITTED");
        let stranger = app.clerk(OTHER_TOWNSHIP).data(NODES, json!({ "ids": ids })).await;
        assert_eq!(
            kinds(&stranger),
            json!(["Organization", null, null, "ServiceItem", null, "Division"])
                .as_array()
                .unwrap()[..]
        );
        let one = "query($id: ID!) { node(id: $id) { id } }";
        for (who, id, expected) in [
            (app.clerk(TOWNSHIP), json!(case.id), json!(case.id)),
            (app.clerk(OTHER_TOWNSHIP), json!(case.id), Value::Null),
            (app.anybody(), json!(case.id), Value::Null),
            (
                app.anybody(),
                found["division"]["id"].clone(),
                found["division"]["id"].clone(),
            ),
        ] {
            let data = who.ask(one, json!({ "id": id })).await;
            let seen = data.at("/node/id").clone();
            assert_eq!(seen, expected, "{}", data.body);
        }
        app.stop(world).await;
    }
);

story!(a_viewer_learns_who_asks_and_what_time_it_is, async |world| {
    let county = County::open().await;
    let app = county.gateway(world).await;
    let document = "{ viewer { kind subject organization { code } division { code } serverTime } }";
    let clerk = app.clerk(TOWNSHIP).data(document, json!({})).await;
    assert_eq!(clerk["viewer"]["kind"], "CLERK");
    assert_eq!(clerk["viewer"]["organization"]["code"], TOWNSHIP);
    let at = clerk["viewer"]["serverTime"].as_str().unwrap();
    let at: chrono::DateTime<chrono::Utc> = at.parse().unwrap();
    assert_eq!(at, onedoor::clock::Clock::now(&app.clock));
    let nobody = app.anybody().data(document, json!({})).await;
    assert_eq!(
        (&nobody["viewer"]["kind"], &nobody["viewer"]["subject"]),
        (&json!("ANONYMOUS"), &Value::Null)
    );
    let kiosk = app.kiosk(STATION).data(document, json!({})).await;
    assert_eq!(
        (&kiosk["viewer"]["kind"], &kiosk["viewer"]["organization"]["code"]),
        (&json!("KIOSK"), &json!(STATION))
    );
    app.stop(world).await;
});

story!(
    the_calendar_counts_working_days_as_the_state_council_says,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let document = "query($limit: LimitInput!) { calendar {
        a: isWorkingDay(date: \"2026-02-14\") b: isWorkingDay(date: \"2026-02-16\") c: isWorkingDay(date: \"2026-03-02\")
        d: addWorkingDays(from: \"2026-02-12\", days: 5) e: addWorkingDays(from: \"2026-10-09\", days: 1)
        due: dueDate(start: \"2026-04-30T02:00:00Z\", limit: $limit) { date lateAt provisional } } }";
        let data = app
            .anybody()
            .data(
                document,
                json!({ "limit": { "value": 20, "unit": "WORKING_DAY" } }),
            )
            .await;
        let calendar = &data["calendar"];
        assert_eq!(
            json!([
                calendar["a"],
                calendar["b"],
                calendar["c"],
                calendar["d"],
                calendar["e"]
            ]),
            json!([true, false, true, "2026-02-26", "2026-10-10"])
        );
        assert_eq!(calendar["due"]["date"], "2026-06-01");
        assert_eq!(calendar["due"]["provisional"], false);
        app.stop(world).await;
    }
);
