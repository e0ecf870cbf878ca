//! Notices in the styles that a configuration can name (P12).

use aws_lc_rs::hmac;
use futures_util::future::join_all;
use onedoor::upstream::callback::header::{
    HeaderStyle, MacAlgorithm, MacEncoding, TimestampUnit, signed_parts,
};
use onedoor::upstream::config::UpstreamConfig;
use onedoor::upstream::config::callback::CallbackStyle;
use serde_json::{Value, json};

use super::kit::{Case, County, TOWNSHIP, events, offered_to_county};
use crate::harness::app::TestApp;
use crate::harness::gql::http_client;
use crate::harness::story::story;
use crate::upstreams::fixture::CALLBACK_SECRET;

async fn quiet_case(county: &County, app: &TestApp) -> (Case, String) {
    county.department.told(json!({ "mode": "callback-never" })).await;
    let case = offered_to_county(app).await;
    let taken = case.taken_over(&app.clerk(TOWNSHIP)).await;
    let number = taken["externalNumbers"][0]["number"].as_str().unwrap().to_owned();
    (case, number)
}

fn event(case: &Case, number: &str, seq: u64, kind: &str) -> Value {
    let mut event = json!({
        "event_id": format!("evt-{number}-{seq}-{kind}"), "serial_no": number, "our_ref": case.reference(),
        "seq": seq, "kind": kind, "occurred_at": "2026-03-02T02:00:00Z",
    });
    if kind == "DECIDED" {
        event["result"] = json!("APPROVED");
    }
    event
}

async fn told(app: &TestApp, event: &Value, headers: &[(&str, String)]) -> u16 {
    let url = format!("http://{}/callbacks/sandbox", app.addr());
    let mut request = http_client().post(url).body(event.to_string());
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    request.send().await.unwrap().status().as_u16()
}

fn by_header(county: &County) -> UpstreamConfig {
    let mut config = county.upstream();
    let callback = config.callback.as_mut().unwrap();
    callback.style = CallbackStyle::Header(HeaderStyle {
        signature_header: "x-county-signature".to_owned(),
        algorithm: MacAlgorithm::Sha512,
        encoding: MacEncoding::Hex,
        prefix: "sha512=".to_owned(),
        timestamp_header: Some("x-county-time".to_owned()),
        timestamp_unit: TimestampUnit::Milliseconds,
        id_header: None,
        signed: signed_parts("{timestamp}.{body}").unwrap(),
    });
    config
}

fn signed(app: &TestApp, event: &Value, secret: &str) -> Vec<(&'static str, String)> {
    use onedoor::clock::Clock as _;
    let time = app.clock.now().timestamp_millis();
    let key = hmac::Key::new(hmac::HMAC_SHA512, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{time}.{event}").as_bytes());
    let tag: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    vec![
        ("x-county-time", time.to_string()),
        ("x-county-signature", format!("sha512={tag}")),
    ]
}

story!(
    a_notice_signed_in_a_header_is_heard_once_and_a_forged_one_never,
    async |world| {
        let county = County::open().await;
        let app = county.gateway_with(world, &[], vec![by_header(&county)]).await;
        let (case, number) = quiet_case(&county, &app).await;
        let decided = event(&case, &number, 2, "DECIDED");
        assert_eq!(
            told(
                &app,
                &decided,
                &signed(&app, &decided, "another secret of sixteen")
            )
            .await,
            401
        );
        assert_eq!(told(&app, &decided, &[]).await, 401);
        let headers = signed(&app, &decided, CALLBACK_SECRET);
        let altered = event(&case, &number, 3, "DECIDED");
        assert_eq!(told(&app, &altered, &headers).await, 401);
        let all = join_all((0..10).map(|_| told(&app, &decided, &headers))).await;
        assert!(all.iter().all(|status| *status == 204), "{all:?}");
        // the same said again at another time is the same notice
        county.seconds_later(10);
        assert_eq!(
            told(&app, &decided, &signed(&app, &decided, CALLBACK_SECRET)).await,
            204
        );
        let seen = case.becomes("COMPLETED", &app.clerk(TOWNSHIP)).await;
        let heard = events(&seen)
            .into_iter()
            .filter(|name| name == "DECIDED" || name == "NEWS_KEPT");
        assert_eq!(heard.count(), 1);
        county.seconds_later(600);
        assert_eq!(told(&app, &decided, &headers).await, 401, "stale");
        app.stop(world).await;
    }
);

story!(
    a_notice_from_a_listed_address_is_heard_and_others_are_refused,
    async |world| {
        let county = County::open().await;
        let config = |range: &str| {
            let mut config = county.upstream();
            let callback = config.callback.as_mut().unwrap();
            (callback.style, callback.secrets) = (CallbackStyle::Address, Vec::new());
            callback.addresses = vec![range.parse().unwrap()];
            config
        };
        let proxied: &[(&str, &str)] = &[("ONEDOOR__SERVER__TRUSTED_PROXIES", "127.0.0.1")];
        let app = county
            .gateway_with(world, proxied, vec![config("10.34.3.0/24")])
            .await;
        let (case, number) = quiet_case(&county, &app).await;
        let decided = event(&case, &number, 2, "DECIDED");
        assert_eq!(
            told(&app, &decided, &[]).await,
            401,
            "the proxy itself is not on the list"
        );
        let forwarded = |value: &str| vec![("x-forwarded-for", value.to_owned())];
        assert_eq!(told(&app, &decided, &forwarded("10.34.4.1")).await, 401);
        assert_eq!(
            told(&app, &decided, &forwarded("10.34.3.7, 10.34.4.1")).await,
            401,
            "only the last hop is believed"
        );
        assert_eq!(told(&app, &decided, &forwarded("10.34.3.7")).await, 204);
        case.becomes("COMPLETED", &app.clerk(TOWNSHIP)).await;
        app.stop(world).await;
    }
);
