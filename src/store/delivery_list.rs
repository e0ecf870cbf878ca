//! Lists of deliveries: what is on its way to upstream systems, uncertain, or given up.

use chrono::{DateTime, Utc};
use onedoor_domain::delivery::{
    AWAITS_CALLBACK, AttemptEntry, AwaitedReport, DeliveryEntry, DeliveryKind, DeliveryState,
};
use onedoor_domain::id::{CaseId, DeliveryId, HandoffId, OrganizationId};
use onedoor_domain::page::{KeyPart, Page, PageRequest, Position};
use onedoor_domain::proof::{ReadProof, ReadScope};
use onedoor_entity::{cases, delivery, delivery_attempt, handoff};
use sea_orm::sea_query::{Condition, Expr, ExprTrait as _};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, FromQueryResult, JoinType, PaginatorTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, QueryTrait as _, RelationDef, Select,
};
use uuid::Uuid;

use super::case::CaseStore;
use super::case::rows::NO_DATE;
use super::error::StoreError;
use super::names::name_of;
use super::outbox::states;
use super::page::{descending, keyset};
use super::parse::{Row, number};
use super::reach;

/// The order of lists of deliveries: asked for last first. Positions have 2 parts.
pub const DELIVERIES_BY_CREATED: &str = "delivery.created";

/// The most attempts of one delivery that are shown: a held one is tried without end.
const ATTEMPTS_SHOWN: i32 = 20;

/// Which deliveries of the scope; an empty or missing part does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// In one of these states.
    pub states: Vec<DeliveryState>,
    /// To this upstream system.
    pub upstream: Option<String>,
    /// Of this case.
    pub case: Option<CaseId>,
    /// That carry or follow one of these handoffs.
    pub handoffs: Vec<HandoffId>,
}

/// How many deliveries of a scope are in one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryCount {
    /// State.
    pub state: DeliveryState,
    /// How many.
    pub count: u64,
    /// When the oldest of them was asked for.
    pub oldest: DateTime<Utc>,
}

#[derive(FromQueryResult)]
struct Listed {
    id: Uuid,
    case_id: Uuid,
    tracking_code: String,
    handoff_id: Uuid,
    from_id: Option<Uuid>,
    to_id: Uuid,
    upstream: String,
    operation: String,
    state: String,
    in_doubt: bool,
    reason: Option<String>,
    attempts: i32,
    fence: i64,
    next_attempt_at: i64,
    created_at: i64,
    changed_at: i64,
    handoff_open: bool,
    handoff_due_at: i64,
    decided_at: Option<i64>,
}

impl CaseStore {
    /// A page of deliveries, in the order [`DELIVERIES_BY_CREATED`].
    ///
    /// # Errors
    /// As any query; `Corrupt` when a row does not parse.
    pub async fn list_deliveries(
        &self,
        proof: &ReadProof,
        filter: &DeliveryFilter,
        page: &PageRequest,
    ) -> Result<Page<DeliveryEntry>, StoreError> {
        let keys = [
            descending(delivery::Column::CreatedAt),
            descending(delivery::Column::Id),
        ];
        let query = keyset(joined(proof)?.filter(narrowed(filter)?), &keys, page)?;
        let rows = with_names(query)
            .into_model::<Listed>()
            .all(self.database().read())
            .await?;
        let entries = rows.into_iter().map(entry).collect::<Result<_, _>>()?;
        Ok(page.page(entries, |entry: &DeliveryEntry| {
            Position(vec![
                KeyPart::Integer(entry.created_at.timestamp_micros()),
                KeyPart::Uuid(entry.id.uuid()),
            ])
        }))
    }

    /// The deliveries that carry or follow some handoffs, in the order they were asked for.
    ///
    /// # Errors
    /// As [`Self::list_deliveries`].
    pub async fn deliveries_of(
        &self,
        proof: &ReadProof,
        handoffs: &[HandoffId],
    ) -> Result<Vec<DeliveryEntry>, StoreError> {
        let filter = DeliveryFilter {
            handoffs: handoffs.to_vec(),
            ..DeliveryFilter::default()
        };
        let query = joined(proof)?
            .filter(narrowed(&filter)?)
            .order_by_asc(delivery::Column::Revision)
            .order_by_asc(delivery::Column::Id);
        let rows = with_names(query)
            .into_model::<Listed>()
            .all(self.database().read())
            .await?;
        rows.into_iter().map(entry).collect()
    }

    /// How many deliveries of the scope that concern a handoff have not reached their system, by state.
    ///
    /// # Errors
    /// As [`Self::list_deliveries`].
    pub async fn count_undelivered(&self, proof: &ReadProof) -> Result<Vec<DeliveryCount>, StoreError> {
        #[derive(FromQueryResult)]
        struct Counted {
            state: String,
            count: i64,
            oldest: i64,
        }
        let undelivered = states(DeliveryState::is_undelivered)?;
        let rows = joined(proof)?
            .filter(delivery::Column::State.is_in(undelivered))
            .filter(delivery::Column::Operation.ne(name_of(DeliveryKind::Notify)?))
            .select_only()
            .column(delivery::Column::State)
            .column_as(delivery::Column::Id.count(), "count")
            .column_as(delivery::Column::CreatedAt.min(), "oldest")
            .group_by(delivery::Column::State)
            .into_model::<Counted>()
            .all(self.database().read())
            .await?;
        let counted = |row: Counted| {
            let parse = Row::of("delivery", &row.state);
            Ok(DeliveryCount {
                state: parse.word("state", &row.state)?,
                count: number(row.count)?,
                oldest: parse.instant("created_at", row.oldest)?,
            })
        };
        rows.into_iter().map(counted).collect()
    }

    /// How many handoffs of the scope were taken over by a system that promised a report and owes it beyond the day on
    /// which the work was due.
    ///
    /// # Errors
    /// As any query.
    pub async fn count_silent(&self, proof: &ReadProof, now: DateTime<Utc>) -> Result<u64, StoreError> {
        let owed = joined(proof)?.filter(reports_owed(now)?);
        Ok(owed.count(self.database().read()).await?)
    }

    /// One delivery; `None` when it is absent or not within the scope.
    ///
    /// # Errors
    /// As [`Self::list_deliveries`].
    pub async fn delivery(
        &self,
        proof: &ReadProof,
        id: DeliveryId,
    ) -> Result<Option<DeliveryEntry>, StoreError> {
        let query = joined(proof)?.filter(delivery::Column::Id.eq(id.uuid()));
        let row = with_names(query)
            .into_model::<Listed>()
            .one(self.database().read())
            .await?;
        row.map(entry).transpose()
    }
}

impl CaseStore {
    /// The last attempts of some deliveries within the scope, at most [`ATTEMPTS_SHOWN`] of each, in order.
    ///
    /// # Errors
    /// As [`Self::list_deliveries`].
    pub async fn attempts_of(
        &self,
        proof: &ReadProof,
        deliveries: &[DeliveryId],
    ) -> Result<Vec<AttemptEntry>, StoreError> {
        let ids = deliveries.iter().map(|id| id.uuid());
        let within = joined(proof)?
            .filter(delivery::Column::Id.is_in(ids))
            .select_only()
            .column(delivery::Column::Id)
            .into_query();
        let to_delivery: RelationDef = delivery_attempt::Entity::belongs_to(delivery::Entity)
            .from(delivery_attempt::Column::DeliveryId)
            .to(delivery::Column::Id)
            .into();
        let before = Expr::col((delivery::Entity, delivery::Column::Attempts)).sub(ATTEMPTS_SHOWN);
        let rows = delivery_attempt::Entity::find()
            .join(JoinType::InnerJoin, to_delivery)
            .filter(delivery_attempt::Column::DeliveryId.in_subquery(within))
            .filter(Expr::col((delivery_attempt::Entity, delivery_attempt::Column::Number)).gt(before))
            .order_by_asc(delivery_attempt::Column::DeliveryId)
            .order_by_asc(delivery_attempt::Column::Number)
            .all(self.database().read())
            .await?;
        rows.into_iter().map(attempt).collect()
    }
}

fn attempt(row: delivery_attempt::Model) -> Result<AttemptEntry, StoreError> {
    let delivery = DeliveryId::from_uuid(row.delivery_id);
    let parse = Row::of("delivery_attempt", &delivery);
    Ok(AttemptEntry {
        delivery,
        number: parse.number("number", row.number)?,
        started_at: parse.instant("started_at", row.started_at)?,
        finished_at: row
            .finished_at
            .map(|at| parse.instant("finished_at", at))
            .transpose()?,
        outcome: row.outcome,
        evidence: row.evidence,
    })
}

/// Deliveries, joined with their handoffs, whose system owes a report beyond its day.
pub(super) fn reports_owed(now: DateTime<Utc>) -> Result<Condition, StoreError> {
    Ok(Condition::all()
        .add(Expr::col((handoff::Entity, handoff::Column::Open)))
        .add(handoff::Column::DueAt.lte(now.timestamp_micros()))
        .add(delivery::Column::State.eq(name_of(DeliveryState::Delivered)?))
        .add(delivery::Column::Reason.eq(AWAITS_CALLBACK)))
}

/// Deliveries with their case and handoff, as far as a scope shows them: an organization those it caused, up to the end of the
/// handoff, and news of what it holds.
fn joined(proof: &ReadProof) -> Result<Select<delivery::Entity>, StoreError> {
    let to_case: RelationDef = delivery::Entity::belongs_to(cases::Entity)
        .from(delivery::Column::CaseId)
        .to(cases::Column::Id)
        .into();
    let within = match proof.scope() {
        ReadScope::ByOrganization(own) => {
            let notify = name_of(DeliveryKind::Notify)?;
            let in_time = Condition::any().add(handoff::Column::ClosedAt.is_null()).add(
                Expr::col((delivery::Entity, delivery::Column::CreatedAt))
                    .lte(Expr::col((handoff::Entity, handoff::Column::ClosedAt))),
            );
            let caused = Condition::all()
                .add(delivery::Column::Operation.ne(notify.clone()))
                .add(reach::sent_within(proof))
                .add(in_time);
            // news is sent in nobody's name: whoever has the case may see how it goes
            let news = Condition::all()
                .add(delivery::Column::Operation.eq(notify))
                .add(reach::present_of(proof, *own)?)
                .add(Condition::any().add(reach::sent_within(proof)).add(reach::is_of(
                    proof,
                    handoff::Column::ToId,
                    *own,
                )));
            Condition::any().add(caused).add(news)
        }
        ReadScope::BySubject(_) | ReadScope::ByDevice(_) | ReadScope::BySubtree(_) | ReadScope::All => {
            reach::sent_within(proof)
        }
    };
    Ok(delivery::Entity::find()
        .join(JoinType::InnerJoin, to_case)
        .join(JoinType::InnerJoin, to_handoff())
        .filter(within))
}

/// From a delivery to the handoff that it carries or follows.
pub(super) fn to_handoff() -> RelationDef {
    delivery::Entity::belongs_to(handoff::Entity)
        .from(delivery::Column::HandoffId)
        .to(handoff::Column::Id)
        .into()
}

fn with_names(query: Select<delivery::Entity>) -> Select<delivery::Entity> {
    query
        .column(cases::Column::TrackingCode)
        .column(handoff::Column::FromId)
        .column(handoff::Column::ToId)
        .column(cases::Column::DecidedAt)
        .column_as(handoff::Column::Open, "handoff_open")
        .column_as(handoff::Column::DueAt, "handoff_due_at")
}

fn narrowed(filter: &DeliveryFilter) -> Result<Condition, StoreError> {
    let mut all = Condition::all();
    if !filter.states.is_empty() {
        let names = filter.states.iter().map(name_of).collect::<Result<Vec<_>, _>>()?;
        all = all.add(delivery::Column::State.is_in(names));
    }
    if !filter.handoffs.is_empty() {
        let handoffs = filter.handoffs.iter().map(|handoff| handoff.uuid());
        all = all.add(delivery::Column::HandoffId.is_in(handoffs));
    }
    Ok(all
        .add_option(
            filter
                .upstream
                .as_ref()
                .map(|upstream| delivery::Column::Upstream.eq(upstream)),
        )
        .add_option(filter.case.map(|case| delivery::Column::CaseId.eq(case.uuid()))))
}

fn entry(row: Listed) -> Result<DeliveryEntry, StoreError> {
    let id = DeliveryId::from_uuid(row.id);
    let parse = Row::of("delivery", &id);
    let due_at = match row.handoff_due_at {
        NO_DATE => None,
        at => Some(parse.instant("handoff.due_at", at)?),
    };
    // whoever decided keeps the case on its desk until the result is collected, and owes no more word of it
    let at_work = row.handoff_open && row.decided_at.is_none();
    let awaited = at_work && row.reason.as_deref() == Some(AWAITS_CALLBACK);
    Ok(DeliveryEntry {
        id,
        case: CaseId::from_uuid(row.case_id),
        tracking: parse.text("tracking_code", &row.tracking_code)?,
        handoff: HandoffId::from_uuid(row.handoff_id),
        from: row.from_id.map(OrganizationId::from_uuid),
        to: OrganizationId::from_uuid(row.to_id),
        operation: parse.word("operation", &row.operation)?,
        in_doubt: row.in_doubt,
        state: parse.word("state", &row.state)?,
        reason: row.reason,
        attempts: parse.number("attempts", row.attempts)?,
        fence: row.fence,
        next_attempt_at: parse.instant("next_attempt_at", row.next_attempt_at)?,
        created_at: parse.instant("created_at", row.created_at)?,
        changed_at: parse.instant("changed_at", row.changed_at)?,
        awaited: awaited.then_some(AwaitedReport { due_at }),
        upstream: row.upstream,
    })
}
