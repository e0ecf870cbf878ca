//! Administrative divisions (区划): where a case belongs.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::id::DivisionId;

/// The level of a division or of an organization; `Province` stands above the city and has no rows here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Level {
    /// 村(社区).
    Village,
    /// 乡镇(街道).
    Township,
    /// 县(区).
    County,
    /// 市.
    City,
    /// 省.
    Province,
}

/// Whether a community counts as urban or rural, by the configured rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Setting {
    /// Urban community (社区居委会).
    Urban,
    /// Rural community (村委会).
    Rural,
}

/// An administrative division.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Division {
    /// Our own key; codes die and are renamed, this does not.
    pub id: DivisionId,
    /// The current statistical code, 12 digits.
    pub code: String,
    /// The division above; `None` for the city, and for rows whose source names themselves as parent.
    pub parent: Option<DivisionId>,
    /// Its level; levels may be missing between a division and its parent.
    pub level: Level,
    /// Name; up to 33 code points and more, also beyond the BMP.
    pub name: String,
    /// Kind as in the data: `prefecture_city`, `district`, `street`, `residents_committee` …
    pub kind: String,
    /// Urban or rural; `None` above village level.
    pub setting: Option<Setting>,
    /// Whether it is one of the real divisions that statistics count.
    pub counted: bool,
}

/// Levels in a chain of divisions above each other are five; a longer one is a loop in the data.
pub const ANCESTORS_MAX: usize = 8;

/// A table of codes (代码体系). Equal digits mean different places in different tables: never join on raw digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CodeSystem {
    /// National Bureau of Statistics (统计用区划代码); our own codes.
    Statistics,
    /// Ministry of Civil Affairs (行政区划代码).
    CivilAffairs,
}

/// A code that names or named a division.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DivisionCode {
    /// The table it stands in.
    pub system: CodeSystem,
    /// The level it stands on there.
    pub level: Level,
    /// The digits.
    pub code: String,
    /// First day on which it was valid.
    pub valid_from: NaiveDate,
    /// Last day; `None`: still valid.
    pub valid_to: Option<NaiveDate>,
    /// The division's name under this code.
    pub name: String,
    /// The division.
    pub division: DivisionId,
}
