//! Looks for personal data in what a world's database keeps, below every API of ours.

use std::fs;
use std::process::{Command, Stdio};

use super::people;
use super::world::{World, WorldKind};

/// Fails when anything personal stands in the database in the clear: on SQLite the bytes of the files, freed pages and
/// write-ahead log included; on PostgreSQL every value of every table, as `pg_dump` sees it.
pub(crate) fn assert_nobody_at_rest(world: &World) {
    match world.kind() {
        WorldKind::Sqlite => {
            for suffix in ["", "-wal", "-shm"] {
                let file = world.folder().join(format!("onedoor.db{suffix}"));
                people::assert_nobody_in(&file.display().to_string(), &fs::read(&file).unwrap_or_default());
            }
        }
        WorldKind::Postgres => people::assert_nobody_in("pg_dump", &dump(world)),
    }
}

fn dump(world: &World) -> Vec<u8> {
    let output = Command::new(pg_dump())
        .args(["--data-only", "--dbname", world.database_url()])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// Beside the newest server, or wherever the path finds it.
fn pg_dump() -> std::path::PathBuf {
    let mut versions: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path().join("bin/pg_dump"))
        .filter(|program| program.exists())
        .collect();
    versions.sort();
    versions.pop().unwrap_or_else(|| "pg_dump".into())
}
