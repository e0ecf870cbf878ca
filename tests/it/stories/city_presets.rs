//! The city's systems, each in its own wire format: a case comes to it, is signed for, and its word acts on the case.

use serde_json::{Value, json};

use super::city_seat::City;
use super::every_item;
use super::kit::{COMMITTEE, MEDICAL_SECURITY, VILLAGE, count, submit};
use crate::harness::gql::http_client;
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, eventually, until};

const LAW_ENFORCEMENT: &str = "340300000000:city.law-enforcement";
const SERVICE_CENTER: &str = "340302000000:county.service-center";
const HEALTH: &str = "340302000000:county.health";
const CIVIL_AFFAIRS: &str = "340302000000:county.civil-affairs";
const JUSTICE: &str = "340302001000:township.justice";
const LEGAL_AID: &str = "340302000000:county.legal-aid";
const GRID: &str = "340302001001:village.grid";
const GRID_CENTER: &str = "340302001000:township.grid-center";
const HOUSING: &str = "340302000000:county.housing";
/// The street office of the stories in the codes of civil affairs; its village has none.
const STREET_OF_CIVIL_AFFAIRS: &str = "340302002000";

story!(the_municipal_platform_decides_a_road_excavation, async |world| {
    let city = City::with(world, "city-platform").await;
    let case = city.handed_in("road-excavation").await;
    city.comes_to(&case, LAW_ENFORCEMENT).await;
    let number = city
        .knows_it_by_its_own_number(&case, LAW_ENFORCEMENT, VILLAGE)
        .await;
    assert!(number.starts_with("SZPT"), "{number}");
    city.decides(&case, "APPROVED", "同意挖掘，须恢复路面").await;
    city.county.seconds_later(3);
    let seen = city.decided(&case).await;
    assert_eq!(
        (&seen["decision"], count(&seen, "DECIDED")),
        (&json!("GRANTED"), 1)
    );
    let wire = city.wire(&case).await;
    assert_eq!(
        wire,
        [(
            "openapi/v1/affairs".to_owned(),
            "application/json; charset=utf-8".to_owned()
        )]
    );
    let requests = city.county.department.requests().await;
    let asked = |path: &str| {
        let path = format!("/city/city-platform/{path}");
        requests.iter().filter(|line| line["path"] == path).count()
    };
    assert_eq!(asked("oauth/token"), 1, "one token for all of it");
    assert!(asked("openapi/v1/changes") > 0);

    // a token that has ended is renewed
    city.county.seconds_later(601);
    let tokens = "the platform is asked for another token";
    until(tokens, PATIENCE, async || {
        let requests = city.county.department.requests().await;
        let path = "/city/city-platform/oauth/token";
        requests.iter().filter(|line| line["path"] == path).count() == 2
    })
    .await;
    city.close(world).await;
});

story!(
    the_branch_hall_accepts_and_later_decides_under_one_number,
    async |world| {
        let city = City::with(world, "ah-zwfw-bengbu").await;
        let case = city.handed_in("public-place-hygiene").await;
        let offered = city.comes_to(&case, SERVICE_CENTER).await;
        assert_eq!(offered["acceptedAt"], Value::Null);
        let number = city
            .knows_it_by_its_own_number(&case, SERVICE_CENTER, VILLAGE)
            .await;
        assert!(number.starts_with("AH3403"), "{number}");
        city.says(&case, "ACCEPTED", "予以受理").await;
        let accepted = case
            .comes_to(&city.auditor(), "it is accepted there", |case| {
                !case["acceptedAt"].is_null()
            })
            .await;
        assert_eq!(
            accepted["trackingCode"],
            case.tracking_code.as_str(),
            "both numbers are on it"
        );

        // by way of an office that works here, the case comes to the hall again
        city.comes_to(&case, HEALTH).await;
        let again = &city.applications().await[0];
        assert_eq!((&again["number"], &again["effects"]), (&json!(number), &json!(2)));
        city.decides(&case, "APPROVED", "准予许可").await;
        city.decided(&case).await;
        city.says(&case, "COMPLETED", "已出证").await;
        let seen = case
            .comes_to(&city.auditor(), "the result of the end is told", |case| {
                count(case, "NEWS_KEPT") > 0
            })
            .await;
        assert_eq!(
            (&seen["decision"], count(&seen, "DECIDED")),
            (&json!("GRANTED"), 1)
        );
        let wire = city.wire(&case).await;
        let json = "application/json; charset=utf-8";
        assert!(wire.iter().all(|(_, media_type)| media_type == json), "{wire:?}");
        let sent = wire.iter().filter(|(path, _)| path == "exchange/message").count();
        let heard = wire.iter().filter(|(path, _)| path == "ah-zwfw-bengbu").count();
        assert_eq!(sent, 2, "{wire:?}");
        assert!(heard >= 4, "{wire:?}");
        city.close(world).await;
    }
);

story!(
    social_services_are_asked_before_a_lost_answer_is_repeated,
    async |world| {
        let city = City::with(world, "social-services").await;
        // its answer is lost, and so is its report: only a question tells that it has the case
        for mode in ["accept-then-reset", "callback-never"] {
            city.rule(json!({ "mode": mode, "times": 1 })).await;
        }
        city.app.expect_error("on purpose");
        let case = city.handed_in("temporary-relief").await;
        city.comes_late_to(&case, CIVIL_AFFAIRS).await;
        let requests = city.county.department.requests().await;
        let asked = requests
            .iter()
            .filter(|line| line["method"] == "GET" && line["path"] == "/city/social-services/rest/cases");
        assert_eq!(asked.count(), 1);
        let number = city
            .knows_it_by_its_own_number(&case, CIVIL_AFFAIRS, STREET_OF_CIVIL_AFFAIRS)
            .await;
        assert!(number.starts_with("MZ-"), "{number}");
        assert_eq!(
            city.applications().await.len(),
            1,
            "it was asked, and not told twice"
        );
        city.decides(&case, "DENIED", "家庭收入超过标准").await;
        let seen = city.decided(&case).await;
        assert_eq!(
            (&seen["decision"], count(&seen, "DECIDED")),
            (&json!("DENIED"), 1)
        );
        let wire = city.wire(&case).await;
        assert!(
            wire.contains(&(
                "rest/cases".to_owned(),
                "application/json; charset=utf-8".to_owned()
            )),
            "{wire:?}"
        );
        assert!(
            wire.contains(&("social-services".to_owned(), "application/json".to_owned())),
            "{wire:?}"
        );
        city.close(world).await;
    }
);

story!(
    the_community_platform_publicizes_for_the_committee,
    async |world| {
        let city = City::with(world, "community-platform").await;
        let case = city.handed_in("medical-aid").await;
        city.comes_to(&case, COMMITTEE).await;
        let number = city
            .knows_it_by_its_own_number(&case, COMMITTEE, STREET_OF_CIVIL_AFFAIRS)
            .await;
        assert!(number.starts_with("SQ"), "{number}");
        city.says(&case, "SPECIAL_ENDED", "公示期满无异议").await;
        city.county.seconds_later(3);
        let told = case
            .comes_to(&city.auditor(), "its news is kept", |case| {
                count(case, "NEWS_KEPT") > 0
            })
            .await;
        assert_eq!(
            told["status"], "SPECIAL_PROCEDURE",
            "a publicity is not cut short by a word"
        );
        let form = "application/x-www-form-urlencoded; charset=utf-8";
        assert_eq!(
            city.wire(&case).await,
            [("sq/sbsl.do".to_owned(), form.to_owned())]
        );

        city.county.days_later(8);
        case.done(&city.app.officer(COMMITTEE), "handOff", json!({}))
            .await;
        case.signed_for(&city.app.officer(MEDICAL_SECURITY)).await;
        let decided = case
            .done(
                &city.app.officer(MEDICAL_SECURITY),
                "decideCase",
                json!({ "decision": "GRANTED", "reasons": "公示期满无异议" }),
            )
            .await;
        assert_eq!(decided["decision"], "GRANTED");
        city.close(world).await;
    }
);

story!(the_governance_system_decides_a_mediation_in_gbk, async |world| {
    let city = City::with(world, "grid-9x").await;
    let case = city.handed_in("mediation").await;
    city.comes_to(&case, JUSTICE).await;
    let number = city.knows_it_by_its_own_number(&case, JUSTICE, VILLAGE).await;
    assert!(number.starts_with("ZZ"), "{number}");
    assert_eq!(
        city.applications().await[0]["fields"]["title"],
        "人民调解申请",
        "Chinese came through GBK whole"
    );
    city.decides(&case, "APPROVED", "双方达成调解协议").await;
    let seen = city.decided(&case).await;
    assert_eq!(
        (&seen["decision"], count(&seen, "DECIDED")),
        (&json!("GRANTED"), 1)
    );
    let tracked = case.tracked(&city.app.anybody()).await;
    let lines = tracked["timeline"].as_array().unwrap();
    let decided = lines.iter().find(|line| line["event"] == "DECIDED").unwrap();
    assert_eq!(decided["text"], "双方达成调解协议", "and back");
    let wire = city.wire(&case).await;
    assert!(
        wire.contains(&("zz/sjjs".to_owned(), "application/xml; charset=gbk".to_owned())),
        "{wire:?}"
    );
    assert!(
        wire.contains(&("grid-9x".to_owned(), "application/xml; charset=GBK".to_owned())),
        "{wire:?}"
    );
    city.close(world).await;
});

story!(
    the_grid_platform_accepts_an_event_that_its_centre_assigns,
    async |world| {
        let city = City::with(world, "grid-platform").await;
        let items = every_item::items(&city.app).await;
        let item = items.iter().find(|one| one["code"] == "grid-report").unwrap();
        let mut report = every_item::application(item);
        report["division"] = json!(VILLAGE);
        let case = submit(&city.app.clerk(GRID), report).await;
        city.comes_to(&case, GRID_CENTER).await;
        let number = city.knows_it_by_its_own_number(&case, GRID_CENTER, VILLAGE).await;
        assert!(number.starts_with("WG-"), "{number}");
        city.says(&case, "ACCEPTED", "已立案").await;
        case.comes_to(&city.auditor(), "the platform accepts it", |case| {
            case["grid"]["status"] == "ASSIGNED"
        })
        .await;
        let document = "query($code: String!) { organization(by: { code: $code }) { id } }";
        let housing = city
            .app
            .anybody()
            .data(document, json!({ "code": HOUSING }))
            .await;
        let more = json!({ "to": housing["organization"]["id"] });
        case.done(&city.app.officer(GRID_CENTER), "handOff", more).await;
        let handling = case.signed_for(&city.app.officer(HOUSING)).await;
        assert_eq!(handling["grid"]["status"], "HANDLING");
        let more = json!({ "decision": "RESOLVED", "reasons": "已到现场处理" });
        case.done(&city.app.officer(HOUSING), "decideCase", more).await;
        let closed = case
            .done(
                &city.app.clerk(GRID),
                "checkGridEvent",
                json!({ "result": "PASS" }),
            )
            .await;
        assert_eq!(closed["grid"]["status"], "CHECKED");
        let wire = city.wire(&case).await;
        assert!(
            wire.contains(&(
                "api/grid-events".to_owned(),
                "application/json; charset=utf-8".to_owned()
            )),
            "{wire:?}"
        );
        assert!(
            wire.contains(&("grid-platform".to_owned(), "application/json".to_owned())),
            "{wire:?}"
        );
        city.close(world).await;
    }
);

story!(
    bengbu_e_net_takes_a_form_and_is_asked_for_its_news,
    async |world| {
        let city = City::with(world, "bengbu-e").await;
        let case = city.handed_in("legal-aid").await;
        city.comes_to(&case, LEGAL_AID).await;
        let number = city.knows_it_by_its_own_number(&case, LEGAL_AID, VILLAGE).await;
        assert!(number.starts_with('E'), "{number}");
        city.says(&case, "ACCEPTED", "已受理").await;
        city.decides(&case, "APPROVED", "决定给予法律援助").await;
        city.county.seconds_later(3);
        let seen = city.decided(&case).await;
        assert!(!seen["acceptedAt"].is_null());
        assert_eq!(
            (&seen["decision"], count(&seen, "DECIDED")),
            (&json!("GRANTED"), 1)
        );
        let form = "application/x-www-form-urlencoded; charset=utf-8";
        assert_eq!(city.wire(&case).await, [("e/apply".to_owned(), form.to_owned())]);
        assert!(
            city.county.department.callbacks().await.is_empty(),
            "nobody was called"
        );
        city.close(world).await;
    }
);

story!(a_system_without_the_right_secret_is_not_let_in, async |world| {
    let city = City::with(world, "bengbu-e").await;
    let forms = "application/x-www-form-urlencoded";
    let json = "application/json";
    let attempts = [
        (
            "city-platform/openapi/v1/affairs",
            json,
            r#"{"requestId":"1","affairNo":"1"}"#,
        ),
        ("ah-zwfw-bengbu/exchange/message", json, r#"{"XXLX":"0"}"#),
        ("social-services/rest/cases", json, "{}"),
        ("community-platform/sq/sbsl.do", forms, "wbbh=1"),
        ("grid-9x/zz/sjjs", "application/xml", "<ZZSJ/>"),
        ("grid-platform/api/grid-events", json, "{}"),
        ("bengbu-e/e/apply", forms, "ref=1&appkey="),
    ];
    for (path, media_type, body) in attempts {
        let url = city.county.department.url(&format!("/city/{path}"));
        let request = http_client().post(url).header("content-type", media_type);
        request.body(body).send().await.unwrap();
    }
    let lines = city.county.department.requests().await;
    let refused = lines.iter().filter(|line| line["did"] == "refused").count();
    assert_eq!(refused, attempts.len(), "{lines:?}");
    city.close(world).await;
});

story!(
    the_party_building_system_is_listed_and_nothing_is_sent_to_it,
    async |world| {
        let city = City::with(world, "bengbu-e").await;
        let document = "{ upstreams { name title carriesItems capabilities backlog { count } } }";
        let admin = city.app.anybody().bearing(&city.app.actors.admin());
        let listed = admin.data(document, json!({})).await["upstreams"].clone();
        let of = |name: &str| {
            let found = listed.as_array().unwrap().iter().find(|one| one["name"] == name);
            found.unwrap().clone()
        };
        assert_eq!(of("bengbu-e")["carriesItems"], true);
        assert_eq!(
            of("party-building"),
            json!({ "name": "party-building", "title": "党建信息化系统（仅登记）", "carriesItems": false,
                "capabilities": [], "backlog": [] })
        );
        let case = city.handed_in("legal-aid").await;
        let seen = city.comes_to(&case, LEGAL_AID).await;
        let upstreams: Vec<&str> = seen["handoffs"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|one| one["upstream"].as_str())
            .collect();
        assert_eq!(upstreams, ["bengbu-e"]);
        let requests = city.county.department.requests().await;
        let paths: Vec<&str> = requests
            .iter()
            .map(|line| line["path"].as_str().unwrap())
            .collect();
        assert!(
            paths.iter().all(|path| !path.contains("party-building")),
            "{paths:?}"
        );
        let metrics = format!("http://{}/metrics", city.app.addr());
        let metrics = http_client()
            .get(metrics)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        assert!(metrics.contains("loop=\"outbox bengbu-e\""), "{metrics}");
        assert!(
            !metrics.contains("loop=\"outbox party-building\""),
            "no loop was started for it"
        );
        // whoever speaks in its name is not heard
        let url = format!("http://{}/callbacks/party-building", city.app.addr());
        let answer = http_client().post(url).body("{}").send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 404);
        city.close(world).await;
    }
);

story!(
    what_waits_for_a_system_that_is_only_registered_by_now_is_held,
    async |world| {
        let city = City::with(world, "bengbu-e").await;
        city.rule(json!({ "mode": "answer", "status": 429 })).await;
        let case = city.handed_in("legal-aid").await;
        city.reaches(&case, LEGAL_AID).await;
        let waiting = case.delivery_becomes(&city.app, "PENDING", 1).await;
        assert_eq!(waiting["upstream"], "bengbu-e");
        let city = city.starts_again_with_it_only_registered(world).await;
        city.rule(json!({ "mode": "normal" })).await;
        let before = city.county.department.requests().await.len();
        city.county.seconds_later(600);
        let held = eventually("the delivery is held", PATIENCE, async || {
            let deliveries = case.deliveries(&city.app).await;
            deliveries
                .into_iter()
                .find(|delivery| delivery["state"] == "HELD")
        })
        .await;
        assert_eq!(held["reason"], "NOT_CONFIGURED");
        assert_eq!(
            city.county.department.requests().await.len(),
            before,
            "nothing was sent"
        );
        city.app.stop_with_deliveries_waiting().await;
    }
);
