//! What the gateway attests can be checked by strangers: receipts, chains and checkpoints, and every way to tamper with
//! them (P19).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use onedoor::app;
use onedoor::config::Config;
use onedoor::service::ledger::Receipts;
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};

use super::journey::{self, CENTER, Hands};
use crate::harness::app::TestApp;
use crate::harness::gql::http_client;
use crate::harness::people::{FARMER, NEIGHBOUR};
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, eventually};
use crate::harness::world::{World, WorldKind};

/// A ledger with two cases, of which one went through several hands.
struct Kept {
    config: Config,
    folder: PathBuf,
    /// Receipts as their holders have them, in the order of their lines.
    receipts: Vec<Value>,
    /// UUID of the case of the receipts.
    chain: String,
}

async fn kept(world: &World) -> Kept {
    let app = TestApp::start(world).await;
    let hands = Hands::of(&app.anybody(), &app.actors);
    let denied = hands.denied(FARMER, "不符合年龄").await;
    journey::submit(&hands.kiosk, journey::senior_card(NEIGHBOUR)).await;
    let receipts =
        "query($id: ID!) { case(by: { id: $id }) { receipts { canonical keyId signature ledgerSeq } } }";
    let data = hands.officer.data(receipts, json!({ "id": denied.id() })).await;
    let receipts = data["case"]["receipts"].as_array().unwrap().clone();
    let chain = denied.id().trim_start_matches("case_").to_owned();
    let config = world.config(&[]);
    app.stop(world).await;
    Kept {
        config,
        folder: world.folder().to_owned(),
        receipts,
        chain: uuid::Uuid::parse_str(&chain).unwrap().to_string(),
    }
}

impl Kept {
    async fn export(&self, name: &str) -> PathBuf {
        let path = self.folder.join(name);
        drop(fs::remove_file(&path));
        app::ledger::export(&self.config, Some(&path), Receipts::Without)
            .await
            .unwrap();
        path
    }

    /// The last receipt of the case, in a file.
    fn last_receipt(&self) -> PathBuf {
        let path = self.folder.join("receipt.json");
        fs::write(&path, self.receipts.last().unwrap().to_string()).unwrap();
        path
    }

    /// The command and a verifier written by a stranger must say the same; gives the faults.
    fn verified(&self, export: &Path, receipts: &[PathBuf], checkpoints: &[PathBuf]) -> Vec<String> {
        let (text, holds) = app::ledger::verify(export, &[], receipts, checkpoints).unwrap();
        let mut faults: Vec<String> = text
            .lines()
            .filter(|line| line.contains(" seq "))
            .map(str::to_owned)
            .collect();
        faults.sort();
        assert_eq!(holds, faults.is_empty(), "{text}");
        let mut stranger = Command::new("node");
        stranger
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judges/ledger/verify.mjs"))
            .arg(export);
        for (option, files) in [("--receipt", receipts), ("--checkpoint", checkpoints)] {
            for file in files {
                stranger.arg(option).arg(file);
            }
        }
        let output = stranger.output().expect("node is installed");
        let told = String::from_utf8(output.stdout).unwrap();
        let theirs: Vec<&str> = told.lines().filter(|line| line.contains(" seq ")).collect();
        assert_eq!(
            theirs,
            faults,
            "{told}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        faults
    }
}

/// Somebody with the whole database, who has switched its guards off.
async fn tamper(world: &World, sql: &str) {
    let database = world.database().await;
    let guards: &[&str] = match world.kind() {
        WorldKind::Sqlite => &[
            "drop trigger if exists ledger_event_refuses_update",
            "drop trigger if exists ledger_event_refuses_delete",
        ],
        WorldKind::Postgres => &["alter table ledger_event disable trigger all"],
    };
    for statement in guards.iter().chain(&[sql]) {
        database.execute_unprepared(statement).await.unwrap();
    }
    database.close().await.unwrap();
}

/// A UUID as each database writes it.
fn literal(world: &World, chain: &str) -> String {
    match world.kind() {
        WorldKind::Sqlite => format!("x'{}'", chain.replace('-', "")),
        WorldKind::Postgres => format!("'{chain}'"),
    }
}

story!(
    /// An export that nobody touched holds, and every tampering with the tables is named with its first bad line, by the
    /// command and by a stranger's verifier alike.
    tampering_is_found_offline_with_its_reason_and_first_bad_line,
    async |world| {
        let kept = kept(world).await;
        let checkpoint = kept.folder.join("checkpoint.json");
        fs::write(&checkpoint, app::ledger::checkpoint(&kept.config).await.unwrap()).unwrap();
        assert_eq!(app::ledger::checkpoint(&kept.config).await.unwrap(), "", "nothing moved since");
        let receipt = kept.last_receipt();
        let export = kept.export("whole.jsonl").await;
        let held = [receipt.clone()];
        assert_eq!(kept.verified(&export, &held, std::slice::from_ref(&checkpoint)), Vec::<String>::new());

        let of = literal(world, &kept.chain);
        let bytes = |hex: &str| match world.kind() {
            WorldKind::Sqlite => format!("x'{hex}'"),
            WorldKind::Postgres => format!("'\\x{hex}'"),
        };
        let chain = format!("chain {}", kept.chain);
        // each on top of the one before: an earlier line is named, what comes behind it proves nothing
        let last = kept.receipts.last().unwrap()["ledgerSeq"].as_i64().unwrap();
        let steps = [
            (format!("update ledger_event set at = at + 1 where chain = {of} and seq = 7"), "COLUMN_MISMATCH", 7),
            (
                format!("update ledger_event set payload = {} where chain = {of} and seq = 6", bytes("017b7d")),
                "BAD_CONTENT",
                6,
            ),
            (
                format!("update ledger_event set prev = {} where chain = {of} and seq = 5", bytes(&"ab".repeat(32))),
                "BAD_LINK",
                5,
            ),
            (format!("delete from ledger_event where chain = {of} and seq = 4"), "GAP", 4),
            (format!("update ledger_event set seq = 0 where chain = {of} and seq = 3"), "FORK", 0),
            (format!("delete from ledger_event where chain = {of}"), "TRUNCATED", 1),
        ];
        assert!(last > 7, "the case has more lines than are tampered with");
        for (sql, reason, seq) in steps {
            tamper(world, &sql).await;
            let export = kept.export("tampered.jsonl").await;
            assert_eq!(kept.verified(&export, &[], &[]), [format!("{reason} {chain} seq {seq}")], "{sql}");
        }
        // the head row too: the checkpoints know, and so does the receipt
        tamper(world, &format!("delete from ledger_head where chain = {of}")).await;
        let export = kept.export("gone.jsonl").await;
        assert_eq!(kept.verified(&export, &held, &[]), [format!("TRUNCATED {chain} seq 1")]);
        tamper_with_checkpoints(world, &kept, &checkpoint).await;
    }
);

/// Without its checkpoints the database says nothing is missing; one that was kept elsewhere, or a receipt, knows.
async fn tamper_with_checkpoints(world: &World, kept: &Kept, checkpoint: &Path) {
    let guards: &[&str] = match world.kind() {
        WorldKind::Sqlite => &[
            "drop trigger ledger_checkpoint_refuses_delete",
            "drop trigger ledger_checkpoint_head_refuses_delete",
        ],
        WorldKind::Postgres => &[
            "alter table ledger_checkpoint disable trigger all",
            "alter table ledger_checkpoint_head disable trigger all",
        ],
    };
    let database = world.database().await;
    for statement in guards.iter().chain(&[
        "delete from ledger_checkpoint_head",
        "delete from ledger_checkpoint",
    ]) {
        database.execute_unprepared(statement).await.unwrap();
    }
    database.close().await.unwrap();
    let export = kept.export("without.jsonl").await;
    assert_eq!(kept.verified(&export, &[], &[]), Vec::<String>::new());
    assert_eq!(
        kept.verified(&export, &[], &[checkpoint.to_owned()]),
        ["TRUNCATED checkpoints seq 1"]
    );
    assert_eq!(
        kept.verified(&export, &[kept.last_receipt()], &[]),
        [format!("TRUNCATED chain {} seq 1", kept.chain)]
    );
}

story!(
    /// The tables of checkpoints refuse to be changed, and a gateway signs one by itself.
    a_gateway_signs_checkpoints_that_nobody_changes,
    async |world| {
        let app = TestApp::start_with(
            world,
            onedoor::clock::HeldClock::at(crate::harness::app::MONDAY_AT_TEN.parse().unwrap()),
            &[("ONEDOOR__WORKER__CHECKPOINT_EVERY_S", "1")],
        )
        .await;
        let hands = Hands::of(&app.anybody(), &app.actors);
        journey::submit(&hands.kiosk, journey::senior_card(FARMER)).await;
        let database = world.database().await;
        eventually("a checkpoint covers the case", PATIENCE, async || {
            let behind = "select 1 from ledger_head where checkpointed_seq = seq";
            let rows = database
                .query_all_raw(sea_orm::Statement::from_string(database.get_database_backend(), behind))
                .await
                .unwrap();
            (!rows.is_empty()).then_some(())
        })
        .await;
        for sql in [
            "update ledger_checkpoint set heads = 0",
            "delete from ledger_checkpoint",
            "update ledger_checkpoint_head set seq = 0",
            "delete from ledger_checkpoint_head",
        ] {
            let refused = database.execute_unprepared(sql).await.unwrap_err().to_string();
            assert!(refused.contains("append-only"), "{sql}: {refused}");
        }
        database.close().await.unwrap();
        app.stop(world).await;
    }
);

story!(
    /// Whoever holds a receipt or its code learns whether it is genuine, and nothing of the applicant.
    anybody_can_check_a_receipt,
    async |world| {
        let app = TestApp::start(world).await;
        let hands = Hands::of(&app.anybody(), &app.actors);
        let submitted = journey::submit(&hands.kiosk, journey::senior_card(FARMER)).await;
        let clerk = app.anybody().bearing(&app.actors.clerk(CENTER));
        let ask = "query($id: ID!) { case(by: { id: $id }) { receipts { id verifyUrl canonical keyId signature } } }";
        let data = clerk.data(ask, json!({ "id": submitted.id() })).await;
        let receipt = &data["case"]["receipts"][0];

        let check = "query($by: ReceiptBy!) { verifyReceipt(by: $by) {
            verdict message kind trackingCode serviceItem organization eventAt ledgerSeq } }";
        let verdict = async |by: Value| {
            let data = app.anybody().data(check, json!({ "by": by })).await;
            data["verifyReceipt"].clone()
        };
        let held = json!({
            "canonical": receipt["canonical"], "keyId": receipt["keyId"], "signature": receipt["signature"],
        });
        let genuine = verdict(json!({ "id": receipt["id"] })).await;
        assert_eq!(genuine["verdict"], "GENUINE");
        assert_eq!(genuine["trackingCode"], submitted.code());
        assert_eq!(verdict(json!({ "document": held })).await, genuine);

        let mut changed = held.clone();
        changed["canonical"] = json!(held["canonical"].as_str().unwrap().replace("\"seq\":1", "\"seq\":2"));
        let forged = verdict(json!({ "document": changed })).await;
        assert_eq!((&forged["verdict"], &forged["kind"]), (&json!("FORGED"), &Value::Null));
        let mut foreign = held.clone();
        foreign["keyId"] = json!("0011223344556677");
        assert_eq!(verdict(json!({ "document": foreign })).await["verdict"], "UNKNOWN_KEY");
        foreign["canonical"] = json!("{}");
        assert_eq!(verdict(json!({ "document": foreign })).await["verdict"], "UNREADABLE");
        for unknown in ["receipt_0192d7a0000070008000000000000001", "none"] {
            assert_eq!(verdict(json!({ "id": unknown })).await["verdict"], "UNKNOWN");
        }

        // the page of the QR code
        let base = format!("http://{}", app.addr());
        let id = receipt["id"].as_str().unwrap();
        assert!(receipt["verifyUrl"].as_str().unwrap().ends_with(&format!("/verify/{id}")));
        let page = http_client().get(format!("{base}/verify/{id}")).send().await.unwrap();
        assert_eq!(page.status(), 200);
        assert!(page.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
        let page = page.text().await.unwrap();
        assert!(page.contains("真实") && page.contains(submitted.code()), "{page}");
        assert!(!page.contains(FARMER.name) && !page.contains("<script"), "{page}");
        let absent = http_client().get(format!("{base}/verify/none")).send().await.unwrap();
        assert_eq!(absent.status(), 404);
        let keys = http_client().get(format!("{base}/verify/keys")).send().await.unwrap();
        let keys: Value = serde_json::from_slice(&keys.bytes().await.unwrap()).unwrap();
        assert_eq!(keys["keys"][0]["key_id"], receipt["keyId"]);
        app.stop(world).await;
    }
);
