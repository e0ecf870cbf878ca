//! P30: a copied kiosk betrays itself by its counter, and an honest one never does.

use serde_json::{Value, json};
use uuid::Uuid;

use super::device::{Device, Key, enroll, given, revoke, seen};
use super::enrolment::audited;
use crate::harness::app::TestApp;
use crate::harness::story::story;
use crate::stories::kit::STATION;

const ME: &str = "{ viewer { kind } }";

story!(
    two_devices_of_one_key_are_stopped_until_one_is_enrolled_again,
    async |world| {
        let app = TestApp::start(world).await;
        let other = TestApp::start_with(world, app.clock.clone(), &[]).await;
        let mut device = Device::at_work(&app, STATION).await;
        let mut copy = device.before(&other);
        app.clock.advance(chrono::TimeDelta::seconds(1));
        device.works().await;
        app.clock.advance(chrono::TimeDelta::seconds(1));
        let betrayed = copy.take_token().await;
        assert_eq!(
            (betrayed.status, &betrayed.body["code"]),
            (403, &json!("FORBIDDEN")),
            "{}",
            betrayed.body
        );
        for one in [&mut device, &mut copy] {
            assert_eq!(one.ask(ME, json!({})).await.status, 401, "its token is over");
            assert_eq!(one.take_token().await.status, 403);
        }
        let suspended = seen(&app, &device.id).await;
        assert_eq!(suspended["state"], "SUSPENDED");
        assert_ne!(suspended["endedAt"], Value::Null);
        let log: Vec<_> = audited(world)
            .await
            .into_iter()
            .map(|(_, action)| action)
            .collect();
        assert_eq!(log, ["KIOSK_INVITED", "KIOSK_ENROLLED", "KIOSK_SUSPENDED"]);

        let again = json!({ "kiosk": device.id, "idempotencyKey": Uuid::now_v7() });
        let (_, code) = given(&enroll(&app, again).await);
        assert_eq!(
            device.take_token().await.status,
            403,
            "a code alone lifts nothing"
        );
        let mut renewed = Device::new(app.addr(), Key::p256());
        assert_eq!(renewed.enrol(&code).await.status, 200);
        assert_eq!(renewed.id, device.id, "the same kiosk");
        renewed.works().await;
        assert_eq!(renewed.ask(ME, json!({})).await.at("/viewer/kind"), "KIOSK");
        assert_eq!(copy.take_token().await.status, 401, "the old key is nobody's");
        assert_eq!(seen(&app, &device.id).await["state"], "ACTIVE");
        other.stop(world).await;
        app.stop(world).await;
    }
);

story!(
    /// A lost answer, a skipped number, a repetition, a request that a later one overtook: none of them is a copy.
    an_honest_device_is_never_taken_for_a_copy,
    async |world| {
        let app = TestApp::start(world).await;
        let mut device = Device::at_work(&app, STATION).await;
        let tick = || app.clock.advance(chrono::TimeDelta::milliseconds(1));
        // it wrote the number down and went out before it asked
        device.counter += 1;
        // its answer is lost and it asks the same again
        device.counter += 1;
        tick();
        let challenge = device.challenge().await;
        let first = device.ask_token(device.counter, &challenge).await;
        let again = device.ask_token(device.counter, &challenge).await;
        assert_eq!((first.status, again.status), (200, 200));
        assert_ne!(first.body["token"], again.body["token"]);
        // a request hangs somewhere while the next one goes through
        device.counter += 1;
        tick();
        let (slow, late) = (device.counter, device.challenge().await);
        tick();
        device.works().await;
        let overtaken = device.clone().ask_token(slow, &late).await;
        assert_eq!((overtaken.status, &overtaken.body["code"]), (401, &json!("NONCE_REQUIRED")));
        // a challenge is good for one counter
        let spent = device.clone().ask_token(device.counter + 5, &challenge).await;
        assert_eq!((spent.status, &spent.body["code"]), (401, &json!("NONCE_REQUIRED")));
        // two requests at once of the same number and challenge
        device.counter += 1;
        tick();
        let challenge = device.challenge().await;
        let (mut one, mut two, counter) = (device.clone(), device.clone(), device.counter);
        let both = tokio::join!(one.ask_token(counter, &challenge), two.ask_token(counter, &challenge));
        assert_eq!((both.0.status, both.1.status), (200, 200));
        tick();
        device.works().await;
        assert_eq!(seen(&app, &device.id).await["state"], "ACTIVE");
        assert_eq!(revoke(&app, &device.id).await["userErrors"], json!([]));
        app.stop(world).await;
    }
);
