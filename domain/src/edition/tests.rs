//! What an edition does to the divisions that are there: each kind of change, and every fault at once.

use std::collections::HashSet;

use super::*;

const THEN: &str = "2018-10-31";
const NOW: &str = "2023-06-30";

fn row(line: u64, code: &str, parent: &str, level: Level, name: &str) -> EditionRow {
    EditionRow {
        line,
        code: code.to_owned(),
        parent_code: (!parent.is_empty()).then(|| parent.to_owned()),
        level,
        name: name.to_owned(),
        kind: "any".to_owned(),
        setting: None,
        counted: true,
        ur_class: None,
        civil_code: None,
        since: NOW.parse().unwrap(),
        until: None,
        succeeds: Vec::new(),
    }
}

fn succeeding(codes: &[&str], row: EditionRow) -> EditionRow {
    EditionRow {
        succeeds: codes.iter().map(|code| (*code).to_owned()).collect(),
        ..row
    }
}

const CITY: &str = "340300000000";
const EAST: &str = "340302000000";
const WEST: &str = "340372000000";
const TOWN: &str = "340302100000";
const A: &str = "340302100201";
const B: &str = "340302100202";

fn before() -> Vec<EditionRow> {
    let rows = [
        row(2, CITY, "", Level::City, "蚌埠市"),
        row(3, EAST, CITY, Level::County, "龙子湖区"),
        row(4, WEST, CITY, Level::County, "经济开发区"),
        row(5, TOWN, EAST, Level::Township, "长淮卫镇"),
        row(6, A, TOWN, Level::Village, "南湾村委会"),
        row(7, B, TOWN, Level::Village, "卫东村委会"),
    ];
    rows.map(|row| EditionRow {
        since: THEN.parse().unwrap(),
        ..row
    })
    .to_vec()
}

/// Carries a plan out as the store does.
fn carried_out(
    plan: &Plan,
    mut standing: Vec<Standing>,
    mut codes: Vec<CodeRow>,
) -> (Vec<Standing>, Vec<CodeRow>) {
    for closed in &plan.codes_closed {
        let ended = codes.iter_mut().find(|row| {
            (
                row.code.system,
                row.code.level,
                &row.code.code,
                row.code.valid_from,
            ) == (closed.system, closed.level, &closed.code, closed.valid_from)
        });
        ended.unwrap().code.valid_to = Some(closed.valid_to);
    }
    for entry in &plan.changed {
        let one = standing
            .iter_mut()
            .find(|one| one.division.id == entry.division.id)
            .unwrap();
        one.division = entry.division.clone();
    }
    for (id, ended) in &plan.ended {
        standing
            .iter_mut()
            .find(|one| one.division.id == *id)
            .unwrap()
            .ended = Some(*ended);
    }
    standing.extend(plan.added.iter().map(|entry| Standing {
        division: entry.division.clone(),
        ur_class: entry.ur_class.clone(),
        ended: None,
    }));
    codes.extend(plan.codes_added.iter().cloned());
    (standing, codes)
}

fn after(rows: &[EditionRow]) -> (Plan, Plan) {
    let first = plan(&before(), &Register::default()).unwrap();
    let (standing, codes) = carried_out(&first, Vec::new(), Vec::new());
    let second = plan(rows, &Register::new(standing.clone(), codes.clone())).unwrap();
    let (standing, codes) = carried_out(&second, standing, codes);
    let again = plan(rows, &Register::new(standing, codes)).unwrap();
    (second, again)
}

fn faults(rows: &[EditionRow]) -> Vec<(u64, FaultKind)> {
    let first = plan(&before(), &Register::default()).unwrap();
    let (standing, codes) = carried_out(&first, Vec::new(), Vec::new());
    let faults = plan(rows, &Register::new(standing, codes)).unwrap_err();
    faults.into_iter().map(|fault| (fault.line, fault.kind)).collect()
}

fn is_nothing(plan: &Plan) -> bool {
    let unchanged = Plan {
        unchanged: plan.unchanged,
        ..Plan::default()
    };
    *plan == unchanged
}

#[test]
fn a_first_edition_adds_parents_before_children() {
    let mut rows = before();
    rows.reverse();
    let plan = plan(&rows, &Register::default()).unwrap();
    let levels: Vec<_> = plan.added.iter().map(|entry| entry.division.level).collect();
    assert!(levels.is_sorted_by(|one, next| one >= next), "{levels:?}");
    assert_eq!((plan.added.len(), plan.codes_added.len()), (6, 6));
}

#[test]
fn a_new_name_keeps_key_and_code_and_ends_the_old_name_the_day_before() {
    let (plan, again) = after(&[row(2, A, TOWN, Level::Village, "南湾社区居民委员会")]);
    assert_eq!(plan.renamings.len(), 1);
    assert_eq!(plan.codes_closed[0].valid_to, "2023-06-29".parse().unwrap());
    assert_eq!(plan.codes_added[0].code.name, "南湾社区居民委员会");
    assert_eq!(
        (plan.added.len(), plan.changed.len(), plan.successions.len()),
        (0, 1, 0)
    );
    assert!(is_nothing(&again), "{again:?}");
}

#[test]
fn a_change_of_code_keeps_the_key() {
    let new = "340372100000";
    let rows = [
        succeeding(&[TOWN], row(2, new, WEST, Level::Township, "长淮卫镇")),
        succeeding(
            &[A],
            row(3, "340372100201", new, Level::Village, "南湾村村民委员会"),
        ),
        succeeding(
            &[B],
            row(4, "340372100202", new, Level::Village, "卫东村村民委员会"),
        ),
    ];
    let (plan, again) = after(&rows);
    assert_eq!(
        (plan.added.len(), plan.changed.len(), plan.ended.len()),
        (0, 3, 0)
    );
    assert!(plan.successions.iter().all(|one| one.from == one.to));
    assert_eq!(plan.changed[0].division.id, DivisionId::named(TOWN));
    assert_eq!(plan.changed[1].division.parent, Some(DivisionId::named(TOWN)));
    assert!(is_nothing(&again), "{again:?}");
}

#[test]
fn merged_divisions_end_with_their_successor() {
    let joined = "340302100205";
    let (plan, again) = after(&[succeeding(
        &[A, B],
        row(2, joined, TOWN, Level::Village, "湾东村"),
    )]);
    assert_eq!(plan.added.len(), 1);
    let successor = plan.added[0].division.id;
    let last_day = "2023-06-29".parse().unwrap();
    let ended: Vec<_> = plan.ended.iter().map(|(_, ended)| *ended).collect();
    assert_eq!(
        ended,
        [Ended {
            last_day,
            successor: Some(successor)
        }; 2]
    );
    assert!(is_nothing(&again), "{again:?}");
    // into one that goes on
    let (plan, again) = after(&[succeeding(&[B], row(2, A, TOWN, Level::Village, "南湾村委会"))]);
    assert_eq!(
        (plan.ended[0].0, plan.ended[0].1.successor),
        (DivisionId::named(B), Some(DivisionId::named(A)))
    );
    assert_eq!((plan.added.len(), plan.unchanged), (0, 1));
    assert!(is_nothing(&again), "{again:?}");
}

#[test]
fn of_a_split_one_part_goes_on_and_the_others_are_new() {
    let (plan, _) = after(&[
        row(2, A, TOWN, Level::Village, "南湾村委会"),
        row(3, "340302100211", TOWN, Level::Village, "北湾村委会"),
    ]);
    assert_eq!((plan.added.len(), plan.unchanged, plan.ended.len()), (1, 1, 0));
    assert!(plan.successions.is_empty());
}

#[test]
fn a_code_that_was_given_up_can_name_another_place() {
    // B moves to a new code, and A moves to the code that B had: each keeps its key
    let rows = [
        succeeding(&[B], row(2, "340302100299", TOWN, Level::Village, "卫东村委会")),
        succeeding(&[A], row(3, B, TOWN, Level::Village, "南湾村委会")),
    ];
    let (plan, again) = after(&rows);
    let keys: Vec<_> = plan
        .changed
        .iter()
        .map(|entry| (entry.division.code.as_str(), entry.division.id))
        .collect();
    assert_eq!(
        keys,
        [("340302100299", DivisionId::named(B)), (B, DivisionId::named(A))]
    );
    assert!(is_nothing(&again), "{again:?}");
}

#[test]
fn a_division_may_end_without_successor() {
    let row = EditionRow {
        until: Some("2023-12-31".parse().unwrap()),
        ..row(2, A, TOWN, Level::Village, "南湾村委会")
    };
    let (plan, again) = after(&[row]);
    assert_eq!(plan.ended[0].1.successor, None);
    assert_eq!(plan.codes_closed[0].valid_to, "2023-12-31".parse().unwrap());
    assert!(is_nothing(&again), "{again:?}");
}

#[test]
fn own_parents_repeated_codes_and_missing_levels_make_a_tree() {
    // a city without counties: the statistics repeat it as its own county; and an island on three levels
    let rows = [
        row(2, "440000000000", "", Level::Province, "广东省"),
        row(3, "441900000000", "440000000000", Level::City, "东莞市"),
        row(4, "441900000000", "441900000000", Level::County, "东莞市"),
        row(5, "441900003000", "441900000000", Level::Township, "东城街道"),
        row(6, "350527000000", "350527000000", Level::County, "金门县"),
        row(7, "350527000000", "350527000000", Level::Township, "金门县"),
        row(8, "350527000000", "350527000000", Level::Village, "金门县"),
        row(9, "441900003999", "441900000000", Level::Village, "莫𡐓村委会"),
    ];
    let plan = plan(&rows, &Register::default()).unwrap();
    let by_line = |line: u64| {
        let row = &rows[usize::try_from(line).unwrap() - 2];
        let found = plan
            .added
            .iter()
            .find(|one| one.division.code == row.code && one.division.level == row.level);
        found.unwrap().division.clone()
    };
    assert_eq!(by_line(3).parent, Some(by_line(2).id));
    assert_eq!(by_line(4).parent, Some(by_line(3).id));
    assert_eq!(by_line(5).parent, Some(by_line(4).id), "the lowest above it");
    assert_eq!(by_line(6).parent, None, "its own parent stands on top");
    assert_eq!(
        (by_line(7).parent, by_line(8).parent),
        (Some(by_line(6).id), Some(by_line(7).id))
    );
    assert_eq!(by_line(9).parent, Some(by_line(4).id), "the township is missing");
    let keys: HashSet<_> = plan.added.iter().map(|one| one.division.id).collect();
    assert_eq!(keys.len(), rows.len());
}

#[test]
fn names_are_counted_in_code_points() {
    let named = |name: &str| plan(&[row(2, CITY, "", Level::City, name)], &Register::default()).is_ok();
    assert!(named(
        "内蒙古自治区鄂尔多斯市伊金霍洛旗阿勒腾席热镇水岸花园社区居民委员会"
    ));
    assert!(named(&"𡐓".repeat(100)));
    assert!(!named(&"𡐓".repeat(101)));
    assert!(!named("甲\u{1f}乙"));
}

#[test]
fn all_faults_are_told_at_once() {
    let older = EditionRow {
        since: "2017-01-01".parse().unwrap(),
        ..row(8, EAST, CITY, Level::County, "东市区")
    };
    let backwards = EditionRow {
        until: Some("2001-01-01".parse().unwrap()),
        ..row(9, "340302100290", TOWN, Level::Village, "丙村")
    };
    let told = faults(&[
        row(2, "34030210", TOWN, Level::Village, "甲村"),
        row(3, "340302100210", "340399000000", Level::Village, ""),
        row(4, "340302100211", A, Level::Village, "乙村"),
        succeeding(
            &["340302100999"],
            row(5, "340302100212", TOWN, Level::Village, "丁村"),
        ),
        succeeding(&[B], row(6, "340302100213", TOWN, Level::Village, "戊村")),
        succeeding(&[B], row(7, "340302100213", TOWN, Level::Village, "己村")),
        older,
        backwards,
    ]);
    let lines: Vec<_> = told.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [2, 3, 3, 4, 5, 7, 7, 8, 9, 9], "{told:?}");
    assert!(
        told.iter()
            .all(|(_, kind)| !kind.in_chinese().is_empty() && !kind.to_string().is_empty())
    );
    let continues = faults(&[
        row(2, A, TOWN, Level::Village, "南湾村委会"),
        succeeding(&[A], row(3, "340302100214", TOWN, Level::Village, "庚村")),
    ]);
    assert_eq!(
        continues,
        [(3, FaultKind::PredecessorContinues { code: A.to_owned() })]
    );
}
