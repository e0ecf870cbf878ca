//! P23: told to stop with open sockets, streams, loops and queries, the gateway ends them in order and in time.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::county::County;
use super::desks::{Desks, Journal, pause};
use super::evidence::{assert_nothing_lost, number};
use crate::harness::events::{Events, Said};
use crate::harness::gql::Gql;
use crate::harness::process::Gateway;
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, until};

const ROUNDS: u32 = 6;
const PEOPLE: usize = 4;
/// Of each kind: sockets, streams, and people who only read.
const FOLLOWERS: usize = 6;
/// The setting of the stories is five seconds for everything; the rest is the process's own end on a busy machine.
const STOPPED_WITHIN: Duration = Duration::from_secs(8);

/// The county answers later than the HTTP workers end, and in time for the loops.
const SLOW_MS: u64 = 1_500;
const UNFINISHED: &str = "SELECT COUNT(*) FROM delivery_attempt WHERE finished_at IS NULL";

const FOLLOW: &str = "subscription { handoffsChanged { case { id status } at } }";
const DESK: &str = "{ handoffs(first: 20) { counts { count } page { nodes { state case { id status } } } } }";

story!(
    a_stop_with_open_sockets_and_running_loops_is_in_order,
    async |world| {
        let county = County::open(world, 40).await;
        let mut gateway = Gateway::prepare(world, &county.settings());
        let desks = Desks::at(gateway.address(), world);
        let journal = RefCell::new(Journal::default());
        let database = world.database().await;
        county.told(json!({ "mode": "slow", "delay_ms": SLOW_MS })).await;
        for _ in 0..ROUNDS {
            gateway.start_again().await;
            desks.resolve(&journal, PATIENCE).await;
            let (open, admitted) = (Cell::new(true), Cell::new(0));
            let stop = async {
                until("everybody follows", PATIENCE, async || {
                    admitted.get() == 2 * FOLLOWERS
                })
                .await;
                pause(Duration::from_millis(rand::random_range(100..500))).await;
                until("a delivery is on its way", PATIENCE, async || {
                    number(&database, UNFINISHED).await > 0
                })
                .await;
                let began = Instant::now();
                let status = gateway.terminate(STOPPED_WITHIN).await;
                open.set(false);
                assert!(status.success(), "{status}");
                println!("stopped in {:?}", began.elapsed());
            };
            let sockets = join_all((0..FOLLOWERS).map(|_| follow_by_socket(&desks.clerk, &admitted)));
            let streams = join_all((0..FOLLOWERS).map(|_| follow_by_stream(&desks.clerk, &admitted)));
            let readers = join_all((0..FOLLOWERS).map(|_| look(&desks.clerk, &open)));
            let (codes, ..) = tokio::join!(
                sockets,
                streams,
                readers,
                desks.work(PEOPLE, &journal, &open),
                stop
            );
            assert_eq!(
                codes, [1001; FOLLOWERS],
                "every socket hears that the server goes away"
            );
            let unfinished = number(&database, UNFINISHED).await;
            assert_eq!(unfinished, 0, "what came of every delivery is stored");
        }
        for line in gateway.log().lines() {
            let is_error = serde_json::from_str::<Value>(line).is_ok_and(|line| line["level"] == "ERROR");
            assert!(!is_error && !line.contains("panicked"), "not in order: {line}");
        }
        database.close().await.unwrap();
        county.told(json!({ "mode": "normal" })).await;
        gateway.start_again().await;
        assert_nothing_lost(world, world.database_url(), (&desks, &county), &journal).await;
        assert!(gateway.terminate(STOPPED_WITHIN).await.success());
    }
);

/// Follows a desk over a socket and asks for its list again and again; gives the code the socket was closed with.
async fn follow_by_socket(clerk: &Gql, admitted: &Cell<usize>) -> u16 {
    let mut request = clerk.url().replace("http", "ws").into_client_request().unwrap();
    let protocol = "graphql-transport-ws".parse().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", protocol);
    let (mut socket, _) = connect_async(request).await.unwrap();
    let authorization = format!("Bearer {}", clerk.token());
    let init = json!({ "type": "connection_init", "payload": { "Authorization": authorization } });
    say(&mut socket, &init).await;
    loop {
        let heard = tokio::time::timeout(PATIENCE, socket.next())
            .await
            .expect("the server keeps silent");
        match heard {
            Some(Ok(Message::Text(text))) => {
                let message: Value = serde_json::from_str(&text).unwrap();
                match message["type"].as_str() {
                    Some("connection_ack") => {
                        admitted.set(admitted.get() + 1);
                        say(&mut socket, &subscribe("follow", FOLLOW)).await;
                        say(&mut socket, &subscribe("look", DESK)).await;
                    }
                    Some("complete") => say(&mut socket, &subscribe("look", DESK)).await,
                    Some("next") => assert!(message["payload"].get("errors").is_none(), "{message}"),
                    _ => panic!("unexpected: {message}"),
                }
            }
            Some(Ok(Message::Close(Some(frame)))) => return frame.code.into(),
            Some(Ok(_)) => {}
            other => panic!("the socket ended without a close frame: {other:?}"),
        }
    }
}

fn subscribe(id: &str, query: &str) -> Value {
    json!({ "type": "subscribe", "id": id, "payload": { "query": query } })
}

/// The socket may be closing already; then its close frame is read next.
async fn say(socket: &mut WebSocketStream<MaybeTlsStream<TcpStream>>, message: &Value) {
    drop(socket.send(Message::text(message.to_string())).await);
}

/// Follows a desk over an event stream until it ends, as a whole answer does.
async fn follow_by_stream(clerk: &Gql, admitted: &Cell<usize>) {
    let mut events = Events::open(clerk, FOLLOW, json!({})).await;
    admitted.set(admitted.get() + 1);
    while events.next().await != Said::Complete {}
}

/// Reads a list without a pause until the gateway is gone.
async fn look(clerk: &Gql, open: &Cell<bool>) {
    while open.get() {
        if let Ok(answer) = clerk.try_ask(DESK, json!({})).await {
            assert!(answer.body.get("errors").is_none(), "{}", answer.body);
        } else {
            pause(Duration::from_millis(20)).await;
        }
    }
}
