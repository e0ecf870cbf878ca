//! Signature vectors of the Standard Webhooks libraries, and every way in which a notice can be false.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::secret::Redacted;
use crate::upstream::signing::{KeyError, SigningKey, SigningKeyError};

/// The example of the specification's libraries.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const TIME: &str = "1614265330";
const BODY: &[u8] = br#"{"test": 2432232314}"#;
const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).expect("instant")
}

fn signed_at() -> DateTime<Utc> {
    at(1_614_265_330)
}

fn key(text: &str) -> NoticeKey {
    NoticeKey::parse(&Redacted::new(text.to_owned())).expect("key")
}

fn verifier(keys: &[&str]) -> NoticeVerifier {
    NoticeVerifier {
        upstream: "sandbox".parse().expect("name"),
        keys: keys.iter().map(|text| key(text)).collect(),
        tolerance: Duration::from_secs(300),
    }
}

const fn headers(signature: &str) -> NoticeHeaders<'_> {
    NoticeHeaders {
        id: Some(ID),
        timestamp: Some(TIME),
        signature: Some(signature),
    }
}

#[test]
fn the_published_vectors_verify() {
    let notice = verifier(&[SECRET])
        .verify(headers(SIGNATURE), BODY, signed_at())
        .expect("first vector");
    assert_eq!(
        (notice.id(), notice.signed_at(), notice.body()),
        (ID, signed_at(), BODY)
    );

    let second = NoticeHeaders {
        id: Some("msg_27UH4WbU6Z5A5EzD8u03UvzRbpk"),
        timestamp: Some("1649367553"),
        signature: Some("v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="),
    };
    let body = br#"{"email":"test@example.com","username":"test_user"}"#;
    let verifier = verifier(&["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"]);
    assert!(verifier.verify(second, body, at(1_649_367_553)).is_ok());
}

#[test]
fn our_own_signature_is_the_published_one() {
    let key = SigningKey::parse(&Redacted::new(SECRET.to_owned())).expect("key");
    assert_eq!(key.sign(ID, 1_614_265_330, BODY), SIGNATURE);
}

#[test]
fn our_secret_key_signs_as_rfc_8032_says_in_either_form_and_its_halves_belong_together() {
    let hex = |text: &str| hex::decode(text).expect("hex");
    // RFC 8032, 7.1, test 1: the pair and its signature of nothing; here our content is signed
    let seed = hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
    let public = hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    let written = |bytes: &[u8]| Redacted::new(format!("whsk_{}", STANDARD.encode(bytes)));
    let whole = [seed.as_slice(), &public].concat();
    let verifies = NoticeKey::Public(public.clone());
    for bytes in [seed.as_slice(), &whole] {
        let entry = SigningKey::parse(&written(bytes))
            .expect("key")
            .sign(ID, 1_614_265_330, BODY);
        assert!(verifies.verifies(&signed_content(ID, 1_614_265_330, BODY), &entry));
        assert!(!verifies.verifies(&signed_content(ID, 1_614_265_331, BODY), &entry));
    }
    let error = |bytes: &[u8]| SigningKey::parse(&written(bytes)).err();
    let mixed = [seed.as_slice(), &[1; 32]].concat();
    assert_eq!(error(&mixed), Some(SigningKeyError::Halves));
    assert_eq!(error(&[1; 31]), Some(KeyError::Length.into()));
    let public = Redacted::new(format!("whpk_{}", STANDARD.encode(public)));
    assert_eq!(SigningKey::parse(&public).err(), Some(SigningKeyError::Prefix));
    let key = SigningKey::parse(&written(&seed)).expect("key");
    assert_eq!(format!("{key:?}"), "SigningKey(***)");
}

#[test]
fn a_public_key_verifies_its_pair_alone() {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("pair");
    let signature = pair.sign(&signed_content(ID, 1_614_265_330, BODY));
    let entry = format!("v1a,{}", STANDARD.encode(signature));
    let public = format!("whpk_{}", STANDARD.encode(pair.public_key()));
    assert!(
        verifier(&[&public])
            .verify(headers(&entry), BODY, signed_at())
            .is_ok()
    );
    let altered = verifier(&[&public]).verify(headers(&entry), b"{}", signed_at());
    assert_eq!(altered.err(), Some(CallbackError::SignatureMismatch));
    let stranger = Ed25519KeyPair::from_seed_unchecked(&[8; 32]).expect("pair");
    let public = format!("whpk_{}", STANDARD.encode(stranger.public_key()));
    assert!(
        verifier(&[&public])
            .verify(headers(&entry), BODY, signed_at())
            .is_err()
    );
}

#[test]
fn while_rotating_any_listed_signature_and_any_key_will_do() {
    let list = format!("v1,AAAA v1a,BBBB v2,CCCC {SIGNATURE}");
    let other = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    assert!(
        verifier(&[other, SECRET])
            .verify(headers(&list), BODY, signed_at())
            .is_ok()
    );
}

#[test]
fn altered_bytes_do_not_verify() {
    let verifier = verifier(&[SECRET]);
    let check = |headers, body| verifier.verify(headers, body, signed_at()).err();
    let mismatch = Some(CallbackError::SignatureMismatch);
    assert_eq!(
        check(headers(SIGNATURE), br#"{"test": 2432232315}"#.as_slice()),
        mismatch
    );
    assert_eq!(check(headers(SIGNATURE), b"".as_slice()), mismatch);
    let other_id = NoticeHeaders {
        id: Some("msg_other"),
        ..headers(SIGNATURE)
    };
    assert_eq!(check(other_id, BODY), mismatch);
    let other_time = NoticeHeaders {
        timestamp: Some("1614265331"),
        ..headers(SIGNATURE)
    };
    assert_eq!(check(other_time, BODY), mismatch);
}

#[test]
fn false_signatures_do_not_verify() {
    let verifier = verifier(&[SECRET]);
    let false_ones = [
        "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        "v1,",
        "v1,g0hM9SsE",
        "v1, g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        "v1a,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        "V1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        "v1,h0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ",",
    ];
    for entry in false_ones {
        let found = verifier.verify(headers(entry), BODY, signed_at()).err();
        assert_eq!(found, Some(CallbackError::SignatureMismatch), "{entry}");
    }
    let wrong_secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    assert!(
        self::verifier(&[wrong_secret])
            .verify(headers(SIGNATURE), BODY, signed_at())
            .is_err()
    );
    assert!(
        self::verifier(&[])
            .verify(headers(SIGNATURE), BODY, signed_at())
            .is_err(),
        "no key at all"
    );
}

#[test]
fn stale_and_future_notices_are_refused_and_the_edges_are_not() {
    let verifier = verifier(&[SECRET]);
    let check = |offset_s| {
        let now = signed_at() + TimeDelta::seconds(offset_s);
        verifier.verify(headers(SIGNATURE), BODY, now).err()
    };
    assert_eq!(check(300), None);
    assert_eq!(check(301), Some(CallbackError::Stale));
    assert_eq!(check(-300), None);
    assert_eq!(check(-301), Some(CallbackError::Future));
}

#[test]
fn missing_long_and_malformed_headers_are_refused() {
    let verifier = verifier(&[SECRET]);
    let check = |headers| verifier.verify(headers, BODY, signed_at()).err();
    let good = headers(SIGNATURE);
    for (missing, name) in [
        (NoticeHeaders { id: None, ..good }, "webhook-id"),
        (
            NoticeHeaders {
                id: Some(" "),
                ..good
            },
            "webhook-id",
        ),
        (
            NoticeHeaders {
                timestamp: None,
                ..good
            },
            "webhook-timestamp",
        ),
        (
            NoticeHeaders {
                signature: None,
                ..good
            },
            "webhook-signature",
        ),
        (
            NoticeHeaders {
                signature: Some(""),
                ..good
            },
            "webhook-signature",
        ),
    ] {
        assert_eq!(
            check(missing),
            Some(CallbackError::HeaderMissing(name.to_owned()))
        );
    }
    let long = "a".repeat(SIGNATURE_LENGTH_MAX + 1);
    assert_eq!(
        check(headers(&long)),
        Some(CallbackError::HeaderTooLong("webhook-signature".to_owned()))
    );
    assert_eq!(
        check(NoticeHeaders {
            id: Some(&long),
            ..good
        }),
        Some(CallbackError::HeaderTooLong("webhook-id".to_owned()))
    );
    for time in [
        "now",
        "1614265330.5",
        "-1",
        "+1614265330",
        "01614265330",
        "0x1",
        "99999999999999999999",
    ] {
        let malformed = check(NoticeHeaders {
            timestamp: Some(time),
            ..good
        });
        assert_eq!(malformed, Some(CallbackError::TimestampMalformed), "{time}");
    }
}

#[test]
fn only_whole_keys_are_keys_and_they_are_never_shown() {
    let parse = |text: &str| NoticeKey::parse(&Redacted::new(text.to_owned())).err();
    assert_eq!(parse("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), Some(KeyError::Prefix));
    assert_eq!(parse("whsec_"), Some(KeyError::Length));
    assert_eq!(parse("whsec_c2hvcnQ="), Some(KeyError::Length));
    assert_eq!(parse("whsec_***"), Some(KeyError::Base64));
    assert_eq!(parse("whpk_c2hvcnQ="), Some(KeyError::Length));
    assert!(!format!("{:?}", key(SECRET)).contains("MfKQ"));
}

mod by_header {
    use std::net::IpAddr;

    use super::super::header::{
        HeaderStyle, HeaderVerifier, MacAlgorithm, MacEncoding, MacKey, TimestampUnit, signed_parts,
    };
    use super::super::{CallbackError, CallbackVerifier, Envelope, Proof, VerifiedNotice};
    use super::{Duration, Redacted, at, signed_at};

    /// The example of GitHub's documentation of its webhooks.
    const SECRET: &str = "It's a Secret to Everybody";
    const BODY: &[u8] = b"Hello, World!";
    const SIGNATURE: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    fn style(signed: &str) -> HeaderStyle {
        HeaderStyle {
            signature_header: "x-hub-signature-256".to_owned(),
            algorithm: MacAlgorithm::Sha256,
            encoding: MacEncoding::Hex,
            prefix: "sha256=".to_owned(),
            timestamp_header: signed.contains("{timestamp}").then(|| "x-time".to_owned()),
            timestamp_unit: TimestampUnit::Seconds,
            id_header: signed.contains("{id}").then(|| "x-id".to_owned()),
            signed: signed_parts(signed).expect("parts"),
        }
    }

    fn verifier(style: HeaderStyle, secrets: &[&str], addresses: &[&str]) -> CallbackVerifier {
        let key =
            |text: &&str| MacKey::new(style.algorithm, &Redacted::new((*text).to_owned())).expect("key");
        CallbackVerifier {
            upstream: "sandbox".parse().expect("name"),
            addresses: addresses
                .iter()
                .map(|text| text.parse().expect("range"))
                .collect(),
            proof: Proof::Header(HeaderVerifier {
                keys: secrets.iter().map(key).collect(),
                style,
                tolerance: Duration::from_secs(300),
            }),
        }
    }

    fn verify(
        verifier: &CallbackVerifier,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<VerifiedNotice, CallbackError> {
        let source: IpAddr = "10.34.3.9".parse().expect("address");
        let headers = headers.iter().map(|(name, value)| (*name, Some(*value)));
        verifier.verify(Envelope::new(source, headers), body, signed_at())
    }

    #[test]
    fn the_published_vector_verifies_and_nothing_else_does() {
        let old_and_new = verifier(style("{body}"), &["another secret of sixteen", SECRET], &[]);
        let good = ("x-hub-signature-256", SIGNATURE);
        let notice = verify(&old_and_new, &[good], BODY).expect("the vector");
        assert!(!notice.is_named());
        let upper = SIGNATURE.to_uppercase().replace("SHA256=", "sha256=");
        assert!(verify(&old_and_new, &[(good.0, &upper)], BODY).is_ok());
        let mismatch = Some(CallbackError::SignatureMismatch);
        assert_eq!(verify(&old_and_new, &[good], b"Hello, World?").err(), mismatch);
        let without_prefix = SIGNATURE.trim_start_matches("sha256=");
        assert_eq!(
            verify(&old_and_new, &[(good.0, without_prefix)], BODY).err(),
            mismatch
        );
        let missing = Some(CallbackError::HeaderMissing(good.0.to_owned()));
        assert_eq!(verify(&old_and_new, &[], BODY).err(), missing);
        assert_eq!(
            verify(&old_and_new, &[good, good], BODY).err(),
            missing,
            "twice says nothing"
        );
        let forged = verifier(style("{body}"), &["another secret of sixteen"], &[]);
        assert_eq!(verify(&forged, &[good], BODY).err(), mismatch);
    }

    #[test]
    fn time_and_identifier_are_believed_as_signed() {
        use aws_lc_rs::hmac;
        let mut with_both = style("{timestamp}.{id}.{body}");
        with_both.algorithm = MacAlgorithm::Sha512;
        let sign = |time: i64, id: &str| {
            let key = hmac::Key::new(hmac::HMAC_SHA512, SECRET.as_bytes());
            let tag = hmac::sign(&key, format!("{time}.{id}.Hello, World!").as_bytes());
            format!("sha256={}", hex::encode(tag))
        };
        let checked = verifier(with_both, &[SECRET], &[]);
        let ask = |signature: &str, time: &str, id: &str| {
            let headers = [("x-hub-signature-256", signature), ("x-time", time), ("x-id", id)];
            verify(&checked, &headers, BODY)
        };
        let now = signed_at().timestamp();
        let notice = ask(&sign(now, "e-1"), &now.to_string(), "e-1").expect("signed");
        assert_eq!(
            (notice.id(), notice.is_named(), notice.signed_at()),
            ("e-1", true, at(now))
        );
        assert_eq!(
            ask(&sign(now, "e-1"), &now.to_string(), "e-2").err(),
            Some(CallbackError::SignatureMismatch)
        );
        for (time, error) in [
            (now - 301, CallbackError::Stale),
            (now + 301, CallbackError::Future),
        ] {
            assert_eq!(
                ask(&sign(time, "e-1"), &time.to_string(), "e-1").err(),
                Some(error)
            );
        }
        assert_eq!(
            ask("sha256=00", "soon", "e-1").err(),
            Some(CallbackError::TimestampMalformed)
        );
    }

    #[test]
    fn an_address_outside_the_list_is_refused_whatever_it_signs() {
        let good = [("x-hub-signature-256", SIGNATURE)];
        let near = verifier(style("{body}"), &[SECRET], &["10.34.3.0/24"]);
        assert!(verify(&near, &good, BODY).is_ok());
        let far = verifier(style("{body}"), &[SECRET], &["10.34.4.0/24"]);
        assert_eq!(
            verify(&far, &good, BODY).err(),
            Some(CallbackError::AddressRefused)
        );
        let alone = |range: &str| CallbackVerifier {
            proof: Proof::Address,
            ..verifier(style("{body}"), &[SECRET], &[range])
        };
        assert!(verify(&alone("10.34.3.9"), &[], BODY).is_ok());
        assert_eq!(
            verify(&alone("10.34.3.8"), &[], BODY).err(),
            Some(CallbackError::AddressRefused)
        );
    }
}
