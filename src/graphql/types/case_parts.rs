//! Small parts of a case as GraphQL shows them: what happens next, what was asked for, what is owed, other numbers.

use async_graphql::SimpleObject;
use chrono::{DateTime, Utc};

use super::case_enums::NextStepKind;
use super::organization::Organization;
use super::scalars::Date;

/// What happens next with a case, where and by when.
#[derive(SimpleObject)]
pub struct NextStep {
    /// What is to be done.
    pub(super) kind: NextStepKind,
    /// The same in words, in the language of the request.
    pub(super) text: String,
    /// The organization that has to do it; null when it is the applicant, or nothing is left to do.
    pub(super) organization: Option<Organization>,
    /// By when; null when no clock runs.
    pub(super) due_at: Option<DateTime<Utc>>,
}

/// A supplement that was asked for (补正).
#[derive(SimpleObject)]
pub struct Supplement {
    /// Whether it was asked before acceptance.
    pub(super) before_acceptance: bool,
    /// Codes of the materials asked for; empty when words alone say what is wrong.
    pub(super) materials: Vec<String>,
    /// When it was brought; null: it is awaited, or lapsed.
    pub(super) brought_at: Option<DateTime<Utc>>,
}

/// A minor material that is owed (容缺).
#[derive(SimpleObject)]
pub struct OwedMaterial {
    /// Code of the item's material.
    pub(super) material: String,
    /// Last day on which it can be brought.
    pub(super) due: Date,
    /// When it was brought; null: not yet.
    pub(super) brought_at: Option<DateTime<Utc>>,
    /// Whether the day passed without it, and a denial for that reason was proposed.
    pub(super) missed: bool,
}

/// The number of a case in an upstream system.
#[derive(SimpleObject)]
pub struct ExternalNumber {
    /// Name of the system.
    pub(super) upstream: String,
    /// Its number.
    pub(super) number: String,
}
