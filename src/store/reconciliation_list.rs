//! Lists of comparisons with upstream systems and of what they found, cut to what their reader may see.

use chrono::{DateTime, Utc};
use onedoor_domain::id::{CaseId, DifferenceId, HandoffId, ReconciliationId};
use onedoor_domain::page::{KeyPart, Page, PageRequest, Position};
use onedoor_domain::proof::{ReadProof, ReadScope};
use onedoor_domain::reconciliation::{Difference, DifferenceEntry, DifferenceKind, Reconciliation, RunState};
use onedoor_entity::{cases, handoff, reconciliation, reconciliation_difference};
use sea_orm::sea_query::Condition;
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, FromQueryResult, JoinType, PaginatorTrait as _, QueryFilter as _,
    QuerySelect as _, RelationDef, Select,
};
use uuid::Uuid;

use super::case::CaseStore;
use super::error::StoreError;
use super::names::name_of;
use super::page::{descending, keyset};
use super::parse::{Row, number};
use super::reach;
use super::reconciliation::{run, standing};

/// The order of runs: asked for last first. Positions have 2 parts.
pub const RUNS_BY_REQUESTED: &str = "reconciliation.requested";
/// The order of differences: first seen last first. Positions have 2 parts.
pub const DIFFERENCES_BY_SEEN: &str = "difference.seen";

/// Which differences of the scope; an empty or missing part does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DifferenceFilter {
    /// That stood at the time of this run, found by it or before it and gone by a later one.
    pub run: Option<ReconciliationId>,
    /// That stand.
    pub open: bool,
    /// At this system.
    pub upstream: Option<String>,
    /// Of these kinds.
    pub kinds: Vec<DifferenceKind>,
}

/// How many differences of a kind stand at a system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenDifferences {
    /// Name of the system.
    pub upstream: String,
    /// The kind.
    pub kind: DifferenceKind,
    /// How many.
    pub count: u64,
}

#[derive(FromQueryResult)]
struct Listed {
    id: Uuid,
    upstream: String,
    case_id: Uuid,
    tracking_code: String,
    handoff_id: Uuid,
    kind: String,
    ours: String,
    theirs: String,
    number: Option<String>,
    as_of: i64,
    first_seen_at: i64,
    last_seen_at: i64,
    resolved_at: Option<i64>,
}

impl CaseStore {
    /// A page of runs, in the order [`RUNS_BY_REQUESTED`]. They hold nothing of a case, so whoever has a proof reads all.
    ///
    /// # Errors
    /// As any query; `Corrupt` when a row does not parse.
    pub async fn list_reconciliations(
        &self,
        _proof: &ReadProof,
        upstream: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<Reconciliation>, StoreError> {
        let keys = [
            descending(reconciliation::Column::RequestedAt),
            descending(reconciliation::Column::Id),
        ];
        let of = upstream.map(|upstream| reconciliation::Column::Upstream.eq(upstream));
        let query = reconciliation::Entity::find().filter(Condition::all().add_option(of));
        let rows = keyset(query, &keys, page)?.all(self.database().read()).await?;
        let runs = rows.into_iter().map(run).collect::<Result<_, _>>()?;
        Ok(page.page(runs, |run: &Reconciliation| {
            Position(vec![
                KeyPart::Integer(run.requested_at.timestamp_micros()),
                KeyPart::Uuid(run.id.uuid()),
            ])
        }))
    }

    /// A page of differences, in the order [`DIFFERENCES_BY_SEEN`].
    ///
    /// # Errors
    /// As [`Self::list_reconciliations`].
    pub async fn list_differences(
        &self,
        proof: &ReadProof,
        filter: &DifferenceFilter,
        page: &PageRequest,
    ) -> Result<Page<DifferenceEntry>, StoreError> {
        let keys = [
            descending(reconciliation_difference::Column::FirstSeenAt),
            descending(reconciliation_difference::Column::Id),
        ];
        let query = keyset(joined(proof)?.filter(narrowed(filter)?), &keys, page)?;
        let rows = query
            .column(cases::Column::TrackingCode)
            .into_model::<Listed>()
            .all(self.database().read())
            .await?;
        let entries = rows.into_iter().map(entry).collect::<Result<_, _>>()?;
        Ok(page.page(entries, |entry: &DifferenceEntry| {
            Position(vec![
                KeyPart::Integer(entry.first_seen_at.timestamp_micros()),
                KeyPart::Uuid(entry.id.uuid()),
            ])
        }))
    }

    /// How many differences the list has.
    ///
    /// # Errors
    /// As any query.
    pub async fn count_differences(
        &self,
        proof: &ReadProof,
        filter: &DifferenceFilter,
    ) -> Result<u64, StoreError> {
        let query = joined(proof)?.filter(narrowed(filter)?);
        Ok(query.count(self.database().read()).await?)
    }

    /// How many differences stand, by system and kind.
    ///
    /// # Errors
    /// As [`Self::list_differences`].
    pub async fn open_differences(&self) -> Result<Vec<OpenDifferences>, StoreError> {
        let rows: Vec<(String, String, i64)> = reconciliation_difference::Entity::find()
            .select_only()
            .column(reconciliation_difference::Column::Upstream)
            .column(reconciliation_difference::Column::Kind)
            .column_as(reconciliation_difference::Column::Id.count(), "count")
            .filter(standing())
            .group_by(reconciliation_difference::Column::Upstream)
            .group_by(reconciliation_difference::Column::Kind)
            .into_tuple()
            .all(self.database().read())
            .await?;
        let counted = |(upstream, kind, count): (String, String, i64)| {
            Ok(OpenDifferences {
                kind: Row::of("reconciliation_difference", &"").word("kind", &kind)?,
                count: number(count)?,
                upstream,
            })
        };
        rows.into_iter().map(counted).collect()
    }

    /// When the last run of each system was done.
    ///
    /// # Errors
    /// As any query.
    pub async fn last_reconciliations(&self) -> Result<Vec<(String, DateTime<Utc>)>, StoreError> {
        let rows: Vec<(String, i64)> = reconciliation::Entity::find()
            .select_only()
            .column(reconciliation::Column::Upstream)
            .column_as(reconciliation::Column::EndedAt.max(), "ended_at")
            .filter(reconciliation::Column::State.eq(name_of(RunState::Done)?))
            .group_by(reconciliation::Column::Upstream)
            .into_tuple()
            .all(self.database().read())
            .await?;
        let read = |(upstream, at): (String, i64)| {
            let at = Row::of("reconciliation", &"").instant("ended_at", at)?;
            Ok((upstream, at))
        };
        rows.into_iter().map(read).collect()
    }
}

/// The differences of a scope, with case and handoff beside them.
fn joined(proof: &ReadProof) -> Result<Select<reconciliation_difference::Entity>, StoreError> {
    let to_case: RelationDef = reconciliation_difference::Entity::belongs_to(cases::Entity)
        .from(reconciliation_difference::Column::CaseId)
        .to(cases::Column::Id)
        .into();
    let to_handoff: RelationDef = reconciliation_difference::Entity::belongs_to(handoff::Entity)
        .from(reconciliation_difference::Column::HandoffId)
        .to(handoff::Column::Id)
        .into();
    // a difference names the state of the case: it is for whoever has more than an ended part of it
    let present = match proof.scope() {
        ReadScope::ByOrganization(own) => Some(reach::present_of(proof, *own)?),
        ReadScope::BySubject(_) | ReadScope::ByDevice(_) | ReadScope::BySubtree(_) | ReadScope::All => None,
    };
    Ok(reconciliation_difference::Entity::find()
        .join(JoinType::InnerJoin, to_case)
        .join(JoinType::InnerJoin, to_handoff)
        .filter(reach::sent_within(proof))
        .filter(Condition::all().add_option(present)))
}

fn narrowed(filter: &DifferenceFilter) -> Result<Condition, StoreError> {
    let kinds = filter.kinds.iter().map(name_of).collect::<Result<Vec<_>, _>>()?;
    let upstream = filter
        .upstream
        .as_ref()
        .map(|upstream| reconciliation_difference::Column::Upstream.eq(upstream));
    let kinds = (!kinds.is_empty()).then(|| reconciliation_difference::Column::Kind.is_in(kinds));
    // keys of runs are in the order in which they were made
    let during = filter.run.map(|run| {
        Condition::all()
            .add(reconciliation_difference::Column::FirstRunId.lte(run.uuid()))
            .add(reconciliation_difference::Column::LastRunId.gte(run.uuid()))
    });
    Ok(Condition::all()
        .add_option(filter.open.then(standing))
        .add_option(upstream)
        .add_option(kinds)
        .add_option(during))
}

fn entry(row: Listed) -> Result<DifferenceEntry, StoreError> {
    let id = DifferenceId::from_uuid(row.id);
    let parse = Row::of("reconciliation_difference", &id);
    Ok(DifferenceEntry {
        id,
        case: CaseId::from_uuid(row.case_id),
        tracking: parse.text("tracking_code", &row.tracking_code)?,
        handoff: HandoffId::from_uuid(row.handoff_id),
        difference: Difference {
            kind: parse.word("kind", &row.kind)?,
            ours: parse.word("ours", &row.ours)?,
            theirs: parse.word("theirs", &row.theirs)?,
            number: row.number,
        },
        as_of: parse.instant("as_of", row.as_of)?,
        first_seen_at: parse.instant("first_seen_at", row.first_seen_at)?,
        last_seen_at: parse.instant("last_seen_at", row.last_seen_at)?,
        resolved_at: parse.instant_opt("resolved_at", row.resolved_at)?,
        upstream: row.upstream,
    })
}
