//! The list of cards: warnings, yellow and red cards of all cases that the viewer may read.

use async_graphql::{Context, ID, InputObject, Object, Result};
use chrono::{DateTime, Utc};
use onedoor_domain::id::OrganizationId;
use onedoor_domain::page::PageArgs;

use super::cases::{distinct, division, optional};
use crate::graphql::paging::{Connected, connection, page_request};
use crate::graphql::reach::{cases, failed, request};
use crate::graphql::types::card::{Card, CardDesk, CardRung, CardState};
use crate::graphql::types::case_enums::ClockKind;
use crate::graphql::types::scalars::DivisionCode;
use crate::service::cards::{CARDS_BY_RAISED, CardFilter};

/// Which cards; what is left out does not narrow.
#[derive(InputObject, Default)]
#[graphql(name = "CardFilter")]
pub struct CardFilterInput {
    /// On cases of this division (区划) and all below it.
    division: Option<DivisionCode>,
    /// Raised to the level of this division: what its supervisor is to look at first.
    raised_to: Option<DivisionCode>,
    /// For the lateness of this organization.
    organization: Option<ID>,
    /// Of one of these rungs.
    rung: Option<Vec<CardRung>>,
    /// Raised by a clock that measures one of these; cards by hand are left out then.
    clock: Option<Vec<ClockKind>>,
    /// In one of these states; left out: those that stand, raised or appealed.
    state: Option<Vec<CardState>>,
    /// On one of these lists: the holder's, the supervisor's for what nobody signed for, or that of an upstream
    /// system's operator for what was not delivered.
    desk: Option<Vec<CardDesk>>,
    /// Raised at this instant or later.
    raised_from: Option<DateTime<Utc>>,
    /// Raised before this instant.
    raised_before: Option<DateTime<Utc>>,
}

/// The list of cards.
#[derive(Default)]
pub struct CardQueries;

/// The list of cards.
#[Object]
impl CardQueries {
    /// The cards (预警、黄牌、红牌) on the cases the viewer may read, the last raised first; for supervisors those of their
    /// division and all below it, personal data masked. `totalCount` is counted only when it is asked for.
    #[expect(
        clippy::too_many_arguments,
        reason = "a Relay connection has four page arguments beside its filter"
    )]
    async fn cards(
        &self,
        ctx: &Context<'_>,
        filter: Option<CardFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Option<Result<Connected<Card>>> {
        let args = PageArgs {
            first,
            last,
            after,
            before,
        };
        Some(list(ctx, filter.unwrap_or_default(), &args).await)
    }
}

async fn list(ctx: &Context<'_>, filter: CardFilterInput, args: &PageArgs) -> Result<Connected<Card>> {
    let page = page_request(ctx, args, CARDS_BY_RAISED, 2)?;
    let place = |code: Option<DivisionCode>| code.map(|code| division(ctx, &code)).transpose();
    let standing = [CardState::Raised, CardState::Appealed];
    let filter = CardFilter {
        division: place(filter.division)?,
        raised_to: place(filter.raised_to)?,
        organization: optional::<OrganizationId>(ctx, filter.organization.as_ref())?,
        rungs: distinct(filter.rung.as_deref().unwrap_or_default()),
        clocks: distinct(filter.clock.as_deref().unwrap_or_default()),
        states: distinct(filter.state.as_deref().unwrap_or(&standing)),
        desks: distinct(filter.desk.as_deref().unwrap_or_default()),
        raised_from: filter.raised_from,
        raised_before: filter.raised_before,
    };
    let (cases, actor) = (cases(ctx)?, &request(ctx)?.actor);
    let found = cases.list_cards(actor, &filter, &page).await;
    let found = found.map_err(|error| failed(ctx, error))?;
    let total = if ctx.look_ahead().field("totalCount").exists() {
        let counted = cases.count_cards(actor, &filter).await;
        Some(counted.map_err(|error| failed(ctx, error))?)
    } else {
        None
    };
    Ok(connection(found, total, |(view, card)| Card::of(&view, card)))
}
