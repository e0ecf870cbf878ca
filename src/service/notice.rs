//! Notices of upstream systems: verified, stored, answered, and then heard by the case they speak of.

use std::sync::Arc;

use chrono::Duration;

use onedoor_domain::actor::Actor;
use onedoor_domain::audit::AuditAction;
use onedoor_domain::case::command::{Command, Said, UpstreamNews};
use onedoor_domain::case::decide;
use onedoor_domain::case::event::Event;
use onedoor_domain::case::news_version::NewsVersion;
use onedoor_domain::case::state::Outcome;
use onedoor_domain::delivery::NoticeState;
use onedoor_domain::id::{CaseId, HandoffId};
use onedoor_domain::tracking::TrackingCode;

use super::cases::{ATTEMPTS_MAX, Cases};
use super::delivery::upstream_by;
use crate::error::{AppError, ErrorCode};
use crate::store::case::Loaded;
use crate::store::inbox::{Notice, NoticeKey, Received};
use crate::store::write_set::{Commit, InboxMark};
use crate::telemetry;
use crate::upstream::callback::CallbackError;

pub use crate::upstream::callback::Envelope as NoticeEnvelope;
use crate::upstream::fact::{self, FactKind, UpstreamFact, Verdict};
use crate::upstream::name::UpstreamName;
use crate::upstream::registry::{Registry, Upstream};
use crate::upstream::text::ExternalId;

/// Notices looked at in one pass over the inbox.
const PENDING_MAX: u64 = 1_000;
/// How long a notice about a case that is not known waits for it (PROTOCOLS §7).
const WAITS_MAX: Duration = Duration::hours(24);

/// Takes notices in and applies them.
pub struct Notices {
    cases: Arc<Cases>,
    registry: Arc<Registry>,
}

/// To which case and handoff a report belongs.
enum Match {
    /// This one.
    Handoff(Box<Loaded>, HandoffId),
    /// To a case that was never given to this system: 403 and an alarm.
    Foreign,
    /// To none that is known yet.
    Unknown,
}

impl Notices {
    /// Joins the parts.
    #[must_use]
    pub const fn new(cases: Arc<Cases>, registry: Arc<Registry>) -> Self {
        Self { cases, registry }
    }

    /// Takes a notice in: verified over its raw bytes, stored, then applied if it can be. `Ok` means 2xx.
    ///
    /// # Errors
    /// NOT_FOUND: no such upstream; CALLBACK_REFUSED: signature, time or sender; STORE_UNAVAILABLE: send it again.
    pub async fn receive(
        &self,
        upstream: &str,
        envelope: NoticeEnvelope<'_>,
        body: &[u8],
    ) -> Result<(), AppError> {
        let upstream = upstream
            .parse::<UpstreamName>()
            .ok()
            .and_then(|name| self.registry.get(&name).cloned());
        let Some(upstream) = upstream else {
            return Err(AppError::of(ErrorCode::NotFound));
        };
        let verifier = upstream
            .verifier()
            .ok_or_else(|| AppError::of(ErrorCode::NotFound))?;
        let notice = verifier
            .verify(envelope, body, self.cases.clock.now())
            .map_err(|reason| {
                self.note_refused(&upstream, "CALLBACK_REFUSED");
                refused(reason)
            })?;
        let facts = match upstream.read_notice(&notice) {
            Ok(facts) => facts,
            Err(error) => {
                return Err(AppError::of(ErrorCode::BadRequest).because(error));
            }
        };
        for fact in &facts {
            if matches!(self.find(&upstream, fact).await?, Match::Foreign) {
                tracing::error!(upstream.id = %upstream.config().name, "an upstream speaks of a case it was never given");
                self.note_refused(&upstream, "FOREIGN_CASE");
                return Err(AppError::of(ErrorCode::Forbidden));
            }
        }
        let key = NoticeKey {
            upstream: upstream.config().name.to_string(),
            event_id: if notice.is_named() {
                notice.id().to_owned()
            } else {
                fact::identity(&facts).map_err(AppError::internal)?
            },
        };
        let stored = serde_json::to_value(&facts).map_err(AppError::internal)?;
        let received = self
            .cases
            .store
            .receive_notice(&key, &stored, self.cases.clock.now())
            .await?;
        fail::fail_point!("notice.stored");
        match received {
            Received::Duplicate(NoticeState::Applied | NoticeState::Kept) => Ok(()),
            Received::New | Received::Duplicate(NoticeState::Received) => {
                Box::pin(self.apply(&upstream, &key, &facts)).await
            }
        }
    }

    /// Whoever sent it has not proved to be that system.
    fn note_refused(&self, upstream: &Upstream, reason: &str) {
        let (nobody, name) = (Actor::anonymous(), upstream.config().name.to_string());
        self.cases
            .services
            .denied(&nobody, AuditAction::NoticeReceived, Some(name), reason);
    }

    /// Offers every waiting notice again; called after deliveries and on a timer. Returns how many were settled.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE of the look itself; a notice that fails is isolated, logged and tried again.
    pub async fn pass(&self) -> Result<usize, AppError> {
        let mut settled = 0;
        for notice in self.cases.store.pending_notices(PENDING_MAX).await? {
            if self.cases.clock.now() - notice.received_at > WAITS_MAX {
                tracing::error!(upstream.id = %notice.key.upstream, "a notice found no case for a day and is kept");
                self.settle(&notice.key, NoticeState::Kept).await?;
                continue;
            }
            match Box::pin(self.offer(&notice)).await {
                Ok(()) => settled += 1,
                Err(error) => tracing::error!(
                    upstream.id = %notice.key.upstream, error = %telemetry::chain(&error),
                    "a stored notice could not be applied; it is offered again"
                ),
            }
        }
        Ok(settled)
    }

    async fn offer(&self, notice: &Notice) -> Result<(), AppError> {
        let upstream = notice
            .key
            .upstream
            .parse()
            .ok()
            .and_then(|name| self.registry.get(&name).cloned());
        let Some(upstream) = upstream else { return Ok(()) };
        let facts: Vec<UpstreamFact> =
            serde_json::from_value(notice.facts.clone()).map_err(AppError::internal)?;
        Box::pin(self.apply(&upstream, &notice.key, &facts)).await
    }

    /// Lets the case hear a notice. One about a case that is not known yet waits in the inbox.
    pub(super) async fn apply(
        &self,
        upstream: &Upstream,
        key: &NoticeKey,
        facts: &[UpstreamFact],
    ) -> Result<(), AppError> {
        let Some(first) = facts.first() else {
            return self.settle(key, NoticeState::Kept).await;
        };
        for _ in 0..ATTEMPTS_MAX {
            let (before, handoff) = match self.find(upstream, first).await? {
                Match::Handoff(before, handoff) => (before, handoff),
                Match::Foreign => {
                    tracing::error!(upstream.id = %key.upstream, "an upstream speaks of a case it was never given");
                    return self.settle(key, NoticeState::Kept).await;
                }
                Match::Unknown => return Ok(()),
            };
            match self.commit(upstream, key, facts, *before, handoff).await? {
                Commit::Committed(set) => {
                    self.cases.committed(&set);
                    return Ok(());
                }
                Commit::Stale => {}
                Commit::NumberTaken => {
                    tracing::error!(upstream.id = %key.upstream, "an upstream's notice gives the number of another case");
                    return self.settle(key, NoticeState::Kept).await;
                }
                Commit::Overtaken | Commit::Replayed { .. } | Commit::Mismatch | Commit::DocumentTaken => {
                    return Ok(());
                }
            }
        }
        Err(AppError::of(ErrorCode::Overloaded).retry_after_ms(500))
    }

    async fn commit(
        &self,
        upstream: &Upstream,
        key: &NoticeKey,
        facts: &[UpstreamFact],
        before: Loaded,
        handoff: HandoffId,
    ) -> Result<Commit, AppError> {
        let cases = &self.cases;
        let item = cases.item_of(&before.case).await?;
        let (calendar, directory) = (cases.calendar().await?, cases.directory());
        let name = upstream.config().name.to_string();
        let mut outcome = decide::Outcome {
            case: before.case.clone(),
            events: Vec::new(),
            next_tick_at: None,
        };
        for fact in facts {
            let said = said_of(&fact.kind);
            let number = Some(fact.external_id.as_str().to_owned());
            let news = UpstreamNews {
                upstream: name.clone(),
                handoff,
                number,
                version: fact.version.map(NewsVersion::from),
                said,
            };
            let heard = cases
                .decide(upstream_by(&name), &item, calendar.calendar(), &directory, |cx| {
                    decide::decide(&outcome.case, &Command::Upstream(news), cx)
                })
                .map_err(AppError::internal)?;
            outcome.case = heard.case;
            outcome.next_tick_at = heard.next_tick_at;
            outcome.events.extend(heard.events);
        }
        let kept = outcome
            .events
            .iter()
            .all(|new| matches!(new.event, Event::NewsKept { .. } | Event::VersionHeard { .. }));
        let state = if kept {
            NoticeState::Kept
        } else {
            NoticeState::Applied
        };
        let mark = InboxMark {
            notice: key.clone(),
            state,
        };
        if outcome.events.is_empty() {
            cases.store.settle_notice(&mark, cases.clock.now()).await?;
            return Ok(Commit::Overtaken);
        }
        let mut set = cases.write_set(Some(before), outcome, &item, None).await?;
        set.inbox = Some(mark);
        Ok(cases.store.commit(set).await?)
    }

    async fn settle(&self, key: &NoticeKey, state: NoticeState) -> Result<(), AppError> {
        let mark = InboxMark {
            notice: key.clone(),
            state,
        };
        self.cases
            .store
            .settle_notice(&mark, self.cases.clock.now())
            .await?;
        Ok(())
    }

    /// Finds the case by the upstream's number, else by ours, and the latest handoff given to that system.
    async fn find(&self, upstream: &Upstream, fact: &UpstreamFact) -> Result<Match, AppError> {
        let name = upstream.config().name.as_str();
        let by_number = self
            .cases
            .store
            .find_by_external_number(name, fact.external_id.as_str())
            .await?;
        let case = match by_number {
            Some(case) => Some(case),
            None => self.by_our_reference(fact).await?,
        };
        let Some(case) = case else {
            return Ok(Match::Unknown);
        };
        let Some(loaded) = self.cases.store.load_case(case).await? else {
            return Ok(Match::Unknown);
        };
        // a token stands for a number that is still to be given
        let other_number = loaded.case.external_number(name).is_some_and(|number| {
            let is_number = ExternalId::parse(number).is_none_or(|known| known.token().is_none());
            is_number && number != fact.external_id.as_str()
        });
        let given = loaded
            .case
            .handoffs
            .iter()
            .any(|handoff| handoff.upstream.as_deref() == Some(name));
        if !given || other_number {
            return Ok(Match::Foreign);
        }
        // what was never sent cannot have been answered: such news waits
        let sent = match self.cases.store.last_sent(case, name).await? {
            Some(handoff) => Some(handoff),
            // the records of its deliveries are removed in time, what became of them is not
            None => loaded.case.last_answered_by(name).map(|handoff| handoff.id),
        };
        Ok(sent.map_or(Match::Unknown, |handoff| {
            Match::Handoff(Box::new(loaded), handoff)
        }))
    }

    async fn by_our_reference(&self, fact: &UpstreamFact) -> Result<Option<CaseId>, AppError> {
        let Some(code) = fact
            .our_reference
            .as_deref()
            .and_then(|text| text.parse::<TrackingCode>().ok())
        else {
            return Ok(None);
        };
        Ok(self
            .cases
            .store
            .find_by_tracking(&code)
            .await?
            .map(|(case, _)| case))
    }
}

/// What a report says to the case.
pub(super) fn said_of(fact: &FactKind) -> Said {
    match fact {
        FactKind::Received => Said::Received,
        FactKind::Decided { verdict, opinion } => Said::Decided {
            outcome: match verdict {
                Verdict::Granted => Outcome::Granted,
                Verdict::Denied => Outcome::Denied,
            },
            reasons: (!opinion.is_empty()).then(|| opinion.as_str().to_owned()),
        },
        FactKind::Rejected { reason } => Said::Rejected {
            reason: reason.as_str().to_owned(),
        },
        FactKind::Accepted => Said::Accepted,
        FactKind::SupplementRequested { materials, text } => Said::SupplementRequested {
            materials: materials.clone(),
            text: text.as_str().to_owned(),
        },
        FactKind::SpecialBegun {
            kind,
            working_days,
            text,
        } => Said::SpecialBegun {
            kind: kind.clone(),
            working_days: *working_days,
            text: text.as_str().to_owned(),
        },
        FactKind::SpecialEnded { text } => Said::SpecialEnded {
            text: text.as_str().to_owned(),
        },
        FactKind::Opinion { opinion, text } => Said::Opinion {
            opinion: *opinion,
            text: text.as_str().to_owned(),
        },
        FactKind::Completed => Said::Completed,
        FactKind::Delivered => Said::Delivered,
        // what it stopped it mostly stopped because we said so; a comparison finds what differs
        FactKind::Withdrawn => Said::Note {
            text: "WITHDRAWN".to_owned(),
        },
        FactKind::Note { text } => Said::Note {
            text: text.as_str().to_owned(),
        },
    }
}

fn refused(error: CallbackError) -> AppError {
    AppError::of(ErrorCode::CallbackRefused).because(error)
}
