//! What a person says of a delivery that does not go on by itself: sent again, taken, not taken, given up.

use serde_json::json;

use super::command::DeliveryResolved;
use super::decide::Work;
use super::event::Event;
use super::refusal::Refusal;
use crate::delivery::{DeliveryKind, DeliveryResolution};

impl Work<'_> {
    /// The delivery itself is the outbox's; the case keeps who said what of it, and hears what follows. Whether the
    /// delivery is in a state for it, and whether this person sent it, was asked before.
    pub(super) fn resolve_delivery(&mut self, resolved: &DeliveryResolved) -> Result<(), Refusal> {
        let handoff = self.handoff(resolved.handoff)?;
        self.emit_with(
            Event::DeliveryResolved {
                delivery: resolved.delivery,
                handoff: resolved.handoff,
                upstream: resolved.upstream.clone(),
                resolution: resolved.resolution,
            },
            resolved.note.as_ref().map(|note| json!({ "note": note })),
        );
        match resolved.resolution {
            DeliveryResolution::SentAgain | DeliveryResolution::NotTaken => Ok(()),
            DeliveryResolution::Taken => self.in_name_of(handoff.to, |work| work.taken(resolved)),
            DeliveryResolution::GivenUp => {
                if resolved.kind.is_handing_over() && handoff.state.awaits_answer() {
                    self.take_back(handoff.id);
                    self.resume_step_when_free()?;
                }
                Ok(())
            }
        }
    }

    /// The system has it, as a person learnt: the case stands as the system's own answer would have left it.
    fn taken(&mut self, resolved: &DeliveryResolved) -> Result<(), Refusal> {
        let unknown = self.case.external_number(&resolved.upstream).is_none();
        if resolved.kind == DeliveryKind::Submit && resolved.number.is_none() && unknown {
            return Err(Refusal::FieldRequired { field: "number" });
        }
        if let Some(number) = &resolved.number
            && self.case.external_number(&resolved.upstream) != Some(number)
        {
            self.emit(Event::NumberGiven {
                upstream: resolved.upstream.clone(),
                number: number.clone(),
            });
        }
        let handoff = self.handoff(resolved.handoff)?;
        match resolved.kind {
            DeliveryKind::Submit | DeliveryKind::Transition if handoff.state.awaits_answer() => {
                self.acknowledge(handoff.id)
            }
            // what became of the handoff meanwhile stands
            DeliveryKind::Submit | DeliveryKind::Transition => Ok(()),
            of @ (DeliveryKind::Supplement | DeliveryKind::Withdraw) => {
                self.emit(Event::UpstreamTold {
                    upstream: resolved.upstream.clone(),
                    handoff: resolved.handoff,
                    of,
                });
                Ok(())
            }
            // nobody waits for news, so nobody says what became of it
            DeliveryKind::Notify => Ok(()),
        }
    }
}
