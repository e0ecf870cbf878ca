//! Which cases an actor may see: the proof of authorization that every list of cases demands.

use crate::actor::Actor;
use crate::id::{DivisionId, OrganizationId};
use crate::policy::{self, Act, Scope};

/// A set of cases, as the policy grants it; nothing else makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseScope {
    reach: Reach,
    masked: bool,
}

/// How far a scope reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Cases of the applicant with this account.
    Subject(String),
    /// Cases this token's subject handed in.
    SubmittedBy(String),
    /// Cases this organization took in, holds, held, or was handed.
    Organization(OrganizationId),
    /// Cases of the division and all below it.
    Subtree(DivisionId),
    /// All.
    All,
}

impl CaseScope {
    /// The cases on which the policy lets an actor do a reading act; `None`: on none.
    #[must_use]
    pub fn granted(act: Act, actor: &Actor) -> Option<Self> {
        let grant = policy::grant(act, actor.kind);
        let reach = match grant.scope {
            Scope::OwnSubject => Reach::Subject(actor.subject.clone()),
            Scope::OwnDevice => Reach::SubmittedBy(actor.subject.clone()),
            Scope::OwnOrganizationOrPast | Scope::SendingOrganization => {
                Reach::Organization(actor.organization?)
            }
            Scope::DivisionSubtree => Reach::Subtree(actor.division?),
            Scope::All => Reach::All,
            Scope::Never
            | Scope::Public
            | Scope::ByCodeAndSecret
            | Scope::OwnStation
            | Scope::OwnOrganization
            | Scope::OwnerOrAddressee
            | Scope::FirstContactOrOwner
            | Scope::FirstContact
            | Scope::Owner
            | Scope::OwnerWithApproval
            | Scope::OwnerOrDeliveryAddressee
            | Scope::Decider
            | Scope::VerifyAddressee
            | Scope::DivisionSubtreeExceptOwn
            | Scope::OwnHandoffs
            | Scope::Proposal => return None,
        };
        Some(Self {
            reach,
            masked: grant.masked,
        })
    }

    /// How far it reaches.
    #[must_use]
    pub const fn reach(&self) -> &Reach {
        &self.reach
    }

    /// Whether personal data (of a delivery: its content) stays masked whatever is asked.
    #[must_use]
    pub const fn masked(&self) -> bool {
        self.masked
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::actor::ActorKind;

    fn actor(kind: ActorKind) -> Actor {
        Actor {
            kind,
            subject: "subject-1".to_owned(),
            organization: Some(OrganizationId::from_uuid(Uuid::from_u128(1))),
            division: Some(DivisionId::from_uuid(Uuid::from_u128(2))),
            approver: false,
        }
    }

    #[test]
    fn each_kind_of_actor_reads_what_the_policy_says() {
        let reach =
            |kind| CaseScope::granted(Act::ReadCase, &actor(kind)).map(|scope| (scope.reach, scope.masked));
        let subject = || "subject-1".to_owned();
        let office = Reach::Organization(OrganizationId::from_uuid(Uuid::from_u128(1)));
        let subtree = Reach::Subtree(DivisionId::from_uuid(Uuid::from_u128(2)));
        assert_eq!(reach(ActorKind::Anonymous), None);
        assert_eq!(
            reach(ActorKind::Citizen),
            Some((Reach::Subject(subject()), false))
        );
        assert_eq!(
            reach(ActorKind::Kiosk),
            Some((Reach::SubmittedBy(subject()), true))
        );
        assert_eq!(reach(ActorKind::Clerk), Some((office, false)));
        assert_eq!(reach(ActorKind::Supervisor), Some((subtree, true)));
        assert_eq!(reach(ActorKind::Auditor), Some((Reach::All, true)));
        assert_eq!(reach(ActorKind::Admin), None);
        assert_eq!(reach(ActorKind::Upstream), None);
    }

    #[test]
    fn a_clerk_without_an_organization_sees_nothing() {
        let lost = Actor {
            organization: None,
            ..actor(ActorKind::Clerk)
        };
        assert_eq!(CaseScope::granted(Act::ReadCase, &lost), None);
    }
}
