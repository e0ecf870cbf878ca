//! Declining an application (不予受理), and offering it to the office that is competent.

use serde_json::json;

use super::command::Competent;
use super::decide::Work;
use super::event::{Event, Ground};
use super::refusal::{Refusal, Why};
use super::state::CaseStatus;
use super::submit::Papers;
use crate::clock::ClockKind;
use crate::directory::Rank;
use crate::id::OrganizationId;
use crate::route::HandoffKind;

impl Work<'_> {
    /// An accepting act: refused with reasons and remedy, or not competent, and then the right office is named (首问).
    pub(super) fn decline(
        &mut self,
        ground: Ground,
        competent: Option<&Competent>,
        reasons: Option<&str>,
        remedy: Option<&str>,
    ) -> Result<(), Refusal> {
        self.deem_if_due()?;
        self.require(self.case.status == CaseStatus::Submitted, Why::Status)?;
        let given = |text: Option<&str>| text.is_some_and(|text| !text.trim().is_empty());
        if ground == Ground::Refused && !(given(reasons) && given(remedy)) {
            return Err(Refusal::ReasonsRequired);
        }
        let own = self.act_on_acceptance()?;
        let texts =
            |named: Option<&str>| Some(json!({ "reasons": reasons, "remedy": remedy, "competent": named }));
        match (ground, competent) {
            (Ground::NotCompetent, None) => Err(Refusal::FieldRequired { field: "competent" }),
            (Ground::NotCompetent, Some(Competent::Outside(name))) if name.trim().is_empty() => {
                Err(Refusal::FieldRequired {
                    field: "competentName",
                })
            }
            (Ground::NotCompetent, Some(Competent::Inside(to))) => {
                if *to == own {
                    return Err(Refusal::NotAnother);
                }
                let inside = (self.cx.rank)(own, *to).filter(|rank| *rank != Rank::Outside);
                inside.ok_or(Refusal::ReceiverUnfit)?;
                self.emit_with(
                    Event::Declined {
                        ground,
                        to: Some(*to),
                    },
                    texts(None),
                );
                self.transfer_acceptance(*to)
            }
            (Ground::NotCompetent, Some(Competent::Outside(name))) => {
                self.end_as(Event::Declined { ground, to: None }, texts(Some(name.as_str())));
                Ok(())
            }
            (Ground::Refused, _) => {
                self.end_as(Event::Declined { ground, to: None }, texts(None));
                Ok(())
            }
        }
    }

    /// 转办: the named office accepts in this one's place, and ACCEPTANCE starts anew.
    fn transfer_acceptance(&mut self, to: OrganizationId) -> Result<(), Refusal> {
        let Some(accepting) = self.cx.item.accepting_step() else {
            return Err(self.illegal(Why::NotThisStep));
        };
        self.stop_clocks(|clock| clock.kind == ClockKind::Acceptance);
        let mut handoff = self.new_handoff(HandoffKind::Transfer, to, Some(accepting));
        handoff.admission = self.admit(to)?;
        self.offer(handoff, &Papers::default())?;
        self.start_acceptance(accepting, to)
    }
}
