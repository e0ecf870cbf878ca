//! The ends of a case beside delivery: taken back, voided, refused, lapsed.

use serde_json::{Value, json};

use super::agent::Authorization;
use super::decide::Work;
use super::event::Event;
use super::refusal::{Refusal, Why};
use crate::actor::ActorKind;

impl Work<'_> {
    /// 撤回, by the applicant or whoever acts for them, before the decision.
    pub(super) fn withdraw(
        &mut self,
        reason: Option<&str>,
        authorization: Option<&Authorization>,
    ) -> Result<(), Refusal> {
        if matches!(self.cx.by.kind, ActorKind::Clerk | ActorKind::Officer) {
            let own = self.acting()?;
            if own != self.case.first_contact && self.case.owner != Some(own) {
                return Err(Refusal::WrongOrganization);
            }
        }
        self.act_for_applicant(authorization)?;
        self.require(self.case.is_undecided(), Why::Status)?;
        let on_file = authorization.map(Authorization::to_private);
        let texts = (reason.is_some() || on_file.is_some())
            .then(|| json!({ "reason": reason, "authorization": on_file }));
        self.end_as(Event::Withdrawn, texts);
        Ok(())
    }

    /// 作废, by a supervisor with a reason: any open case.
    pub(super) fn void(&mut self, reason: &str) -> Result<(), Refusal> {
        if self.cx.by.kind != ActorKind::Supervisor {
            return Err(Refusal::WrongOrganization);
        }
        self.require(!self.case.is_closed(), Why::Status)?;
        if reason.trim().is_empty() {
            return Err(Refusal::FieldRequired { field: "reason" });
        }
        self.end_as(Event::Voided, Some(json!({ "reason": reason })));
        Ok(())
    }

    /// Ends the case by this event: whatever is still open ends with it.
    pub(super) fn end_as(&mut self, event: Event, texts: Option<Value>) {
        self.close_handoffs();
        self.stop_clocks(|clock| !clock.kind.outlives_case());
        self.emit_with(event, texts);
    }

    /// Every open handoff is over.
    pub(super) fn close_handoffs(&mut self) {
        let open: Vec<_> = self
            .case
            .handoffs
            .iter()
            .filter(|handoff| handoff.state.is_open())
            .map(|handoff| handoff.id)
            .collect();
        for handoff in open {
            self.emit(Event::HandoffDone {
                handoff,
                opinion: None,
            });
        }
    }
}
