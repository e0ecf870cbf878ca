//! 对账: what differs between a case as it stands here and what an agency's system says of it now.
//!
//! A comparison changes nothing and proposes nothing. It is careful to speak: what is still on its way in either direction
//! is no difference, and where the words of the two sides do not tell them apart, they count as alike.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::case::state::{Case, CaseStatus, Outcome};
use crate::handoff::{Handoff, HandoffState};
use crate::id::{CaseId, DifferenceId, HandoffId, ReconciliationId};
use crate::tracking::TrackingCode;

mod sides;

use sides::Sides;

/// How a case stands at an agency's system, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UpstreamWord {
    /// The system does not know the case.
    Absent,
    /// Taken over.
    Received,
    /// Accepted (受理).
    Accepted,
    /// It waits for papers (补正).
    AwaitingSupplement,
    /// In a special procedure (特别程序).
    SpecialProcedure,
    /// Granted.
    Granted,
    /// Denied.
    Denied,
    /// Completed (办结).
    Completed,
    /// The result is collected (送达).
    Delivered,
    /// Given back.
    Rejected,
    /// Stopped: it works on it no more (撤回).
    Withdrawn,
    /// Something the door has no word for.
    Other,
}

/// What differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DifferenceKind {
    /// 对方无此件: it took the case over, and does not know it.
    AbsentThere,
    /// 编号不一致: it has the case under another number than the one it gave us.
    NumberDiffers,
    /// 对方已有进展: it is further than what was heard here.
    AheadThere,
    /// 对方落后: what was heard here is more than what it says now.
    AheadHere,
    /// 状态不一致: both wait for different things (papers, a special procedure), and neither is ahead.
    StateDiffers,
    /// 结果不一致: granted on one side, denied on the other.
    OutcomeDiffers,
    /// 对方已停止办理: it withdrew the case or gave it back, and that was not heard.
    WithdrawnThere,
    /// 本方已结、对方仍在办: the case ended here before its time, and it still works on it.
    OpenThereClosedHere,
}

impl DifferenceKind {
    /// All kinds.
    pub const ALL: [Self; 8] = [
        Self::AbsentThere,
        Self::NumberDiffers,
        Self::AheadThere,
        Self::AheadHere,
        Self::StateDiffers,
        Self::OutcomeDiffers,
        Self::WithdrawnThere,
        Self::OpenThereClosedHere,
    ];

    /// The difference in a sentence with the way out, in Chinese and English.
    #[must_use]
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::AbsentThere => (
                "对方系统查无此件：本方记录其已签收，请与对方核实后重新移交或收回。",
                "The system does not know the case, though it took it over; ask the other office, then hand it over again \
                 or take it back.",
            ),
            Self::NumberDiffers => (
                "对方系统中的流水号与本方记录不同：可能重复立件，请与对方核对编号。",
                "The system has the case under another number, perhaps twice; settle with the other office which one \
                 holds.",
            ),
            Self::AheadThere => (
                "对方系统的进展本方尚未收到：请对方重发回执，或由本方代为登记。",
                "The system is further than was heard here; ask the other office to report again, or record it in its \
                 name.",
            ),
            Self::AheadHere => (
                "本方收到的进展多于对方系统现有记录：请与对方核实其系统是否回退或漏记。",
                "More was heard here than the system says now; ask the other office whether its record was set back.",
            ),
            Self::StateDiffers => (
                "双方等待的事项不同（补正或特别程序）：请与对方核实。",
                "The two sides wait for different things (papers or a special procedure); ask the other office.",
            ),
            Self::OutcomeDiffers => (
                "双方记录的办理结果不同：请立即与对方核实，以书面决定为准。",
                "One side has it granted and the other denied; settle it with the other office at once, by the written \
                 decision.",
            ),
            Self::WithdrawnThere => (
                "对方系统已停止办理或退件，本方未收到：请与对方核实后收回或改派。",
                "The system stopped work or gave the case back, and that was not heard; ask the other office, then hand \
                 it to who is competent.",
            ),
            Self::OpenThereClosedHere => (
                "本方已终止，对方系统仍在办理：请告知对方停止办理。",
                "The case ended here and the system still works on it; tell the other office to stop.",
            ),
        }
    }
}

/// A case as a system has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct There {
    /// The system's number of the case.
    pub number: String,
    /// How it stands.
    pub word: UpstreamWord,
    /// What it decided, GRANTED or DENIED; `None`: nothing, or it does not say.
    pub outcome: Option<Outcome>,
    /// When it came into that state; `None`: it does not say.
    pub changed_at: Option<DateTime<Utc>>,
}

/// What a system answers when it is asked for a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// It does not know it.
    Absent,
    /// It has it.
    Found(There),
}

/// What else is known at the moment of the comparison.
#[derive(Debug, Clone, Copy)]
pub struct Around {
    /// Whether something about the case is still to be told to the system, or in doubt.
    pub undelivered: bool,
    /// Whether news of the system about the case lies in the inbox.
    pub news_waits: bool,
    /// Now.
    pub now: DateTime<Utc>,
    /// How long what moved on either side may be on its way to the other.
    pub settles_within: TimeDelta,
}

/// What differs, on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What.
    pub kind: DifferenceKind,
    /// How the case stands here.
    pub ours: CaseStatus,
    /// How it stands there.
    pub theirs: UpstreamWord,
    /// The system's number as it says it now; `None` when it does not know the case.
    pub number: Option<String>,
}

/// What a comparison comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Comparison {
    /// Nothing differs.
    Alike,
    /// Something is on its way between the two: nothing is said.
    Unsettled,
    /// This differs.
    Differs(Vec<Difference>),
}

/// Why a run was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RunCause {
    /// By itself, once a night.
    Nightly,
    /// Somebody asked for it.
    OnDemand,
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RunState {
    /// Asked for; no replica has begun.
    Waiting,
    /// Under way, or pausing because the system rests.
    Running,
    /// Every case was asked for.
    Done,
    /// Given up: the system refuses to be asked, or did not answer for most of a day.
    Failed,
    /// The system's protocol has no such question.
    NotAskable,
}

impl RunState {
    /// Whether nothing more comes of it.
    #[must_use]
    pub const fn is_over(self) -> bool {
        match self {
            Self::Waiting | Self::Running => false,
            Self::Done | Self::Failed | Self::NotAskable => true,
        }
    }
}

/// One comparison of all open cases with one system (对账).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconciliation {
    /// Key.
    pub id: ReconciliationId,
    /// Name of the system.
    pub upstream: String,
    /// Why it was begun.
    pub cause: RunCause,
    /// Subject of who asked for it; `None`: nobody.
    pub requested_by: Option<String>,
    /// How it stands.
    pub state: RunState,
    /// When it was asked for, or due.
    pub requested_at: DateTime<Utc>,
    /// When it was begun.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Cases asked for so far.
    pub checked: u32,
    /// Of these with a difference.
    pub differing: u32,
    /// Of these without a readable answer.
    pub unanswered: u32,
    /// Of these with something on its way between the two sides.
    pub unsettled: u32,
    /// Differences of earlier runs that are gone.
    pub resolved: u32,
    /// Why it failed, as a code.
    pub reason: Option<String>,
    /// The last case asked for; the run goes on behind it.
    pub cursor: Option<CaseId>,
}

/// A difference in a list. It stays one as long as each run finds it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DifferenceEntry {
    /// Key.
    pub id: DifferenceId,
    /// Name of the system.
    pub upstream: String,
    /// The case.
    pub case: CaseId,
    /// Its tracking code.
    pub tracking: TrackingCode,
    /// The handoff by which the system has it.
    pub handoff: HandoffId,
    /// What differs, as the last run found it.
    pub difference: Difference,
    /// When the system said so last.
    pub as_of: DateTime<Utc>,
    /// When a run first found it.
    pub first_seen_at: DateTime<Utc>,
    /// When a run last found it.
    pub last_seen_at: DateTime<Utc>,
    /// When a run found it gone; `None`: it stands.
    pub resolved_at: Option<DateTime<Utc>>,
}

/// The handoff that a system's answer about a case is about: the last it took over; of a closed case the last it ever had.
/// `None`: it never had the case, or its part is over.
#[must_use]
pub fn spoken_of<'a>(case: &'a Case, upstream: &str) -> Option<&'a Handoff> {
    let of_system = |handoff: &&Handoff| handoff.upstream.as_deref() == Some(upstream);
    let had = |handoff: &&Handoff| match (case.is_closed(), handoff.acknowledged_at) {
        (true, taken) => taken.is_some(),
        (false, _) => handoff.state == HandoffState::Acknowledged,
    };
    case.handoffs.iter().rev().filter(of_system).find(had)
}

/// Compares a case with what a system says of it.
#[must_use]
pub fn compare(case: &Case, upstream: &str, told: &Told, around: &Around) -> Comparison {
    let Some(handoff) = spoken_of(case, upstream) else {
        return Comparison::Alike;
    };
    if around.undelivered {
        return Comparison::Unsettled;
    }
    let found = differences(case, upstream, handoff, told);
    if found.is_empty() {
        return Comparison::Alike;
    }
    if around.news_waits || moved_lately(case, handoff, told, around) {
        return Comparison::Unsettled;
    }
    Comparison::Differs(found)
}

/// The night whose hour struck last, as a day in Beijing.
#[must_use]
pub fn night_of(now: DateTime<Utc>, at: NaiveTime) -> NaiveDate {
    let beijing = (now + TimeDelta::hours(8)).naive_utc();
    let today = beijing.date();
    if beijing.time() >= at {
        today
    } else {
        today.checked_sub_days(Days::new(1)).unwrap_or(today)
    }
}

/// Whether either side moved so lately that the other need not know yet.
fn moved_lately(case: &Case, handoff: &Handoff, told: &Told, around: &Around) -> bool {
    let there = match told {
        Told::Absent => None,
        Told::Found(there) => there.changed_at,
    };
    let moves = [
        there,
        handoff.acknowledged_at,
        handoff.closed_at,
        case.decided_at,
        case.accepted_at,
    ];
    moves
        .into_iter()
        .flatten()
        .any(|moved| (around.now - moved).abs() < around.settles_within)
}

fn differences(case: &Case, upstream: &str, handoff: &Handoff, told: &Told) -> Vec<Difference> {
    let there = match told {
        // what ended here may be forgotten there
        Told::Absent if case.is_closed() => return Vec::new(),
        Told::Absent => {
            return vec![Difference {
                kind: DifferenceKind::AbsentThere,
                ours: case.status,
                theirs: UpstreamWord::Absent,
                number: None,
            }];
        }
        Told::Found(there) => there,
    };
    let other_number = case
        .external_number(upstream)
        .is_some_and(|number| number != there.number);
    let kinds = if other_number {
        // how another case stands there says nothing of ours
        vec![DifferenceKind::NumberDiffers]
    } else if case.is_closed() {
        still_worked_on(case, there).into_iter().collect()
    } else {
        Sides::of(case, upstream, handoff, there).kinds()
    };
    let difference = |kind| Difference {
        kind,
        ours: case.status,
        theirs: there.word,
        number: Some(there.number.clone()),
    };
    kinds.into_iter().map(difference).collect()
}

/// A case that ended before its time, and on which the system still works. One that took its course is not looked at: a
/// system that was handed the result as well may go on saying so.
const fn still_worked_on(case: &Case, there: &There) -> Option<DifferenceKind> {
    let stopped = match case.status {
        CaseStatus::NotAccepted | CaseStatus::Lapsed | CaseStatus::Withdrawn | CaseStatus::Voided => true,
        CaseStatus::Submitted
        | CaseStatus::AwaitingSupplement
        | CaseStatus::Accepted
        | CaseStatus::InReview
        | CaseStatus::SpecialProcedure
        | CaseStatus::Decided
        | CaseStatus::Completed
        | CaseStatus::Delivered => false,
    };
    if stopped && there.word.is_under_way() {
        Some(DifferenceKind::OpenThereClosedHere)
    } else {
        None
    }
}

impl UpstreamWord {
    /// Whether the system works on the case and has not decided.
    #[must_use]
    pub const fn is_under_way(self) -> bool {
        match self {
            Self::Received | Self::Accepted | Self::AwaitingSupplement | Self::SpecialProcedure => true,
            Self::Absent
            | Self::Granted
            | Self::Denied
            | Self::Completed
            | Self::Delivered
            | Self::Rejected
            | Self::Withdrawn
            | Self::Other => false,
        }
    }

    const fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Granted => Some(Outcome::Granted),
            Self::Denied => Some(Outcome::Denied),
            Self::Absent
            | Self::Received
            | Self::Accepted
            | Self::AwaitingSupplement
            | Self::SpecialProcedure
            | Self::Completed
            | Self::Delivered
            | Self::Rejected
            | Self::Withdrawn
            | Self::Other => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_begins_when_its_hour_strikes_in_beijing() {
        let at = NaiveTime::from_hms_opt(2, 30, 0).unwrap();
        for (now, night) in [
            // 02:29:59 in Beijing
            ("2026-03-01T18:29:59Z", "2026-03-01"),
            ("2026-03-01T18:30:00Z", "2026-03-02"),
            ("2026-03-02T15:59:59Z", "2026-03-02"),
            // midnight in Beijing
            ("2026-03-02T16:00:00Z", "2026-03-02"),
            ("2026-02-28T18:30:00Z", "2026-03-01"),
        ] {
            let found = night_of(now.parse().unwrap(), at);
            assert_eq!(found.to_string(), night, "{now}");
        }
    }

    #[test]
    fn every_kind_says_what_to_do_in_both_languages() {
        for kind in DifferenceKind::ALL {
            let (zh, en) = kind.words();
            assert!(zh.ends_with('。') && en.ends_with('.'), "{kind:?}");
        }
    }
}
