//! The calendar (工作日历) for everybody.

use async_graphql::{Context, Object, Result};

use crate::graphql::reach::{catalogue, failed};
use crate::graphql::types::calendar::Calendar;
use crate::service::calendar;

/// Fields of Query about working days.
#[derive(Debug, Default, Clone, Copy)]
pub struct CalendarQuery;

#[Object]
impl CalendarQuery {
    /// The working-day calendar (工作日历) in force.
    async fn calendar(&self, ctx: &Context<'_>) -> Option<Result<Calendar>> {
        Some(current(ctx).await)
    }
}

async fn current(ctx: &Context<'_>) -> Result<Calendar> {
    let found = calendar::current(catalogue(ctx)?).await;
    Ok(found.map_err(|error| failed(ctx, error))?.into())
}
