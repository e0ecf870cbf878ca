//! Drafts: applications that are not submitted yet (草稿).

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::id::{DraftId, ItemVersionId};

/// A draft of an application. It belongs to its author and is never validated hard.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// Key.
    pub id: DraftId,
    /// Subject of the author; on a kiosk the session.
    pub author: String,
    /// Version of the item it was begun with.
    pub item: ItemVersionId,
    /// Code of the item.
    pub item_code: String,
    /// Wiped after a day, as on a kiosk.
    pub ephemeral: bool,
    /// What was entered so far. Personal data.
    pub content: Value,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
    /// When it was saved last.
    pub saved_at: DateTime<Utc>,
}
