//! Acts in another's name: of the applicant, of an office outside; and the ends that they bring.

use super::acts::{accepted, at_county, entry, material, on_file, resident, why};
use super::*;
use crate::case::command::OnBehalfOf;
use crate::case::event::Event;
use crate::item::Material;

#[test]
fn the_applicant_takes_the_case_back_until_it_is_decided() {
    let withdraw = |authorization| Command::Withdraw {
        reason: Some("不办了".to_owned()),
        authorization,
    };
    let mut story = at_county(Story::pension().submitted());
    story.attempt(resident(), &withdraw(None)).unwrap();
    assert_eq!(
        (story.status(), story.case().owner),
        (CaseStatus::Withdrawn, None)
    );
    let mut decided = at_county(Story::pension().submitted());
    decided.officer(COUNTY, &granted()).unwrap();
    assert_eq!(why(decided.attempt(resident(), &withdraw(None))), Why::Status);

    let mut counter = at_county(Story::pension().submitted());
    assert_eq!(
        counter.officer(STATION, &withdraw(None)),
        Err(Refusal::FieldRequired {
            field: "authorization"
        }),
        "a clerk acts for an applicant only by an authorization on file"
    );
    assert_eq!(
        counter.officer(TOWNSHIP, &withdraw(Some(on_file()))),
        Err(Refusal::WrongOrganization),
        "only the first contact and the owner"
    );
    counter.officer(STATION, &withdraw(Some(on_file()))).unwrap();
    let withdrawn = counter.events.last().unwrap();
    assert_eq!(withdrawn.event, Event::Withdrawn);
    assert_eq!(
        (withdrawn.by.subject.as_str(), withdrawn.by.on_behalf_of),
        ("officer-1", Some(OnBehalfOf::Applicant)),
        "the event names both"
    );
    let sealed = withdrawn.private.as_ref().unwrap();
    assert_eq!(sealed["authorization"]["reference"], "委托书 2026-11");
}

#[test]
fn an_upstream_that_answers_after_the_withdrawal_is_heard_and_changes_nothing() {
    let mut story = Story::pension().bound_to_upstream(COUNTY).submitted();
    story.officer(TOWNSHIP, &accept(true)).unwrap();
    let sent = story.last_handoff();
    story.upstream(sent, Said::Sent).unwrap();
    let withdraw = Command::Withdraw {
        reason: None,
        authorization: None,
    };
    story.attempt(resident(), &withdraw).unwrap();
    story.upstream(sent, Said::Received).unwrap();
    let decided = Said::Decided {
        outcome: Outcome::Granted,
        reasons: None,
    };
    story.upstream(sent, decided).unwrap();
    assert_eq!(story.status(), CaseStatus::Withdrawn);
    let kept = story
        .events
        .iter()
        .filter(|new| new.event.name() == "NEWS_KEPT")
        .count();
    assert_eq!(kept, 2);
}

#[test]
fn a_supervisor_voids_any_open_case_with_a_reason() {
    let supervisor = By {
        kind: ActorKind::Supervisor,
        subject: "supervisor-1".to_owned(),
        organization: None,
        on_behalf_of: None,
    };
    let void = |reason: &str| Command::Void {
        reason: reason.to_owned(),
    };
    let mut story = at_county(Story::pension().submitted());
    story.officer(COUNTY, &granted()).unwrap();
    assert_eq!(
        story.attempt(supervisor.clone(), &void(" ")),
        Err(Refusal::FieldRequired { field: "reason" })
    );
    story.attempt(supervisor.clone(), &void("重复申请")).unwrap();
    assert_eq!(story.status(), CaseStatus::Voided);
    assert_eq!(why(story.attempt(supervisor, &void("再次"))), Why::Status);
}

fn external() -> Story {
    let province = Step {
        assignment: Assignment::External,
        ..deciding()
    };
    Story::of(
        vec![intake(), accepting(), province],
        &[STATION, TOWNSHIP, COUNTY],
    )
}

fn on_paper() -> Command {
    Command::HandOff(HandOff {
        originals: 3,
        slip: Some("皖退役〔2026〕7号".to_owned()),
        ..HandOff::along_the_route()
    })
}

#[test]
fn the_paper_to_an_office_outside_acknowledges_and_its_sender_records_in_its_name() {
    let mut story = accepted(external().submitted());
    assert_eq!(
        story.officer(TOWNSHIP, &hand_off()),
        Err(Refusal::FieldRequired { field: "slip" })
    );
    story.officer(TOWNSHIP, &on_paper()).unwrap();
    assert_eq!(
        (story.status(), story.case().owner),
        (CaseStatus::InReview, Some(organization(COUNTY)))
    );
    assert!(!story.running(ClockKind::HandoffAck) && story.running(ClockKind::Step));
    assert_eq!(story.officer(99, &granted()), Err(Refusal::WrongOrganization));
    story.officer(TOWNSHIP, &granted()).unwrap();
    let decided = story
        .events
        .iter()
        .find(|new| new.event.name() == "DECIDED")
        .unwrap();
    assert_eq!(
        (decided.by.subject.as_str(), decided.by.on_behalf_of),
        ("officer-2", Some(OnBehalfOf::Organization(organization(COUNTY))))
    );
    let delivery = story.case().handoffs.last().unwrap();
    assert_eq!(
        (delivery.kind, delivery.to),
        (HandoffKind::Delivery, organization(STATION)),
        "for delivery it counts as bound"
    );
    story.officer(STATION, &deliver(None)).unwrap();
    assert_eq!(story.status(), CaseStatus::Delivered);
}

#[test]
fn an_external_office_that_is_bound_answers_by_its_system() {
    let mut story = accepted(external().bound_to_upstream(COUNTY).submitted());
    story.officer(TOWNSHIP, &hand_off()).unwrap();
    let sent = story.last_handoff();
    story.upstream(sent, Said::Received).unwrap();
    assert_eq!(why(story.officer(TOWNSHIP, &granted())), Why::Bound);
}

#[test]
fn what_a_step_produces_comes_with_the_handoff_that_leaves_it() {
    let discuss = Step {
        clock: StepClock::Excluded,
        ..step("village.committee", "DISCUSS")
    };
    let mut story = Story::of(vec![discuss, accepting(), deciding()], &[8, TOWNSHIP, COUNTY]);
    story.item.materials = vec![
        material("id", false),
        Material {
            produced_by: Some("DISCUSS".to_owned()),
            ..material("minutes", false)
        },
    ];
    let mut story = story.submitted();
    let offered = story.last_handoff();
    story
        .officer(8, &Command::Acknowledge { handoff: offered })
        .unwrap();
    let bring = |codes: &[&str]| {
        Command::HandOff(HandOff {
            materials: codes.iter().map(|code| entry(code)).collect(),
            ..HandOff::along_the_route()
        })
    };
    assert_eq!(
        story.officer(8, &bring(&[])),
        Err(Refusal::MaterialsMissing {
            materials: vec!["minutes".to_owned()]
        })
    );
    assert_eq!(
        story.officer(8, &bring(&["minutes", "id"])),
        Err(Refusal::UnknownMaterial { index: 1 })
    );
    story.officer(8, &bring(&["minutes"])).unwrap();
    assert_eq!(story.case().brought, ["minutes"]);
    story.officer(TOWNSHIP, &accept(true)).unwrap();
}

#[test]
fn an_agent_hands_in_and_collects_for_the_applicant_and_the_events_name_both() {
    let mut story = Story::pension().bound_to_upstream(COUNTY).submitted();
    story.officer(TOWNSHIP, &accept(true)).unwrap();
    let sent = story.last_handoff();
    let decided = Said::Decided {
        outcome: Outcome::Granted,
        reasons: None,
    };
    story.upstream(sent, decided).unwrap();
    let collect = Command::Deliver {
        note: None,
        authorization: Some(on_file()),
    };
    story.officer(STATION, &collect).unwrap();
    let delivered = story
        .events
        .iter()
        .find(|new| new.event == Event::Delivered)
        .unwrap();
    assert_eq!(delivered.by.on_behalf_of, Some(OnBehalfOf::Applicant));
    assert_eq!(story.status(), CaseStatus::Delivered);
}
