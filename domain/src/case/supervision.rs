//! Supervision (督办): reminders, and orders with their own limit and answer.

use serde_json::json;

use super::command::Command;
use super::decide::Work;
use super::event::Event;
use super::refusal::{Refusal, Why};
use crate::actor::ActorKind;
use crate::card::SupervisionOrder;
use crate::clock::ClockKind;
use crate::id::{DivisionId, OrganizationId, SupervisionOrderId};
use crate::limit::Limit;

impl Work<'_> {
    /// The commands of supervision; any other is none of its business.
    pub(super) fn supervise(&mut self, command: &Command) -> Result<(), Refusal> {
        if let Command::AppealCard { card, reason } = command {
            self.appeal_card(*card, reason)?;
        }
        if let Command::CancelCard { card, by, reason } = command {
            self.cancel_card(*card, *by, reason)?;
        }
        if let Command::IssueCard { cause, to, by, text } = command {
            self.issue_card(*cause, *to, *by, text)?;
        }
        if let Command::RemindHolder { text } = command {
            self.remind(text.as_deref())?;
        }
        if let Command::OrderSupervision { to, limit, by, text } = command {
            self.order(*to, *limit, *by, text)?;
        }
        if let Command::AnswerSupervision { order, text } = command {
            self.answer_order(*order, text)?;
        }
        Ok(())
    }

    /// 催办: reminds whoever has to act now; nothing else changes.
    pub(super) fn remind(&mut self, text: Option<&str>) -> Result<(), Refusal> {
        self.require(!self.case.is_closed(), Why::Status)?;
        let office = matches!(self.cx.by.kind, ActorKind::Clerk | ActorKind::Officer);
        if office && self.cx.by.organization != Some((self.cx.living)(self.case.first_contact)) {
            return Err(Refusal::WrongOrganization);
        }
        let to = self
            .case
            .open_owning()
            .map(|open| open.to)
            .or(self.case.owner)
            .ok_or_else(|| self.illegal(Why::Status))?;
        self.emit_with(
            Event::HolderReminded { to },
            text.map(|text| json!({ "text": text })),
        );
        Ok(())
    }

    /// 督办单 to whoever holds the case, or to another organization that has a part in it.
    pub(super) fn order(
        &mut self,
        to: Option<OrganizationId>,
        limit: Limit,
        by: Option<DivisionId>,
        text: &str,
    ) -> Result<(), Refusal> {
        self.require(!self.case.is_closed(), Why::Status)?;
        let to = to
            .or(self.case.open_owning().map(|open| open.to))
            .or(self.case.owner)
            .ok_or(Refusal::NotAHolder)?;
        if !self.case.ever_at(to) {
            return Err(Refusal::NotAHolder);
        }
        self.start_clock(ClockKind::Supervision, limit, |clock| clock.holder = Some(to))?;
        let Some(clock) = self.case.clocks.last().map(|clock| clock.id) else {
            return Ok(());
        };
        let order = SupervisionOrder {
            id: SupervisionOrderId::from_uuid((self.cx.ids)()),
            clock,
            division: by,
            to,
            issued_at: self.cx.now,
            answered_at: None,
        };
        self.emit_with(
            Event::SupervisionOrdered {
                order: Box::new(order),
            },
            Some(json!({ "text": text })),
        );
        Ok(())
    }

    /// The answer of the organization that was ordered to act; its clock stops. A case that closed meanwhile does not
    /// free anybody from answering.
    pub(super) fn answer_order(&mut self, id: SupervisionOrderId, text: &str) -> Result<(), Refusal> {
        let own = self.acting()?;
        let order = self
            .case
            .orders
            .iter()
            .find(|order| order.id == id)
            .cloned()
            .ok_or(Refusal::UnknownOrder)?;
        if order.to != own {
            return Err(Refusal::WrongOrganization);
        }
        self.require(order.answered_at.is_none(), Why::AlreadyAnswered)?;
        self.stop_clocks(|clock| clock.id == order.clock);
        self.emit_with(
            Event::SupervisionAnswered { order: id },
            Some(json!({ "text": text })),
        );
        Ok(())
    }
}
