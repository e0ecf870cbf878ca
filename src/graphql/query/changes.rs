//! What changed since a cursor: how whoever was cut off goes on without a gap.

use async_graphql::{Context, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};

use crate::graphql::reach::{cases, failed, request};
use crate::graphql::types::case::Case;
use crate::service::news::feed_cursor;

/// Cases that changed, and where to go on.
#[derive(SimpleObject)]
pub struct Changes {
    /// The cases the viewer may read, each once and as it is now, in the order of their last changes.
    changes: Vec<CaseChange>,
    /// Where to go on: the next `after`, also of a subscription.
    cursor: String,
    /// Whether there is more already; then ask again with the cursor.
    has_more: bool,
}

/// A case that changed.
#[derive(SimpleObject)]
pub struct CaseChange {
    /// The case, as it is now.
    case: Case,
    /// When it changed last.
    at: DateTime<Utc>,
}

/// What changed.
#[derive(Default)]
pub struct ChangeQueries;

/// What changed.
#[Object]
impl ChangeQueries {
    /// What changed behind a cursor, of what the viewer may read; nothing is left out, whatever replica wrote it. Take a
    /// cursor first (without `after`), read lists next, and go on from the cursor. A cursor older than seven days
    /// answers CURSOR_TOO_OLD, here and from every subscription: begin anew in the same three steps.
    async fn changes_since(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "A cursor of this field or of a subscription; left out: only where the feed ends now."
        )]
        after: Option<String>,
    ) -> Option<Result<Changes>> {
        Some(changes(ctx, after).await)
    }
}

async fn changes(ctx: &Context<'_>, after: Option<String>) -> Result<Changes> {
    let after = after
        .map(|text| feed_cursor(&text))
        .transpose()
        .map_err(|error| failed(ctx, error))?;
    let news = cases(ctx)?
        .changes_since(&request(ctx)?.actor, after)
        .await
        .map_err(|error| failed(ctx, error))?;
    Ok(Changes {
        changes: news
            .cases
            .into_iter()
            .map(|news| CaseChange {
                case: Case::of(news.view),
                at: news.at,
            })
            .collect(),
        cursor: news.cursor.encode(),
        has_more: news.more,
    })
}
