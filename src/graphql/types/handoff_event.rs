//! The handoff timeline of a case: what happened between the hands, each event a type of its own.

use std::sync::Arc;

use async_graphql::{SimpleObject, Union};
use onedoor_domain::case::event::Event;

use super::case_enums::Opinion;
use super::handoff::Handoff;
use super::timeline::{TimelineEvent, handoff_of};
use crate::service::reading::{CaseView, TimelineEntry};

/// Something that happened between the hands (移交记录), one line of the ledger.
#[derive(Union)]
pub enum HandoffEvent {
    /// Offered.
    Offered(HandoffOffered),
    /// Sent to an upstream system.
    Sent(HandoffSent),
    /// 签收.
    Acknowledged(HandoffAcknowledged),
    /// Ended.
    Done(HandoffDone),
    /// 退单.
    Refused(HandoffRefused),
    /// 撤回移交.
    Recalled(HandoffRecalled),
    /// Not signed for in time.
    Expired(HandoffExpired),
    /// Done without.
    Waived(HandoffWaived),
    /// An upstream system spoke.
    Spoken(HandoffNews),
    /// Anything else that concerns one handoff.
    Changed(HandoffChanged),
}

/// A handoff (移交) was offered: until it is signed for, the sender answers for the case.
#[derive(SimpleObject)]
pub struct HandoffOffered {
    #[graphql(flatten)]
    line: TimelineEvent,
    /// The handoff, as it is now.
    handoff: Handoff,
    /// Number of paper originals that were handed over with it.
    originals: i32,
    /// Number of the transfer slip (物料流转凭证).
    slip: Option<String>,
}

/// A handoff was signed for (签收).
#[derive(SimpleObject)]
pub struct HandoffAcknowledged {
    #[graphql(flatten)]
    line: TimelineEvent,
    /// The handoff, as it is now.
    handoff: Handoff,
    /// Whether the receiver answers for the case from here on; otherwise it works beside the owner.
    owner_changed: bool,
}

/// A handoff ended.
#[derive(SimpleObject)]
pub struct HandoffDone {
    #[graphql(flatten)]
    line: TimelineEvent,
    /// The handoff, as it is now.
    handoff: Handoff,
    /// What a beside-handoff ended with.
    opinion: Option<Opinion>,
}

/// An upstream system said something of a handoff that could not become an act, or changes nothing.
#[derive(SimpleObject)]
pub struct HandoffNews {
    #[graphql(flatten)]
    line: TimelineEvent,
    /// The handoff, as it is now.
    handoff: Handoff,
    /// What it said: RECEIVED, REJECTED, ACCEPTED, SUPPLEMENT_REQUESTED, SPECIAL_BEGUN, SPECIAL_ENDED, DECIDED, OPINION,
    /// COMPLETED, DELIVERED or NOTE.
    said: String,
    /// Whether it came too late, too early or out of order.
    out_of_order: bool,
    /// Whether it is a grant that is repeated when the papers come that the applicant owes (容缺).
    waits_for_papers: bool,
}

/// Events that say no more than that they happened to a handoff; reasons are the text of the line.
macro_rules! plain_events {
    ($($(#[$doc:meta])* $name:ident)*) => {
        $(
            $(#[$doc])*
            #[derive(SimpleObject)]
            pub struct $name {
                #[graphql(flatten)]
                line: TimelineEvent,
                /// The handoff, as it is now.
                handoff: Handoff,
            }
        )*
    };
}

plain_events! {
    /// The bytes of a handoff left for an upstream system; its answer is not known.
    HandoffSent
    /// The receiver would not take the case (退单); the sender still answers for it.
    HandoffRefused
    /// The sender took the offer back before it was signed for.
    HandoffRecalled
    /// A handoff was not signed for in time: it stays open, on the supervisor's list.
    HandoffExpired
    /// An officer went on without a handoff that the route asks for, with a reason.
    HandoffWaived
    /// Something else that concerns a handoff; `event` names it.
    HandoffChanged
}

impl HandoffEvent {
    /// The event of a line; `None` when the line tells of no handoff, or only of its clock.
    pub(crate) fn of(view: &Arc<CaseView>, entry: TimelineEntry) -> Option<Self> {
        let event = entry.stored.event.clone();
        let found = view.case.handoff(handoff_of(&event)?)?;
        let (line, handoff) = (TimelineEvent::of(entry), Handoff::of(view, found));
        if let Event::HandoffOffered { handoff: offered } = event {
            return Some(Self::Offered(HandoffOffered {
                line,
                handoff,
                originals: i32::try_from(offered.originals).unwrap_or(i32::MAX),
                slip: offered.slip,
            }));
        }
        if let Event::HandoffDone { opinion, .. } = event {
            let opinion = opinion.map(Opinion::from);
            return Some(Self::Done(HandoffDone {
                line,
                handoff,
                opinion,
            }));
        }
        if let Event::NewsKept {
            said,
            out_of_order,
            waits_for_papers,
            ..
        } = event
        {
            return Some(Self::Spoken(HandoffNews {
                line,
                handoff,
                said,
                out_of_order,
                waits_for_papers,
            }));
        }
        // what is left differs by its name alone
        Some(match event.name() {
            "CLOCK_STARTED" => return None,
            "HANDOFF_ACKNOWLEDGED" => Self::Acknowledged(HandoffAcknowledged {
                line,
                handoff,
                owner_changed: found.owning,
            }),
            "HANDOFF_SENT" => Self::Sent(HandoffSent { line, handoff }),
            "HANDOFF_REFUSED" => Self::Refused(HandoffRefused { line, handoff }),
            "HANDOFF_RECALLED" => Self::Recalled(HandoffRecalled { line, handoff }),
            "HANDOFF_EXPIRED" => Self::Expired(HandoffExpired { line, handoff }),
            "HANDOFF_WAIVED" => Self::Waived(HandoffWaived { line, handoff }),
            _ => Self::Changed(HandoffChanged { line, handoff }),
        })
    }
}
