//! The acts beside the straight way: each test is one rule of DOMAIN §2.

use super::*;
use crate::case::agent::{Authorization, AuthorizationKind};
use crate::case::command::{Competent, OwedPaper};
use crate::case::event::Ground;
use crate::item::{Material, MaterialForm};
use crate::material::{MaterialEntry, Trust};

pub(super) fn material(code: &str, minor: bool) -> Material {
    Material {
        code: code.to_owned(),
        name_zh: code.to_owned(),
        name_en: code.to_owned(),
        form: MaterialForm::Copy,
        required: true,
        defer_allowed: minor,
        from_shared_data: false,
        produced_by: None,
        issuer: None,
    }
}

pub(super) fn entry(code: &str) -> MaterialEntry {
    MaterialEntry {
        code: code.to_owned(),
        trust: Trust::C,
        originals: 0,
        note: None,
        documents: Vec::new(),
    }
}

pub(super) fn request(materials: &[&str]) -> Command {
    Command::RequestSupplement {
        materials: materials.iter().map(|code| (*code).to_owned()).collect(),
        text: Some("请补齐".to_owned()),
    }
}

pub(super) fn supplement(materials: &[&str]) -> Command {
    Command::Supplement {
        materials: materials.iter().map(|code| entry(code)).collect(),
        note: None,
        authorization: None,
    }
}

pub(super) fn on_file() -> Authorization {
    Authorization {
        kind: AuthorizationKind::Mandate,
        reference: "委托书 2026-11".to_owned(),
        date: "2026-11-20".parse().unwrap(),
    }
}

pub(super) fn refuse() -> Command {
    Command::Decline {
        ground: Ground::Refused,
        competent: None,
        reasons: Some("不属于受理范围".to_owned()),
        remedy: Some("可申请行政复议或提起行政诉讼".to_owned()),
    }
}

pub(super) fn not_competent(to: u128) -> Command {
    Command::Decline {
        ground: Ground::NotCompetent,
        competent: Some(Competent::Inside(organization(to))),
        reasons: None,
        remedy: None,
    }
}

pub(super) fn special() -> Command {
    Command::BeginSpecialProcedure {
        reason: "听证".to_owned(),
        limit_working_days: Some(5),
    }
}

pub(super) fn extend(days: u32) -> Command {
    Command::Extend {
        working_days: days,
        reason: "情况复杂".to_owned(),
    }
}

pub(super) fn resident() -> By {
    By {
        kind: ActorKind::Citizen,
        subject: "resident-1".to_owned(),
        organization: None,
        on_behalf_of: None,
    }
}

pub(super) fn system() -> By {
    By {
        kind: ActorKind::System,
        subject: "clock".to_owned(),
        organization: None,
        on_behalf_of: None,
    }
}

pub(super) fn with_papers(mut story: Story) -> Story {
    story.item.materials = vec![
        material("id", false),
        material("bankc", true),
        material("photo", true),
    ];
    story
}

/// A pension whose limits are long enough for what happens on the way.
pub(super) fn long_pension() -> Story {
    let mut story = with_papers(Story::pension());
    story.item.statutory = Limit::working_days(20);
    story.item.promised = Limit::working_days(10);
    story
}

pub(super) fn accepted(mut story: Story) -> Story {
    story.officer(TOWNSHIP, &accept(false)).unwrap();
    story
}

pub(super) fn at_county(mut story: Story) -> Story {
    story.officer(TOWNSHIP, &accept(true)).unwrap();
    let offered = story.last_handoff();
    story
        .officer(COUNTY, &Command::Acknowledge { handoff: offered })
        .unwrap();
    story
}

pub(super) fn tick(story: &mut Story) {
    story.attempt(system(), &Command::Tick).unwrap();
}

pub(super) fn why(refused: Result<(), Refusal>) -> Why {
    match refused.unwrap_err() {
        Refusal::IllegalAct { why, .. } => why,
        other => panic!("{other:?}"),
    }
}

pub(super) fn due(story: &Story, kind: ClockKind) -> Option<String> {
    let clock = story
        .case()
        .clocks
        .iter()
        .rev()
        .find(|clock| clock.kind == kind)?;
    clock.due_date().map(|date| date.to_string())
}

#[test]
fn minor_papers_may_be_owed_until_the_promised_date_and_a_grant_waits_for_them() {
    let owe = |code: &str, date: &str| Command::Accept {
        advance: true,
        owed: vec![OwedPaper {
            material: code.to_owned(),
            due: date.parse().unwrap(),
        }],
    };
    let mut story = long_pension().submitted();
    assert_eq!(
        story.officer(TOWNSHIP, &owe("id", "2026-11-25")),
        Err(Refusal::NotOwable { index: 0 })
    );
    let latest = "2026-12-07".parse().unwrap();
    for wrong in ["2026-11-22", "2026-12-08"] {
        assert_eq!(
            story.officer(TOWNSHIP, &owe("bankc", wrong)),
            Err(Refusal::OwedOutsidePromise { index: 0, latest })
        );
    }
    story.officer(TOWNSHIP, &owe("bankc", "2026-11-27")).unwrap();
    assert_eq!(due(&story, ClockKind::Owed).as_deref(), Some("2026-11-27"));
    let offered = story.last_handoff();
    story
        .officer(COUNTY, &Command::Acknowledge { handoff: offered })
        .unwrap();
    assert_eq!(why(story.officer(COUNTY, &granted())), Why::StillOwed);
    assert_eq!(
        story.attempt(resident(), &supplement(&["photo"])),
        Err(Refusal::UnknownMaterial { index: 0 })
    );
    let before = story.status();
    story.attempt(resident(), &supplement(&["bankc"])).unwrap();
    assert_eq!(story.status(), before, "the state does not change");
    assert!(!story.running(ClockKind::Owed));
    assert_eq!(
        why(story.attempt(resident(), &supplement(&["bankc"]))),
        Why::Status,
        "nothing is owed any more"
    );
    story.officer(COUNTY, &granted()).unwrap();
    assert_eq!(story.status(), CaseStatus::Completed);
}

#[test]
fn what_is_owed_and_missed_proposes_a_denial_once() {
    let mut story = long_pension().submitted();
    let owed = vec![OwedPaper {
        material: "bankc".to_owned(),
        due: "2026-11-24".parse().unwrap(),
    }];
    story
        .officer(TOWNSHIP, &Command::Accept { advance: false, owed })
        .unwrap();
    story.days_later(1);
    tick(&mut story);
    assert!(!story.case().owed[0].missed, "it is due at the end of the day");
    story.days_later(1);
    tick(&mut story);
    tick(&mut story);
    let missed = story
        .events
        .iter()
        .filter(|new| new.event.name() == "OWED_MISSED");
    assert_eq!(missed.count(), 1);
    story.attempt(resident(), &supplement(&["bankc"])).unwrap();
    assert!(
        story.case().outstanding().next().is_none(),
        "late is better than never"
    );
}

#[test]
fn a_refusal_gives_reasons_and_remedy_and_ends_the_case() {
    let mut story = Story::pension().submitted();
    let bare = Command::Decline {
        ground: Ground::Refused,
        competent: None,
        reasons: Some("不受理".to_owned()),
        remedy: None,
    };
    assert_eq!(story.officer(TOWNSHIP, &bare), Err(Refusal::ReasonsRequired));
    assert_eq!(
        why(story.officer(STATION, &refuse())),
        Why::HandoffOpen,
        "the first contact does not accept"
    );
    story.officer(TOWNSHIP, &refuse()).unwrap();
    assert_eq!(
        (story.status(), story.case().owner),
        (CaseStatus::NotAccepted, None)
    );
    let again = story.officer(TOWNSHIP, &accept(false)).unwrap_err();
    assert!(
        matches!(&again, Refusal::IllegalAct { status: CaseStatus::NotAccepted, possible, .. } if *possible == [Act::EvaluateHandoff]),
        "who held it learns the state: {again:?}"
    );
    assert_eq!(
        story.officer(99, &accept(false)),
        Err(Refusal::WrongOrganization),
        "who never held it does not"
    );
}

#[test]
fn whoever_is_not_competent_names_who_is_and_that_office_accepts_in_its_place() {
    let mut story = Story::pension().submitted();
    story.days_later(2);
    assert_eq!(
        story.officer(TOWNSHIP, &not_competent(TOWNSHIP)),
        Err(Refusal::NotAnother)
    );
    story.officer(TOWNSHIP, &not_competent(7)).unwrap();
    assert_eq!(
        (story.status(), story.case().owner),
        (CaseStatus::Submitted, Some(organization(TOWNSHIP))),
        "until the other signs, this one answers"
    );
    assert_eq!(
        due(&story, ClockKind::Acceptance).as_deref(),
        Some("2026-12-02"),
        "anew"
    );
    let acceptance = story
        .case()
        .clocks
        .iter()
        .filter(|clock| clock.kind == ClockKind::Acceptance);
    assert_eq!(acceptance.count(), 2);
    story.officer(7, &accept(true)).unwrap();
    let offered = story.case().handoffs.last().unwrap();
    assert_eq!(
        (offered.from, offered.to),
        (Some(organization(7)), organization(COUNTY))
    );
    assert_eq!(story.case().owner, Some(organization(7)));
}

#[test]
fn whoever_names_an_office_outside_the_network_ends_the_case() {
    let mut story = Story::pension().submitted();
    let outside = |name: &str| Command::Decline {
        ground: Ground::NotCompetent,
        competent: Some(Competent::Outside(name.to_owned())),
        reasons: None,
        remedy: None,
    };
    let nobody = Command::Decline {
        ground: Ground::NotCompetent,
        competent: None,
        reasons: None,
        remedy: None,
    };
    assert_eq!(
        story.officer(TOWNSHIP, &nobody),
        Err(Refusal::FieldRequired { field: "competent" })
    );
    assert!(story.officer(TOWNSHIP, &outside(" ")).is_err());
    story.officer(TOWNSHIP, &outside("某海关")).unwrap();
    assert_eq!(story.status(), CaseStatus::NotAccepted);
}

#[test]
fn a_supplement_before_acceptance_ends_acceptance_which_starts_anew() {
    let mut story = with_papers(Story::pension()).submitted();
    story.officer(TOWNSHIP, &request(&["id", "photo"])).unwrap();
    assert_eq!(story.status(), CaseStatus::AwaitingSupplement);
    assert!(!story.running(ClockKind::Acceptance) && story.running(ClockKind::Supplement));
    assert_eq!(
        story.case().owner,
        Some(organization(TOWNSHIP)),
        "an addressee acknowledges"
    );
    story.days_later(7);
    assert_eq!(
        story.attempt(resident(), &supplement(&["id"])),
        Err(Refusal::MaterialsMissing {
            materials: vec!["photo".to_owned()]
        })
    );
    story.attempt(resident(), &supplement(&["id", "photo"])).unwrap();
    assert_eq!(story.status(), CaseStatus::Submitted);
    assert_eq!(due(&story, ClockKind::Acceptance).as_deref(), Some("2026-12-07"));
    assert_eq!(why(story.officer(TOWNSHIP, &request(&["id"]))), Why::AskedBefore);
    story.officer(TOWNSHIP, &accept(false)).unwrap();
    assert_eq!(story.status(), CaseStatus::Accepted);
}

#[test]
fn a_supplement_after_acceptance_pauses_the_clocks_once() {
    let mut story = at_county(long_pension().submitted());
    assert_eq!(due(&story, ClockKind::Promise).as_deref(), Some("2026-12-07"));
    story.days_later(1);
    story.officer(COUNTY, &request(&["photo"])).unwrap();
    assert!(!story.running(ClockKind::Promise) && !story.running(ClockKind::Step));
    story.days_later(3);
    story.attempt(resident(), &supplement(&["photo"])).unwrap();
    assert_eq!(story.status(), CaseStatus::InReview);
    assert!(story.running(ClockKind::Promise) && story.running(ClockKind::Step));
    // paused on Tuesday, resumed on Friday: three working days do not count
    assert_eq!(due(&story, ClockKind::Promise).as_deref(), Some("2026-12-10"));
    assert_eq!(why(story.officer(COUNTY, &request(&["id"]))), Why::AskedBefore);
}

#[test]
fn each_phase_has_its_own_supplement_and_a_licence_none_after_acceptance() {
    let mut story = long_pension().submitted();
    story.officer(TOWNSHIP, &request(&["id"])).unwrap();
    story.attempt(resident(), &supplement(&["id"])).unwrap();
    let mut story = at_county(story);
    story.officer(COUNTY, &request(&["photo"])).unwrap();
    let mut licence = long_pension();
    licence.item.item_type = ItemType::License;
    let mut licence = at_county(licence.submitted());
    assert_eq!(
        why(licence.officer(COUNTY, &request(&["photo"]))),
        Why::NotForLicense
    );
}

#[test]
fn a_supplement_that_does_not_come_lapses_the_case() {
    let mut story = with_papers(Story::pension()).submitted();
    story.officer(TOWNSHIP, &request(&["id"])).unwrap();
    // thirty working days after Monday 11-23 end with Monday 2027-01-04 in a calendar without holidays
    story.days_later(42);
    tick(&mut story);
    assert_eq!(story.status(), CaseStatus::AwaitingSupplement);
    story.days_later(1);
    let mut late = story.clone();
    let refused = late.attempt(resident(), &supplement(&["id"])).unwrap_err();
    assert!(
        matches!(
            refused,
            Refusal::IllegalAct {
                status: CaseStatus::Lapsed,
                ..
            }
        ),
        "however late the clocks are: {refused:?}"
    );
    tick(&mut story);
    assert_eq!((story.status(), story.case().owner), (CaseStatus::Lapsed, None));
}
