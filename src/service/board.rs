//! The board: whose desk holds what, how much of it is late, and how many working days are left.

use chrono::{DateTime, NaiveDate, Utc};
use onedoor_domain::actor::Actor;
use onedoor_domain::board::{BoardEntry, BoardOrder, HandoffCount};
use onedoor_domain::calendar::{CalendarError, WorkCalendar};
use onedoor_domain::handoff::Handoff;
use onedoor_domain::id::CaseId;
use onedoor_domain::page::{Page, PageRequest};
use onedoor_domain::policy::Act;
use onedoor_domain::sla::beijing_date;

use super::cases::Cases;
use super::reading::CaseView;
use crate::error::AppError;
pub use crate::store::handoff_list::HandoffFilter;

/// A page of the board.
pub struct Board {
    /// Handoffs with their cases.
    pub page: Page<(CaseView, Handoff)>,
    /// How many open handoffs the whole list has; `None`: not asked for.
    pub counts: Option<Counts>,
}

/// How many open handoffs a list has.
pub struct Counts {
    /// By state.
    pub states: Vec<HandoffCount>,
    /// By day, the first day first, those without a date last.
    pub days: Vec<DayLeft>,
}

/// How many handoffs are due on one day, and how far away that is.
pub struct DayLeft {
    /// Last day that is in time; `None`: no date, or the clock stands still.
    pub due: Option<NaiveDate>,
    /// Working days after today up to and with it; negative: so many working days ago.
    pub days_left: Option<i64>,
    /// How many.
    pub count: u64,
    /// How many of them are late.
    pub late: u64,
}

impl Cases {
    /// A page of the board: handoffs on the actor's desk or in its division; with `counted` how many there are.
    ///
    /// # Errors
    /// FORBIDDEN or UNAUTHENTICATED by the policy, STORE_UNAVAILABLE.
    pub async fn list_handoffs(
        &self,
        actor: &Actor,
        filter: &HandoffFilter,
        order: BoardOrder,
        page: &PageRequest,
        counted: bool,
    ) -> Result<Board, AppError> {
        let proof = self.may_read(actor, Act::ReadHandoffs)?;
        let at = self.clock.now();
        let listed = self
            .store
            .list_handoffs(&proof, filter, order, page, counted.then_some(at))
            .await?;
        let mut ids: Vec<CaseId> = listed.page.edges.iter().map(|edge| edge.node.case).collect();
        ids.sort_unstable();
        ids.dedup();
        let loaded = self.store.load_cases(&ids).await?;
        let views = self.views(actor, Act::ReadHandoffs, loaded).await?;
        let shown = |entry: BoardEntry| {
            let view = views.get(&entry.case)?;
            let handoff = view.case.handoff(entry.handoff)?.clone();
            Some((view.clone(), handoff))
        };
        let counts = match listed.counts {
            Some(counts) => {
                let calendar = self.calendar().await?;
                let left = |due| days_left(calendar.calendar(), at, due).map_err(AppError::internal);
                let day = |day: onedoor_domain::board::DayCount| {
                    Ok(DayLeft {
                        due: day.due,
                        days_left: day.due.map(left).transpose()?,
                        count: day.count,
                        late: day.late,
                    })
                };
                Some(Counts {
                    states: counts.states,
                    days: counts
                        .days
                        .into_iter()
                        .map(day)
                        .collect::<Result<_, AppError>>()?,
                })
            }
            None => None,
        };
        Ok(Board {
            page: listed.page.filter_map(shown),
            counts,
        })
    }
}

fn days_left(calendar: &WorkCalendar, now: DateTime<Utc>, due: NaiveDate) -> Result<i64, CalendarError> {
    let today = beijing_date(now);
    Ok(if due >= today {
        i64::from(calendar.working_days_between(today, due)?)
    } else {
        -i64::from(calendar.working_days_between(due, today)?)
    })
}
