//! The ways that end an item, each walked by every item that ships.

use super::super::document;
use super::*;
use crate::service::import::{fault::Faults, shipped::CATALOGUE};

fn items() -> Vec<ItemVersion> {
    let mut faults = Faults::default();
    let items = document::read(CATALOGUE, &mut faults);
    items.into_iter().map(|(_, item)| item).collect()
}

fn ends(way: Way) -> Vec<(String, Case)> {
    items()
        .iter()
        .map(|item| (item.code.clone(), Walk::of(item, way).walked().case().clone()))
        .collect()
}

fn all_end_granted(way: Way) {
    let ends = ends(way);
    assert_eq!(ends.len(), 36);
    for (code, case) in ends {
        let granted = match case.kind {
            CaseKind::Case => (CaseStatus::Delivered, Some(Outcome::Granted)),
            CaseKind::Grid => (CaseStatus::Completed, Some(Outcome::Resolved)),
        };
        assert_eq!((case.status, case.outcome), granted, "{code}");
    }
}

#[test]
fn every_item_is_granted_and_delivered() {
    all_end_granted(Way::Granted);
}

#[test]
fn every_item_is_denied_and_delivered() {
    for (code, case) in ends(Way::Denied) {
        let denied = matches!(case.outcome, Some(Outcome::Denied | Outcome::Unfounded));
        assert!(denied, "{code}");
        assert!(
            case.kind == CaseKind::Grid || case.status == CaseStatus::Delivered,
            "{code}"
        );
    }
}

#[test]
fn every_item_is_refused_before_acceptance() {
    for (code, case) in ends(Way::Refused) {
        assert_eq!(case.status, CaseStatus::NotAccepted, "{code}");
    }
}

#[test]
fn every_item_is_declined_and_accepted_elsewhere() {
    all_end_granted(Way::Elsewhere);
    for (code, case) in ends(Way::Elsewhere) {
        let transfer = case.handoffs.iter().find(|one| one.kind == HandoffKind::Transfer);
        assert_eq!(transfer.map(|one| one.to), Some(office("elsewhere")), "{code}");
    }
}

#[test]
fn licences_are_deemed_accepted_and_run_to_their_end() {
    all_end_granted(Way::Deemed);
}

#[test]
fn every_item_is_supplemented_before_acceptance() {
    all_end_granted(Way::SupplementedBefore);
    for (code, case) in ends(Way::SupplementedBefore) {
        assert!(
            case.supplements.iter().any(|asked| asked.brought_at.is_some()),
            "{code}"
        );
    }
}

#[test]
fn every_item_but_licences_and_immediate_ones_is_supplemented_after_acceptance() {
    all_end_granted(Way::SupplementedAfter);
}

#[test]
fn a_bound_decider_refuses_and_is_offered_the_case_again() {
    for item in items() {
        let separate = item.accepting_step() != item.deciding_step() && item.case_kind == CaseKind::Case;
        let decides = item.deciding_step().and_then(|step| item.route.get(step));
        let accepts = item.accepting_step().and_then(|step| item.route.get(step));
        let once = item
            .route
            .iter()
            .filter(|step| decides.is_some_and(|one| one.role == step.role))
            .count()
            == 1;
        if !separate || !once || decides.map(|step| &step.role) == accepts.map(|step| &step.role) {
            continue;
        }
        let walk = Walk::of(&item, Way::OfferedAgain).walked();
        let refused = walk
            .case()
            .handoffs
            .iter()
            .filter(|one| one.state == HandoffState::Refused);
        assert_eq!(refused.count(), 1, "{}", item.code);
        assert_eq!(walk.case().status, CaseStatus::Delivered, "{}", item.code);
    }
}

#[test]
fn a_grid_event_whose_check_fails_is_resolved_and_checked_again() {
    all_end_granted(Way::CheckFailed);
    let grid: Vec<Case> = ends(Way::CheckFailed)
        .into_iter()
        .map(|(_, case)| case)
        .filter(|case| case.kind == CaseKind::Grid)
        .collect();
    assert_eq!(grid.len(), 1);
    assert_eq!(grid[0].grid.failed_checks, 1);
}
