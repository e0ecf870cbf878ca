//! The QR code of a receipt: it proves what it was printed from, names nobody, and sends nothing secret to a server.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use onedoor_domain::digest::Digest;
use serde_json::{Value, json};

use super::journey::{self, Hands};
use crate::harness::app::TestApp;
use crate::harness::people::{FARMER, NEIGHBOUR, assert_nobody_in};
use crate::harness::story::story;

story!(a_code_proves_its_receipt_and_another_does_not, async |world| {
    let app = TestApp::start(world).await;
    let hands = Hands::of(&app.anybody(), &app.actors);
    let denied = hands.denied(FARMER, "不符合年龄").await;
    let other = journey::submit(&hands.kiosk, journey::senior_card(NEIGHBOUR)).await;
    let document = "query($id: ID!) { case(by: { id: $id }) { receipts {
        id kind canonical keyId signature verifyUrl qrPayload small: text(width: MM58) wide: text(width: MM80) } } }";
    let receipts = async |id: &str| -> Vec<Value> {
        let data = hands.station.data(document, json!({ "id": id })).await;
        data["case"]["receipts"].as_array().unwrap().clone()
    };
    let (own, others) = (receipts(denied.id()).await, receipts(other.id()).await);
    assert!(own.len() >= 3, "received, accepted, denied");
    let verdict = async |payload: &str| -> Value {
        let verify = "query($text: String!) { verifyReceipt(by: { qrPayload: $text }) { verdict } }";
        let data = app.anybody().data(verify, json!({ "text": payload })).await;
        data["verifyReceipt"]["verdict"].clone()
    };
    for receipt in own.iter().chain(&others) {
        let payload = receipt["qrPayload"].as_str().unwrap();
        assert_nobody_in("a QR code", payload.as_bytes());
        let (address, proof) = payload.split_once('#').unwrap();
        assert_eq!(address, receipt["verifyUrl"]);
        // offline, with nothing but the receipt and the key
        let parts: Vec<&str> = proof.split('.').collect();
        let canonical = receipt["canonical"].as_str().unwrap();
        assert_eq!(parts[..2], ["1", receipt["keyId"].as_str().unwrap()]);
        assert_eq!(
            URL_SAFE_NO_PAD.decode(parts[2]).unwrap(),
            Digest::of(canonical.as_bytes()).as_bytes()
        );
        let signature = STANDARD.decode(receipt["signature"].as_str().unwrap()).unwrap();
        assert_eq!(URL_SAFE_NO_PAD.decode(parts[3]).unwrap(), signature);
        assert_eq!(verdict(payload).await, "GENUINE", "{}", receipt["kind"]);
        for (paper, columns) in [("small", 32), ("wide", 48)] {
            let text = receipt[paper].as_str().unwrap();
            assert!(text.lines().all(|line| line.chars().count() <= columns), "{text}");
        }
    }
    let payload = own[0]["qrPayload"].as_str().unwrap();
    let foreign = others[0]["qrPayload"].as_str().unwrap();
    let (address, proof) = payload.split_once('#').unwrap();
    let (_, other_proof) = foreign.split_once('#').unwrap();
    assert_eq!(
        verdict(&format!("{address}#{other_proof}")).await,
        "FORGED",
        "a proof of another receipt"
    );
    assert_eq!(verdict(address).await, "UNREADABLE");
    let absent = format!("receipt_{}", uuid::Uuid::now_v7().simple());
    let unknown = payload.replace(own[0]["id"].as_str().unwrap(), &absent);
    assert_eq!(verdict(&unknown).await, "UNKNOWN");
    assert!(!proof.contains(denied.code()));
    app.stop(world).await;
});
