//! What can be wrong with an edition of the divisions, in both languages, with the line it stands on.

use chrono::NaiveDate;

/// One fault of an edition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditionFault {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong.
    pub kind: FaultKind,
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultKind {
    /// A code is 12 digits.
    #[error("the code must have 12 digits")]
    Code,
    /// The name is empty, longer than 100 code points, or holds control characters.
    #[error("the name is empty, too long, or holds control characters")]
    Name,
    /// The code stands on an earlier line on the same level.
    #[error("the code stands on line {before} already")]
    RepeatedCode {
        /// That line.
        before: u64,
    },
    /// The civil affairs code stands on an earlier line on the same level.
    #[error("the civil affairs code stands on line {before} already")]
    RepeatedCivilCode {
        /// That line.
        before: u64,
    },
    /// Neither the table nor the divisions that are there know the parent.
    #[error("the parent is neither in the table nor there already")]
    ParentUnknown,
    /// The parent does not stand higher.
    #[error("the parent does not stand on a higher level")]
    ParentNotHigher,
    /// No division has or had the code that the row succeeds.
    #[error("no division on this level has or had the code {code} that this row succeeds")]
    PredecessorUnknown {
        /// The code.
        code: String,
    },
    /// Two rows succeed one division; its work goes to one only.
    #[error("line {before} succeeds {code} already; the work of a division goes to one successor")]
    PredecessorTaken {
        /// The code.
        code: String,
        /// The line that succeeds it.
        before: u64,
    },
    /// The row succeeds a division that the table goes on with.
    #[error(
        "{code} is succeeded and has a row of its own; where it was split and goes on, do not name it as succeeded"
    )]
    PredecessorContinues {
        /// The code.
        code: String,
    },
    /// What the row says is older than what is there.
    #[error("the row is valid from {since}, but what is there is valid from {there}: an older edition")]
    Older {
        /// Of the row.
        since: NaiveDate,
        /// Of what is there.
        there: NaiveDate,
    },
    /// The row ends a division that is not there.
    #[error("the row ends a division that is not there")]
    NothingToEnd,
    /// The last day lies before the first.
    #[error("the last day lies before the first")]
    EndsBeforeItBegins,
}

impl FaultKind {
    /// The reason in Chinese; `Display` is the reason in English.
    #[must_use]
    pub fn in_chinese(&self) -> String {
        match self {
            Self::Code => "区划代码须为 12 位数字".to_owned(),
            Self::Name => "名称为空、过长或含有控制字符".to_owned(),
            Self::RepeatedCode { before } => format!("区划代码与第 {before} 行重复"),
            Self::RepeatedCivilCode { before } => format!("民政代码与第 {before} 行重复"),
            Self::ParentUnknown => "上级区划不在表中, 也尚未导入".to_owned(),
            Self::ParentNotHigher => "上级区划的层级不高于本级".to_owned(),
            Self::PredecessorUnknown { code } => format!("本级没有代码为 {code} 的原区划可供承接"),
            Self::PredecessorTaken { code, before } => {
                format!("第 {before} 行已承接 {code}, 一个区划的工作只能由一个区划承接")
            }
            Self::PredecessorContinues { code } => {
                format!("{code} 既被承接又在表中另有一行; 析置后仍存续的区划不应列为被承接")
            }
            Self::Older { since, there } => {
                format!("该行自 {since} 起有效, 早于已有数据的 {there}: 版本较旧")
            }
            Self::NothingToEnd => "要撤销的区划不存在".to_owned(),
            Self::EndsBeforeItBegins => "失效日期早于生效日期".to_owned(),
        }
    }
}
