//! 对账 beside the schema: from the command line, and with a system that cannot be asked.

use std::sync::Arc;

use chrono::TimeDelta;
use onedoor::app::upstreams::Upstreams;
use onedoor::clock::{Clock as _, HeldClock, SystemClock};
use onedoor::config::fault::Origin;
use onedoor::secret::Redacted;
use onedoor::upstream::config::{SANDBOX_CALLBACK_SECRET, SANDBOX_TOKEN, UpstreamConfig};
use serde_json::{Value, json};
use uuid::Uuid;

use super::kit::{County, TOWNSHIP};
use super::reconciliation::{asked_for, open, over, taken_over};
use crate::harness::app::TestApp;
use crate::harness::process::onedoor_beside;
use crate::harness::story::story;
use crate::harness::world::World;
use crate::upstreams::fixture::Department;

story!(a_system_that_cannot_be_asked_is_reported_as_such, async |world| {
    let county = County::open().await;
    let hotline = include_str!("../../../config/upstreams/template-form.toml");
    let hotline = hotline.replace("HOTLINE_TOKEN", SANDBOX_TOKEN);
    let hotline = UpstreamConfig::parse(&hotline, &Origin::Default).unwrap();
    let app = county
        .gateway_with(world, &[], vec![county.upstream(), hotline])
        .await;
    let payload = asked_for(&app, Uuid::now_v7(), "city-hotline").await;
    let run = over(&app, &payload["run"]["id"]).await;
    assert_eq!(
        (&run["upstream"], &run["state"], &run["checked"]),
        (&json!("city-hotline"), &json!("NOT_ASKABLE"), &json!(0))
    );
    // the county's own comparison does not mind
    let payload = asked_for(&app, Uuid::now_v7(), "sandbox").await;
    assert_eq!(over(&app, &payload["run"]["id"]).await["state"], "DONE");
    app.stop(world).await;
});

/// A program of its own refuses the secrets that stand in public documents.
const OWN_TOKEN: &str = "a-token-of-this-story-alone";
const OWN_SECRET: &str = "whsec_QSBzZWNyZXQgb2YgdGhpcyBzdG9yeSBhbG9uZSwgMzIh";

/// The county with secrets of its own, and a gateway before it.
async fn with_own_secrets(world: &World) -> (County, TestApp) {
    // a program of its own has the clock of the machine, and either of the two may carry a comparison out
    let clock = HeldClock::at(SystemClock.now() - TimeDelta::hours(1));
    let shared = clock.clone();
    let department = Department::open_with(|settings| {
        settings.clock = Arc::new(shared);
        settings.bearer_token = Redacted::new(OWN_TOKEN.to_owned());
        settings.callback_secret = Redacted::new(OWN_SECRET.to_owned());
    })
    .await;
    department.told(json!({ "mode": "decide-when-told" })).await;
    let county = County { department, clock };
    let secrets = [(SANDBOX_TOKEN, OWN_TOKEN), (SANDBOX_CALLBACK_SECRET, OWN_SECRET)];
    let upstreams = Upstreams {
        configs: vec![county.upstream()],
        made: secrets
            .map(|(name, value)| (name.to_owned(), Redacted::new(value.to_owned())))
            .into(),
    };
    let settings = [("ONEDOOR__OUTBOX__TICK_MS", "50")];
    let app = TestApp::start_before(world, county.clock.clone(), &settings, upstreams).await;
    (county, app)
}

/// The county's system as a file describes it, for a process of its own.
fn described(world: &World, county: &County) -> Vec<(String, String)> {
    let folder = world.folder().join("upstreams");
    std::fs::create_dir(&folder).unwrap();
    let text = include_str!("../../../config/upstreams/sandbox.toml");
    let text = text.replace("http://127.0.0.1:1/", &county.department.url(""));
    std::fs::write(folder.join("sandbox.toml"), text).unwrap();
    let mut settings = world.settings();
    let more = [
        ("ONEDOOR__UPSTREAMS__DIR", folder.display().to_string()),
        (SANDBOX_TOKEN, OWN_TOKEN.to_owned()),
        (SANDBOX_CALLBACK_SECRET, OWN_SECRET.to_owned()),
    ];
    settings.extend(more.map(|(name, value)| (name.to_owned(), value)));
    settings
}

story!(
    /// Exit code 0: nothing differs; 3: something does.
    an_operator_compares_from_the_command_line,
    async |world| {
        let (county, app) = with_own_secrets(world).await;
        let case = taken_over(&app, 2).await.remove(0);
        county.seconds_later(1_200);
        let settings = described(world, &county);
        let command = ["upstream", "reconcile", "sandbox", "--demo"];
        let (status, stdout, stderr) = onedoor_beside(&command, &settings).await;
        assert_eq!(status.code(), Some(0), "{stdout}{stderr}");
        assert!(stdout.contains("2 checked, 0 differing"), "{stdout}");

        county
            .department
            .told(json!({ "mode": "forget", "on": "query", "our_ref": case.reference() }))
            .await;
        let command = ["upstream", "reconcile", "sandbox", "--demo", "--json"];
        let (status, stdout, stderr) = onedoor_beside(&command, &settings).await;
        assert_eq!(status.code(), Some(3), "{stdout}{stderr}");
        let told: Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!((&told["checked"], &told["differing"]), (&json!(2), &json!(1)));
        let found = &told["differences"][0];
        assert_eq!(
            (&found["kind"], &found["ours"], &found["theirs"]),
            (&json!("ABSENT_THERE"), &json!("IN_REVIEW"), &json!("ABSENT"))
        );
        assert_eq!(found["trackingCode"].as_str(), Some(case.reference().as_str()));
        let command = ["upstream", "reconcile", "elsewhere", "--demo"];
        let (status, _, stderr) = onedoor_beside(&command, &settings).await;
        assert_eq!(status.code(), Some(1));
        assert!(stderr.contains("elsewhere"), "{stderr}");
        assert_eq!(open(&app.clerk(TOWNSHIP)).await.len(), 1);
        app.stop(world).await;
    }
);
