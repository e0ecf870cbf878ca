//! P17: a backup taken under load is restored into an empty database, its ledger is verified, and a gateway goes on there.

use std::cell::{Cell, RefCell};
use std::path::Path;
use std::process::Command;

use onedoor::app;
use onedoor::config::Config;
use onedoor::service::ledger::Receipts;
use sea_orm::ConnectionTrait as _;
use serde_json::Value;

use super::county::County;
use super::desks::{Desks, Done, Journal};
use super::evidence::{assert_repeated, number};
use crate::harness::process::Gateway;
use crate::harness::story::story;
use crate::harness::template::admin;
use crate::harness::wait::{PATIENCE, until};
use crate::harness::world::{World, WorldKind, connect};

/// People who hand in and accept while the backup is taken.
const WRITERS: usize = 8;
/// Answers before it begins, and after it ended.
const ANSWERS: usize = 30;

/// Where a backup was restored to.
struct Restored {
    url: String,
    /// A PostgreSQL database that the test drops.
    database: Option<String>,
}

/// The command of docs/backup.md, as an operator runs it.
fn run(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}

/// Takes a backup of a world's database.
async fn back_up(world: &World, file: &Path) {
    match world.kind() {
        WorldKind::Sqlite => {
            let database = world.database().await;
            let into = format!("VACUUM INTO '{}'", file.display());
            database.execute_unprepared(&into).await.unwrap();
            database.close().await.unwrap();
        }
        WorldKind::Postgres => run(Command::new("pg_dump")
            .args(["--format=custom", "--no-owner", "--file"])
            .arg(file)
            .arg(world.database_url())),
    }
}

/// Restores a backup into an empty place.
async fn restore(world: &World, file: &Path) -> Restored {
    match world.kind() {
        WorldKind::Sqlite => {
            let copy = world.folder().join("restored.db");
            std::fs::copy(file, &copy).unwrap();
            Restored {
                url: format!("sqlite://{}?mode=rwc", copy.display()),
                database: None,
            }
        }
        WorldKind::Postgres => {
            let (server, name) = world.database_url().rsplit_once('/').unwrap();
            let restored = format!("{name}_restored");
            let postgres = admin().await;
            let create = format!("CREATE DATABASE {restored}");
            postgres.execute_unprepared(&create).await.unwrap();
            postgres.close().await.unwrap();
            let url = format!("{server}/{restored}");
            run(Command::new("pg_restore")
                .args(["--exit-on-error", "--no-owner", "--dbname"])
                .arg(&url)
                .arg(file));
            Restored {
                url,
                database: Some(restored),
            }
        }
    }
}

/// `onedoor ledger export` and `verify` on a database: all holds, the receipts that people hold included.
async fn verified(world: &World, config: &Config, held: &[Done]) -> Vec<String> {
    let export = world.folder().join("restored.ledger");
    app::ledger::export(config, Some(&export), Receipts::With)
        .await
        .unwrap();
    let receipts: Vec<_> = held
        .iter()
        .enumerate()
        .map(|(index, done)| {
            let path = world.folder().join(format!("held-{index}.json"));
            std::fs::write(&path, receipt(done).to_string()).unwrap();
            path
        })
        .collect();
    let (told, holds) = app::ledger::verify(&export, &[], &receipts, &[]).unwrap();
    assert!(holds, "{told}");
    let export = std::fs::read_to_string(&export).unwrap();
    export
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|record| record["record"] == "receipt")
        .map(|record| record["canonical"].as_str().unwrap().to_owned())
        .collect()
}

/// The receipt in an answer, as its holder has it.
fn receipt(done: &Done) -> Value {
    let answer: Value = serde_json::from_slice(&done.bytes).unwrap();
    let payload = answer["data"].as_object().unwrap().values().next().unwrap();
    payload["receipt"].clone()
}

story!(
    a_backup_under_load_restores_to_a_verified_ledger_and_goes_on,
    async |world| {
        let county = County::open(world, 40).await;
        let mut gateway = Gateway::start(world, &county.settings()).await;
        let desks = Desks::at(gateway.address(), world);
        let (journal, open) = (RefCell::new(Journal::default()), Cell::new(true));
        let file = world.folder().join("backup");
        let answered = async |count: usize| {
            until("the load goes on", PATIENCE, async || {
                journal.borrow().done.len() >= count
            })
            .await;
        };
        let backup = async {
            answered(ANSWERS).await;
            let before: Vec<Done> = journal.borrow().done.clone();
            back_up(world, &file).await;
            let during = journal.borrow().done.len();
            answered(during + ANSWERS).await;
            open.set(false);
            before
        };
        let ((), before) = tokio::join!(desks.work(WRITERS, &journal, &open), backup);
        println!(
            "{} answers before the backup, {} in all",
            before.len(),
            journal.borrow().done.len()
        );
        let ended = gateway.terminate(std::time::Duration::from_secs(15)).await;
        assert!(ended.success());

        let restored = restore(world, &file).await;
        let config = world.config(&[("ONEDOOR__DATABASE__URL", &restored.url)]);
        let found = verified(world, &config, &before).await;
        for done in &before {
            let canonical = receipt(done)["canonical"].as_str().unwrap().to_owned();
            assert!(
                found.contains(&canonical),
                "a receipt handed out before the backup is in it"
            );
        }

        // a gateway on the restored copy remembers every answer, and takes new applications
        let settings = county.settings_and(&[("ONEDOOR__DATABASE__URL", &restored.url)]);
        let mut gateway = Gateway::start(world, &settings).await;
        let desks = Desks::at(gateway.address(), world);
        assert_repeated(&desks, &before).await;
        let anew = RefCell::new(Journal::default());
        desks.carry_one(&anew).await;
        let database = connect(&restored.url).await;
        assert!(number(&database, "SELECT COUNT(*) FROM cases").await > 0);
        database.close().await.unwrap();
        assert!(
            gateway
                .terminate(std::time::Duration::from_secs(15))
                .await
                .success()
        );
        std::fs::remove_file(world.folder().join("restored.ledger")).unwrap();
        verified(world, &config, &anew.borrow().done).await;
        if let Some(name) = restored.database {
            let postgres = admin().await;
            let drop = format!("DROP DATABASE {name} WITH (FORCE)");
            postgres.execute_unprepared(&drop).await.unwrap();
            postgres.close().await.unwrap();
        }
    }
);
