//! Comparisons with upstream systems as they go on: each step stores what it found with how far it is, under the fence of its
//! watch, so that a crash neither loses nor doubles a difference.

use chrono::{DateTime, Utc};
use onedoor_domain::audit::AuditEntry;
use onedoor_domain::delivery::DeliveryState;
use onedoor_domain::handoff::HandoffState;
use onedoor_domain::id::{CaseId, HandoffId, ReconciliationId};
use onedoor_domain::reconciliation::{Difference, DifferenceKind, Reconciliation, RunState};
use onedoor_entity::{cases, delivery, handoff, reconciliation, reconciliation_difference};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, Condition, EntityTrait as _, IntoActiveModel as _, JoinType,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, RelationDef, UpdateMany,
};
use uuid::Uuid;

use super::audit;
use super::case::CaseStore;
use super::error::StoreError;
use super::idempotency::{row as key_row, take};
use super::names::{name_of, named};
use super::outbox::states;
use super::parse::Row;
use super::tx::Tx;
use super::watch::{Watch, WatchStep, keep};
use super::write_set::IdempotencyClaim;

/// A case that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// The case.
    pub case: CaseId,
    /// What came of it; `None`: no answer, or nothing can be said yet.
    pub found: Option<Found>,
}

/// What an answer came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What differs; empty: nothing.
    pub differences: Vec<Difference>,
    /// The handoff by which the system has the case.
    pub handoff: HandoffId,
    /// When the system was asked.
    pub as_of: DateTime<Utc>,
}

impl CaseStore {
    /// Keeps a person's request for a run. While another one waits for the same system, that one is theirs as well.
    /// `None`: the key is taken.
    ///
    /// # Errors
    /// As any write.
    pub async fn request_reconciliation(
        &self,
        run: &Reconciliation,
        claim: &IdempotencyClaim,
        told: &AuditEntry,
    ) -> Result<Option<ReconciliationId>, StoreError> {
        let (store, run, claim, told) = (self.clone(), run.clone(), claim.clone(), told.clone());
        let waiting = name_of(RunState::Waiting)?;
        let sealing = self.answer_key(run.requested_at).await?;
        let write = async move {
            let tx = store.database().write_tx().await?;
            let known = reconciliation::Entity::find()
                .filter(reconciliation::Column::Upstream.eq(&run.upstream))
                .filter(reconciliation::Column::State.eq(waiting))
                .order_by_asc(reconciliation::Column::RequestedAt)
                .one(tx.connection())
                .await?;
            let id = known
                .as_ref()
                .map_or(run.id, |known| ReconciliationId::from_uuid(known.id));
            let (answer, now) = (id.to_string(), run.requested_at.timestamp_micros());
            let key = key_row(&claim, None, Some(answer.as_bytes()), now, &sealing)?;
            if !take(&tx, key).await? {
                tx.rollback().await?;
                return Ok(None);
            }
            if known.is_none() {
                save(&tx, &run).await?;
            }
            audit::write(&tx, &told).await?;
            tx.commit().await?;
            Ok(Some(id))
        };
        self.database().in_turn(write).await
    }

    /// A run.
    ///
    /// # Errors
    /// As any query; `Corrupt` when the row does not parse.
    pub async fn reconciliation(&self, id: ReconciliationId) -> Result<Option<Reconciliation>, StoreError> {
        let row = reconciliation::Entity::find_by_id(id.uuid())
            .one(self.database().read())
            .await?;
        row.map(run).transpose()
    }

    /// The run of a system that is to be gone on with: what is under way before what waits.
    ///
    /// # Errors
    /// As [`Self::reconciliation`].
    pub async fn unfinished_reconciliation(
        &self,
        upstream: &str,
    ) -> Result<Option<Reconciliation>, StoreError> {
        let row = reconciliation::Entity::find()
            .filter(reconciliation::Column::Upstream.eq(upstream))
            .filter(reconciliation::Column::EndedAt.is_null())
            // RUNNING before WAITING
            .order_by_asc(reconciliation::Column::State)
            .order_by_asc(reconciliation::Column::RequestedAt)
            .order_by_asc(reconciliation::Column::Id)
            .one(self.database().read())
            .await?;
        row.map(run).transpose()
    }

    /// Cases to ask a system for, by key, behind one of them: those it has taken over and that are open, and those that
    /// it had and that ended since an instant.
    ///
    /// # Errors
    /// As any query.
    pub async fn reconcilable(
        &self,
        upstream: &str,
        behind: Option<CaseId>,
        ended_since: DateTime<Utc>,
        max: u64,
    ) -> Result<Vec<CaseId>, StoreError> {
        let to_case: RelationDef = handoff::Entity::belongs_to(cases::Entity)
            .from(handoff::Column::CaseId)
            .to(cases::Column::Id)
            .into();
        let taken = Condition::all()
            .add(Expr::col((handoff::Entity, handoff::Column::Open)))
            .add(handoff::Column::State.eq(name_of(HandoffState::Acknowledged)?));
        let ended = Condition::all()
            .add(cases::Column::OwnerId.is_null())
            .add(handoff::Column::AcknowledgedAt.is_not_null())
            .add(handoff::Column::ClosedAt.gte(ended_since.timestamp_micros()));
        let found: Vec<Uuid> = handoff::Entity::find()
            .select_only()
            .column(handoff::Column::CaseId)
            .distinct()
            .join(JoinType::InnerJoin, to_case)
            .filter(handoff::Column::Upstream.eq(upstream))
            .filter(handoff::Column::CaseId.gt(behind.map_or(Uuid::nil(), CaseId::uuid)))
            .filter(Condition::any().add(taken).add(ended))
            .order_by_asc(handoff::Column::CaseId)
            .limit(max)
            .into_tuple()
            .all(self.database().read())
            .await?;
        Ok(found.into_iter().map(CaseId::from_uuid).collect())
    }

    /// Whether something about a case has not reached a system and still should, or may have.
    ///
    /// # Errors
    /// As any query.
    pub async fn has_undelivered(&self, case: CaseId, upstream: &str) -> Result<bool, StoreError> {
        let found = delivery::Entity::find()
            .filter(delivery::Column::CaseId.eq(case.uuid()))
            .filter(delivery::Column::Upstream.eq(upstream))
            .filter(delivery::Column::State.is_in(states(DeliveryState::is_undelivered)?))
            .one(self.database().read())
            .await?;
        Ok(found.is_some())
    }

    /// Goes on with a run, or begins it: what was found, how far it is and until when it is this process's, together. A
    /// run that ends as DONE resolves what it met no more. Gives the run as stored; `None`: somebody else goes on by now
    /// and nothing was stored.
    ///
    /// # Errors
    /// As any write.
    pub async fn step_reconciliation(
        &self,
        watch: &Watch,
        step: &WatchStep,
        run: Reconciliation,
        looked: &[Looked],
        now: DateTime<Utc>,
    ) -> Result<Option<Reconciliation>, StoreError> {
        let (database, watch, step) = (self.database().clone(), watch.clone(), step.clone());
        let (looked, now) = (looked.to_vec(), now.timestamp_micros());
        let write = Box::pin(async move {
            let mut run = run;
            let tx = database.write_tx().await?;
            if !keep(&tx, &watch, &step, now).await? {
                tx.rollback().await?;
                return Ok(None);
            }
            for one in &looked {
                let resolved = settle(&tx, &run, one, now).await?;
                run.resolved = run.resolved.saturating_add(resolved);
            }
            if run.state == RunState::Done {
                let resolved = resolve_passed_by(&tx, &run, now).await?;
                run.resolved = run.resolved.saturating_add(resolved);
            }
            save(&tx, &run).await?;
            tx.commit().await?;
            Ok(Some(run))
        });
        self.database().in_turn(write).await
    }
}

/// Differences of a system that stand.
pub(super) fn standing() -> Condition {
    Condition::all().add(Expr::col((
        reconciliation_difference::Entity,
        reconciliation_difference::Column::Open,
    )))
}

/// Brings the differences of a case to what was found; gives how many are gone.
async fn settle(tx: &Tx, run: &Reconciliation, looked: &Looked, now: i64) -> Result<u32, StoreError> {
    let of_case = Condition::all()
        .add(reconciliation_difference::Column::Upstream.eq(&run.upstream))
        .add(reconciliation_difference::Column::CaseId.eq(looked.case.uuid()))
        .add(standing());
    let Some(found) = &looked.found else {
        reconciliation_difference::Entity::update_many()
            .col_expr(
                reconciliation_difference::Column::LookedRunId,
                Expr::value(run.id.uuid()),
            )
            .filter(of_case)
            .exec(tx.connection())
            .await?;
        return Ok(0);
    };
    let known = reconciliation_difference::Entity::find()
        .filter(of_case)
        .all(tx.connection())
        .await?;
    let mut resolved = 0;
    let mut kept: Vec<DifferenceKind> = Vec::new();
    for row in known {
        let kind: Option<DifferenceKind> = named(&row.kind);
        let again = found.differences.iter().find(|one| Some(one.kind) == kind);
        if let Some(difference) = again {
            kept.push(difference.kind);
            let row = reconciliation_difference::Model {
                last_run_id: run.id.uuid(),
                last_seen_at: now,
                looked_run_id: run.id.uuid(),
                ..told(row, difference, found)?
            };
            let row = row.into_active_model().reset_all();
            reconciliation_difference::Entity::update(row)
                .exec(tx.connection())
                .await?;
        } else {
            let this = Condition::all().add(reconciliation_difference::Column::Id.eq(row.id));
            resolve(run, now).filter(this).exec(tx.connection()).await?;
            resolved += 1;
        }
    }
    for difference in &found.differences {
        if !kept.contains(&difference.kind) {
            let row = first(run, looked.case, difference, found, now)?;
            reconciliation_difference::Entity::insert(row.into_active_model())
                .exec_without_returning(tx.connection())
                .await?;
        }
    }
    Ok(resolved)
}

/// Ends what the run did not meet: its case is closed by now, or no more at that system.
async fn resolve_passed_by(tx: &Tx, run: &Reconciliation, now: i64) -> Result<u32, StoreError> {
    let passed_by = Condition::all()
        .add(reconciliation_difference::Column::Upstream.eq(&run.upstream))
        .add(reconciliation_difference::Column::LookedRunId.ne(run.id.uuid()))
        .add(standing());
    let resolved = resolve(run, now).filter(passed_by).exec(tx.connection()).await?;
    Ok(u32::try_from(resolved.rows_affected).unwrap_or(u32::MAX))
}

fn resolve(run: &Reconciliation, now: i64) -> UpdateMany<reconciliation_difference::Entity> {
    reconciliation_difference::Entity::update_many()
        .col_expr(reconciliation_difference::Column::Open, Expr::value(false))
        .col_expr(
            reconciliation_difference::Column::LookedRunId,
            Expr::value(run.id.uuid()),
        )
        .col_expr(
            reconciliation_difference::Column::ResolvedRunId,
            Expr::value(Some(run.id.uuid())),
        )
        .col_expr(
            reconciliation_difference::Column::ResolvedAt,
            Expr::value(Some(now)),
        )
}

/// A row that says what was found now.
fn told(
    row: reconciliation_difference::Model,
    difference: &Difference,
    found: &Found,
) -> Result<reconciliation_difference::Model, StoreError> {
    Ok(reconciliation_difference::Model {
        handoff_id: found.handoff.uuid(),
        kind: name_of(difference.kind)?,
        ours: name_of(difference.ours)?,
        theirs: name_of(difference.theirs)?,
        number: difference.number.clone(),
        as_of: found.as_of.timestamp_micros(),
        ..row
    })
}

fn first(
    run: &Reconciliation,
    case: CaseId,
    difference: &Difference,
    found: &Found,
    now: i64,
) -> Result<reconciliation_difference::Model, StoreError> {
    let empty = reconciliation_difference::Model {
        id: Uuid::now_v7(),
        upstream: run.upstream.clone(),
        case_id: case.uuid(),
        handoff_id: found.handoff.uuid(),
        kind: String::new(),
        ours: String::new(),
        theirs: String::new(),
        number: None,
        as_of: now,
        open: true,
        first_run_id: run.id.uuid(),
        first_seen_at: now,
        last_run_id: run.id.uuid(),
        last_seen_at: now,
        looked_run_id: run.id.uuid(),
        resolved_run_id: None,
        resolved_at: None,
    };
    told(empty, difference, found)
}

/// Writes a run as it stands.
async fn save(tx: &Tx, run: &Reconciliation) -> Result<(), StoreError> {
    let count = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
    let row = reconciliation::Model {
        id: run.id.uuid(),
        upstream: run.upstream.clone(),
        cause: name_of(run.cause)?,
        requested_by: run.requested_by.clone(),
        state: name_of(run.state)?,
        requested_at: run.requested_at.timestamp_micros(),
        started_at: run.started_at.map(|at| at.timestamp_micros()),
        ended_at: run.ended_at.map(|at| at.timestamp_micros()),
        checked: count(run.checked),
        differing: count(run.differing),
        unanswered: count(run.unanswered),
        unsettled: count(run.unsettled),
        resolved: count(run.resolved),
        reason: run.reason.clone(),
        last_case_id: run.cursor.map(CaseId::uuid),
    };
    let moved = OnConflict::column(reconciliation::Column::Id)
        .update_columns([
            reconciliation::Column::State,
            reconciliation::Column::StartedAt,
            reconciliation::Column::EndedAt,
            reconciliation::Column::Checked,
            reconciliation::Column::Differing,
            reconciliation::Column::Unanswered,
            reconciliation::Column::Unsettled,
            reconciliation::Column::Resolved,
            reconciliation::Column::Reason,
            reconciliation::Column::LastCaseId,
        ])
        .to_owned();
    reconciliation::Entity::insert(row.into_active_model())
        .on_conflict(moved)
        .exec_without_returning(tx.connection())
        .await?;
    Ok(())
}

/// A run from its row.
pub(super) fn run(row: reconciliation::Model) -> Result<Reconciliation, StoreError> {
    let id = ReconciliationId::from_uuid(row.id);
    let parse = Row::of("reconciliation", &id);
    Ok(Reconciliation {
        id,
        cause: parse.word("cause", &row.cause)?,
        state: parse.word("state", &row.state)?,
        requested_at: parse.instant("requested_at", row.requested_at)?,
        started_at: parse.instant_opt("started_at", row.started_at)?,
        ended_at: parse.instant_opt("ended_at", row.ended_at)?,
        checked: parse.number("checked", row.checked)?,
        differing: parse.number("differing", row.differing)?,
        unanswered: parse.number("unanswered", row.unanswered)?,
        unsettled: parse.number("unsettled", row.unsettled)?,
        resolved: parse.number("resolved", row.resolved)?,
        cursor: row.last_case_id.map(CaseId::from_uuid),
        requested_by: row.requested_by,
        upstream: row.upstream,
        reason: row.reason,
    })
}
