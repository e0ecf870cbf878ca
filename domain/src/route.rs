//! Routes: the steps a case of an item takes, and the organization each step means for one division.

use serde::{Deserialize, Serialize};

use crate::division::Level;
use crate::limit::Limit;

/// How a step counts towards the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StepClock {
    /// Counts towards promise and statutory limit.
    #[default]
    Counted,
    /// Before acceptance, with its own limit.
    PreAcceptance,
    /// Between acceptance and decision a special procedure of kind 2; elsewhere a plain step.
    Excluded,
}

/// The kind of a handoff (DOMAIN §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum HandoffKind {
    /// 流转: along the route.
    Route,
    /// 交办: from a higher level down.
    Assign,
    /// 转办: to the agency that is competent.
    Transfer,
    /// 退回: to the previous holder.
    Return,
    /// 上报: to the level above.
    Escalate,
    /// 会签: each signs in turn.
    Countersign,
    /// 联审: in parallel.
    JointReview,
    /// An opinion is asked for.
    Consult,
    /// 送达: the result is handed over to the applicant.
    Delivery,
}

/// Who names the organization of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Assignment {
    /// The role in the ancestor division of the case at the role's level.
    #[default]
    ByRole,
    /// Named by the person who hands off, among the departments of that level.
    Chosen,
    /// One fixed organization outside the city.
    External,
}

/// One step of a route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Role that acts, for example `township.service-center`.
    pub role: String,
    /// Level of that role.
    pub level: Level,
    /// What is done, for example `ACCEPT_AND_REVIEW`.
    pub action: String,
    /// Wording of the guide for the unit.
    pub unit: String,
    /// The step's own limit; `None`: no limit given.
    #[serde(default)]
    pub limit: Option<Limit>,
    /// Shortest time the step may take.
    #[serde(default)]
    pub at_least: Option<Limit>,
    /// How it counts.
    #[serde(default)]
    pub clock: StepClock,
    /// Its organization accepts.
    #[serde(default)]
    pub accepts: bool,
    /// Its organization decides.
    #[serde(default)]
    pub decides: bool,
    /// Kind of handoff that carries the case into the step.
    pub handoff: HandoffKind,
    /// Steps of one group run in parallel.
    #[serde(default)]
    pub parallel_group: Option<String>,
    /// Who names the organization.
    #[serde(default)]
    pub assignment: Assignment,
}
