//! Reading cases: one by key, by code, by code and secret; lists, the board, deliveries.

use async_graphql::{Context, Enum, ID, InputObject, Object, OneofObject, Result, SimpleObject};
use chrono::{DateTime, Utc};
use onedoor_domain::id::{CaseId, OrganizationId};
use onedoor_domain::page::PageArgs;
use onedoor_domain::tracking::TrackingCode;

use crate::error::{AppError, ErrorCode};
use crate::graphql::paging::{Connected, connection, page_request};
use crate::graphql::reach::{self, cases, failed, request, services};
use crate::graphql::types::case::Case;
use crate::graphql::types::case_enums::{CaseStatus, HandoffKind, HandoffState};
use crate::graphql::types::delivery::{Delivery, DeliveryState};
use crate::graphql::types::handoff::Handoff;
use crate::graphql::types::scalars::DivisionCode;
use crate::secret::Redacted;
use crate::service::reading::{
    Belonging as CaseBelonging, CASES_BY_SUBMITTED, CaseFilter, DELIVERIES_BY_CREATED, DeliveryFilter,
    HANDOFFS_BY_DUE, HandoffFilter,
};

/// Names one case.
#[derive(OneofObject)]
pub enum CaseBy {
    /// By opaque key.
    Id(ID),
    /// By tracking code (受理编号), with or without separators.
    TrackingCode(String),
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
    /// Submitted at this instant or later.
    submitted_from: Option<DateTime<Utc>>,
    /// Submitted before this instant.
    submitted_before: Option<DateTime<Utc>>,
}

/// Which handoffs; what is left out does not narrow.
#[derive(InputObject, Default)]
#[graphql(name = "HandoffFilter")]
pub struct HandoffFilterInput {
    /// Handed to this organization: its desk.
    organization: Option<ID>,
    /// Handed on by this organization.
    sender: Option<ID>,
    /// In one of these states; left out: those that are open.
    state: Option<Vec<HandoffState>>,
    /// Only those whose due date has passed.
    #[graphql(default = false)]
    late: bool,
    /// Of this kind.
    kind: Option<HandoffKind>,
    /// To organizations bound to this upstream system.
    upstream: Option<String>,
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

/// The board: a page of handoffs, and how many there are in each state.
#[derive(SimpleObject)]
pub struct Board {
    /// The page, the most urgent first.
    page: Connected<Handoff>,
    /// How many, by state; states without any are left out.
    counts: Vec<BoardCount>,
}

/// How many handoffs of the board are in one state.
#[derive(SimpleObject)]
pub struct BoardCount {
    /// State.
    state: HandoffState,
    /// How many.
    count: i32,
    /// How many of them are late.
    late: i32,
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

    /// The cases the viewer may read, the last submitted first.
    async fn cases(
        &self,
        ctx: &Context<'_>,
        filter: Option<CaseFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Option<Result<Connected<Case>>> {
        let args = PageArgs {
            first,
            last,
            after,
            before,
        };
        Some(list(ctx, filter.unwrap_or_default(), &args).await)
    }

    /// The board: handoffs on the viewer's desk or in its division, the most urgent first, with counts.
    async fn handoffs(
        &self,
        ctx: &Context<'_>,
        filter: Option<HandoffFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Option<Result<Board>> {
        let args = PageArgs {
            first,
            last,
            after,
            before,
        };
        Some(board(ctx, filter.unwrap_or_default(), &args).await)
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

async fn list(ctx: &Context<'_>, filter: CaseFilterInput, args: &PageArgs) -> Result<Connected<Case>> {
    let page = page_request(ctx, args, CASES_BY_SUBMITTED, 2)?;
    let filter = CaseFilter {
        statuses: distinct(filter.status.as_deref().unwrap_or_default()),
        item_code: filter.service_item,
        division: match filter.division {
            Some(code) => Some(division(ctx, &code)?),
            None => None,
        },
        belonging: filter.belonging.map(Into::into).unwrap_or_default(),
        owner: optional::<OrganizationId>(ctx, filter.owner.as_ref())?,
        submitted_from: filter.submitted_from,
        submitted_before: filter.submitted_before,
    };
    let (cases, actor) = (cases(ctx)?, &request(ctx)?.actor);
    let found = cases.list_cases(actor, &filter, &page).await;
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

async fn board(ctx: &Context<'_>, filter: HandoffFilterInput, args: &PageArgs) -> Result<Board> {
    let page = page_request(ctx, args, HANDOFFS_BY_DUE, 2)?;
    let open = [
        HandoffState::Offered,
        HandoffState::Sent,
        HandoffState::Expired,
        HandoffState::Acknowledged,
    ];
    let filter = HandoffFilter {
        organization: optional::<OrganizationId>(ctx, filter.organization.as_ref())?,
        sender: optional::<OrganizationId>(ctx, filter.sender.as_ref())?,
        case: None,
        states: distinct(filter.state.as_deref().unwrap_or(&open)),
        late_at: filter
            .late
            .then(|| services(ctx).map(|services| services.clock.now()))
            .transpose()?,
        kind: filter.kind.map(Into::into),
        upstream: filter.upstream,
    };
    let (cases, actor) = (cases(ctx)?, &request(ctx)?.actor);
    let found = cases
        .list_handoffs(actor, &filter, &page)
        .await
        .map_err(|error| failed(ctx, error))?;
    let counts = if ctx.look_ahead().field("counts").exists() {
        cases
            .count_handoffs(actor, &filter)
            .await
            .map_err(|error| failed(ctx, error))?
    } else {
        Vec::new()
    };
    let small = |count: u64| i32::try_from(count).unwrap_or(i32::MAX);
    Ok(Board {
        page: connection(found, None, |(view, handoff)| {
            Handoff::of(&std::sync::Arc::new(view), &handoff)
        }),
        counts: counts
            .into_iter()
            .map(|count| BoardCount {
                state: count.state.into(),
                count: small(count.count),
                late: small(count.late),
            })
            .collect(),
    })
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
    };
    let found = cases(ctx)?
        .list_deliveries(&request(ctx)?.actor, &filter, &page)
        .await;
    Ok(connection(
        found.map_err(|error| failed(ctx, error))?,
        None,
        Delivery::of,
    ))
}

/// Each value once: a list of thousands would be more than a statement can bind.
fn distinct<T: Copy + PartialEq, D: From<T>>(listed: &[T]) -> Vec<D> {
    let mut seen: Vec<T> = Vec::new();
    for value in listed {
        if !seen.contains(value) {
            seen.push(*value);
        }
    }
    seen.into_iter().map(D::from).collect()
}

fn optional<T: std::str::FromStr>(ctx: &Context<'_>, id: Option<&ID>) -> Result<Option<T>> {
    id.map(|id| reach::id::<T>(ctx, id)).transpose()
}

fn division(ctx: &Context<'_>, code: &DivisionCode) -> Result<onedoor_domain::id::DivisionId> {
    let directory = services(ctx)?.directories.current();
    directory
        .division_of_any_day(&code.0)
        .map(|division| division.id)
        .ok_or_else(|| failed(ctx, AppError::of(ErrorCode::NotFound)))
}
