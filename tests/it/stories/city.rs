//! The city's systems of public protocols: X-Road, DIGIT and Open311 each take a case over in their own wire format, and
//! what they say acts on it.

use serde_json::{Value, json};

use super::city_seat::City;
use super::every_item;
use super::kit::{Case, MEDICAL_SECURITY, VILLAGE, count, submit};
use crate::harness::gql::http_client;
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, until};

const MARKET: &str = "340302000000:county.market";
const HOUSING: &str = "340302000000:county.housing";
const GRID: &str = "340302001001:village.grid";
const GRID_CENTER: &str = "340302001000:township.grid-center";
/// Longer than the time that each of them is asked in.
const POLL_S: i64 = 3;
/// The readers of updates stay a minute behind, so that none that is written late is missed.
const BEHIND_S: i64 = 65;

/// Hands the event on to the housing department, which is bound to the city's service requests.
async fn assigned(city: &City, case: &Case) {
    case.signed_for(&city.app.officer(GRID_CENTER)).await;
    let center = city.app.officer(GRID_CENTER);
    case.done(&center, "acceptCase", json!({})).await;
    let document = "query($code: String!) { organization(by: { code: $code }) { id } }";
    let housing = city
        .app
        .anybody()
        .data(document, json!({ "code": HOUSING }))
        .await;
    let more = json!({ "to": housing["organization"]["id"] });
    case.done(&center, "handOff", more).await;
    city.comes_to(case, HOUSING).await;
}

/// An event of the grid that the city's service requests handle.
async fn reported(city: &City) -> Case {
    let items = every_item::items(&city.app).await;
    let item = items.iter().find(|one| one["code"] == "grid-report").unwrap();
    let mut report = every_item::application(item);
    report["division"] = json!(VILLAGE);
    let case = submit(&city.app.clerk(GRID), report).await;
    case.done(&city.app.clerk(GRID), "handOff", json!({})).await;
    assigned(city, &case).await;
    case
}

story!(medical_aid_is_decided_behind_the_x_road, async |world| {
    let city = City::with(world, "xroad-exchange").await;
    let case = city.handed_in("medical-aid").await;
    city.comes_to(&case, MEDICAL_SECURITY).await;
    let number = city
        .knows_it_by_its_own_number(&case, MEDICAL_SECURITY, VILLAGE)
        .await;
    assert!(number.starts_with("YB340300"), "{number}");
    city.decides(&case, "APPROVED", "按规定比例救助").await;
    city.county.seconds_later(POLL_S);
    let seen = city.decided(&case).await;
    assert_eq!(
        (&seen["decision"], count(&seen, "DECIDED")),
        (&json!("GRANTED"), 1)
    );
    let service = "r1/CN-BB/GOV/340300-YBJ/medical-aid/cases";
    assert_eq!(
        city.wire(&case).await,
        [(
            format!("{service}/api/applications"),
            "application/json; charset=utf-8".to_owned()
        )]
    );
    assert!(
        city.county.department.callbacks().await.is_empty(),
        "the exchange is synchronous"
    );

    // what the security server proves is kept with the attempt
    let document =
        "query($case: ID!) { deliveries(filter: { case: $case }) { nodes { lastAttempts { evidence } } } }";
    let admin = city.app.anybody().bearing(&city.app.actors.admin());
    let kept = admin.data(document, json!({ "case": case.id })).await;
    let kept = kept["deliveries"]["nodes"][0]["lastAttempts"].to_string();
    assert!(kept.contains("x-road-request-hash"), "{kept}");
    city.close(world).await;
});

story!(
    a_lost_answer_of_the_x_road_is_repeated_under_one_key,
    async |world| {
        let city = City::with(world, "xroad-exchange").await;
        city.rule(json!({ "mode": "accept-then-reset", "times": 1 }))
            .await;
        city.app.expect_error("on purpose");
        let case = city.handed_in("medical-aid").await;
        city.comes_late_to(&case, MEDICAL_SECURITY).await;
        let applications = city.applications().await;
        assert_eq!((applications.len(), &applications[0]["effects"]), (1, &json!(1)));
        // the system's own news may settle the doubt before it is sent again
        let sent = city.wire(&case).await.len();
        assert!((1..=2).contains(&sent), "sent {sent} times, done once");
        city.decides(&case, "DENIED", "不属于救助对象").await;
        city.county.seconds_later(POLL_S);
        assert_eq!(city.decided(&case).await["decision"], "DENIED");
        city.close(world).await;
    }
);

story!(a_trade_licence_of_digit_is_issued, async |world| {
    let city = City::with(world, "digit-city").await;
    let case = city.handed_in("individual-business").await;
    city.comes_to(&case, MARKET).await;
    let number = city.knows_it_by_its_own_number(&case, MARKET, VILLAGE).await;
    assert!(number.starts_with("BB-TL-"), "{number}");
    city.decides(&case, "APPROVED", "准予登记").await;
    city.county.seconds_later(POLL_S);
    let seen = city.decided(&case).await;
    assert_eq!(
        (&seen["decision"], count(&seen, "DECIDED")),
        (&json!("GRANTED"), 1)
    );
    assert_eq!(seen["status"], "COMPLETED");
    let wire = city.wire(&case).await;
    let created = |(path, media_type): &(String, String)| {
        path == "tl-services/v1/_create" && media_type.starts_with("application/json")
    };
    assert_eq!(wire.iter().filter(|line| created(line)).count(), 1, "{wire:?}");
    city.close(world).await;
});

story!(
    digit_is_searched_before_a_lost_licence_is_sent_again,
    async |world| {
        let city = City::with(world, "digit-city").await;
        city.rule(json!({ "mode": "accept-then-reset", "times": 1 }))
            .await;
        city.app.expect_error("on purpose");
        let case = city.handed_in("individual-business").await;
        city.comes_late_to(&case, MARKET).await;
        assert_eq!(
            city.applications().await.len(),
            1,
            "it was searched, not sent twice"
        );
        let created = city.wire(&case).await;
        let created = created
            .iter()
            .filter(|(path, _)| path == "tl-services/v1/_create")
            .count();
        assert_eq!(created, 1);
        city.decides(&case, "DENIED", "经营场所不符合规定").await;
        city.county.seconds_later(POLL_S);
        let seen = city.decided(&case).await;
        assert_eq!(
            (&seen["decision"], count(&seen, "DECIDED")),
            (&json!("DENIED"), 1)
        );
        city.close(world).await;
    }
);

story!(
    a_grid_event_is_handled_by_open311_and_checked_by_its_grid,
    async |world| {
        let city = City::with(world, "open311-city").await;
        let case = reported(&city).await;
        let handling = case.seen_by(&city.auditor()).await;
        assert_eq!(handling["grid"]["status"], "HANDLING");
        city.knows_it_by_a_number(&case, HOUSING).await;
        assert_eq!(
            city.applications().await[0]["fields"]["service_code"],
            "grid-event"
        );

        // closed without a word on how it ended is news and no more
        city.tells(&case, json!({ "kind": "NOTE", "fields": { "status": "closed" } }))
            .await;
        city.county.seconds_later(BEHIND_S);
        let told = case
            .comes_to(&city.auditor(), "its news is kept", |case| {
                count(case, "NEWS_KEPT") > 0
            })
            .await;
        assert_eq!(
            (&told["grid"]["status"], &told["decidedAt"]),
            (&json!("HANDLING"), &Value::Null)
        );
        city.tells(
            &case,
            json!({ "kind": "DECIDED", "result": "APPROVED", "text": "已清淤排水",
                              "fields": { "status": "fixed" } }),
        )
        .await;
        city.county.seconds_later(BEHIND_S);
        let seen = city.decided(&case).await;
        assert_eq!(
            (&seen["grid"]["status"], &seen["decision"]),
            (&json!("FED_BACK"), &json!("RESOLVED"))
        );
        let checked = case
            .done(
                &city.app.clerk(GRID),
                "checkGridEvent",
                json!({ "result": "PASS" }),
            )
            .await;
        assert_eq!(
            (&checked["grid"]["status"], &checked["status"]),
            (&json!("CHECKED"), &json!("COMPLETED"))
        );
        let form = "application/x-www-form-urlencoded";
        let wire = city.wire(&case).await;
        assert_eq!(wire.len(), 1, "{wire:?}");
        assert!(
            wire[0].0 == "requests.xml" && wire[0].1.starts_with(form),
            "{wire:?}"
        );
        city.close(world).await;
    }
);

story!(a_check_that_fails_goes_back_to_open311, async |world| {
    let city = City::with(world, "open311-city").await;
    let case = reported(&city).await;
    city.decides(&case, "APPROVED", "已处理").await;
    city.county.seconds_later(BEHIND_S);
    city.decided(&case).await;
    let failed = json!({ "result": "FAIL", "text": "仍有积水" });
    let back = case.done(&city.app.clerk(GRID), "checkGridEvent", failed).await;
    assert_eq!(
        (&back["grid"]["status"], &back["decidedAt"]),
        (&json!("HANDLING"), &Value::Null)
    );
    until("the city has it again", PATIENCE, async || {
        city.applications().await[0]["effects"] == 2
    })
    .await;
    let wire = city.wire(&case).await;
    assert!(
        wire.iter().any(|(path, _)| path == "servicerequestupdates.xml"),
        "{wire:?}"
    );
    city.decides(&case, "APPROVED", "已重新疏通").await;
    city.county.seconds_later(BEHIND_S);
    city.decided(&case).await;
    let closed = case
        .done(
            &city.app.clerk(GRID),
            "checkGridEvent",
            json!({ "result": "PASS" }),
        )
        .await;
    assert_eq!(
        (&closed["grid"]["status"], &closed["grid"]["failedChecks"]),
        (&json!("CHECKED"), &json!(1))
    );
    city.close(world).await;
});

story!(
    every_system_of_the_city_is_bound_to_by_the_demonstration,
    async |world| {
        let clock = onedoor::clock::HeldClock::at(crate::harness::app::MONDAY_AT_TEN.parse().unwrap());
        let settings = [("ONEDOOR__SANDBOX__CITY", "true")];
        let app = crate::harness::app::TestApp::start_with(world, clock, &settings).await;
        let document = "{ upstreams { name protocol } }";
        let admin = app.anybody().bearing(&app.actors.admin());
        let listed = admin.data(document, json!({})).await;
        let listed: Vec<(&str, &str)> = listed["upstreams"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (one["name"].as_str().unwrap(), one["protocol"].as_str().unwrap()))
            .collect();
        assert_eq!(
            listed,
            [
                ("ah-zwfw-bengbu", "template"),
                ("bengbu-e", "template"),
                ("city-platform", "template"),
                ("community-platform", "template"),
                ("digit-city", "digit"),
                ("grid-9x", "template"),
                ("grid-platform", "template"),
                ("open311-city", "open311"),
                ("party-building", "template"),
                ("sandbox", "county-rest"),
                ("social-services", "template"),
                ("xroad-exchange", "x-road"),
            ]
        );
        // each of them is there: its control answers
        for (name, _) in listed
            .iter()
            .filter(|(name, _)| !["sandbox", "party-building"].contains(name))
        {
            let url = format!("{}/city/{name}/control/applications", app.sandbox_url());
            let answer = http_client().get(url).send().await.unwrap();
            assert_eq!(answer.status().as_u16(), 200, "{name}");
        }
        until("those that report nothing are asked", PATIENCE, async || {
            let url = format!("{}/journal", app.sandbox_url());
            let journal = http_client().get(url).send().await.unwrap().text().await.unwrap();
            ["xroad-exchange", "digit-city", "open311-city"]
                .iter()
                .all(|name| journal.contains(&format!("/city/{name}/")))
        })
        .await;
        app.stop(world).await;
    }
);
