//! What each word of an upstream system proposes, and which words it implies.

use serde_json::json;

use super::command::By;
use super::decide::Work;
use super::event::Event;
use super::refusal::{Refusal, Why};
use super::review::Reasons;
use super::state::{CaseStatus, Outcome};
use super::upstream::{Heard, Kept};
use crate::actor::ActorKind;
use crate::clock::ClockKind;
use crate::handoff::{HandoffState, Opinion};
use crate::route::HandoffKind;

/// What the applicant is told with a denial whose upstream names no remedy (行政许可法 art. 38).
const REMEDY: &str = "可自收到决定之日起六十日内依法申请行政复议，或者六个月内提起行政诉讼。";
/// What stands in place of reasons that an upstream's denial does not give.
const REASONS_UNSTATED: &str = "决定单位未在系统中说明理由，可向其索取书面决定。";
/// What stands in place of words that an act needs and the upstream does not give.
const WORDS_UNSTATED: &str = "该单位未在系统中附文字说明，可向其查询。";
/// 延长审批 among the special procedures (GB/T 39046-2020 annex A): more time, which needs an approver here.
const EXTENSION: &str = "1";

impl Work<'_> {
    /// 签收.
    pub(super) fn received(&mut self, said: Heard<'_>) {
        self.overtake(said.news);
        let handoff = said.handoff;
        if handoff.state.awaits_answer() {
            self.propose(said, |work| work.acknowledge(handoff.id));
        } else if !matches!(handoff.state, HandoffState::Acknowledged | HandoffState::Done)
            || handoff.acknowledged_at.is_none()
        {
            // it answers what was withdrawn or taken back meanwhile
            self.keep(said, Kept::OutOfOrder);
        }
    }

    /// 退单.
    pub(super) fn rejected(&mut self, said: Heard<'_>, reason: &str) {
        self.overtake(said.news);
        let handoff = said.handoff;
        if !handoff.state.awaits_answer() {
            self.keep(said, Kept::OutOfOrder);
            return;
        }
        self.propose(said, |work| {
            work.stop_clocks(|clock| {
                clock.kind == ClockKind::HandoffAck && clock.handoff == Some(handoff.id)
            });
            let private = json!({ "reason": reason });
            work.emit_with(
                Event::HandoffRefused {
                    handoff: handoff.id,
                    reason: None,
                },
                Some(private),
            );
            work.resume_step_when_free()
        });
    }

    /// 受理. An office whose own system takes in what another has accepted before says nothing new.
    pub(super) fn accepted(&mut self, said: Heard<'_>) {
        if self.case.accepted_at.is_some() {
            self.keep(said, Kept::InOrder);
            return;
        }
        self.propose_in_name(said, |work| work.accept(false, &[]));
    }

    /// 补正告知. What the item has no code for is asked for in words.
    pub(super) fn papers_asked_for(&mut self, said: Heard<'_>, materials: &[String], text: &str) {
        let ours = |code: &&String| {
            self.cx
                .item
                .materials
                .iter()
                .any(|material| material.code == **code)
        };
        let (known, foreign): (Vec<&String>, Vec<&String>) = materials.iter().partition(ours);
        let known: Vec<String> = known.into_iter().cloned().collect();
        let text = match foreign.as_slice() {
            [] => text.to_owned(),
            foreign => {
                let named: Vec<&str> = foreign.iter().map(|code| code.as_str()).collect();
                format!("{text}（{}）", named.join("、"))
            }
        };
        let text = (!text.trim().is_empty()).then_some(text);
        self.propose_in_name(said, |work| work.request_supplement(&known, text.as_deref()));
    }

    /// 特别程序. One that the case is in already says nothing new; of kind 1 is more time, which no system can take.
    pub(super) fn special_begun(
        &mut self,
        said: Heard<'_>,
        kind: Option<&str>,
        working_days: Option<u32>,
        text: &str,
    ) {
        if self.case.status == CaseStatus::SpecialProcedure {
            self.keep(said, Kept::InOrder);
            return;
        }
        if kind == Some(EXTENSION) {
            self.keep(said, Kept::OutOfOrder);
            return;
        }
        let text = worded(text);
        self.propose_in_name(said, |work| work.begin_special(text, working_days));
    }

    /// 决定. It says that whatever comes before a decision has been: the case was received, accepted where the deciding
    /// office accepts, and its special procedure is over.
    pub(super) fn decided(&mut self, said: Heard<'_>, outcome: Outcome, reasons: Option<&str>) {
        self.overtake(said.news);
        // systems say yes or no, whatever kind of case they are asked about
        let outcome = outcome.in_words_of(self.case.kind);
        let denied = outcome == Outcome::Denied;
        let texts = Reasons {
            reasons: reasons.or(denied.then_some(REASONS_UNSTATED)),
            remedy: denied.then_some(REMEDY),
            objections: None,
        };
        let handoff = said.handoff;
        let heard = self.attempt(|work| {
            if handoff.owning && handoff.state.awaits_answer() {
                work.acknowledge(handoff.id)?;
            }
            if work.case.holding().is_none_or(|holding| holding.id != handoff.id) {
                return Err(Refusal::WrongOrganization);
            }
            let accepts = handoff.step.is_some() && work.cx.item.accepting_step() == handoff.step;
            if work.case.status == CaseStatus::Submitted && accepts {
                work.accept_since(work.cx.now, Event::Accepted)?;
            }
            if work.case.status == CaseStatus::SpecialProcedure {
                work.leave_special()?;
            }
            work.decide_here(outcome, texts)
        });
        match heard {
            Ok(()) => {}
            Err(Refusal::IllegalAct {
                why: Why::StillOwed, ..
            }) => self.keep(said, Kept::UntilPapersCome),
            Err(_) => self.keep(said, Kept::OutOfOrder),
        }
    }

    /// The answer to 会签, 联审, 征求意见 or 上报.
    pub(super) fn opinion_given(&mut self, said: Heard<'_>, opinion: Opinion, text: &str) {
        let handoff = said.handoff;
        let needs_words = handoff.kind == HandoffKind::Escalate || opinion != Opinion::Agree;
        let text = if needs_words {
            Some(worded(text))
        } else {
            Some(text).filter(|text| !text.trim().is_empty())
        };
        self.propose_in_name(said, |work| work.finish_beside(handoff.id, Some(opinion), text));
    }

    /// Its part is done: ends a step beside or behind the decision. Of the case itself completion follows here by itself.
    pub(super) fn finished(&mut self, said: Heard<'_>) {
        let handoff = said.handoff;
        if handoff.owning || handoff.kind == HandoffKind::Delivery {
            self.keep(said, Kept::InOrder);
            return;
        }
        self.propose_in_name(said, |work| work.finish_beside(handoff.id, None, None));
    }

    /// A grant that waited for owed papers is repeated as soon as nothing stands in its way, by whatever act that comes.
    pub(super) fn repeat_waiting_grant(&mut self) {
        let Some(waiting) = self.case.waiting_grant.clone() else {
            return;
        };
        let holds = self
            .case
            .holding()
            .is_some_and(|holding| holding.id == waiting.handoff);
        if !holds || self.case.outstanding().next().is_some() {
            return;
        }
        let system = By {
            kind: ActorKind::Upstream,
            subject: waiting.upstream,
            organization: None,
            on_behalf_of: None,
        };
        let by = std::mem::replace(&mut self.cx.by, system);
        // what still stands in its way will be gone with another act
        let _still_impossible = self
            .attempt(|work| work.decide_here(Outcome::Granted, Reasons::default()))
            .err();
        self.cx.by = by;
    }

    /// Lets news become an act; where that is impossible the news is kept.
    fn propose(&mut self, said: Heard<'_>, act: impl FnOnce(&mut Self) -> Result<(), Refusal>) {
        if !said.may_be_proposed() || self.attempt(act).is_err() {
            self.keep(said, Kept::OutOfOrder);
        }
    }
}

fn worded(text: &str) -> &str {
    if text.trim().is_empty() {
        WORDS_UNSTATED
    } else {
        text
    }
}
