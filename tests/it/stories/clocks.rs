//! The clocks speak by themselves: once, in order, on whatever replica, past a case that is broken.

use std::collections::BTreeSet;

use onedoor::upstream::config::UpstreamConfig;
use onedoor_entity::{case_clock, cases, handoff, ledger_head};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait as _, DatabaseConnection, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _, Statement,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::kit::{COUNTY, Case, County, STATION, TOWNSHIP, funeral, offered_to_county, submit};
use crate::harness::app::TestApp;
use crate::harness::gql::Gql;
use crate::harness::people::FARMER;
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, eventually, until};
use crate::harness::world::World;

/// Clocks are looked at often, so that a story need not wait.
const OFTEN: &[(&str, &str)] = &[("ONEDOOR__WORKER__CLOCKS_TICK_MS", "20")];

const CARDS: &str = "query($id: ID!) { case(by: { id: $id }) {
    version status card cards { id rung cause clock epoch holder { code } desk undelivered level division { code }
        state isCurrent dueAt raisedAt }
    clocks { kind state dueDate } timeline { event cardRung cardId actorKind text } } }";

pub(super) async fn cards_of(case: &Case, who: &Gql) -> Value {
    who.data(CARDS, json!({ "id": case.id })).await["case"].clone()
}

/// Waits until a clock of a case has raised a card of a rung.
pub(super) async fn raised(case: &Case, who: &Gql, clock: &str, rung: &str) -> Value {
    eventually(&format!("{clock} raises {rung}"), PATIENCE, async || {
        let seen = cards_of(case, who).await;
        let cards = seen["cards"].as_array().unwrap().clone();
        cards
            .into_iter()
            .rev()
            .find(|card| card["clock"] == clock && card["rung"] == rung)
    })
    .await
}

async fn count(database: &DatabaseConnection, sql: &str) -> i64 {
    let statement = Statement::from_string(database.get_database_backend(), sql);
    let row = database.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

/// Waits until no clock has anything to say by now, a broken case apart; a claimed one is still being heard.
async fn silent(database: &DatabaseConnection, county: &County) {
    use onedoor::clock::Clock as _;
    let claimed_until = county.clock.now().timestamp_micros() + 60_000_000;
    let sql =
        format!("SELECT COUNT(*) FROM cases WHERE next_tick_at <= {claimed_until} AND tick_failures = 0");
    // a thousand cases on a busy machine, each with a dozen cards
    until("all clocks have spoken", PATIENCE * 4, async || {
        count(database, &sql).await == 0
    })
    .await;
}

async fn open(county: &County, world: &World) -> TestApp {
    county.gateway_with(world, OFTEN, vec![county.upstream()]).await
}

story!(
    a_late_case_is_shown_level_by_level_on_the_case_the_board_and_the_timeline,
    async |world| {
        let county = County::open().await;
        let app = open(&county, world).await;
        let case = submit(&app.kiosk(STATION), funeral(&FARMER)).await;
        county.days_later(2);
        let unsigned = raised(&case, &app.clerk(TOWNSHIP), "HANDOFF_ACK", "YELLOW").await;
        assert_eq!(
            (&unsigned["desk"], &unsigned["holder"]["code"], &unsigned["level"]),
            (&json!("SUPERVISOR"), &json!(TOWNSHIP), &json!("TOWNSHIP"))
        );
        case.done(&app.clerk(TOWNSHIP), "acceptCase", json!({})).await;
        county.days_later(90);
        let red = raised(&case, &app.clerk(TOWNSHIP), "PROMISE", "RED_2").await;
        assert_eq!(
            (&red["level"], &red["division"]["code"]),
            (&json!("CITY"), &json!("340300000000"))
        );
        let first = raised(&case, &app.clerk(TOWNSHIP), "PROMISE", "RED_1").await;
        assert_eq!(
            (&first["level"], &first["division"]["code"]),
            (&json!("COUNTY"), &json!(COUNTY))
        );
        raised(&case, &app.clerk(TOWNSHIP), "STATUTORY", "RED_1").await;

        let seen = cards_of(&case, &app.supervisor(COUNTY)).await;
        assert_eq!(seen["card"], "RED_2");
        let rungs: Vec<&Value> = seen["timeline"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|line| line["event"] == "CARD_RAISED")
            .map(|line| &line["cardRung"])
            .collect();
        assert_eq!(
            rungs.len(),
            seen["cards"].as_array().unwrap().len(),
            "each card is an event"
        );
        let board = "{ handoffs(first: 10) { page { nodes { case { id card } } } } }";
        let board = app.clerk(TOWNSHIP).data(board, json!({})).await;
        assert_eq!(board["handoffs"]["page"]["nodes"][0]["case"]["card"], "RED_2");
        app.stop(world).await;
    }
);

story!(
    a_handoff_that_an_outage_keeps_from_its_system_is_its_operators,
    async |world| {
        let county = County::open().await;
        // nobody listens there
        let mut gone = UpstreamConfig::sandbox("http://127.0.0.1:9").unwrap();
        gone.breaker.failures = 100;
        let app = county.gateway_with(world, OFTEN, vec![gone]).await;
        let case = offered_to_county(&app).await;
        county.days_later(2);
        let card = raised(&case, &app.clerk(TOWNSHIP), "HANDOFF_ACK", "YELLOW").await;
        assert_eq!(
            (&card["desk"], &card["undelivered"], &card["level"]),
            (&json!("UPSTREAM_OPERATOR"), &json!(true), &json!("COUNTY"))
        );
        app.stop_with_deliveries_waiting().await;
    }
);

story!(
    two_replicas_raise_each_card_once_also_after_downtime,
    async |world| {
        let county = County::open().await;
        let first = open(&county, world).await;
        let mut cases = Vec::new();
        for _ in 0..12 {
            let case = submit(&first.kiosk(STATION), funeral(&FARMER)).await;
            case.done(&first.clerk(TOWNSHIP), "acceptCase", json!({})).await;
            cases.push(case);
        }
        first.stop(world).await;
        county.days_later(60);
        let (first, second) = (open(&county, world).await, open(&county, world).await);
        let database = world.database().await;
        silent(&database, &county).await;
        for case in &cases {
            let seen = cards_of(case, &first.clerk(TOWNSHIP)).await;
            let cards = seen["cards"].as_array().unwrap();
            let keys: BTreeSet<String> = cards
                .iter()
                .map(|card| format!("{} {} {}", card["clock"], card["rung"], card["epoch"]))
                .collect();
            assert_eq!(keys.len(), cards.len(), "{cards:?}");
            let due: Vec<&str> = cards.iter().map(|card| card["dueAt"].as_str().unwrap()).collect();
            assert!(due.is_sorted(), "what fell due first was said first: {due:?}");
            assert!(keys.contains(r#""STATUTORY" "RED_1" 0"#), "{keys:?}");
        }
        let raised = count(&database, "SELECT COUNT(*) FROM case_card").await;
        let told = count(
            &database,
            "SELECT COUNT(*) FROM ledger_event WHERE name = 'CARD_RAISED'",
        )
        .await;
        assert_eq!(raised, told);
        database.close().await.unwrap();
        second.stop_with_deliveries_waiting().await;
        first.stop(world).await;
    }
);

/// The rows of a case so many times more, each a case of its own.
#[expect(clippy::too_many_lines, reason = "three tables, row by row")]
async fn multiplied(database: &DatabaseConnection, case: &Case, times: usize) -> Vec<Uuid> {
    let code = case.reference();
    let row = cases::Entity::find()
        .filter(cases::Column::TrackingCode.eq(&code))
        .one(database)
        .await
        .unwrap()
        .unwrap();
    let handoffs = handoff::Entity::find()
        .filter(handoff::Column::CaseId.eq(row.id))
        .all(database)
        .await
        .unwrap();
    let clocks = case_clock::Entity::find()
        .filter(case_clock::Column::CaseId.eq(row.id))
        .all(database)
        .await
        .unwrap();
    let head = ledger_head::Entity::find_by_id(row.id)
        .one(database)
        .await
        .unwrap()
        .unwrap();
    let (mut ids, mut all) = (Vec::new(), (Vec::new(), Vec::new(), Vec::new(), Vec::new()));
    for number in 0..times {
        let id = Uuid::now_v7();
        ids.push(id);
        let again = cases::Model {
            id,
            tracking_code: tracking_code(number),
            ..row.clone()
        };
        all.0.push(again.into_active_model().reset_all());
        for handoff in &handoffs {
            let again = handoff::Model {
                id: Uuid::now_v7(),
                case_id: id,
                ..handoff.clone()
            };
            all.1.push(again.into_active_model().reset_all());
        }
        for clock in &clocks {
            // the handoff of a clock is looked for in vain, which is nothing to a clock of the law
            let again = case_clock::Model {
                id: Uuid::now_v7(),
                case_id: id,
                ..clock.clone()
            };
            all.2.push(again.into_active_model().reset_all());
        }
        let again = ledger_head::Model {
            chain: id,
            ..head.clone()
        };
        all.3.push(again.into_active_model().reset_all());
    }
    for chunk in all.0.chunks(200) {
        cases::Entity::insert_many(chunk.to_vec())
            .exec_without_returning(database)
            .await
            .unwrap();
    }
    for chunk in all.1.chunks(200) {
        handoff::Entity::insert_many(chunk.to_vec())
            .exec_without_returning(database)
            .await
            .unwrap();
    }
    for chunk in all.2.chunks(200) {
        case_clock::Entity::insert_many(chunk.to_vec())
            .exec_without_returning(database)
            .await
            .unwrap();
    }
    for chunk in all.3.chunks(200) {
        ledger_head::Entity::insert_many(chunk.to_vec())
            .exec_without_returning(database)
            .await
            .unwrap();
    }
    ids
}

/// A tracking code of its own for each number: five bits of it a character.
fn tracking_code(number: usize) -> String {
    use onedoor_domain::tracking::TrackingCode;
    let division = "340302001001".parse().unwrap();
    let day = "2026-03-02".parse().unwrap();
    (0..32)
        .find_map(|salt| {
            let bits = u64::try_from(number).unwrap() * 32 + salt;
            let random = std::array::from_fn(|at| u8::try_from((bits >> (5 * at)) & 31).unwrap());
            TrackingCode::draw(&division, day, random)
        })
        .unwrap()
        .as_str()
        .to_owned()
}

story!(
    a_broken_case_in_the_middle_of_a_thousand_holds_up_no_other_and_is_tried_again,
    async |world| {
        let county = County::open().await;
        let app = open(&county, world).await;
        let case = submit(&app.kiosk(STATION), funeral(&FARMER)).await;
        case.done(&app.clerk(TOWNSHIP), "acceptCase", json!({})).await;
        app.stop(world).await;

        let database = world.database().await;
        let ids = multiplied(&database, &case, 999).await;
        let poison = ids[500];
        let broken = cases::ActiveModel {
            id: sea_orm::Set(poison),
            document: sea_orm::Set("no document".to_owned()),
            ..Default::default()
        };
        cases::Entity::update(broken).exec(&database).await.unwrap();
        county.days_later(60);
        let app = open(&county, world).await;
        app.expect_error("the clocks of a case could not speak");
        silent(&database, &county).await;
        let all = count(&database, "SELECT COUNT(DISTINCT case_id) FROM case_card").await;
        assert_eq!(all, 999, "all but the broken one have their cards");
        let row = cases::Entity::find_by_id(poison)
            .one(&database)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(row.tick_failures, 1, "it is counted, and waits");
        assert_eq!(
            app.log().matches("the clocks of a case could not speak").count(),
            1
        );
        let metrics = reqwest::get(format!("http://{}/metrics", app.addr()))
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        assert!(
            metrics.contains(r#"onedoor_clock_looks_total{outcome="failed"} 1"#),
            "{metrics}"
        );

        // mended, and its time comes again
        let whole = cases::Entity::find_by_id(ids[0])
            .one(&database)
            .await
            .unwrap()
            .unwrap();
        let mended = cases::ActiveModel {
            id: sea_orm::Set(poison),
            document: sea_orm::Set(whole.document),
            ..Default::default()
        };
        cases::Entity::update(mended).exec(&database).await.unwrap();
        county.seconds_later(120);
        until("the mended case speaks", PATIENCE, async || {
            count(&database, "SELECT COUNT(DISTINCT case_id) FROM case_card").await == 1_000
        })
        .await;
        database.close().await.unwrap();
        app.stop(world).await;
    }
);
