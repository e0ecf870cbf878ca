//! Public statistics.

use async_graphql::{Context, Object, Result};

use crate::graphql::types::figures::{self, Satisfaction};
use crate::graphql::types::organization::known_division;
use crate::graphql::types::scalars::DivisionCode;

/// Public statistics.
#[derive(Debug, Default, Clone, Copy)]
pub struct StatisticsQuery;

/// Public statistics.
#[Object]
impl StatisticsQuery {
    /// How satisfied people were (满意度) with decided cases, in a division and all below it; without one: everywhere.
    async fn satisfaction(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Statistical code of the division.")] division: Option<DivisionCode>,
    ) -> Option<Result<Satisfaction>> {
        Some(satisfaction(ctx, division).await)
    }
}

async fn satisfaction(ctx: &Context<'_>, division: Option<DivisionCode>) -> Result<Satisfaction> {
    let division = division
        .map(|code| known_division(ctx, &code).map(|division| division.id))
        .transpose()?;
    figures::satisfaction(ctx, division).await
}
