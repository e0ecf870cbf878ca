//! Subscribers are told what happens to cases: signed, in order, of nobody; again until it arrives, and never twice on purpose.

use std::fs;
use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use onedoor::config::fault::Origin;
use onedoor::upstream::config::{SecretRef, UpstreamConfig};
use onedoor_domain::notice::NoticeKind;
use serde_json::{Value, json};
use uuid::Uuid;

use super::kit::{
    COUNTY, Case, County, HUMAN_RESOURCES, STATION, TOWNSHIP, codes, funeral, offered_to_county, submit,
};
use crate::harness::app::TestApp;
use crate::harness::gql::Gql;
use crate::harness::people::{FARMER, assert_nobody_in};
use crate::harness::story::story;
use crate::harness::subscriber::{
    Reply, Subscriber, entries, is_signed_by_secret, is_signed_for_public_key, told, types,
};
use crate::harness::wait::{PATIENCE, eventually};
use crate::harness::world::World;

const SAMPLE: &str = include_str!("../../../config/upstreams/subscriber.toml");
const OLD: &str = "whsec_b2xkZXIgc2VjcmV0IG9mIHRoZSBzdG9yeSE=";
const NEW: &str = "whsec_bmV3ZXIgc2VjcmV0IG9mIHRoZSBzdG9yeSE=";
const UNKNOWN: &str = "whsec_c29tZWJvZHkgZWxzZSdzIHNlY3JldCBrZXk=";
/// Longer than the longest pause between two attempts.
const LONGEST_PAUSE_S: i64 = 301;

/// The shipped sample at an address of ours, with keys of the story.
fn sample(world: &World, name: &str, url: &str, keys: &[&str]) -> UpstreamConfig {
    let mut config = UpstreamConfig::parse(SAMPLE, &Origin::Default).unwrap();
    config.name = name.parse().unwrap();
    config.base_url = format!("{url}{}", config.base_url.path()).parse().unwrap();
    config.allow_addresses = vec!["127.0.0.1".parse().unwrap()];
    config.timeout = Duration::from_millis(1_500);
    config.connect_timeout = Duration::from_millis(500);
    config.breaker.failures = 100;
    let write = |(index, key): (usize, &&str)| {
        let path = world.folder().join(format!("{name}-{index}"));
        fs::write(&path, key).unwrap();
        SecretRef::File(path)
    };
    config.auth.signing = keys.iter().enumerate().map(write).collect();
    config
}

fn is_notify(delivery: &Value) -> bool {
    delivery["operation"] == "NOTIFY"
}

/// The news of a case to a system, the oldest first.
async fn news(app: &TestApp, case: &Case, upstream: &str) -> Vec<Value> {
    let mut all = case.deliveries(app).await;
    all.reverse();
    all.retain(|one| is_notify(one) && one["upstream"] == upstream);
    all
}

async fn first_is(app: &TestApp, case: &Case, state: &str, attempts: u32) -> Value {
    let what = format!("the first news is {state} after {attempts} attempts");
    eventually(&what, PATIENCE, async || {
        let all = news(app, case, "hall-screen").await;
        all.into_iter()
            .next()
            .filter(|one| one["state"] == state && one["attempts"] == attempts)
    })
    .await
}

/// A delivery as a window sees it.
async fn at_the_window(who: &Gql, id: &Value) -> Value {
    let document =
        "{ deliveries { nodes { id version state stateText reason operation availableActions } } }";
    let seen = who.data(document, json!({})).await;
    let all = seen["deliveries"]["nodes"].as_array().unwrap();
    all.iter()
        .find(|one| one["id"] == *id)
        .cloned()
        .unwrap_or(Value::Null)
}

async fn redeliver(who: &Gql, delivery: &Value) -> Value {
    let document = "mutation($input: RedeliverInput!) { redeliver(input: $input) {
        delivery { state } userErrors { code field } } }";
    let input = json!({
        "delivery": delivery["id"], "expectedVersion": delivery["version"], "idempotencyKey": Uuid::now_v7(),
    });
    who.data(document, json!({ "input": input })).await["redeliver"].clone()
}

story!(
    a_subscriber_hears_what_happened_in_order_signed_by_every_key_and_of_nobody,
    async |world| {
        let county = County::open().await;
        let (screen, elsewhere) = (Subscriber::open().await, Subscriber::open().await);
        let seed = [7; 32];
        let secret_key = format!("whsk_{}", STANDARD.encode(seed));
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        let public_key = format!("whpk_{}", STANDARD.encode(pair.public_key()));
        let listens = sample(world, "hall-screen", &screen.url(), &[NEW, OLD, &secret_key]);
        let mut far = sample(world, "far-screen", &elsewhere.url(), &[OLD]);
        far.notify.as_mut().unwrap().divisions = vec!["340322000000".to_owned()];
        let configs = vec![county.upstream(), listens, far];
        let app = county.gateway_with(world, &[], configs).await;

        let case = offered_to_county(&app).await;
        case.taken_over(&app.clerk(TOWNSHIP)).await;
        county.decides(&case, "APPROVED", Some("符合条件")).await;
        let seen = case.becomes("COMPLETED", &app.clerk(TOWNSHIP)).await;
        let heard = screen.hears(4).await;
        let order = [
            "case.submitted",
            "case.accepted",
            "case.decided",
            "case.completed",
        ];
        assert_eq!(types(&heard), order);

        let timeline = seen["timeline"].as_array().unwrap();
        let number = &seen["externalNumbers"][0]["number"];
        let mut last_seq = 0;
        for (request, kind) in heard
            .iter()
            .zip(["SUBMITTED", "ACCEPTED", "DECIDED", "COMPLETED"])
        {
            assert_eq!(request.line, "POST /hooks/onedoor HTTP/1.1");
            for key in [NEW, OLD] {
                assert!(is_signed_by_secret(request, key), "{kind}: old and new key sign");
            }
            assert!(is_signed_for_public_key(request, &public_key), "{kind}");
            assert!(!is_signed_by_secret(request, UNKNOWN), "{kind}");
            assert_eq!(entries(request).len(), 3);
            assert_nobody_in("a notice", &request.body);
            let message = told(request);
            let data = &message["data"];
            assert_eq!(data["tracking_code"], case.reference());
            assert_eq!(data["case_id"], case.id);
            let line = timeline.iter().find(|line| line["seq"] == data["seq"]).unwrap();
            assert_eq!(line["event"], kind, "it names its line of the ledger");
            assert_eq!(data["hash"].as_str().unwrap().len(), 64);
            let seq = data["seq"].as_u64().unwrap();
            assert!(seq > last_seq, "in the order of the ledger");
            last_seq = seq;
        }
        let data = |index: usize| told(&heard[index])["data"].clone();
        // as it stood then, not as it stands when it is told
        assert_eq!(data(0)["status"], "SUBMITTED");
        assert_eq!(data(0)["external_numbers"], json!([]));
        assert_eq!(
            (&data(1)["status"], &data(1)["by"]["code"]),
            (&json!("ACCEPTED"), &json!(TOWNSHIP))
        );
        assert_eq!(
            (&data(2)["decision"], &data(2)["by"]["code"]),
            (&json!("GRANTED"), &json!(HUMAN_RESOURCES))
        );
        assert_eq!(data(3)["status"], "COMPLETED");
        assert_eq!(
            data(3)["external_numbers"],
            json!([{ "system": "sandbox", "number": number }])
        );

        app.deliveries_settle(world).await;
        assert_eq!(screen.heard().len(), 4, "each thing once");
        assert!(elsewhere.heard().is_empty(), "another district's screen");
        let kept = news(&app, &case, "hall-screen").await;
        assert!(kept.iter().all(|one| one["state"] == "DELIVERED"), "{kept:?}");
        let after = case.seen_by(&app.clerk(TOWNSHIP)).await;
        assert_eq!(
            after["timeline"], seen["timeline"],
            "telling leaves no line of its own"
        );
        app.stop(world).await;
    }
);

story!(
    news_that_fails_comes_again_under_its_identifier_and_once_more_when_a_person_says_so,
    async |world| {
        let county = County::open().await;
        let screen = Subscriber::open().await;
        let few = [("ONEDOOR__OUTBOX__ATTEMPTS_MAX", "3")];
        let configs = vec![
            county.upstream(),
            sample(world, "hall-screen", &screen.url(), &[OLD]),
        ];
        let app = county.gateway_with(world, &few, configs).await;
        screen.will_reply(&[Reply::Status(500), Reply::Silence, Reply::Status(503)]);
        let case = offered_to_county(&app).await;
        for attempts in [1, 2] {
            first_is(&app, &case, "PENDING", attempts).await;
            county.seconds_later(LONGEST_PAUSE_S);
        }
        let dead = first_is(&app, &case, "DEAD", 3).await;

        // the county has the case all the same, and no handoff is shown as undelivered
        let township = app.clerk(TOWNSHIP);
        case.taken_over(&township).await;
        let board = "{ handoffs(filter: { delivery: [DEAD, UNCERTAIN, PENDING] }) {
            page { nodes { id } } undelivered { state count } } }";
        let seen = township.data(board, json!({})).await;
        assert_eq!(seen["handoffs"]["page"]["nodes"], json!([]));
        assert_eq!(seen["handoffs"]["undelivered"], json!([]));
        assert_eq!(screen.heard().len(), 3, "later news waits for it");

        // the window that held the case then sees it
        let station = app.clerk(STATION);
        assert_eq!(at_the_window(&township, &dead["id"]).await, Value::Null);
        let shown = at_the_window(&station, &dead["id"]).await;
        assert_eq!(
            (&shown["operation"], &shown["availableActions"]),
            (
                &json!("NOTIFY"),
                &json!(["REDELIVER", "RESOLVE_UNCERTAIN_DELIVERY"])
            )
        );
        assert_eq!(codes(&redeliver(&station, &shown).await), Vec::<&str>::new());
        assert_eq!(codes(&redeliver(&station, &shown).await), ["STALE_VERSION"]);
        let heard = screen.hears(5).await;
        let id = |index: usize| heard[index].header("webhook-id").unwrap().to_owned();
        assert!(
            (0..4).all(|index| id(index) == id(0)),
            "one identifier for one notice"
        );
        assert_ne!(id(4), id(0));
        assert!(
            (0..4).all(|index| heard[index].body == heard[0].body),
            "and one text"
        );
        assert!(
            heard.iter().all(|one| is_signed_by_secret(one, OLD)),
            "each signed for its own time"
        );
        let times: Vec<_> = heard
            .iter()
            .map(|one| one.header("webhook-timestamp").unwrap())
            .collect();
        assert!(times[0] < times[1] && times[1] < times[2], "{times:?}");
        assert_eq!(
            types(&heard[3..]),
            ["case.submitted", "case.accepted"],
            "in order"
        );
        app.deliveries_settle(world).await;
        assert_eq!(screen.heard().len(), 5, "sent again once");
        app.stop(world).await;
    }
);

story!(a_subscriber_that_wants_no_more_is_left_in_peace, async |world| {
    let county = County::open().await;
    let screen = Subscriber::open().await;
    let mut config = sample(world, "hall-screen", &screen.url(), &[OLD]);
    config.notify.as_mut().unwrap().events = [NoticeKind::Submitted].into();
    let app = county
        .gateway_with(world, &[], vec![county.upstream(), config])
        .await;
    let admin = app.anybody().bearing(&app.actors.admin());
    let gone = async || {
        let seen = admin
            .data("{ upstreams { name goneAt capabilities } }", json!({}))
            .await;
        let all = seen["upstreams"].as_array().unwrap().clone();
        all.into_iter().find(|one| one["name"] == "hall-screen").unwrap()
    };
    assert_eq!(gone().await["capabilities"], json!(["NOTIFY"]));
    screen.will_reply(&[Reply::Status(410)]);
    let said = submit(&app.kiosk(STATION), funeral(&FARMER)).await;
    let refused = first_is(&app, &said, "REJECTED", 1).await;
    assert_eq!(refused["reason"], "GONE");
    assert_ne!(gone().await["goneAt"], Value::Null);
    let unsent = submit(&app.kiosk(STATION), funeral(&FARMER)).await;
    assert_eq!(first_is(&app, &unsent, "REJECTED", 0).await["reason"], "GONE");
    assert_eq!(screen.heard().len(), 1, "it was not asked again");
    // an hour later it is asked, and takes news again
    county.seconds_later(3_601);
    let later = submit(&app.kiosk(STATION), funeral(&FARMER)).await;
    first_is(&app, &later, "DELIVERED", 1).await;
    assert_eq!(gone().await["goneAt"], Value::Null);
    app.stop(world).await;
});

story!(only_what_is_asked_for_is_told, async |world| {
    let county = County::open().await;
    let screens = [
        Subscriber::open().await,
        Subscriber::open().await,
        Subscriber::open().await,
    ];
    let [by_item, by_role, by_division] = &screens;
    let mut items = sample(world, "by-item", &by_item.url(), &[OLD]);
    items.notify.as_mut().unwrap().items = vec!["pension-enroll".to_owned()];
    let mut roles = sample(world, "by-role", &by_role.url(), &[OLD]);
    roles.notify.as_mut().unwrap().roles = vec!["township.service-center".to_owned()];
    let mut division = sample(world, "by-division", &by_division.url(), &[OLD]);
    division.notify.as_mut().unwrap().divisions = vec![COUNTY.to_owned()];
    let configs = vec![county.upstream(), items, roles, division];
    let app = county.gateway_with(world, &[], configs).await;
    let case = submit(&app.kiosk(STATION), funeral(&FARMER)).await;
    case.done(&app.clerk(TOWNSHIP), "acceptCase", json!({})).await;
    app.deliveries_settle(world).await;
    assert_eq!(types(&by_item.heard()), Vec::<String>::new(), "another item");
    assert_eq!(
        types(&by_role.heard()),
        ["case.accepted"],
        "what the township did"
    );
    assert_eq!(types(&by_division.heard()), ["case.submitted", "case.accepted"]);
    app.stop(world).await;
});

story!(
    news_that_nobody_needs_any_more_is_given_up_and_the_next_goes_on,
    async |world| {
        let county = County::open().await;
        let screen = Subscriber::open().await;
        let config = sample(world, "hall-screen", &screen.url(), &[OLD]);
        let app = county
            .gateway_with(world, &[], vec![county.upstream(), config])
            .await;
        app.expect_error("an upstream refuses us by its or our configuration");
        screen.will_reply(&[Reply::Status(404)]);
        let case = submit(&app.kiosk(STATION), funeral(&FARMER)).await;
        let held = first_is(&app, &case, "HELD", 1).await;
        let (township, station) = (app.clerk(TOWNSHIP), app.clerk(STATION));
        case.done(&township, "acceptCase", json!({})).await;
        let say = async |resolution: &str| {
            let document =
                "mutation($input: ResolveUncertainDeliveryInput!) { resolveUncertainDelivery(input: $input) {
                delivery { state } userErrors { code field } } }";
            let shown = at_the_window(&station, &held["id"]).await;
            let input = json!({ "delivery": shown["id"], "expectedVersion": shown["version"],
                "idempotencyKey": Uuid::now_v7(), "resolution": resolution });
            station.data(document, json!({ "input": input })).await["resolveUncertainDelivery"].clone()
        };
        assert_eq!(
            codes(&say("TAKEN").await),
            ["ILLEGAL_ACT"],
            "a person cannot know that"
        );
        let given_up = say("GIVEN_UP").await;
        assert_eq!(given_up["delivery"]["state"], "CANCELLED", "{given_up}");
        let heard = screen.hears(2).await;
        assert_eq!(types(&heard), ["case.submitted", "case.accepted"]);
        let seen = case.seen_by(&township).await;
        assert_eq!(seen["status"], "ACCEPTED", "nothing follows for the case");
        app.stop(world).await;
    }
);
