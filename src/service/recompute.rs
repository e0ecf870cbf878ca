//! After another calendar: computes the due dates of all open cases again and tells which moved.

use std::fmt;

use chrono::NaiveDate;
use onedoor_domain::actor::Actor;
use onedoor_domain::calendar::{CalendarRow, WorkCalendar};
use onedoor_domain::case::command::{By, Command};
use onedoor_domain::case::decide::{self, Outcome};
use onedoor_domain::case::event::Event;
use onedoor_domain::clock::{CaseClock, ClockKind};
use onedoor_domain::id::{CalendarVersionId, CaseId};

use super::cases::{ATTEMPTS_MAX, Cases};
use super::import::Mode;
use crate::error::{AppError, ErrorCode};
use crate::store::case::Loaded;
use crate::store::names::name_of;
use crate::telemetry;

/// Open cases read at once.
const PIECE: u64 = 200;

/// A due date that moved, or would move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedDate {
    /// Number of the case that people use.
    pub tracking_code: String,
    /// What the clock measures.
    pub clock: ClockKind,
    /// Last day in time before.
    pub before: Option<NaiveDate>,
    /// Last day in time now.
    pub after: Option<NaiveDate>,
    /// Whether that day is provisional still.
    pub provisional: bool,
}

/// What another calendar moved, or would move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recomputed {
    /// Whether it was written.
    pub mode: Mode,
    /// How many open cases were looked at.
    pub cases: usize,
    /// The dates that moved, or became official where they stand.
    pub moved: Vec<MovedDate>,
    /// Cases that could not be computed; the log says why.
    pub failed: usize,
}

impl fmt::Display for Recomputed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let would = match self.mode {
            Mode::DryRun => "would move",
            Mode::Write => "moved",
        };
        write!(
            out,
            "{} open cases: {} due dates {would}",
            self.cases,
            self.moved.len()
        )?;
        if self.failed > 0 {
            write!(
                out,
                "; {} cases failed, import the same file again to retry",
                self.failed
            )?;
        }
        for moved in &self.moved {
            let day = |day: Option<NaiveDate>| day.map_or_else(|| "-".to_owned(), |day| day.to_string());
            let clock = name_of(moved.clock).map_err(|_unnamed| fmt::Error)?;
            let provisional = if moved.provisional {
                "provisional"
            } else {
                "official"
            };
            write!(
                out,
                "\n{}  {clock}  {} -> {}  {provisional}",
                moved.tracking_code,
                day(moved.before),
                day(moved.after)
            )?;
        }
        Ok(())
    }
}

impl Cases {
    /// Computes the due dates of all cases that are open now by these days. A case that fails is logged and counted;
    /// the others go on. Who comes meanwhile is not followed: their dates are computed by the calendar in force, and on
    /// a busy day there would be no end to it.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE, or the days are no calendar; what was stored before stays. Safe to repeat.
    pub async fn recompute(&self, days: &[CalendarRow], mode: Mode) -> Result<Recomputed, AppError> {
        let calendar = match mode {
            Mode::Write => self.calendar().await?.calendar().clone(),
            Mode::DryRun => WorkCalendar::from_rows(CalendarVersionId::named("dry run"), days)
                .map_err(AppError::internal)?,
        };
        let mut all = Recomputed {
            mode,
            cases: 0,
            moved: Vec::new(),
            failed: 0,
        };
        let Some(newest) = self.store.newest_case().await? else {
            return Ok(all);
        };
        let mut last: Option<CaseId> = None;
        loop {
            let piece = self.store.open_cases(last, newest, PIECE).await?;
            for case in &piece {
                all.cases += 1;
                match self.recompute_one(*case, &calendar, mode).await {
                    Ok(moved) => all.moved.extend(moved),
                    Err(error) if error.code == ErrorCode::StoreUnavailable => return Err(error),
                    Err(error) => {
                        all.failed += 1;
                        tracing::error!(
                            case.id = %case, error = %telemetry::chain(&error),
                            "the due dates of a case could not be computed by the new calendar"
                        );
                    }
                }
            }
            match piece.last() {
                Some(case) => last = Some(*case),
                None => return Ok(all),
            }
        }
    }

    async fn recompute_one(
        &self,
        id: CaseId,
        calendar: &WorkCalendar,
        mode: Mode,
    ) -> Result<Vec<MovedDate>, AppError> {
        for _ in 0..ATTEMPTS_MAX {
            let Some(before) = self.store.load_case(id).await? else {
                return Ok(Vec::new());
            };
            let item = self.item_of(&before.case).await?;
            let by = By::from(&Actor::system("calendar"));
            let outcome = self
                .decide(by, &item, calendar, &self.directory(), |cx| {
                    decide::decide(&before.case, &Command::Recompute, cx)
                })
                .map_err(AppError::internal)?;
            let moved = moved_dates(&before, &outcome);
            if mode == Mode::DryRun {
                return Ok(moved);
            }
            if outcome.events.is_empty() {
                // a date that stands may still be warned of on another day
                let (revision, next) = (before.revision, outcome.next_tick_at);
                if !self.store.speaks_next_at(id, revision, next).await? {
                    self.store.note_next_tick(id, revision, next).await?;
                }
                return Ok(moved);
            }
            if self.commit_of_the_clock(before, outcome).await? {
                return Ok(moved);
            }
        }
        Err(AppError::of(ErrorCode::Overloaded))
    }
}

fn moved_dates(before: &Loaded, outcome: &Outcome) -> Vec<MovedDate> {
    let mut moved = Vec::new();
    for new in &outcome.events {
        let Event::ClockRecomputed { clock, .. } = &new.event else {
            continue;
        };
        let (Some(earlier), Some(later)) = (before.case.clock(*clock), outcome.case.clock(*clock)) else {
            continue;
        };
        moved.push(MovedDate {
            tracking_code: outcome.case.tracking.to_string(),
            clock: later.kind,
            before: CaseClock::due_date(earlier),
            after: CaseClock::due_date(later),
            provisional: later.provisional,
        });
    }
    moved
}
