//! The answer to an act, kept sealed with its idempotency key, so that a repeated act gets the same bytes.

use chrono::{DateTime, Utc};
use onedoor_domain::case::state::Case;
use onedoor_domain::delivery::DeliveryEntry;
use serde::{Deserialize, Serialize};

use crate::error::AppError;

/// Everything the payload of an act is resolved from, whatever its selection: the case as it was, the end of its
/// ledger, and the tracking secret that is shown once.
#[derive(Clone, Serialize, Deserialize)]
pub struct Answer {
    /// The case after the act.
    pub case: Case,
    /// Last line of its ledger then; timeline and receipts of this answer end here.
    pub head: u64,
    /// First line that the act wrote; its receipts begin here.
    pub first: u64,
    /// When the act took place; what depends on the time of day is told for this instant.
    #[serde(with = "chrono::serde::ts_microseconds")]
    pub at: DateTime<Utc>,
    /// 查询码, in the answer to a submission only. This type is stored sealed and nowhere else.
    pub secret: Option<String>,
    /// What was doubtful but did not stand against a submission: path, 中文, English.
    pub warnings: Vec<Warning>,
    /// The delivery that was acted on, as the act left it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<DeliveryEntry>,
}

/// A doubt about the input that does not stand against it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// Path of the input field.
    pub field: Vec<String>,
    /// What is doubtful, in Chinese.
    pub zh: String,
    /// What is doubtful, in English.
    pub en: String,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Answer")
            .field("case", &self.case.id)
            .field("head", &self.head)
            .finish_non_exhaustive()
    }
}

impl Answer {
    /// The bytes to be sealed.
    ///
    /// # Errors
    /// Only when serialization fails, which would be a bug.
    pub fn to_bytes(&self) -> Result<Vec<u8>, AppError> {
        serde_json::to_vec(self).map_err(AppError::internal)
    }

    /// Reads an answer back.
    ///
    /// # Errors
    /// When the bytes are not an answer, which would be a bug.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, AppError> {
        serde_json::from_slice(bytes).map_err(AppError::internal)
    }
}
