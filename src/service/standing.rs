//! How a case stands to the organizations and people around it, for the policy to judge.

use onedoor_domain::case::state::{Case, CaseStatus, Channel};
use onedoor_domain::directory::Directory;
use onedoor_domain::handoff::{Handoff, HandoffState};
use onedoor_domain::id::OrganizationId;
use onedoor_domain::item::CaseKind;
use onedoor_domain::organization::OrganizationKind;
use onedoor_domain::proof::CaseStanding;
use onedoor_domain::route::HandoffKind;

/// Whether an organization is outside the network: it never acts here itself.
fn is_external(id: OrganizationId, directory: &Directory) -> bool {
    directory
        .organization(id)
        .is_some_and(|organization| organization.kind == OrganizationKind::External)
}

/// Describes a case to the policy, with organizations as they live now.
#[must_use]
pub fn of(case: &Case, directory: &Directory) -> CaseStanding {
    let living = |handoff: &Handoff| directory.living(handoff.to);
    let open =
        |handoff: &&Handoff| handoff.state.awaits_answer() || !handoff.owning && handoff.state.is_open();
    let delivery = |handoff: &&Handoff| handoff.kind == HandoffKind::Delivery && handoff.state.is_open();
    let closed = case.is_closed();
    let holding = case.holding();
    // whose decision was graded answers for it, also when a grid event was opened again
    let evaluated = case
        .evaluation
        .as_ref()
        .map(|evaluation| directory.living(evaluation.decider));
    let decider = evaluated.or_else(|| case.decider().map(|id| directory.living(id)));
    let touched = case.handoffs.iter().filter(|handoff| {
        matches!(
            handoff.state,
            HandoffState::Done | HandoffState::Acknowledged | HandoffState::Waived
        )
    });
    CaseStanding {
        case: case.id,
        awaits_acceptance: case.status == CaseStatus::Submitted,
        applicant_subject: case.applicant_subject.clone(),
        device: (case.channel == Channel::Kiosk).then(|| case.submitted_by.clone()),
        first_contact: directory.living(case.first_contact),
        owner: case.owner.map(|owner| directory.living(owner)),
        addressees: case.handoffs.iter().filter(open).map(living).collect(),
        delivery_addressee: case.handoffs.iter().find(delivery).map(living),
        verify_addressee: case
            .handoffs
            .iter()
            .filter(|_| case.kind == CaseKind::Grid && case.decided_at.is_some() && !closed)
            .filter(open)
            .map(living)
            .next(),
        resolver_subject: case.decided_by.clone(),
        acts_for_owner: holding
            .filter(|holding| holding.upstream.is_some() || is_external(holding.to, directory))
            .and_then(|holding| holding.from),
        decider,
        evaluated,
        past: touched.map(living).collect(),
        division_path: std::iter::once(case.division)
            .chain(
                directory
                    .ancestors(case.division)
                    .iter()
                    .map(|division| division.id),
            )
            .collect(),
    }
}
