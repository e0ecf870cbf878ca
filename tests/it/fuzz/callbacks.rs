//! Notices: whatever is changed on the way, only what was signed is accepted, and as what it was signed.

use std::time::Duration;

use chrono::DateTime;
use onedoor::secret::Redacted;
use onedoor::upstream::callback::{NoticeHeaders, NoticeVerifier};
use onedoor::upstream::signing::{NoticeKey, SigningKey};
use proptest::prelude::*;

use super::near::{near, tries};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const SIGNED_AT: i64 = 1_764_400_000;

const IDS: &[&str] = &["msg_p5jXN8AQM9LWM0D4loKWxJek", "a", "a.1764400000"];
const TIMES: &[&str] = &[
    "1764400000",
    "1764400001",
    "01764400000",
    "+1764400000",
    "1764400000 ",
];
const BODIES: &[&str] = &[
    r#"{"case":"case_0190c0de00007000800000000000cafe","state":"GRANTED"}"#,
    "1764400000.{}",
    "",
];

fn verifier() -> NoticeVerifier {
    NoticeVerifier {
        upstream: "sandbox".parse().unwrap(),
        keys: vec![NoticeKey::parse(&Redacted::new(SECRET.to_owned())).unwrap()],
        tolerance: Duration::from_secs(300),
    }
}

proptest! {
    #![proptest_config(tries(3_000, "tests/fuzz/callbacks.txt"))]

    #[test]
    fn only_what_was_signed_is_accepted(
        id in near(IDS), body in near(BODIES),
        claimed_id in near(IDS), claimed_time in near(TIMES), claimed_body in near(BODIES),
        moved in 0..4_u8, late in -400..400_i64,
    ) {
        let key = SigningKey::parse(&Redacted::new(SECRET.to_owned())).unwrap();
        let signature = key.sign(&id, SIGNED_AT, body.as_bytes());
        let time = SIGNED_AT.to_string();
        // changed in one place, or what stands on either side of a boundary pushed over it
        let (claimed_id, claimed_time, claimed_body) = match moved {
            0 => (claimed_id, time, body.clone()),
            1 => (id.clone(), claimed_time, body.clone()),
            2 => (id.clone(), time, claimed_body),
            _ => match body.split_once('.') {
                Some((first, rest)) => (format!("{id}.{time}"), first.to_owned(), rest.to_owned()),
                None => (id.clone(), time, body.clone()),
            },
        };
        let headers = NoticeHeaders {
            id: Some(&claimed_id),
            timestamp: Some(&claimed_time),
            signature: Some(&signature),
        };
        let now = DateTime::from_timestamp(SIGNED_AT + late, 0).unwrap();
        if let Ok(notice) = verifier().verify(headers, claimed_body.as_bytes(), now) {
            prop_assert_eq!(notice.id(), id.trim());
            prop_assert_eq!(notice.body(), body.as_bytes());
            prop_assert_eq!(notice.signed_at().timestamp(), SIGNED_AT);
            prop_assert!(late.abs() <= 300, "{late}");
        }
    }

    #[test]
    fn no_headers_of_a_strangers_are_accepted(
        id in near(IDS), time in near(TIMES), signature in near(&["v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "v1a,", "v1, v1,"]),
        body in near(BODIES),
    ) {
        let headers = NoticeHeaders { id: Some(&id), timestamp: Some(&time), signature: Some(&signature) };
        let now = DateTime::from_timestamp(SIGNED_AT, 0).unwrap();
        prop_assert!(verifier().verify(headers, body.as_bytes(), now).is_err());
    }
}
