//! Erasure: what a closed case knows of a person goes, what it proves stays.

use std::time::Duration;

use serde_json::{Value, json};

use super::kit::{Desks, READ, command, number, start};
use crate::harness::people::FARMER;
use crate::harness::process::onedoor;
use crate::harness::story::story;

story!(
    /// Only a closed case is erased. Then nobody reads its person any more, its receipts are still genuine for who holds
    /// them, the ledger verifies, the others are as they were, and the audit log tells who did it.
    an_erased_case_names_nobody_and_its_ledger_verifies,
    async |world| {
        let mut gateway = start(world, &[]).await;
        let desks = Desks::at(world, &gateway);
        let cases = desks.work().await;
        let (case, other) = (&cases[0], &cases[1]);
        let receipts = desks.clerk.data(READ, json!({ "id": case.id() })).await["case"]["receipts"].clone();
        let before = desks.clerk.data(READ, json!({ "id": other.id() })).await;
        let open = command(world, &[], &["erase", case.code(), "--reason", "retention-over"]);
        assert!(!open.0.success() && open.2.contains("not closed"), "{open:?}");
        // a denial is closed once it was handed over
        deliver(&desks, case.id()).await;
        let erased = command(world, &[], &["erase", case.id(), "--reason", "request"]);
        assert!(erased.0.success() && erased.1.contains("erased"), "{erased:?}");
        let again = command(world, &[], &["erase", case.id(), "--reason", "request"]);
        assert!(again.0.success(), "{again:?}");

        // a replica that has the key in memory forgets it within a minute; a restart at once
        assert!(gateway.terminate(Duration::from_secs(20)).await.success());
        let mut gateway = start(world, &[]).await;
        let desks = Desks::at(world, &gateway);
        let seen = desks.clerk.data(READ, json!({ "id": case.id() })).await;
        assert_eq!(seen["case"]["status"], "DELIVERED");
        assert_eq!((&seen["case"]["applicant"], &seen["case"]["receipts"]), (&Value::Null, &json!([])));
        assert!(!seen.to_string().contains("材料不齐"), "{seen}");
        assert_eq!(desks.clerk.data(READ, json!({ "id": other.id() })).await, before);
        let track = "query($code: String!, $secret: String!) {
            trackCase(trackingCode: $code, secret: $secret) { status applicant { name } } }";
        let tracked = desks.anybody.data(track, json!({ "code": case.code(), "secret": case.secret })).await;
        assert_eq!(tracked["trackCase"], json!({ "status": "DELIVERED", "applicant": null }));
        let check = "query($by: ReceiptBy!) { verifyReceipt(by: $by) { verdict } }";
        for receipt in receipts.as_array().unwrap() {
            let held = json!({ "by": { "document": {
                "canonical": receipt["canonical"], "keyId": receipt["keyId"], "signature": receipt["signature"],
            } } });
            assert_eq!(desks.anybody.data(check, held).await["verifyReceipt"]["verdict"], "GENUINE");
            let by_id = json!({ "by": { "id": receipt["id"] } });
            assert_eq!(desks.anybody.data(check, by_id).await["verifyReceipt"]["verdict"], "ERASED");
        }
        assert!(gateway.terminate(Duration::from_secs(20)).await.success());

        let left = "select count(*) from idempotency where answer is not null and case_id in
                    (select case_id from data_key where destroyed_at is not null)";
        assert_eq!(number(world, left).await, 0);
        let wrapped = "select count(*) from data_key where destroyed_at is not null and wrapped is not null";
        assert_eq!(number(world, wrapped).await, 0);
        let told = "select count(*) from audit_entry where action = 'ERASE_CASE' and reason = 'REQUEST'";
        assert_eq!(number(world, told).await, 2);
        let export = world.folder().join("ledger.jsonl");
        let export = export.to_str().unwrap();
        let (status, _, error) = command(world, &[], &["ledger", "export", "--with-receipts", "--out", export]);
        assert!(status.success(), "{error}");
        assert!(!std::fs::read_to_string(export).unwrap().contains(FARMER.name));
        let (status, told, error) = onedoor(&["ledger", "verify", export], &[]);
        assert!(status.success() && told.contains("all of it holds"), "{told}{error}");
    }
);

async fn deliver(desks: &Desks, case: &str) {
    let now = crate::door::journey::read(&desks.hands.officer, case).await;
    let input = json!({
        "case": case, "expectedVersion": now["version"], "note": "本人",
    });
    crate::door::journey::act(&desks.hands.officer, "deliverResult", input).await;
}
