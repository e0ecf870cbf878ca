//! The name of an upstream system: a short slug that is safe in paths, metrics and logs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest name, characters; it becomes a metric label and a path segment.
pub const NAME_LENGTH_MAX: usize = 40;

/// Name of an upstream system: 1 to 40 of `a-z`, `0-9` and inner hyphens, beginning with a letter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct UpstreamName(String);

/// A text that is not the name of an upstream system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name is 1 to 40 of a-z, 0-9 and inner hyphens, beginning with a letter")]
pub struct NameError;

impl UpstreamName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UpstreamName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
        if begins && text.len() <= NAME_LENGTH_MAX && text.bytes().all(allowed) && !text.ends_with('-') {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError)
        }
    }
}

impl fmt::Display for UpstreamName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for UpstreamName {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_slugs_are_names() {
        for good in ["sandbox", "county-hr", "a1"] {
            assert_eq!(
                good.parse::<UpstreamName>().map(|name| name.to_string()),
                Ok(good.to_owned())
            );
        }
        for bad in [
            "",
            "1a",
            "-a",
            "a-",
            "County",
            "a/b",
            "a b",
            "人社局",
            &"a".repeat(41),
        ] {
            assert_eq!(bad.parse::<UpstreamName>(), Err(NameError), "{bad:?}");
        }
    }
}
