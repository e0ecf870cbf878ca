//! A proof is given to those whose division and organization allow the act, and to nobody else.

use super::*;
use uuid::Uuid;

fn organization(number: u128) -> OrganizationId {
    OrganizationId::from_uuid(Uuid::from_u128(number))
}

fn division(number: u128) -> DivisionId {
    DivisionId::from_uuid(Uuid::from_u128(number))
}

const STATION: u128 = 1;
const TOWNSHIP: u128 = 2;
const COUNTY: u128 = 3;
const STRANGER: u128 = 9;

fn actor(kind: ActorKind, subject: &str, organization_number: Option<u128>) -> Actor {
    Actor {
        kind,
        subject: subject.to_owned(),
        organization: organization_number.map(organization),
        division: None,
        approver: false,
    }
}

fn supervisor(of: u128) -> Actor {
    Actor {
        division: Some(division(of)),
        ..actor(ActorKind::Supervisor, "s", None)
    }
}

/// A case handed in by kiosk k at the station, owned by it, offered to the township.
fn submitted() -> CaseStanding {
    CaseStanding {
        case: CaseId::from_uuid(Uuid::from_u128(7)),
        awaits_acceptance: true,
        applicant_subject: Some("zhang".to_owned()),
        device: Some("k".to_owned()),
        first_contact: organization(STATION),
        owner: Some(organization(STATION)),
        addressees: vec![organization(TOWNSHIP)],
        delivery_addressee: None,
        verify_addressee: None,
        resolver_subject: None,
        acts_for_owner: None,
        decider: None,
        evaluated: None,
        past: Vec::new(),
        division_path: vec![division(31), division(21), division(11)],
    }
}

/// The same case, with the county office, after the township.
fn in_review() -> CaseStanding {
    CaseStanding {
        awaits_acceptance: false,
        owner: Some(organization(COUNTY)),
        addressees: Vec::new(),
        past: vec![organization(STATION), organization(TOWNSHIP)],
        ..submitted()
    }
}

fn told(actor: &Actor, act: Act, standing: &CaseStanding) -> Result<Capacity, Denied> {
    on_case(actor, act, standing).map(|proof| proof.capacity())
}

#[test]
fn the_same_case_looks_different_from_every_desk() {
    use ActorKind::{Auditor, Citizen, Clerk, Kiosk, Officer, SystemAdmin};
    let clerk = |of| actor(Clerk, "c", Some(of));
    let officer = |of| actor(Officer, "o", Some(of));
    let (submitted, in_review) = (submitted(), in_review());
    #[rustfmt::skip]
    let table = [
        (clerk(STATION), Act::ReadCase, &submitted, Ok(Capacity::Owner)),
        (clerk(TOWNSHIP), Act::AcceptCase, &submitted, Ok(Capacity::Addressee)),
        (clerk(COUNTY), Act::AcceptCase, &submitted, Err(Denied::Hidden)),
        (clerk(STRANGER), Act::ReadCase, &submitted, Err(Denied::Hidden)),
        (officer(TOWNSHIP), Act::DecideCase, &submitted, Ok(Capacity::Addressee)),
        (officer(TOWNSHIP), Act::DecideCase, &in_review, Err(Denied::OtherOffice)),
        (officer(COUNTY), Act::DecideCase, &in_review, Ok(Capacity::Owner)),
        (clerk(COUNTY), Act::DecideCase, &in_review, Err(Denied::NotForThisRole)),
        (officer(COUNTY), Act::ExtendCase, &in_review, Err(Denied::NotForThisRole)),
        (Actor { approver: true, ..officer(COUNTY) }, Act::ExtendCase, &in_review, Ok(Capacity::Owner)),
        (clerk(TOWNSHIP), Act::ReadCase, &in_review, Ok(Capacity::Past)),
        (clerk(TOWNSHIP), Act::HandOff, &in_review, Err(Denied::OtherOffice)),
        (clerk(STATION), Act::RemindHolder, &in_review, Ok(Capacity::FirstContact)),
        (clerk(TOWNSHIP), Act::RemindHolder, &in_review, Err(Denied::OtherOffice)),
        (clerk(STATION), Act::WithdrawCase, &in_review, Ok(Capacity::FirstContact)),
        (actor(Citizen, "zhang", None), Act::WithdrawCase, &in_review, Ok(Capacity::Applicant)),
        (actor(Citizen, "li", None), Act::ReadCase, &in_review, Err(Denied::Hidden)),
        (actor(Citizen, "", None), Act::ReadCase, &in_review, Err(Denied::Hidden)),
        (actor(Citizen, "zhang", None), Act::AcceptCase, &submitted, Err(Denied::NotForThisRole)),
        (actor(Kiosk, "k", Some(STATION)), Act::ReadCase, &in_review, Ok(Capacity::Device)),
        (actor(Kiosk, "k2", Some(STATION)), Act::ReadCase, &in_review, Err(Denied::Hidden)),
        (supervisor(11), Act::ReadCase, &in_review, Ok(Capacity::Supervisor)),
        (supervisor(12), Act::ReadCase, &in_review, Err(Denied::Hidden)),
        (supervisor(21), Act::VoidCase, &in_review, Ok(Capacity::Supervisor)),
        (actor(Auditor, "a", None), Act::ReadCase, &in_review, Ok(Capacity::Overseer)),
        (actor(Auditor, "a", None), Act::VoidCase, &in_review, Err(Denied::NotForThisRole)),
        (actor(SystemAdmin, "root", None), Act::ReadCase, &in_review, Err(Denied::NotForThisRole)),
        (Actor::anonymous(), Act::ReadCase, &in_review, Err(Denied::NotSignedIn)),
        (Actor::system("clock"), Act::AcceptCase, &submitted, Ok(Capacity::Gateway)),
        (Actor::system("clock"), Act::DecideCase, &submitted, Err(Denied::NotForThisRole)),
    ];
    for (row, (actor, act, standing, expected)) in table.into_iter().enumerate() {
        assert_eq!(
            told(&actor, act, standing),
            expected,
            "row {row}: {:?} {act:?}",
            actor.kind
        );
    }
}

#[test]
fn a_supervisor_never_acts_on_what_its_own_organization_handled() {
    let own = |number| Actor {
        organization: Some(organization(number)),
        ..supervisor(11)
    };
    assert_eq!(
        told(&own(TOWNSHIP), Act::VoidCase, &in_review()),
        Err(Denied::OtherOffice)
    );
    assert_eq!(
        told(&own(COUNTY), Act::VoidCase, &in_review()),
        Err(Denied::OtherOffice)
    );
    assert_eq!(
        told(&own(STRANGER), Act::VoidCase, &in_review()),
        Ok(Capacity::Supervisor)
    );
}

#[test]
fn the_one_who_handed_a_case_to_a_bound_owner_acts_in_its_name() {
    let standing = CaseStanding {
        acts_for_owner: Some(organization(TOWNSHIP)),
        ..in_review()
    };
    let officer = actor(ActorKind::Officer, "o", Some(TOWNSHIP));
    assert_eq!(told(&officer, Act::DecideCase, &standing), Ok(Capacity::ForOwner));
}

#[test]
fn the_resolver_of_a_grid_event_never_checks_it() {
    let standing = CaseStanding {
        verify_addressee: Some(organization(STATION)),
        resolver_subject: Some("resolver".to_owned()),
        ..in_review()
    };
    let check = |subject| {
        told(
            &actor(ActorKind::Clerk, subject, Some(STATION)),
            Act::CheckGridEvent,
            &standing,
        )
    };
    assert_eq!(check("another"), Ok(Capacity::Addressee));
    assert_eq!(check("resolver"), Err(Denied::OtherOffice));
}

#[test]
fn code_and_secret_open_one_case_for_the_applicants_acts_alone() {
    let case = submitted().case;
    assert_eq!(Credential::after_check(case, false), None);
    let credential = Credential::after_check(case, true).unwrap();
    let by = |kind, act| by_credential(&actor(kind, "x", Some(STRANGER)), act, credential);
    for act in [
        Act::TrackCase,
        Act::SupplementCase,
        Act::WithdrawCase,
        Act::EvaluateCase,
        Act::ReadAccessRecords,
    ] {
        let proof = by(ActorKind::Anonymous, act).unwrap();
        assert_eq!(
            (proof.case(), proof.act(), proof.capacity()),
            (case, act, Capacity::CredentialHolder)
        );
        assert!(proof.masked());
    }
    assert_eq!(
        by(ActorKind::Anonymous, Act::DecideCase),
        Err(Denied::NotSignedIn)
    );
    assert_eq!(
        by(ActorKind::Officer, Act::DecideCase),
        Err(Denied::NotForThisRole)
    );
    assert_eq!(
        by(ActorKind::Clerk, Act::EvaluateCase),
        Err(Denied::NotForThisRole)
    );
    assert_eq!(
        by(ActorKind::Supervisor, Act::WithdrawCase),
        Err(Denied::NotForThisRole)
    );
    assert_eq!(
        by(ActorKind::Auditor, Act::TrackCase),
        Err(Denied::NotForThisRole)
    );
    assert!(by(ActorKind::Supervisor, Act::TrackCase).is_ok());
}

#[test]
fn readers_get_the_rows_of_their_scope() {
    let scope = |actor: &Actor, act| read(actor, act).map(|proof| (proof.scope().clone(), proof.masked()));
    let clerk = actor(ActorKind::Clerk, "c", Some(TOWNSHIP));
    let ours = ReadScope::ByOrganization(organization(TOWNSHIP));
    assert_eq!(scope(&clerk, Act::ReadCase), Ok((ours.clone(), false)));
    assert_eq!(scope(&clerk, Act::ReadHandoffs), Ok((ours.clone(), false)));
    assert_eq!(scope(&clerk, Act::ReadDeliveries), Ok((ours, false)));
    let citizen = actor(ActorKind::Citizen, "zhang", None);
    assert_eq!(
        scope(&citizen, Act::ReadCase),
        Ok((ReadScope::BySubject("zhang".to_owned()), false))
    );
    let kiosk = actor(ActorKind::Kiosk, "k", Some(STATION));
    assert_eq!(
        scope(&kiosk, Act::ReadCase),
        Ok((ReadScope::ByDevice("k".to_owned()), true))
    );
    assert_eq!(
        scope(&supervisor(11), Act::ReadCase),
        Ok((ReadScope::BySubtree(division(11)), true))
    );
    assert_eq!(
        scope(&actor(ActorKind::Auditor, "a", None), Act::ReadCase),
        Ok((ReadScope::All, true))
    );
    assert_eq!(
        scope(&actor(ActorKind::SystemAdmin, "r", None), Act::ReadDeliveries),
        Ok((ReadScope::All, true))
    );
    assert_eq!(
        scope(&Actor::anonymous(), Act::ReadCase),
        Err(Denied::NotSignedIn)
    );
    assert_eq!(
        scope(&actor(ActorKind::Clerk, "c", None), Act::ReadCase),
        Err(Denied::NotForThisRole)
    );
}

#[test]
fn applications_are_handed_in_by_residents_kiosks_and_windows() {
    let by = |kind, organization| submit(&actor(kind, "x", organization), Act::SubmitCase);
    let kiosk = by(ActorKind::Kiosk, Some(STATION)).unwrap();
    let station = organization(STATION);
    assert_eq!(
        kiosk.submitter(),
        &Submitter::Kiosk {
            device: "x".to_owned(),
            station
        }
    );
    assert_eq!(kiosk.principal(), "x");
    assert!(matches!(
        by(ActorKind::Citizen, None).unwrap().submitter(),
        Submitter::Citizen { .. }
    ));
    assert!(matches!(
        by(ActorKind::Clerk, Some(COUNTY)).unwrap().submitter(),
        Submitter::Window { .. }
    ));
    assert_eq!(
        by(ActorKind::Officer, Some(COUNTY)),
        Err(Denied::NotForThisRole),
        "who decides does not hand in"
    );
    assert_eq!(by(ActorKind::Kiosk, None), Err(Denied::NotForThisRole));
    assert_eq!(by(ActorKind::Auditor, None), Err(Denied::NotForThisRole));
    let anonymous = submit(&Actor::anonymous(), Act::SubmitCase);
    assert_eq!(anonymous, Err(Denied::NotSignedIn));
}
