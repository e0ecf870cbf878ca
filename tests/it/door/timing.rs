//! Denied looks like absent by the clock too: what is not for somebody's eyes takes as long as what is not there (P25).

use std::time::{Duration, Instant};

use onedoor_domain::identifier::division_code::DivisionCode;
use onedoor_domain::tracking::TrackingCode;
use serde_json::json;
use uuid::Uuid;

use super::journey::Hands;
use crate::harness::app::TestApp;
use crate::harness::people::FARMER;
use crate::harness::story::story;

/// Questions of each kind; taken in turns, so that whatever else the machine does falls on both.
const ROUNDS: usize = 80;
/// How many times the other a median may be. A look at a whole case that is then refused costs more than that.
const FACTOR: f64 = 1.8;
/// Below this a difference is the noise of a busy machine, not the work of the gateway.
const NOISE: Duration = Duration::from_micros(700);

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// A code of the right form that no case has.
fn nobodys_code() -> String {
    let division: DivisionCode = "340321101200".parse().unwrap();
    let day = "2026-03-02".parse().unwrap();
    let code = (0_u8..64)
        .find_map(|turn| TrackingCode::draw(&division, day, [turn; 8]))
        .unwrap();
    code.to_string()
}

story!(a_foreign_case_takes_as_long_as_none, async |world| {
    let wide = [("ONEDOOR__LIMITS__FIELDS_PER_MINUTE", "1000000")];
    let clock = onedoor::clock::HeldClock::at(crate::harness::app::MONDAY_AT_TEN.parse().unwrap());
    let app = TestApp::start_with(world, clock, &wide).await;
    let hands = Hands::of(&app.anybody(), &app.actors);
    let denied = hands.denied(FARMER, "不符合年龄").await;
    let code = denied.code().to_owned();
    let absent_code = nobodys_code();
    let foreigner = app.officer("340302001000:township.service-center");
    let absent = || format!("case_{}", Uuid::now_v7().simple());
    let by_id = "query($id: ID!) { case(by: { id: $id }) { id } }";
    let node = "query($id: ID!) { node(id: $id) { id } }";
    let by_code = "query($id: String!) { case(by: { trackingCode: $id }) { id } }";
    let act = "mutation($id: ID!, $key: UUID!) { acceptCase(input: {
        case: $id, idempotencyKey: $key, expectedVersion: 1 }) { userErrors { code } } }";
    for document in [by_id, node, by_code, act] {
        let (mut there, mut nowhere) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            let (real, none) = if document == by_code {
                (code.clone(), absent_code.clone())
            } else {
                (denied.id().to_owned(), absent())
            };
            for (id, times) in [(real, &mut there), (none, &mut nowhere)] {
                let mut variables = json!({ "id": id });
                if document == act {
                    variables["key"] = json!(Uuid::now_v7());
                }
                let begun = Instant::now();
                let answer = foreigner.ask(document, variables).await;
                let took = begun.elapsed();
                assert!(answer.status == 200, "{}", answer.body);
                // the first ones fill caches
                if round >= ROUNDS / 8 {
                    times.push(took);
                }
            }
        }
        let (there, nowhere) = (median(there), median(nowhere));
        let (less, more) = (there.min(nowhere), there.max(nowhere));
        let alike = more.as_secs_f64() <= less.as_secs_f64() * FACTOR || more - less <= NOISE;
        assert!(
            alike,
            "{document}: a foreign one takes {there:?}, an absent one {nowhere:?}"
        );
    }
    app.stop(world).await;
});
