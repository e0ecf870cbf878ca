//! Another calendar moves open due dates; a promise on official years never later than its receipt says.

use super::*;
use crate::calendar::{CalendarRow, DayKind, RowStatus};
use crate::case::event::Event;

fn row(date: &str, kind: DayKind, status: RowStatus) -> CalendarRow {
    CalendarRow {
        date: date.parse().unwrap(),
        kind,
        status,
        name: "假日".to_owned(),
    }
}

fn calendar_of(version: u128, rows: &[CalendarRow]) -> WorkCalendar {
    WorkCalendar::from_rows(CalendarVersionId::from_uuid(Uuid::from_u128(version)), rows).unwrap()
}

/// 2026 and 2027 official, without a day that differs from Monday to Friday but the first of January.
fn official() -> Vec<CalendarRow> {
    vec![
        row("2026-01-01", DayKind::Off, RowStatus::Official),
        row("2027-01-01", DayKind::Off, RowStatus::Official),
    ]
}

/// A pension case, accepted on Monday 2026-11-23 under a calendar: promised 2, statutory 5 working days.
fn accepted_under(rows: &[CalendarRow]) -> Story {
    let mut story = Story::pension();
    story.calendar = Some(calendar_of(9, rows));
    let mut story = story.submitted();
    story.officer(TOWNSHIP, &accept(false)).unwrap();
    story
}

fn recomputed(story: &mut Story, rows: &[CalendarRow]) -> Vec<(ClockKind, String)> {
    story.calendar = Some(calendar_of(10, rows));
    let before = story.events.len();
    let by = By {
        kind: ActorKind::System,
        subject: "calendar".to_owned(),
        organization: None,
        ..officer(STATION)
    };
    story.attempt(by, &Command::Recompute).unwrap();
    story.events[before..]
        .iter()
        .filter_map(|new| {
            let Event::ClockRecomputed { clock, .. } = &new.event else {
                return None;
            };
            let clock = story.case().clock(*clock)?;
            Some((clock.kind, clock.due_date()?.to_string()))
        })
        .collect()
}

#[test]
fn the_same_days_move_nothing() {
    let mut story = accepted_under(&official());
    assert_eq!(recomputed(&mut story, &official()), []);
}

#[test]
fn a_promise_on_official_years_never_moves_later_and_the_law_does() {
    let mut story = accepted_under(&official());
    let moved = recomputed(&mut story, &more_off_first());
    assert!(
        moved.contains(&(ClockKind::Statutory, "2026-12-01".to_owned())),
        "{moved:?}"
    );
    assert!(
        moved.iter().all(|(kind, _)| *kind != ClockKind::Promise),
        "{moved:?}"
    );
    let promise = story
        .case()
        .clocks
        .iter()
        .find(|clock| clock.kind == ClockKind::Promise)
        .unwrap();
    assert_eq!(
        promise.due_date().unwrap().to_string(),
        "2026-11-25",
        "as the receipt says"
    );
}

#[test]
fn a_promise_moves_earlier_with_a_day_that_works() {
    let mut story = accepted_under(&official());
    let mut more_work = official();
    more_work.push(row("2026-11-28", DayKind::Work, RowStatus::Official));
    let moved = recomputed(&mut story, &more_work);
    assert!(
        moved.contains(&(ClockKind::Statutory, "2026-11-28".to_owned())),
        "{moved:?}"
    );
    let mut earlier = accepted_under(&more_off_first());
    let moved = recomputed(&mut earlier, &official());
    assert!(
        moved.contains(&(ClockKind::Promise, "2026-11-25".to_owned())),
        "{moved:?}"
    );
}

/// Official, with the first day after acceptance off.
fn more_off_first() -> Vec<CalendarRow> {
    let mut rows = official();
    rows.push(row("2026-11-24", DayKind::Off, RowStatus::Official));
    rows
}

#[test]
fn a_promise_on_provisional_years_moves_with_the_notice_and_both_are_flagged_until_then() {
    let provisional = vec![row("2027-01-01", DayKind::Off, RowStatus::Provisional)];
    let mut story = accepted_under(&provisional);
    let flagged = |story: &Story| {
        story
            .case()
            .clocks
            .iter()
            .filter(|clock| clock.state == ClockState::Running)
            .all(|clock| clock.provisional)
    };
    assert!(flagged(&story));
    let moved = recomputed(&mut story, &more_off_first());
    assert!(
        moved.contains(&(ClockKind::Promise, "2026-11-26".to_owned())),
        "{moved:?}"
    );
    let promise = story
        .case()
        .clocks
        .iter()
        .find(|clock| clock.kind == ClockKind::Promise)
        .unwrap();
    assert!(
        !promise.provisional && promise.epoch == 1,
        "its ladder begins anew with the later date"
    );
}

#[test]
fn a_clock_that_stands_still_has_no_date_to_move_and_its_rest_is_frozen() {
    let mut story = accepted_under(&official());
    let begin = Command::BeginSpecialProcedure {
        reason: "检验".to_owned(),
        limit_working_days: None,
    };
    story.officer(TOWNSHIP, &begin).unwrap();
    let moved = recomputed(&mut story, &more_off_first());
    assert!(
        moved
            .iter()
            .all(|(kind, _)| !matches!(kind, ClockKind::Promise | ClockKind::Statutory)),
        "{moved:?}"
    );
    let statutory = story
        .case()
        .clocks
        .iter()
        .find(|clock| clock.kind == ClockKind::Statutory)
        .unwrap()
        .clone();
    let left = |at| {
        statutory
            .remaining(story.calendar.as_ref().unwrap(), at)
            .unwrap()
            .unwrap()
            .count()
    };
    assert_eq!(left(story.now), left(story.now + Duration::days(30)), "frozen");
}
