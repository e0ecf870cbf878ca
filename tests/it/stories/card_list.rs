//! The supervisors' list of cards: narrowed, paged while cards come, and shown to nobody else.

use serde_json::{Value, json};

use super::clocks::raised;
use super::kit::{
    COUNTY, Case, County, HUMAN_RESOURCES, OTHER_TOWNSHIP, STATION, TOWNSHIP, VILLAGE, funeral,
    offered_to_county, submit,
};
use crate::harness::app::TestApp;
use crate::harness::gql::Gql;
use crate::harness::people::{FARMER, NEIGHBOUR, assert_nobody_in};
use crate::harness::story::story;

const OFTEN: &[(&str, &str)] = &[("ONEDOOR__WORKER__CLOCKS_TICK_MS", "20")];
const LIST: &str = "query($filter: CardFilter, $first: Int, $after: String) { cards(filter: $filter, first: $first, after: $after) {
    totalCount nodes { id rung state desk undelivered clock raisedAt holder { code } division { code }
        case { id trackingCode applicant { name } } } pageInfo { hasNextPage endCursor } } }";

async fn list(who: &Gql, filter: &Value) -> Value {
    who.data(LIST, json!({ "filter": filter })).await["cards"].clone()
}

/// The cases of a list, and its count.
fn cases_of(list: &Value) -> (Vec<&str>, i64) {
    let nodes = list["nodes"].as_array().unwrap();
    let cases = nodes.iter().map(|node| node["case"]["id"].as_str().unwrap());
    (cases.collect(), list["totalCount"].as_i64().unwrap())
}

async fn id_of(app: &TestApp, organization: &str) -> Value {
    let document = "query($code: String!) { organization(by: { code: $code }) { id } }";
    let data = app
        .anybody()
        .data(document, json!({ "code": organization }))
        .await;
    data["organization"]["id"].clone()
}

/// One unsigned case in each of two counties, with a yellow card each.
async fn late_in_two_counties(county: &County, app: &TestApp) -> (Case, Case) {
    let here = submit(&app.kiosk(STATION), funeral(&FARMER)).await;
    let there = submit(&app.kiosk("340322100001:village.station"), funeral(&NEIGHBOUR)).await;
    county.days_later(2);
    raised(&here, &app.clerk(TOWNSHIP), "HANDOFF_ACK", "YELLOW").await;
    raised(&there, &app.clerk(OTHER_TOWNSHIP), "HANDOFF_ACK", "YELLOW").await;
    (here, there)
}

story!(
    a_supervisor_lists_the_cards_of_its_division_and_narrows_them,
    async |world| {
        let county = County::open().await;
        let app = county.gateway_with(world, OFTEN, vec![county.upstream()]).await;
        let (here, there) = late_in_two_counties(&county, &app).await;
        let supervisor = app.supervisor(COUNTY);
        let (township, other) = (id_of(&app, TOWNSHIP).await, id_of(&app, OTHER_TOWNSHIP).await);
        let yellow = json!({ "rung": ["YELLOW"], "clock": ["HANDOFF_ACK"] });
        for (narrowing, found) in [
            (json!({}), true),
            (json!({ "division": COUNTY }), true),
            (json!({ "division": VILLAGE }), true),
            (json!({ "division": "340302001002" }), false),
            (json!({ "raisedTo": "340302001000" }), true),
            (json!({ "raisedTo": COUNTY }), false),
            (json!({ "organization": township }), true),
            (json!({ "organization": other }), false),
            (json!({ "desk": ["SUPERVISOR"] }), true),
            (json!({ "desk": ["HOLDER", "UPSTREAM_OPERATOR"] }), false),
            (json!({ "state": ["RAISED"] }), true),
            (json!({ "state": ["APPEALED", "CANCELLED"] }), false),
            (json!({ "rung": ["RED_3"] }), false),
            (json!({ "clock": ["STATUTORY"] }), false),
            (json!({ "raisedFrom": "2026-03-03T00:00:00Z" }), true),
            (json!({ "raisedBefore": "2026-03-03T00:00:00Z" }), false),
        ] {
            let mut filter = yellow.clone();
            filter
                .as_object_mut()
                .unwrap()
                .extend(narrowing.as_object().unwrap().clone());
            let listed = list(&supervisor, &filter).await;
            let expected = if found {
                (vec![here.id.as_str()], 1)
            } else {
                (vec![], 0)
            };
            assert_eq!(cases_of(&listed), expected, "{narrowing}");
            assert_nobody_in("the list", listed.to_string().as_bytes());
        }
        let city = list(&app.supervisor("340300000000"), &yellow).await;
        let mut both = cases_of(&city).0;
        both.sort_unstable();
        let mut expected = [here.id.as_str(), there.id.as_str()];
        expected.sort_unstable();
        assert_eq!(both, expected);

        // an appealed card stands, a cancelled one is asked for by name
        let card = list(&supervisor, &yellow).await["nodes"][0]["id"].clone();
        here.done(
            &app.officer(TOWNSHIP),
            "appealCard",
            json!({ "card": card, "reason": "停电" }),
        )
        .await;
        assert_eq!(list(&supervisor, &yellow).await["nodes"][0]["state"], "APPEALED");
        here.done(
            &supervisor,
            "cancelCard",
            json!({ "card": card, "reason": "属实" }),
        )
        .await;
        assert_eq!(cases_of(&list(&supervisor, &yellow).await), (vec![], 0));
        let mut cancelled = yellow.clone();
        cancelled["state"] = json!(["CANCELLED"]);
        assert_eq!(cases_of(&list(&supervisor, &cancelled).await).0, [&here.id]);
        app.stop(world).await;
    }
);

story!(cards_are_for_those_who_may_read_the_case, async |world| {
    let county = County::open().await;
    let app = county.gateway_with(world, OFTEN, vec![county.upstream()]).await;
    let (here, _) = late_in_two_counties(&county, &app).await;
    let yellow = json!({ "rung": ["YELLOW"], "clock": ["HANDOFF_ACK"] });
    for who in [app.clerk(TOWNSHIP), app.officer(STATION)] {
        assert_eq!(cases_of(&list(&who, &yellow).await), (vec![here.id.as_str()], 1));
    }
    let own = json!({ "organization": id_of(&app, TOWNSHIP).await });
    assert_eq!(cases_of(&list(&app.clerk(TOWNSHIP), &own).await).0, [&here.id]);
    assert_eq!(
        cases_of(&list(&app.clerk(OTHER_TOWNSHIP), &own).await),
        (vec![], 0)
    );
    for (who, code) in [
        (app.kiosk(STATION), "FORBIDDEN"),
        (app.anybody().bearing(&app.actors.citizen("li")), "FORBIDDEN"),
        (app.anybody().bearing(&app.actors.admin()), "FORBIDDEN"),
        (app.anybody(), "UNAUTHENTICATED"),
    ] {
        let answer = who.ask(LIST, json!({ "filter": yellow })).await;
        assert_eq!((answer.at("/cards"), answer.codes()), (&Value::Null, vec![code]));
    }
    app.stop(world).await;
});

story!(
    paging_through_cards_repeats_none_while_new_ones_are_raised,
    async |world| {
        let county = County::open().await;
        let app = county.gateway_with(world, OFTEN, vec![county.upstream()]).await;
        let mut cases = Vec::new();
        for _ in 0..4 {
            cases.push(submit(&app.kiosk(STATION), funeral(&FARMER)).await);
        }
        county.days_later(2);
        for case in &cases {
            raised(case, &app.clerk(TOWNSHIP), "HANDOFF_ACK", "YELLOW").await;
        }
        let filter = json!({ "rung": ["YELLOW"], "clock": ["HANDOFF_ACK"] });
        let whole = list(&app.supervisor(COUNTY), &filter).await;
        let ids = |list: &Value| -> Vec<String> {
            let nodes = list["nodes"].as_array().unwrap();
            nodes
                .iter()
                .map(|node| node["id"].as_str().unwrap().to_owned())
                .collect()
        };
        let (mut seen, mut after) = (Vec::new(), Value::Null);
        loop {
            let variables = json!({ "filter": filter, "first": 1, "after": after });
            let page = app.supervisor(COUNTY).data(LIST, variables).await["cards"].clone();
            seen.extend(ids(&page));
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
            after = page["pageInfo"]["endCursor"].clone();
            if seen.len() == 1 {
                let newer = submit(&app.kiosk(STATION), funeral(&NEIGHBOUR)).await;
                county.days_later(2);
                raised(&newer, &app.clerk(TOWNSHIP), "HANDOFF_ACK", "YELLOW").await;
            }
        }
        assert_eq!(
            seen,
            ids(&whole),
            "each once and in order; the newer one stands before the first"
        );
        app.stop(world).await;
    }
);

story!(
    what_an_outage_kept_from_its_system_is_on_the_supervisors_list_too,
    async |world| {
        let county = County::open().await;
        // nobody listens there
        let mut gone = onedoor::upstream::config::UpstreamConfig::sandbox("http://127.0.0.1:9").unwrap();
        gone.breaker.failures = 100;
        let app = county.gateway_with(world, OFTEN, vec![gone]).await;
        let case = offered_to_county(&app).await;
        county.days_later(2);
        raised(&case, &app.clerk(TOWNSHIP), "HANDOFF_ACK", "YELLOW").await;
        let supervisor = app.supervisor(COUNTY);
        let filter = json!({ "desk": ["UPSTREAM_OPERATOR"], "rung": ["YELLOW"] });
        let listed = list(&supervisor, &filter).await;
        let card = &listed["nodes"][0];
        assert_eq!(
            (&card["undelivered"], &card["holder"]["code"], &card["case"]["id"]),
            (&json!(true), &json!(HUMAN_RESOURCES), &json!(case.id))
        );
        let late = "{ handoffs(filter: { state: [EXPIRED], upstream: \"sandbox\" }) { page { nodes { case { id } } } } }";
        let board = supervisor.data(late, json!({})).await;
        assert_eq!(
            board["handoffs"]["page"]["nodes"],
            json!([{ "case": { "id": case.id } }])
        );
        let deliveries = "{ deliveries(filter: { state: [PENDING, HELD] }) { nodes { upstream } } }";
        let waiting = supervisor.data(deliveries, json!({})).await;
        assert_eq!(waiting["deliveries"]["nodes"], json!([{ "upstream": "sandbox" }]));
        app.stop_with_deliveries_waiting().await;
    }
);
