//! Made-up people go through the whole gateway at trace level, and nothing of them stays in the clear (P26).

use std::fs;
use std::path::Path;
use std::time::Duration;

use onedoor::clock::SystemClock;
use serde_json::{Value, json};
use uuid::Uuid;

use super::journey::{self, COUNTY, Hands};
use super::looking;
use crate::harness::actors::Actors;
use crate::harness::at_rest::assert_nobody_at_rest;
use crate::harness::gql::{Gql, http_client};
use crate::harness::people::{self, FARMER, NEIGHBOUR, Person, SHOPKEEPER};
use crate::harness::process::Gateway;
use crate::harness::story::story;
use crate::harness::world::World;

/// A bank account of nobody.
const BANK_ACCOUNT: &str = "6222999900001111777";

const STOP_TIME: Duration = Duration::from_secs(20);

story!(
    /// Journeys, drafts, mistakes and nonsense with real-looking people: logs, metrics, Redis, the database with its
    /// free pages, and every file know none of them.
    no_personal_data_stays_in_the_clear,
    async |world| canary(world, "intl").await
);

story!(
    /// The same with SM2, SM3 and SM4.
    no_personal_data_stays_in_the_clear_under_gm,
    async |world| canary(world, "gm").await
);

async fn canary(world: &World, suite: &str) {
    let temporary = world.folder().join("tmp");
    fs::create_dir_all(&temporary).unwrap();
    let settings = [
        ("ONEDOOR__LOG__FILTER", "trace"),
        ("ONEDOOR__SECRETS__SUITE", suite),
        ("ONEDOOR__SANDBOX__DECIDE_AFTER_MS", "20"),
        ("TMPDIR", temporary.to_str().unwrap()),
    ];
    let mut gateway = Gateway::start(world, &settings).await;
    let anybody = Gql::anonymous(gateway.address());
    let actors = Actors::of(world, SystemClock);
    let hands = Hands::of(&anybody, &actors);
    let denied = hands
        .denied(
            FARMER,
            &format!("{}的材料不齐，{}", FARMER.name, FARMER.id_number),
        )
        .await;
    hands.delivered(NEIGHBOUR, BANK_ACCOUNT).await;
    look_at_everything(&hands, denied.id()).await;
    keep_drafts(&anybody.bearing(&actors.citizen("a-resident")), SHOPKEEPER).await;
    make_mistakes(&anybody, &hands, &denied.secret).await;
    let track = "query($code: String!, $secret: String!) {
            trackCase(trackingCode: $code, secret: $secret) { applicant { name } timeline { event } } }";
    let variables = json!({ "code": denied.code(), "secret": denied.secret });
    anybody.data(track, variables).await;
    let everything =
        "{ cases { nodes { applicant { name idNumber phone } timeline { text } receipts { canonical } } } }";
    for reader in [actors.supervisor(COUNTY), actors.auditor()] {
        let told = anybody.bearing(&reader).data(everything, json!({})).await;
        assert_nothing("an answer", told.to_string().as_bytes());
    }

    assert_receipt_holds(&anybody, &hands, denied.id()).await;

    let metrics = format!("http://{}/metrics", gateway.address());
    let metrics = http_client()
        .get(metrics)
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    assert_nothing("/metrics", &metrics);
    for (key, value) in world.redis_entries().await {
        assert_nothing("a key in Redis", key.as_bytes());
        assert_nothing(&key, &value);
    }
    assert_nobody_at_rest(world);
    assert_files(world.folder());
    assert!(gateway.terminate(STOP_TIME).await.success(), "{}", gateway.log());
    let log = gateway.log();
    assert!(log.contains("\"TRACE\""), "the log is at trace level");
    assert_nothing("the log", log.as_bytes());
    assert!(!log.contains(&denied.secret), "the log knows a tracking secret");
    assert_nobody_at_rest(world);
    assert_files(world.folder());
}

/// Signed by the algorithm of the suite, and genuine.
async fn assert_receipt_holds(anybody: &Gql, hands: &Hands, case: &str) {
    let receipts = "query($id: ID!) { case(by: { id: $id }) { receipts { canonical keyId signature } } }";
    let data = hands.officer.data(receipts, json!({ "id": case })).await;
    let check = "query($by: ReceiptBy!) { verifyReceipt(by: $by) { verdict } }";
    for receipt in data["case"]["receipts"].as_array().unwrap() {
        let checked = anybody
            .data(check, json!({ "by": { "document": receipt } }))
            .await;
        assert_eq!(checked["verifyReceipt"]["verdict"], "GENUINE");
    }
}

/// What is shown in the clear, and whom somebody looked for, stays in no place but the answer.
async fn look_at_everything(hands: &Hands, case: &str) {
    let key = Uuid::now_v7();
    for _ in 0..2 {
        let mut input = looking::look(case, "OTHER");
        input["purposeText"] = json!(format!("{}来电，{}", FARMER.name, FARMER.phone));
        input["idempotencyKey"] = json!(key);
        let shown = looking::reveal(&hands.clerk, &input).await;
        assert_eq!(shown["data"]["idNumber"], FARMER.id_number);
    }
    let found = looking::find(&hands.clerk, &looking::number(FARMER.id_number)).await;
    assert_eq!(looking::ids(&found), [case]);
    looking::find(&hands.clerk, &looking::number(FARMER.phone)).await;
    looking::find(&hands.clerk, &looking::number(FARMER.name)).await;
    looking::ask(&hands.kiosk, &looking::look(FARMER.id_number, "OTHER")).await;
}

async fn keep_drafts(resident: &Gql, person: Person) {
    let document = "mutation($input: SaveDraftInput!) { saveDraft(input: $input) { draft { id content } } }";
    let key = Uuid::now_v7();
    let mut draft = Value::Null;
    for step in 0..3 {
        let mut input = json!({
            "idempotencyKey": if step == 0 { key } else { Uuid::now_v7() }, "serviceItem": "senior-card",
            "content": { "name": person.name, "idNo": person.id_number, "address": person.address, "step": step },
        });
        if !draft.is_null() {
            input["draft"] = draft.clone();
        }
        let told = resident.data(document, json!({ "input": input })).await;
        assert_eq!(
            told["saveDraft"]["draft"]["content"]["name"], person.name,
            "the author reads it back"
        );
        draft = told["saveDraft"]["draft"]["id"].clone();
    }
}

/// What people do wrong, with their data in it: none of it may be quoted anywhere.
async fn make_mistakes(anybody: &Gql, hands: &Hands, secret: &str) {
    let submit = "mutation($input: SubmitCaseInput!) {
        submitCase(input: $input) { userErrors { message field code } warnings { message } } }";
    let mut wrong = journey::senior_card(FARMER);
    wrong["form"]["idNo"] = json!(FARMER.name);
    wrong["form"]["mobile"] = json!(FARMER.address);
    wrong["form"][FARMER.id_number] = json!(FARMER.name);
    wrong["applicant"]["phone"] = json!(FARMER.id_number);
    wrong["serviceItem"] = json!("senior-card");
    let mistakes = [
        (submit.to_owned(), json!({ "input": wrong })),
        (
            submit.to_owned(),
            json!({ "input": { "applicant": FARMER.name } }),
        ),
        (
            submit.to_owned(),
            json!({ "input": FARMER.name, FARMER.id_number: 1 }),
        ),
        (
            format!("{{ case(by: {{ id: \"{}\" }}) {{ id }} }}", FARMER.id_number),
            json!({}),
        ),
        (
            format!("{{ serviceItem(by: {{ code: \"{}\" }}) {{ id }} }}", FARMER.name),
            json!({}),
        ),
        (
            format!(
                "{{ organizations(filter: {{ nameContains: \"{}\" }}) {{ totalCount }} }}",
                FARMER.name
            ),
            json!({}),
        ),
        (
            format!("{{ cases(after: \"{}\") {{ totalCount }} }}", FARMER.phone),
            json!({}),
        ),
        (format!("{{ viewer {{ kind }} }} # {}", FARMER.phone), json!({})),
        (format!("{{ \"{}\" }}", FARMER.name), json!({})),
        (
            format!("query a{} {{ unknown{} }}", FARMER.phone, FARMER.phone),
            json!({}),
        ),
        (
            format!(
                "{{ trackCase(trackingCode: \"{}\", secret: \"{}\") {{ id }} }}",
                FARMER.id_number, FARMER.phone
            ),
            json!({}),
        ),
    ];
    for (document, variables) in mistakes {
        for caller in [anybody, &hands.kiosk] {
            let answer = caller.ask(&document, variables.clone()).await;
            assert!(answer.status < 500, "{}", answer.body);
            // what the caller themselves named as a field comes back in the path of a user error, to them alone
            let told = answer
                .body
                .to_string()
                .replace(FARMER.id_number, "")
                .replace(FARMER.phone, "");
            people::assert_nobody_in("an answer to a mistake", told.as_bytes());
            assert!(!told.contains(secret));
        }
    }
}

/// Every file below a folder; the database of the SQLite world, the sandbox's files and temporary ones among them.
fn assert_files(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_files(&path);
        } else {
            // a file may go while it is looked at, for example a write-ahead log
            assert_nothing(&path.display().to_string(), &fs::read(&path).unwrap_or_default());
        }
    }
}

fn assert_nothing(place: &str, bytes: &[u8]) {
    people::assert_nobody_in(place, bytes);
    let text = String::from_utf8_lossy(bytes);
    assert!(!text.contains(BANK_ACCOUNT), "{place}: a bank account");
}
