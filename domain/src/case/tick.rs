//! Tick: the clocks of a case speak, each at its instant, the earliest first.
//!
//! One command of the gateway itself (actor: clock). Whatever is said leaves a mark in the case (a clock stops, a
//! handoff has expired, a card stands), so that it is said once: a second tick at the same instant emits nothing.
//! After downtime everything that fell due meanwhile is said in the order in which it fell due.

use chrono::{DateTime, Utc};

use super::decide::Work;
use super::refusal::Refusal;
use crate::card::Rung;
use crate::clock::ClockKind;
use crate::handoff::{Handoff, HandoffState};
use crate::id::{ClockId, HandoffId};

/// Sayings of one tick; a case that has more goes on with the next tick.
const SAYINGS_MAX: usize = 256;

/// What a clock says when it runs out. At one instant the order is the order here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Saying {
    /// A clock came to a rung of its ladder: a card. Before all else, because what follows may stop that clock.
    Card(ClockId, Rung),
    /// Nobody signed for the handoff within HANDOFF_ACK: EXPIRED, still open, on the supervisor's list.
    HandoffExpired(HandoffId),
    /// SPECIAL ran out: the case returns to IN_REVIEW and the clocks resume.
    SpecialProcedureOver(ClockId),
    /// A paper owed since a conditional acceptance (容缺) did not come in time.
    OwedMissed(ClockId),
    /// SUPPLEMENT ran out: LAPSED.
    Lapsed(ClockId),
    /// 00:00 of the working day after the ACCEPTANCE due day: ACCEPTED (deemed).
    DeemedAccepted(ClockId),
}

/// A saying and the instant from which it is true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Call {
    pub(super) at: DateTime<Utc>,
    pub(super) saying: Saying,
}

impl Work<'_> {
    /// Says everything that is true by now.
    pub(super) fn tick(&mut self) -> Result<(), Refusal> {
        for _ in 0..SAYINGS_MAX {
            let Some(call) = self.next_call()?.filter(|call| call.at <= self.cx.now) else {
                return Ok(());
            };
            let before = self.events.len();
            self.say(call)?;
            if self.events.len() == before {
                // it would be said forever; whoever asked for the tick sees that it is still to be said
                return Ok(());
            }
        }
        Ok(())
    }

    /// The earliest thing that is still to be said, in the past or ahead; `None`: no clock of the case will speak.
    pub(super) fn next_call(&self) -> Result<Option<Call>, Refusal> {
        let mut calls: Vec<Call> = self
            .rungs_ahead()?
            .into_iter()
            .map(|(at, clock, rung)| Call {
                at,
                saying: Saying::Card(clock, rung),
            })
            .collect();
        if self.case.is_closed() {
            // what still runs outlives the case: an evaluation is to be answered
            return Ok(calls.into_iter().min());
        }
        self.expiring_handoffs(&mut calls);
        self.ending_special_procedure(&mut calls);
        self.missing_owed(&mut calls);
        self.lapsing(&mut calls);
        self.deeming_acceptance(&mut calls)?;
        Ok(calls.into_iter().min())
    }

    fn say(&mut self, call: Call) -> Result<(), Refusal> {
        match call.saying {
            Saying::Card(clock, rung) => {
                self.raise_card(clock, rung, call.at);
                Ok(())
            }
            Saying::HandoffExpired(handoff) => self.expire_handoff(handoff),
            Saying::SpecialProcedureOver(_) => self.special_procedure_over(),
            Saying::OwedMissed(clock) => self.owed_missed(clock),
            Saying::Lapsed(_) => self.lapse(),
            Saying::DeemedAccepted(clock) => self.deem_accepted(clock),
        }
    }
}

/// When each saying is true: each adds the calls of its own rule, and none for what was said already.
impl Work<'_> {
    /// One for each handoff that is OFFERED or SENT, at the due instant of its HANDOFF_ACK.
    fn expiring_handoffs(&self, calls: &mut Vec<Call>) {
        let waiting =
            |handoff: &&Handoff| matches!(handoff.state, HandoffState::Offered | HandoffState::Sent);
        for handoff in self.case.handoffs.iter().filter(waiting) {
            let clock = self
                .case
                .clocks
                .iter()
                .find(|clock| clock.kind == ClockKind::HandoffAck && clock.handoff == Some(handoff.id));
            if let Some(at) = clock.and_then(|clock| clock.due_at) {
                calls.push(Call {
                    at,
                    saying: Saying::HandoffExpired(handoff.id),
                });
            }
        }
    }
}
