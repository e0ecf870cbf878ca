//! Schema steps, up and down, on both databases.
//!
//! One file per step, never edited after a release; steps expand first and contract a release later, so that the
//! old and the new binary run side by side. A step never imports entities: it stays what it was.
//!
//! # Portable columns, decided once
//! | meaning | column | why |
//! |---|---|---|
//! | key, foreign key | `uuid` (SQLite: 16-byte blob) | `.uuid()`; equal order on both databases |
//! | instant | `bigint`, microseconds UTC since 1970 | no time zones, no drivers' opinions, hashed as written |
//! | calendar date | `text`, `YYYY-MM-DD` | sorts as it reads |
//! | closed list (level, kind, state) | `text`, the name of the value | readable in any tool; parsed by the store |
//! | document, payload | `text` holding JSON | the bytes that were hashed are the bytes that come back |
//! | sealed or hashed bytes | `blob`/`bytea` | `.binary()` |
//! | counter, version | `integer` (32 bits) or `bigint` | GraphQL's `Int` is 32 bits |
//!
//! All pending steps run in one transaction under the migration lock (`store::database`): an interrupted run leaves
//! nothing behind, and of two replicas that start at once one migrates while the other waits.

use sea_orm_migration::prelude::*;

mod columns;
mod m20261101_000001_reference;
mod m20261101_000002_cases;
mod m20261123_000003_acts;
mod m20261123_000004_hands;
mod m20261123_000005_clocks;
mod m20261123_000006_grid;
mod m20261123_000007_succession;
mod m20261123_000008_board;
mod m20261123_000009_delivery;
mod m20261123_000010_write_probe;
mod m20261123_000011_scale;
mod m20261123_000012_tellings;
mod m20261123_000013_watch;
mod m20261129_000015_reconciliation;
mod m20261129_000016_attempt_evidence;
mod m20261129_000017_checkpoints;
mod m20261129_000018_audit;
mod m20261129_000019_identity;
mod m20261129_000020_data_keys;
mod m20261129_000021_access;
mod m20261129_000022_kiosks;
mod m20261129_000023_documents;
mod m20261129_000024_limits;

/// All steps in order.
#[derive(Debug, Clone, Copy)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261101_000001_reference::Migration),
            Box::new(m20261101_000002_cases::Migration),
            Box::new(m20261123_000003_acts::Migration),
            Box::new(m20261123_000004_hands::Migration),
            Box::new(m20261123_000005_clocks::Migration),
            Box::new(m20261123_000006_grid::Migration),
            Box::new(m20261123_000007_succession::Migration),
            Box::new(m20261123_000008_board::Migration),
            Box::new(m20261123_000009_delivery::Migration),
            Box::new(m20261123_000010_write_probe::Migration),
            Box::new(m20261123_000011_scale::Migration),
            Box::new(m20261123_000012_tellings::Migration),
            Box::new(m20261123_000013_watch::Migration),
            Box::new(m20261129_000015_reconciliation::Migration),
            Box::new(m20261129_000016_attempt_evidence::Migration),
            Box::new(m20261129_000017_checkpoints::Migration),
            Box::new(m20261129_000018_audit::Migration),
            Box::new(m20261129_000019_identity::Migration),
            Box::new(m20261129_000020_data_keys::Migration),
            Box::new(m20261129_000021_access::Migration),
            Box::new(m20261129_000022_kiosks::Migration),
            Box::new(m20261129_000023_documents::Migration),
            Box::new(m20261129_000024_limits::Migration),
        ]
    }
}
