//! Keys in files of a story, and a gateway that lives by them.

use std::fs;
use std::path::PathBuf;
use std::process::ExitStatus;

use onedoor::clock::SystemClock;
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::door::journey::{self, CENTER, Hands, Submitted};
use crate::harness::actors::Actors;
use crate::harness::gql::{Gql, http_client};
use crate::harness::people::{FARMER, NEIGHBOUR, SHOPKEEPER};
use crate::harness::process::{Gateway, onedoor};
use crate::harness::world::World;

pub(super) const READ: &str = "query($id: ID!) { case(by: { id: $id }) {
    status applicant { name idNumber phone } timeline { seq event text } receipts { id canonical keyId signature } } }";

/// A key file of the story with a new key in it.
pub(super) fn key_file(world: &World, name: &str) -> PathBuf {
    let path = world.folder().join(name);
    let key = [Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat();
    fs::write(&path, hex::encode(key)).unwrap();
    path
}

/// Settings by the names of the section `[secrets]`.
pub(super) fn secrets(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let name = |name: &str| format!("ONEDOOR__SECRETS__{}", name.to_uppercase());
    let pair = |(key, value): &(&str, &str)| (name(key), (*value).to_owned());
    pairs.iter().map(pair).collect()
}

/// Starts a gateway that looks for keys often and a little at a time.
pub(super) async fn start(world: &World, settings: &[(String, String)]) -> Gateway {
    let mut gateway = prepare(world, settings);
    gateway.start_again().await;
    gateway
}

pub(super) fn prepare(world: &World, settings: &[(String, String)]) -> Gateway {
    let mut all = vec![
        ("ONEDOOR__WORKER__REKEY_TICK_MS", "100"),
        ("ONEDOOR__WORKER__REKEY_BATCH", "3"),
        ("ONEDOOR__SANDBOX__DECIDE_AFTER_MS", "20"),
    ];
    all.extend(
        settings
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str())),
    );
    Gateway::prepare(world, &all)
}

/// Somebody at every desk of a gateway.
pub(super) struct Desks {
    pub(super) anybody: Gql,
    pub(super) hands: Hands,
    pub(super) resident: Gql,
    pub(super) clerk: Gql,
}

impl Desks {
    pub(super) fn at(world: &World, gateway: &Gateway) -> Self {
        let anybody = Gql::anonymous(gateway.address());
        let actors = Actors::of(world, SystemClock);
        Self {
            hands: Hands::of(&anybody, &actors),
            resident: anybody.bearing(&actors.citizen("a-resident")),
            clerk: anybody.bearing(&actors.clerk(CENTER)),
            anybody,
        }
    }

    /// Cases of several people, one of them denied, and a draft.
    pub(super) async fn work(&self) -> Vec<Submitted> {
        let reasons = format!("{}材料不齐", FARMER.name);
        let mut cases = vec![self.hands.denied(FARMER, &reasons).await];
        cases.extend(self.more().await);
        let draft = "mutation($input: SaveDraftInput!) { saveDraft(input: $input) { draft { id } } }";
        let input = json!({
            "idempotencyKey": Uuid::now_v7(), "serviceItem": "senior-card", "content": { "name": SHOPKEEPER.name },
        });
        self.resident.data(draft, json!({ "input": input })).await;
        cases
    }

    /// More cases.
    pub(super) async fn more(&self) -> Vec<Submitted> {
        let mut cases = Vec::new();
        for person in [NEIGHBOUR, SHOPKEEPER, FARMER] {
            cases.push(journey::submit(&self.hands.kiosk, journey::senior_card(person)).await);
        }
        cases
    }

    /// What the offices and the author see of everything; a value that does not open is an error here.
    pub(super) async fn see(&self, cases: &[Submitted]) -> Vec<Value> {
        let mut seen = Vec::new();
        for case in cases {
            seen.push(self.clerk.data(READ, json!({ "id": case.id() })).await);
            let track = "query($code: String!, $secret: String!) {
                trackCase(trackingCode: $code, secret: $secret) { status applicant { name } } }";
            let credential = json!({ "code": case.code(), "secret": case.secret });
            seen.push(self.anybody.data(track, credential).await);
        }
        let drafts = "{ viewer { drafts { nodes { content } } } }";
        seen.push(self.resident.data(drafts, json!({})).await);
        seen
    }
}

/// Whether the rotation of a gateway has nothing more to do.
pub(super) async fn rotated(gateway: &Gateway) -> bool {
    let url = format!("http://{}/metrics", gateway.address());
    let text = http_client().get(url).send().await.unwrap().text().await.unwrap();
    let left: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("onedoor_rekey_remaining{"))
        .collect();
    let of = |what: &str| {
        left.iter()
            .any(|line| line.contains(what) && line.ends_with(" 0"))
    };
    of("wrapped") && of("of_masters")
}

/// Runs `onedoor` with the settings of a gateway; gives what it says.
pub(super) fn command(
    world: &World,
    settings: &[(String, String)],
    words: &[&str],
) -> (ExitStatus, String, String) {
    let mut all = world.settings();
    all.extend(settings.iter().cloned());
    onedoor(&[words, &["--demo"]].concat(), &all)
}

pub(super) async fn number(world: &World, sql: &str) -> i64 {
    let database = world.database().await;
    let row = database
        .query_one_raw(Statement::from_string(database.get_database_backend(), sql))
        .await
        .unwrap()
        .unwrap();
    let number = row.try_get_by_index(0).unwrap();
    database.close().await.unwrap();
    number
}

pub(super) async fn run(world: &World, sql: &str) {
    let database = world.database().await;
    database.execute_unprepared(sql).await.unwrap();
    database.close().await.unwrap();
}
