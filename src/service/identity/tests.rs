//! Claims become an actor, or are refused.

use super::*;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::TimeZone as _;
use futures_util::FutureExt as _;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use onedoor_domain::actor::ActorKind;
use serde_json::{Value, json};

use super::claims::Role;
use super::demo::{DEMO_ISSUER, DemoIssuer, TokenRequest};
use super::issuer::{Issuer, Issuers};
use crate::clock::Clock as _;
use crate::config::auth::AuthConfig;
use crate::config::{Config, ConfigInputs};
use crate::secret::Redacted;
use world::{MERGED, NOW_S, STATION, division, organization, request, world};

mod world;

#[test]
fn every_role_of_the_demo_issuer_becomes_its_actor() {
    let world = world();
    let station = Some(STATION.to_owned());
    for (role, kind) in [
        (Role::Kiosk, ActorKind::Kiosk),
        (Role::Clerk, ActorKind::Clerk),
        (Role::Officer, ActorKind::Officer),
    ] {
        let token = world.token(&TokenRequest {
            organization: station.clone(),
            approver: true,
            ..request(role)
        });
        let actor = world.caller(&token).unwrap().actor;
        assert_eq!(actor.kind, kind);
        assert_eq!(actor.organization, Some(organization(11)));
        let code = station.as_deref().unwrap_or_default().replace(':', ".");
        assert_eq!(
            actor.subject,
            format!("demo-{}.{code}", role.name()),
            "drafts and keys of two stations are apart"
        );
        assert_eq!(actor.division, Some(division(2)), "that of the organization");
        assert_eq!(actor.approver, kind == ActorKind::Officer);
    }
    let county = Some("340302000000".to_owned());
    let token = world.token(&TokenRequest {
        division: county,
        ..request(Role::Supervisor)
    });
    let supervisor = world.caller(&token).unwrap().actor;
    assert_eq!(supervisor.division, Some(division(1)));
    for (role, kind) in [
        (Role::Citizen, ActorKind::Citizen),
        (Role::Auditor, ActorKind::Auditor),
        (Role::SystemAdmin, ActorKind::SystemAdmin),
        (Role::SecurityAdmin, ActorKind::SecurityAdmin),
        (Role::AuditAdmin, ActorKind::AuditAdmin),
    ] {
        let caller = world.caller(&world.token(&request(role))).unwrap();
        assert_eq!(
            (caller.actor.kind, caller.actor.subject.as_str()),
            (kind, &*format!("demo-{}", role.name()))
        );
        assert_eq!(caller.expires_at.unwrap().timestamp(), NOW_S + 3_600);
    }
}

#[test]
fn without_a_token_the_caller_is_anonymous_but_a_bad_header_is_refused() {
    let world = world();
    assert_eq!(world.header(None).unwrap(), Authenticated::anonymous());
    for header in [
        "",
        "Bearer",
        "Basic dXNlcjpwYXNz",
        "Bearer ",
        "Bearer a.b.c",
        "Bearer ....",
        "Bearer 中文",
    ] {
        assert!(world.header(Some(header)).is_err(), "{header}");
    }
    let lower = format!("bearer  {}", world.citizen());
    assert!(world.header(Some(&lower)).is_ok());
}

#[test]
fn the_key_record_chooses_the_algorithm_and_the_key() {
    let world = world();
    let token = world.citizen();
    let (body, signature) = token.rsplit_once('.').unwrap();

    let none = world.forged(|header, _| header["alg"] = json!("none"));
    assert_eq!(world.refused(&none), "malformed");
    assert_eq!(
        world.refused(&format!("{}.", none.rsplit_once('.').unwrap().0)),
        "malformed"
    );

    let hs256 = world.forged(|header, _| header["alg"] = json!("HS256"));
    let hs256_body = hs256.rsplit_once('.').unwrap().0;
    let mac = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, &world.public),
        hs256_body.as_bytes(),
    );
    let confused = format!("{hs256_body}.{}", URL_SAFE_NO_PAD.encode(mac.as_ref()));
    assert_eq!(world.refused(&confused), "algorithm");
    assert_eq!(
        world.refused(&world.forged(|header, _| header["alg"] = json!("ES256"))),
        "algorithm"
    );

    let other = DemoIssuer::from_seed(&Redacted::new([8; 32])).unwrap();
    let theirs = other
        .issue(&request(Role::Citizen), &world.auth, world.clock.now())
        .unwrap();
    assert_eq!(world.refused(&theirs), "key_id");
    let (_, their_signature) = theirs.rsplit_once('.').unwrap();
    assert_eq!(world.refused(&format!("{body}.{their_signature}")), "signature");

    let admin = world.with_claim("role", json!("admin"));
    let (admin_body, _) = admin.rsplit_once('.').unwrap();
    assert_eq!(
        world.refused(&format!("{admin_body}.{signature}")),
        "signature",
        "tampered payload"
    );
    assert_eq!(world.refused(&format!("{body}.")), "signature");
    assert_eq!(world.refused(&format!("{body}.{signature}.x")), "malformed");
}

#[test]
fn keys_in_or_behind_the_token_are_refused_and_its_type_is_checked() {
    let world = world();
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(&world.public)});
    for (name, value) in [
        ("jku", json!("https://evil.example/keys")),
        ("x5u", json!("https://evil.example/cert")),
        ("jwk", jwk),
        ("x5c", json!(["MIIB"])),
        ("crit", json!(["b64"])),
        ("zip", json!("DEF")),
    ] {
        assert_eq!(
            world.refused(&world.forged(|header, _| header[name] = value)),
            "header",
            "{name}"
        );
    }
    assert_eq!(
        world.refused(&world.forged(|header, _| header["kid"] = json!("other"))),
        "key_id"
    );
    let no_kid = world.forged(|header, _| {
        header.as_object_mut().unwrap().remove("kid");
    });
    assert_eq!(world.refused(&no_kid), "key_id");
    for typ in [json!("JWT"), json!("id+jwt"), Value::Null] {
        assert_eq!(
            world.refused(&world.forged(|header, _| header["typ"] = typ)),
            "type"
        );
    }
    let long_form = world.forged(|header, _| header["typ"] = json!("application/AT+JWT"));
    assert!(world.caller(&long_form).is_ok());
}

#[test]
fn required_claims_issuer_and_audience_are_checked() {
    let world = world();
    for claim in ["exp", "nbf", "iss", "aud", "sub", "role"] {
        assert_eq!(
            world.refused(&world.without_claim(claim)),
            "claims",
            "without {claim}"
        );
        assert_eq!(
            world.refused(&world.with_claim(claim, Value::Null)),
            "claims",
            "{claim}: null"
        );
    }
    assert_eq!(
        world.refused(&world.with_claim("exp", json!("tomorrow"))),
        "claims"
    );
    assert_eq!(
        world.refused(&world.with_claim("iss", json!("https://other.example"))),
        "issuer"
    );
    assert_eq!(
        world.refused(&world.with_claim("iss", json!([DEMO_ISSUER, "x"]))),
        "claims"
    );
    assert_eq!(
        world.refused(&world.with_claim("aud", json!("other"))),
        "audience"
    );
    assert_eq!(
        world.refused(&world.with_claim("aud", json!(["other"]))),
        "audience"
    );
    assert!(
        world
            .caller(&world.with_claim("aud", json!(["other", "onedoor"])))
            .is_ok()
    );
    assert_eq!(world.refused(&world.with_claim("sub", json!(""))), "subject");
    assert_eq!(
        world.refused(&world.with_claim("sub", json!("x".repeat(129)))),
        "subject"
    );
    assert_eq!(world.refused(&world.with_claim("sub", json!("a\nb"))), "subject");
}

#[test]
fn a_token_lives_from_nbf_to_exp_by_our_own_clock_with_its_leeway() {
    let world = world();
    let token = world.citizen();
    let at = |seconds: i64| world.clock.set(Utc.timestamp_opt(NOW_S + seconds, 0).unwrap());
    at(-30);
    assert!(world.caller(&token).is_ok());
    at(-31);
    assert_eq!(world.refused(&token), "not_yet_valid");
    at(3_600 + 29);
    assert!(world.caller(&token).is_ok());
    at(3_600 + 30);
    assert_eq!(world.refused(&token), "expired");
}

#[test]
fn a_role_says_what_it_must_and_codes_must_exist() {
    let world = world();
    assert_eq!(
        world.refused(&world.with_claim("role", json!("root"))),
        "unknown_role"
    );
    assert_eq!(
        world.refused(&world.with_claim("role", json!("Citizen"))),
        "unknown_role"
    );
    for role in ["clerk", "officer", "kiosk"] {
        assert_eq!(
            world.refused(&world.with_claim("role", json!(role))),
            "missing_organization",
            "{role}"
        );
    }
    assert_eq!(
        world.refused(&world.with_claim("role", json!("supervisor"))),
        "missing_division"
    );
    assert_eq!(
        world.refused(&world.with_claim("organization", json!("BB-NO"))),
        "unknown_organization"
    );
    let nowhere = world.forged(|_, claims| {
        claims["role"] = json!("supervisor");
        claims["division"] = json!("000000000000");
    });
    assert_eq!(world.refused(&nowhere), "unknown_division");
    let text = world.metrics.text().unwrap();
    assert!(
        text.contains(r#"onedoor_tokens_refused_total{reason="missing_organization"} 3"#),
        "{text}"
    );
}

#[test]
fn a_merged_organization_means_its_successor_and_no_claim_moves_an_organization() {
    let world = world();
    let clerk = world.forged(|_, claims| {
        claims["role"] = json!("clerk");
        claims["organization"] = json!(MERGED);
        claims["division"] = json!("340302000000");
    });
    let actor = world.caller(&clerk).unwrap().actor;
    assert_eq!(
        (actor.organization, actor.division),
        (Some(organization(11)), Some(division(2)))
    );
}

#[test]
fn a_huge_token_is_refused_unread() {
    let world = world();
    let token = world.with_claim("note", json!("x".repeat(100_000)));
    assert_eq!(world.refused(&token), "too_long");
}

#[test]
fn an_es256_key_file_is_read_and_other_keys_are_not() {
    verifier::install_crypto();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.pem");
    let auth = Config::load(&ConfigInputs {
        demo: true,
        ..ConfigInputs::default()
    })
    .unwrap()
    .auth;
    let auth = |algorithm| AuthConfig {
        issuer: "https://id.example".to_owned(),
        key_id: "one".to_owned(),
        public_key_file: path.clone(),
        algorithm,
        ..auth.clone()
    };
    use crate::config::auth::TokenAlgorithm::{ES256, EdDSA};
    assert!(Issuer::of_key_file(&auth(ES256)).is_err(), "absent");
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let spki = AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()).unwrap();
    let pem = STANDARD.encode(spki.as_ref());
    std::fs::write(
        &path,
        format!("-----BEGIN PUBLIC KEY-----\n{pem}\n-----END PUBLIC KEY-----\n"),
    )
    .unwrap();
    assert!(Issuer::of_key_file(&auth(EdDSA)).is_err(), "another kind of key");
    let issuer = Issuer::of_key_file(&auth(ES256)).unwrap();
    let header = Header {
        typ: Some("at+jwt".to_owned()),
        kid: Some("one".to_owned()),
        ..Header::new(Algorithm::ES256)
    };
    let claims = json!({
        "iss": "https://id.example", "aud": "onedoor", "sub": "zhang", "role": "citizen",
        "nbf": NOW_S, "exp": NOW_S + 60,
    });
    let key = EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref());
    let token = jsonwebtoken::encode(&header, &claims, &key).unwrap();
    let now = Utc.timestamp_opt(NOW_S, 0).unwrap();
    let issuers = Issuers::new(vec![issuer], 8_192);
    let accepted = issuers.accept(&token, now).now_or_never().unwrap().unwrap();
    assert_eq!(accepted.claims.subject, "zhang");
}
