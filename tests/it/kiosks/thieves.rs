//! P30: what a thief can take of a kiosk, and that it is not enough.

use chrono::TimeDelta;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use uuid::Uuid;

use super::device::{Device, Key, hash, revoke, seen};
use crate::harness::app::{MONDAY_AT_TEN, TestApp};
use crate::harness::gql::Answer;
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, until};
use crate::stories::kit::STATION;

const ME: &str = "{ viewer { kind } }";

fn refused(answer: &Answer, what: &str) {
    assert_eq!(
        (answer.status, answer.codes().as_slice()),
        (401, ["UNAUTHENTICATED"].as_slice()),
        "{what}"
    );
}

story!(
    /// Each part of a proof binds: key, token, method, address, nonce; and one is good once, at all replicas together.
    a_stolen_token_is_nothing_without_the_key_and_a_proof_is_good_once,
    async |world| {
        let app = TestApp::start(world).await;
        let other = TestApp::start_with(world, app.clock.clone(), &[]).await;
        let device = Device::at_work(&app, STATION).await;
        let good = |change: Value| {
            let mut payload = json!({
                "jti": Uuid::now_v7(), "htm": "POST", "htu": "http://x/graphql", "ath": hash(&device.token),
                "nonce": device.nonce,
            });
            for (name, value) in change.as_object().unwrap() {
                payload[name] = value.clone();
            }
            payload
        };
        let signed = |key: &Key, change: Value| key.sign("dpop+jwt", &good(change));
        let bearer = app.anybody().bearing(&device.token);
        refused(&bearer.ask(ME, json!({})).await, "as a bearer token");
        let bound = format!("DPoP {}", device.token);
        let naked = device.post("/graphql", json!({ "query": ME }), &[("authorization", &bound)]).await;
        refused(&naked, "without a proof");
        assert!(naked.headers["www-authenticate"].to_str().unwrap().starts_with("DPoP"));
        let thief = Key::ed25519();
        for (what, proof) in [
            ("another key", signed(&thief, json!({}))),
            ("another method", signed(&device.key, json!({ "htm": "GET" }))),
            ("another path", signed(&device.key, json!({ "htu": "http://x/kiosk/heartbeat" }))),
            ("another token", signed(&device.key, json!({ "ath": hash("another") }))),
            ("another purpose", device.key.sign("kiosk-token+jwt", &good(json!({})))),
            ("no proof at all", "x.y.z".to_owned()),
        ] {
            refused(&device.ask_with(&proof, ME, json!({})).await, what);
        }
        let proof = signed(&device.key, json!({}));
        let first = device.ask_with(&proof, ME, json!({})).await;
        assert_eq!(first.at("/viewer/kind"), "KIOSK", "{}", first.body);
        refused(&device.ask_with(&proof, ME, json!({})).await, "a second time");
        refused(&device.before(&other).ask_with(&proof, ME, json!({})).await, "at another replica");
        // two replicas at once: one of them
        let proof = signed(&device.key, json!({}));
        let there = device.before(&other);
        let both = tokio::join!(device.ask_with(&proof, ME, json!({})), there.ask_with(&proof, ME, json!({})));
        let mut statuses = [both.0.status, both.1.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 401]);
        other.stop(world).await;
        app.stop(world).await;
    }
);

story!(
    /// The device's clock means nothing; the nonce is ours and is handed out anew.
    an_old_nonce_is_answered_with_a_new_one_and_an_old_token_with_nothing,
    async |world| {
        let app = TestApp::start(world).await;
        let mut device = Device::at_work(&app, STATION).await;
        app.clock.advance(TimeDelta::seconds(301));
        let stale = device.ask_with(&device.proof("POST", "/graphql"), ME, json!({})).await;
        assert_eq!((stale.status, stale.codes().as_slice()), (401, ["NONCE_REQUIRED"].as_slice()));
        assert_eq!(stale.headers["www-authenticate"], "DPoP error=\"use_dpop_nonce\"");
        assert!(stale.headers.contains_key("dpop-nonce"));
        assert_eq!(device.ask(ME, json!({})).await.at("/viewer/kind"), "KIOSK");
        app.clock.advance(TimeDelta::seconds(300));
        refused(&device.ask(ME, json!({})).await, "after ten minutes");
        device.works().await;
        assert_eq!(device.ask(ME, json!({})).await.at("/viewer/kind"), "KIOSK");
        app.stop(world).await;
    }
);

story!(
    /// Without Redis, at the replica that was not told: the next request, and what is open ends at its next ping.
    a_revoked_kiosk_is_out_at_every_replica_without_redis,
    async |world| {
        let settings = [("ONEDOOR__REDIS__URL", ""), ("ONEDOOR__WEBSOCKET__PING_INTERVAL_MS", "200")];
        let clock = onedoor::clock::HeldClock::at(MONDAY_AT_TEN.parse().unwrap());
        let app = TestApp::start_with(world, clock.clone(), &settings).await;
        let other = TestApp::start_with(world, clock, &settings).await;
        let mut device = Device::at_work(&app, STATION).await.before(&other);
        assert_eq!(device.ask(ME, json!({})).await.at("/viewer/kind"), "KIOSK");
        let stream = device.follow("subscription { caseChanged(id: \"case_00000000000000000000000000000007\") { case { id } } }");
        let mut stream = stream.await;
        assert_eq!(revoke(&app, &device.id).await["kiosk"]["state"], "REVOKED");
        refused(&device.ask(ME, json!({})).await, "the next request");
        until("the open stream ends", PATIENCE, async || {
            !matches!(stream.chunk().await, Ok(Some(_)))
        })
        .await;
        let token = device.take_token().await;
        assert_eq!((token.status, &token.body["code"]), (403, &json!("FORBIDDEN")));
        // for good, and as often as one likes
        assert_eq!(revoke(&other, &device.id).await["kiosk"]["state"], "REVOKED");
        let again = json!({ "kiosk": device.id, "idempotencyKey": Uuid::now_v7() });
        assert_eq!(super::device::enroll(&app, again).await["userErrors"][0]["code"], "UNKNOWN_KIOSK");
        assert_eq!(seen(&other, &device.id).await["state"], "REVOKED");
        other.stop(world).await;
        app.stop(world).await;
    }
);

story!(
    /// A socket has its proof in `connection_init`, for the GET that opened it; and it ends with its kiosk.
    a_socket_is_opened_by_a_proof_and_closed_with_its_kiosk,
    async |world| {
        let settings = [("ONEDOOR__WEBSOCKET__PING_INTERVAL_MS", "200")];
        let clock = onedoor::clock::HeldClock::at(MONDAY_AT_TEN.parse().unwrap());
        let app = TestApp::start_with(world, clock, &settings).await;
        let device = Device::at_work(&app, STATION).await;
        let proof = device.proof("GET", "/graphql");
        let mut open = knock(&app, &device, &proof).await;
        let said = open.next().await.unwrap().unwrap();
        assert_eq!(said.into_text().unwrap().as_str(), r#"{"type":"connection_ack"}"#);
        for wrong in [proof, device.proof("POST", "/graphql"), String::new()] {
            assert_eq!(closed(knock(&app, &device, &wrong).await).await, 4403);
        }
        revoke(&app, &device.id).await;
        assert_eq!(closed(open).await, 4403);
        app.stop(world).await;
    }
);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Opens a socket with a device's token and this proof.
async fn knock(app: &TestApp, device: &Device, proof: &str) -> Socket {
    let url = format!("ws://{}/graphql", app.addr());
    let mut request = url.into_client_request().unwrap();
    let protocol = "graphql-transport-ws".parse().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", protocol);
    let (mut socket, _) = connect_async(request).await.unwrap();
    let payload = json!({ "Authorization": format!("DPoP {}", device.token), "DPoP": proof });
    let init = json!({ "type": "connection_init", "payload": payload }).to_string();
    socket.send(Message::text(init)).await.unwrap();
    socket
}

/// The code with which it is closed.
async fn closed(mut socket: Socket) -> u16 {
    loop {
        let message = tokio::time::timeout(PATIENCE, socket.next())
            .await
            .expect("it is closed in time");
        match message {
            Some(Ok(Message::Close(Some(frame)))) => return frame.code.into(),
            Some(Ok(_)) => {}
            other => panic!("not closed in order: {other:?}"),
        }
    }
}
