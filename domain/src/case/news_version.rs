//! The version under which an upstream system tells its news of a case: what its news is ordered by.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An upstream system's own version or sequence of a case, growing with everything it tells (DOMAIN §2).
///
/// Written as text: systems count in nanoseconds too, and canonical JSON ends at 2^53.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NewsVersion(u64);

impl From<u64> for NewsVersion {
    fn from(version: u64) -> Self {
        Self(version)
    }
}

impl fmt::Display for NewsVersion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl Serialize for NewsVersion {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for NewsVersion {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map(Self).map_err(serde::de::Error::custom)
    }
}
