//! The working-day calendar (工作日历) as GraphQL shows it.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use onedoor_domain::calendar::CalendarError;
use onedoor_domain::limit::Limit;
use onedoor_domain::sla;

use super::scalars::Date;
use super::service_item::LimitInput;
use crate::error::{AppError, ErrorCode};
use crate::graphql::reach::failed;
use crate::service::calendar::CalendarInForce;

/// The working-day calendar (工作日历) in force.
pub struct Calendar(Arc<CalendarInForce>);

impl From<Arc<CalendarInForce>> for Calendar {
    fn from(calendar: Arc<CalendarInForce>) -> Self {
        Self(calendar)
    }
}

/// When a limit is due.
#[derive(SimpleObject)]
pub struct DueDate {
    /// The last day in China that is still in time.
    date: Date,
    /// The first instant that is late.
    late_at: DateTime<Utc>,
    /// Whether it may still move, because a year it reaches into has no official holidays yet.
    provisional: bool,
    /// The calendar it was counted with.
    calendar_version: ID,
}

/// The working-day calendar (工作日历) in force.
#[Object]
impl Calendar {
    /// Opaque id of this version; receipts name it.
    async fn version(&self) -> ID {
        self.0.calendar().version().into()
    }

    /// Number of this version, from 1.
    async fn number(&self) -> i32 {
        self.0.number()
    }

    /// Whether a date is a working day (工作日).
    async fn is_working_day(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The date to judge, from 2000 to 2100.")] date: Date,
    ) -> Result<bool> {
        self.0
            .calendar()
            .is_working_day(date.0)
            .map_err(|error| outside(ctx, error))
    }

    /// The date so many working days after another; the day itself is not counted.
    async fn add_working_days(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The date to count from.")] from: Date,
        #[graphql(desc = "How many working days, 0 or more.")] days: i32,
    ) -> Result<Date> {
        let days = count(ctx, days)?;
        self.0
            .calendar()
            .add_working_days(from.0, days)
            .map(Date)
            .map_err(|error| outside(ctx, error))
    }

    /// When a limit that starts at an instant is due; the day of the start is not counted.
    async fn due_date(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The instant at which the limit starts.")] start: DateTime<Utc>,
        #[graphql(desc = "The limit to count with.")] limit: LimitInput,
    ) -> Option<Result<DueDate>> {
        Some(self.due(ctx, start, limit))
    }
}

impl Calendar {
    fn due(&self, ctx: &Context<'_>, start: DateTime<Utc>, limit: LimitInput) -> Result<DueDate> {
        let limit = Limit {
            value: count(ctx, limit.value)?,
            unit: limit.unit.into(),
        };
        let due = sla::due(start, limit, self.0.calendar()).map_err(|error| outside(ctx, error))?;
        Ok(DueDate {
            date: Date(due.day()),
            late_at: due.at,
            provisional: due.provisional,
            calendar_version: self.0.calendar().version().into(),
        })
    }
}

fn count(ctx: &Context<'_>, count: i32) -> Result<u32> {
    u32::try_from(count).ok().ok_or_else(|| {
        let negative = AppError::of(ErrorCode::BadUserInput)
            .detail("天数不能为负数。", "The number must not be negative.");
        failed(ctx, negative)
    })
}

fn outside(ctx: &Context<'_>, error: CalendarError) -> async_graphql::Error {
    let outside = AppError::of(ErrorCode::BadUserInput)
        .detail(
            "日期须在 2000 至 2100 年之间。",
            "Dates must lie between the years 2000 and 2100.",
        )
        .because(error);
    failed(ctx, outside)
}
