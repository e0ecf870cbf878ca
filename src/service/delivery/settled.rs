//! What came of a delivery: as the outbox keeps it, and as the case hears it.

use std::time::Duration;

use onedoor_domain::case::command::Said;
use onedoor_domain::case::news_version::NewsVersion;
use onedoor_domain::case::state::Case;
use onedoor_domain::delivery::{DeliveryKind, DeliveryState};

use crate::config::outbox::OutboxConfig;
use crate::service::notice::said_of;
use crate::store::outbox::{ClaimedDelivery, Tries};
use crate::upstream::outcome::Acceptance;
use crate::upstream::text::UntrustedText;

/// What an attempt came to, as the outbox keeps it and as the case hears it.
pub(super) struct Settled {
    pub(super) state: DeliveryState,
    pub(super) outcome: &'static str,
    pub(super) evidence: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) wait: Option<Duration>,
    pub(super) tries: Tries,
    pub(super) in_doubt: bool,
    pub(super) news: Vec<News>,
}

/// One thing the case hears.
pub(super) struct News {
    pub(super) number: Option<String>,
    pub(super) version: Option<NewsVersion>,
    pub(super) said: Said,
}

impl News {
    /// News of our own attempt: it has no place among the system's versions.
    pub(super) const fn of_attempt(said: Said) -> Self {
        Self {
            number: None,
            version: None,
            said,
        }
    }
}

/// Taken over: 签收 of a handoff, or that what came after it was heard; and whatever it reports already.
pub(super) fn accepted(kind: DeliveryKind, acceptance: &Acceptance) -> Settled {
    let number = Some(acceptance.external_id.as_str().to_owned());
    let said = match kind {
        DeliveryKind::Submit | DeliveryKind::Transition => Said::Received,
        of @ (DeliveryKind::Supplement | DeliveryKind::Withdraw) => Said::Told { of },
    };
    let mut news = vec![News {
        number: number.clone(),
        ..News::of_attempt(said)
    }];
    news.extend(acceptance.facts.iter().map(|fact| News {
        number: number.clone(),
        version: fact.version.map(NewsVersion::from),
        said: said_of(&fact.kind),
    }));
    Settled {
        news,
        ..ended(DeliveryState::Delivered, "ACCEPTED")
    }
}

/// A business no: of a handoff it is a 退单, of what came after it a line of the timeline.
pub(super) fn rejected(kind: DeliveryKind, code: Option<String>, reason: &UntrustedText) -> Settled {
    let reason = reason.as_str().to_owned();
    let said = match kind {
        DeliveryKind::Submit | DeliveryKind::Transition => Said::Rejected { reason },
        of @ (DeliveryKind::Supplement | DeliveryKind::Withdraw) => Said::ToldInVain { of, reason },
    };
    Settled {
        reason: code,
        news: vec![News::of_attempt(said)],
        ..ended(DeliveryState::Rejected, "REJECTED")
    }
}

pub(super) const fn ended(state: DeliveryState, outcome: &'static str) -> Settled {
    Settled {
        state,
        outcome,
        evidence: None,
        reason: None,
        wait: None,
        tries: Tries::Spend,
        in_doubt: false,
        news: Vec::new(),
    }
}

pub(super) fn uncertain() -> Settled {
    Settled {
        in_doubt: true,
        ..ended(DeliveryState::Uncertain, "AMBIGUOUS")
    }
}

pub(super) const fn cancelled() -> Settled {
    ended(DeliveryState::Cancelled, "NOT_WANTED")
}

/// The system never had the case, so there is nothing for it to stop.
pub(super) fn nothing_to_stop() -> Settled {
    Settled {
        reason: Some("NOTHING_TO_STOP".to_owned()),
        ..cancelled()
    }
}

/// The protocol has no such message: a person tells the other office.
pub(super) fn to_be_told() -> Settled {
    Settled {
        tries: Tries::Keep,
        ..ended(DeliveryState::ToBeTold, "NOT_CAPABLE")
    }
}

/// The handoff was answered otherwise: a decision overtook the answer, or the case ended. Without an attempt nothing
/// was ever sent.
pub(super) fn over(case: &Case, claimed: &ClaimedDelivery) -> Settled {
    if is_taken(case, claimed) && claimed.attempt > 1 {
        answered_otherwise()
    } else {
        cancelled()
    }
}

/// Whether the handoff that a delivery carries was signed for.
pub(super) fn is_taken(case: &Case, claimed: &ClaimedDelivery) -> bool {
    claimed.kind.is_handing_over()
        && case
            .handoff(claimed.handoff)
            .is_some_and(|handoff| handoff.acknowledged_at.is_some())
}

/// The system answered by another way than by our attempt.
pub(super) const fn answered_otherwise() -> Settled {
    ended(DeliveryState::Delivered, "ANSWERED")
}

/// Waits for a repair. A doubt about an earlier attempt stays.
pub(super) fn held(reason: &str, claimed: &ClaimedDelivery, settings: &OutboxConfig) -> Settled {
    Settled {
        in_doubt: claimed.earlier_attempt_unknown,
        reason: Some(reason.to_owned()),
        wait: Some(Duration::from_millis(settings.backoff_max_ms)),
        tries: Tries::Keep,
        ..ended(DeliveryState::Held, "HELD")
    }
}
