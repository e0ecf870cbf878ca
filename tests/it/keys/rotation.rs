//! Every class of keys is rotated while people work, and what was replaced is needed no more (P28).

use std::path::Path;
use std::time::Duration;

use onedoor::secret::key_file;
use onedoor::secret::suite::SuiteName;
use onedoor_domain::id::DraftId;
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::json;
use uuid::Uuid;

use super::kit::{self, Desks, command, number, prepare, rotated, run, secrets, start};
use crate::harness::story::story;
use crate::harness::wait::until;
use crate::harness::world::{World, WorldKind};

const IN_TIME: Duration = Duration::from_secs(20);
const SETTLED: Duration = Duration::from_secs(60);

story!(
    /// The master key changes, the process dies in the middle of it again and again, people read and hand in all the while;
    /// then the old file is gone, and everything still reads. The same for the data keys, and for the other suite.
    keys_rotate_under_load_through_crashes_and_old_ones_are_needed_no_more,
    async |world| {
        let (old, new) = (kit::key_file(world, "old.key"), kit::key_file(world, "new.key"));
        let (old, new) = (old.to_str().unwrap(), new.to_str().unwrap());
        let mut gateway = start(world, &secrets(&[("data_key_file", old)])).await;
        let desks = Desks::at(world, &gateway);
        let mut cases = desks.work().await;
        cases.extend(desks.more().await);
        cases.extend(desks.more().await);
        let seen = Desks::at(world, &gateway).see(&cases).await;
        assert!(gateway.terminate(IN_TIME).await.success());

        // both keys are there, the new one is the current one; the process dies before and after its first batch, and in its second
        let both = secrets(&[("data_key_file", new), ("data_key_retired_files", old)]);
        let mut gateway = prepare(world, &both);
        for point in ["rekey.before=1", "rekey.after=1", "rekey.before=2"] {
            gateway.set("ONEDOOR_CRASH_AT", point);
            gateway.launch();
            gateway.wait_for_exit(SETTLED).await;
        }
        gateway.set("ONEDOOR_CRASH_AT", "nowhere=1");
        gateway.start_again().await;
        let desks = Desks::at(world, &gateway);
        until("the master key is rotated", SETTLED, async || {
            assert_eq!(desks.see(&cases).await, seen, "a reader while keys rotate");
            desks.more().await;
            rotated(&gateway).await
        })
        .await;
        let status = command(world, &both, &["keys", "status"]);
        assert!(status.1.contains("current: wraps"), "{status:?}");
        let readable = status.1.lines().filter(|line| line.starts_with("master") && line.contains("readable"));
        for line in readable {
            assert!(line.ends_with("wraps 0 data keys, seals 0 values"), "{line}");
        }
        assert!(gateway.terminate(IN_TIME).await.success());

        std::fs::remove_file(old).unwrap();
        let alone = secrets(&[("data_key_file", new)]);
        let mut gateway = start(world, &alone).await;
        assert_eq!(Desks::at(world, &gateway).see(&cases).await, seen);

        // the data keys themselves, by the command, beside the running gateway
        let (status, told, error) = command(world, &alone, &["keys", "rotate"]);
        assert!(status.success() && told.contains("data keys retired"), "{told}{error}");
        let sealed = "select count(*) from data_key where retired_at is not null and emptied_at is null";
        assert!(number(world, sealed).await > 0);
        let desks = Desks::at(world, &gateway);
        let fresh = "select count(*) from data_key where retired_at is null and case_id is not null";
        let cases_there = "select count(*) from cases";
        until("every case has a new key", SETTLED, async || {
            assert_eq!(desks.see(&cases).await, seen, "a reader while data keys rotate");
            number(world, fresh).await >= number(world, cases_there).await
        })
        .await;
        assert!(gateway.terminate(IN_TIME).await.success());

        // and the other suite
        let mut other = alone.clone();
        other.extend(secrets(&[("suite", "gm")]));
        let mut gateway = start(world, &other).await;
        let desks = Desks::at(world, &gateway);
        let gm = "select count(*) from data_key where retired_at is null and case_id is not null and suite = 'gm'";
        until("every case is sealed by the other suite", SETTLED, async || {
            assert_eq!(desks.see(&cases).await, seen, "a reader while suites change");
            number(world, gm).await >= number(world, cases_there).await
        })
        .await;
        assert!(gateway.terminate(IN_TIME).await.success());
    }
);

story!(
    /// What the release before data keys sealed with the master key itself is read, sealed anew, and outlives that key.
    a_value_of_before_data_keys_is_read_and_sealed_anew,
    async |world| {
        let (old, new) = (kit::key_file(world, "old.key"), kit::key_file(world, "new.key"));
        let both = secrets(&[
            ("data_key_file", new.to_str().unwrap()),
            ("data_key_retired_files", old.to_str().unwrap()),
        ]);
        let mut gateway = start(world, &both).await;
        let desks = Desks::at(world, &gateway);
        let cases = desks.work().await;
        let seen = desks.see(&cases).await;
        assert!(gateway.terminate(IN_TIME).await.success());
        let drafts = seen.last().unwrap()["viewer"]["drafts"]["nodes"].clone();
        let id = draft_id(world).await;
        let sealed = of_version_1(&old, ["draft", "content", &id], drafts[0]["content"].to_string().as_bytes());
        let literal = match world.kind() {
            WorldKind::Sqlite => format!("x'{sealed}'"),
            WorldKind::Postgres => format!("'\\x{sealed}'"),
        };
        run(world, &format!("update draft set content = {literal}")).await;

        let before = "select count(*) from draft where length(content) > 0 and substr(content, 1, 1) <> ";
        let two = match world.kind() {
            WorldKind::Sqlite => "x'02'",
            WorldKind::Postgres => "'\\x02'::bytea",
        };
        let before = format!("{before}{two}");
        assert_eq!(number(world, &before).await, 1);
        let mut gateway = start(world, &both).await;
        assert_eq!(Desks::at(world, &gateway).see(&cases).await, seen, "read at once");
        until("it is sealed anew", SETTLED, async || number(world, &before).await == 0).await;
        assert!(gateway.terminate(IN_TIME).await.success());
        let mut gateway = start(world, &secrets(&[("data_key_file", new.to_str().unwrap())])).await;
        assert_eq!(Desks::at(world, &gateway).see(&cases).await, seen);
        assert!(gateway.terminate(IN_TIME).await.success());
    }
);

async fn draft_id(world: &World) -> String {
    let database = world.database().await;
    let sql = Statement::from_string(database.get_database_backend(), "select id from draft");
    let row = database.query_one_raw(sql).await.unwrap().unwrap();
    let id: Uuid = row.try_get_by_index(0).unwrap();
    database.close().await.unwrap();
    DraftId::from_uuid(id).to_string()
}

/// `1 ‖ key id ‖ nonce ‖ ciphertext ‖ tag` as that release wrote it, in hex.
fn of_version_1(key: &Path, place: [&str; 3], value: &[u8]) -> String {
    let key = key_file::read(key).unwrap();
    let labelled = [b"onedoor data key id\0".as_slice(), key.expose()].concat();
    let intl = SuiteName::Intl.provider();
    let header = [&[1], &intl.hash(&labelled)[..8]].concat();
    let mut bound_to = Vec::new();
    for part in [
        header.as_slice(),
        place[0].as_bytes(),
        place[1].as_bytes(),
        place[2].as_bytes(),
    ] {
        bound_to.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bound_to.extend_from_slice(part);
    }
    let body = intl.cipher(&key).unwrap().seal(&bound_to, value).unwrap();
    hex::encode([header, body].concat())
}

story!(
    /// A receipt of a retired key stays genuine while its public key is known, here and for strangers; new ones are signed
    /// with the current key.
    receipts_of_a_retired_key_stay_genuine,
    async |world| {
        let (old, new) = (kit::key_file(world, "old.key"), kit::key_file(world, "new.key"));
        let old_secrets = secrets(&[("receipt_key_file", old.to_str().unwrap())]);
        let mut gateway = start(world, &old_secrets).await;
        let desks = Desks::at(world, &gateway);
        let cases = desks.work().await;
        let before = desks.see(&cases).await[0]["case"]["receipts"][0].clone();
        assert!(gateway.terminate(IN_TIME).await.success());
        let (_, told, _) = command(world, &old_secrets, &["keys", "status"]);
        let line = told.lines().find(|line| line.contains(before["keyId"].as_str().unwrap())).unwrap();
        let public = world.folder().join("old.pub");
        std::fs::write(&public, line.split("; ").nth(1).unwrap()).unwrap();
        std::fs::remove_file(&old).unwrap();

        let retired = secrets(&[
            ("receipt_key_file", new.to_str().unwrap()),
            ("receipt_key_retired_files", public.to_str().unwrap()),
            ("suite", "gm"),
        ]);
        let mut gateway = start(world, &retired).await;
        let desks = Desks::at(world, &gateway);
        let after = desks.work().await;
        let after = desks.see(&after).await[0]["case"]["receipts"][0].clone();
        assert_ne!(after["keyId"], before["keyId"]);
        let check = "query($by: ReceiptBy!) { verifyReceipt(by: $by) { verdict } }";
        let held = |receipt: &serde_json::Value| {
            json!({ "by": { "document": {
                "canonical": receipt["canonical"], "keyId": receipt["keyId"], "signature": receipt["signature"],
            } } })
        };
        for receipt in [&before, &after] {
            let data = desks.anybody.data(check, held(receipt)).await;
            assert_eq!(data["verifyReceipt"]["verdict"], "GENUINE");
        }
        let mut swapped = before.clone();
        swapped["keyId"] = after["keyId"].clone();
        let data = desks.anybody.data(check, held(&swapped)).await;
        assert_eq!(data["verifyReceipt"]["verdict"], "FORGED");
        assert!(gateway.terminate(IN_TIME).await.success());
        let export = world.folder().join("ledger.jsonl");
        let export = export.to_str().unwrap();
        let (status, _, error) = command(world, &retired, &["ledger", "export", "--with-receipts", "--out", export]);
        assert!(status.success(), "{error}");
        assert!(std::fs::read_to_string(export).unwrap().contains("\"algorithm\":\"SM2-SM3\""));
        assert_verified(export);
    }
);

/// By the command, and by the verifier that was written from docs/ledger.md.
fn assert_verified(export: &str) {
    let (status, told, error) = crate::harness::process::onedoor(&["ledger", "verify", export], &[]);
    assert!(
        status.success() && told.contains("all of it holds"),
        "{told}{error}"
    );
    let judge = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/judges/ledger/verify.mjs");
    let output = std::process::Command::new("node")
        .args([judge, export])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}
