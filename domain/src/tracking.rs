//! The tracking code of a case.
use serde::{Deserialize, Serialize};

/// The number by which people ask for a case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TrackingCode(String);
