//! When divisions change: real successions of 2018 to 2023 (data/NOTICE), and what becomes of the cases in them.

use onedoor::service::import::shipped::{CATALOGUE, ORGANIZATION_ROLES, WORKDAYS};
use onedoor::service::import::{ImportError, Mode, calendar, catalogue, divisions, organizations};
use onedoor::service::reference;
use serde_json::{Value, json};

use super::kit::{Case, County, application, clock, events, funeral, handoff, submit};
use crate::harness::app::TestApp;
use crate::harness::people::{FARMER, NEIGHBOUR};
use crate::harness::process::onedoor_beside;
use crate::harness::story::story;
use crate::harness::world::World;
use crate::reference::replica::Replica;

/// Divisions as they were on 2018-10-31.
const THEN: &str = include_str!("../fixtures/divisions_2018.csv");
/// What became of them by 2023-06-30.
const NOW: &str = include_str!("../fixtures/divisions_2023.csv");

/// 长淮卫镇, of 龙子湖区 then and of the economic zone now, and one of its villages.
const OLD_TOWN: &str = "340302100000";
const TOWN: &str = "340372100000";
const OLD_VILLAGE: &str = "340302100201";
const NEW_VILLAGE: &str = "340372100201";

/// A world of 2018, with everything that cases need.
async fn of_2018(world: &World) -> Replica {
    let replica = Replica::start(world).await;
    let loaded = divisions::import(&replica.cx, THEN, Some(74), Mode::Write)
        .await
        .unwrap();
    assert_eq!(loaded.counts.added, 74);
    organizations::import(&replica.cx, ORGANIZATION_ROLES, Mode::Write)
        .await
        .unwrap();
    calendar::import(&replica.cx, WORKDAYS, Mode::Write)
        .await
        .unwrap();
    reference::refresh(&replica.cx).await.unwrap();
    catalogue::import(&replica.cx, CATALOGUE, Mode::Write)
        .await
        .unwrap();
    replica
}

async fn to_2023(replica: &Replica) {
    divisions::import(&replica.cx, NOW, Some(74), Mode::Write)
        .await
        .unwrap();
}

fn office(division: &str, role: &str) -> String {
    format!("{division}:{role}")
}

fn center(division: &str) -> String {
    office(division, "township.service-center")
}

fn station(division: &str) -> String {
    office(division, "village.station")
}

async fn codes(app: &TestApp, code: &str) -> Value {
    let document = "query($code: DivisionCode!) { division(by: { code: $code }) {
        name validTo code parent { code } successor { code name } ancestors { code }
        codes { system code name validFrom validTo } } }";
    app.anybody().data(document, json!({ "code": code })).await["division"].clone()
}

story!(
    /// A few dozen real successions: new names, new codes, mergers, splits and ends; importing them twice is once.
    empty real_successions_keep_keys_and_end_what_is_merged,
    async |world| {
        let replica = of_2018(world).await;
        let before = replica.cx.directories.current();
        let dry = divisions::import(&replica.cx, NOW, Some(74), Mode::DryRun).await.unwrap();
        let done = divisions::import(&replica.cx, NOW, Some(74), Mode::Write).await.unwrap();
        assert_eq!(done.counts, dry.counts);
        let counts = done.counts;
        assert_eq!((counts.ended, counts.unchanged), (4, 16), "{counts:?}");
        assert_eq!(counts.added + counts.changed + counts.unchanged, 71, "{counts:?}");
        let again = divisions::import(&replica.cx, NOW, Some(74), Mode::Write).await.unwrap();
        assert!(again.counts.is_no_change(), "{:?}", again.counts);

        reference::refresh(&replica.cx).await.unwrap();
        let directory = replica.cx.directories.current();
        for (old, new) in [
            (OLD_TOWN, TOWN),
            (OLD_VILLAGE, NEW_VILLAGE),
            ("340321201000", "340321116000"),
            ("340304100221", "340371100221"),
            ("340304101222", "340371100241"),
            ("340372008007", "340302001007"),
        ] {
            let place = before.division_by_code(old).unwrap();
            assert_eq!(directory.division_by_code(new).unwrap().id, place.id, "{old} keeps its key as {new}");
            assert!(directory.division_by_code(old).is_none(), "nobody bears {old} today");
            assert_eq!(directory.division_of_any_day(old).unwrap().id, place.id);
            let role = if new.ends_with("000") { "township.service-center" } else { "village.station" };
            let was = before.organization_by_code(&office(old, role)).unwrap();
            let is = directory.organization_by_code(&office(new, role)).unwrap();
            assert_eq!(directory.living(was.id), is.id);
            assert!(is.name_zh.starts_with(&directory.division_by_code(new).unwrap().name), "{}", is.name_zh);
            assert_eq!(directory.holder_of(role, is.level, place.id).unwrap().id, is.id);
        }
        // merged into a street that went on under another name
        let merged = before.division_by_code("340311002000").unwrap().id;
        let street = directory.division_by_code("340311001000").unwrap();
        assert_eq!((directory.living_division(merged), street.name.as_str()), (street.id, "淮滨街道"));
        // split: the old part goes on, the new ones begin
        assert!(directory.division_by_code("340321100000").is_some_and(|town| town.name == "榴城镇"));
        // ended, and nobody took over
        let ended = before.division_by_code("340302003004").unwrap().id;
        assert!(directory.end_of(ended).is_some_and(|end| end.successor.is_none()));
        replica.stop().await;
    }
);

story!(
    /// Open work moves by one event to those who do it now; names and codes of the day stay; clocks run on.
    empty open_cases_follow_the_office_that_took_over,
    async |world| {
        let replica = of_2018(world).await;
        let county = County::open().await;
        let app = county.gateway_with(world, &[("ONEDOOR__CACHE__EPOCH_POLL_MS", "100")], Vec::new()).await;
        let old_kiosk = app.kiosk(&station(OLD_VILLAGE));
        // one that waits to be signed for, one that is held, one that is over
        let offered = submit(&old_kiosk, funeral(&FARMER)).await;
        let held = submit(&old_kiosk, funeral(&NEIGHBOUR)).await;
        held.done(&app.clerk(&center(OLD_TOWN)), "acceptCase", json!({})).await;
        let closed = submit(&old_kiosk, on_the_spot()).await;
        let clerk = app.officer(&center(OLD_TOWN));
        closed.done(&clerk, "decideCase", json!({ "decision": "GRANTED" })).await;
        closed.done(&clerk, "deliverResult", json!({})).await;
        let before = held.seen_by(&clerk).await;

        to_2023(&replica).await;
        // the old office's people are known before and after
        let after = held
            .comes_to(&app.clerk(&center(OLD_TOWN)), "the case has moved", moved)
            .await;
        let clerk = app.clerk(&center(TOWN));
        assert_eq!(events(&after).iter().filter(|event| *event == "WORK_TAKEN_OVER").count(), 1);
        assert_eq!(after["owner"]["code"], json!(center(TOWN)));
        assert_eq!(after["firstContact"]["code"], json!(station(NEW_VILLAGE)));
        for kind in ["STATUTORY", "PROMISE"] {
            assert_eq!(clock(&after, kind), clock(&before, kind), "clocks run on");
        }
        let offered_now = offered.comes_to(&clerk, "the offer has moved", moved).await;
        let open = handoff(&offered_now, |one| one["state"] == "OFFERED");
        assert_eq!(open["to"]["code"], json!(center(TOWN)));
        // the ledger keeps the old office, the case the code and name of its day
        let first = handoff(&after, |one| one["seq"] == 1);
        assert_eq!(first["to"]["code"], json!(station(OLD_VILLAGE)));
        assert_eq!(of_the_day(&held, &clerk).await, json!([OLD_VILLAGE, "南湾村委会"]));
        let over = closed.seen_by(&clerk).await;
        assert_eq!(over["firstContact"]["code"], json!(station(OLD_VILLAGE)), "what is over keeps its names");

        // the new office acts; whoever still bears the old one's token acts for the new one
        offered.done(&clerk, "acceptCase", json!({})).await;
        held.done(&app.clerk(&center(OLD_TOWN)), "handOff", json!({})).await;
        app.stop(world).await;
        replica.stop().await;
    }
);

story!(
    /// Desk, counts, kiosk and lists find the work of a predecessor, and statistics follow the day or the successor.
    empty lists_and_counts_read_through_the_succession,
    async |world| {
        let replica = of_2018(world).await;
        let county = County::open().await;
        let app = county.gateway_with(world, &[("ONEDOOR__CACHE__EPOCH_POLL_MS", "100")], Vec::new()).await;
        let old_kiosk = app.kiosk(&station(OLD_VILLAGE));
        let open = submit(&old_kiosk, funeral(&FARMER)).await;
        let closed = submit(&old_kiosk, on_the_spot()).await;
        let officer = app.officer(&center(OLD_TOWN));
        closed.done(&officer, "decideCase", json!({ "decision": "GRANTED" })).await;
        closed.done(&officer, "deliverResult", json!({})).await;
        to_2023(&replica).await;
        let old_clerk = app.clerk(&center(OLD_TOWN));
        open.comes_to(&old_clerk, "the case has moved", moved).await;
        let clerk = app.clerk(&center(TOWN));

        let listed = clerk.data("{ cases { totalCount nodes { id } } }", json!({})).await;
        let ids = listed["cases"]["nodes"].as_array().unwrap();
        assert_eq!((ids.len(), &listed["cases"]["totalCount"]), (2, &json!(2)));
        let desk = format!("{{ organization(by: {{ code: \"{}\" }}) {{ id }} }}", center(TOWN));
        let id = clerk.data(&desk, json!({})).await["organization"]["id"].clone();
        let board = "query($desk: ID!) { handoffs(filter: { organization: $desk, state: [OFFERED, DONE] }) {
            page { nodes { state } } counts { state count } } }";
        let board = clerk.data(board, json!({ "desk": id })).await["handoffs"].clone();
        assert_eq!(board["counts"], json!([{ "state": "OFFERED", "count": 1 }]));
        assert_eq!(board["page"]["nodes"].as_array().unwrap().len(), 2, "with what its predecessor has done: {board}");
        let kiosk = app.kiosk(&station(OLD_VILLAGE));
        assert_eq!(open.seen_by(&kiosk).await["firstContact"]["code"], json!(station(NEW_VILLAGE)));

        let supervisor = app.supervisor("340300000000");
        let count = async |division: &str, belonging: &str| {
            let document = format!(
                "{{ cases(filter: {{ division: \"{division}\", belonging: {belonging} }}) {{ totalCount }} }}"
            );
            supervisor.data(&document, json!({})).await["cases"]["totalCount"].clone()
        };
        for (division, successors, of_the_day) in [
            ("340372000000", 2, 0),
            ("340302000000", 0, 2),
            ("340300000000", 2, 2),
        ] {
            assert_eq!(count(division, "SUCCESSORS").await, json!(successors), "{division} today");
            assert_eq!(count(division, "OF_THE_DAY").await, json!(of_the_day), "{division} on the day");
        }
        let zone = app.supervisor("340372000000");
        assert_eq!(open.seen_by(&zone).await["status"], "SUBMITTED", "the supervisor of today");
        assert_eq!(open.seen_by(&app.supervisor("340302000000")).await, Value::Null);
        app.stop(world).await;
        replica.stop().await;
    }
);

story!(
    /// The history of a division is public: codes with their days, its end and who took over.
    empty a_division_tells_its_history,
    async |world| {
        let replica = of_2018(world).await;
        to_2023(&replica).await;
        let county = County::open().await;
        let app = county.gateway_with(world, &[], Vec::new()).await;
        let town = codes(&app, OLD_TOWN).await;
        assert_eq!((&town["code"], &town["validTo"]), (&json!(TOWN), &Value::Null));
        assert_eq!(town["parent"]["code"], "340372000000");
        let days = |entry: &Value| [entry["code"].clone(), entry["validFrom"].clone(), entry["validTo"].clone()];
        let history: Vec<_> = town["codes"].as_array().unwrap().iter().map(days).collect();
        assert_eq!(
            history,
            [
                [json!(TOWN), json!("2023-06-30"), Value::Null],
                [json!(OLD_TOWN), json!("2018-10-31"), json!("2023-06-29")],
            ]
        );
        let merged = codes(&app, "340311002000").await;
        assert_eq!((&merged["name"], &merged["validTo"]), (&json!("明珠社区"), &json!("2023-06-29")));
        assert_eq!(merged["successor"], json!({ "code": "340311001000", "name": "淮滨街道" }));
        let list = "{ divisions(first: 100, filter: { level: TOWNSHIP }) { nodes { code } } }";
        let listed = app.anybody().data(list, json!({})).await["divisions"]["nodes"].clone();
        assert!(listed.as_array().unwrap().iter().all(|one| one["code"] != "340311002000"), "only what lives");
        let old = format!("{{ organization(by: {{ code: \"{}\" }}) {{ successor {{ code }} }} }}", center(OLD_TOWN));
        let successor = app.anybody().data(&old, json!({})).await["organization"]["successor"].clone();
        assert_eq!(successor, json!({ "code": center(TOWN) }));
        // nobody applies in a division that is no more
        let citizen = app.anybody().bearing(&app.actors.citizen("li"));
        let mut late = funeral(&FARMER);
        late["division"] = json!("340302003004");
        let payload = super::kit::act(&citizen, "submitCase", late).await;
        assert_eq!(super::kit::codes(&payload), ["UNKNOWN_DIVISION"]);
        app.stop(world).await;
        replica.stop().await;
    }
);

story!(
    /// An edition with faults changes nothing, and tells them all with their lines.
    empty an_edition_with_faults_is_refused_whole,
    async |world| {
        let replica = of_2018(world).await;
        let text = NOW
            .replacen("340321201200\n", "340321299999\n", 1)
            .replacen("340304198001\n", "340304100201\n", 1)
            .replacen("340302000000,340300000000", "340302000000,349900000000", 1);
        let refused = divisions::import(&replica.cx, &text, None, Mode::Write).await;
        let Err(ImportError::Faults(faults)) = refused else {
            panic!("faults expected");
        };
        let lines: Vec<_> = faults.iter().map(|fault| fault.line).collect();
        assert_eq!(lines, [3, 42, 51], "{faults:?}");
        reference::refresh(&replica.cx).await.unwrap();
        assert!(replica.cx.directories.current().division_by_code(OLD_TOWN).is_some());
        replica.stop().await;
    }
);

story!(
    /// Until a case has its event, reads, lists and acts go to who does the work now; an act brings the event itself.
    empty between_a_succession_and_its_event_nobody_meets_the_old_office,
    async |world| {
        let replica = of_2018(world).await;
        let county = County::open().await;
        let app = county.gateway_with(world, &[("ONEDOOR__CACHE__EPOCH_POLL_MS", "100")], Vec::new()).await;
        let kiosk = app.kiosk(&station(OLD_VILLAGE));
        let acted_on = submit(&kiosk, funeral(&FARMER)).await;
        let untouched = submit(&kiosk, funeral(&NEIGHBOUR)).await;
        let scenario = fail::FailScenario::setup();
        fail::cfg("succession.take_over", "return").unwrap();
        app.expect_error("a case could not be moved to its successor");
        to_2023(&replica).await;

        let clerk = app.clerk(&center(TOWN));
        let seen = acted_on
            .comes_to(&app.clerk(&center(OLD_TOWN)), "the new office holds it", |case| case["firstContact"]["code"] == json!(station(NEW_VILLAGE)))
            .await;
        assert!(!moved(&seen), "it has no event yet");
        assert_eq!(seen["owner"]["code"], json!(station(NEW_VILLAGE)));
        let open = handoff(&seen, |one| one["state"] == "OFFERED");
        assert_eq!((&open["from"]["code"], &open["to"]["code"]), (&json!(station(NEW_VILLAGE)), &json!(center(TOWN))));
        let lists = "{ cases { nodes { id owner { code } } } handoffs { page { nodes { to { code } } } counts { count } } }";
        for who in [&clerk, &app.clerk(&center(OLD_TOWN)), &app.supervisor("340372000000")] {
            let data = who.data(lists, json!({})).await.to_string();
            assert!(data.contains(&acted_on.id) && !data.contains(OLD_TOWN) && !data.contains(OLD_VILLAGE), "{data}");
        }
        let nothing = app.supervisor("340302000000").data(lists, json!({})).await;
        assert_eq!(nothing["cases"]["nodes"], json!([]));

        let after = acted_on.done(&clerk, "acceptCase", json!({})).await;
        assert_eq!(after["owner"]["code"], json!(center(TOWN)));
        let told = events(&after);
        let (moves, accepted) = (
            told.iter().filter(|event| *event == "WORK_TAKEN_OVER").count(),
            told.iter().position(|event| event == "ACCEPTED"),
        );
        let at = told.iter().position(|event| event == "WORK_TAKEN_OVER");
        assert!(moves == 1 && at < accepted, "{told:?}");

        fail::remove("succession.take_over");
        let late = untouched.comes_to(&clerk, "the case has moved", moved).await;
        assert_eq!(events(&late).iter().filter(|event| *event == "WORK_TAKEN_OVER").count(), 1);
        scenario.teardown();
        app.stop(world).await;
        replica.stop().await;
    }
);

story!(
    /// `onedoor import divisions` leaves each open case with its event, with or without a gateway.
    empty an_import_from_the_command_line_moves_the_open_cases_itself,
    async |world| {
        let replica = of_2018(world).await;
        let county = County::open().await;
        let app = county.gateway(world).await;
        let kiosk = app.kiosk(&station(OLD_VILLAGE));
        let held = submit(&kiosk, funeral(&FARMER)).await;
        held.done(&app.clerk(&center(OLD_TOWN)), "acceptCase", json!({})).await;
        let offered = submit(&kiosk, funeral(&NEIGHBOUR)).await;
        app.stop(world).await;

        let edition = world.folder().join("2023.csv");
        std::fs::write(&edition, NOW).unwrap();
        let arguments = ["import", "divisions", edition.to_str().unwrap(), "--demo"];
        let (status, told, stderr) = onedoor_beside(&arguments, &world.settings()).await;
        assert!(status.success() && told.contains("2 open cases moved to successors"), "{told}{stderr}");
        let (status, again, stderr) = onedoor_beside(&arguments, &world.settings()).await;
        assert!(status.success() && !again.contains("moved"), "{again}{stderr}");

        let app = county.gateway(world).await;
        let clerk = app.clerk(&center(TOWN));
        for case in [&held, &offered] {
            let seen = case.seen_by(&clerk).await;
            assert_eq!(events(&seen).iter().filter(|event| *event == "WORK_TAKEN_OVER").count(), 1);
        }
        app.stop(world).await;
        replica.stop().await;
    }
);

story!(
    /// A village keeps its code while its township goes to another county: each case counts under one county, that of
    /// its day.
    empty a_case_of_a_village_that_kept_its_code_counts_under_one_county,
    async |world| {
        let replica = of_2018(world).await;
        let county = County::open().await;
        let app = county.gateway_with(world, &[("ONEDOOR__CACHE__EPOCH_POLL_MS", "100")], Vec::new()).await;
        let kiosk = app.kiosk(&station(OLD_VILLAGE));
        let before = submit(&kiosk, funeral(&FARMER)).await;
        let edition = "code,parent_code,level,name,kind,valid_from,succeeds\n\
            340304777000,340304000000,township,长淮卫镇,town,2026-03-09,340302100000\n";
        divisions::import(&replica.cx, edition, Some(1), Mode::Write).await.unwrap();
        // the old office's people are known before and after
        before.comes_to(&app.clerk(&center(OLD_TOWN)), "the case has moved", moved).await;
        county.days_later(14);
        submit(&app.kiosk(&station(OLD_VILLAGE)), funeral(&NEIGHBOUR)).await;
        let supervisor = app.supervisor("340300000000");
        for (division, of_the_day, successors) in [
            ("340302000000", 1, 0),
            ("340304000000", 1, 2),
            ("340300000000", 2, 2),
            (OLD_VILLAGE, 2, 2),
        ] {
            for (belonging, expected) in [("OF_THE_DAY", of_the_day), ("SUCCESSORS", successors)] {
                let document =
                    format!("{{ cases(filter: {{ division: \"{division}\", belonging: {belonging} }}) {{ totalCount }} }}");
                let data = supervisor.data(&document, json!({})).await;
                assert_eq!(data["cases"]["totalCount"], json!(expected), "{division} {belonging}");
            }
        }
        app.stop(world).await;
        replica.stop().await;
    }
);

/// An item that the township decides at once.
fn on_the_spot() -> Value {
    let birth = &FARMER.id_number;
    let birth = format!("{}-{}-{}", &birth[6..10], &birth[10..12], &birth[12..14]);
    application(
        "senior-card",
        &FARMER,
        json!({ "birth": birth }),
        &["id", "photo"],
    )
}

fn moved(case: &Value) -> bool {
    case.is_object() && events(case).iter().any(|event| event == "WORK_TAKEN_OVER")
}

async fn of_the_day(case: &Case, who: &crate::harness::gql::Gql) -> Value {
    let document = "query($id: ID!) { case(by: { id: $id }) { divisionCode divisionName } }";
    let case = who.data(document, json!({ "id": case.id })).await["case"].clone();
    json!([case["divisionCode"], case["divisionName"]])
}
