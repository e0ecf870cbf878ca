//! What a grid event (网格事件) has beside other cases, as GraphQL shows it.

use async_graphql::{Enum, SimpleObject};
use chrono::{DateTime, Utc};
use onedoor_domain::case::grid as domain;

/// The word for the state of a grid event (网格事件状态).
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::GridStatus")]
pub enum GridStatus {
    /// 已上报: SUBMITTED.
    Reported,
    /// 已派遣: ACCEPTED.
    Assigned,
    /// 处置中: IN_REVIEW.
    Handling,
    /// 已反馈: DECIDED, with the outcome RESOLVED or UNFOUNDED; waits for its check.
    FedBack,
    /// 已核查: COMPLETED; the loop is closed.
    Checked,
}

/// What the check of a grid event found (核查结果).
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::CheckResult")]
pub enum CheckResult {
    /// What was fed back is true: the event is closed.
    Pass,
    /// It is not: the resolver has it again.
    Fail,
}

/// The closed loop of a grid event (闭环).
#[derive(SimpleObject)]
pub struct GridLoop {
    /// The word for its state; null where grid events have none of their own.
    status: Option<GridStatus>,
    /// Checks that failed.
    failed_checks: i32,
    /// How often it was opened again after a check that had passed.
    reopenings: i32,
    /// When its check passed; null while the loop is open.
    checked_at: Option<DateTime<Utc>>,
}

impl GridLoop {
    pub(crate) fn of(case: &onedoor_domain::case::state::Case) -> Self {
        let small = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
        Self {
            status: domain::GridStatus::of(case.status).map(Into::into),
            failed_checks: small(case.grid.failed_checks),
            reopenings: small(case.grid.reopenings),
            checked_at: case.grid.checked_at,
        }
    }
}
