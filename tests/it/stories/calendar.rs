//! The notice of next year arrives: open due dates are computed again, and everybody is told which moved.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::kit::{Case, County, STATION, TOWNSHIP, clock, funeral, submit};
use crate::harness::app::TestApp;
use crate::harness::people::{FARMER, NEIGHBOUR};
use crate::harness::process::onedoor_beside;
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, eventually};
use crate::harness::world::World;

/// 2027 as its notice might give it: the statutory days, and Monday 4 January off as well.
fn notice() -> Value {
    let off = [
        "2027-01-01",
        "2027-01-04",
        "2027-02-05",
        "2027-02-06",
        "2027-02-07",
        "2027-02-08",
        "2027-04-05",
        "2027-05-01",
        "2027-05-02",
        "2027-06-09",
        "2027-09-15",
        "2027-10-01",
        "2027-10-02",
        "2027-10-03",
    ];
    let days: Vec<Value> = off
        .iter()
        .map(|date| json!({ "name": "假日", "date": date, "isOffDay": true }))
        .collect();
    json!({ "year": 2027, "papers": ["https://www.gov.cn/2027.htm"], "days": days })
}

async fn imported(world: &World, file: &Value, more: &[&str]) -> (bool, String, String) {
    let path = world.folder().join("2027.json");
    std::fs::write(&path, file.to_string()).unwrap();
    let mut arguments = vec!["import", "calendar", path.to_str().unwrap(), "--demo"];
    arguments.extend_from_slice(more);
    let (status, stdout, stderr) = onedoor_beside(&arguments, &world.settings()).await;
    (status.success(), stdout, stderr)
}

async fn accepted(app: &TestApp, person: &crate::harness::people::Person) -> Case {
    let case = submit(&app.kiosk(STATION), funeral(person)).await;
    case.done(&app.clerk(TOWNSHIP), "acceptCase", json!({})).await;
    case
}

story!(
    a_notice_moves_open_due_dates_but_no_promise_given_on_official_years,
    async |world| {
        let county = County::open().await;
        county
            .clock
            .set("2026-12-21T02:00:00Z".parse::<DateTime<Utc>>().unwrap());
        let app = county.gateway(world).await;
        // promised for 28 December, which is official; the law reaches into January, which is not
        let firm = accepted(&app, &FARMER).await;
        county.days_later(7);
        let open = accepted(&app, &NEIGHBOUR).await;
        let before = open.seen_by(&app.clerk(TOWNSHIP)).await;
        assert_eq!(clock(&before, "PROMISE")["dueDate"], "2027-01-05");

        let (done, told, stderr) = imported(world, &notice(), &["--dry-run"]).await;
        assert!(done, "{stderr}");
        assert!(told.contains("would move"), "{told}");
        let line = format!(
            "{}  PROMISE  2027-01-05 -> 2027-01-06  official",
            open.tracking_code
        );
        assert!(told.contains(&line), "{told}");
        let unchanged = open.seen_by(&app.clerk(TOWNSHIP)).await;
        assert_eq!(unchanged, before, "a dry run changes nothing");

        let (done, told, stderr) = imported(world, &notice(), &[]).await;
        assert!(done && told.contains(&line), "{told} {stderr}");
        let statutory = format!(
            "{}  STATUTORY  2027-01-19 -> 2027-01-20  official",
            firm.tracking_code
        );
        assert!(told.contains(&statutory), "{told}");
        assert!(
            !told.contains(&format!("{}  PROMISE", firm.tracking_code)),
            "{told}"
        );

        let moved = open.seen_by(&app.clerk(TOWNSHIP)).await;
        assert_eq!(clock(&moved, "PROMISE")["dueDate"], "2027-01-06");
        let lines = moved["timeline"].as_array().unwrap();
        assert!(lines.iter().any(|line| line["event"] == "CLOCK_RECOMPUTED"));
        let kept = firm.seen_by(&app.clerk(TOWNSHIP)).await;
        assert_eq!(
            (
                &clock(&kept, "PROMISE")["dueDate"],
                &clock(&kept, "STATUTORY")["dueDate"]
            ),
            (&json!("2026-12-28"), &json!("2027-01-20")),
            "both are shown"
        );

        let (done, again, _) = imported(world, &notice(), &[]).await;
        assert!(done && again.contains(": 0 due dates moved"), "{again}");
        // the running gateway counts with it from its next look at the epochs on
        eventually("the new calendar is in force", PATIENCE, async || {
            let document = r#"{ calendar { isWorkingDay(date: "2027-01-04") } }"#;
            let data = app.anybody().data(document, json!({})).await;
            (data["calendar"]["isWorkingDay"] == false).then_some(())
        })
        .await;
        app.stop(world).await;
    }
);

story!(a_notice_with_faults_is_refused_whole, async |world| {
    let county = County::open().await;
    let app = county.gateway(world).await;
    let mut twice = notice();
    let days = twice["days"].as_array_mut().unwrap();
    days.push(days[0].clone());
    let mut on_a_weekday = notice();
    on_a_weekday["days"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "name": "x", "date": "2027-03-02", "isOffDay": false }));
    let mut incomplete = notice();
    incomplete["days"].as_array_mut().unwrap().remove(6);
    for (file, why) in [
        (twice, "more than one row"),
        (on_a_weekday, "weekday"),
        (incomplete, "off by law"),
    ] {
        let (done, _, stderr) = imported(world, &file, &[]).await;
        assert!(!done && stderr.contains(why), "{why}: {stderr}");
    }
    let open = accepted(&app, &FARMER).await;
    let seen = open.seen_by(&app.clerk(TOWNSHIP)).await;
    assert_eq!(seen["status"], "ACCEPTED", "the gateway works on");
    app.stop(world).await;
});
