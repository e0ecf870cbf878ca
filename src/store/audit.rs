//! The audit log: entries are written, in the transaction of the act they tell of where there is one, and never changed.

use chrono::{DateTime, Duration, Utc};
use onedoor_domain::audit::{AuditAction, AuditEntry, AuditOutcome};
use onedoor_domain::id::{AuditEntryId, OrganizationId};
use onedoor_domain::page::{KeyPart, Page, PageRequest, Position};
use onedoor_domain::proof::ReadProof;
use onedoor_entity::audit_entry;
use sea_orm::sea_query::Condition;
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, PaginatorTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use super::database::Database;
use super::error::StoreError;
use super::names::name_of;
use super::page::{descending, keyset};
use super::parse::{Row, number};
use super::tx::Tx;

/// The order of entries: the last first. Positions have 2 parts.
pub const ENTRIES_BY_TIME: &str = "audit.at";
/// An entry is kept at least so long (GB/T 22239 level 3); the database itself refuses to remove a younger one, by its own
/// clock.
pub const KEPT_MIN: Duration = Duration::days(180);
/// By how much the clocks of gateway and database may differ before a removal is refused.
const CLOCKS_APART: Duration = Duration::hours(1);
/// Entries that one statement of an export reads, and that one transaction removes.
const BATCH: u64 = 500;
/// Batches that one pass removes; the rest is left to the next.
const BATCHES_MAX: u32 = 40;

/// Which entries; what is left out does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// At this instant or later.
    pub from: Option<DateTime<Utc>>,
    /// Before this instant.
    pub to: Option<DateTime<Utc>>,
    /// Of this subject.
    pub subject: Option<String>,
    /// Of one of these actions.
    pub actions: Vec<AuditAction>,
    /// That ended so.
    pub outcome: Option<AuditOutcome>,
}

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

/// Writes entries that stand alone, those that are not there yet.
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
            // written before, if the answer to an earlier commit was lost
            audit_entry::Entity::insert(row.into_active_model())
                .on_conflict_do_nothing_on([audit_entry::Column::Id])
                .exec_without_returning(tx.connection())
                .await?;
        }
        tx.commit().await
    };
    database.in_turn(write).await
}

/// A page of entries, in the order [`ENTRIES_BY_TIME`]. They hold no person's data, so whoever has a proof reads all.
///
/// # Errors
/// As any query; `Corrupt` when a row does not parse.
pub async fn list(
    database: &Database,
    _proof: &ReadProof,
    filter: &AuditFilter,
    page: &PageRequest,
) -> Result<Page<AuditEntry>, StoreError> {
    let keys = [
        descending(audit_entry::Column::At),
        descending(audit_entry::Column::Id),
    ];
    let query = audit_entry::Entity::find().filter(narrowed(filter)?);
    let rows = keyset(query, &keys, page)?.all(database.read()).await?;
    let entries = rows.into_iter().map(entry).collect::<Result<_, _>>()?;
    Ok(page.page(entries, |entry: &AuditEntry| {
        Position(vec![
            KeyPart::Integer(entry.at.timestamp_micros()),
            KeyPart::Uuid(entry.id.uuid()),
        ])
    }))
}

/// How many entries the list has.
///
/// # Errors
/// As any query.
pub async fn count(database: &Database, _proof: &ReadProof, filter: &AuditFilter) -> Result<u64, StoreError> {
    let query = audit_entry::Entity::find().filter(narrowed(filter)?);
    Ok(query.count(database.read()).await?)
}

/// The next entries behind one, the oldest first, for an export; empty at the end.
///
/// # Errors
/// As [`list`].
pub async fn entries_behind(
    database: &Database,
    filter: &AuditFilter,
    behind: Option<&AuditEntry>,
) -> Result<Vec<AuditEntry>, StoreError> {
    let behind = behind.map(|last| {
        let (at, id) = (last.at.timestamp_micros(), last.id.uuid());
        Condition::any().add(audit_entry::Column::At.gt(at)).add(
            Condition::all()
                .add(audit_entry::Column::At.eq(at))
                .add(audit_entry::Column::Id.gt(id)),
        )
    });
    let rows = audit_entry::Entity::find()
        .filter(narrowed(filter)?.add_option(behind))
        .order_by_asc(audit_entry::Column::At)
        .order_by_asc(audit_entry::Column::Id)
        .limit(BATCH)
        .all(database.read())
        .await?;
    rows.into_iter().map(entry).collect()
}

/// Removes entries that are older than this, at least [`KEPT_MIN`], the oldest first. Gives how many.
///
/// # Errors
/// As any write; what was removed before stays removed.
pub async fn remove_older(database: &Database, now: DateTime<Utc>, age: Duration) -> Result<u64, StoreError> {
    let before = (now - age.max(KEPT_MIN) - CLOCKS_APART).timestamp_micros();
    let mut removed = 0;
    for _ in 0..BATCHES_MAX {
        let ids: Vec<Uuid> = audit_entry::Entity::find()
            .filter(audit_entry::Column::At.lt(before))
            .order_by_asc(audit_entry::Column::At)
            .limit(BATCH)
            .select_only()
            .column(audit_entry::Column::Id)
            .into_tuple()
            .all(database.read())
            .await?;
        if ids.is_empty() {
            break;
        }
        let (own, delete) = (
            database.clone(),
            audit_entry::Entity::delete_many().filter(audit_entry::Column::Id.is_in(ids)),
        );
        let write = async move {
            let tx = own.write_tx().await?;
            let deleted = delete.exec(tx.connection()).await?;
            tx.commit().await?;
            Ok(deleted.rows_affected)
        };
        removed += database.in_turn(write).await?;
    }
    Ok(removed)
}

fn narrowed(filter: &AuditFilter) -> Result<Condition, StoreError> {
    let actions = filter
        .actions
        .iter()
        .map(name_of)
        .collect::<Result<Vec<_>, _>>()?;
    let outcome = filter.outcome.map(name_of).transpose()?;
    let subject = filter.subject.as_deref();
    Ok(Condition::all()
        .add_option(
            filter
                .from
                .map(|from| audit_entry::Column::At.gte(from.timestamp_micros())),
        )
        .add_option(
            filter
                .to
                .map(|to| audit_entry::Column::At.lt(to.timestamp_micros())),
        )
        .add_option(subject.map(|subject| audit_entry::Column::Subject.eq(subject)))
        .add_option((!actions.is_empty()).then(|| audit_entry::Column::Action.is_in(actions)))
        .add_option(outcome.map(|outcome| audit_entry::Column::Outcome.eq(outcome))))
}

fn entry(row: audit_entry::Model) -> Result<AuditEntry, StoreError> {
    let id = AuditEntryId::from_uuid(row.id);
    let parse = Row::of("audit_entry", &id);
    Ok(AuditEntry {
        id,
        at: parse.instant("at", row.at)?,
        actor: parse.word("actor", &row.actor)?,
        action: parse.word("action", &row.action)?,
        outcome: parse.word("outcome", &row.outcome)?,
        times: number(row.times)?,
        subject: row.subject,
        organization: row.organization_id.map(OrganizationId::from_uuid),
        object: row.object,
        reason: row.reason,
        correlation: row.correlation,
    })
}

pub(super) fn row(entry: &AuditEntry) -> Result<audit_entry::Model, StoreError> {
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
        times: i32::try_from(entry.times).unwrap_or(i32::MAX),
    })
}
