//! A draft as GraphQL shows it to its author.

use async_graphql::{ID, SimpleObject};
use chrono::{DateTime, Utc};

use super::scalars::Json;

/// An unfinished application, seen by its author only.
#[derive(SimpleObject)]
pub struct Draft {
    /// Opaque key.
    id: ID,
    /// Code of the service item.
    service_item: String,
    /// What was entered so far.
    content: Json,
    /// When it was begun.
    created_at: DateTime<Utc>,
    /// When it was saved last.
    saved_at: DateTime<Utc>,
}

impl Draft {
    pub(crate) fn of(draft: onedoor_domain::draft::Draft) -> Self {
        Self {
            id: ID(draft.id.to_string()),
            service_item: draft.item_code,
            content: Json(draft.content),
            created_at: draft.created_at,
            saved_at: draft.saved_at,
        }
    }
}
