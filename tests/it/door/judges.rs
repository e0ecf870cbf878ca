//! Outside judges on the real schema: npm graphql-http's audits, and the npm graphql-ws client.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use super::journey::{self, CENTER, Hands};
use crate::edge::judges::{audit, installed};
use crate::harness::app::TestApp;
use crate::harness::people::FARMER;
use crate::harness::story::story;
use crate::harness::wait::PATIENCE;

story!(
    /// All 61, with a token and without one.
    the_gateway_passes_every_audit_of_graphql_http,
    async |world| {
        let app = TestApp::start(world).await;
        let url = format!("http://{}/graphql", app.addr());
        // the judge is a program of its own time, the tokens are of the story's
        audit(&url, "").await;
        audit(&url, &app.actors.clerk(CENTER)).await;
        app.stop(world).await;
    }
);

story!(
    /// A case is followed from a browser's usual client: its state now, then each change.
    the_graphql_ws_client_follows_a_case,
    async |world| {
        let app = TestApp::start(world).await;
        let hands = Hands::of(&app.anybody(), &app.actors);
        let submitted = journey::submit(&hands.kiosk, journey::senior_card(FARMER)).await;
        let subscription = format!(
            "subscription {{ caseChanged(id: \"{}\") {{ case {{ version status handoffs {{ state }} }} }} }}",
            submitted.id()
        );
        let mut client = Command::new("node")
            .arg(installed().join("follow.mjs"))
            .args([&format!("http://{}/graphql", app.addr()), &subscription, "2", &app.actors.clerk(CENTER)])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node is installed");
        let mut lines = BufReader::new(client.stdout.take().unwrap()).lines();
        let mut told = async || -> Value {
            let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("an event in time");
            let event: Value = serde_json::from_str(&line.unwrap().expect("an event")).unwrap();
            event["data"]["caseChanged"]["case"].clone()
        };
        let now = told().await;
        assert_eq!(now["version"], submitted.case["version"]);
        let offered = &submitted.case["handoffs"][1];
        let input = json!({
            "case": submitted.id(), "handoff": offered["id"], "expectedVersion": offered["version"],
        });
        let signed = journey::act(&hands.clerk, "acknowledgeHandoff", input).await;
        let changed = told().await;
        assert_eq!(changed["version"], signed["version"]);
        assert_eq!(changed["handoffs"][1]["state"], "ACKNOWLEDGED");
        let status = tokio::time::timeout(PATIENCE, client.wait()).await.unwrap().unwrap();
        assert!(status.success());
        app.stop(world).await;
    }
);
