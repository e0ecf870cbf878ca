//! Receipts written, sealed and read back.

use chrono::NaiveDate;

use super::parts::Bilingual;
use super::*;
use crate::digest::Digest;
use crate::id::{CalendarVersionId, OrganizationId};
use uuid::Uuid;

pub(crate) fn body() -> ReceiptBody {
    let both = |zh: &str, en: &str| Bilingual {
        zh: zh.to_owned(),
        en: en.to_owned(),
    };
    ReceiptBody {
        format: FORMAT,
        id: ReceiptId::from_uuid(Uuid::from_u128(1)),
        kind: ReceiptKind::Acceptance,
        corrects: None,
        case: CaseId::from_uuid(Uuid::from_u128(2)),
        tracking_code: "340302-261123-7KQ4M2XD-B".parse().unwrap(),
        item: ReceiptItem {
            code: "pension-enroll".into(),
            version: 1,
            name: both("参保登记", "Enrollment"),
        },
        organization: ReceiptOrganization {
            id: OrganizationId::from_uuid(Uuid::from_u128(3)),
            code: "340302001000:township.service-center".into(),
            name: both("便民服务中心", "Service center"),
        },
        place: ReceiptPlace::Device { id: "kiosk-1".into() },
        clerk: None,
        applicant_masked: "王*".into(),
        materials: vec![],
        event_at: DateTime::from_timestamp_micros(1_795_413_900_123_456).unwrap(),
        offline: None,
        due: vec![ReceiptDue {
            kind: DueKind::Promise,
            date: NaiveDate::from_ymd_opt(2026, 11, 25).unwrap(),
            calendar: CalendarVersionId::from_uuid(Uuid::from_u128(4)),
            provisional: false,
        }],
        statement: None,
        transfer: None,
        contact: ReceiptContact {
            track: both("查", "Track"),
            complain: both("诉", "Complain"),
            verify_url: "http://127.0.0.1:8080/v/1".into(),
        },
        ledger: None,
    }
}

#[test]
fn a_body_reads_back_as_it_was_written_and_keeps_its_bytes() {
    let sealed = body().sealed(LedgerPosition {
        seq: 3,
        hash: Digest::of(b"event"),
    });
    let bytes = sealed.canonical_bytes().unwrap();
    let back: ReceiptBody = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(back, sealed);
    assert_eq!(back.canonical_bytes().unwrap(), bytes);
    assert_eq!(back.promised().unwrap().date.to_string(), "2026-11-25");
}

#[test]
fn sealing_changes_what_is_signed_and_instants_are_integers() {
    let open = body().canonical_bytes().unwrap();
    let sealed = body()
        .sealed(LedgerPosition {
            seq: 1,
            hash: Digest::ZERO,
        })
        .canonical_bytes()
        .unwrap();
    assert_ne!(open, sealed);
    let text = String::from_utf8(open).unwrap();
    assert!(text.contains(r#""eventAt":1795413900123456"#), "{text}");
}

#[test]
fn every_kind_has_its_own_titles() {
    let titles: std::collections::BTreeSet<_> = ReceiptKind::ALL
        .iter()
        .flat_map(|kind| [kind.zh(), kind.en()])
        .collect();
    assert_eq!(titles.len(), 18);
}

#[test]
fn a_qr_payload_names_the_receipt_and_proves_it_and_nobody_in_it() {
    use super::qr::{QrPayload, qr_payload};
    use base64::Engine as _;
    let mut body = body();
    body.contact.verify_url = format!("https://one.example/verify/{}", body.id);
    let bytes = body.canonical_bytes().unwrap();
    let signed = SignedReceipt {
        body,
        key_id: "0011223344556677".into(),
        signature: base64::engine::general_purpose::STANDARD.encode([7; 64]),
    };
    let text = qr_payload(&signed).unwrap();
    assert!(text.is_ascii() && text.len() < 300, "{text}");
    let fragment = text.split_once('#').unwrap().1;
    assert!(!fragment.contains(['=', '+', '/']), "{fragment}");
    let read = QrPayload::parse(&text).unwrap();
    assert_eq!(read.receipt, signed.body.id);
    assert!(read.is_of(&bytes, "0011223344556677", &[7; 64]));
    assert!(!read.is_of(&bytes, "0011223344556677", &[8; 64]));
    assert!(!read.is_of(b"other bytes", "0011223344556677", &[7; 64]));
    for wrong in [
        signed.body.contact.verify_url.as_str(),
        "https://one.example/verify/x#1.a.b.c",
        &text.replace("#1.", "#2."),
        &format!("{text}.more"),
    ] {
        assert_eq!(QrPayload::parse(wrong), None, "{wrong}");
    }
}
