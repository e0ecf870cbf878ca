//! News from upstream systems: it proposes an act, and what cannot become one is kept.

use serde_json::{Value, json};

use super::command::{Said, UpstreamNews};
use super::decide::Work;
use super::event::Event;
use super::news_version::NewsVersion;
use super::refusal::Refusal;
use crate::actor::ActorKind;
use crate::delivery::DeliveryKind;
use crate::handoff::{Handoff, HandoffState};
use crate::policy::{self, Scope, grant};
use crate::route::HandoffKind;

impl Work<'_> {
    /// Takes news in. Never refuses news of a known handoff: impossible or late news is kept and shown.
    pub(super) fn hear(&mut self, news: &UpstreamNews) -> Result<(), Refusal> {
        let handoff = self.spoken_of(news)?;
        if let Some(number) = &news.number
            && self.case.external_number(&news.upstream) != Some(number)
        {
            self.emit(Event::NumberGiven {
                upstream: news.upstream.clone(),
                number: number.clone(),
            });
        }
        let said = Heard {
            news,
            handoff: &handoff,
        };
        if self.is_outdated(news) {
            self.keep(said, Kept::OutOfOrder);
            return Ok(());
        }
        match &news.said {
            Said::Sent => {
                if handoff.state == HandoffState::Offered {
                    self.emit(Event::HandoffSent { handoff: handoff.id });
                }
            }
            Said::Received => self.received(said),
            Said::Rejected { reason } => self.rejected(said, reason),
            Said::Accepted => self.accepted(said),
            Said::SupplementRequested { materials, text } => self.papers_asked_for(said, materials, text),
            Said::SpecialBegun {
                kind,
                working_days,
                text,
            } => self.special_begun(said, kind.as_deref(), *working_days, text),
            Said::SpecialEnded { .. } => self.propose_in_name(said, Self::end_special),
            Said::Decided { outcome, reasons } => self.decided(said, *outcome, reasons.as_deref()),
            Said::Opinion { opinion, text } => self.opinion_given(said, *opinion, text),
            Said::Completed => self.finished(said),
            Said::Delivered => self.propose_in_name(said, |work| work.deliver(None, None)),
            Said::Told { of } => self.emit(Event::UpstreamTold {
                upstream: news.upstream.clone(),
                handoff: news.handoff,
                of: *of,
            }),
            Said::ToldInVain { .. } | Said::Note { .. } => self.keep(said, Kept::InOrder),
        }
        Ok(())
    }

    /// The handoff that news is about: the one it answers, or, where what is said does not fit that one, the last that the
    /// same system took over and that it does fit. An office that is asked beside a case it holds speaks of both.
    fn spoken_of(&self, news: &UpstreamNews) -> Result<Handoff, Refusal> {
        let named = self.handoff(news.handoff)?;
        let fits = |handoff: &Handoff| match news.said {
            Said::Opinion { .. } => !handoff.owning && handoff.kind != HandoffKind::Delivery,
            Said::Delivered => handoff.kind == HandoffKind::Delivery,
            Said::Accepted
            | Said::SupplementRequested { .. }
            | Said::SpecialBegun { .. }
            | Said::SpecialEnded { .. }
            | Said::Decided { .. } => handoff.owning,
            Said::Sent
            | Said::Received
            | Said::Rejected { .. }
            | Said::Completed
            | Said::Told { .. }
            | Said::ToldInVain { .. }
            | Said::Note { .. } => true,
        };
        let taken = |handoff: &&Handoff| {
            handoff.state == HandoffState::Acknowledged
                && handoff.upstream.as_deref() == Some(news.upstream.as_str())
        };
        let fitting = |handoff: &&Handoff| taken(handoff) && fits(handoff);
        if fits(&named) {
            return Ok(named);
        }
        let other = self.case.handoffs.iter().rev().find(fitting).cloned();
        Ok(other.unwrap_or(named))
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

    /// What is said under an older version from now on is out of order. A receipt, a rejection and a decision say where the
    /// whole case stands and overtake even when they come to nothing here; everything else only once it has acted, so
    /// that a result collected before its decision is told does not bury the decision.
    pub(super) fn overtake(&mut self, news: &UpstreamNews) {
        if let (Some(number), Some(version)) = (&news.number, news.version)
            && self.version_heard(news) != Some(version)
        {
            self.emit(Event::VersionHeard {
                upstream: news.upstream.clone(),
                number: number.clone(),
                version,
            });
        }
    }

    /// Lets news become an act in the name of the office that the system speaks for; then older proposals act no more.
    pub(super) fn propose_in_name(
        &mut self,
        said: Heard<'_>,
        act: impl FnOnce(&mut Self) -> Result<(), Refusal>,
    ) {
        let office = Some(said.handoff.to);
        let before = std::mem::replace(&mut self.cx.by.organization, office);
        let of_its_own = said.handoff.upstream.as_deref() == Some(said.news.upstream.as_str());
        let outcome = if of_its_own && said.may_be_proposed() {
            self.attempt(act)
        } else {
            Err(Refusal::WrongOrganization)
        };
        self.cx.by.organization = before;
        match outcome {
            Ok(()) => self.overtake(said.news),
            Err(_) => self.keep(said, Kept::OutOfOrder),
        }
    }

    /// Tries an act; where it is impossible, everything is as before.
    pub(super) fn attempt(
        &mut self,
        act: impl FnOnce(&mut Self) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let (case, events, by) = (self.case.clone(), self.events.len(), self.cx.by.clone());
        let outcome = act(self);
        self.cx.by = by;
        if outcome.is_err() {
            self.case = case;
            self.events.truncate(events);
        }
        outcome
    }

    /// Whether a handoff waits for the word of a system that is not the one speaking now.
    pub(super) fn is_for_another_system(&self, handoff: &Handoff) -> bool {
        handoff
            .upstream
            .as_ref()
            .is_some_and(|upstream| self.cx.by.kind != ActorKind::Upstream || self.cx.by.subject != *upstream)
    }

    pub(super) fn keep(&mut self, said: Heard<'_>, kept: Kept) {
        let (word, private) = words(&said.news.said);
        self.emit_with(
            Event::NewsKept {
                upstream: said.news.upstream.clone(),
                handoff: said.handoff.id,
                said: word.to_owned(),
                out_of_order: kept == Kept::OutOfOrder,
                waits_for_papers: kept == Kept::UntilPapersCome,
            },
            private,
        );
    }
}

/// News, and the handoff it is about.
#[derive(Clone, Copy)]
pub(super) struct Heard<'a> {
    pub(super) news: &'a UpstreamNews,
    pub(super) handoff: &'a Handoff,
}

impl Heard<'_> {
    /// Whether the table of rights lets upstream systems propose this at all.
    pub(super) fn may_be_proposed(self) -> bool {
        self.news
            .said
            .proposes()
            .is_some_and(|act| grant(act, ActorKind::Upstream).scope != Scope::Never)
    }
}

/// As what news is kept that did not become an act.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// It proposes nothing.
    InOrder,
    /// It came too late, too early, or is impossible.
    OutOfOrder,
    /// A grant that is repeated here when what the applicant owes has come (容缺).
    UntilPapersCome,
}

impl Said {
    /// The act that this proposes; `None`: it proposes nothing.
    #[must_use]
    pub const fn proposes(&self) -> Option<policy::Act> {
        match self {
            Self::Sent | Self::Told { .. } | Self::ToldInVain { .. } | Self::Note { .. } => None,
            Self::Received => Some(policy::Act::AcknowledgeHandoff),
            Self::Rejected { .. } => Some(policy::Act::RefuseHandoff),
            Self::Accepted => Some(policy::Act::AcceptCase),
            Self::SupplementRequested { .. } => Some(policy::Act::RequestSupplement),
            Self::SpecialBegun { .. } | Self::SpecialEnded { .. } => Some(policy::Act::SpecialProcedure),
            Self::Decided { .. } => Some(policy::Act::DecideCase),
            Self::Opinion { .. } | Self::Completed => Some(policy::Act::FinishHandoff),
            Self::Delivered => Some(policy::Act::DeliverResult),
        }
    }
}

/// What was said as the ledger names it, and its texts, which are sealed beside.
fn words(said: &Said) -> (&'static str, Option<Value>) {
    match said {
        Said::Sent => ("SENT", None),
        Said::Received => ("RECEIVED", None),
        Said::Rejected { reason } => ("REJECTED", Some(json!({ "reason": reason }))),
        Said::Accepted => ("ACCEPTED", None),
        Said::SupplementRequested { materials, text } => (
            "SUPPLEMENT_REQUESTED",
            Some(json!({ "materials": materials, "text": text })),
        ),
        Said::SpecialBegun {
            kind,
            working_days,
            text,
        } => (
            "SPECIAL_BEGUN",
            Some(json!({ "kind": kind, "workingDays": working_days, "text": text })),
        ),
        Said::SpecialEnded { text } => ("SPECIAL_ENDED", Some(json!({ "text": text }))),
        Said::Decided { outcome, reasons } => {
            ("DECIDED", Some(json!({ "outcome": outcome, "reasons": reasons })))
        }
        Said::Opinion { opinion, text } => ("OPINION", Some(json!({ "opinion": opinion, "text": text }))),
        Said::Completed => ("COMPLETED", None),
        Said::Delivered => ("DELIVERED", None),
        Said::Told { .. } => ("TOLD", None),
        Said::ToldInVain { of, reason } => {
            let said = match of {
                DeliveryKind::Supplement => "SUPPLEMENT_REFUSED",
                DeliveryKind::Withdraw => "WITHDRAWAL_REFUSED",
                DeliveryKind::Notify => "NEWS_REFUSED",
                DeliveryKind::Submit | DeliveryKind::Transition => "REJECTED",
            };
            (said, Some(json!({ "reason": reason })))
        }
        Said::Note { text } => ("NOTE", Some(json!({ "text": text }))),
    }
}
