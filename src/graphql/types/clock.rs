//! A clock (时限) as GraphQL shows it.

use async_graphql::{ComplexObject, Context, Result, SimpleObject};
use chrono::{DateTime, Utc};
use onedoor_domain::clock::CaseClock;
use onedoor_domain::limit::Limit as DomainLimit;

use super::case_enums::{ClockKind, ClockState};
use super::scalars::Date;
use super::service_item::Limit;
use crate::graphql::reach::{cases, failed};

/// A clock (时限): one limit that runs, stands still and ends.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Clock {
    /// What it measures.
    kind: ClockKind,
    /// Whether it runs.
    state: ClockState,
    /// The limit it started with.
    limit: Limit,
    /// Index of the route step it belongs to.
    step: Option<i32>,
    /// When it started; the day of the start is not counted.
    started_at: DateTime<Utc>,
    /// First instant that is late; null while it stands still.
    due_at: Option<DateTime<Utc>>,
    /// Last day that is in time, Beijing time; null while it stands still.
    due_date: Option<Date>,
    /// Whether that date may still move, because the calendar of its year is not official yet.
    provisional: bool,
    /// Whether it has run out.
    is_overdue: bool,
    /// When it ended.
    stopped_at: Option<DateTime<Utc>>,
    #[graphql(skip)]
    clock: CaseClock,
    #[graphql(skip)]
    at: DateTime<Utc>,
}

/// A clock (时限): one limit that runs, stands still and ends.
#[ComplexObject]
impl Clock {
    /// How much is left: working days of a limit in working days; calendar days of one in calendar days, months or on
    /// the spot; seconds of one in hours. 0 on the last day, negative when late, frozen while the clock stands still,
    /// null once it has ended.
    async fn remaining(&self, ctx: &Context<'_>) -> Option<Result<i32>> {
        let left = cases(ctx).map(|cases| cases.remaining(&self.clock, self.at));
        let left = match left {
            Ok(left) => left.await.map_err(|error| failed(ctx, error)),
            Err(error) => Err(error),
        };
        left.map(|left| left.map(|span| i32::try_from(span.count()).unwrap_or(i32::MAX)))
            .transpose()
    }
}

impl Clock {
    pub(crate) fn of(clock: &CaseClock, at: DateTime<Utc>) -> Self {
        let limit: DomainLimit = clock.limit;
        Self {
            kind: clock.kind.into(),
            state: clock.state.into(),
            limit: limit.into(),
            step: clock.step.and_then(|step| i32::try_from(step).ok()),
            started_at: clock.started_at,
            due_at: clock.due_at,
            due_date: clock.due_date().map(Date),
            provisional: clock.provisional,
            is_overdue: clock.is_overdue(at),
            stopped_at: clock.stopped_at,
            clock: clock.clone(),
            at,
        }
    }
}
