//! The board: in which order desks list handoffs, and how many there are, by state and by the day they are due.

use chrono::NaiveDate;

use crate::handoff::HandoffState;
use crate::id::{CaseId, HandoffId};
use crate::page::Direction;

/// By what the board is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum BoardKey {
    /// By due date; those without a date count as due last of all.
    #[default]
    Due,
    /// By when they were offered.
    Offered,
}

/// An order of the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct BoardOrder {
    /// By what.
    pub key: BoardKey,
    /// In which direction.
    pub direction: Direction,
}

impl BoardOrder {
    /// Name of the order for cursors. Positions have 2 parts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match (self.key, self.direction) {
            (BoardKey::Due, Direction::Ascending) => "handoff.due",
            (BoardKey::Due, Direction::Descending) => "handoff.due.desc",
            (BoardKey::Offered, Direction::Ascending) => "handoff.offered",
            (BoardKey::Offered, Direction::Descending) => "handoff.offered.desc",
        }
    }
}

/// Where a handoff stands in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoardEntry {
    /// The handoff.
    pub handoff: HandoffId,
    /// Its case.
    pub case: CaseId,
    /// Value of the column that the list is ordered by, as it was read: microseconds UTC.
    pub key: i64,
}

/// How many handoffs of a list are in one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandoffCount {
    /// State.
    pub state: HandoffState,
    /// How many.
    pub count: u64,
    /// How many of them are late.
    pub late: u64,
}

/// How many handoffs of a list are due on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayCount {
    /// Last day that is in time, in Beijing; `None`: no date, or the clock stands still.
    pub due: Option<NaiveDate>,
    /// How many.
    pub count: u64,
    /// How many of them are late.
    pub late: u64,
}

/// How many open handoffs a list has, counted in one look.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BoardCounts {
    /// By state; states without any are left out.
    pub states: Vec<HandoffCount>,
    /// By the day they are due, the first day first, those without a date last.
    pub days: Vec<DayCount>,
}
