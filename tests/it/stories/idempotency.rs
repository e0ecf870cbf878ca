//! The same key and content are carried out once, whoever asks again, wherever and whenever (P4, P5).

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::kit::{
    County, NEXT_STATION, STATION, TOWNSHIP, VILLAGE, act, answer, codes, offered_to_county, pension, taken,
};
use crate::harness::gql::Gql;
use crate::harness::people::{FARMER, NEIGHBOUR};
use crate::harness::story::story;

/// How many ask at once.
const WIDTH: usize = 50;

/// The cases that somebody sees.
async fn count(who: &Gql) -> usize {
    let data = who
        .data("{ cases(first: 100) { nodes { id } } }", json!({}))
        .await;
    data["cases"]["nodes"].as_array().unwrap().len()
}

story!(
    the_same_application_fifty_times_at_once_is_one_case_and_one_answer,
    async |world| {
        let county = County::open().await;
        let replicas = [county.gateway(world).await, county.gateway(world).await];
        let token = replicas[0].actors.kiosk(STATION);
        let kiosks = replicas.each_ref().map(|app| app.anybody().bearing(&token));
        let application = pension(&FARMER);

        let asked = (0..WIDTH).map(|number| answer(&kiosks[number % 2], "submitCase", &application));
        let answers = join_all(asked).await;
        let first = &answers[0];
        for other in &answers {
            assert_eq!(other.status, 200, "{}", other.body);
            assert!(
                other.bytes == first.bytes,
                "every answer has the same bytes, the secret included"
            );
        }
        let case = taken(first.at("/submitCase"));
        assert_eq!(count(&replicas[1].clerk(STATION)).await, 1);

        // the case moves on, the answer does not
        case.done(
            &replicas[0].clerk(TOWNSHIP),
            "acceptCase",
            json!({ "advance": true }),
        )
        .await;
        case.taken_over(&replicas[1].clerk(TOWNSHIP)).await;
        for kiosk in &kiosks {
            assert!(answer(kiosk, "submitCase", &application).await.bytes == first.bytes);
        }
        let other_selection = "mutation($input: SubmitCaseInput!) { submitCase(input: $input) { trackingSecret case { status } } }";
        let resolved = kiosks[1]
            .data(other_selection, json!({ "input": application }))
            .await;
        assert_eq!(resolved["submitCase"]["case"]["status"], "SUBMITTED");
        assert_eq!(resolved["submitCase"]["trackingSecret"], case.secret);
        let [one, other] = replicas;
        one.stop(world).await;
        other.stop(world).await;
    }
);

story!(
    an_act_repeated_fifty_times_at_once_is_one_act_and_one_answer,
    async |world| {
        let county = County::open().await;
        let replicas = [county.gateway(world).await, county.gateway(world).await];
        let case = super::kit::submit(&replicas[0].kiosk(STATION), pension(&FARMER)).await;
        let token = replicas[0].actors.clerk(TOWNSHIP);
        let clerks = replicas.each_ref().map(|app| app.anybody().bearing(&token));
        let version = case.seen_by(&clerks[0]).await["version"].clone();
        let input = case.input(&version, json!({ "advance": true }));
        let asked = (0..WIDTH).map(|number| answer(&clerks[number % 2], "acceptCase", &input));
        let answers = join_all(asked).await;
        for other in &answers {
            assert_eq!(other.status, 200, "{}", other.body);
            assert!(
                other.bytes == answers[0].bytes,
                "{} {}",
                other.body,
                answers[0].body
            );
        }
        assert_eq!(answers[0].at("/acceptCase/userErrors"), &json!([]));
        let seen = case.taken_over(&clerks[1]).await;
        let offers = seen["handoffs"].as_array().unwrap().len();
        assert_eq!(offers, 3, "station, township, county: each once");
        assert_eq!(county.department.requests().await.len(), 1);
        let [one, other] = replicas;
        one.stop(world).await;
        other.stop(world).await;
    }
);

story!(the_same_key_with_other_content_is_refused, async |world| {
    let county = County::open().await;
    let app = county.gateway(world).await;
    let kiosk = app.kiosk(STATION);
    let application = pension(&FARMER);
    taken(&act(&kiosk, "submitCase", application.clone()).await);
    let mut other = application.clone();
    other["form"]["level"] = json!("500");
    let refused = act(&kiosk, "submitCase", other.clone()).await;
    assert_eq!(codes(&refused), ["IDEMPOTENCY_MISMATCH"]);
    assert_eq!(refused["userErrors"][0]["field"], json!(["idempotencyKey"]));
    assert_eq!(
        (&refused["case"], &refused["trackingSecret"]),
        (&Value::Null, &Value::Null)
    );
    // what is wrong besides does not matter: the key is looked up first
    other["serviceItem"] = json!("no-such-item");
    assert_eq!(
        codes(&act(&kiosk, "submitCase", other).await),
        ["IDEMPOTENCY_MISMATCH"]
    );
    assert_eq!(count(&app.clerk(STATION)).await, 1);
    app.stop(world).await;
});

story!(a_key_belongs_to_its_owner, async |world| {
    let county = County::open().await;
    let app = county.gateway(world).await;
    let application = pension(&FARMER);
    let mine = taken(&act(&app.kiosk(STATION), "submitCase", application.clone()).await);
    let mut others = pension(&NEIGHBOUR);
    others["idempotencyKey"] = application["idempotencyKey"].clone();
    let theirs = taken(&act(&app.kiosk(NEXT_STATION), "submitCase", others).await);
    let mut online = application.clone();
    online["division"] = json!(VILLAGE);
    let citizen = app.anybody().bearing(&app.actors.citizen("citizen-1"));
    let own = taken(&act(&citizen, "submitCase", online).await);
    assert!(mine.id != theirs.id && mine.id != own.id && theirs.id != own.id);
    assert!(mine.secret != theirs.secret && mine.secret != own.secret);
    app.stop(world).await;
});

story!(a_refused_act_leaves_its_key_free, async |world| {
    let county = County::open().await;
    let app = county.gateway(world).await;
    let kiosk = app.kiosk(STATION);
    let application = pension(&FARMER);
    let mut bare = application.clone();
    bare["materials"] = json!([]);
    let refused = act(&kiosk, "submitCase", bare).await;
    assert!(codes(&refused).contains(&"MATERIAL_MISSING"), "{refused}");
    taken(&act(&kiosk, "submitCase", application).await);

    let case = offered_to_county(&app).await;
    let clerk = app.clerk(TOWNSHIP);
    case.taken_over(&clerk).await;
    let stale = case.input(&json!(1), json!({}));
    let refused = act(&clerk, "handOff", stale.clone()).await;
    assert_eq!(codes(&refused), ["STALE_VERSION"]);
    let again = act(&clerk, "handOff", stale).await;
    assert_eq!(
        codes(&again),
        ["STALE_VERSION"],
        "judged anew, not remembered as a refusal"
    );
    app.stop(world).await;
});
