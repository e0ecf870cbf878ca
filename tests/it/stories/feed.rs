//! Whoever was cut off goes on behind its last cursor: each change once, none lost, whatever replica wrote it.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::follow::Socket;
use super::kit::{County, OTHER_TOWNSHIP, STATION, TOWNSHIP, funeral, submit};
use crate::harness::app::TestApp;
use crate::harness::gql::Gql;
use crate::harness::people::FARMER;
use crate::harness::story::story;

const SINCE: &str = "query($after: String) { changesSince(after: $after) { cursor hasMore changes { at case { id status } } } }";
const FOLLOW: &str =
    "subscription($after: String) { handoffsChanged(after: $after) { cursor case { id status } } }";

/// Everything behind a cursor, and the next one.
async fn since(who: &Gql, after: &Value) -> (Vec<String>, Value) {
    let (mut cases, mut after) = (Vec::new(), after.clone());
    loop {
        let data = who.data(SINCE, json!({ "after": after })).await;
        let answer = &data["changesSince"];
        let ids = answer["changes"].as_array().unwrap().iter();
        cases.extend(ids.map(|change| change["case"]["id"].as_str().unwrap().to_owned()));
        after = answer["cursor"].clone();
        if answer["hasMore"] == false {
            return (cases, after);
        }
    }
}

async fn submitted(app: &TestApp, count: usize) -> Vec<String> {
    let kiosk = app.kiosk(STATION);
    let burst = (0..count).map(|_| submit(&kiosk, funeral(&FARMER)));
    join_all(burst).await.into_iter().map(|case| case.id).collect()
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

story!(
    a_cursor_tells_what_changed_since_once_and_to_whom_it_may,
    async |world| {
        let county = County::open().await;
        let (here, there) = (county.gateway(world).await, county.gateway(world).await);
        let (clerk, stranger) = (there.clerk(TOWNSHIP), there.clerk(OTHER_TOWNSHIP));
        let (nothing, mine) = since(&clerk, &Value::Null).await;
        assert!(nothing.is_empty(), "without a cursor only where the feed ends");
        let (_, theirs) = since(&stranger, &Value::Null).await;

        let case = submit(&here.kiosk(STATION), funeral(&FARMER)).await;
        case.done(&here.clerk(TOWNSHIP), "acceptCase", json!({})).await;
        let (changed, next) = since(&clerk, &mine).await;
        assert_eq!(
            changed,
            std::slice::from_ref(&case.id),
            "one case, though it changed twice, and from the other replica"
        );
        assert!(since(&clerk, &next).await.0.is_empty(), "told once");
        assert_eq!(
            since(&clerk, &mine).await.0,
            std::slice::from_ref(&case.id),
            "an old cursor tells it again"
        );
        assert!(since(&stranger, &theirs).await.0.is_empty());
        for (who, sees) in [
            (here.supervisor("340302000000"), true),
            (here.supervisor("340322000000"), false),
            (here.kiosk(STATION), true),
            (here.anybody().bearing(&here.actors.citizen("citizen-9")), false),
        ] {
            assert_eq!(!since(&who, &mine).await.0.is_empty(), sees);
        }
        here.stop(world).await;
        there.stop(world).await;
    }
);

story!(
    a_socket_cut_in_the_middle_of_a_burst_goes_on_without_a_gap,
    async |world| {
        let county = County::open().await;
        let (here, there) = (county.gateway(world).await, county.gateway(world).await);
        let clerk = there.clerk(TOWNSHIP);
        let (_, begin) = since(&clerk, &Value::Null).await;
        let mut socket = Socket::following(&there, &clerk, FOLLOW, json!({ "after": begin })).await;

        let (mut heard, mut last) = (Vec::new(), begin);
        let (mut written, ()) = futures_util::join!(submitted(&here, 12), async {
            for _ in 0..4 {
                let data = socket.hear_until(|_| true).await;
                let change = &data["handoffsChanged"];
                heard.push(change["case"]["id"].as_str().unwrap().to_owned());
                last = change["cursor"].clone();
            }
            // what was sent behind these four is lost with the socket
            drop(socket);
        });
        written.extend(submitted(&there, 3).await);

        // on the other replica
        let mut again =
            Socket::following(&here, &here.clerk(TOWNSHIP), FOLLOW, json!({ "after": last })).await;
        written.extend(submitted(&here, 3).await);
        while heard.len() < written.len() {
            let data = again.hear_until(|_| true).await;
            heard.push(data["handoffsChanged"]["case"]["id"].as_str().unwrap().to_owned());
            last = data["handoffsChanged"]["cursor"].clone();
        }
        assert_eq!(sorted(heard), sorted(written), "each once, none lost");
        assert!(
            since(&clerk, &last).await.0.is_empty(),
            "the cursor of a subscription is one of the query"
        );
        drop(again);
        here.stop(world).await;
        there.stop(world).await;
    }
);

story!(a_cursor_older_than_the_feed_says_to_load_again, async |world| {
    let county = County::open().await;
    let app = county.gateway(world).await;
    let (_, old) = since(&app.clerk(TOWNSHIP), &Value::Null).await;
    submitted(&app, 1).await;
    county.days_later(8);
    let clerk = app.clerk(TOWNSHIP);
    for language in [clerk.clone(), clerk.in_english()] {
        let answer = language.ask(SINCE, json!({ "after": old })).await;
        assert_eq!(answer.codes(), ["CURSOR_TOO_OLD"], "{}", answer.body);
        assert_eq!(answer.at("/changesSince"), &Value::Null);
    }
    let mut socket = Socket::following(&app, &clerk, FOLLOW, json!({ "after": old })).await;
    let refused = socket.hear().await;
    assert_eq!(
        refused["payload"]["errors"][0]["extensions"]["code"], "CURSOR_TOO_OLD",
        "{refused}"
    );
    let (_, fresh) = since(&clerk, &Value::Null).await;
    let case = submit(&app.kiosk(STATION), funeral(&FARMER)).await;
    let (changed, _) = since(&clerk, &fresh).await;
    assert!(changed.contains(&case.id), "a new cursor goes on");
    for text in ["", "none", "WzEsImZlZWQiLC0xLDAsW11d"] {
        let answer = clerk.ask(SINCE, json!({ "after": text })).await;
        assert_eq!(answer.codes(), ["BAD_USER_INPUT"], "{text}");
    }
    drop(socket);
    app.stop(world).await;
});

story!(
    a_case_is_followed_on_behind_a_cursor_of_any_kind_without_a_gap_or_a_repetition,
    async |world| {
        let county = County::open().await;
        let (here, there) = (county.gateway(world).await, county.gateway(world).await);
        let township = here.clerk(TOWNSHIP);
        let follow = "subscription($id: ID!, $after: String) {
            caseChanged(id: $id, after: $after) { cursor at case { id status version } } }";
        let case = submit(&here.kiosk(STATION), funeral(&FARMER)).await;
        let other = submit(&here.kiosk(STATION), funeral(&FARMER)).await;
        let whole = json!({ "id": case.id });
        let mut socket = Socket::following(&here, &township, follow, whole).await;
        let first = socket.hear_until(|_| true).await["caseChanged"].clone();
        assert_eq!(first["case"]["status"], "SUBMITTED", "at first as it is now");
        drop(socket);
        // missed while nobody listens, beside another case's change
        other.done(&township, "acceptCase", json!({})).await;
        case.done(&township, "acceptCase", json!({})).await;
        let on = json!({ "id": case.id, "after": first["cursor"] });
        let mut again = Socket::following(&there, &there.clerk(TOWNSHIP), follow, on).await;
        let missed = again.hear_until(|_| true).await["caseChanged"].clone();
        assert_eq!(
            missed["case"]["status"], "ACCEPTED",
            "what was missed comes first"
        );
        case.done(&township, "handOff", json!({})).await;
        let next = again.hear_until(|_| true).await["caseChanged"].clone();
        assert_eq!(next["case"]["status"], "IN_REVIEW", "and then what comes, once");
        drop(again);
        let (changed, end) = since(&township, &next["cursor"]).await;
        assert!(changed.is_empty(), "the cursor is one of changesSince");
        // a cursor of changesSince: silent until something changes
        let on = json!({ "id": other.id, "after": end });
        let mut quiet = Socket::following(&here, &township, follow, on).await;
        other.done(&township, "handOff", json!({})).await;
        let heard = quiet.hear_until(|_| true).await["caseChanged"].clone();
        assert_eq!(
            (&heard["case"]["id"], &heard["case"]["status"]),
            (&json!(other.id), &json!("IN_REVIEW"))
        );
        county.days_later(8);
        let old = json!({ "id": case.id, "after": end });
        let mut late = Socket::following(&here, &here.clerk(TOWNSHIP), follow, old).await;
        let refused = late.hear().await;
        let told = &refused["payload"]["errors"][0];
        assert_eq!(told["extensions"]["code"], "CURSOR_TOO_OLD", "{refused}");
        let words = told["message"].as_str().unwrap();
        assert!(words.contains("changesSince"), "it says how to go on: {words}");
        drop((quiet, late));
        here.stop(world).await;
        there.stop(world).await;
    }
);
