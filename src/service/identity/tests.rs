//! Claims become an actor, or are refused.

use super::*;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::TimeZone as _;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use onedoor_domain::actor::ActorKind;
use serde_json::{Value, json};
use uuid::Uuid;

use super::claims::Role;
use super::demo::{DEMO_ISSUER, DemoIssuer, TokenRequest};
use crate::clock::{Clock as _, HeldClock};
use crate::config::auth::AuthConfig;
use crate::config::{Config, ConfigInputs};
use crate::secret::Redacted;

const NOW_S: i64 = 1_790_000_000;
const STATION: &str = "340302001001:village.station";

struct Directory;

impl CodeDirectory for Directory {
    fn organization_by_code<'a>(
        &'a self,
        code: &'a str,
    ) -> BoxFuture<'a, Result<Option<DeskPlace>, AppError>> {
        let place = DeskPlace {
            organization: OrganizationId::from_uuid(Uuid::from_u128(1)),
            division: DivisionId::from_uuid(Uuid::from_u128(2)),
        };
        Box::pin(async move { Ok((code == STATION).then_some(place)) })
    }

    fn division_by_code<'a>(&'a self, code: &'a str) -> BoxFuture<'a, Result<Option<DivisionId>, AppError>> {
        Box::pin(
            async move { Ok((code == "340302000000").then_some(DivisionId::from_uuid(Uuid::from_u128(3)))) },
        )
    }
}

struct World {
    auth: AuthConfig,
    issuer: DemoIssuer,
    pkcs8: Vec<u8>,
    public: Vec<u8>,
    clock: HeldClock,
    metrics: Metrics,
    authenticator: TokenAuthenticator,
}

fn world() -> World {
    verifier::install_crypto();
    verifier::self_test().unwrap();
    let auth = Config::load(&ConfigInputs {
        demo: true,
        ..ConfigInputs::default()
    })
    .unwrap()
    .auth;
    let seed = Redacted::new([7; 32]);
    let pair = aws_lc_rs::signature::Ed25519KeyPair::from_seed_unchecked(seed.expose()).unwrap();
    let issuer = DemoIssuer::from_seed(&seed).unwrap();
    let clock = HeldClock::at(Utc.timestamp_opt(NOW_S, 0).unwrap());
    let metrics = Metrics::default();
    let authenticator = TokenAuthenticator::new(
        issuer.verifier(&auth),
        Arc::new(Directory),
        Arc::new(clock.clone()),
        &metrics,
    )
    .unwrap();
    World {
        auth,
        issuer,
        pkcs8: pair.to_pkcs8().unwrap().as_ref().to_vec(),
        public: pair.public_key().as_ref().to_vec(),
        clock,
        metrics,
        authenticator,
    }
}

fn request(role: Role) -> TokenRequest {
    TokenRequest {
        role,
        subject: None,
        organization: None,
        division: None,
        approver: false,
        lifetime: chrono::TimeDelta::hours(1),
    }
}

impl World {
    fn token(&self, request: &TokenRequest) -> String {
        self.issuer.issue(request, &self.auth, self.clock.now()).unwrap()
    }

    fn citizen(&self) -> String {
        self.token(&request(Role::Citizen))
    }

    /// Header and claims of a good citizen's token, changed, and signed with the right key all the same.
    fn forged(&self, change: impl FnOnce(&mut Value, &mut Value)) -> String {
        let token = self.citizen();
        let mut parts = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap());
        let mut header: Value = serde_json::from_slice(&parts.next().unwrap()).unwrap();
        let mut claims: Value = serde_json::from_slice(&parts.next().unwrap()).unwrap();
        change(&mut header, &mut claims);
        let body = [header, claims]
            .map(|part| URL_SAFE_NO_PAD.encode(part.to_string()))
            .join(".");
        let key = EncodingKey::from_ed_der(&self.pkcs8);
        let signature = jsonwebtoken::crypto::sign(body.as_bytes(), &key, Algorithm::EdDSA).unwrap();
        format!("{body}.{signature}")
    }

    fn with_claim(&self, name: &str, value: Value) -> String {
        self.forged(|_, claims| claims[name] = value)
    }

    fn without_claim(&self, name: &str) -> String {
        self.forged(|_, claims| {
            claims.as_object_mut().unwrap().remove(name);
        })
    }

    async fn caller(&self, token: &str) -> Result<Authenticated, AppError> {
        self.authenticator.caller(Some(&format!("Bearer {token}"))).await
    }

    async fn refused(&self, token: &str) -> &'static str {
        let error = self.caller(token).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::Unauthenticated);
        assert!(
            error.detail.is_none(),
            "the caller only learns that the token is refused"
        );
        error
            .source
            .unwrap()
            .downcast_ref::<TokenRefusal>()
            .unwrap()
            .reason()
    }
}

#[tokio::test]
async fn every_role_of_the_demo_issuer_becomes_its_actor() {
    let world = world();
    let organization = Some(STATION.to_owned());
    for (role, kind) in [
        (Role::Kiosk, ActorKind::Kiosk),
        (Role::Clerk, ActorKind::Clerk),
        (Role::Officer, ActorKind::Officer),
    ] {
        let token = world.token(&TokenRequest {
            organization: organization.clone(),
            approver: true,
            ..request(role)
        });
        let actor = world.caller(&token).await.unwrap().actor;
        assert_eq!(actor.kind, kind);
        assert_eq!(
            actor.organization,
            Some(OrganizationId::from_uuid(Uuid::from_u128(1)))
        );
        assert_eq!(
            actor.division,
            Some(DivisionId::from_uuid(Uuid::from_u128(2))),
            "that of the organization"
        );
        assert_eq!(actor.approver, kind == ActorKind::Officer);
    }
    let division = Some("340302000000".to_owned());
    let token = world.token(&TokenRequest {
        division,
        ..request(Role::Supervisor)
    });
    let supervisor = world.caller(&token).await.unwrap().actor;
    assert_eq!(
        supervisor.division,
        Some(DivisionId::from_uuid(Uuid::from_u128(3)))
    );
    for (role, kind) in [
        (Role::Citizen, ActorKind::Citizen),
        (Role::Auditor, ActorKind::Auditor),
        (Role::Admin, ActorKind::Admin),
    ] {
        let caller = world.caller(&world.token(&request(role))).await.unwrap();
        assert_eq!(
            (caller.actor.kind, caller.actor.subject.as_str()),
            (kind, &*format!("demo-{}", role.name()))
        );
        assert_eq!(caller.expires_at.unwrap().timestamp(), NOW_S + 3_600);
    }
}

#[tokio::test]
async fn without_a_token_the_caller_is_anonymous_but_a_bad_header_is_refused() {
    let world = world();
    assert_eq!(
        world.authenticator.caller(None).await.unwrap(),
        Authenticated::anonymous()
    );
    for header in [
        "",
        "Bearer",
        "Basic dXNlcjpwYXNz",
        "Bearer ",
        "Bearer a.b.c",
        "Bearer ....",
        "Bearer 中文",
    ] {
        assert!(
            world.authenticator.caller(Some(header)).await.is_err(),
            "{header}"
        );
    }
    let lower = format!("bearer  {}", world.citizen());
    assert!(world.authenticator.caller(Some(&lower)).await.is_ok());
}

#[tokio::test]
async fn the_key_record_chooses_the_algorithm_and_the_key() {
    let world = world();
    let token = world.citizen();
    let (body, signature) = token.rsplit_once('.').unwrap();

    let none = world.forged(|header, _| header["alg"] = json!("none"));
    assert_eq!(world.refused(&none).await, "malformed");
    assert_eq!(
        world
            .refused(&format!("{}.", none.rsplit_once('.').unwrap().0))
            .await,
        "malformed"
    );

    let hs256 = world.forged(|header, _| header["alg"] = json!("HS256"));
    let hs256_body = hs256.rsplit_once('.').unwrap().0;
    let mac = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, &world.public),
        hs256_body.as_bytes(),
    );
    let confused = format!("{hs256_body}.{}", URL_SAFE_NO_PAD.encode(mac.as_ref()));
    assert_eq!(world.refused(&confused).await, "algorithm");
    assert_eq!(
        world
            .refused(&world.forged(|header, _| header["alg"] = json!("ES256")))
            .await,
        "algorithm"
    );

    let other = DemoIssuer::from_seed(&Redacted::new([8; 32])).unwrap();
    let theirs = other
        .issue(&request(Role::Citizen), &world.auth, world.clock.now())
        .unwrap();
    assert_eq!(world.refused(&theirs).await, "key_id");
    let (_, their_signature) = theirs.rsplit_once('.').unwrap();
    assert_eq!(
        world.refused(&format!("{body}.{their_signature}")).await,
        "signature"
    );

    let admin = world.with_claim("role", json!("admin"));
    let (admin_body, _) = admin.rsplit_once('.').unwrap();
    assert_eq!(
        world.refused(&format!("{admin_body}.{signature}")).await,
        "signature",
        "tampered payload"
    );
    assert_eq!(world.refused(&format!("{body}.")).await, "signature");
    assert_eq!(world.refused(&format!("{body}.{signature}.x")).await, "malformed");
}

#[tokio::test]
async fn keys_in_or_behind_the_token_are_refused_and_its_type_is_checked() {
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
            world
                .refused(&world.forged(|header, _| header[name] = value))
                .await,
            "header",
            "{name}"
        );
    }
    assert_eq!(
        world
            .refused(&world.forged(|header, _| header["kid"] = json!("other")))
            .await,
        "key_id"
    );
    let no_kid = world.forged(|header, _| {
        header.as_object_mut().unwrap().remove("kid");
    });
    assert_eq!(world.refused(&no_kid).await, "key_id");
    for typ in [json!("JWT"), json!("id+jwt"), Value::Null] {
        assert_eq!(
            world
                .refused(&world.forged(|header, _| header["typ"] = typ))
                .await,
            "type"
        );
    }
    let long_form = world.forged(|header, _| header["typ"] = json!("application/AT+JWT"));
    assert!(world.caller(&long_form).await.is_ok());
}

#[tokio::test]
async fn required_claims_issuer_and_audience_are_checked() {
    let world = world();
    for claim in ["exp", "nbf", "iss", "aud", "sub", "role"] {
        assert_eq!(
            world.refused(&world.without_claim(claim)).await,
            "claims",
            "without {claim}"
        );
        assert_eq!(
            world.refused(&world.with_claim(claim, Value::Null)).await,
            "claims",
            "{claim}: null"
        );
    }
    assert_eq!(
        world.refused(&world.with_claim("exp", json!("tomorrow"))).await,
        "claims"
    );
    assert_eq!(
        world
            .refused(&world.with_claim("iss", json!("https://other.example")))
            .await,
        "issuer"
    );
    assert_eq!(
        world
            .refused(&world.with_claim("iss", json!([DEMO_ISSUER, "x"])))
            .await,
        "claims"
    );
    assert_eq!(
        world.refused(&world.with_claim("aud", json!("other"))).await,
        "audience"
    );
    assert_eq!(
        world.refused(&world.with_claim("aud", json!(["other"]))).await,
        "audience"
    );
    assert!(
        world
            .caller(&world.with_claim("aud", json!(["other", "onedoor"])))
            .await
            .is_ok()
    );
    assert_eq!(
        world.refused(&world.with_claim("sub", json!(""))).await,
        "subject"
    );
    assert_eq!(
        world
            .refused(&world.with_claim("sub", json!("x".repeat(129))))
            .await,
        "subject"
    );
    assert_eq!(
        world.refused(&world.with_claim("sub", json!("a\nb"))).await,
        "subject"
    );
}

#[tokio::test]
async fn a_token_lives_from_nbf_to_exp_by_our_own_clock_with_its_leeway() {
    let world = world();
    let token = world.citizen();
    let at = |seconds: i64| world.clock.set(Utc.timestamp_opt(NOW_S + seconds, 0).unwrap());
    at(-30);
    assert!(world.caller(&token).await.is_ok());
    at(-31);
    assert_eq!(world.refused(&token).await, "not_yet_valid");
    at(3_600 + 29);
    assert!(world.caller(&token).await.is_ok());
    at(3_600 + 30);
    assert_eq!(world.refused(&token).await, "expired");
}

#[tokio::test]
async fn a_role_says_what_it_must_and_codes_must_exist() {
    let world = world();
    assert_eq!(
        world.refused(&world.with_claim("role", json!("root"))).await,
        "unknown_role"
    );
    assert_eq!(
        world.refused(&world.with_claim("role", json!("Citizen"))).await,
        "unknown_role"
    );
    for role in ["clerk", "officer", "kiosk"] {
        assert_eq!(
            world.refused(&world.with_claim("role", json!(role))).await,
            "missing_organization",
            "{role}"
        );
    }
    assert_eq!(
        world
            .refused(&world.with_claim("role", json!("supervisor")))
            .await,
        "missing_division"
    );
    assert_eq!(
        world
            .refused(&world.with_claim("organization", json!("BB-NO")))
            .await,
        "unknown_organization"
    );
    assert_eq!(
        world
            .refused(&world.with_claim("division", json!("000000000000")))
            .await,
        "unknown_division"
    );
    let text = world.metrics.text().unwrap();
    assert!(
        text.contains(r#"onedoor_tokens_refused_total{reason="missing_organization"} 3"#),
        "{text}"
    );
}

#[tokio::test]
async fn a_huge_token_is_refused_unread() {
    let world = world();
    let token = world.with_claim("note", json!("x".repeat(100_000)));
    assert_eq!(world.refused(&token).await, "too_long");
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
    assert!(TokenVerifier::from_key_file(&auth(ES256)).is_err(), "absent");
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let spki = AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()).unwrap();
    let pem = STANDARD.encode(spki.as_ref());
    std::fs::write(
        &path,
        format!("-----BEGIN PUBLIC KEY-----\n{pem}\n-----END PUBLIC KEY-----\n"),
    )
    .unwrap();
    assert!(
        TokenVerifier::from_key_file(&auth(EdDSA)).is_err(),
        "another kind of key"
    );
    let verifier = TokenVerifier::from_key_file(&auth(ES256)).unwrap();
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
    let claims = verifier
        .verify(&token, Utc.timestamp_opt(NOW_S, 0).unwrap())
        .unwrap();
    assert_eq!(claims.subject, "zhang");
}
