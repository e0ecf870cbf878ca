//! The board: what waits on whose desk, how much of it is late, and which deliveries are on their way.

use serde_json::{Value, json};

use super::kit::{
    CIVIL_AFFAIRS, COUNTY, Case, County, HUMAN_RESOURCES, NEXT_STATION, OTHER_TOWNSHIP, STATION, TOWNSHIP,
    funeral, offered_to_county, pension, submit,
};
use crate::harness::app::TestApp;
use crate::harness::gql::Gql;
use crate::harness::people::{FARMER, NEIGHBOUR};
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, eventually};

async fn id_of(app: &TestApp, organization: &str) -> Value {
    let document = "query($code: String!) { organization(by: { code: $code }) { id } }";
    let data = app
        .anybody()
        .data(document, json!({ "code": organization }))
        .await;
    data["organization"]["id"].clone()
}

async fn board(who: &Gql, filter: Value) -> Value {
    let document = "query($filter: HandoffFilter) { handoffs(filter: $filter, first: 50) {
        counts { state count late }
        page { nodes { state isOverdue dueAt to { code } case { id status } } } } }";
    who.data(document, json!({ "filter": filter })).await["handoffs"].clone()
}

fn counted(board: &Value, state: &str) -> (i64, i64) {
    let counts = board["counts"].as_array().unwrap();
    let found = counts.iter().find(|one| one["state"] == state);
    found.map_or((0, 0), |one| {
        (one["count"].as_i64().unwrap(), one["late"].as_i64().unwrap())
    })
}

fn cases_of(board: &Value) -> Vec<&str> {
    let nodes = board["page"]["nodes"].as_array().unwrap();
    nodes
        .iter()
        .map(|node| node["case"]["id"].as_str().unwrap())
        .collect()
}

story!(a_desk_shows_what_waits_and_what_is_late, async |world| {
    let county = County::open().await;
    let app = county.gateway(world).await;
    let mut cases = Vec::new();
    for minute in 0..3 {
        county.seconds_later(60 * minute);
        cases.push(submit(&app.kiosk(STATION), funeral(&FARMER)).await);
    }
    let desk = json!({ "organization": id_of(&app, TOWNSHIP).await });
    let waiting = board(&app.clerk(TOWNSHIP), desk.clone()).await;
    assert_eq!(counted(&waiting, "OFFERED"), (3, 0));
    assert_eq!(cases_of(&waiting).len(), 3);

    cases[0].signed_for(&app.clerk(TOWNSHIP)).await;
    // a working day to sign ends with Tuesday
    county.days_later(2);
    let late = eventually("nobody signed in time", PATIENCE, async || {
        let late = board(&app.clerk(TOWNSHIP), desk.clone()).await;
        (counted(&late, "EXPIRED") == (2, 2)).then_some(late)
    })
    .await;
    assert_eq!(counted(&late, "OFFERED"), (0, 0));
    assert_eq!(
        counted(&late, "ACKNOWLEDGED"),
        (1, 0),
        "it is on the desk, and its time runs otherwise"
    );
    let mut only_late = desk.clone();
    only_late["late"] = json!(true);
    let listed = board(&app.clerk(TOWNSHIP), only_late).await;
    let mut expected = vec![cases[1].id.as_str(), cases[2].id.as_str()];
    expected.sort_unstable();
    let mut found = cases_of(&listed);
    found.sort_unstable();
    assert_eq!(found, expected);
    let nodes = listed["page"]["nodes"].as_array().unwrap();
    assert!(nodes.iter().all(|node| node["isOverdue"] == true), "{nodes:?}");

    let above = board(&app.supervisor(COUNTY), json!({ "state": ["EXPIRED"] })).await;
    assert_eq!(
        (counted(&above, "EXPIRED"), cases_of(&above).len()),
        ((2, 2), 2),
        "what nobody signed for is on the supervisor's list"
    );
    let taken = cases[1].signed_for(&app.clerk(TOWNSHIP)).await;
    assert_eq!(taken["owner"]["code"], TOWNSHIP, "it may still be signed for");
    for stranger in [OTHER_TOWNSHIP, NEXT_STATION] {
        let theirs = board(&app.clerk(stranger), desk.clone()).await;
        assert_eq!(
            (cases_of(&theirs).len(), counted(&theirs, "OFFERED")),
            (0, (0, 0)),
            "{stranger}"
        );
    }
    app.stop(world).await;
});

story!(
    a_sender_sees_what_was_handed_on_and_by_which_system_it_waits,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let by_system = offered_to_county(&app).await;
        by_system.taken_over(&app.clerk(TOWNSHIP)).await;
        let by_hand = submit(&app.kiosk(STATION), funeral(&NEIGHBOUR)).await;
        by_hand
            .done(&app.clerk(TOWNSHIP), "acceptCase", json!({ "advance": true }))
            .await;

        let sent = json!({ "sender": id_of(&app, TOWNSHIP).await });
        let handed_on = board(&app.clerk(TOWNSHIP), sent).await;
        let mut found = cases_of(&handed_on);
        found.sort_unstable();
        let mut both = vec![by_system.id.as_str(), by_hand.id.as_str()];
        both.sort_unstable();
        assert_eq!(found, both);
        let at_sandbox = board(&app.clerk(TOWNSHIP), json!({ "upstream": "sandbox" })).await;
        assert_eq!(cases_of(&at_sandbox), [by_system.id.as_str()]);
        assert_eq!(at_sandbox["page"]["nodes"][0]["to"]["code"], HUMAN_RESOURCES);
        let civil = board(&app.officer(CIVIL_AFFAIRS), json!({})).await;
        assert_eq!(cases_of(&civil), [by_hand.id.as_str()]);
        app.stop(world).await;
    }
);

async fn delivery_states(who: &Gql) -> Result<Vec<String>, Vec<String>> {
    let document = "{ deliveries(first: 10) { nodes { state upstream trackingCode } } }";
    let answer = who.ask(document, json!({})).await;
    if answer.at("/deliveries").is_null() {
        return Err(answer.codes().into_iter().map(str::to_owned).collect());
    }
    let nodes = answer.at("/deliveries/nodes").as_array().unwrap();
    Ok(nodes
        .iter()
        .map(|one| one["state"].as_str().unwrap().to_owned())
        .collect())
}

story!(
    deliveries_are_for_the_sending_office_the_supervisor_and_the_administrator,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let case: Case = offered_to_county(&app).await;
        case.taken_over(&app.clerk(TOWNSHIP)).await;
        let delivered = Ok(vec!["DELIVERED".to_owned()]);
        assert_eq!(delivery_states(&app.officer(TOWNSHIP)).await, delivered);
        assert_eq!(delivery_states(&app.clerk(TOWNSHIP)).await, delivered);
        assert_eq!(delivery_states(&app.supervisor(COUNTY)).await, delivered);
        let admin = app.anybody().bearing(&app.actors.admin());
        assert_eq!(delivery_states(&admin).await, delivered);
        assert_eq!(case.seen_by(&app.clerk(TOWNSHIP)).await["status"], "IN_REVIEW");
        let no_content = admin
            .ask(
                "query($id: ID!) { case(by: { id: $id }) { id } }",
                json!({ "id": case.id }),
            )
            .await;
        assert_eq!(
            (no_content.at("/case"), no_content.codes()),
            (&Value::Null, vec!["FORBIDDEN"]),
            "without content"
        );
        for (who, expected) in [
            (app.officer(OTHER_TOWNSHIP), Ok(Vec::new())),
            (app.supervisor("340322000000"), Ok(Vec::new())),
            (app.clerk(OTHER_TOWNSHIP), Ok(Vec::new())),
            (app.kiosk(STATION), Err(vec!["FORBIDDEN".to_owned()])),
            (app.anybody(), Err(vec!["UNAUTHENTICATED".to_owned()])),
        ] {
            assert_eq!(delivery_states(&who).await, expected);
        }
        let pensioner = submit(&app.kiosk(STATION), pension(&NEIGHBOUR)).await;
        assert!(
            pensioner.deliveries(&app).await.is_empty(),
            "nothing is sent before it is handed on"
        );
        app.stop(world).await;
    }
);
