//! An agency's system as its operator sees it.

use std::sync::Arc;

use async_graphql::{Context, Enum, Object};
use chrono::{DateTime, Utc};

use super::delivery::UndeliveredCount;
use crate::error::Language;
use crate::graphql::reach::language;
use crate::service::delivery_acts::DeliveryCount;
use crate::service::upstreams::{
    BreakerState, Capability, Idempotency as DomainIdempotency, OutcomeClass, Status,
};

/// What a system's protocol can do.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "Capability")]
pub enum UpstreamCapability {
    /// Takes a case over.
    Submit,
    /// Takes a case over again under its own number.
    Transition,
    /// Takes papers that came later; without it a person tells the other office.
    Supplement,
    /// Can be told to stop; without it a person tells the other office.
    Withdraw,
    /// Can be asked for the state of a case by its own number.
    Query,
    /// Can be asked whether it has a case by our reference.
    FindByOurKey,
    /// Reports back by signed callbacks.
    Callback,
    /// Takes documents.
    Attach,
    /// Is asked for news.
    Poll,
    /// Is told what happens to cases.
    Notify,
}

/// What a system makes of a request that comes twice.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "DomainIdempotency")]
pub enum UpstreamIdempotency {
    /// It recognizes our key: an unanswered request is sent again.
    Native,
    /// It is asked before a request is repeated.
    QueryBeforeRetry,
    /// Neither: an unanswered request waits for a clerk.
    None,
}

/// Whether a system is left alone after repeated failures.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "BreakerState")]
pub enum UpstreamBreaker {
    /// Deliveries go out.
    Closed,
    /// One delivery finds out whether it is back.
    HalfOpen,
    /// It rests; deliveries wait.
    Open,
}

/// How an attempt failed.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpstreamFailure {
    /// Nothing was sent: no connection, no place, or it rests.
    NotSent,
    /// It asked to come again later.
    Retryable,
    /// It may have acted, and did not say so.
    Ambiguous,
    /// It refuses us by its or our configuration.
    Held,
}

/// An agency's system (业务系统) behind the gateway.
pub struct UpstreamSystem {
    status: Arc<Status>,
}

impl UpstreamSystem {
    pub(crate) fn of(status: Status) -> Self {
        Self {
            status: Arc::new(status),
        }
    }
}

/// An agency's system (业务系统) behind the gateway.
#[Object]
impl UpstreamSystem {
    /// Its name, as deliveries and handoffs give it.
    async fn name(&self) -> &str {
        self.status.system().config().name.as_str()
    }

    /// What people call it.
    async fn title(&self, ctx: &Context<'_>) -> &str {
        let config = self.status.system().config();
        match language(ctx) {
            Language::Zh => &config.title_zh,
            Language::En => &config.title_en,
        }
    }

    /// The protocol it speaks.
    async fn protocol(&self) -> &str {
        &self.status.system().config().protocol
    }

    /// Whether cases are handed to it. False: it stands for no organization; a subscriber is told of cases, a system that is
    /// only registered (党建信息化) is never sent anything.
    async fn carries_items(&self) -> bool {
        let config = self.status.system().config();
        config.carries_items && config.is_bound()
    }

    /// What it can do.
    async fn capabilities(&self) -> Vec<UpstreamCapability> {
        let able = self.status.system().capabilities();
        able.into_iter().map(UpstreamCapability::from).collect()
    }

    /// What it makes of a request that comes twice.
    async fn idempotency(&self) -> UpstreamIdempotency {
        self.status.system().config().idempotency.into()
    }

    /// Whether it is left alone now, by the replica that answers.
    async fn breaker(&self) -> UpstreamBreaker {
        self.status.system().driver().breaker_state().into()
    }

    /// Retries that may go to it now, by the replica that answers; at 0 they wait.
    async fn retries_available(&self) -> i32 {
        i32::try_from(self.status.system().driver().retries_available()).unwrap_or(i32::MAX)
    }

    /// Deliveries that have not reached it, by state.
    async fn backlog(&self) -> Vec<UndeliveredCount> {
        let counted = self.status.backlog.iter().map(|count| DeliveryCount {
            state: count.state,
            count: count.count,
            oldest: count.oldest,
        });
        counted.map(UndeliveredCount::of).collect()
    }

    /// Handoffs that it took over with the promise of a report (202, 另行回告) which it owes beyond the day on which the work
    /// was due.
    async fn silent(&self) -> i32 {
        i32::try_from(self.status.silent).unwrap_or(i32::MAX)
    }

    /// When the oldest of its backlog was asked for; null when nothing waits.
    async fn oldest_at(&self) -> Option<DateTime<Utc>> {
        self.status.backlog.iter().map(|count| count.oldest).min()
    }

    /// When it last answered as it should, to the replica that answers since that began.
    async fn last_success_at(&self) -> Option<DateTime<Utc>> {
        self.status.system().driver().last().success
    }

    /// When an attempt last failed, likewise.
    async fn last_failure_at(&self) -> Option<DateTime<Utc>> {
        self.status.system().driver().last().failure.map(|(at, _)| at)
    }

    /// When it last said, to the replica that answers, that it wants no more news (HTTP 410); null while it takes news. What
    /// there is to tell is not sent then, and offered again an hour later.
    async fn gone_at(&self) -> Option<DateTime<Utc>> {
        self.status.system().driver().last().gone
    }

    /// How that attempt failed.
    async fn last_failure(&self) -> Option<UpstreamFailure> {
        let (_, class) = self.status.system().driver().last().failure?;
        match class {
            OutcomeClass::NotSent => Some(UpstreamFailure::NotSent),
            OutcomeClass::Retryable => Some(UpstreamFailure::Retryable),
            OutcomeClass::Ambiguous => Some(UpstreamFailure::Ambiguous),
            OutcomeClass::Held => Some(UpstreamFailure::Held),
            OutcomeClass::Accepted | OutcomeClass::Rejected => None,
        }
    }

    /// Whom to call when it stands still.
    async fn operator_contact(&self) -> &str {
        &self.status.system().config().operator_contact
    }
}
