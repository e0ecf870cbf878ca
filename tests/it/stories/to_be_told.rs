//! What a system's protocol has no message for is carried out by a person, who says so under their own office's name.

use onedoor::upstream::config::{SANDBOX_TOKEN, SecretRef, UpstreamConfig};
use serde_json::{Value, json};
use uuid::Uuid;

use super::kit::{
    Case, County, NEXT_STATION, OTHER_TOWNSHIP, STATION, TOWNSHIP, codes, events, offered_to_county, withdraw,
};
use super::redelivery::{last_line, resolve};
use crate::harness::app::TestApp;
use crate::harness::gql::Gql;
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, eventually};
use crate::upstreams::fixture::{BEARER, described_as};
use crate::upstreams::talker::{Talker, json as answer};

/// The county's system is the form example: it takes cases over and can be told nothing else.
fn form_system(url: &str) -> UpstreamConfig {
    let text = std::fs::read_to_string("config/upstreams/template-form.toml").unwrap();
    let mut config = described_as(&text, url);
    config.roles = vec!["county.human-resources".to_owned()];
    config.auth.bearer = Some(SecretRef::Env(SANDBOX_TOKEN.to_owned()));
    config
}

const BOARD: &str = "{ handoffs(filter: { delivery: [TO_BE_TOLD] }) {
    page { nodes { case { id } deliveries { id version state stateText operation availableActions } } }
    undelivered { state count } } }";

const RESOLVE: &str = "mutation($input: ResolveUncertainDeliveryInput!) { resolveUncertainDelivery(input: $input) { userErrors { code } } }";

async fn board(who: &Gql) -> Value {
    who.data(BOARD, json!({})).await["handoffs"].clone()
}

/// The withdrawal of a case, once nobody can be told of it by a message.
async fn to_be_told(case: &Case, app: &TestApp, who: &Gql) -> Value {
    eventually("a person has to tell them", PATIENCE, async || {
        let all = case.deliveries(app).await;
        all.into_iter().find(|one| one["state"] == "TO_BE_TOLD")
    })
    .await;
    let seen = board(who).await;
    let nodes = seen["page"]["nodes"].as_array().unwrap().clone();
    let node = nodes.iter().find(|node| node["case"]["id"] == case.id);
    let node = node.unwrap_or_else(|| panic!("{seen}"));
    let deliveries = node["deliveries"].as_array().unwrap();
    deliveries
        .iter()
        .find(|one| one["operation"] == "WITHDRAW")
        .unwrap()
        .clone()
}

story!(
    what_a_protocol_cannot_say_is_told_by_a_clerk_and_the_ledger_names_who,
    async |world| {
        let county = County::open().await;
        let system =
            Talker::answering(|_, _| async { answer("200 OK", r#"{"ok":true,"info":"已登记"}"#) }).await;
        let app = county
            .gateway_with(world, &[], vec![form_system(&system.url())])
            .await;
        let township = app.clerk(TOWNSHIP);
        for resolution in ["TAKEN", "GIVEN_UP"] {
            let case = offered_to_county(&app).await;
            case.taken_over(&township).await;
            let sent = system.requests().len();
            withdraw(&app, &case).await;
            let told = to_be_told(&case, &app, &township).await;
            assert_eq!(told["availableActions"], json!(["RESOLVE_UNCERTAIN_DELIVERY"]));
            assert!(told["stateText"].as_str().is_some_and(|text| !text.is_empty()));
            let seen = board(&township).await;
            assert_eq!(
                seen["undelivered"],
                json!([{ "state": "TO_BE_TOLD", "count": 1 }])
            );
            for other in [app.clerk(OTHER_TOWNSHIP), app.clerk(NEXT_STATION)] {
                assert_eq!(board(&other).await["page"]["nodes"], json!([]));
            }
            // the station knows the case; what was sent from the township is the township's to tell
            let station = board(&app.clerk(STATION)).await;
            assert_eq!(station["undelivered"], json!([]));
            let input = json!({ "delivery": told["id"], "expectedVersion": told["version"],
                "idempotencyKey": Uuid::now_v7(), "resolution": resolution });
            let foreign = app.clerk(STATION).ask(RESOLVE, json!({ "input": input })).await;
            assert_eq!(foreign.codes(), ["NOT_FOUND"]);
            assert_eq!(
                events(&case.seen_by(&township).await).last().map(String::as_str),
                Some("WITHDRAWN")
            );
            // there is nothing to send
            let again = resolve(&township, &told, "NOT_TAKEN", None).await;
            assert_eq!(codes(&again), ["ILLEGAL_ACT"]);
            let said = resolve(&township, &told, resolution, None).await;
            assert_eq!(said["userErrors"], json!([]));
            let line = last_line(&case, &township, "DELIVERY_RESOLVED").await;
            assert_eq!(
                (&line["actorKind"], &line["organization"]["code"]),
                (&json!("CLERK"), &json!(TOWNSHIP)),
                "the ledger names who said it"
            );
            let seen = case.seen_by(&township).await;
            assert_eq!(seen["status"], "WITHDRAWN");
            let is_told = events(&seen).contains(&"UPSTREAM_TOLD".to_owned());
            if resolution == "TAKEN" {
                assert_eq!(said["delivery"]["state"], "DELIVERED");
                let line = last_line(&case, &township, "UPSTREAM_TOLD").await;
                assert_eq!(
                    line["organization"]["code"], TOWNSHIP,
                    "the ledger names who told them"
                );
            } else {
                assert_eq!(
                    (is_told, &said["delivery"]["state"]),
                    (false, &json!("CANCELLED"))
                );
            }
            assert_eq!(board(&township).await["undelivered"], json!([]));
            assert_eq!(
                codes(&resolve(&township, &told, resolution, None).await),
                ["STALE_VERSION"]
            );
            assert_eq!(system.requests().len(), sent, "nothing was sent");
        }
        assert!(system.requests().iter().all(|one| {
            one.line == "POST /order/new HTTP/1.1"
                && one.header("authorization") == Some(format!("Bearer {BEARER}").as_str())
        }));
        app.stop(world).await;
    }
);
