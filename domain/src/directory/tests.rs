//! The directory finds the office that a route names, and refuses a tree that cannot be.

use super::*;
use crate::limit::Limit;
use crate::route::HandoffKind;

fn division(code: &str, parent: Option<&str>, level: Level) -> Division {
    Division {
        id: DivisionId::named(code),
        code: code.to_owned(),
        parent: parent.map(DivisionId::named),
        level,
        name: code.to_owned(),
        kind: "any".to_owned(),
        setting: None,
        counted: true,
    }
}

fn organization(
    code: &str,
    role: &str,
    kind: OrganizationKind,
    division: &str,
    level: Level,
) -> Organization {
    Organization {
        id: OrganizationId::named(code),
        code: code.to_owned(),
        role: role.to_owned(),
        kind,
        division: DivisionId::named(division),
        level,
        name_zh: code.to_owned(),
        name_en: code.to_owned(),
        upstream: None,
    }
}

fn step(role: &str, level: Level) -> Step {
    Step {
        role: role.to_owned(),
        level,
        action: "ANY".to_owned(),
        unit: String::new(),
        limit: Some(Limit::working_days(1)),
        at_least: None,
        clock: StepClock::Counted,
        accepts: false,
        decides: false,
        handoff: HandoffKind::Route,
        parallel_group: None,
        assignment: Assignment::ByRole,
    }
}

fn directory() -> Directory {
    use OrganizationKind::{Department, External, Station};
    Directory::new(
        vec![
            division("city", None, Level::City),
            division("county", Some("city"), Level::County),
            division("township", Some("county"), Level::Township),
            division("village", Some("township"), Level::Village),
            division("direct", Some("county"), Level::Village),
            division("self", Some("self"), Level::Village),
        ],
        vec![
            organization("station", "village.station", Station, "village", Level::Village),
            organization("tax", "county.tax", Department, "county", Level::County),
            organization("old", "county.civil", Department, "county", Level::County),
            organization("new", "county.civil", Department, "county", Level::County),
            organization("abroad", "province.office", External, "city", Level::Province),
        ],
        HashMap::from([(OrganizationId::named("old"), OrganizationId::named("new"))]),
    )
}

fn id(code: &str) -> OrganizationId {
    OrganizationId::named(code)
}

#[test]
fn a_role_is_looked_for_in_the_ancestor_on_its_level() {
    let directory = directory();
    let route = [
        step("village.station", Level::Village),
        step("county.tax", Level::County),
    ];
    let resolved = directory.resolve(&route, DivisionId::named("village")).unwrap();
    let organizations: Vec<_> = resolved.iter().map(ResolvedStep::organization).collect();
    assert_eq!(organizations, [Some(id("station")), Some(id("tax"))]);
    // the township level is missing above this village: the county is still found
    assert_eq!(
        directory
            .holder_of("county.tax", Level::County, DivisionId::named("direct"))
            .unwrap()
            .id,
        id("tax")
    );
}

#[test]
fn only_the_intake_may_have_nobody() {
    let directory = directory();
    let intake = Step {
        clock: StepClock::PreAcceptance,
        ..step("village.station", Level::Village)
    };
    let route = [intake, step("county.tax", Level::County)];
    let resolved = directory.resolve(&route, DivisionId::named("direct")).unwrap();
    assert_eq!(resolved[0].who, StepHolder::Intake);
    let counted = [step("village.station", Level::Village)];
    assert_eq!(
        directory.resolve(&counted, DivisionId::named("direct")),
        Err(ResolveError::Unresolved {
            index: 0,
            role: "village.station".to_owned()
        })
    );
    assert_eq!(
        directory.resolve(&route, DivisionId::named("?")),
        Err(ResolveError::DivisionUnknown)
    );
}

#[test]
fn chosen_lists_living_departments_and_external_is_one_organization_for_all() {
    let directory = directory();
    let chosen = Step {
        assignment: Assignment::Chosen,
        ..step("county.any", Level::County)
    };
    let external = Step {
        assignment: Assignment::External,
        ..step("province.office", Level::Province)
    };
    let route = [chosen, external];
    let resolved = directory.resolve(&route, DivisionId::named("village")).unwrap();
    assert_eq!(resolved[0].who, StepHolder::Chosen(vec![id("tax"), id("new")]));
    assert_eq!(resolved[1].organization(), Some(id("abroad")));
}

#[test]
fn a_merged_organization_hands_its_work_to_its_successor() {
    let directory = directory();
    assert_eq!(directory.living(id("old")), id("new"));
    let route = [step("county.civil", Level::County)];
    let resolved = directory.resolve(&route, DivisionId::named("village")).unwrap();
    assert_eq!(resolved[0].organization(), Some(id("new")));
}

#[test]
fn a_division_that_is_its_own_parent_does_not_hang_a_walk() {
    let directory = directory();
    assert!(directory.ancestors(DivisionId::named("self")).len() <= ANCESTORS_MAX);
    assert!(directory.is_within(DivisionId::named("village"), DivisionId::named("city")));
    assert!(!directory.is_within(DivisionId::named("city"), DivisionId::named("village")));
}

#[test]
fn a_handoff_by_hand_knows_above_below_beside_and_outside() {
    let directory = directory();
    let rank = |from, to| directory.rank(id(from), id(to));
    assert_eq!(rank("tax", "station"), Some(Rank::Below), "at any depth");
    assert_eq!(
        rank("station", "tax"),
        Some(Rank::Beside),
        "two levels up is not the level above"
    );
    assert_eq!(rank("tax", "new"), Some(Rank::Beside));
    assert_eq!(rank("station", "abroad"), Some(Rank::Outside));
    assert_eq!(rank("tax", "old"), None, "its work was taken over");
    assert_eq!(rank("tax", "nobody"), None);
    let city = organization(
        "city-office",
        "city.office",
        OrganizationKind::Department,
        "city",
        Level::City,
    );
    let places = vec![
        division("city", None, Level::City),
        division("county", Some("city"), Level::County),
        division("self", Some("self"), Level::Village),
    ];
    let county = organization(
        "tax",
        "county.tax",
        OrganizationKind::Department,
        "county",
        Level::County,
    );
    let alone = |code| organization(code, code, OrganizationKind::Station, "self", Level::Village);
    let offices = vec![city, county, alone("one"), alone("two")];
    let small = Directory::new(places, offices, HashMap::new());
    assert_eq!(small.rank(id("tax"), id("city-office")), Some(Rank::Above));
    assert_eq!(
        small.rank(id("one"), id("two")),
        Some(Rank::Beside),
        "a division that is its own parent is not above itself"
    );
}

#[test]
fn the_lists_are_asked_for_the_village_level_alone() {
    let entry = Admission {
        number: "A-1".to_owned(),
        list: admission::AdmissionList::Assist,
        item_code: "pension-enroll".to_owned(),
        division_code: Some("township".to_owned()),
        approver: "any".to_owned(),
        funds_note: "any".to_owned(),
        valid_from: "2026-01-01".parse().unwrap(),
        valid_to: None,
    };
    let directory = directory().with_admissions(vec![entry]);
    let gate = |to, item| directory.gate(id(to), item, "2026-06-01".parse().unwrap());
    assert_eq!(gate("tax", "any"), Gate::NotGrassroots);
    assert_eq!(gate("station", "any"), Gate::Unlisted);
    let admitted = Gate::Admitted {
        number: "A-1".to_owned(),
    };
    assert_eq!(
        gate("station", "pension-enroll"),
        admitted,
        "an entry of the township holds below it"
    );
    assert_eq!(gate("nobody", "pension-enroll"), Gate::Unlisted);
}
