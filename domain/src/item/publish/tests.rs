//! An item version is published only when its route and limits fit together.

use std::collections::HashMap;

use serde_json::json;

use super::*;
use crate::directory::Directory;
use crate::division::{Division, Level};
use crate::id::{CalendarVersionId, DivisionId, ItemVersionId, OrganizationId, ServiceItemId};
use crate::item::{ApplicantKind, Basis, CaseKind, ItemType, MaterialForm};
use crate::organization::{Organization, OrganizationKind};
use crate::route::{Assignment, HandoffKind};

fn days(value: u32) -> Limit {
    Limit::working_days(value)
}

fn step(limit: u32) -> Step {
    Step {
        role: "township.service-center".to_owned(),
        level: Level::Township,
        action: "REVIEW".to_owned(),
        unit: String::new(),
        limit: Some(days(limit)),
        at_least: None,
        clock: StepClock::Counted,
        accepts: false,
        decides: false,
        handoff: HandoffKind::Route,
        parallel_group: None,
        assignment: Assignment::ByRole,
    }
}

fn item(route: Vec<Step>, promised: Limit, statutory: Limit) -> ItemVersion {
    ItemVersion {
        id: ItemVersionId::named("t@1"),
        item: ServiceItemId::named("t"),
        code: "t".to_owned(),
        version: 1,
        name_zh: "测试".to_owned(),
        name_en: "Test".to_owned(),
        item_type: ItemType::PublicService,
        processing: ProcessingType::Commitment,
        case_kind: CaseKind::Case,
        applicant: ApplicantKind::Person,
        statutory,
        promised,
        statutory_basis: Basis::Placeholder,
        promised_basis: Basis::Placeholder,
        catalog_code: None,
        line_agency: None,
        materials: Vec::new(),
        form: json!({}),
        route,
    }
}

fn material(code: &str, name_zh: &str) -> Material {
    Material {
        code: code.to_owned(),
        name_zh: name_zh.to_owned(),
        name_en: String::new(),
        form: MaterialForm::Original,
        required: true,
        defer_allowed: false,
        from_shared_data: false,
        produced_by: None,
        issuer: Some("COMMUNITY".to_owned()),
    }
}

fn two_steps(first: u32, second: u32) -> Vec<Step> {
    vec![
        Step {
            accepts: true,
            ..step(first)
        },
        Step {
            decides: true,
            ..step(second)
        },
    ]
}

fn faults(item: &ItemVersion) -> Vec<PublishFault> {
    let plain = WorkCalendar::from_rows(CalendarVersionId::named("plain"), &[]).unwrap();
    let forbidden = [ForbiddenCertificate {
        name_zh: "健在证明".to_owned(),
    }];
    check(item, &forbidden, reach_by(&plain))
}

#[test]
fn the_counted_chain_fits_the_promise_and_the_promise_the_law() {
    assert_eq!(faults(&item(two_steps(2, 3), days(5), days(5))), []);
    assert!(matches!(
        faults(&item(two_steps(3, 3), days(5), days(5)))[..],
        [PublishFault::ChainAbovePromise { .. }]
    ));
    assert!(matches!(
        faults(&item(two_steps(1, 1), days(6), days(5)))[..],
        [PublishFault::PromiseAboveStatute { .. }]
    ));
}

#[test]
fn units_are_compared_by_the_latest_date_they_can_reach() {
    let calendar_days = |value| Limit {
        value,
        unit: LimitUnit::CalendarDay,
    };
    assert_eq!(faults(&item(two_steps(2, 3), days(5), calendar_days(7))), []);
    assert!(!faults(&item(two_steps(2, 3), days(5), calendar_days(6))).is_empty());
}

#[test]
fn of_a_parallel_group_only_the_longest_counts_and_later_steps_do_not() {
    let in_group = |limit| Step {
        parallel_group: Some("joint".to_owned()),
        ..step(limit)
    };
    let accept = Step {
        accepts: true,
        ..step(1)
    };
    let decide = Step {
        decides: true,
        ..step(1)
    };
    let route = vec![accept, in_group(2), in_group(3), in_group(1), decide, step(20)];
    assert_eq!(faults(&item(route.clone(), days(5), days(5))), []);
    assert!(!faults(&item(route, days(4), days(5))).is_empty());
}

#[test]
fn one_step_accepts_and_one_decides_not_before_it() {
    assert_eq!(
        faults(&item(vec![step(1)], days(5), days(5))),
        [
            PublishFault::Accepting(Vec::new()),
            PublishFault::Deciding(Vec::new())
        ]
    );
    let mut twice = two_steps(1, 1);
    twice[1].accepts = true;
    assert_eq!(
        faults(&item(twice, days(5), days(5))),
        [PublishFault::Accepting(vec![name(1), name(2)])]
    );
    let mut backwards = two_steps(1, 1);
    backwards.reverse();
    let (accepts, decides) = (name(2), name(1));
    assert_eq!(
        faults(&item(backwards, days(5), days(5))),
        [PublishFault::Order { accepts, decides }]
    );
}

#[test]
fn an_immediate_item_has_one_organization_and_no_waiting() {
    let both = Step {
        accepts: true,
        decides: true,
        ..step(0)
    };
    let on_the_spot = Limit {
        value: 0,
        unit: LimitUnit::OnTheSpot,
    };
    let mut immediate = item(vec![both], on_the_spot, days(5));
    immediate.processing = ProcessingType::Immediate;
    assert_eq!(faults(&immediate), []);
    immediate.promised = days(1);
    assert_eq!(faults(&immediate), [PublishFault::NotOnTheSpot]);
    immediate.route = two_steps(0, 0);
    let (accepts, decides) = (name(1), name(2));
    assert_eq!(
        faults(&immediate),
        [
            PublishFault::NotOneOrganization { accepts, decides },
            PublishFault::NotOnTheSpot
        ]
    );
}

#[test]
fn a_community_is_not_asked_for_a_forbidden_certificate() {
    let mut asks = item(two_steps(1, 1), days(5), days(5));
    asks.materials = vec![material("a", "健在证明"), material("b", "居住证明")];
    assert_eq!(
        faults(&asks),
        [PublishFault::ForbiddenCertificate {
            material: "a".to_owned()
        }]
    );
    asks.materials = vec![material("a", "健在 证明（原件）")];
    assert_eq!(faults(&asks).len(), 1, "brackets and blanks do not hide it");
    asks.materials = vec![Material {
        issuer: None,
        ..material("a", "健在证明")
    }];
    assert_eq!(faults(&asks), []);
}

#[test]
fn materials_have_their_own_codes_and_known_producers() {
    let mut asks = item(two_steps(1, 1), days(5), days(5));
    let produced = |by: &str| Material {
        produced_by: Some(by.to_owned()),
        ..material("a", "x")
    };
    asks.materials = vec![produced("REVIEW"), produced("NOWHERE")];
    assert_eq!(
        faults(&asks),
        [
            PublishFault::DuplicateMaterial {
                material: "a".to_owned()
            },
            PublishFault::ProducerUnknown {
                material: "a".to_owned()
            },
        ]
    );
}

#[test]
fn a_grid_event_is_handled_by_its_decider_and_ends_with_its_check() {
    let act = |action: &str| Step {
        action: action.to_owned(),
        ..step(1)
    };
    let grid = |route: Vec<Step>| ItemVersion {
        case_kind: CaseKind::Grid,
        ..item(route, days(5), days(5))
    };
    let deciding = |action: &str| Step {
        decides: true,
        ..act(action)
    };
    let accepting = || Step {
        accepts: true,
        ..act("ASSIGN")
    };
    assert_eq!(
        faults(&grid(vec![accepting(), deciding("RESOLVE"), act("VERIFY")])),
        []
    );
    for route in [
        vec![accepting(), deciding("RESOLVE")],
        vec![accepting(), deciding("CONFIRM"), act("VERIFY")],
        vec![accepting(), deciding("RESOLVE"), act("PAY"), act("VERIFY")],
        vec![accepting(), deciding("RESOLVE"), act("VERIFY"), act("PAY")],
    ] {
        assert_eq!(faults(&grid(route)), [PublishFault::NotALoop]);
    }
}

fn name(number: usize) -> StepName {
    StepName {
        number,
        role: "township.service-center".to_owned(),
        action: "REVIEW".to_owned(),
    }
}

#[test]
fn a_counted_step_has_a_limit() {
    let mut route = two_steps(1, 1);
    route[0].limit = None;
    assert_eq!(
        faults(&item(route, days(5), days(5))),
        [PublishFault::CountedWithoutLimit(name(1))]
    );
}

#[test]
fn all_faults_of_a_version_are_told_at_once_in_both_languages() {
    let mut wrong = item(vec![step(9), step(1)], days(6), days(5));
    wrong.processing = ProcessingType::Immediate;
    wrong.materials = vec![material("a", "健在证明"), material("a", "居住证明")];
    let told = faults(&wrong);
    assert_eq!(told.len(), 7, "{told:?}");
    for fault in &told {
        assert!(!fault.in_chinese().is_empty() && !fault.to_string().is_empty());
    }
    let chain = told
        .iter()
        .find(|fault| matches!(fault, PublishFault::ChainAbovePromise { .. }))
        .unwrap();
    assert!(chain.to_string().contains("1, 2"), "the steps are named: {chain}");
}

fn place(code: &str, level: Level, parent: Option<&str>) -> Division {
    Division {
        id: DivisionId::named(code),
        code: code.to_owned(),
        parent: parent.map(DivisionId::named),
        level,
        name: format!("{code}村"),
        kind: "any".to_owned(),
        setting: None,
        counted: true,
    }
}

fn office(code: &str, role: &str, kind: OrganizationKind, division: &str) -> Organization {
    Organization {
        id: OrganizationId::named(code),
        code: code.to_owned(),
        role: role.to_owned(),
        kind,
        division: DivisionId::named(division),
        level: Level::Township,
        name_zh: code.to_owned(),
        name_en: code.to_owned(),
        upstream: None,
    }
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "one place after another, each with what is wrong there"
)]
fn every_step_resolves_from_every_place() {
    use OrganizationKind::{Department, External, ServiceCenter};
    let villages = ["v1", "v2", "v3"];
    let directory = |offices: Vec<Organization>| {
        let mut places = vec![
            place("t1", Level::Township, None),
            place("t2", Level::Township, None),
        ];
        places.extend(
            villages.map(|code| place(code, Level::Village, Some(if code == "v1" { "t1" } else { "t2" }))),
        );
        Directory::new(places, offices, HashMap::new())
    };
    let mut route = two_steps(1, 1);
    route.insert(
        1,
        Step {
            assignment: Assignment::Chosen,
            ..step(1)
        },
    );
    route.insert(
        2,
        Step {
            assignment: Assignment::External,
            role: "province.office".to_owned(),
            ..step(1)
        },
    );
    let version = item(route, days(9), days(9));
    let check = |offices: Vec<Organization>| {
        let directory = directory(offices);
        let places: Vec<_> = villages
            .iter()
            .map(|code| directory.division_by_code(code).unwrap())
            .collect();
        check_places(&version, &directory, places)
            .into_iter()
            .map(|fault| match fault {
                PublishFault::Unresolved {
                    step, code, places, ..
                } => (step.number, code, places),
                other => panic!("{other}"),
            })
            .collect::<Vec<_>>()
    };
    let center = |town: &str| {
        office(
            &format!("{town}:c"),
            "township.service-center",
            ServiceCenter,
            town,
        )
    };
    let department = |town: &str| office(&format!("{town}:d"), "township.any", Department, town);
    let outside = |code: &str| office(code, "province.office", External, "t1");
    let whole = vec![
        center("t1"),
        center("t2"),
        department("t1"),
        department("t2"),
        outside("x"),
    ];
    assert_eq!(check(whole.clone()), []);
    let first = |number| (number, "v1".to_owned(), 3);
    assert_eq!(check(Vec::new()), [first(1), first(2), first(3), first(4)]);
    // a CHOSEN step with nobody to choose from in one township only
    let missing = whole
        .iter()
        .filter(|office| office.code != "t2:d")
        .cloned()
        .collect();
    assert_eq!(check(missing), [(2, "v2".to_owned(), 2)]);
    // an EXTERNAL step means one fixed organization
    let two = whole.into_iter().chain([outside("y")]).collect();
    assert_eq!(check(two), [first(3)]);
}
