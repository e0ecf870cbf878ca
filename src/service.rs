//! Use cases: what a person or a system can ask of the gateway.

use std::ops::Deref;
use std::sync::Arc;

use onedoor_domain::page::PageError;

use crate::cache::Cache;
use crate::cache::hints::Hints;
use crate::clock::SharedClock;
use crate::config::catalogue::SettingRule;
use crate::error::{AppError, ErrorCode};
use crate::store::database::Database;

use denials::Denials;
use directory::{Directories, UpstreamBindings};

pub mod answer;
pub mod attachments;
pub mod audit;
pub mod bells;
pub mod between;
pub mod board;
pub mod calendar;
pub mod cards;
pub mod case_texts;
pub mod cases;
pub mod catalogue;
pub mod changes;
pub mod clocks;
pub mod delivery;
pub mod delivery_acts;
pub mod delivery_texts;
mod delivery_view;
pub mod denials;
pub mod directory;
pub mod divisions;
pub mod documents;
pub mod drafts;
pub mod erasure;
pub mod figures;
pub mod form;
pub mod gauges;
pub mod guard;
pub mod health;
pub mod identity;
pub mod import;
pub mod intake;
pub mod kiosks;
pub mod ledger;
pub mod live;
pub mod news;
pub mod notice;
pub mod organizations;
mod outgoing;
mod papers;
mod part;
pub mod privacy;
pub mod progress;
pub mod reading;
pub mod receipt_text;
pub mod receipts;
pub mod recompute;
pub mod reconcile;
pub mod reconciliations;
pub mod reference;
pub mod rejection;
pub mod revocations;
pub mod rotation;
pub mod shared_limits;
pub mod standing;
pub mod succession;
pub mod track;
pub mod upkeep;
pub mod upstreams;
pub mod watched;
pub mod watching;

/// Whether a pass of a loop left work behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum More {
    /// It did as much as it does at once.
    Perhaps,
    /// It did all there was.
    No,
}

/// Everything that use cases work with. Cheap to clone; every clone is the same.
#[derive(Clone)]
pub struct Services {
    parts: Arc<Parts>,
}

/// The parts of [`Services`], reached through it.
pub struct Parts {
    /// The database.
    pub database: Database,
    /// The cache of public reference data.
    pub cache: Cache,
    /// Denied accesses that are to be written to the audit log.
    pub denials: Denials,
    /// The bus of hints.
    pub hints: Hints,
    /// Where time comes from.
    pub clock: SharedClock,
    /// Who is where, as this process knows it.
    pub directories: Directories,
    /// How a division counts as urban or rural.
    pub setting_rule: SettingRule,
}

/// What [`Services`] are made from.
pub struct Foundations {
    /// The database, migrated.
    pub database: Database,
    /// The cache.
    pub cache: Cache,
    /// The bus of hints.
    pub hints: Hints,
    /// Where time comes from.
    pub clock: SharedClock,
    /// Which upstream system acts for whom, by configuration.
    pub bindings: UpstreamBindings,
    /// How a division counts as urban or rural.
    pub setting_rule: SettingRule,
}

impl Services {
    /// Services over their foundations; they know nobody until [`reference::refresh`] has run.
    #[must_use]
    pub fn new(foundations: Foundations) -> Self {
        let parts = Parts {
            database: foundations.database,
            cache: foundations.cache,
            denials: Denials::default(),
            hints: foundations.hints,
            clock: foundations.clock,
            directories: Directories::new(foundations.bindings),
            setting_rule: foundations.setting_rule,
        };
        Self {
            parts: Arc::new(parts),
        }
    }
}

impl Deref for Services {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

/// The answer to page arguments that cannot be.
fn bad_page(error: PageError) -> AppError {
    let (zh, en) = match error {
        PageError::BothEnds => (
            "first 与 last 不能同时使用。",
            "Use either first or last, not both.",
        ),
        PageError::Size => (
            "first 或 last 须在 0 至 100 之间。",
            "first or last must be between 0 and 100.",
        ),
        PageError::Cursor => (
            "游标无效，请使用同一列表返回的游标。",
            "The cursor is not valid; use one that the same list returned.",
        ),
    };
    AppError::of(ErrorCode::BadUserInput)
        .detail(zh, en)
        .because(error)
}
