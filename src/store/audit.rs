//! The audit log: entries are written, in the transaction of the act they tell of where there is one, and never changed.

use onedoor_domain::audit::AuditEntry;
use onedoor_entity::audit_entry;
use sea_orm::{EntityTrait as _, IntoActiveModel as _};

use super::database::Database;
use super::error::StoreError;
use super::names::name_of;
use super::tx::Tx;

/// Writes an entry in the transaction of what it tells of.
///
/// # Errors
/// As any write.
pub async fn write(tx: &Tx, entry: &AuditEntry) -> Result<(), StoreError> {
    audit_entry::Entity::insert(row(entry)?.into_active_model())
        .exec_without_returning(tx.connection())
        .await?;
    Ok(())
}

/// Writes entries that stand alone.
///
/// # Errors
/// As any write.
pub async fn append(database: &Database, entries: &[AuditEntry]) -> Result<(), StoreError> {
    let rows: Vec<_> = entries.iter().map(row).collect::<Result<_, _>>()?;
    if rows.is_empty() {
        return Ok(());
    }
    let own = database.clone();
    let write = async move {
        let tx = own.write_tx().await?;
        for row in rows {
            audit_entry::Entity::insert(row.into_active_model())
                .exec_without_returning(tx.connection())
                .await?;
        }
        tx.commit().await
    };
    database.in_turn(write).await
}

fn row(entry: &AuditEntry) -> Result<audit_entry::Model, StoreError> {
    Ok(audit_entry::Model {
        id: entry.id.uuid(),
        at: entry.at.timestamp_micros(),
        actor: entry.actor.name().to_owned(),
        subject: entry.subject.clone(),
        organization_id: entry.organization.map(|id| id.uuid()),
        action: name_of(entry.action)?,
        object: entry.object.clone(),
        outcome: name_of(entry.outcome)?,
        reason: entry.reason.clone(),
        correlation: entry.correlation.clone(),
    })
}
