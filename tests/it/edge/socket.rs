//! `graphql-transport-ws` with an independent client: every close code, every bound.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use onedoor::worker::supervise::spawn;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::kit::TestEdge;
use crate::harness::wait::{PATIENCE, until};

pub(super) struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    async fn connect(edge: &TestEdge) -> Self {
        Self::with(edge, &[("sec-websocket-protocol", "graphql-transport-ws")])
            .await
            .unwrap()
    }

    async fn with(edge: &TestEdge, headers: &[(&'static str, &str)]) -> Result<Self, Error> {
        let mut request = edge.url.replace("http", "ws").into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        connect_async(request).await.map(|(socket, _)| Self(socket))
    }

    /// A socket that was let in as somebody.
    pub(super) async fn admitted(edge: &TestEdge, token: &str) -> Self {
        let mut client = Self::connect(edge).await;
        client.say(json!({ "type": "connection_init", "payload": { "Authorization": format!("Bearer {token}") } })).await;
        assert_eq!(client.hear().await, json!({ "type": "connection_ack" }));
        client
    }

    pub(super) async fn say(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    pub(super) async fn subscribe(&mut self, id: &str, query: &str) {
        self.say(json!({ "type": "subscribe", "id": id, "payload": { "query": query } }))
            .await;
    }

    /// The next message of the protocol.
    pub(super) async fn hear(&mut self) -> Value {
        loop {
            match self.next().await {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("expected a message, got {other:?}"),
            }
        }
    }

    /// The code the socket is closed with, whatever was said before.
    async fn closed(&mut self) -> u16 {
        loop {
            match self.next().await {
                Some(Ok(Message::Close(Some(frame)))) => return frame.code.into(),
                Some(Ok(_)) => {}
                other => panic!("expected a close frame, got {other:?}"),
            }
        }
    }

    async fn next(&mut self) -> Option<Result<Message, Error>> {
        tokio::time::timeout(PATIENCE, self.0.next())
            .await
            .expect("the server keeps silent")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_and_subscriptions_share_a_socket() {
    let edge = TestEdge::start().await;
    let mut client = Client::admitted(&edge, "clerk").await;
    client.subscribe("q", "{ hello }").await;
    assert_eq!(
        client.hear().await,
        json!({ "type": "next", "id": "q", "payload": { "data": { "hello": "hello " } } })
    );
    assert_eq!(client.hear().await, json!({ "type": "complete", "id": "q" }));
    client.subscribe("q", "subscription { countdown(from: 3) }").await;
    for left in [2, 1, 0] {
        assert_eq!(client.hear().await["payload"]["data"]["countdown"], left);
    }
    assert_eq!(client.hear().await["type"], "complete");
    client.say(json!({ "type": "ping" })).await;
    assert_eq!(client.hear().await, json!({ "type": "pong" }));
    client.subscribe("f", "subscription { failing }").await;
    assert_eq!(client.hear().await["payload"]["data"]["failing"], 1);
    let failed = client.hear().await;
    assert_eq!(
        failed["payload"]["errors"][0]["extensions"]["code"],
        "STORE_UNAVAILABLE"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_executed_is_an_error_message_and_the_socket_lives() {
    let edge = TestEdge::start().await;
    let mut client = Client::admitted(&edge, "clerk").await;
    for (query, code) in [
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription {", "GRAPHQL_PARSE_FAILED"),
        ("mutation { bump }", "METHOD_NOT_ALLOWED"),
        ("subscription($n: Int!) { countdown(from: $n) }", "BAD_USER_INPUT"),
    ] {
        client.subscribe("1", query).await;
        let message = client.hear().await;
        assert_eq!(
            (&message["type"], &message["id"]),
            (&json!("error"), &json!("1")),
            "{message}"
        );
        assert_eq!(message["payload"][0]["extensions"]["code"], code);
    }
    client
        .say(json!({ "type": "subscribe", "id": "1", "payload": { "query": 1 } }))
        .await;
    assert_eq!(
        client.hear().await["payload"][0]["extensions"]["code"],
        "BAD_REQUEST"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_none_closes_with_4400() {
    let edge = TestEdge::start().await;
    for text in [
        "hello",
        "{}",
        r#"{"type":"start"}"#,
        r#"{"type":"subscribe","id":"1"}"#,
    ] {
        let mut client = Client::connect(&edge).await;
        client.0.send(Message::text(text)).await.unwrap();
        assert_eq!(client.closed().await, 4400, "{text}");
    }
    let mut client = Client::connect(&edge).await;
    client.0.send(Message::binary(b"{}".to_vec())).await.unwrap();
    assert_eq!(client.closed().await, 4400);
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribing_before_the_ack_closes_with_4401() {
    let edge = TestEdge::start().await;
    let mut client = Client::connect(&edge).await;
    client.subscribe("1", "{ hello }").await;
    assert_eq!(client.closed().await, 4401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_token_and_one_that_ends_close_with_4403() {
    let edge = TestEdge::start().await;
    let mut client = Client::connect(&edge).await;
    client
        .say(json!({ "type": "connection_init", "payload": { "Authorization": "Bearer nobody" } }))
        .await;
    assert_eq!(client.closed().await, 4403);
    let mut client = Client::admitted(&edge, "brief").await;
    client.subscribe("1", "subscription { silence }").await;
    assert_eq!(client.closed().await, 4403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_beginning_closes_with_4408() {
    let edge = TestEdge::with(|config| config.websocket.init_timeout_ms = 50).await;
    let mut client = Client::connect(&edge).await;
    assert_eq!(client.closed().await, 4408);
    let mut client = Client::connect(&edge).await;
    client.say(json!({ "type": "ping" })).await;
    assert_eq!(client.closed().await, 4408, "a ping is no beginning");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_in_use_closes_with_4409_and_a_finished_one_does_not() {
    let edge = TestEdge::start().await;
    let mut client = Client::admitted(&edge, "clerk").await;
    client.subscribe("1", "subscription { silence }").await;
    client.say(json!({ "type": "complete", "id": "1" })).await;
    client.subscribe("1", "subscription { silence }").await;
    client.subscribe("1", "{ hello }").await;
    assert_eq!(client.closed().await, 4409);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_beginning_closes_with_4429() {
    let edge = TestEdge::start().await;
    let mut client = Client::admitted(&edge, "clerk").await;
    client.say(json!({ "type": "connection_init" })).await;
    assert_eq!(client.closed().await, 4429);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_subprotocol_closes_with_4406_and_a_foreign_page_gets_no_socket() {
    let edge = TestEdge::start().await;
    let mut old = Client::with(&edge, &[]).await.unwrap();
    assert_eq!(old.closed().await, 4406);
    let protocol = ("sec-websocket-protocol", "graphql-transport-ws");
    let foreign = Client::with(&edge, &[protocol, ("origin", "http://evil.example")])
        .await
        .err()
        .unwrap();
    assert!(matches!(foreign, Error::Http(answer) if answer.status() == 403));
    let own = format!("http://{}", edge.addr);
    assert!(Client::with(&edge, &[protocol, ("origin", &own)]).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_and_sockets_are_capped() {
    let edge = TestEdge::with(|config| {
        config.websocket.operations_max = 2;
        config.websocket.sockets_per_principal_max = 1;
    })
    .await;
    let mut client = Client::admitted(&edge, "clerk").await;
    client.subscribe("1", "subscription { silence }").await;
    client.subscribe("2", "subscription { silence }").await;
    client.subscribe("3", "subscription { silence }").await;
    let message = client.hear().await;
    assert_eq!(
        (&message["id"], &message["payload"][0]["extensions"]["code"]),
        (&json!("3"), &json!("RATE_LIMITED"))
    );
    let mut second = Client::connect(&edge).await;
    second
        .say(json!({ "type": "connection_init", "payload": { "authorization": "Bearer clerk" } }))
        .await;
    assert_eq!(second.closed().await, 1013);
    Client::admitted(&edge, "citizen").await;
    drop(client);
    until("the socket to be given back", PATIENCE, async || {
        let mut again = Client::connect(&edge).await;
        again
            .say(json!({ "type": "connection_init", "payload": { "authorization": "Bearer clerk" } }))
            .await;
        matches!(again.next().await, Some(Ok(Message::Text(_))))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_is_given_up() {
    let edge = TestEdge::with(|config| config.websocket.queue_max = 8).await;
    let mut client = Client::admitted(&edge, "clerk").await;
    client.subscribe("1", "subscription { flood }").await;
    let (mut before, made) = (0, &edge.probe.flooded);
    until("the flood to stand still", PATIENCE, async || {
        std::mem::replace(&mut before, made.load(Ordering::SeqCst)) == before && before > 0
    })
    .await;
    assert_eq!(client.closed().await, 1013, "it may come again");
    until("the socket to be closed", PATIENCE, async || open(&edge) == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_closes_hears_1000_and_one_that_is_gone_leaves_nothing() {
    let edge = TestEdge::start().await;
    let mut client = Client::admitted(&edge, "clerk").await;
    client.subscribe("1", "subscription { silence }").await;
    client.0.send(Message::Close(None)).await.unwrap();
    assert_eq!(client.closed().await, 1000);
    let mut gone = Client::admitted(&edge, "clerk").await;
    gone.subscribe("1", "subscription { silence }").await;
    drop(gone);
    until("the sockets to be gone", PATIENCE, async || {
        open(&edge) == 0 && edge.edge.channels.is_empty()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_beyond_the_bound_closes_the_socket() {
    let edge = TestEdge::with(|config| config.websocket.message_max_bytes = 1_024).await;
    let mut client = Client::admitted(&edge, "clerk").await;
    client
        .subscribe("1", &format!("{{ hello }} # {}", "x".repeat(2_000)))
        .await;
    assert_eq!(client.closed().await, 1009);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_vanishes_is_noticed_by_pings_and_leaves_nothing_behind() {
    let edge = TestEdge::with(|config| config.websocket.ping_interval_ms = 100).await;
    let mut client = Client::admitted(&edge, "clerk").await;
    client.subscribe("1", "subscription { silence }").await;
    assert!(
        matches!(client.next().await, Some(Ok(Message::Ping(_)))),
        "the server pings"
    );
    // The client's library answers pings only when it is polled; from here on it is not.
    until("the silent socket to be closed", PATIENCE, async || {
        open(&edge) == 0
    })
    .await;
    assert_eq!(client.closed().await, 1001);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_tells_every_socket() {
    let edge = TestEdge::start().await;
    let mut client = Client::admitted(&edge, "clerk").await;
    client.subscribe("1", "subscription { silence }").await;
    let stopping = spawn("aside", edge.server.stop());
    assert_eq!(client.closed().await, 1001);
    drop(client);
    assert!(
        tokio::time::timeout(Duration::from_secs(30), stopping)
            .await
            .unwrap()
            .unwrap()
    );
}

fn open(edge: &TestEdge) -> usize {
    let text = edge.metrics.text().unwrap();
    let line = text
        .lines()
        .find(|it| it.starts_with("onedoor_sockets_open{channel=\"websocket\"}"))
        .unwrap();
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_hold_no_place_of_the_crowd_and_queries_do() {
    let edge = TestEdge::with(|config| config.server.requests_max = 1).await;
    let mut client = Client::admitted(&edge, "clerk").await;
    for id in ["one", "two", "three"] {
        client.subscribe(id, "subscription { silence }").await;
    }
    client.subscribe("q", "{ hello }").await;
    assert_eq!(client.hear().await["type"], "next");
    assert_eq!(client.hear().await["type"], "complete");
    client.subscribe("held", "{ never }").await;
    until("the query to begin", PATIENCE, async || {
        edge.probe.begun.load(Ordering::SeqCst) == 1
    })
    .await;
    client.subscribe("more", "{ hello }").await;
    let refused = client.hear().await;
    assert_eq!(
        (&refused["type"], &refused["id"]),
        (&json!("error"), &json!("more"))
    );
    let extensions = &refused["payload"][0]["extensions"];
    assert_eq!(
        (&extensions["code"], &extensions["retryAfterMs"]),
        (&json!("OVERLOADED"), &json!(1_000))
    );
    client.say(json!({ "type": "complete", "id": "held" })).await;
    until("the place to be free", PATIENCE, async || {
        edge.ask("{ hello }").await.status == 200
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_waits_until_every_socket_has_gone() {
    let edge = TestEdge::start().await;
    let mut clients = Vec::new();
    for _ in 0..8 {
        let mut client = Client::admitted(&edge, "clerk").await;
        client.subscribe("s", "subscription { silence }").await;
        client.subscribe("q", "{ never }").await;
        clients.push(client);
    }
    until("the queries to begin", PATIENCE, async || {
        edge.probe.begun.load(Ordering::SeqCst) == 8
    })
    .await;
    let (server, channels) = (edge.server, edge.edge.channels.clone());
    assert!(
        channels.len() >= 24,
        "sockets and their operations: {}",
        channels.len()
    );
    assert!(server.stop().await);
    assert!(channels.is_empty());
    for client in &mut clients {
        assert_eq!(client.closed().await, 1001);
    }
}
