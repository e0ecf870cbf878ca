//! P21, P30: a kiosk written from docs/kiosk.md alone, with WebCrypto and nothing else, before the real binary.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::harness::actors::Actors;
use crate::harness::gql::Gql;
use crate::harness::people::{self, FARMER, NEIGHBOUR};
use crate::harness::process::Gateway;
use crate::harness::story::story;
use crate::stories::kit::{STATION, funeral, pension};

story!(
    /// It enrols, collects while the network is away, and hands in what it holds sealed; its disk tells nothing of anybody.
    a_kiosk_in_a_browser_works_offline_and_its_disk_tells_nothing,
    async |world| {
        let mut gateway = Gateway::start(world, &[]).await;
        let actors = Actors::of(world, onedoor::clock::SystemClock);
        let admin = Gql::anonymous(gateway.address()).bearing(&actors.admin());
        let document = "query($code: String!) { organization(by: { code: $code }) { id } }";
        let station = admin.data(document, json!({ "code": STATION })).await["organization"]["id"].clone();
        let input = json!({ "station": station, "name": "一号机", "idempotencyKey": uuid::Uuid::now_v7() });
        let document = "mutation($input: EnrollKioskInput!) { enrollKiosk(input: $input) { enrolmentCode userErrors { code } } }";
        let code = admin.data(document, json!({ "input": input })).await["enrollKiosk"]["enrolmentCode"].clone();

        let disk = world.folder().join("kiosk-disk.json");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judges/kiosk/kiosk.mjs");
        let residents = json!([funeral(&FARMER), pension(&NEIGHBOUR)]);
        let output = Command::new("node")
            .arg(script)
            .args([
                format!("http://{}", gateway.address()),
                code.as_str().unwrap().to_owned(),
                disk.display().to_string(),
                residents.to_string(),
            ])
            .output()
            .await
            .expect("node is installed");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        let told: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
        assert_eq!(told["stolen"], json!([401, 401, 401]), "{told}");
        assert_eq!(told["outcomes"], json!(["ACCEPTED", "ACCEPTED", "REFUSED"]), "{told}");
        assert_eq!(told["refusedFor"], "SEALED_UNREADABLE");
        assert_eq!(told["repeatedTheSame"], true);
        assert_eq!(told["heartbeat"], "ACTIVE");
        assert_eq!(told["found"], true);
        people::assert_nobody_in("the disk of the kiosk", &fs::read(&disk).unwrap());
        assert!(gateway.terminate(std::time::Duration::from_secs(15)).await.success());
    }
);
