//! Reading cases: one by key, by code, by code and secret; lists, deliveries.

use async_graphql::{Context, Enum, ID, InputObject, Object, OneofObject, Result};
use chrono::{DateTime, Utc};
use onedoor_domain::id::{CaseId, OrganizationId};
use onedoor_domain::page::PageArgs;
use onedoor_domain::tracking::TrackingCode;

use crate::error::{AppError, ErrorCode};
use crate::graphql::paging::{Connected, connection, page_request};
use crate::graphql::reach::{self, cases, failed, request, services};
use crate::graphql::types::card::CardRung;
use crate::graphql::types::case::Case;
use crate::graphql::types::case_enums::CaseStatus;
use crate::graphql::types::delivery::{Delivery, DeliveryState};
use crate::graphql::types::division::Direction;
use crate::graphql::types::scalars::DivisionCode;
use crate::graphql::types::service_item::CaseKind;
use crate::secret::Redacted;
use crate::service::reading::{
    Belonging as CaseBelonging, CaseFilter, CaseKey, CaseOrder, DELIVERIES_BY_CREATED, DeliveryFilter,
};

/// Names one case.
#[derive(OneofObject)]
pub enum CaseBy {
    /// By opaque key.
    Id(ID),
    /// By tracking code (受理编号), with or without separators.
    TrackingCode(String),
    /// 按临时编号: by the number that a kiosk printed while it was offline.
    ProvisionalNumber(ProvisionalNumberInput),
}

/// The number that a kiosk printed while it was offline (临时编号).
#[derive(InputObject)]
pub struct ProvisionalNumberInput {
    /// The kiosk; omitted: the one that asks.
    kiosk: Option<ID>,
    /// What it printed.
    number: String,
}

/// What a case belongs to when divisions (区划) have changed since it was handed in.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "CaseBelonging")]
pub enum Belonging {
    /// 按承接: to the division that stands in the place of its own today.
    Successors,
    /// 按当日: to its division of the day, under what stood above that by the codes of the day.
    OfTheDay,
}

/// Which cases; what is left out does not narrow.
#[derive(InputObject, Default)]
#[graphql(name = "CaseFilter")]
pub struct CaseFilterInput {
    /// In one of these states.
    status: Option<Vec<CaseStatus>>,
    /// Of this item.
    service_item: Option<String>,
    /// Of this division and all below it; a code of former days means the division that had it last.
    division: Option<DivisionCode>,
    /// What cases of divisions that have changed since belong to; left out: to the successor.
    belonging: Option<Belonging>,
    /// On the desk of this organization.
    owner: Option<ID>,
    /// 首问: taken in by this organization.
    first_contact: Option<ID>,
    /// Known by this number in an agency's system (外部业务流水号).
    external_number: Option<String>,
    /// A card (黄牌、红牌) of one of these rungs stands on it.
    card: Option<Vec<CardRung>>,
    /// Applications or grid events.
    kind: Option<CaseKind>,
    /// Only those whose due date has passed.
    #[graphql(default = false)]
    late: bool,
    /// Due at this instant or later.
    due_from: Option<DateTime<Utc>>,
    /// Due before this instant.
    due_before: Option<DateTime<Utc>>,
    /// Submitted at this instant or later.
    submitted_from: Option<DateTime<Utc>>,
    /// Submitted before this instant.
    submitted_before: Option<DateTime<Utc>>,
}

/// Which deliveries; what is left out does not narrow.
#[derive(InputObject, Default)]
#[graphql(name = "DeliveryFilter")]
pub struct DeliveryFilterInput {
    /// In one of these states.
    state: Option<Vec<DeliveryState>>,
    /// To this upstream system.
    upstream: Option<String>,
    /// Of this case.
    case: Option<ID>,
}

/// By what a list of cases is ordered.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "CaseKey")]
pub enum CaseOrderField {
    /// By when they were submitted.
    #[graphql(name = "SUBMITTED_AT")]
    Submitted,
    /// By due date; those without a date count as due last of all.
    #[graphql(name = "DUE_AT")]
    Due,
}

/// The order of a list of cases.
#[derive(InputObject, Debug, Clone, Copy)]
#[graphql(name = "CaseOrder")]
pub struct CaseOrderInput {
    /// By what.
    field: CaseOrderField,
    /// In which direction.
    direction: Direction,
}

/// Reading cases.
#[derive(Default)]
pub struct CaseQueries;

/// Reading cases.
#[Object]
#[expect(
    clippy::too_many_arguments,
    reason = "a Relay connection has four page arguments beside its filter"
)]
impl CaseQueries {
    /// A case (办件) that the viewer may read; null when there is none.
    async fn case(&self, ctx: &Context<'_>, by: CaseBy) -> Option<Result<Case>> {
        find(ctx, by).await.transpose()
    }

    /// One case by tracking code and secret (查询码): the applicant's own view. Send it by POST. An unknown code and a
    /// wrong secret answer alike.
    async fn track_case(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "受理编号, with or without separators.")] tracking_code: String,
        #[graphql(desc = "查询码, as the receipt shows it.")] secret: String,
    ) -> Option<Result<Case>> {
        Some(track(ctx, &tracking_code, secret).await)
    }

    /// The cases the viewer may read, the last submitted first. Of a case that it handed on an organization keeps its own
    /// part in this list; where states, holders, dates, cards or outside numbers narrow the list, or due dates order it,
    /// such parts are left out.
    async fn cases(
        &self,
        ctx: &Context<'_>,
        filter: Option<CaseFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        #[graphql(desc = "Left out: the last submitted first. By due date it costs least with an owner.")]
        order_by: Option<CaseOrderInput>,
    ) -> Option<Result<Connected<Case>>> {
        let args = PageArgs {
            first,
            last,
            after,
            before,
        };
        let order = order_by.map_or(CaseOrder::NEWEST, |order| CaseOrder {
            key: order.field.into(),
            direction: order.direction.into(),
        });
        Some(list(ctx, filter.unwrap_or_default(), order, &args).await)
    }

    /// Deliveries to upstream systems, the last asked for first: waiting, uncertain, given up.
    async fn deliveries(
        &self,
        ctx: &Context<'_>,
        filter: Option<DeliveryFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Option<Result<Connected<Delivery>>> {
        let args = PageArgs {
            first,
            last,
            after,
            before,
        };
        Some(deliveries(ctx, filter.unwrap_or_default(), &args).await)
    }
}

async fn find(ctx: &Context<'_>, by: CaseBy) -> Result<Option<Case>> {
    let (cases, actor) = (cases(ctx)?, &request(ctx)?.actor);
    let view = match by {
        CaseBy::Id(id) => match id.parse::<CaseId>() {
            Ok(id) => cases.read_case(actor, id).await,
            Err(_) => Ok(None),
        },
        CaseBy::TrackingCode(code) => match code.parse::<TrackingCode>() {
            Ok(code) => cases.read_case_by_code(actor, &code).await,
            Err(_) => Ok(None),
        },
        CaseBy::ProvisionalNumber(printed) => {
            let device = printed.kiosk.as_deref().unwrap_or(&actor.subject);
            cases
                .read_case_by_provisional(actor, device, &printed.number)
                .await
        }
    };
    Ok(view.map_err(|error| failed(ctx, error))?.map(Case::of))
}

async fn track(ctx: &Context<'_>, code: &str, secret: String) -> Result<Case> {
    let request = request(ctx)?;
    let source = request.source.network();
    let view = cases(ctx)?
        .track(&request.actor, source, code, Redacted::new(secret))
        .await;
    view.map(Case::of).map_err(|error| failed(ctx, error))
}

async fn list(
    ctx: &Context<'_>,
    filter: CaseFilterInput,
    order: CaseOrder,
    args: &PageArgs,
) -> Result<Connected<Case>> {
    let page = page_request(ctx, args, order.name(), 2)?;
    let filter = CaseFilter {
        statuses: distinct(filter.status.as_deref().unwrap_or_default()),
        item_code: filter.service_item,
        division: match filter.division {
            Some(code) => Some(division(ctx, &code)?),
            None => None,
        },
        belonging: filter.belonging.map(Into::into).unwrap_or_default(),
        owner: optional::<OrganizationId>(ctx, filter.owner.as_ref())?,
        first_contact: optional::<OrganizationId>(ctx, filter.first_contact.as_ref())?,
        external_number: filter.external_number,
        cards: distinct(filter.card.as_deref().unwrap_or_default()),
        kind: filter.kind.map(Into::into),
        late_at: filter
            .late
            .then(|| services(ctx).map(|services| services.clock.now()))
            .transpose()?,
        due_from: filter.due_from,
        due_before: filter.due_before,
        submitted_from: filter.submitted_from,
        submitted_before: filter.submitted_before,
        of_the_present: order.key == CaseKey::Due,
    };
    let (cases, actor) = (cases(ctx)?, &request(ctx)?.actor);
    let found = cases.list_cases(actor, &filter, order, &page).await;
    let total = if ctx.look_ahead().field("totalCount").exists() {
        let counted = cases.count_cases(actor, &filter).await;
        Some(counted.map_err(|error| failed(ctx, error))?)
    } else {
        None
    };
    Ok(connection(
        found.map_err(|error| failed(ctx, error))?,
        total,
        Case::of,
    ))
}

async fn deliveries(
    ctx: &Context<'_>,
    filter: DeliveryFilterInput,
    args: &PageArgs,
) -> Result<Connected<Delivery>> {
    let page = page_request(ctx, args, DELIVERIES_BY_CREATED, 2)?;
    let filter = DeliveryFilter {
        states: distinct(filter.state.as_deref().unwrap_or_default()),
        upstream: filter.upstream,
        case: optional::<CaseId>(ctx, filter.case.as_ref())?,
        handoffs: Vec::new(),
    };
    let (asking, now) = (request(ctx)?, services(ctx)?.clock.now());
    let found = cases(ctx)?.list_deliveries(&asking.actor, &filter, &page).await;
    Ok(connection(
        found.map_err(|error| failed(ctx, error))?,
        None,
        |entry| Delivery::of(entry, &asking.actor, asking.language, now),
    ))
}

/// Each value once: a list of thousands would be more than a statement can bind.
pub(super) fn distinct<T: Copy + PartialEq, D: From<T>>(listed: &[T]) -> Vec<D> {
    let mut seen: Vec<T> = Vec::new();
    for value in listed {
        if !seen.contains(value) {
            seen.push(*value);
        }
    }
    seen.into_iter().map(D::from).collect()
}

pub(crate) fn optional<T: std::str::FromStr>(ctx: &Context<'_>, id: Option<&ID>) -> Result<Option<T>> {
    id.map(|id| reach::id::<T>(ctx, id)).transpose()
}

pub(super) fn division(ctx: &Context<'_>, code: &DivisionCode) -> Result<onedoor_domain::id::DivisionId> {
    let directory = services(ctx)?.directories.current();
    directory
        .division_of_any_day(&code.0)
        .map(|division| division.id)
        .ok_or_else(|| failed(ctx, AppError::of(ErrorCode::NotFound)))
}
