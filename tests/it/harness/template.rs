//! Migrates once per run and gives every test a copy.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use onedoor::store::database::{Database, DatabaseSettings};
use sea_orm::{ConnectionTrait as _, DatabaseConnection};

use super::files::run_folder;
use super::world::{connect, required};

/// Copies the migrated SQLite file to where a test wants it.
pub(crate) async fn copy_sqlite(to: &Path) {
    let template = run_folder().join(format!("template-{}.db", build()));
    let _alone = alone();
    if !template.exists() {
        let part = template.with_extension("part");
        drop(fs::remove_file(&part));
        prepare(&format!("sqlite://{}?mode=rwc", part.display())).await;
        fs::rename(&part, &template).unwrap();
    }
    fs::copy(&template, to).unwrap();
}

/// Makes a database of this name from the migrated template and gives its address.
pub(crate) async fn copy_postgres(name: &str) -> String {
    let admin = admin().await;
    let template = format!("template_{}", build());
    {
        let _alone = alone();
        let known = format!("SELECT 1 FROM pg_database WHERE datname = '{template}'");
        if admin.execute_unprepared(&known).await.unwrap().rows_affected() == 0 {
            let part = format!("{template}_part");
            admin
                .execute_unprepared(&format!("DROP DATABASE IF EXISTS {part} WITH (FORCE)"))
                .await
                .unwrap();
            admin
                .execute_unprepared(&format!("CREATE DATABASE {part}"))
                .await
                .unwrap();
            prepare(&url_of(&part)).await;
            admin
                .execute_unprepared(&format!("ALTER DATABASE {part} RENAME TO {template}"))
                .await
                .unwrap();
        }
    }
    admin
        .execute_unprepared(&format!("CREATE DATABASE {name} TEMPLATE {template}"))
        .await
        .unwrap();
    admin.close().await.unwrap();
    url_of(name)
}

/// Brings an empty database to what every story starts from: all migrations.
async fn prepare(url: &str) {
    let database = Database::connect(&DatabaseSettings::for_url(url.to_owned()), None)
        .await
        .unwrap();
    database.migrate().await.unwrap();
    database.close().await.unwrap();
}

/// The suite's PostgreSQL, for making and dropping databases.
pub(crate) async fn admin() -> DatabaseConnection {
    connect(&url_of("postgres")).await
}

/// The address of a database on the suite's PostgreSQL.
fn url_of(name: &str) -> String {
    format!("{}/{name}", required("ONEDOOR_TEST_POSTGRES"))
}

/// Held while a template is made: nextest runs every test in a process of its own.
fn alone() -> File {
    let lock = File::create(run_folder().join("template.lock")).unwrap();
    lock.lock().unwrap();
    lock
}

/// Names the template after this build of the suite, so that an old one is never taken for a new one.
fn build() -> String {
    let built: PathBuf = std::env::current_exe().unwrap();
    let changed = fs::metadata(built).unwrap().modified().unwrap();
    changed.duration_since(UNIX_EPOCH).unwrap().as_nanos().to_string()
}
