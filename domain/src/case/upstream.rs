//! News from upstream systems: it proposes an act, and what cannot become one is kept.

use serde_json::{Value, json};

use super::command::{Said, UpstreamNews};
use super::decide::Work;
use super::event::Event;
use super::news_version::NewsVersion;
use super::refusal::Refusal;
use super::review::Reasons;
use super::state::Outcome;
use crate::clock::ClockKind;
use crate::handoff::{Handoff, HandoffState};

/// What the applicant is told with a denial whose upstream names no remedy (行政许可法 art. 38).
const REMEDY: &str = "可自收到决定之日起六十日内依法申请行政复议，或者六个月内提起行政诉讼。";
/// What stands in place of reasons that an upstream's denial does not give.
const REASONS_UNSTATED: &str = "决定单位未在系统中说明理由，可向其索取书面决定。";

impl Work<'_> {
    /// Takes news in. Never refuses news of a known handoff: impossible or late news is kept and shown.
    pub(super) fn hear(&mut self, news: &UpstreamNews) -> Result<(), Refusal> {
        let handoff = self.handoff(news.handoff)?;
        if let Some(number) = &news.number
            && self.case.external_number(&news.upstream) != Some(number)
        {
            self.emit(Event::NumberGiven {
                upstream: news.upstream.clone(),
                number: number.clone(),
            });
        }
        if self.is_outdated(news) {
            self.keep(news, Order::OutOfOrder);
            return Ok(());
        }
        self.note_version(news);
        match &news.said {
            Said::Sent => {
                if handoff.state == HandoffState::Offered {
                    self.emit(Event::HandoffSent { handoff: handoff.id });
                }
            }
            Said::Received => self.received(news, &handoff),
            Said::Rejected { reason } => self.rejected(news, &handoff, reason),
            Said::Decided { outcome, reasons } => self.decided(news, &handoff, *outcome, reasons.as_deref()),
            Said::Note { .. } => self.keep(news, Order::InOrder),
        }
        Ok(())
    }

    /// Whether the system has proposed something newer since, by its own version.
    fn is_outdated(&self, news: &UpstreamNews) -> bool {
        match (self.version_heard(news), news.version) {
            (Some(newest), Some(version)) => version < newest,
            (None, _) | (_, None) => false,
        }
    }

    fn version_heard(&self, news: &UpstreamNews) -> Option<NewsVersion> {
        let number = news.number.as_ref()?;
        self.case
            .external_numbers
            .iter()
            .find(|external| external.upstream == news.upstream && external.number == *number)?
            .version
    }

    /// Only what proposes an act overtakes: a note changes nothing, so a decision that comes after it still counts.
    fn note_version(&mut self, news: &UpstreamNews) {
        let proposes = match news.said {
            Said::Received | Said::Rejected { .. } | Said::Decided { .. } => true,
            Said::Sent | Said::Note { .. } => false,
        };
        if let (true, Some(number), Some(version)) = (proposes, &news.number, news.version)
            && self.version_heard(news) != Some(version)
        {
            self.emit(Event::VersionHeard {
                upstream: news.upstream.clone(),
                number: number.clone(),
                version,
            });
        }
    }

    fn received(&mut self, news: &UpstreamNews, handoff: &Handoff) {
        if handoff.state.awaits_answer() {
            self.propose(news, |work| work.acknowledge(handoff.id));
        } else if !matches!(handoff.state, HandoffState::Acknowledged | HandoffState::Done)
            || handoff.acknowledged_at.is_none()
        {
            // it answers what was withdrawn or taken back meanwhile
            self.keep(news, Order::OutOfOrder);
        }
    }

    fn rejected(&mut self, news: &UpstreamNews, handoff: &Handoff, reason: &str) {
        if !handoff.state.awaits_answer() {
            self.keep(news, Order::OutOfOrder);
            return;
        }
        self.propose(news, |work| {
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

    fn decided(&mut self, news: &UpstreamNews, handoff: &Handoff, outcome: Outcome, reasons: Option<&str>) {
        let denied = outcome == Outcome::Denied;
        let reasons = reasons.or(denied.then_some(REASONS_UNSTATED));
        self.propose(news, |work| {
            // a decision says that the case was received, even when the answer to our sending was lost
            if handoff.owning && handoff.state.awaits_answer() {
                work.acknowledge(handoff.id)?;
            }
            if work.case.holding().is_none_or(|holding| holding.id != handoff.id) {
                return Err(Refusal::WrongOrganization);
            }
            work.decide_here(
                outcome,
                Reasons {
                    reasons,
                    remedy: denied.then_some(REMEDY),
                    objections: None,
                },
            )
        });
    }

    /// Lets news become an act; where that is impossible, everything is as before and the news is kept.
    fn propose(&mut self, news: &UpstreamNews, act: impl FnOnce(&mut Self) -> Result<(), Refusal>) {
        let (case, events) = (self.case.clone(), self.events.len());
        if act(self).is_err() {
            self.case = case;
            self.events.truncate(events);
            self.keep(news, Order::OutOfOrder);
        }
    }

    fn keep(&mut self, news: &UpstreamNews, order: Order) {
        let (said, private) = words(&news.said);
        self.emit_with(
            Event::NewsKept {
                upstream: news.upstream.clone(),
                handoff: news.handoff,
                said: said.to_owned(),
                out_of_order: order == Order::OutOfOrder,
            },
            private,
        );
    }
}

/// What was said as the ledger names it, and its texts, which are sealed beside.
fn words(said: &Said) -> (&'static str, Option<Value>) {
    match said {
        Said::Sent => ("SENT", None),
        Said::Received => ("RECEIVED", None),
        Said::Rejected { reason } => ("REJECTED", Some(json!({ "reason": reason }))),
        Said::Decided { outcome, reasons } => {
            ("DECIDED", Some(json!({ "outcome": outcome, "reasons": reasons })))
        }
        Said::Note { text } => ("NOTE", Some(json!({ "text": text }))),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    InOrder,
    OutOfOrder,
}
