//! A county that outgrew its file: the whole database goes over to the other kind, and nothing of it is different.

use onedoor::app;
use onedoor::store::copy;
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::json;

use super::journey::{self, CENTER, Hands};
use crate::harness::app::TestApp;
use crate::harness::people::{FARMER, NEIGHBOUR};
use crate::harness::story::story;
use crate::harness::template::Ground;
use crate::harness::world::{World, WorldKind};

story!(
    /// From SQLite to PostgreSQL and back: the copy's ledger is verified, the receipts are the same bytes, and the case goes
    /// on there.
    a_copy_holds_everything_and_goes_on,
    async |world| {
        let app = TestApp::start(world).await;
        let hands = Hands::of(&app.anybody(), &app.actors);
        let denied = hands.denied(FARMER, "不符合年龄").await;
        let open = journey::submit(&hands.kiosk, journey::senior_card(NEIGHBOUR)).await;
        let shown = "query($id: ID!) { case(by: { id: $id }) {
            version status receipts { canonical signature } timeline { seq event text } } }";
        let before = hands.officer.data(shown, json!({ "id": denied.id() })).await;
        app.stop(world).await;

        let other = match world.kind() {
            WorldKind::Sqlite => WorldKind::Postgres,
            WorldKind::Postgres => WorldKind::Sqlite,
        };
        let there = World::open(other, Ground::Empty).await;
        let (from, to) = (world.database_url().to_owned(), there.database_url().to_owned());
        // the keys are those of the world that is left
        let told = app::copy::copy(&world.config(&[]), from.clone(), to.clone()).await.unwrap();
        assert!(told.contains("2 chains") && told.contains("all of it holds"), "{told}");
        let again = app::copy::copy(&world.config(&[]), from, to).await.unwrap_err();
        assert!(onedoor::telemetry::chain(&again).to_string().contains("not empty"), "{again}");

        copy_keys(world, &there);
        let app = TestApp::start(&there).await;
        let hands = Hands::of(&app.anybody(), &app.actors);
        assert_eq!(hands.officer.data(shown, json!({ "id": denied.id() })).await, before);
        let clerk = app.anybody().bearing(&app.actors.clerk(CENTER));
        let offered = &open.case["handoffs"][1];
        let signed = journey::act(
            &clerk,
            "acknowledgeHandoff",
            json!({ "case": open.id(), "handoff": offered["id"], "expectedVersion": offered["version"] }),
        )
        .await;
        assert_eq!(signed["status"], "SUBMITTED");
        app.stop(&there).await;
        every_table_goes_over(&there).await;
    }
);

/// The keys lie in the data folder of a demonstration.
fn copy_keys(from: &World, to: &World) {
    let (from, to) = (from.folder().join("data/keys"), to.folder().join("data/keys"));
    std::fs::create_dir_all(&to).unwrap();
    for key in std::fs::read_dir(from).unwrap() {
        let key = key.unwrap();
        std::fs::copy(key.path(), to.join(key.file_name())).unwrap();
    }
}

/// A table that a later step brings must be named in the list, or say why it is not.
async fn every_table_goes_over(world: &World) {
    let database = world.database().await;
    let sql = match world.kind() {
        WorldKind::Sqlite => {
            "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'"
        }
        WorldKind::Postgres => "select tablename::text as name from pg_tables where schemaname = 'public'",
    };
    let rows = database
        .query_all_raw(Statement::from_string(database.get_database_backend(), sql))
        .await
        .unwrap();
    let mut known = copy::tables();
    known.extend(
        [
            "division",
            "organization",
            "seaql_migrations",
            "kiosk_proof",
            "kiosk_token",
            "session",
            "sign_in",
            "write_probe",
        ]
        .map(str::to_owned),
    );
    let unknown: Vec<String> = rows
        .iter()
        .map(|row| row.try_get::<String>("", "name").unwrap())
        .filter(|name| !known.contains(name))
        .collect();
    assert_eq!(unknown, Vec::<String>::new(), "tables that nobody copies");
    database.close().await.unwrap();
}
