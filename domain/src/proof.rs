//! Proofs of permission: values that only the checks of this file make and that the store's calls demand.
//!
//! A check answers on two levels. The kind of actor: is this act for it at all ([`Denied::NotForThisRole`])? The
//! thing: one that the actor may not see looks absent ([`Denied::Hidden`]); one that it sees, but whose work lies on
//! another desk, is [`Denied::OtherOffice`], which is worth a typed answer.

use std::sync::Arc;

use crate::actor::{Actor, ActorKind};
use crate::directory::Lineage;
use crate::id::{CaseId, DivisionId, OrganizationId};
use crate::policy::{Act, Grant, Scope, grant};

/// Why an act is denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The act needs a token.
    #[error("the act needs a token")]
    NotSignedIn,
    /// The act is not for this kind of actor, or needs a claim that it has not.
    #[error("the act is not for this role")]
    NotForThisRole,
    /// The actor may not see this thing; to it, the thing is not there.
    #[error("the thing is not visible to this actor")]
    Hidden,
    /// The actor sees the thing, but its work lies on another organization's desk.
    #[error("the act belongs to another organization")]
    OtherOffice,
}

/// An act is for this kind of actor; the thing itself is still to be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowed {
    act: Act,
    grant: Grant,
}

impl Allowed {
    /// The act.
    #[must_use]
    pub const fn act(self) -> Act {
        self.act
    }

    /// On which things, and whether masked.
    #[must_use]
    pub const fn grant(self) -> Grant {
        self.grant
    }
}

/// Whether an act is for this kind of actor at all.
///
/// # Errors
/// [`Denied::NotSignedIn`] without a token, else [`Denied::NotForThisRole`].
pub fn allow(actor: &Actor, act: Act) -> Result<Allowed, Denied> {
    let grant = grant(act, actor.kind);
    if grant.scope != Scope::Never {
        Ok(Allowed { act, grant })
    } else if actor.kind == ActorKind::Anonymous {
        Err(Denied::NotSignedIn)
    } else {
        Err(Denied::NotForThisRole)
    }
}

/// Which rows a reader sees; the store turns it into a condition of the query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadScope {
    /// Cases whose applicant this subject is.
    BySubject(String),
    /// Cases that this kiosk handed in.
    ByDevice(String),
    /// Cases that this organization owns, owned, or works on beside the owner; deliveries that it caused.
    ByOrganization(OrganizationId),
    /// Cases of this division and all below it.
    BySubtree(DivisionId),
    /// All.
    All,
}

/// The permission to read a set of cases, handoffs, deliveries or access records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadProof {
    act: Act,
    scope: ReadScope,
    masked: bool,
    lineage: Arc<Lineage>,
}

impl ReadProof {
    /// The same permission, read through the successions of organizations: who did the work of another's reads its
    /// work too.
    #[must_use]
    pub fn through(self, lineage: Arc<Lineage>) -> Self {
        Self { lineage, ..self }
    }

    /// An organization, and those whose work it took over.
    #[must_use]
    pub fn line_of(&self, id: OrganizationId) -> Vec<OrganizationId> {
        let earlier = self.lineage.predecessors(id);
        std::iter::once(id).chain(earlier.iter().copied()).collect()
    }

    /// The act it was given for.
    #[must_use]
    pub const fn act(&self) -> Act {
        self.act
    }

    /// Which rows.
    #[must_use]
    pub const fn scope(&self) -> &ReadScope {
        &self.scope
    }

    /// Whether personal data (for deliveries: the content) stays masked whatever is asked.
    #[must_use]
    pub const fn masked(&self) -> bool {
        self.masked
    }
}

/// Which rows an actor may read by an act.
///
/// # Errors
/// The act is not for this kind of actor, or does not read rows.
pub fn read(actor: &Actor, act: Act) -> Result<ReadProof, Denied> {
    let allowed = allow(actor, act)?;
    let scope = match allowed.grant.scope {
        Scope::OwnSubject => Some(ReadScope::BySubject(actor.subject.clone())),
        Scope::OwnDevice => Some(ReadScope::ByDevice(actor.subject.clone())),
        Scope::OwnOrganizationOrPast | Scope::OwnDesk | Scope::SendingOrganization => {
            actor.organization.map(ReadScope::ByOrganization)
        }
        Scope::DivisionSubtree => actor.division.map(ReadScope::BySubtree),
        Scope::All => Some(ReadScope::All),
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
        | Scope::Proposal => None,
    };
    let scope = scope.ok_or(Denied::NotForThisRole)?;
    Ok(ReadProof {
        act,
        scope,
        masked: allowed.grant.masked,
        lineage: Arc::default(),
    })
}

/// For whom an application is handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submitter {
    /// A resident, for themselves.
    Citizen {
        /// The subject, which the case then belongs to.
        subject: String,
    },
    /// A kiosk, for a person at its station.
    Kiosk {
        /// The device.
        device: String,
        /// Its station, the first contact.
        station: OrganizationId,
    },
    /// A window or agent.
    Window {
        /// The clerk's or officer's subject.
        subject: String,
        /// Their organization, the first contact.
        organization: OrganizationId,
    },
}

/// The permission to save a draft, hand in an application or attach a document to one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmitProof {
    act: Act,
    submitter: Submitter,
}

impl SubmitProof {
    /// The act it was given for.
    #[must_use]
    pub const fn act(&self) -> Act {
        self.act
    }

    /// For whom.
    #[must_use]
    pub const fn submitter(&self) -> &Submitter {
        &self.submitter
    }

    /// The author of drafts and the owner of idempotency keys: the token's subject (kiosk: the device).
    #[must_use]
    pub fn principal(&self) -> &str {
        match &self.submitter {
            Submitter::Citizen { subject } | Submitter::Window { subject, .. } => subject,
            Submitter::Kiosk { device, .. } => device,
        }
    }
}

/// Whether, and for whom, an actor may hand in.
///
/// # Errors
/// The act is not for this kind of actor.
pub fn submit(actor: &Actor, act: Act) -> Result<SubmitProof, Denied> {
    let allowed = allow(actor, act)?;
    let subject = actor.subject.clone();
    let scope = allowed.grant.scope;
    let submitter = if scope == Scope::OwnSubject {
        Submitter::Citizen { subject }
    } else {
        let organization = actor.organization.ok_or(Denied::NotForThisRole)?;
        if scope == Scope::OwnStation {
            Submitter::Kiosk {
                device: subject,
                station: organization,
            }
        } else if scope == Scope::OwnOrganization {
            Submitter::Window {
                subject,
                organization,
            }
        } else {
            return Err(Denied::NotForThisRole);
        }
    };
    Ok(SubmitProof { act, submitter })
}

/// How a case stands to the organizations and people around it. Organizations are given as they live now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseStanding {
    /// The case.
    pub case: CaseId,
    /// Whether it waits for acceptance: then an addressee may accept, decline and decide.
    pub awaits_acceptance: bool,
    /// The applicant's account, when they have one.
    pub applicant_subject: Option<String>,
    /// The kiosk that handed it in.
    pub device: Option<String>,
    /// 首问: who took it in.
    pub first_contact: OrganizationId,
    /// Who holds it; `None` once it is closed.
    pub owner: Option<OrganizationId>,
    /// Whom open handoffs are addressed to, owning and beside ones.
    pub addressees: Vec<OrganizationId>,
    /// Whom an open DELIVERY handoff is addressed to.
    pub delivery_addressee: Option<OrganizationId>,
    /// Whom an open VERIFY step is addressed to.
    pub verify_addressee: Option<OrganizationId>,
    /// The person who resolved a grid event.
    pub resolver_subject: Option<String>,
    /// Who handed it to an EXTERNAL or bound owner, and acts here in that owner's name.
    pub acts_for_owner: Option<OrganizationId>,
    /// Who decided it.
    pub decider: Option<OrganizationId>,
    /// Whose decision was evaluated: it reads on, because it may have to answer.
    pub evaluated: Option<OrganizationId>,
    /// Who held it before, or worked on it beside the owner.
    pub past: Vec<OrganizationId>,
    /// Its division and all above it.
    pub division_path: Vec<DivisionId>,
}

/// In which capacity an actor acts on a case; events name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Capacity {
    /// The applicant, by account.
    Applicant,
    /// Whoever holds code and secret.
    CredentialHolder,
    /// The kiosk that handed the case in.
    Device,
    /// The owner.
    Owner,
    /// Whom a handoff is addressed to.
    Addressee,
    /// In the name of an EXTERNAL or bound owner.
    ForOwner,
    /// First contact.
    FirstContact,
    /// The decider, after the decision.
    Decider,
    /// A past owner or helper; reads only.
    Past,
    /// A supervisor of its division.
    Supervisor,
    /// An auditor or administrator.
    Overseer,
    /// An upstream system.
    Upstream,
    /// The gateway itself.
    Gateway,
}

/// The permission for one act on one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseProof {
    act: Act,
    case: CaseId,
    capacity: Capacity,
    masked: bool,
}

impl CaseProof {
    /// The act.
    #[must_use]
    pub const fn act(&self) -> Act {
        self.act
    }

    /// The case.
    #[must_use]
    pub const fn case(&self) -> CaseId {
        self.case
    }

    /// In which capacity.
    #[must_use]
    pub const fn capacity(&self) -> Capacity {
        self.capacity
    }

    /// Whether personal data stays masked whatever is asked.
    #[must_use]
    pub const fn masked(&self) -> bool {
        self.masked
    }
}

/// Whether an actor may do an act on a case, by who they are.
///
/// # Errors
/// Not for this kind of actor; or the case looks absent; or it lies on another desk.
pub fn on_case(actor: &Actor, act: Act, standing: &CaseStanding) -> Result<CaseProof, Denied> {
    let allowed = allow(actor, act)?;
    if allowed.grant.scope == Scope::OwnerWithApproval && !actor.approver {
        // a case that the actor may not see looks absent all the same
        let seen = sees(actor, standing);
        return Err(if seen {
            Denied::NotForThisRole
        } else {
            Denied::Hidden
        });
    }
    match capacity(actor, allowed.grant.scope, standing) {
        Some(capacity) => Ok(CaseProof {
            act,
            case: standing.case,
            capacity,
            masked: allowed.grant.masked,
        }),
        None if sees(actor, standing) => Err(Denied::OtherOffice),
        None => Err(Denied::Hidden),
    }
}

/// A tracking code and secret that were checked and fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credential {
    case: CaseId,
}

impl Credential {
    /// The credential for a case, if the check of the secret said so. The one place to call this is where the
    /// secret's hash is compared.
    #[must_use]
    pub fn after_check(case: CaseId, secret_fits: bool) -> Option<Self> {
        secret_fits.then_some(Self { case })
    }

    /// The case it opens.
    #[must_use]
    pub const fn case(self) -> CaseId {
        self.case
    }
}

/// Whether an actor may do an act on the case whose code and secret they hold (DOMAIN §5): track, supplement,
/// withdraw, evaluate, attach, and see who looked.
///
/// # Errors
/// The act cannot be done this way, or not by this kind of actor.
pub fn by_credential(actor: &Actor, act: Act, credential: Credential) -> Result<CaseProof, Denied> {
    allow(actor, Act::TrackCase)?;
    allow(actor, act)?;
    if grant(act, ActorKind::Anonymous).scope != Scope::ByCodeAndSecret {
        return Err(Denied::NotForThisRole);
    }
    Ok(CaseProof {
        act,
        case: credential.case,
        capacity: Capacity::CredentialHolder,
        masked: true,
    })
}

fn sees(actor: &Actor, standing: &CaseStanding) -> bool {
    capacity(actor, grant(Act::ReadCase, actor.kind).scope, standing).is_some()
}

fn capacity(actor: &Actor, scope: Scope, standing: &CaseStanding) -> Option<Capacity> {
    let own = actor.organization;
    let is = |other: Option<OrganizationId>| own.is_some() && own == other;
    let among = |others: &[OrganizationId]| own.is_some_and(|own| others.contains(&own));
    let owner = || is(standing.owner).then_some(Capacity::Owner);
    let for_owner = || is(standing.acts_for_owner).then_some(Capacity::ForOwner);
    let addressee = || among(&standing.addressees).then_some(Capacity::Addressee);
    let first_contact = || is(Some(standing.first_contact)).then_some(Capacity::FirstContact);
    let in_subtree = || {
        actor
            .division
            .is_some_and(|division| standing.division_path.contains(&division))
    };
    let supervisor = || in_subtree().then_some(Capacity::Supervisor);
    match scope {
        Scope::OwnSubject => {
            let own =
                !actor.subject.is_empty() && standing.applicant_subject.as_ref() == Some(&actor.subject);
            own.then_some(Capacity::Applicant)
        }
        Scope::OwnDevice | Scope::OwnStation => {
            let own = !actor.subject.is_empty() && standing.device.as_ref() == Some(&actor.subject);
            own.then_some(Capacity::Device)
        }
        Scope::OwnOrganization | Scope::FirstContactOrOwner => first_contact().or_else(owner),
        Scope::OwnOrganizationOrPast => owner()
            .or_else(addressee)
            .or_else(first_contact)
            .or_else(for_owner)
            .or_else(|| is(standing.evaluated).then_some(Capacity::Decider))
            .or_else(|| among(&standing.past).then_some(Capacity::Past)),
        Scope::OwnDesk => owner()
            .or_else(addressee)
            .or_else(first_contact)
            .or_else(for_owner),
        Scope::OwnerOrAddressee => owner().or_else(addressee).or_else(for_owner),
        Scope::FirstContact => first_contact(),
        Scope::Owner | Scope::OwnerWithApproval => owner().or_else(for_owner).or_else(|| {
            if standing.awaits_acceptance {
                addressee()
            } else {
                None
            }
        }),
        Scope::OwnerOrDeliveryAddressee => owner()
            .or_else(|| is(standing.delivery_addressee).then_some(Capacity::Addressee))
            .or_else(for_owner),
        Scope::Decider => is(standing.decider).then_some(Capacity::Decider),
        Scope::VerifyAddressee => {
            let resolver = standing.resolver_subject.as_ref() == Some(&actor.subject);
            (!resolver && is(standing.verify_addressee)).then_some(Capacity::Addressee)
        }
        Scope::DivisionSubtree => supervisor(),
        Scope::DivisionSubtreeExceptOwn => {
            let handled = is(standing.owner)
                || is(standing.decider)
                || among(&standing.addressees)
                || among(&standing.past);
            if handled { None } else { supervisor() }
        }
        Scope::All if actor.kind == ActorKind::System => Some(Capacity::Gateway),
        Scope::All => Some(Capacity::Overseer),
        Scope::OwnHandoffs | Scope::Proposal => owner().or_else(addressee).map(|_| Capacity::Upstream),
        Scope::SendingOrganization => among(&standing.past).then_some(Capacity::Past).or_else(owner),
        Scope::Never | Scope::Public | Scope::ByCodeAndSecret => None,
    }
}

#[cfg(test)]
mod tests;
