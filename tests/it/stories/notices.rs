//! Notices of upstream systems: heard once, whenever and in whatever order they come, and only from who may speak (P12).

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use onedoor::clock::Clock as _;
use serde_json::{Value, json};
use uuid::Uuid;

use super::kit::{
    Case, County, HUMAN_RESOURCES, STATION, TOWNSHIP, count, funeral, offered_to_county, submit,
};
use crate::harness::app::TestApp;
use crate::harness::gql::http_client;
use crate::harness::people::NEIGHBOUR;
use crate::harness::story::story;
use crate::upstreams::fixture::CALLBACK_SECRET;

/// One report of the department, written by hand.
#[derive(Debug, Clone)]
pub(super) struct Report {
    event: Value,
    secret: String,
    at: DateTime<Utc>,
    /// What is sent in place of what was signed.
    altered: Option<Vec<u8>>,
}

impl Report {
    pub(super) fn of(app: &TestApp, case: &Case, serial_no: &str, seq: u64, kind: &str) -> Self {
        let at = app.clock.now();
        Self {
            event: json!({
                "event_id": format!("evt-{}", Uuid::now_v7()), "serial_no": serial_no, "our_ref": case.reference(),
                "seq": seq, "kind": kind, "occurred_at": at,
            }),
            secret: CALLBACK_SECRET.to_owned(),
            at,
            altered: None,
        }
    }

    pub(super) fn decided(app: &TestApp, case: &Case, serial_no: &str, seq: u64, result: &str) -> Self {
        let mut report = Self::of(app, case, serial_no, seq, "DECIDED");
        report.event["result"] = json!(result);
        report
    }

    /// Sends it and gives the status.
    pub(super) async fn told(&self, app: &TestApp) -> u16 {
        self.told_to(app, "sandbox").await
    }

    async fn told_to(&self, app: &TestApp, upstream: &str) -> u16 {
        let secret = STANDARD.decode(self.secret.trim_start_matches("whsec_")).unwrap();
        let body = serde_json::to_vec(&self.event).unwrap();
        let id = self.event["event_id"].as_str().unwrap();
        let mut content = format!("{id}.{}.", self.at.timestamp()).into_bytes();
        content.extend_from_slice(&body);
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), &content);
        http_client()
            .post(format!("http://{}/callbacks/{upstream}", app.addr()))
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", self.at.timestamp())
            .header("webhook-signature", format!("v1,{}", STANDARD.encode(signature)))
            .body(self.altered.clone().unwrap_or(body))
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    }
}

/// A case that the county has taken over and says nothing about by itself; with its number there.
async fn quiet_case(county: &County, app: &TestApp) -> (Case, String) {
    county.department.told(json!({ "mode": "callback-never" })).await;
    let case = offered_to_county(app).await;
    let taken = case.taken_over(&app.clerk(TOWNSHIP)).await;
    let number = taken["externalNumbers"][0]["number"].as_str().unwrap().to_owned();
    (case, number)
}

story!(
    a_notice_fifty_times_at_once_has_one_effect_and_is_always_thanked,
    async |world| {
        let county = County::open().await;
        let replicas = [county.gateway(world).await, county.gateway(world).await];
        let (case, number) = quiet_case(&county, &replicas[0]).await;
        let report = Report::decided(&replicas[0], &case, &number, 2, "APPROVED");
        let told = join_all((0..50).map(|turn| report.told(&replicas[turn % 2]))).await;
        assert!(told.iter().all(|status| (200..300).contains(status)), "{told:?}");
        let seen = case.becomes("COMPLETED", &replicas[1].clerk(TOWNSHIP)).await;
        assert_eq!((count(&seen, "DECIDED"), count(&seen, "COMPLETED")), (1, 1));
        assert_eq!(count(&seen, "NEWS_KEPT"), 0, "the same notice is no news");
        assert_eq!(report.told(&replicas[0]).await / 100, 2, "also much later");
        let [one, other] = replicas;
        one.stop(world).await;
        other.stop(world).await;
    }
);

story!(
    in_whatever_order_notices_come_the_case_never_goes_back,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let (case, number) = quiet_case(&county, &app).await;
            let reports = [
                Report::of(&app, &case, &number, 1, "RECEIVED"),
                Report::decided(&app, &case, &number, 2, "APPROVED"),
                Report::of(&app, &case, &number, 3, "COMPLETED"),
            ];
            let mut best = 0;
            for index in order {
                assert_eq!(reports[index].told(&app).await / 100, 2, "{order:?}");
                let status = case.seen_by(&app.clerk(TOWNSHIP)).await["status"].clone();
                let rank = ["IN_REVIEW", "DECIDED", "COMPLETED"]
                    .iter()
                    .position(|name| status == *name)
                    .unwrap();
                assert!(rank >= best, "{order:?}: back to {status}");
                best = rank;
            }
            let seen = case.seen_by(&app.clerk(TOWNSHIP)).await;
            assert_eq!(
                (&seen["status"], &seen["decision"]),
                (&json!("COMPLETED"), &json!("GRANTED")),
                "{order:?}"
            );
        }
        app.stop(world).await;
    }
);

story!(
    a_second_decision_is_kept_and_shown_and_changes_nothing,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let (case, number) = quiet_case(&county, &app).await;
        assert_eq!(
            Report::decided(&app, &case, &number, 2, "APPROVED")
                .told(&app)
                .await
                / 100,
            2
        );
        assert_eq!(
            Report::decided(&app, &case, &number, 3, "DENIED")
                .told(&app)
                .await
                / 100,
            2
        );
        let seen = case.seen_by(&app.clerk(TOWNSHIP)).await;
        assert_eq!(
            (&seen["status"], &seen["decision"]),
            (&json!("COMPLETED"), &json!("GRANTED"))
        );
        assert_eq!(count(&seen, "NEWS_KEPT"), 1);
        app.stop(world).await;
    }
);

story!(
    what_is_older_by_the_upstreams_own_version_is_kept_and_never_acts,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let (case, number) = quiet_case(&county, &app).await;
        let clerk = app.clerk(TOWNSHIP);
        let told = async |report: Report| assert_eq!(report.told(&app).await / 100, 2);
        told(Report::of(&app, &case, &number, 5, "RECEIVED")).await;
        told(Report::decided(&app, &case, &number, 4, "APPROVED")).await;
        let seen = case.seen_by(&clerk).await;
        assert_eq!(
            (&seen["status"], &seen["decision"]),
            (&json!("IN_REVIEW"), &json!(null)),
            "its decision was taken back before it told of the receipt"
        );
        assert_eq!(count(&seen, "NEWS_KEPT"), 1);
        told(Report::decided(&app, &case, &number, 6, "DENIED")).await;
        let seen = case.seen_by(&clerk).await;
        assert_eq!(
            (&seen["status"], &seen["decision"]),
            (&json!("COMPLETED"), &json!("DENIED"))
        );
        // the department's own way to mix them up: first the decision, then the receipt
        let mixed = json!({ "mode": "callback-out-of-order", "times": 1 });
        for rule in [json!({ "mode": "normal" }), mixed] {
            county.department.told(rule).await;
        }
        let case = offered_to_county(&app).await;
        let seen = case
            .comes_to(&clerk, "the late receipt is kept", |case| {
                count(case, "NEWS_KEPT") == 1
            })
            .await;
        assert_eq!(
            (&seen["status"], count(&seen, "DECIDED")),
            (&json!("COMPLETED"), 1)
        );
        app.stop(world).await;
    }
);

story!(
    a_decision_that_comes_before_the_answer_to_our_sending_is_not_lost,
    async |world| {
        let county = County::deciding_by_itself().await;
        let app = county.gateway(world).await;
        county
            .department
            .told(json!({ "mode": "callback-early", "times": 1 }))
            .await;
        let case = offered_to_county(&app).await;
        let seen = case.becomes("COMPLETED", &app.clerk(TOWNSHIP)).await;
        assert_eq!(
            (&seen["decision"], count(&seen, "DECIDED")),
            (&json!("GRANTED"), 1)
        );
        for mode in ["callback-twice", "callback-out-of-order"] {
            county.department.told(json!({ "mode": mode, "times": 1 })).await;
            let case = offered_to_county(&app).await;
            let seen = case.becomes("COMPLETED", &app.clerk(TOWNSHIP)).await;
            assert_eq!(count(&seen, "DECIDED"), 1, "{mode}");
        }
        app.stop(world).await;
    }
);

story!(
    a_notice_under_a_number_that_is_not_known_yet_waits_for_it,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        app.expect_error("on purpose");
        county.department.told(json!({ "mode": "callback-never" })).await;
        county
            .department
            .told(json!({ "mode": "accept-then-reset", "times": 1 }))
            .await;
        let case = offered_to_county(&app).await;
        case.delivery_becomes(&app, "PENDING", 1).await;
        let number = county.department.applications().await[0]["serial_no"]
            .as_str()
            .unwrap()
            .to_owned();
        let mut report = Report::decided(&app, &case, &number, 2, "APPROVED");
        // it speaks of its own number alone
        report.event.as_object_mut().unwrap().remove("our_ref");
        assert_eq!(report.told(&app).await / 100, 2);
        let clerk = app.clerk(TOWNSHIP);
        assert_eq!(
            case.seen_by(&clerk).await["owner"]["code"],
            TOWNSHIP,
            "nothing is known yet"
        );
        county.seconds_later(301);
        let seen = case.becomes("COMPLETED", &clerk).await;
        assert_eq!(seen["decision"], "GRANTED");
        app.stop(world).await;
    }
);

story!(who_may_not_speak_is_refused_and_changes_nothing, async |world| {
    let county = County::open().await;
    let app = county.gateway(world).await;
    app.expect_error("an upstream speaks of a case it was never given");
    let (case, number) = quiet_case(&county, &app).await;
    let before = case.seen_by(&app.clerk(TOWNSHIP)).await;
    let good = Report::decided(&app, &case, &number, 2, "DENIED");

    let forged = Report {
        secret: format!("whsec_{}", STANDARD.encode([7_u8; 24])),
        ..good.clone()
    };
    let mut altered = good.clone();
    altered.event["result"] = json!("APPROVED");
    let altered = Report {
        altered: Some(serde_json::to_vec(&altered.event).unwrap()),
        ..good.clone()
    };
    let old = Report {
        at: good.at - TimeDelta::hours(1),
        ..good.clone()
    };
    let early = Report {
        at: good.at + TimeDelta::hours(1),
        ..good.clone()
    };
    for (refused, what) in [
        (&forged, "forged"),
        (&altered, "altered"),
        (&old, "stale"),
        (&early, "from the future"),
    ] {
        assert_eq!(refused.told(&app).await, 401, "{what}");
    }
    assert_eq!(good.told_to(&app, "no-such-system").await, 404);

    let foreign = submit(&app.kiosk(STATION), funeral(&NEIGHBOUR)).await;
    let trespass = Report::decided(&app, &foreign, "ANOTHER-1", 2, "APPROVED");
    assert_eq!(trespass.told(&app).await, 403, "a case it was never given");
    let other_number = Report::decided(&app, &case, "ANOTHER-2", 2, "APPROVED");
    assert_eq!(
        other_number.told(&app).await,
        403,
        "its own case under another number"
    );

    assert_eq!(case.seen_by(&app.clerk(TOWNSHIP)).await, before);
    assert_eq!(foreign.seen_by(&app.clerk(TOWNSHIP)).await["status"], "SUBMITTED");
    assert_eq!(before["owner"]["code"], HUMAN_RESOURCES);
    app.stop(world).await;
});
