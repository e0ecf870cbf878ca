//! A handoff (移交): one hand gives the case to another, and who answers for it meanwhile.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::{HandoffId, OrganizationId};
use crate::route::HandoffKind;

/// The state of a handoff (DOMAIN §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum HandoffState {
    /// Offered: the sender still answers for the case.
    Offered,
    /// The bytes left for an upstream system, its answer is not known.
    Sent,
    /// 签收: the receiver answers for the case (or works beside the owner).
    Acknowledged,
    /// Over, by what came after it.
    Done,
    /// 退单, with a reason; an upstream's rejection is one.
    Refused,
    /// Taken back by the sender.
    Recalled,
    /// Not acknowledged in time: still open, on the supervisor's list.
    Expired,
    /// A required beside-handoff an officer did without, with a reason.
    Waived,
}

impl HandoffState {
    /// Whether the receiver has still to answer.
    #[must_use]
    pub const fn awaits_answer(self) -> bool {
        matches!(self, Self::Offered | Self::Sent | Self::Expired)
    }

    /// Whether it is on somebody's desk.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(
            self,
            Self::Offered | Self::Sent | Self::Expired | Self::Acknowledged
        )
    }
}

/// What a beside-handoff ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Opinion {
    /// 同意.
    Agree,
    /// 有条件同意.
    AgreeWithConditions,
    /// 不同意: binds nobody, the decision answers it.
    Object,
}

/// Why a handoff was refused (退单): the closed list; a text says the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RefusalReason {
    /// 不属于本单位职责: another organization is competent.
    NotOurDuty,
    /// 不属于本辖区: the place lies in another organization's area.
    NotOurArea,
    /// 移交材料不全: papers that were said to be handed over are missing.
    PapersMissing,
    /// 材料与清单不符: the papers are not those on the list.
    PapersDiffer,
    /// 重复移交: the same work lies here already.
    Duplicate,
    /// 其他, as the text says.
    Other,
}

/// A material (材料) on file: its code, and the salted commitment to what was handed in for it (a document by its hash).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandedMaterial {
    /// Code of the material in its item.
    pub material: String,
    /// Salted commitment, hex; `None`: it came after the submission, and its own line of the ledger attests it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
}

/// A handoff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handoff {
    /// Key.
    pub id: HandoffId,
    /// Position among the handoffs of the case, from 1.
    pub seq: i32,
    /// Version that acts on the handoff must name.
    pub version: i32,
    /// Kind.
    pub kind: HandoffKind,
    /// State.
    pub state: HandoffState,
    /// Whether the receiver becomes the owner; otherwise it works beside the owner.
    pub owning: bool,
    /// Whether the owner cannot go on before it is done.
    pub required: bool,
    /// Route step it leads into; `None` for hand-made ones.
    pub step: Option<usize>,
    /// Sender; `None` for the first, which comes from the applicant.
    pub from: Option<OrganizationId>,
    /// Receiver.
    pub to: OrganizationId,
    /// Upstream system the receiver is bound to; then the outbox delivers.
    pub upstream: Option<String>,
    /// What was handed over, by commitment (DOMAIN §4).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub materials: Vec<HandedMaterial>,
    /// Number of paper originals handed over.
    pub originals: u32,
    /// Number of the transfer slip (物料流转凭证).
    pub slip: Option<String>,
    /// Who offered it: subject of the token, or the gateway.
    pub offered_by: String,
    /// Who acknowledged it.
    pub acknowledged_by: Option<String>,
    /// When it was offered.
    #[serde(with = "chrono::serde::ts_microseconds")]
    pub offered_at: DateTime<Utc>,
    /// When the bytes left for the upstream system.
    #[serde(with = "chrono::serde::ts_microseconds_option", default)]
    pub sent_at: Option<DateTime<Utc>>,
    /// When it was acknowledged.
    #[serde(with = "chrono::serde::ts_microseconds_option", default)]
    pub acknowledged_at: Option<DateTime<Utc>>,
    /// When it ended.
    #[serde(with = "chrono::serde::ts_microseconds_option", default)]
    pub closed_at: Option<DateTime<Utc>>,
    /// What a beside-handoff ended with.
    pub opinion: Option<Opinion>,
    /// Why the receiver refused it; an upstream's rejection has none of the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_for: Option<RefusalReason>,
    /// Number of the admission (准入) by which a village-level organization could be given it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admission: Option<String>,
}

impl Handoff {
    /// Whether it hands over the step in which the case stands, with its rights, instead of leading into another.
    #[must_use]
    pub const fn keeps_step(&self) -> bool {
        matches!(self.kind, HandoffKind::Transfer | HandoffKind::Assign)
    }
}
