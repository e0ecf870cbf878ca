//! The board: a page of handoffs, and how many there are by state and by day left.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use onedoor_domain::board::{BoardKey, BoardOrder};
use onedoor_domain::id::OrganizationId;
use onedoor_domain::page::PageArgs;

use super::cases::{distinct, division, optional};
use crate::error::{AppError, ErrorCode};
use crate::graphql::paging::{Connected, connection, page_request};
use crate::graphql::reach::{cases, failed, request, services};
use crate::graphql::types::card::CardRung;
use crate::graphql::types::case_enums::{HandoffKind, HandoffState};
use crate::graphql::types::delivery::{DeliveryState, UndeliveredCount};
use crate::graphql::types::division::Direction;
use crate::graphql::types::handoff::Handoff;
use crate::graphql::types::scalars::{Date, DivisionCode};
use crate::service::board::{Counts, HandoffFilter};

/// Which handoffs; what is left out does not narrow.
#[derive(InputObject, Default)]
#[graphql(name = "HandoffFilter")]
pub struct HandoffFilterInput {
    /// Handed to this organization: its desk.
    organization: Option<ID>,
    /// With it the desks of all organizations in the divisions below its own, as far as the viewer may see them.
    #[graphql(default = false)]
    and_below: bool,
    /// Handed on by this organization.
    sender: Option<ID>,
    /// In one of these states; left out: those that are open.
    state: Option<Vec<HandoffState>>,
    /// With a delivery to an upstream system in one of these states; then also handoffs that are closed, unless `state`
    /// is given.
    delivery: Option<Vec<DeliveryState>>,
    /// Only those whose due date has passed.
    #[graphql(default = false)]
    late: bool,
    /// Only those that a system took over with the promise of a report (202) which it owes beyond the due date: what can
    /// be asked is asked by itself, else somebody calls the office.
    #[graphql(default = false)]
    silent: bool,
    /// Due at this instant or later.
    due_from: Option<DateTime<Utc>>,
    /// Due before this instant.
    due_before: Option<DateTime<Utc>>,
    /// Of this kind.
    kind: Option<HandoffKind>,
    /// To organizations bound to this upstream system.
    upstream: Option<String>,
    /// Of cases on which a card (黄牌、红牌) of one of these rungs stands.
    card: Option<Vec<CardRung>>,
    /// Of cases of this item, by code.
    service_item: Option<String>,
    /// Of cases of this division (区划) and all below it.
    division: Option<DivisionCode>,
    /// 首问: of cases that this organization took in.
    first_contact: Option<ID>,
}

/// By what the board is ordered.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "BoardKey")]
pub enum HandoffOrderField {
    /// By due date; those without a date count as due last of all.
    #[graphql(name = "DUE_AT")]
    Due,
    /// By when they were offered.
    #[graphql(name = "OFFERED_AT")]
    Offered,
}

/// The order of the board.
#[derive(InputObject, Debug, Clone, Copy)]
pub struct HandoffOrder {
    /// By what.
    field: HandoffOrderField,
    /// In which direction.
    direction: Direction,
}

/// The board: a page of handoffs, and how many open ones the whole list has.
#[derive(SimpleObject)]
pub struct Board {
    /// The page, in the order asked for.
    page: Connected<Handoff>,
    /// How many open ones, by state; states without any are left out.
    counts: Vec<BoardCount>,
    /// How many open ones, by the day they are due: the first day first, those without a date last.
    by_day: Vec<BoardDay>,
    /// Deliveries of the viewer's organization that have not reached their system, by state; those of whole divisions for
    /// supervision. Empty for whom deliveries are not.
    undelivered: Vec<UndeliveredCount>,
    /// Handoffs that a system took over with the promise of a report which it owes beyond the due date; of whom as with
    /// `undelivered`.
    silent: i32,
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

/// How many handoffs of the board are due on one day.
#[derive(SimpleObject)]
pub struct BoardDay {
    /// Last day that is in time, Beijing time; null: no date, or the clock stands still.
    due_date: Option<Date>,
    /// Working days after today up to and with that day: 0 is today, a negative number so many working days ago.
    days_left: Option<i32>,
    /// How many.
    count: i32,
    /// How many of them are late.
    late: i32,
}

/// The board.
#[derive(Default)]
pub struct BoardQueries;

/// The board.
#[Object]
impl BoardQueries {
    /// The board: handoffs on the viewer's desk or in its division, the most urgent first, with counts. A page goes on
    /// behind what its last entry was when it was read: whatever moves meanwhile, each handoff that stays as it was
    /// comes once; one whose due date changes between two pages may come twice or not at all.
    #[expect(
        clippy::too_many_arguments,
        reason = "a Relay connection has four page arguments beside filter and order"
    )]
    async fn handoffs(
        &self,
        ctx: &Context<'_>,
        filter: Option<HandoffFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        #[graphql(desc = "Left out: by due date, the most urgent first.")] order_by: Option<HandoffOrder>,
    ) -> Option<Result<Board>> {
        let args = PageArgs {
            first,
            last,
            after,
            before,
        };
        let order = order_by.map_or_else(BoardOrder::default, |order| BoardOrder {
            key: order.field.into(),
            direction: order.direction.into(),
        });
        Some(board(ctx, filter.unwrap_or_default(), order, &args).await)
    }
}

async fn board(
    ctx: &Context<'_>,
    filter: HandoffFilterInput,
    order: BoardOrder,
    args: &PageArgs,
) -> Result<Board> {
    let page = page_request(ctx, args, order.name(), 2)?;
    let filter = parsed(ctx, filter)?;
    let asked = ctx.look_ahead();
    let counted = asked.field("counts").exists() || asked.field("byDay").exists();
    let actor = &request(ctx)?.actor;
    let found = cases(ctx)?
        .list_handoffs(actor, &filter, order, &page, counted)
        .await
        .map_err(|error| failed(ctx, error))?;
    let undelivered = if asked.field("undelivered").exists() {
        let counted = cases(ctx)?.count_undelivered(actor).await;
        let counted = counted.map_err(|error| failed(ctx, error))?;
        counted.into_iter().map(UndeliveredCount::of).collect()
    } else {
        Vec::new()
    };
    let silent = if asked.field("silent").exists() {
        let counted = cases(ctx)?.count_silent(actor).await;
        i32::try_from(counted.map_err(|error| failed(ctx, error))?).unwrap_or(i32::MAX)
    } else {
        0
    };
    let (counts, by_day) = found.counts.map(shown).unwrap_or_default();
    Ok(Board {
        page: connection(found.page, None, |(view, handoff)| {
            Handoff::of(&Arc::new(view), &handoff)
        }),
        counts,
        by_day,
        undelivered,
        silent,
    })
}

fn parsed(ctx: &Context<'_>, filter: HandoffFilterInput) -> Result<HandoffFilter> {
    let open = [
        HandoffState::Offered,
        HandoffState::Sent,
        HandoffState::Expired,
        HandoffState::Acknowledged,
    ];
    let organization = optional::<OrganizationId>(ctx, filter.organization.as_ref())?;
    let services = services(ctx)?;
    let below = |id: OrganizationId| {
        let directory = services.directories.current();
        directory.organization(id).map(|found| found.division)
    };
    let and_below = match (filter.and_below, organization) {
        (false, _) => None,
        (true, Some(id)) => below(id),
        (true, None) => {
            let error = AppError::of(ErrorCode::BadUserInput).detail(
                "andBelow 须与 organization 同时使用。",
                "andBelow needs an organization.",
            );
            return Err(failed(ctx, error));
        }
    };
    Ok(HandoffFilter {
        organization,
        and_below,
        sender: optional::<OrganizationId>(ctx, filter.sender.as_ref())?,
        case: None,
        states: match (&filter.state, &filter.delivery) {
            (None, Some(_)) => Vec::new(),
            (states, _) => distinct(states.as_deref().unwrap_or(&open)),
        },
        deliveries: distinct(filter.delivery.as_deref().unwrap_or_default()),
        late_at: filter.late.then(|| services.clock.now()),
        silent_at: filter.silent.then(|| services.clock.now()),
        due_from: filter.due_from,
        due_before: filter.due_before,
        kind: filter.kind.map(Into::into),
        upstream: filter.upstream,
        cards: distinct(filter.card.as_deref().unwrap_or_default()),
        item_code: filter.service_item,
        division: match filter.division {
            Some(code) => Some(division(ctx, &code)?),
            None => None,
        },
        first_contact: optional::<OrganizationId>(ctx, filter.first_contact.as_ref())?,
    })
}

fn shown(counts: Counts) -> (Vec<BoardCount>, Vec<BoardDay>) {
    let small = |count: u64| i32::try_from(count).unwrap_or(i32::MAX);
    let states = counts.states.into_iter().map(|count| BoardCount {
        state: count.state.into(),
        count: small(count.count),
        late: small(count.late),
    });
    let days = counts.days.into_iter().map(|day| BoardDay {
        due_date: day.due.map(Date),
        days_left: day.days_left.and_then(|left| i32::try_from(left).ok()),
        count: small(day.count),
        late: small(day.late),
    });
    (states.collect(), days.collect())
}
