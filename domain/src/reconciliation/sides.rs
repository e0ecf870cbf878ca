//! An open case and what a system says of it, side by side: which differences that makes.

use super::{DifferenceKind, There, UpstreamWord};
use crate::case::state::{Case, CaseStatus, Outcome};
use crate::clock::{CaseClock, ClockKind, ClockState};
use crate::handoff::Handoff;
use crate::route::HandoffKind;

/// An open case and an answer about it, side by side.
pub(super) struct Sides<'a> {
    case: &'a Case,
    handoff: &'a Handoff,
    word: UpstreamWord,
    outcome: Option<Outcome>,
    /// Whether the system answers for the case, and not only works beside the owner.
    holds: bool,
    /// Whether its grant was heard and waits for papers that are owed (容缺).
    grant_waits: bool,
}

impl<'a> Sides<'a> {
    pub(super) fn of(case: &'a Case, upstream: &str, handoff: &'a Handoff, there: &There) -> Self {
        let is_its = |holding: &Handoff| holding.upstream.as_deref() == Some(upstream);
        Self {
            case,
            handoff,
            word: there.word,
            outcome: there.outcome.or(there.word.outcome()),
            holds: case.holding().is_some_and(is_its),
            grant_waits: case
                .waiting_grant
                .as_ref()
                .is_some_and(|waiting| waiting.upstream == upstream),
        }
    }

    pub(super) fn kinds(&self) -> Vec<DifferenceKind> {
        let outcome = self.outcome_differs().then_some(DifferenceKind::OutcomeDiffers);
        let state = match self.word {
            UpstreamWord::Absent | UpstreamWord::Other => None,
            UpstreamWord::Rejected | UpstreamWord::Withdrawn => Some(DifferenceKind::WithdrawnThere),
            UpstreamWord::Received
            | UpstreamWord::Accepted
            | UpstreamWord::AwaitingSupplement
            | UpstreamWord::SpecialProcedure => self.under_way(),
            UpstreamWord::Granted | UpstreamWord::Denied => self.decided_there(),
            UpstreamWord::Completed => self.completed_there(),
            UpstreamWord::Delivered => self.delivered_there(),
        };
        outcome.into_iter().chain(state).collect()
    }

    /// A grid event is resolved where others are granted, and unfounded where others are denied.
    fn outcome_differs(&self) -> bool {
        let granted = |outcome| match outcome {
            Outcome::Granted | Outcome::Resolved => true,
            Outcome::Denied | Outcome::Unfounded => false,
        };
        match (self.case.outcome, self.outcome) {
            (Some(ours), Some(theirs)) => granted(ours) != granted(theirs),
            (None, _) | (_, None) => false,
        }
    }

    /// It works on the case. Beside the owner any such word fits.
    fn under_way(&self) -> Option<DifferenceKind> {
        if !self.holds {
            return None;
        }
        let says = |word: UpstreamWord| self.word == word;
        match self.case.status {
            CaseStatus::Decided | CaseStatus::Completed => {
                // what it took over after the decision begins anew there
                let anew = self.handoff.acknowledged_at > self.case.decided_at;
                (!anew).then_some(DifferenceKind::AheadHere)
            }
            CaseStatus::Submitted if says(UpstreamWord::Accepted) => Some(DifferenceKind::AheadThere),
            // an acceptance of ours reaches no other system, so its own is not missed
            CaseStatus::Submitted | CaseStatus::Accepted | CaseStatus::InReview => self.asked_there(),
            CaseStatus::AwaitingSupplement if says(UpstreamWord::AwaitingSupplement) => None,
            CaseStatus::AwaitingSupplement if says(UpstreamWord::Received) => Some(DifferenceKind::AheadHere),
            CaseStatus::AwaitingSupplement
                if says(UpstreamWord::Accepted) && self.case.accepted_at.is_none() =>
            {
                Some(DifferenceKind::AheadThere)
            }
            CaseStatus::AwaitingSupplement => Some(DifferenceKind::StateDiffers),
            CaseStatus::SpecialProcedure => {
                let over_there = !says(UpstreamWord::SpecialProcedure) && self.special_of_its_own();
                over_there.then_some(DifferenceKind::StateDiffers)
            }
            CaseStatus::Delivered
            | CaseStatus::NotAccepted
            | CaseStatus::Lapsed
            | CaseStatus::Withdrawn
            | CaseStatus::Voided => None,
        }
    }

    /// It waits for papers or is in a special procedure, and the case here is in neither: not heard, or over here only.
    fn asked_there(&self) -> Option<DifferenceKind> {
        let over_here = match self.word {
            UpstreamWord::AwaitingSupplement => !self.case.supplements.is_empty(),
            UpstreamWord::SpecialProcedure => {
                let mut clocks = self.case.clocks.iter();
                clocks.any(|clock| clock.kind == ClockKind::Special)
            }
            UpstreamWord::Absent
            | UpstreamWord::Received
            | UpstreamWord::Accepted
            | UpstreamWord::Granted
            | UpstreamWord::Denied
            | UpstreamWord::Completed
            | UpstreamWord::Delivered
            | UpstreamWord::Rejected
            | UpstreamWord::Withdrawn
            | UpstreamWord::Other => return None,
        };
        Some(if over_here {
            DifferenceKind::StateDiffers
        } else {
            DifferenceKind::AheadThere
        })
    }

    /// Whether the special procedure was begun by a word of it. A step of the route that does not count is one by itself,
    /// from the moment it is signed for, and its system knows nothing of that.
    fn special_of_its_own(&self) -> bool {
        let running =
            |clock: &&CaseClock| clock.kind == ClockKind::Special && clock.state != ClockState::Stopped;
        let begun = self.case.clocks.iter().rev().find(running);
        let signed = self.case.holding().and_then(|holding| holding.acknowledged_at);
        begun.is_some_and(|clock| Some(clock.started_at) != signed)
    }

    fn decided_there(&self) -> Option<DifferenceKind> {
        let awaited = self.holds && self.case.decided_at.is_none();
        (awaited && !self.heard_and_waits()).then_some(DifferenceKind::AheadThere)
    }

    fn completed_there(&self) -> Option<DifferenceKind> {
        // completion of the result's handover says nothing: the case itself was completed under the same number
        let beside = !self.handoff.owning && self.handoff.kind != HandoffKind::Delivery;
        if beside {
            return Some(DifferenceKind::AheadThere);
        }
        self.decided_there()
    }

    fn delivered_there(&self) -> Option<DifferenceKind> {
        let its_to_deliver = self.holds || self.handoff.kind == HandoffKind::Delivery;
        (its_to_deliver && !self.heard_and_waits()).then_some(DifferenceKind::AheadThere)
    }

    fn heard_and_waits(&self) -> bool {
        self.grant_waits && self.outcome != Some(Outcome::Denied)
    }
}
