//! News from upstream systems: it proposes an act, and what cannot become one is kept.

use serde_json::{Value, json};

use super::command::{Said, UpstreamNews};
use super::decide::Work;
use super::event::Event;
use super::refusal::Refusal;
use crate::handoff::{Handoff, HandoffState};

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
        match &news.said {
            Said::Sent => {
                if handoff.state == HandoffState::Offered {
                    self.emit(Event::HandoffSent { handoff: handoff.id });
                }
                Ok(())
            }
            Said::Received => self.received(news, &handoff),
            Said::Rejected { reason } => {
                self.rejected(news, &handoff, reason);
                Ok(())
            }
            Said::Decided { outcome, reasons } => self.decided(news, &handoff, *outcome, reasons.as_deref()),
            Said::Note { text } => {
                self.keep(news, "NOTE", Order::InOrder, Some(json!({ "text": text })));
                Ok(())
            }
        }
    }

    fn received(&mut self, news: &UpstreamNews, handoff: &Handoff) -> Result<(), Refusal> {
        if handoff.state.awaits_answer() {
            return self.acknowledge(handoff.id);
        }
        if !matches!(handoff.state, HandoffState::Acknowledged | HandoffState::Done) {
            self.keep(news, "RECEIVED", Order::OutOfOrder, None);
        }
        Ok(())
    }

    fn rejected(&mut self, news: &UpstreamNews, handoff: &Handoff, reason: &str) {
        let private = Some(json!({ "reason": reason }));
        if !handoff.state.awaits_answer() {
            self.keep(news, "REJECTED", Order::OutOfOrder, private);
            return;
        }
        self.stop_clocks(|clock| {
            clock.kind == crate::clock::ClockKind::HandoffAck && clock.handoff == Some(handoff.id)
        });
        self.emit_with(Event::HandoffRefused { handoff: handoff.id }, private);
    }

    fn decided(
        &mut self,
        news: &UpstreamNews,
        handoff: &Handoff,
        outcome: super::state::Outcome,
        reasons: Option<&str>,
    ) -> Result<(), Refusal> {
        let (case, events) = (self.case.clone(), self.events.len());
        // a decision says that the case was received, even when the answer to our sending was lost
        if handoff.owning && handoff.state.awaits_answer() {
            self.acknowledge(handoff.id)?;
        }
        let holds = self
            .case
            .holding()
            .is_some_and(|holding| holding.id == handoff.id);
        let done = if holds {
            self.decide_here(outcome, reasons, None)
        } else {
            Err(Refusal::WrongOrganization)
        };
        if done.is_err() {
            self.case = case;
            self.events.truncate(events);
            self.keep(
                news,
                "DECIDED",
                Order::OutOfOrder,
                Some(json!({ "outcome": outcome, "reasons": reasons })),
            );
        }
        Ok(())
    }

    fn keep(&mut self, news: &UpstreamNews, said: &str, order: Order, private: Option<Value>) {
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

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    InOrder,
    OutOfOrder,
}
