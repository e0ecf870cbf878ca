//! Statistical division codes (统计用区划代码): 12 digits whose zeros tell the level.

use std::fmt;
use std::str::FromStr;

use super::{IdentifierError, check_shape};
use crate::division::Level;

const LENGTH: usize = 12;

/// A division code of 12 digits, of the code system that its context declares.
///
/// Equal digits name different places in different code systems, and at different levels of one: nothing joins
/// on this; the key of a division is its own id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DivisionCode(String);

impl DivisionCode {
    /// The 12 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first six digits: the county, or the city with two zeros. They open a tracking code.
    #[must_use]
    pub fn county_digits(&self) -> &str {
        self.0.get(..6).unwrap_or_default()
    }

    /// The level that the zeros suggest. Where a level is missing the same code stands at two levels (cities
    /// without counties), so a table that states the level wins.
    #[must_use]
    pub fn level_by_zeros(&self) -> Level {
        match significant_digits(&self.0) {
            0..=2 => Level::Province,
            3..=4 => Level::City,
            5..=6 => Level::County,
            7..=9 => Level::Township,
            _ => Level::Village,
        }
    }

    /// The code one level up by its digits alone; `None` for a province. For display and for plausibility checks
    /// of an import: parents are rows, never derived digits.
    #[must_use]
    pub fn parent_by_digits(&self) -> Option<Self> {
        let kept = match self.level_by_zeros() {
            Level::Province => return None,
            Level::City => 2,
            Level::County => 4,
            Level::Township => 6,
            Level::Village => 9,
        };
        self.0
            .get(..kept)
            .map(|digits| Self(format!("{digits:0<LENGTH$}")))
    }
}

impl FromStr for DivisionCode {
    type Err = IdentifierError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        check_shape(text, LENGTH)?;
        if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with("00") {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdentifierError::Character)
        }
    }
}

impl fmt::Display for DivisionCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

fn significant_digits(code: &str) -> usize {
    code.trim_end_matches('0').len()
}
