//! Changes reach whoever follows them, also from the other replica and without Redis, and stop where sight ends.

use futures_util::{SinkExt as _, StreamExt as _};
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::kit::{CIVIL_AFFAIRS, County, OTHER_TOWNSHIP, STATION, TOWNSHIP, funeral, pension, submit};
use crate::harness::app::TestApp;
use crate::harness::gql::{Gql, http_client};
use crate::harness::own_redis::OwnRedis;
use crate::harness::people::FARMER;
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, until};

const CASE_CHANGED: &str = "subscription($id: ID!) { caseChanged(id: $id) { case { status version } } }";
const DESK_CHANGED: &str = "subscription { handoffsChanged { case { id status } at } }";

/// A follower over `graphql-transport-ws`.
pub(super) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    pub(super) async fn following(app: &TestApp, who: &Gql, query: &str, variables: Value) -> Self {
        let mut request = format!("ws://{}/graphql", app.addr())
            .into_client_request()
            .unwrap();
        let protocol = "graphql-transport-ws".parse().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        let (socket, _) = connect_async(request).await.unwrap();
        let mut socket = Self(socket);
        let token = format!("Bearer {}", who.token());
        socket
            .say(json!({ "type": "connection_init", "payload": { "Authorization": token } }))
            .await;
        assert_eq!(socket.hear().await["type"], "connection_ack");
        let payload = json!({ "query": query, "variables": variables });
        socket
            .say(json!({ "type": "subscribe", "id": "1", "payload": payload }))
            .await;
        socket
    }

    pub(super) async fn say(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    pub(super) async fn hear(&mut self) -> Value {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.0.next())
                .await
                .expect("the server keeps silent");
            match next {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("expected a message, got {other:?}"),
            }
        }
    }

    /// Hears on until a change fits, and gives it.
    pub(super) async fn hear_until(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.hear().await;
            assert_eq!(message["type"], "next", "{message}");
            let data = message["payload"]["data"].clone();
            assert!(message["payload"].get("errors").is_none(), "{message}");
            if fits(&data) {
                return data;
            }
        }
    }
}

/// A follower over server-sent events.
struct Events {
    answer: reqwest::Response,
    text: String,
}

impl Events {
    async fn following(app: &TestApp, who: &Gql, query: &str, variables: Value) -> Self {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let answer = http_client()
            .post(format!("http://{}/graphql", app.addr()))
            .header("content-type", "application/json")
            .header("accept", "text/event-stream")
            .bearer_auth(who.token())
            .body(body)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        Self {
            answer,
            text: String::new(),
        }
    }

    /// Reads on until a text was sent.
    async fn hear_until(&mut self, text: &str) {
        while !self.text.contains(text) {
            let piece = tokio::time::timeout(PATIENCE, self.answer.chunk())
                .await
                .expect("the server keeps silent");
            let piece = piece
                .unwrap()
                .unwrap_or_else(|| panic!("it ended: {}", self.text));
            self.text.push_str(&String::from_utf8_lossy(&piece));
        }
    }
}

story!(a_change_on_one_replica_reaches_followers_on_both, async |world| {
    let county = County::open().await;
    let (here, there) = (county.gateway(world).await, county.gateway(world).await);
    let case = submit(&here.kiosk(STATION), pension(&FARMER)).await;
    let id = json!({ "id": case.id });
    let mut sockets = Vec::new();
    let mut events = Vec::new();
    for app in [&here, &there] {
        let mut socket = Socket::following(app, &app.clerk(TOWNSHIP), CASE_CHANGED, id.clone()).await;
        socket
            .hear_until(|data| data["caseChanged"]["case"]["status"] == "SUBMITTED")
            .await;
        sockets.push(socket);
        let mut stream = Events::following(app, &app.kiosk(STATION), CASE_CHANGED, id.clone()).await;
        stream.hear_until("\"SUBMITTED\"").await;
        events.push(stream);
    }
    case.done(&here.clerk(TOWNSHIP), "acceptCase", json!({ "advance": true }))
        .await;
    for socket in &mut sockets {
        let seen = socket
            .hear_until(|data| data["caseChanged"]["case"]["status"] == "IN_REVIEW")
            .await;
        assert!(seen["caseChanged"]["case"]["version"].is_i64());
    }
    case.taken_over(&there.clerk(TOWNSHIP)).await;
    county.decides(&case, "APPROVED", None).await;
    for socket in &mut sockets {
        socket
            .hear_until(|data| data["caseChanged"]["case"]["status"] == "COMPLETED")
            .await;
    }
    for stream in &mut events {
        stream.hear_until("\"COMPLETED\"").await;
    }
    drop((sockets, events));
    here.stop(world).await;
    there.stop(world).await;
});

story!(a_desk_hears_of_its_own_cases_alone, async |world| {
    let county = County::open().await;
    let (here, there) = (county.gateway(world).await, county.gateway(world).await);
    let mut mine = Socket::following(&there, &there.clerk(TOWNSHIP), DESK_CHANGED, json!({})).await;
    let mut strangers =
        Socket::following(&there, &there.clerk(OTHER_TOWNSHIP), DESK_CHANGED, json!({})).await;
    // the feed begins with the first look of a replica, so what is followed must have begun
    let first = submit(&here.kiosk(STATION), funeral(&FARMER)).await;
    mine.hear_until(|data| data["handoffsChanged"]["case"]["id"] == first.id.as_str())
        .await;
    first.done(&here.clerk(TOWNSHIP), "acceptCase", json!({})).await;
    mine.hear_until(|data| data["handoffsChanged"]["case"]["status"] == "ACCEPTED")
        .await;

    let foreign = json!({ "serviceItem": "funeral-subsidy" });
    let mut elsewhere = funeral(&FARMER);
    elsewhere["serviceItem"] = foreign["serviceItem"].clone();
    let far = submit(&here.kiosk("340322100001:village.station"), elsewhere).await;
    let heard = strangers.hear_until(|_| true).await;
    assert_eq!(
        heard["handoffsChanged"]["case"]["id"], far.id,
        "nothing of the first case came before it"
    );
    drop((mine, strangers));
    here.stop(world).await;
    there.stop(world).await;
});

story!(without_redis_the_database_tells, async |world| {
    let mut redis = OwnRedis::start().await;
    let url = redis.url();
    let county = County::open().await;
    let settings = [
        ("ONEDOOR__REDIS__URL", url.as_str()),
        ("ONEDOOR__REDIS__REST_MS", "200"),
    ];
    let here = county
        .gateway_with(world, &settings, vec![county.upstream()])
        .await;
    let there = county
        .gateway_with(world, &settings, vec![county.upstream()])
        .await;
    let case = submit(&here.kiosk(STATION), pension(&FARMER)).await;
    let id = json!({ "id": case.id });
    let mut socket = Socket::following(&there, &there.clerk(TOWNSHIP), CASE_CHANGED, id).await;
    socket
        .hear_until(|data| data["caseChanged"]["case"]["status"] == "SUBMITTED")
        .await;
    redis.stop().await;
    case.done(&here.clerk(TOWNSHIP), "acceptCase", json!({})).await;
    socket
        .hear_until(|data| data["caseChanged"]["case"]["status"] == "ACCEPTED")
        .await;
    redis.start_again().await;
    case.done(&here.clerk(TOWNSHIP), "handOff", json!({})).await;
    socket
        .hear_until(|data| data["caseChanged"]["case"]["status"] == "IN_REVIEW")
        .await;
    drop(socket);
    here.stop(world).await;
    there.stop(world).await;
});

story!(what_is_seen_no_longer_ends_without_a_word, async |world| {
    let county = County::open().await;
    let app = county.gateway(world).await;
    let case = submit(&app.kiosk(STATION), funeral(&FARMER)).await;
    case.done(&app.clerk(TOWNSHIP), "acceptCase", json!({ "advance": true }))
        .await;
    let id = json!({ "id": case.id });
    let mut socket = Socket::following(&app, &app.clerk(CIVIL_AFFAIRS), CASE_CHANGED, id.clone()).await;
    socket.hear_until(|_| true).await;
    let never = Socket::following(&app, &app.clerk(OTHER_TOWNSHIP), CASE_CHANGED, id)
        .await
        .hear()
        .await;
    assert_eq!(never["payload"]["errors"][0]["extensions"]["code"], "NOT_FOUND");

    // the offer turns out to be another office's, as after a succession
    let database = world.database().await;
    let other = "UPDATE handoff SET to_id = (SELECT id FROM organization WHERE code = '340302000000:county.medical-security') \
                 WHERE state = 'OFFERED'";
    assert_eq!(
        database.execute_unprepared(other).await.unwrap().rows_affected(),
        1
    );
    let party = "UPDATE case_party SET organization_id = (SELECT id FROM organization WHERE code = '340302000000:county.medical-security') \
                 WHERE organization_id = (SELECT id FROM organization WHERE code = '340302000000:county.civil-affairs')";
    database.execute_unprepared(party).await.unwrap();
    database.close().await.unwrap();
    case.signed_for(&app.clerk("340302000000:county.medical-security"))
        .await;
    assert_eq!(socket.hear().await, json!({ "type": "complete", "id": "1" }));
    drop(socket);
    app.stop_with_deliveries_waiting().await;
});

story!(a_follower_that_leaves_is_forgotten, async |world| {
    let county = County::open().await;
    let app = county.gateway(world).await;
    let case = submit(&app.kiosk(STATION), pension(&FARMER)).await;
    let mut socket =
        Socket::following(&app, &app.clerk(TOWNSHIP), CASE_CHANGED, json!({ "id": case.id })).await;
    socket.hear_until(|_| true).await;
    let open = async || {
        let text = http_client()
            .get(format!("http://{}/metrics", app.addr()))
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        let line = text
            .lines()
            .find(|line| line.starts_with("onedoor_sockets_open{channel=\"websocket\"}"));
        line.and_then(|line| line.rsplit(' ').next()).map(str::to_owned)
    };
    assert_eq!(open().await.as_deref(), Some("1"));
    drop(socket);
    until("the socket is given back", PATIENCE, async || {
        open().await.as_deref() == Some("0")
    })
    .await;
    app.stop(world).await;
});
