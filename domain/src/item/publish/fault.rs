//! Why a version cannot be published: the item's step or material at fault, in both languages.

use std::fmt;

use crate::calendar::CalendarError;
use crate::route::{Assignment, Step};

/// A step of a route as people find it: its number from 1, its role and what is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepName {
    /// Place in the route, from 1.
    pub number: usize,
    /// Role that acts.
    pub role: String,
    /// What is done.
    pub action: String,
}

impl StepName {
    pub(super) fn of(index: usize, step: &Step) -> Self {
        Self {
            number: index + 1,
            role: step.role.clone(),
            action: step.action.clone(),
        }
    }
}

impl fmt::Display for StepName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} ({} {})", self.number, self.role, self.action)
    }
}

/// Why a version cannot be published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishFault {
    /// Not exactly one step accepts.
    #[error("exactly one step accepts; here: {}", listed(.0, "none"))]
    Accepting(Vec<StepName>),
    /// Not exactly one step decides.
    #[error("exactly one step decides; here: {}", listed(.0, "none"))]
    Deciding(Vec<StepName>),
    /// The deciding step stands before the accepting one.
    #[error("step {decides} decides and stands before step {accepts}, which accepts")]
    Order {
        /// The accepting step.
        accepts: StepName,
        /// The deciding step.
        decides: StepName,
    },
    /// A counted step without limit can take for ever.
    #[error("step {0} counts towards the promise and has no limit")]
    CountedWithoutLimit(StepName),
    /// The counted steps can take longer than is promised.
    #[error("the counted steps {} can take {chain} days, the promise allows {promised}", numbers(.steps))]
    ChainAbovePromise {
        /// The counted steps.
        steps: Vec<StepName>,
        /// Most calendar days of the counted chain.
        chain: i64,
        /// Most calendar days of the promise.
        promised: i64,
    },
    /// The promise can take longer than the law allows.
    #[error("the promise can take {promised} days, the law allows {statutory}")]
    PromiseAboveStatute {
        /// Most calendar days of the promise.
        promised: i64,
        /// Most calendar days of the statutory limit.
        statutory: i64,
    },
    /// 即办件: one organization accepts and decides.
    #[error(
        "an IMMEDIATE item is accepted and decided in one step; here step {accepts} accepts and step {decides} decides"
    )]
    NotOneOrganization {
        /// The accepting step.
        accepts: StepName,
        /// The deciding step.
        decides: StepName,
    },
    /// 即办件: promised on the spot.
    #[error("an IMMEDIATE item is promised ON_THE_SPOT")]
    NotOnTheSpot,
    /// A grid event is assigned or resolved by its decider, and checked in one last step.
    #[error(
        "a grid event is decided by an ASSIGN or RESOLVE step, and ends with the one VERIFY step after it"
    )]
    NotALoop,
    /// A certificate that a community may not be asked for.
    #[error("material {material} is on the list of forbidden certificates")]
    ForbiddenCertificate {
        /// Code of the material.
        material: String,
    },
    /// Two materials have one code.
    #[error("two materials have the code {material}")]
    DuplicateMaterial {
        /// The code.
        material: String,
    },
    /// A material is brought by a step that the route does not have.
    #[error("material {material} is produced by a step that the route does not have")]
    ProducerUnknown {
        /// Code of the material.
        material: String,
    },
    /// A step means no organization, or more than one.
    #[error("step {step} does not resolve from {places} divisions, such as {place} ({code}): {}", nobody(.assignment).1)]
    Unresolved {
        /// The step.
        step: StepName,
        /// Who names its organization.
        assignment: Assignment,
        /// The first division from which it does not resolve.
        place: String,
        /// That division's code.
        code: String,
        /// From how many divisions it does not resolve.
        places: usize,
    },
    /// A limit reaches outside the calendar.
    #[error(transparent)]
    Calendar(#[from] CalendarError),
}

impl PublishFault {
    /// The reason in Chinese; `Display` is the reason in English.
    #[must_use]
    pub fn in_chinese(&self) -> String {
        match self {
            Self::Accepting(steps) => format!("应恰有一步受理, 现有: {}", listed(steps, "无")),
            Self::Deciding(steps) => format!("应恰有一步决定, 现有: {}", listed(steps, "无")),
            Self::Order { accepts, decides } => {
                format!("决定步骤 {decides} 早于受理步骤 {accepts}")
            }
            Self::CountedWithoutLimit(step) => format!("第 {step} 步计入承诺时限, 但没有时限"),
            Self::ChainAbovePromise {
                steps,
                chain,
                promised,
            } => format!(
                "计时步骤 {} 最长 {chain} 天, 超过承诺时限 {promised} 天",
                numbers(steps)
            ),
            Self::PromiseAboveStatute { promised, statutory } => {
                format!("承诺时限最长 {promised} 天, 超过法定时限 {statutory} 天")
            }
            Self::NotOneOrganization { accepts, decides } => {
                format!("即办件须由同一步骤受理并决定, 现由第 {accepts} 步受理、第 {decides} 步决定")
            }
            Self::NotOnTheSpot => "即办件的承诺时限须为即办 (ON_THE_SPOT)".to_owned(),
            Self::NotALoop => {
                "网格事项须由 ASSIGN 或 RESOLVE 步骤决定, 其后以唯一的 VERIFY 步骤结束".to_owned()
            }
            Self::ForbiddenCertificate { material } => {
                format!("材料 {material} 属于不应由社区出具的证明 (民发〔2020〕20号)")
            }
            Self::DuplicateMaterial { material } => format!("材料代码 {material} 重复"),
            Self::ProducerUnknown { material } => format!("材料 {material} 的产生步骤不在流程中"),
            Self::Unresolved {
                step,
                assignment,
                place,
                code,
                places,
            } => format!(
                "第 {step} 步在 {place} ({code}) 等 {places} 个区划无法落实到单位: {}",
                nobody(assignment).0
            ),
            Self::Calendar(_) => "时限超出工作日历范围".to_owned(),
        }
    }
}

fn listed(steps: &[StepName], none: &str) -> String {
    let steps: Vec<_> = steps.iter().map(ToString::to_string).collect();
    if steps.is_empty() {
        none.to_owned()
    } else {
        steps.join(", ")
    }
}

fn numbers(steps: &[StepName]) -> String {
    let numbers: Vec<_> = steps.iter().map(|step| step.number.to_string()).collect();
    numbers.join(", ")
}

/// What is missing, in Chinese and English.
const fn nobody(assignment: &Assignment) -> (&'static str, &'static str) {
    match assignment {
        Assignment::ByRole => ("没有单位承担该角色", "no organization has this role"),
        Assignment::Chosen => ("没有可供选择的部门", "there is no department to choose from"),
        Assignment::External => (
            "须恰有一个外部单位承担该角色",
            "exactly one external organization must have this role",
        ),
    }
}
