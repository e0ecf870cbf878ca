//! One system of the city in its own wire format, and a gateway before it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use onedoor::app::upstreams::{Upstreams, city_secret_names};
use onedoor::clock::HeldClock;
use onedoor::secret::Redacted;
use onedoor::upstream::config::UpstreamConfig;
use serde_json::{Value, json};

use super::every_item;
use super::kit::{Case, County, STATION, act, handoff, submit};
use crate::harness::app::{MONDAY_AT_TEN, TestApp};
use crate::harness::gql::{Gql, http_client};
use crate::harness::wait::{PATIENCE, until};
use crate::harness::world::World;
use crate::upstreams::fixture::Department;

/// Acts that lead to a system.
const TURNS_MAX: usize = 20;

/// One system of the city, which decides when it is told, and a gateway before it.
pub(super) struct City {
    system: &'static str,
    pub(super) county: County,
    pub(super) app: TestApp,
}

/// Secrets of all systems, long enough for each way to sign.
fn secrets() -> BTreeMap<String, Redacted<String>> {
    let made = |(index, name): (usize, String)| {
        let prefix = if name.ends_with("_SECRET") { "whsec_" } else { "" };
        let secret = format!("{prefix}c2VjcmV0IG9mIGEgc3RvcnkgbnVtYmVy{index:04}");
        (name, Redacted::new(secret))
    };
    city_secret_names()
        .unwrap()
        .into_iter()
        .enumerate()
        .map(made)
        .collect()
}

/// The system and the party's, at the address of the sandbox.
fn described(county: &County, system: &str) -> Vec<UpstreamConfig> {
    let mut configs = UpstreamConfig::city(&county.department.url("")).unwrap();
    configs.retain(|config| [system, "party-building"].contains(&config.name.as_str()));
    for config in &mut configs {
        config.timeout = Duration::from_millis(1_500);
        config.connect_timeout = Duration::from_millis(500);
    }
    configs
}

async fn gateway(world: &World, county: &County, configs: Vec<UpstreamConfig>) -> TestApp {
    let settings = [
        ("ONEDOOR__OUTBOX__TICK_MS", "50"),
        ("ONEDOOR__LIMITS__FIELDS_PER_MINUTE", "1000000"),
        ("ONEDOOR__LIMITS__FIELDS_PER_MINUTE_DEVICE", "1000000"),
        ("ONEDOOR__LIMITS__FIELDS_PER_MINUTE_ANONYMOUS", "1000000"),
    ];
    let made = secrets();
    TestApp::start_before(
        world,
        county.clock.clone(),
        &settings,
        Upstreams { configs, made },
    )
    .await
}

impl City {
    /// In a world, on a Monday morning.
    pub(super) async fn with(world: &World, system: &'static str) -> Self {
        let clock = HeldClock::at(MONDAY_AT_TEN.parse().unwrap());
        let shared = clock.clone();
        let department = Department::open_with(|settings| {
            settings.clock = Arc::new(shared);
            settings.city = Some(secrets());
        })
        .await;
        let county = County { department, clock };
        let app = gateway(world, &county, described(&county, system)).await;
        let city = Self { system, county, app };
        city.rule(json!({ "mode": "decide-when-told" })).await;
        city
    }

    /// An application for an item, as complete as its form asks, handed in at the station.
    pub(super) async fn handed_in(&self, item: &str) -> Case {
        let items = every_item::items(&self.app).await;
        let item = items.iter().find(|one| one["code"] == item).unwrap();
        submit(&self.app.kiosk(STATION), every_item::application(item)).await
    }

    /// Everybody before the system does their part, until the system has signed for the office; gives the case.
    pub(super) async fn comes_to(&self, case: &Case, office: &str) -> Value {
        self.reaches(case, office).await;
        case.comes_to(&self.auditor(), "the system holds it", |case| {
            case["owner"]["code"] == office
        })
        .await
    }

    /// The same, where the first answer is lost and time must pass until it is asked or sent again.
    pub(super) async fn comes_late_to(&self, case: &Case, office: &str) {
        self.reaches(case, office).await;
        until("the system holds it after all", PATIENCE, async || {
            self.county.seconds_later(2);
            case.seen_by(&self.auditor()).await["owner"]["code"] == office
        })
        .await;
    }

    /// The same, until the case is on its way to the system.
    pub(super) async fn reaches(&self, case: &Case, office: &str) {
        for _ in 0..TURNS_MAX {
            // a badge does not outlive a publicity
            let auditor = self.auditor();
            let seen = case.seen_by(&auditor).await;
            let offered = |one: &Value| one["upstream"] == self.system && one["to"]["code"] == office;
            if seen["handoffs"].as_array().unwrap().iter().any(offered) {
                return;
            }
            self.turn(case, &seen).await;
        }
        panic!(
            "{office} is not reached: {}",
            case.seen_by(&self.auditor()).await["handoffs"]
        );
    }

    /// One act by whoever has to act now.
    async fn turn(&self, case: &Case, seen: &Value) {
        if seen["status"] == "SPECIAL_PROCEDURE" {
            // a publicity, of seven days at least
            self.county.days_later(8);
        }
        let owner = self.app.officer(seen["owner"]["code"].as_str().unwrap());
        match seen["nextStep"]["kind"].as_str().unwrap() {
            "ACKNOWLEDGE" => {
                let open = handoff(seen, |one| one["owning"] == true && one["state"] == "OFFERED");
                case.signed_for(&self.app.officer(open["to"]["code"].as_str().unwrap()))
                    .await;
            }
            "ACCEPT" => {
                case.done(&owner, "acceptCase", json!({})).await;
            }
            "FINISH" => {
                let beside = handoff(seen, |one| {
                    one["owning"] == false
                        && ["OFFERED", "ACKNOWLEDGED"]
                            .iter()
                            .any(|state| one["state"] == *state)
                });
                let who = self.app.officer(beside["to"]["code"].as_str().unwrap());
                let more = json!({ "handoff": beside["id"], "opinion": "AGREE" });
                let done = act(&who, "finishHandoff", case.input(&beside["version"], more)).await;
                assert_eq!(done["userErrors"], json!([]));
            }
            "HAND_OFF" | "SPECIAL_PROCEDURE" => {
                case.done(&owner, "handOff", json!({ "slip": "皖〔2026〕7号" }))
                    .await;
            }
            other => panic!("{other}: {seen}"),
        }
    }

    pub(super) fn auditor(&self) -> Gql {
        self.app.anybody().bearing(&self.app.actors.auditor())
    }

    /// The gateway starts again, with a system that is only registered by now.
    pub(super) async fn starts_again_with_it_only_registered(self, world: &World) -> Self {
        self.app.stop_with_deliveries_waiting().await;
        let mut configs = described(&self.county, self.system);
        for config in &mut configs {
            config.carries_items = false;
            config.roles.clear();
            config.poll = None;
            config.callback = None;
        }
        let app = gateway(world, &self.county, configs).await;
        Self { app, ..self }
    }

    fn control(&self, path: &str) -> String {
        self.county
            .department
            .url(&format!("/city/{}/control{path}", self.system))
    }

    pub(super) async fn rule(&self, rule: Value) {
        let request = http_client().put(self.control("")).body(rule.to_string());
        let answer = request
            .header("content-type", "application/json")
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
    }

    async fn told(&self, path: &str, case: &Case, mut order: Value) {
        order["our_ref"] = json!(case.reference());
        let request = http_client().post(self.control(path)).body(order.to_string());
        let answer = request
            .header("content-type", "application/json")
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
    }

    /// Lets the system say something of a case.
    pub(super) async fn says(&self, case: &Case, kind: &str, text: &str) {
        self.tells(case, json!({ "kind": kind, "text": text })).await;
    }

    /// The same with states of its own.
    pub(super) async fn tells(&self, case: &Case, word: Value) {
        self.told("/say", case, word).await;
    }

    /// Lets it decide.
    pub(super) async fn decides(&self, case: &Case, result: &str, opinion: &str) {
        self.told("/decide", case, json!({ "result": result, "opinion": opinion }))
            .await;
    }

    /// What the system has on its desk.
    pub(super) async fn applications(&self) -> Vec<Value> {
        let answer = http_client()
            .get(self.control("/applications"))
            .send()
            .await
            .unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    /// The journal's lines about the system that act on a case or report it: path below the system, and type of content.
    pub(super) async fn wire(&self, case: &Case) -> Vec<(String, String)> {
        let mut lines = self.county.department.requests().await;
        lines.extend(self.county.department.callbacks().await);
        let about = |line: &&Value| line["our_ref"] == case.reference() && line["method"] != "GET";
        let below = format!("/city/{}/", self.system);
        let told = |line: &Value| {
            let path = line["path"].as_str().unwrap();
            let path = path
                .strip_prefix(&below)
                .unwrap_or_else(|| path.split_once("/callbacks/").map_or(path, |(_, of)| of));
            (
                path.to_owned(),
                line["media_type"].as_str().unwrap_or_default().to_owned(),
            )
        };
        lines.iter().filter(about).map(told).collect()
    }

    /// The number that the system gave the case stands on it, leads to it, and came with the division of its codes.
    /// Both numbers are on the case: ours is the reference that the system keeps.
    pub(super) async fn knows_it_by_its_own_number(
        &self,
        case: &Case,
        office: &str,
        division: &str,
    ) -> String {
        let number = self.knows_it_by_a_number(case, office).await;
        let application = &self.applications().await[0];
        assert_eq!(application["fields"]["division"], division);
        number
    }

    /// The same of a system that is told no division.
    pub(super) async fn knows_it_by_a_number(&self, case: &Case, office: &str) -> String {
        let applications = self.applications().await;
        let [application] = applications.as_slice() else {
            panic!("one application: {applications:?}")
        };
        assert_eq!(application["our_ref"], json!(case.reference()));
        let number = application["number"].as_str().unwrap().to_owned();
        let seen = case.seen_by(&self.auditor()).await;
        assert_eq!(
            seen["externalNumbers"],
            json!([{ "upstream": self.system, "number": number }])
        );
        let document =
            "query($number: String!) { cases(filter: { externalNumber: $number }) { nodes { id } } }";
        let found = self
            .app
            .officer(office)
            .data(document, json!({ "number": number }))
            .await;
        assert_eq!(found["cases"]["nodes"], json!([{ "id": case.id }]));
        number
    }

    pub(super) async fn decided(&self, case: &Case) -> Value {
        case.comes_to(&self.auditor(), "the word of the system acts", |case| {
            let is_decided = !case["decidedAt"].is_null();
            if !is_decided {
                // a poll that was under way when the clock moved read too early, and the next one is due later
                self.county.seconds_later(1);
            }
            is_decided
        })
        .await
    }

    pub(super) async fn close(self, world: &World) {
        self.app.stop(world).await;
        self.county.department.close().await;
    }
}
