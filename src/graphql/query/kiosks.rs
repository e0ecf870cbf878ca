//! The kiosks (自助终端) of all stations, for their administrator.

use async_graphql::{Context, ID, InputObject, Object, Result};
use onedoor_domain::id::OrganizationId;
use onedoor_domain::page::PageArgs;

use super::cases::{distinct, optional};
use crate::graphql::paging::{Connected, connection, page_request};
use crate::graphql::reach::{failed, request};
use crate::graphql::types::kiosk::{Kiosk, KioskState, kiosks};
use crate::service::kiosks::{KIOSKS_BY_CREATED, KioskFilter};

/// Which kiosks; what is left out does not narrow.
#[derive(InputObject, Default)]
#[graphql(name = "KioskFilter")]
pub struct KioskFilterInput {
    /// In one of these states.
    state: Option<Vec<KioskState>>,
    /// At this station.
    station: Option<ID>,
    /// Only those that should be heard of and are not.
    #[graphql(default = false)]
    silent: bool,
}

/// Kiosks.
#[derive(Default)]
pub struct KioskQueries;

/// Kiosks.
#[Object]
impl KioskQueries {
    /// The kiosks (自助终端), the last enrolled first. `totalCount` is counted only when it is asked for.
    #[expect(
        clippy::too_many_arguments,
        reason = "a Relay connection has four page arguments beside its filter"
    )]
    async fn kiosks(
        &self,
        ctx: &Context<'_>,
        filter: Option<KioskFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Option<Result<Connected<Kiosk>>> {
        let args = PageArgs {
            first,
            last,
            after,
            before,
        };
        Some(list(ctx, filter.unwrap_or_default(), &args).await)
    }
}

async fn list(ctx: &Context<'_>, filter: KioskFilterInput, args: &PageArgs) -> Result<Connected<Kiosk>> {
    let page = page_request(ctx, args, KIOSKS_BY_CREATED, 2)?;
    let (kiosks, actor) = (kiosks(ctx)?, &request(ctx)?.actor);
    let narrowed = KioskFilter {
        states: distinct(filter.state.as_deref().unwrap_or_default()),
        station: optional::<OrganizationId>(ctx, filter.station.as_ref())?,
        silent_since: filter.silent.then(|| kiosks.silent_now().silent_since).flatten(),
    };
    let found = kiosks.list(actor, &narrowed, &page).await;
    let found = found.map_err(|error| failed(ctx, error))?;
    let total = if ctx.look_ahead().field("totalCount").exists() {
        let counted = kiosks.count(actor, &narrowed).await;
        Some(counted.map_err(|error| failed(ctx, error))?)
    } else {
        None
    };
    Ok(connection(found, total, |kiosk| Kiosk::of(kiosk, kiosks)))
}
