//! Views of cases: what the policy lets a reader see, and of past handlers their own part alone.

use std::collections::{BTreeMap, BTreeSet};

use onedoor_domain::actor::{Actor, ActorKind};
use onedoor_domain::case::part::{self, Part, Whose};
use onedoor_domain::case::refusal::Refusal;
use onedoor_domain::case::state::Case;
use onedoor_domain::directory::Directory;
use onedoor_domain::id::{CaseId, OrganizationId};
use onedoor_domain::organization::OrganizationKind;
use onedoor_domain::policy::Act;
use onedoor_domain::policy::fields::Sight;
use onedoor_domain::proof::Capacity;
use onedoor_domain::timeline::StoredEvent;

use super::answer::Answer;
use super::cases::{Cases, prove};
use super::reading::{CaseView, sight};
use super::rejection::{Rejection, RejectionCode};
use crate::error::AppError;
use crate::store::case::Loaded;

impl Cases {
    /// The cases among some that an actor may see by an act, as much of each as it may see. The queries that found them
    /// cut to its scope; the policy has the last word on each.
    pub(super) async fn views(
        &self,
        actor: &Actor,
        act: Act,
        loaded: Vec<Loaded>,
    ) -> Result<BTreeMap<CaseId, CaseView>, AppError> {
        let directory = self.directory();
        let mut views = BTreeMap::new();
        let mut parts = Vec::new();
        for Loaded { case, .. } in loaded {
            let Ok(Ok(proof)) = prove(actor, act, &case, &directory) else {
                continue;
            };
            match sight(&proof) {
                Sight::Past => parts.push(case),
                sight @ (Sight::Applicant | Sight::Office | Sight::Supervision | Sight::Masked) => {
                    views.insert(case.id, self.view(case, sight));
                }
            }
        }
        if !parts.is_empty() {
            let ids: Vec<CaseId> = parts.iter().map(|case| case.id).collect();
            let ledgers = self.store.events(&ids).await?;
            for case in parts {
                let lines = ledgers.get(&case.id).map(Vec::as_slice).unwrap_or_default();
                let part = own_part(actor, lines, &directory);
                views.extend(part.map(|part| (case.id, past_view(part, case.version))));
            }
        }
        Ok(views)
    }

    /// The view that an answer to an act gives; the same whenever it is asked for. Whoever acted by code and secret sees
    /// what the applicant sees.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE.
    pub async fn view_of_answer(&self, answer: &Answer, actor: &Actor) -> Result<CaseView, AppError> {
        let directory = self.directory();
        let sight = match actor.kind {
            ActorKind::Supervisor => Sight::Supervision,
            ActorKind::Auditor
            | ActorKind::SystemAdmin
            | ActorKind::SecurityAdmin
            | ActorKind::AuditAdmin => Sight::Masked,
            ActorKind::Clerk | ActorKind::Officer => {
                match prove(actor, Act::ReadCase, &answer.case, &directory) {
                    Ok(Ok(proof)) => sight(&proof),
                    Ok(Err(_)) | Err(_) => Sight::Applicant,
                }
            }
            ActorKind::Anonymous
            | ActorKind::Citizen
            | ActorKind::Kiosk
            | ActorKind::Upstream
            | ActorKind::System => Sight::Applicant,
        };
        if sight == Sight::Past {
            let case = answer.case.id;
            let mut lines = self
                .store
                .events(&[case])
                .await?
                .remove(&case)
                .unwrap_or_default();
            lines.retain(|line| line.seq <= answer.head);
            if let Some(part) = own_part(actor, &lines, &directory) {
                return Ok(past_view(part, answer.case.version));
            }
        }
        Ok(CaseView {
            case: answer.case.clone(),
            sight,
            at: answer.at,
            head: Some(answer.head),
            also: BTreeSet::new(),
            instants: None,
            credential: None,
        })
    }

    /// A rejection as its actor may read it: to whose part has ended before the case did it does not tell how that stands.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE.
    pub(super) async fn as_told_to(
        &self,
        actor: &Actor,
        case: &Case,
        rejection: Rejection,
    ) -> Result<Rejection, AppError> {
        if !self.is_past(actor, case).await? {
            return Ok(rejection);
        }
        let mine = |id: Option<OrganizationId>| id.is_some() && id == actor.organization;
        let has_matters = case.cards.iter().any(|card| mine(card.holder))
            || case.orders.iter().any(|order| mine(Some(order.to)));
        if !has_matters && rejection.code == RejectionCode::StaleVersion {
            return Ok(Refusal::WrongOrganization.into());
        }
        let told = Rejection {
            status: None,
            possible: None,
            ..rejection
        };
        if told.code != RejectionCode::IllegalAct {
            return Ok(told);
        }
        Ok(Rejection {
            zh: "现在不能进行此操作。".to_owned(),
            en: "This act is not possible now.".to_owned(),
            ..told
        })
    }

    /// Whether all that an actor has of a case is a part that ended before the case did.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE.
    pub(super) async fn is_past(&self, actor: &Actor, case: &Case) -> Result<bool, AppError> {
        let directory = self.directory();
        let past = matches!(
            prove(actor, Act::ReadCase, case, &directory),
            Ok(Ok(proof)) if proof.capacity() == Capacity::Past
        );
        if !past {
            return Ok(false);
        }
        let lines = self
            .store
            .events(&[case.id])
            .await?
            .remove(&case.id)
            .unwrap_or_default();
        let to_its_end = own_part(actor, &lines, &directory)
            .is_some_and(|part| part.case.is_closed() && part.case.status == case.status);
        Ok(!to_its_end)
    }
}

fn own_part(actor: &Actor, lines: &[StoredEvent], directory: &Directory) -> Option<Part> {
    let reader = actor.organization?;
    let external = |id: OrganizationId| {
        directory
            .organization(id)
            .is_some_and(|organization| organization.kind == OrganizationKind::External)
    };
    let whose = Whose {
        own: &|id| directory.living(id) == reader,
        external: &external,
    };
    part::part_of(&whose, lines)
}

/// The view of a part. Its version is that of then, unless something of it can still be answered: an act names the
/// version of now.
fn past_view(part: Part, version: i32) -> CaseView {
    let mut case = part.case;
    if part.answerable {
        case.version = version;
    }
    CaseView {
        case,
        sight: Sight::Past,
        at: part.ended_at,
        head: Some(part.until),
        also: part.later,
        instants: Some(part.instants),
        credential: None,
    }
}
