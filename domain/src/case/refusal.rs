//! Why an act was refused: data for a typed answer, not a failure.

use chrono::{DateTime, NaiveDate, Utc};

use super::available::Act;
use super::state::CaseStatus;
use crate::admission::Gate;

/// A refused act. Nothing has changed, and no idempotency key was used up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The act is not possible in this state.
    #[error("the act is not possible now")]
    IllegalAct {
        /// The state the case is in.
        status: CaseStatus,
        /// What the same actor can do now.
        possible: Vec<Act>,
        /// Why, where the state alone does not say it.
        why: Why,
    },
    /// The case is on another organization's desk.
    #[error("the case is with another organization")]
    WrongOrganization,
    /// The case or handoff has moved on since the caller looked.
    #[error("the version is stale")]
    StaleVersion {
        /// The version it has now.
        current: i32,
    },
    /// The case has no such handoff.
    #[error("the handoff is not of this case")]
    UnknownHandoff,
    /// The step leaves the choice of organization to the sender, and none (or none of its list) was named.
    #[error("an organization must be chosen")]
    ChooseOrganization,
    /// An organization was named where the route fixes it.
    #[error("the route fixes the organization")]
    OrganizationIsFixed,
    /// No organization of that kind can receive this kind of handoff: 交办 goes down, 上报 to the level above, nothing by
    /// hand outside the network or to oneself.
    #[error("the organization cannot receive this kind of handoff")]
    ReceiverUnfit,
    /// The admission lists (准入) do not let this item be given to that organization by hand.
    #[error("the item is not admitted there")]
    NotAdmitted {
        /// What the lists say.
        gate: Gate,
    },
    /// The act needs a reason in words.
    #[error("a reason is required")]
    ReasonMissing,
    /// A material was named that is not on file.
    #[error("the material is not on file")]
    MaterialNotOnFile,
    /// A denial needs reasons and remedy, an unfounded event reasons.
    #[error("reasons and remedy are required")]
    ReasonsRequired,
    /// A field that this act needs in these circumstances is empty.
    #[error("a field is required")]
    FieldRequired {
        /// Its name in the input.
        field: &'static str,
    },
    /// A number of days outside what the act allows.
    #[error("the number of days is out of bounds")]
    DaysOutOfBounds {
        /// The most that is allowed.
        max: u32,
    },
    /// The item has no such material, or not one that belongs here.
    #[error("the material does not belong here")]
    UnknownMaterial {
        /// Place in the list handed in, from 0.
        index: usize,
    },
    /// Materials that must come with this act are not there.
    #[error("materials are missing")]
    MaterialsMissing {
        /// Their codes.
        materials: Vec<String>,
    },
    /// Only a minor material (次审要件) can be owed.
    #[error("only a minor material can be owed")]
    NotOwable {
        /// Place in the list handed in, from 0.
        index: usize,
    },
    /// What is owed must come between today and the promised date.
    #[error("the date for an owed material is outside the promise")]
    OwedOutsidePromise {
        /// Place in the list handed in, from 0.
        index: usize,
        /// The last day that is possible.
        latest: NaiveDate,
    },
    /// An organization is not competent for itself.
    #[error("the competent organization must be another one")]
    NotAnother,
    /// An objection of an office that worked beside needs an answer in the decision.
    #[error("an objection is not answered")]
    ObjectionUnanswered,
    /// The outcome is not one of this kind of case.
    #[error("the outcome does not fit the kind of case")]
    OutcomeDoesNotFit,
    /// The case has no such card.
    #[error("the card is not of this case")]
    UnknownCard,
    /// The case has no such supervision order.
    #[error("the supervision order is not of this case")]
    UnknownOrder,
    /// The organization has no part in the case.
    #[error("the organization has no part in the case")]
    NotAHolder,
    /// Only the level above may judge a card.
    #[error("only a level above may do this")]
    LevelTooLow,
    /// A due date lies outside the years the calendar covers.
    #[error("the due date is outside the calendar")]
    OutsideCalendar,
}

/// What stands in the way of an act beside the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The state alone.
    Status,
    /// A handoff is on its way and not yet answered.
    HandoffOpen,
    /// A beside-handoff the route requires is not done.
    BesideOpen,
    /// The step must last until a given instant.
    TooEarly {
        /// The first instant it may end.
        not_before: DateTime<Utc>,
    },
    /// The route ends here: the case is to be decided.
    EndOfRoute,
    /// The case must be accepted first.
    NotAccepted,
    /// The step this act belongs to has not been reached.
    NotThisStep,
    /// The handoff was answered before.
    AlreadyAnswered,
    /// The receiver is bound to an upstream system, which answers for itself.
    Bound,
    /// The step asks for an opinion.
    OpinionMissing,
    /// A supplement was asked for before in this phase (补正一次性告知).
    AskedBefore,
    /// A licence takes no supplement after its acceptance.
    NotForLicense,
    /// Nothing is asked of the applicant.
    NothingAsked,
    /// The limits were extended before, or have passed.
    NotExtendable,
    /// Materials are still owed (容缺): a grant waits for them.
    StillOwed,
    /// Nobody judges their own work: the check is another person's.
    OwnWork,
    /// The time in which this could be done is over.
    TooLate {
        /// The first instant that was too late.
        until: DateTime<Utc>,
    },
    /// The case was evaluated before; once is all.
    AlreadyEvaluated,
    /// What was wrong must be put right first.
    NotRectified,
    /// Conditions, an objection or an answer need words.
    TextMissing,
    /// Into the accepting step nothing is refused: `declineCase` says who is competent, or why not.
    DeclineInstead,
    /// Only an officer can do it.
    OfficerOnly,
    /// The route does not require this opinion, so there is nothing to do without.
    NotRequired,
    /// Nobody held the case before.
    NobodyBefore,
}
