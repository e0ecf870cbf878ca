//! What other systems can be told of a case: the closed list of what happens to it that concerns them.

use serde::{Deserialize, Serialize};

use crate::actor::ActorKind;
use crate::case::command::By;
use crate::case::event::Event;
use crate::case::state::Case;
use crate::handoff::Handoff;
use crate::id::OrganizationId;

/// What a notice to another system tells: that a case changed its state or its hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum NoticeKind {
    /// 收件: the papers were taken in.
    Submitted,
    /// A handoff was offered.
    HandedOver,
    /// 签收: a handoff was signed for.
    TakenOver,
    /// 退单: a handoff was sent back.
    HandedBack,
    /// A handoff was taken back before anybody signed for it.
    Recalled,
    /// 受理, also by silence (视为受理).
    Accepted,
    /// 不予受理, or sent to the competent office.
    NotAccepted,
    /// 补正告知.
    SupplementRequested,
    /// 补正: what was asked for has come.
    Supplemented,
    /// The supplement did not come in time.
    Lapsed,
    /// 撤回, by the applicant.
    Withdrawn,
    /// 作废, by a supervisor.
    Voided,
    /// 审查 began.
    ReviewBegun,
    /// 特别程序 began: the clocks stand still.
    SpecialProcedureBegun,
    /// It ended.
    SpecialProcedureEnded,
    /// 延长审批.
    Extended,
    /// 决定.
    Decided,
    /// 办结.
    Completed,
    /// The result was handed over.
    Delivered,
    /// 核查: a grid event was checked.
    GridChecked,
    /// A completed grid event was opened again.
    Reopened,
    /// 承接: a successor took the work over.
    WorkTakenOver,
}

impl NoticeKind {
    /// All kinds.
    pub const ALL: [Self; 22] = [
        Self::Submitted,
        Self::HandedOver,
        Self::TakenOver,
        Self::HandedBack,
        Self::Recalled,
        Self::Accepted,
        Self::NotAccepted,
        Self::SupplementRequested,
        Self::Supplemented,
        Self::Lapsed,
        Self::Withdrawn,
        Self::Voided,
        Self::ReviewBegun,
        Self::SpecialProcedureBegun,
        Self::SpecialProcedureEnded,
        Self::Extended,
        Self::Decided,
        Self::Completed,
        Self::Delivered,
        Self::GridChecked,
        Self::Reopened,
        Self::WorkTakenOver,
    ];

    /// What an event is to other systems; `None`: it does not concern them.
    #[must_use]
    pub const fn of(event: &Event) -> Option<Self> {
        Some(match event {
            Event::Submitted(_) => Self::Submitted,
            Event::HandoffOffered { .. } => Self::HandedOver,
            Event::HandoffAcknowledged { .. } => Self::TakenOver,
            Event::HandoffRefused { .. } => Self::HandedBack,
            Event::HandoffRecalled { .. } => Self::Recalled,
            Event::Accepted | Event::DeemedAccepted { .. } => Self::Accepted,
            Event::Declined { .. } => Self::NotAccepted,
            Event::SupplementRequested { .. } => Self::SupplementRequested,
            Event::Supplemented => Self::Supplemented,
            Event::Lapsed => Self::Lapsed,
            Event::Withdrawn => Self::Withdrawn,
            Event::Voided => Self::Voided,
            Event::ReviewBegun => Self::ReviewBegun,
            Event::SpecialProcedureBegun { .. } => Self::SpecialProcedureBegun,
            Event::SpecialProcedureEnded => Self::SpecialProcedureEnded,
            Event::Extended { .. } => Self::Extended,
            Event::Decided { .. } => Self::Decided,
            Event::Completed => Self::Completed,
            Event::Delivered => Self::Delivered,
            Event::GridChecked { .. } => Self::GridChecked,
            Event::Reopened => Self::Reopened,
            Event::WorkTakenOver { .. } => Self::WorkTakenOver,
            Event::HandoffSent { .. }
            | Event::HandoffDone { .. }
            | Event::HandoffExpired { .. }
            | Event::HandoffWaived { .. }
            | Event::ClockStarted { .. }
            | Event::ClockMoved { .. }
            | Event::ClockStopped { .. }
            | Event::ClockExtended { .. }
            | Event::ClockRecomputed { .. }
            | Event::MaterialsOwed { .. }
            | Event::OwedMissed { .. }
            | Event::MaterialsBrought { .. }
            | Event::Closed
            | Event::Evaluated { .. }
            | Event::EvaluationAnswered { .. }
            | Event::HandoffEvaluated { .. }
            | Event::CardRaised { .. }
            | Event::CardAppealed { .. }
            | Event::CardCancelled { .. }
            | Event::HolderReminded { .. }
            | Event::SupervisionOrdered { .. }
            | Event::SupervisionAnswered { .. }
            | Event::NumberGiven { .. }
            | Event::VersionHeard { .. }
            | Event::UpstreamTold { .. }
            | Event::DeliveryResolved { .. }
            | Event::NewsKept { .. } => return None,
        })
    }

    /// The kind as configuration files write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "SUBMITTED",
            Self::HandedOver => "HANDED_OVER",
            Self::TakenOver => "TAKEN_OVER",
            Self::HandedBack => "HANDED_BACK",
            Self::Recalled => "RECALLED",
            Self::Accepted => "ACCEPTED",
            Self::NotAccepted => "NOT_ACCEPTED",
            Self::SupplementRequested => "SUPPLEMENT_REQUESTED",
            Self::Supplemented => "SUPPLEMENTED",
            Self::Lapsed => "LAPSED",
            Self::Withdrawn => "WITHDRAWN",
            Self::Voided => "VOIDED",
            Self::ReviewBegun => "REVIEW_BEGUN",
            Self::SpecialProcedureBegun => "SPECIAL_PROCEDURE_BEGUN",
            Self::SpecialProcedureEnded => "SPECIAL_PROCEDURE_ENDED",
            Self::Extended => "EXTENDED",
            Self::Decided => "DECIDED",
            Self::Completed => "COMPLETED",
            Self::Delivered => "DELIVERED",
            Self::GridChecked => "GRID_CHECKED",
            Self::Reopened => "REOPENED",
            Self::WorkTakenOver => "WORK_TAKEN_OVER",
        }
    }
}

/// The organization that acted, as others are told: where a system spoke, the one that it speaks for. `None`: the applicant,
/// or the gateway by itself.
#[must_use]
pub fn acted(case: &Case, by: &By) -> Option<OrganizationId> {
    let spoken_for = || {
        let given = |handoff: &&Handoff| handoff.upstream.as_ref() == Some(&by.subject);
        let last = case.handoffs.iter().rev().find(given)?;
        (by.kind == ActorKind::Upstream).then_some(last.to)
    };
    by.organization.or_else(spoken_for)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::event::Ground;
    use crate::case::state::Outcome;

    #[test]
    fn the_names_are_those_of_configuration_files_and_each_kind_has_one() {
        let mut names = std::collections::BTreeSet::new();
        for kind in NoticeKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            assert!(names.insert(kind.as_str()), "{kind:?}");
        }
        let told = names.into_iter().collect::<Vec<_>>().join(" ");
        assert_eq!(
            told,
            "ACCEPTED COMPLETED DECIDED DELIVERED EXTENDED GRID_CHECKED HANDED_BACK HANDED_OVER LAPSED NOT_ACCEPTED \
             RECALLED REOPENED REVIEW_BEGUN SPECIAL_PROCEDURE_BEGUN SPECIAL_PROCEDURE_ENDED SUBMITTED SUPPLEMENTED \
             SUPPLEMENT_REQUESTED TAKEN_OVER VOIDED WITHDRAWN WORK_TAKEN_OVER"
        );
    }

    #[test]
    fn what_changes_state_or_hands_is_told_and_nothing_else() {
        let told = [
            (Event::Accepted, Some(NoticeKind::Accepted)),
            (
                Event::DeemedAccepted {
                    since: chrono::DateTime::UNIX_EPOCH,
                },
                Some(NoticeKind::Accepted),
            ),
            (
                Event::Declined {
                    ground: Ground::Refused,
                    to: None,
                },
                Some(NoticeKind::NotAccepted),
            ),
            (
                Event::Decided {
                    outcome: Outcome::Granted,
                },
                Some(NoticeKind::Decided),
            ),
            (Event::Completed, Some(NoticeKind::Completed)),
            (Event::Withdrawn, Some(NoticeKind::Withdrawn)),
            // that it is over follows from DELIVERED
            (Event::Closed, None),
            (
                Event::NumberGiven {
                    upstream: "county".to_owned(),
                    number: "HR-7".to_owned(),
                },
                None,
            ),
        ];
        for (event, expected) in told {
            assert_eq!(NoticeKind::of(&event), expected, "{}", event.name());
        }
    }
}
