//! How a case stands at an agency's system, as GraphQL shows it.

use async_graphql::{Enum, SimpleObject};
use chrono::{DateTime, Utc};
use onedoor_domain::reconciliation::UpstreamWord;

use crate::service::live::LiveRead;

/// How a case stands at the system of an agency (业务系统办理状态), as that system tells it. It proposes nothing and is not
/// on record; news that counts comes by the ledger.
#[derive(SimpleObject)]
pub struct UpstreamStatus {
    /// Name of the system.
    upstream: String,
    /// The state there.
    state: UpstreamState,
    /// The system's own sequence of the case, as text; null when it keeps none.
    version: Option<String>,
    /// When the case came into that state, by the system's clock; null when it does not say.
    changed_at: Option<DateTime<Utc>>,
    /// When the system was asked.
    as_of: DateTime<Utc>,
    /// Whether the system answered now, or an answer of the last seconds is shown.
    source: UpstreamSource,
    /// Whether the answer is older than it should be, because the system does not answer.
    stale: bool,
}

/// How a case stands at an agency's system.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "UpstreamWord")]
pub enum UpstreamState {
    /// It does not know the case.
    Absent,
    /// Taken over.
    Received,
    /// Accepted (受理).
    Accepted,
    /// It waits for papers (补正).
    AwaitingSupplement,
    /// In a special procedure (特别程序).
    SpecialProcedure,
    /// Granted (准予).
    Granted,
    /// Denied (不予).
    Denied,
    /// Completed (办结).
    Completed,
    /// The result was collected (送达).
    Delivered,
    /// Given back without a decision.
    Rejected,
    /// Stopped: the system works on it no more (撤回).
    Withdrawn,
    /// Something there is no word for here.
    Other,
}

/// Where an answer comes from.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpstreamSource {
    /// The system was asked for this read, or for one at the same time.
    Upstream,
    /// An answer that is kept for a few seconds.
    Cache,
}

impl UpstreamStatus {
    pub(crate) fn of(upstream: &str, live: &LiveRead) -> Self {
        Self {
            upstream: upstream.to_owned(),
            state: live.value.state.into(),
            version: live.value.version.map(|version| version.to_string()),
            changed_at: live.value.changed_at,
            as_of: live.as_of,
            source: if live.asked_now {
                UpstreamSource::Upstream
            } else {
                UpstreamSource::Cache
            },
            stale: live.stale,
        }
    }
}
