//! A case to its rows and back.

use onedoor_domain::card::{Card, CardCause, SupervisionOrder};
use onedoor_domain::case::grid::GridLoop;
use onedoor_domain::case::state::{Case, ExternalNumber, Owed, Supplement, WaitingGrant};
use onedoor_domain::clock::CaseClock;
use onedoor_domain::evaluation::{Evaluation, HandoffEvaluation};
use onedoor_domain::handoff::{HandedMaterial, Handoff};
use onedoor_domain::id::{
    CalendarVersionId, CardId, CaseId, ClockId, DivisionId, HandoffId, ItemVersionId, OrganizationId,
};
use onedoor_domain::limit::Limit;
use onedoor_entity::{case_card, case_clock, case_private, cases, handoff, ledger_head};
use sea_orm::{EntityTrait as _, Linked, RelationDef};
use serde::{Deserialize, Serialize};

use crate::store::error::StoreError;
use crate::store::names::name_of;
use crate::store::parse::{Row, json, micros, number};

/// What a row without a due date is ordered by: it comes last.
pub(in crate::store) const NO_DATE: i64 = i64::MAX;

/// Words of the column `cause`.
const OF_CLOCK: &str = "CLOCK";
const COMPLETE_REFUSED: &str = "COMPLETE_REFUSED";
const NO_REASON: &str = "NO_REASON";

/// What of a case has no column of its own.
#[derive(Serialize, Deserialize)]
struct Document {
    route: Vec<Option<OrganizationId>>,
    external_numbers: Vec<ExternalNumber>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    supplements: Vec<Supplement>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    owed: Vec<Owed>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    brought: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    extended_by: Option<u32>,
    #[serde(default)]
    orders: Vec<SupervisionOrder>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decided_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    waiting_grant: Option<WaitingGrant>,
    #[serde(default)]
    grid: GridLoop,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    evaluation: Option<Evaluation>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    handoff_evaluations: Vec<HandoffEvaluation>,
    #[serde(default)]
    materials: Vec<HandedMaterial>,
}

/// The row of a case at a revision.
pub(in crate::store) fn case_row(
    case: &Case,
    revision: i64,
    next_tick_at: Option<i64>,
) -> Result<cases::Model, StoreError> {
    let leading = case.leading_clock();
    Ok(cases::Model {
        id: case.id.uuid(),
        revision,
        version: case.version,
        tracking_code: case.tracking.as_str().to_owned(),
        item_version_id: case.item.uuid(),
        item_code: case.item_code.clone(),
        kind: name_of(case.kind)?,
        status: name_of(case.status)?,
        division_id: case.division.uuid(),
        division_code: case.division_code.clone(),
        division_name: case.division_name.clone(),
        first_contact_id: case.first_contact.uuid(),
        owner_id: case.owner.map(OrganizationId::uuid),
        step: number(case.step)?,
        channel: name_of(case.channel)?,
        applicant_subject: case.applicant_subject.clone(),
        submitted_by: case.submitted_by.clone(),
        submitted_at: case.submitted_at.timestamp_micros(),
        accepted_at: micros(case.accepted_at),
        decided_at: micros(case.decided_at),
        outcome: case.outcome.map(name_of).transpose()?,
        completed_at: micros(case.completed_at),
        delivered_at: micros(case.delivered_at),
        due_at: micros(leading.and_then(|clock| clock.due_at)),
        due_order: micros(leading.and_then(|clock| clock.due_at)).unwrap_or(NO_DATE),
        provisional: leading.is_some_and(|clock| clock.provisional),
        back_and_forth: case.back_and_forth.into(),
        document: json(&Document {
            route: case.route.clone(),
            external_numbers: case.external_numbers.clone(),
            supplements: case.supplements.clone(),
            owed: case.owed.clone(),
            brought: case.brought.clone(),
            extended_by: case.extended_by,
            orders: case.orders.clone(),
            decided_by: case.decided_by.clone(),
            waiting_grant: case.waiting_grant.clone(),
            grid: case.grid.clone(),
            evaluation: case.evaluation.clone(),
            handoff_evaluations: case.handoff_evaluations.clone(),
            materials: case.materials.clone(),
        })?,
        failed_checks: number(case.grid.failed_checks)?,
        reopenings: number(case.grid.reopenings)?,
        grade: case.evaluation.as_ref().map(|given| given.grade.code().into()),
        next_tick_at,
        tick_failures: 0,
        cards: number(case.cards.len())?,
        card: case.highest_card().map(name_of).transpose()?,
    })
}

/// The row of a handoff.
pub(in crate::store) fn handoff_row(
    case: &Case,
    handoff: &Handoff,
    revision: i64,
) -> Result<handoff::Model, StoreError> {
    Ok(handoff::Model {
        id: handoff.id.uuid(),
        case_id: case.id.uuid(),
        revision,
        seq: handoff.seq,
        version: handoff.version,
        kind: name_of(handoff.kind)?,
        state: name_of(handoff.state)?,
        open: handoff.state.is_open(),
        owning: handoff.owning,
        required: handoff.required,
        step: handoff.step.map(number).transpose()?,
        from_id: handoff.from.map(OrganizationId::uuid),
        to_id: handoff.to.uuid(),
        upstream: handoff.upstream.clone(),
        originals: handoff.originals.into(),
        slip: handoff.slip.clone(),
        offered_by: handoff.offered_by.clone(),
        acknowledged_by: handoff.acknowledged_by.clone(),
        offered_at: handoff.offered_at.timestamp_micros(),
        sent_at: micros(handoff.sent_at),
        acknowledged_at: micros(handoff.acknowledged_at),
        closed_at: micros(handoff.closed_at),
        opinion: handoff.opinion.map(name_of).transpose()?,
        materials: match handoff.materials.as_slice() {
            [] => None,
            handed => Some(json(&handed)?),
        },
        refused_for: handoff.refused_for.map(name_of).transpose()?,
        admission: handoff.admission.clone(),
        division_id: Some(case.division.uuid()),
        due_at: micros(case.handoff_due(handoff)).unwrap_or(NO_DATE),
    })
}

/// The row of a card.
pub(in crate::store) fn card_row(
    case: &Case,
    position: usize,
    card: &Card,
    revision: i64,
) -> Result<case_card::Model, StoreError> {
    let (cause, clock) = match card.cause {
        CardCause::Clock { clock, kind, epoch } => (OF_CLOCK, Some((clock, kind, epoch))),
        CardCause::CompleteRefused => (COMPLETE_REFUSED, None),
        CardCause::NoReason => (NO_REASON, None),
    };
    Ok(case_card::Model {
        id: card.id.uuid(),
        case_id: case.id.uuid(),
        revision,
        position: number(position)?,
        cause: cause.to_owned(),
        clock_id: clock.map(|(clock, _, _)| clock.uuid()),
        clock_kind: clock.map(|(_, kind, _)| name_of(kind)).transpose()?,
        epoch: clock.map(|(_, _, epoch)| number(epoch)).transpose()?,
        rung: name_of(card.rung)?,
        holder_id: card.holder.map(OrganizationId::uuid),
        desk: name_of(card.desk)?,
        division_id: card.division.map(DivisionId::uuid),
        level: card.level.map(name_of).transpose()?,
        due_at: card.due_at.timestamp_micros(),
        raised_at: card.raised_at.timestamp_micros(),
        state: name_of(card.state)?,
        appealed_at: micros(card.appealed_at),
        cancelled_at: micros(card.cancelled_at),
    })
}

fn card(row: &case_card::Model) -> Result<Card, StoreError> {
    let id = CardId::from_uuid(row.id);
    let parse = Row::of("case_card", &id);
    let cause = match (row.cause.as_str(), row.clock_id, &row.clock_kind, row.epoch) {
        (OF_CLOCK, Some(clock), Some(kind), Some(epoch)) => CardCause::Clock {
            clock: ClockId::from_uuid(clock),
            kind: parse.word("clock_kind", kind)?,
            epoch: parse.number("epoch", epoch)?,
        },
        (COMPLETE_REFUSED, ..) => CardCause::CompleteRefused,
        (NO_REASON, ..) => CardCause::NoReason,
        _ => return Err(parse.corrupt("cause")),
    };
    Ok(Card {
        id,
        cause,
        rung: parse.word("rung", &row.rung)?,
        holder: row.holder_id.map(OrganizationId::from_uuid),
        desk: parse.word("desk", &row.desk)?,
        division: row.division_id.map(DivisionId::from_uuid),
        level: parse.word_opt("level", row.level.as_deref())?,
        due_at: parse.instant("due_at", row.due_at)?,
        raised_at: parse.instant("raised_at", row.raised_at)?,
        state: parse.word("state", &row.state)?,
        appealed_at: parse.instant_opt("appealed_at", row.appealed_at)?,
        cancelled_at: parse.instant_opt("cancelled_at", row.cancelled_at)?,
    })
}

/// The row of a clock.
pub(in crate::store) fn clock_row(
    case: &Case,
    position: usize,
    clock: &CaseClock,
    revision: i64,
) -> Result<case_clock::Model, StoreError> {
    Ok(case_clock::Model {
        id: clock.id.uuid(),
        case_id: case.id.uuid(),
        revision,
        position: number(position)?,
        kind: name_of(clock.kind)?,
        state: name_of(clock.state)?,
        limit_value: clock.limit.value.into(),
        limit_unit: name_of(clock.limit.unit)?,
        step: clock.step.map(number).transpose()?,
        handoff_id: clock.handoff.map(HandoffId::uuid),
        holder_id: clock.holder.map(OrganizationId::uuid),
        started_at: clock.started_at.timestamp_micros(),
        due_at: micros(clock.due_at),
        provisional: clock.provisional,
        calendar_id: clock.calendar.uuid(),
        stopped_at: micros(clock.stopped_at),
        pauses: json(&clock.pauses)?,
        extension_working_days: clock.extension_working_days.into(),
        epoch: number(clock.epoch)?,
        epoch_from: micros(clock.epoch_from),
        last_due_at: micros(clock.last_due_at),
        firm: clock.firm,
    })
}

/// The case of its rows.
pub(in crate::store) fn case(
    row: cases::Model,
    handoffs: &[handoff::Model],
    clocks: &[case_clock::Model],
    cards: &[case_card::Model],
) -> Result<Case, StoreError> {
    let id = CaseId::from_uuid(row.id);
    let parse = Row::of("cases", &id);
    let document: Document = parse.json("document", &row.document)?;
    Ok(Case {
        id,
        version: row.version,
        tracking: parse.text("tracking_code", &row.tracking_code)?,
        item: ItemVersionId::from_uuid(row.item_version_id),
        kind: parse.word("kind", &row.kind)?,
        status: parse.word("status", &row.status)?,
        division: DivisionId::from_uuid(row.division_id),
        route: document.route,
        step: parse.number("step", row.step)?,
        first_contact: OrganizationId::from_uuid(row.first_contact_id),
        channel: parse.word("channel", &row.channel)?,
        owner: row.owner_id.map(OrganizationId::from_uuid),
        submitted_at: parse.instant("submitted_at", row.submitted_at)?,
        accepted_at: parse.instant_opt("accepted_at", row.accepted_at)?,
        decided_at: parse.instant_opt("decided_at", row.decided_at)?,
        outcome: parse.word_opt("outcome", row.outcome.as_deref())?,
        completed_at: parse.instant_opt("completed_at", row.completed_at)?,
        delivered_at: parse.instant_opt("delivered_at", row.delivered_at)?,
        back_and_forth: parse.number("back_and_forth", row.back_and_forth)?,
        materials: document.materials,
        external_numbers: document.external_numbers,
        supplements: document.supplements,
        owed: document.owed,
        brought: document.brought,
        extended_by: document.extended_by,
        decided_by: document.decided_by,
        waiting_grant: document.waiting_grant,
        grid: document.grid,
        evaluation: document.evaluation,
        handoff_evaluations: document.handoff_evaluations,
        handoffs: handoffs.iter().map(handoff).collect::<Result<_, _>>()?,
        clocks: clocks.iter().map(clock).collect::<Result<_, _>>()?,
        cards: cards.iter().map(card).collect::<Result<_, _>>()?,
        orders: document.orders,
        item_code: row.item_code,
        division_code: row.division_code,
        division_name: row.division_name,
        submitted_by: row.submitted_by,
        applicant_subject: row.applicant_subject,
    })
}

/// The handoff of its row.
pub(in crate::store) fn handoff(row: &handoff::Model) -> Result<Handoff, StoreError> {
    let id = HandoffId::from_uuid(row.id);
    let parse = Row::of("handoff", &id);
    Ok(Handoff {
        id,
        seq: row.seq,
        version: row.version,
        kind: parse.word("kind", &row.kind)?,
        state: parse.word("state", &row.state)?,
        owning: row.owning,
        required: row.required,
        step: parse.number_opt("step", row.step)?,
        from: row.from_id.map(OrganizationId::from_uuid),
        to: OrganizationId::from_uuid(row.to_id),
        upstream: row.upstream.clone(),
        originals: parse.number("originals", row.originals)?,
        slip: row.slip.clone(),
        offered_by: row.offered_by.clone(),
        acknowledged_by: row.acknowledged_by.clone(),
        offered_at: parse.instant("offered_at", row.offered_at)?,
        sent_at: parse.instant_opt("sent_at", row.sent_at)?,
        acknowledged_at: parse.instant_opt("acknowledged_at", row.acknowledged_at)?,
        closed_at: parse.instant_opt("closed_at", row.closed_at)?,
        opinion: parse.word_opt("opinion", row.opinion.as_deref())?,
        materials: match &row.materials {
            None => Vec::new(),
            Some(handed) => parse.json("materials", handed)?,
        },
        refused_for: parse.word_opt("refused_for", row.refused_for.as_deref())?,
        admission: row.admission.clone(),
    })
}

fn clock(row: &case_clock::Model) -> Result<CaseClock, StoreError> {
    let id = ClockId::from_uuid(row.id);
    let parse = Row::of("case_clock", &id);
    Ok(CaseClock {
        id,
        kind: parse.word("kind", &row.kind)?,
        state: parse.word("state", &row.state)?,
        limit: Limit {
            value: parse.number("limit_value", row.limit_value)?,
            unit: parse.word("limit_unit", &row.limit_unit)?,
        },
        step: parse.number_opt("step", row.step)?,
        handoff: row.handoff_id.map(HandoffId::from_uuid),
        holder: row.holder_id.map(OrganizationId::from_uuid),
        started_at: parse.instant("started_at", row.started_at)?,
        due_at: parse.instant_opt("due_at", row.due_at)?,
        provisional: row.provisional,
        calendar: CalendarVersionId::from_uuid(row.calendar_id),
        stopped_at: parse.instant_opt("stopped_at", row.stopped_at)?,
        pauses: parse.json("pauses", &row.pauses)?,
        extension_working_days: parse.number("extension_working_days", row.extension_working_days)?,
        epoch: parse.number("epoch", row.epoch)?,
        epoch_from: parse.instant_opt("epoch_from", row.epoch_from)?,
        last_due_at: parse.instant_opt("last_due_at", row.last_due_at)?,
        firm: row.firm,
    })
}

/// From a case to the head of its ledger.
pub(in crate::store) struct HeadOfCase;

impl Linked for HeadOfCase {
    type FromEntity = cases::Entity;
    type ToEntity = ledger_head::Entity;

    fn link(&self) -> Vec<RelationDef> {
        vec![
            cases::Entity::belongs_to(ledger_head::Entity)
                .from(cases::Column::Id)
                .to(ledger_head::Column::Chain)
                .into(),
        ]
    }
}

/// From a case to what is sealed beside it.
pub(in crate::store) struct PrivateOfCase;

impl Linked for PrivateOfCase {
    type FromEntity = cases::Entity;
    type ToEntity = case_private::Entity;

    fn link(&self) -> Vec<RelationDef> {
        vec![
            cases::Entity::belongs_to(case_private::Entity)
                .from(cases::Column::Id)
                .to(case_private::Column::CaseId)
                .into(),
        ]
    }
}
