//! Abusive documents, arguments and connections against the real schema: refused cheaply, and never a 5xx (P31).

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use super::journey::{self, CENTER, Hands};
use crate::harness::app::TestApp;
use crate::harness::gql::http_client;
use crate::harness::people::FARMER;
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, until};

/// Longest time a refusal may take, on a busy machine and in a debug build.
const AT_ONCE: Duration = Duration::from_secs(2);
/// Most memory that all the abuse together may leave behind, kibibytes.
const GROWTH_MAX_KIB: u64 = 200_000;

/// `levels` fragments, each spreading the next one twice.
fn bomb(levels: usize, on: &str, leaf: &str) -> String {
    let mut text = String::new();
    for level in 0..levels {
        let next = level + 1;
        write!(text, " fragment F{level} on {on} {{ ...F{next} ...F{next} }}").unwrap();
    }
    write!(text, " fragment F{levels} on {on} {{ {leaf} }}").unwrap();
    text
}

fn nested(levels: usize) -> String {
    let open = "children(first: 100) { nodes { ".repeat(levels);
    format!(
        "{{ divisions(first: 100) {{ nodes {{ {open} id {} }} }} }}",
        "} }".repeat(levels)
    )
}

fn aliases(count: usize, field: &str) -> String {
    let many: String = (0..count).map(|number| format!(" a{number}: {field}")).collect();
    format!("{{ {many} }}")
}

/// What is sent, with its variables. What is called harmless may be answered, as cheaply as the rest is refused.
fn abuses() -> Vec<(&'static str, String, Value)> {
    let id = || format!("case_{}", uuid::Uuid::now_v7().simple());
    let none = || json!({});
    vec![
        ("a bomb at the root", format!("{{ ...F0 }}{}", bomb(22, "Query", "viewer { kind }")), none()),
        (
            "a bomb in a division",
            format!("{{ divisions {{ nodes {{ ...F0 }} }} }}{}", bomb(22, "Division", "name")),
            none(),
        ),
        (
            "a bomb in a node",
            format!("{{ node(id: \"x\") {{ ...F0 }} }}{}", bomb(22, "Case", "timeline { event }")),
            none(),
        ),
        ("aliases", aliases(1_000, "viewer { kind }"), none()),
        (
            "guesses by alias",
            aliases(200, r#"trackCase(trackingCode: "340321-260302-AAAAAAAA-0", secret: "AAAAAAAA") { id }"#),
            none(),
        ),
        ("a deep tree", nested(40), none()),
        ("a wide tree", nested(3), none()),
        ("ten thousand fields", format!("{{ viewer {{ {} }} }}", "kind ".repeat(10_000)), none()),
        ("ten thousand arguments", format!("{{ nodes(ids: [{}]) {{ id }} }}", "\"x\" ".repeat(10_000)), none()),
        (
            "a long list of ids",
            "query($ids: [ID!]!) { nodes(ids: $ids) { id } }".to_owned(),
            json!({ "ids": (0..20_000).map(|_| id()).collect::<Vec<_>>() }),
        ),
        (
            "harmless: a long list of states",
            "query($states: [CaseStatus!]) { cases(filter: { status: $states }) { totalCount } }".to_owned(),
            json!({ "states": vec!["SUBMITTED"; 50_000] }),
        ),
        (
            "every version of every item of every division",
            "{ serviceItems(first: 100) { nodes { routeFor(division: \"340321101200\") { organization { division {
                children(first: 100) { nodes { organizations(first: 100) { nodes { name } } } } } } } } } }"
                .to_owned(),
            none(),
        ),
        ("directives", format!("{{ viewer {{ kind {} }} }}", "@include(if: true) ".repeat(500)), none()),
        ("a huge page", "{ divisions(first: 2147483647) { nodes { id } } }".to_owned(), none()),
        ("a page before the first", "{ divisions(last: -2147483648) { nodes { id } } }".to_owned(), none()),
        ("a huge number", "{ divisions(first: 99999999999999999999) { nodes { id } } }".to_owned(), none()),
        (
            "harmless: control characters",
            "{ serviceItem(by: { code: \"\\u0000\\u0001\" }) { id } }".to_owned(),
            none(),
        ),
        ("half a document", "{ divisions(first: 1".to_owned(), none()),
        (
            "a file that is none",
            "query($code: String!) { serviceItem(by: { code: $code }) { id } }".to_owned(),
            json!({ "code": "#__graphql_file__:0" }),
        ),
        ("many operations", "query A { viewer { kind } } ".repeat(400), none()),
        (
            "introspection again and again",
            format!(
                "{{ __schema {{ types {{ {} name {} }} }} }}",
                "fields { type { fields { type { ".repeat(8),
                "} } } }".repeat(8)
            ),
            none(),
        ),
    ]
}

/// Memory of this process, in which the gateway runs.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.trim().trim_end_matches("kB").trim().parse().unwrap()
}

story!(
    /// With a token and without one: an answer at once, a reason, and the next caller is served.
    abuse_of_the_real_schema_is_refused_at_once,
    async |world| {
        let app = TestApp::start(world).await;
        let clerk = app.clerk(CENTER);
        clerk.data("{ divisions(first: 1) { totalCount } }", json!({})).await;
        let before = resident_kib();
        for caller in [&app.anybody(), &clerk] {
            for (what, document, variables) in abuses() {
                let began = Instant::now();
                let answer = caller.ask(&document, variables).await;
                let took = began.elapsed();
                assert!(answer.status < 500, "{what}: {} {}", answer.status, answer.body);
                let refused = !answer.codes().is_empty();
                assert!(refused || what.starts_with("harmless"), "{what} is answered: {}", answer.body);
                assert!(
                    !answer.codes().contains(&"INTERNAL_SERVER_ERROR"),
                    "{what}: {}",
                    answer.body
                );
                assert!(took < AT_ONCE, "{what} took {took:?}");
                assert!(answer.bytes.len() < 20_000, "{what} is answered at length");
            }
        }
        let grown = resident_kib().saturating_sub(before);
        assert!(grown < GROWTH_MAX_KIB, "{grown} KiB more than before");
        let data = clerk.data("{ viewer { kind } }", json!({})).await;
        assert_eq!(data["viewer"]["kind"], "CLERK");
        app.stop(world).await;
    }
);

story!(
    /// Subscribers that never read cost a bounded queue each, and one principal has a bounded number of sockets.
    unread_sockets_are_bounded,
    async |world| {
        let app = TestApp::start(world).await;
        let hands = Hands::of(&app.anybody(), &app.actors);
        let submitted = journey::submit(&hands.kiosk, journey::senior_card(FARMER)).await;
        let token = app.actors.clerk(CENTER);
        let before = resident_kib();
        let (mut open, mut refused) = (Vec::new(), 0);
        for _ in 0..40 {
            let mut request = format!("ws://{}/graphql", app.addr()).into_client_request().unwrap();
            let protocol = "graphql-transport-ws".parse().unwrap();
            request.headers_mut().insert("sec-websocket-protocol", protocol);
            let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
            let init = json!({ "type": "connection_init", "payload": { "Authorization": format!("Bearer {token}") } });
            socket.send(Message::text(init.to_string())).await.unwrap();
            match socket.next().await {
                Some(Ok(Message::Text(text))) if text.contains("connection_ack") => {
                    let query = format!("subscription {{ caseChanged(id: \"{}\") {{ case {{ id }} }} }}", submitted.id());
                    for operation in 0..10 {
                        let subscribe = json!({
                            "id": operation.to_string(), "type": "subscribe", "payload": { "query": query },
                        });
                        socket.send(Message::text(subscribe.to_string())).await.unwrap();
                    }
                    open.push(socket);
                }
                _ => refused += 1,
            }
        }
        assert_eq!((open.len(), refused), (20, 20), "websocket.sockets_per_principal_max");
        let offered = &submitted.case["handoffs"][1];
        let input = json!({
            "case": submitted.id(), "handoff": offered["id"], "expectedVersion": offered["version"],
        });
        journey::act(&hands.clerk, "acknowledgeHandoff", input).await;
        let grown = resident_kib().saturating_sub(before);
        assert!(grown < GROWTH_MAX_KIB, "{grown} KiB more than before");
        drop(open);
        let url = format!("http://{}/metrics", app.addr());
        until("the sockets are closed", PATIENCE, async || {
            let scrape = http_client().get(&url).send().await.unwrap().text().await.unwrap();
            scrape.contains("onedoor_sockets_open{channel=\"websocket\"} 0")
        })
        .await;
        app.stop(world).await;
    }
);
