//! What a receipt can attest, which dates it can name, and the words people read for them.

use serde::{Deserialize, Serialize};

use crate::case::state::Outcome;

/// What a receipt attests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReceiptKind {
    /// 收件回执: the papers were taken in.
    Receipt,
    /// 受理通知书: the application is accepted; the promise starts.
    Acceptance,
    /// 补正告知书: everything that is missing, at once.
    Supplement,
    /// 不予受理通知书: with reasons and remedy.
    Refusal,
    /// 特别程序告知书: the clock stands still.
    SpecialProcedure,
    /// 延期告知书.
    Extension,
    /// 办理决定书.
    Decision,
    /// 送达回证.
    Delivery,
    /// 物料流转凭证: paper originals pass between two organizations.
    TransferSlip,
}

impl ReceiptKind {
    /// All kinds.
    pub const ALL: [Self; 9] = [
        Self::Receipt,
        Self::Acceptance,
        Self::Supplement,
        Self::Refusal,
        Self::SpecialProcedure,
        Self::Extension,
        Self::Decision,
        Self::Delivery,
        Self::TransferSlip,
    ];

    /// Title in Chinese.
    #[must_use]
    pub const fn zh(self) -> &'static str {
        match self {
            Self::Receipt => "收件回执",
            Self::Acceptance => "受理通知书",
            Self::Supplement => "补正告知书",
            Self::Refusal => "不予受理通知书",
            Self::SpecialProcedure => "特别程序告知书",
            Self::Extension => "延期告知书",
            Self::Decision => "办理决定书",
            Self::Delivery => "送达回证",
            Self::TransferSlip => "物料流转凭证",
        }
    }

    /// Title in English.
    #[must_use]
    pub const fn en(self) -> &'static str {
        match self {
            Self::Receipt => "Receipt of application",
            Self::Acceptance => "Notice of acceptance",
            Self::Supplement => "Notice of what is missing",
            Self::Refusal => "Notice of refusal",
            Self::SpecialProcedure => "Notice of special procedure",
            Self::Extension => "Notice of extension",
            Self::Decision => "Decision",
            Self::Delivery => "Record of delivery",
            Self::TransferSlip => "Transfer slip",
        }
    }
}

/// Which date a receipt promises or demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DueKind {
    /// The acceptance is decided by then.
    Acceptance,
    /// The promised date (承诺时限); never moved later when it rests on official years.
    Promise,
    /// The statutory date (法定时限).
    Statutory,
    /// The applicant brings what is missing by then.
    Supplement,
    /// The special procedure ends by then.
    Special,
    /// Materials still owed are brought by then (容缺).
    Owed,
    /// The result is handed over by then.
    Delivery,
}

impl DueKind {
    /// Label in Chinese.
    #[must_use]
    pub const fn zh(self) -> &'static str {
        match self {
            Self::Acceptance => "受理期限",
            Self::Promise => "承诺办结",
            Self::Statutory => "法定期限",
            Self::Supplement => "补正期限",
            Self::Special => "特别程序至",
            Self::Owed => "补交期限",
            Self::Delivery => "送达期限",
        }
    }

    /// Label in English.
    #[must_use]
    pub const fn en(self) -> &'static str {
        match self {
            Self::Acceptance => "Acceptance by",
            Self::Promise => "Promised by",
            Self::Statutory => "Statutory limit",
            Self::Supplement => "Bring by",
            Self::Special => "Procedure ends by",
            Self::Owed => "Owed papers by",
            Self::Delivery => "Handed over by",
        }
    }
}

/// The word for an outcome, in Chinese and English.
#[must_use]
pub const fn outcome_words(outcome: Outcome) -> (&'static str, &'static str) {
    match outcome {
        Outcome::Granted => ("准予", "granted"),
        Outcome::Denied => ("不予许可", "denied"),
        Outcome::Resolved => ("已解决", "resolved"),
        Outcome::Unfounded => ("不属实", "unfounded"),
    }
}
