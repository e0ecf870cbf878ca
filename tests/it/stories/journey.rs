//! The whole journey: from a village kiosk to the county's system, back to the station, and followed by the applicant.

use std::fs;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr as _;

use super::kit::{
    Case, County, HUMAN_RESOURCES, STATION, TOWNSHIP, act, clock, events, handoff, pension, taken,
};
use crate::harness::at_rest::assert_nobody_at_rest;
use crate::harness::people::FARMER;
use crate::harness::story::story;
use crate::harness::world::World;

story!(
    an_application_travels_from_a_kiosk_to_the_county_and_back,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let (kiosk, township, station) = (app.kiosk(STATION), app.clerk(TOWNSHIP), app.clerk(STATION));

        let payload = act(&kiosk, "submitCase", pension(&FARMER)).await;
        let case = taken(&payload);
        assert_eq!(payload["receipt"]["kind"], "RECEIPT");
        let submitted = &payload["case"];
        assert_eq!(submitted["status"], "SUBMITTED");
        assert_eq!(
            submitted["owner"]["code"], STATION,
            "the station answers for it until the township signs"
        );
        assert_eq!(submitted["nextStep"]["kind"], "ACKNOWLEDGE");
        assert_eq!(submitted["nextStep"]["organization"]["code"], TOWNSHIP);
        assert_eq!(
            clock(submitted, "ACCEPTANCE")["dueDate"],
            "2026-03-09",
            "five working days"
        );
        assert_eq!(clock(submitted, "HANDOFF_ACK")["dueDate"], "2026-03-03");

        let accepted = case
            .done(&township, "acceptCase", json!({ "advance": true }))
            .await;
        assert_eq!(
            clock(&accepted, "PROMISE")["dueDate"],
            "2026-03-04",
            "two working days"
        );
        assert_eq!(clock(&accepted, "STATUTORY")["dueDate"], "2026-03-09");
        assert_eq!(clock(&accepted, "ACCEPTANCE")["state"], "STOPPED");

        let reviewed = case.taken_over(&township).await;
        assert_eq!(
            reviewed["owner"]["code"], HUMAN_RESOURCES,
            "its 202 is the signature"
        );
        assert_eq!(reviewed["externalNumbers"][0]["upstream"], "sandbox");
        let sent = handoff(&reviewed, |handoff| handoff["upstream"] == "sandbox");
        assert_eq!(sent["state"], "ACKNOWLEDGED");
        assert_eq!(county.department.requests().await.len(), 1);

        county.decides(&case, "APPROVED", Some("符合参保条件")).await;
        let completed = case.becomes("COMPLETED", &township).await;
        assert_eq!(completed["decision"], "GRANTED");
        assert_eq!(clock(&completed, "PROMISE")["state"], "STOPPED");
        assert_eq!(
            clock(&completed, "DELIVERY")["dueDate"],
            "2026-03-16",
            "ten working days"
        );

        let delivered = case
            .done(&station, "deliverResult", json!({ "note": "本人领取" }))
            .await;
        assert_eq!(
            (&delivered["status"], &delivered["owner"]),
            (&json!("DELIVERED"), &Value::Null)
        );

        assert_tracked(&case.tracked(&app.anybody()).await);
        assert_receipts(world, &case, &app.anybody()).await;
        app.stop(world).await;
        county.department.close().await;
        assert_nobody_at_rest(world);
    }
);

/// What the applicant sees at the end: everything that happened, and nothing more to come.
fn assert_tracked(case: &Value) {
    assert_eq!(case["status"], "DELIVERED");
    assert_eq!(case["nextStep"]["kind"], "NOTHING");
    let names = events(case);
    let order = [
        "SUBMITTED",
        "HANDOFF_OFFERED",
        "ACCEPTED",
        "REVIEW_BEGUN",
        "HANDOFF_ACKNOWLEDGED",
        "DECIDED",
        "COMPLETED",
        "DELIVERED",
    ];
    let mut from = 0;
    for name in order {
        let at = names.iter().skip(from).position(|one| one == name);
        from += at.unwrap_or_else(|| panic!("{name} after line {from} of {names:?}")) + 1;
    }
    let lines = case["timeline"].as_array().unwrap();
    for (index, line) in lines.iter().enumerate() {
        assert_eq!(line["seq"], index + 1, "no line is missing");
    }
    let decided = lines.iter().find(|line| line["event"] == "DECIDED").unwrap();
    assert_eq!(
        (&decided["actorKind"], &decided["upstream"]),
        (&json!("UPSTREAM"), &json!("sandbox"))
    );
    assert_eq!(decided["text"], "符合参保条件");
    let accepted = lines.iter().find(|line| line["event"] == "ACCEPTED").unwrap();
    assert_eq!(accepted["organization"]["code"], TOWNSHIP);
    let held: Vec<_> = case["handoffs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["to"]["code"].as_str().unwrap())
        .collect();
    assert_eq!(held, [STATION, TOWNSHIP, HUMAN_RESOURCES, STATION]);
}

/// Each act brought its receipt; each is signed, says where to track, and fits on its paper.
async fn assert_receipts(world: &World, case: &Case, anybody: &crate::harness::gql::Gql) {
    let document =
        "query($code: String!, $secret: String!) { trackCase(trackingCode: $code, secret: $secret) {
        receipts { kind keyId canonical signature promisedDate ledgerSeq ledgerHash verifyUrl applicantMasked
          small: text(width: MM58, trackingSecret: $secret) large: text(width: MM80) }
        timeline { seq hash } } }";
    let variables = json!({ "code": case.tracking_code, "secret": case.secret });
    let tracked = anybody.data(document, variables.clone()).await["trackCase"].clone();
    let receipts = tracked["receipts"].as_array().unwrap();
    let kinds: Vec<_> = receipts.iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["RECEIPT", "ACCEPTANCE", "DECISION", "DELIVERY"]);
    assert_eq!(receipts[1]["promisedDate"], "2026-03-04");

    let config = world.config(&[]);
    let seed = fs::read_to_string(config.keys_dir().join("receipt.key")).unwrap();
    let pair = Ed25519KeyPair::from_seed_unchecked(&hex::decode(seed.trim()).unwrap()).unwrap();
    let key = UnparsedPublicKey::new(&ED25519, pair.public_key().as_ref());
    for receipt in receipts {
        let canonical = receipt["canonical"].as_str().unwrap();
        let signature = STANDARD.decode(receipt["signature"].as_str().unwrap()).unwrap();
        key.verify(canonical.as_bytes(), &signature).unwrap();
        let altered = canonical.replacen("34030", "34031", 1);
        assert!(altered != canonical && key.verify(altered.as_bytes(), &signature).is_err());
        let line = usize::try_from(receipt["ledgerSeq"].as_i64().unwrap()).unwrap() - 1;
        assert_eq!(
            tracked["timeline"][line]["hash"], receipt["ledgerHash"],
            "it attests its line"
        );
        assert!(
            !receipt["verifyUrl"].as_str().unwrap().contains(&case.secret),
            "no secret in an address"
        );
        for (paper, columns) in [("small", 32), ("large", 48)] {
            let text = receipt[paper].as_str().unwrap();
            assert!(text.contains(&case.tracking_code), "{text}");
            let widest = text.lines().map(|line| line.width()).max().unwrap();
            assert!(widest <= columns, "{widest} columns on {columns}:\n{text}");
        }
    }
    assert!(
        receipts[0]["small"].as_str().unwrap().contains(&case.secret),
        "the applicant takes the secret home on paper"
    );
    let english = anybody.in_english().data(document, variables).await;
    assert!(
        english["trackCase"]["receipts"][0]["large"]
            .as_str()
            .unwrap()
            .contains("Receipt")
    );
}
