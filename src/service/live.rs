//! What an upstream system says of a case now: asked for by readers, shared among them, and never stored.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use onedoor_domain::digest::Digest;
use onedoor_domain::handoff::Handoff;
use onedoor_domain::id::{CaseId, DeliveryId, HandoffId};
use onedoor_domain::policy::fields;
use onedoor_domain::reconciliation::UpstreamWord;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::cases::Cases;
use super::delivery_view;
use super::reading::{CaseView, Sight};
use crate::cache::live::{Live, LiveQuestion};
use crate::error::{AppError, ErrorCode};
use crate::upstream::command::{DeliveryCommand, Operation};
use crate::upstream::config::UpstreamConfig;
use crate::upstream::driver::Inquiry;
use crate::upstream::fact::{FactKind, Verdict};
use crate::upstream::name::UpstreamName;
use crate::upstream::outcome::{Acceptance, Ambiguity, Exchange, Finding, NotSentReason};
use crate::upstream::registry::{Registry, Upstream};
use crate::upstream::text::ExternalId;

/// How a case stands at an upstream system. Its words are not here: they reach readers by the ledger alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveState {
    /// The state.
    pub state: UpstreamWord,
    /// The system's own sequence of the case; `None` when it keeps none.
    pub version: Option<u64>,
    /// When it came into that state; `None` when the system does not say.
    pub changed_at: Option<DateTime<Utc>>,
}

/// An answer with its freshness.
pub type LiveRead = Live<LiveState>;

/// Reads what upstream systems say now.
pub struct LiveReads {
    cases: Arc<Cases>,
    registry: Arc<Registry>,
    places: Arc<QuestionPlaces>,
}

/// Half of each system's places, shared by all questions; the other half stays for deliveries.
pub struct QuestionPlaces(BTreeMap<UpstreamName, Arc<Semaphore>>);

impl QuestionPlaces {
    /// Those of all systems.
    #[must_use]
    pub fn of(registry: &Registry) -> Self {
        let places = registry.carriers().map(|upstream| {
            let half = usize::try_from(Self::half(upstream.config())).unwrap_or(Semaphore::MAX_PERMITS);
            (upstream.config().name.clone(), Arc::new(Semaphore::new(half)))
        });
        Self(places.collect())
    }

    /// How many a system has.
    pub(super) const fn half(config: &UpstreamConfig) -> u32 {
        config.concurrency_max.div_ceil(2)
    }

    /// Those of a system.
    pub(super) fn at(&self, name: &UpstreamName) -> Option<Arc<Semaphore>> {
        self.0.get(name).map(Arc::clone)
    }
}

impl LiveReads {
    /// Joins the parts.
    #[must_use]
    pub const fn new(cases: Arc<Cases>, registry: Arc<Registry>, places: Arc<QuestionPlaces>) -> Self {
        Self {
            cases,
            registry,
            places,
        }
    }

    /// How the case of a handoff stands at the system that acts for its receiver; `None` where none does, where it has
    /// no number of the case yet, or where it cannot be asked. Whoever holds the view may read it.
    ///
    /// # Errors
    /// UPSTREAM_UNAVAILABLE, UPSTREAM_TIMEOUT, CIRCUIT_OPEN, with the system's name, when there is no answer and no
    /// older one may stand in.
    pub async fn of_handoff(&self, view: &CaseView, handoff: &Handoff) -> Result<Option<LiveRead>, AppError> {
        if !fields::sees("Handoff", "upstreamStatus", view.sight) {
            return Ok(None);
        }
        let Some(upstream) = self.askable(handoff) else {
            return Ok(None);
        };
        let name = &upstream.config().name;
        let Some(number) = view.case.external_number(name.as_str()) else {
            return Ok(None);
        };
        let asking = Asking {
            cases: Arc::clone(&self.cases),
            places: self.places.at(name),
            upstream: Arc::clone(&upstream),
            case: view.case.id,
            handoff: handoff.id,
        };
        let question = self.question(&upstream, number, view.sight)?;
        let cache = &self.cases.services.cache;
        let answer = cache.live(&question, move || asking.ask()).await;
        answer.map(Some).map_err(|mut error| {
            error.upstream = Some(name.to_string());
            error
        })
    }

    fn askable(&self, handoff: &Handoff) -> Option<Arc<Upstream>> {
        let name = handoff.upstream.as_deref()?.parse().ok()?;
        self.registry
            .carrier(&name)
            .filter(|upstream| upstream.can_ask())
            .cloned()
    }

    /// Readers of one class share an answer; classes never do.
    fn question(&self, upstream: &Upstream, number: &str, sight: Sight) -> Result<LiveQuestion, AppError> {
        let config = upstream.config();
        let class = match sight {
            Sight::Applicant => "applicant",
            Sight::Office | Sight::Past => "office",
            Sight::Supervision => "supervision",
            Sight::Masked => "masked",
        };
        let parts = (config.name.as_str(), config.base_url.as_str(), number, class);
        let key = Digest::of(&serde_json::to_vec(&parts).map_err(AppError::internal)?);
        Ok(LiveQuestion {
            key,
            ttl: config.live.ttl,
            stale_if_error: config.live.stale_if_error,
            wait: config.live.wait,
            lease: config
                .timeout
                .saturating_mul(2)
                .saturating_add(Duration::from_secs(1)),
            clock: Arc::clone(&self.cases.clock),
        })
    }
}

/// One question on its way, free of whoever began it.
struct Asking {
    cases: Arc<Cases>,
    upstream: Arc<Upstream>,
    places: Option<Arc<Semaphore>>,
    case: CaseId,
    handoff: HandoffId,
}

impl Asking {
    async fn ask(self) -> Result<LiveState, AppError> {
        let _place = match &self.places {
            Some(places) => Some(places.acquire().await.map_err(AppError::internal)?),
            None => None,
        };
        let command = question_about(&self.cases, &self.upstream, self.case, self.handoff).await?;
        let inquiry = self.upstream.driver().find(&command).await;
        match &inquiry.finding {
            Finding::Found(acceptance) => Ok(LiveState::of(acceptance)),
            Finding::Absent => Ok(LiveState {
                state: UpstreamWord::Absent,
                version: None,
                changed_at: None,
            }),
            Finding::Unanswered { .. } | Finding::Held { .. } | Finding::Unsupported => {
                Err(unanswered(&inquiry))
            }
        }
    }
}

/// The command by which an upstream is asked for a case. It is never sent as a delivery.
pub(super) async fn question_about(
    cases: &Cases,
    upstream: &Upstream,
    case: CaseId,
    handoff: HandoffId,
) -> Result<DeliveryCommand, AppError> {
    let loaded = cases.store.load_case(case).await?;
    let loaded = loaded.ok_or_else(|| AppError::of(ErrorCode::NotFound))?;
    let number = loaded.case.external_number(upstream.config().name.as_str());
    let id = Uuid::now_v7();
    Ok(DeliveryCommand {
        delivery: DeliveryId::from_uuid(id),
        key: format!("question_{}", id.simple()),
        operation: Operation::Submit,
        attempt: 1,
        earlier_attempt_unknown: false,
        external_id: number.and_then(ExternalId::parse),
        case: delivery_view::of(cases, &loaded.case, handoff, None, upstream.config()).await?,
    })
}

/// Why there is no answer, as the public code of it.
fn unanswered(inquiry: &Inquiry) -> AppError {
    let code = match inquiry.exchange {
        Some(Exchange::NotSent(NotSentReason::CircuitOpen)) => ErrorCode::CircuitOpen,
        Some(
            Exchange::Lost(Ambiguity::Timeout)
            | Exchange::Partial {
                fault: Ambiguity::Timeout,
                ..
            },
        ) => ErrorCode::UpstreamTimeout,
        Some(Exchange::NotSent(_) | Exchange::AddressRefused | Exchange::Lost(_))
        | Some(Exchange::Partial { .. } | Exchange::Whole { .. })
        | None => ErrorCode::UpstreamUnavailable,
    };
    let error = AppError::of(code);
    match &inquiry.finding {
        Finding::Unanswered {
            retry_after: Some(after),
            ..
        } => error.retry_after_ms(u64::try_from(after.as_millis()).unwrap_or(u64::MAX)),
        Finding::Unanswered { .. }
        | Finding::Found(_)
        | Finding::Absent
        | Finding::Held { .. }
        | Finding::Unsupported => error,
    }
}

impl LiveState {
    /// The state that an answer's last report with an effect leaves.
    pub(super) fn of(acceptance: &Acceptance) -> Self {
        let last = acceptance
            .facts
            .iter()
            .rev()
            .find(|fact| !matches!(fact.kind, FactKind::Note { .. }));
        Self {
            state: match (last.map(|fact| word_of(&fact.kind)), acceptance.facts.is_empty()) {
                (Some(word), _) => word,
                (None, true) => UpstreamWord::Received,
                (None, false) => UpstreamWord::Other,
            },
            version: acceptance.version,
            changed_at: last.and_then(|fact| fact.occurred_at),
        }
    }
}

const fn word_of(kind: &FactKind) -> UpstreamWord {
    match kind {
        FactKind::Received => UpstreamWord::Received,
        FactKind::Accepted | FactKind::SpecialEnded { .. } => UpstreamWord::Accepted,
        FactKind::SupplementRequested { .. } => UpstreamWord::AwaitingSupplement,
        FactKind::SpecialBegun { .. } => UpstreamWord::SpecialProcedure,
        FactKind::Decided { verdict, .. } => match verdict {
            Verdict::Granted => UpstreamWord::Granted,
            Verdict::Denied => UpstreamWord::Denied,
        },
        FactKind::Completed | FactKind::Opinion { .. } => UpstreamWord::Completed,
        FactKind::Delivered => UpstreamWord::Delivered,
        FactKind::Rejected { .. } => UpstreamWord::Rejected,
        FactKind::Withdrawn => UpstreamWord::Withdrawn,
        FactKind::Note { .. } => UpstreamWord::Other,
    }
}
