//! The store's ground: connections, transactions, migrations, faults and pages on both databases.

use std::time::Duration;

use onedoor::store::database::{Database, DatabaseSettings};
use onedoor::store::epoch;
use onedoor::store::error::StoreError;
use sea_orm::{ConnectionTrait as _, DbErr, RuntimeErr, Statement};

use crate::harness::world::required;

/// A fresh database of each kind that this run can reach, with the folder that holds it.
pub(crate) struct Scratch {
    pub(crate) settings: DatabaseSettings,
    _folder: Option<tempfile::TempDir>,
}

/// One scratch database per kind.
pub(crate) async fn scratches() -> Vec<Scratch> {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/onedoor.db?mode=rwc", folder.path().display());
    let mut all = vec![Scratch {
        settings: DatabaseSettings::for_url(url),
        _folder: Some(folder),
    }];
    {
        let server = required("ONEDOOR_TEST_POSTGRES");
        let name = format!("scratch_{}", uuid::Uuid::now_v7().simple());
        let admin = sea_orm::Database::connect(format!("{server}/postgres"))
            .await
            .unwrap();
        admin
            .execute_unprepared(&format!("create database {name}"))
            .await
            .unwrap();
        admin.close().await.unwrap();
        all.push(Scratch {
            settings: DatabaseSettings::for_url(format!("{server}/{name}")),
            _folder: None,
        });
    }
    all
}

impl Scratch {
    pub(crate) async fn open(&self) -> Database {
        let database = Database::connect(&self.settings, None).await.unwrap();
        database.migrate().await.unwrap();
        database
    }
}

async fn tables(database: &Database) -> Vec<String> {
    let sql = if database.server_version().await.unwrap().starts_with("SQLite") {
        "select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by 1"
    } else {
        "select table_name::text from information_schema.tables where table_schema = 'public' order by 1"
    };
    let read = database.read();
    let rows = read
        .query_all_raw(Statement::from_string(read.get_database_backend(), sql))
        .await
        .unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

#[actix_web::test]
async fn migrations_go_up_down_and_up_again() {
    for scratch in scratches().await {
        let database = scratch.open().await;
        let full = tables(&database).await;
        assert!(
            full.iter().any(|table| table == "service_item_version"),
            "{full:?}"
        );
        database.migrate_down(None).await.unwrap();
        assert_eq!(tables(&database).await, ["seaql_migrations"]);
        assert!(!database.pending_migrations().await.unwrap().is_empty());
        database.migrate().await.unwrap();
        assert_eq!(tables(&database).await, full);
        assert!(database.pending_migrations().await.unwrap().is_empty());
    }
}

#[actix_web::test]
async fn replicas_that_start_at_once_migrate_once() {
    for scratch in scratches().await {
        let replicas = futures_util::future::join_all((0..6).map(|_| scratch.open())).await;
        for database in &replicas {
            assert!(database.pending_migrations().await.unwrap().is_empty());
            database.check_writable().await.unwrap();
        }
    }
}

#[actix_web::test]
async fn what_a_dropped_transaction_wrote_is_gone() {
    for scratch in scratches().await {
        let database = scratch.open().await;
        let tx = database.write_tx().await.unwrap();
        epoch::bump(&tx, "divisions").await.unwrap();
        drop(tx);
        assert_eq!(epoch::read_all(&database).await.unwrap().get("divisions"), None);

        let tx = database.write_tx().await.unwrap();
        epoch::bump(&tx, "divisions").await.unwrap();
        epoch::bump(&tx, "divisions").await.unwrap();
        assert_eq!(epoch::read_all(&database).await.unwrap().get("divisions"), None);
        tx.commit().await.unwrap();
        assert_eq!(
            epoch::read_all(&database).await.unwrap().get("divisions"),
            Some(&2)
        );
    }
}

#[actix_web::test]
async fn fifty_writers_at_once_all_succeed() {
    for scratch in scratches().await {
        let database = scratch.open().await;
        let write = || async {
            let tx = database.write_tx().await?;
            epoch::bump(&tx, "divisions").await?;
            tx.commit().await
        };
        for outcome in futures_util::future::join_all((0..50).map(|_| write())).await {
            outcome.unwrap();
        }
        assert_eq!(
            epoch::read_all(&database).await.unwrap().get("divisions"),
            Some(&50)
        );
    }
}

#[actix_web::test]
async fn a_pool_without_a_free_connection_sheds_after_its_timeout() {
    for mut scratch in scratches().await {
        scratch.settings.connections_max = 1;
        scratch.settings.acquire_timeout = Duration::from_millis(100);
        let database = scratch.open().await;
        let held = database.write_tx().await.unwrap();
        let refused = database.write_tx().await.unwrap_err();
        assert!(matches!(refused, StoreError::Unavailable { .. }), "{refused:?}");
        held.rollback().await.unwrap();
        database.check_writable().await.unwrap();
    }
}

#[actix_web::test]
async fn a_second_row_with_the_same_key_is_a_conflict_that_names_no_value() {
    for scratch in scratches().await {
        let database = scratch.open().await;
        let tx = database.write_tx().await.unwrap();
        let sql = "insert into reference_epoch (name, value) values ('canary-value', 1)";
        tx.connection().execute_unprepared(sql).await.unwrap();
        let error = StoreError::from(tx.connection().execute_unprepared(sql).await.unwrap_err());
        assert!(
            matches!(&error, StoreError::Conflict { constraint } if !constraint.is_empty()),
            "{error:?}"
        );
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
}

#[actix_web::test]
async fn the_readers_of_sqlite_refuse_to_write() {
    let scratch = scratches().await.remove(0);
    let database = scratch.open().await;
    assert!(
        database
            .read()
            .execute_unprepared("delete from reference_epoch")
            .await
            .is_err()
    );
}

#[cfg(unix)]
#[actix_web::test]
async fn the_file_of_sqlite_is_readable_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let scratch = scratches().await.remove(0);
    let _database = scratch.open().await;
    let folder = scratch._folder.as_ref().unwrap().path();
    for name in ["onedoor.db", "onedoor.db-wal"] {
        let mode = std::fs::metadata(folder.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[actix_web::test]
async fn a_database_that_cannot_be_reached_is_unavailable_and_keeps_its_password() {
    let nowhere = "postgres://onedoor:canary-password@127.0.0.1:1/none";
    let error = Database::connect(&DatabaseSettings::for_url(nowhere.to_owned()), None)
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    let garbled = DatabaseSettings::for_url("postgres://onedoor:canary-password@[::1/none".to_owned());
    let refused = Database::connect(&garbled, None).await.unwrap_err();
    for text in [
        format!("{error:?}"),
        format!("{refused:?}"),
        format!("{garbled:?}"),
    ] {
        assert!(!text.contains("canary-password"), "{text}");
    }
}

#[actix_web::test]
async fn a_lost_connection_is_unavailable_and_the_next_one_works() {
    for scratch in scratches().await.into_iter().skip(1) {
        let database = scratch.open().await;
        let tx = database.write_tx().await.unwrap();
        epoch::bump(&tx, "divisions").await.unwrap();
        let other = sea_orm::Database::connect(scratch.settings.url.expose().clone())
            .await
            .unwrap();
        other
            .execute_unprepared(
                "select pg_terminate_backend(pid) from pg_stat_activity \
                 where datname = current_database() and pid <> pg_backend_pid()",
            )
            .await
            .unwrap();
        let lost = epoch::bump(&tx, "divisions").await.unwrap_err();
        assert!(matches!(lost, StoreError::Unavailable { .. }), "{lost:?}");
        drop(tx);
        let mut outcome = database.check_writable().await;
        for _ in 0..20 {
            if outcome.is_ok() {
                break;
            }
            outcome = database.check_writable().await;
        }
        outcome.unwrap();
        assert!(
            !epoch::read_all(&database)
                .await
                .unwrap()
                .contains_key("divisions")
        );
    }
}

#[actix_web::test]
async fn a_commit_whose_answer_is_lost_is_unknown() {
    for scratch in scratches().await.into_iter().skip(1) {
        let database = scratch.open().await;
        let tx = database.write_tx().await.unwrap();
        epoch::bump(&tx, "divisions").await.unwrap();
        let other = sea_orm::Database::connect(scratch.settings.url.expose().clone())
            .await
            .unwrap();
        other
            .execute_unprepared(
                "select pg_terminate_backend(pid) from pg_stat_activity \
                 where datname = current_database() and pid <> pg_backend_pid()",
            )
            .await
            .unwrap();
        let outcome = tx.commit().await.unwrap_err();
        assert!(matches!(outcome, StoreError::Unknown { .. }), "{outcome:?}");
    }
}

#[actix_web::test]
async fn a_demoted_primarys_connections_are_evicted() {
    for mut scratch in scratches().await.into_iter().skip(1) {
        scratch.settings.connections_max = 3;
        let database = scratch.open().await;
        let held = [
            database.write_tx().await.unwrap(),
            database.write_tx().await.unwrap(),
        ];
        for tx in &held {
            let sql = "set session characteristics as transaction read only";
            tx.connection().execute_unprepared(sql).await.unwrap();
        }
        for tx in held {
            tx.commit().await.unwrap();
        }
        let mut refusals = 0;
        for _ in 0..12 {
            match database.check_writable().await {
                Ok(()) => {}
                Err(StoreError::Unavailable { .. }) => refusals += 1,
                Err(other) => panic!("{other:?}"),
            }
        }
        assert!(
            refusals <= 1,
            "the first refusal makes the pool look at the others: {refusals}"
        );
    }
}

#[test]
fn faults_are_classified_by_what_the_caller_can_do() {
    let conn = || DbErr::Conn(RuntimeErr::Internal("gone".to_owned()));
    assert!(matches!(StoreError::from(conn()), StoreError::Unavailable { .. }));
    assert!(matches!(
        StoreError::from(DbErr::RecordNotUpdated),
        StoreError::Stale
    ));
    let text = onedoor::error::AppError::from(StoreError::from(conn()))
        .code
        .as_str();
    assert_eq!(text, "STORE_UNAVAILABLE");
}
