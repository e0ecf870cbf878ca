//! Several issuers at once, each with its keys, its algorithm and its words; RFC 8725 over real HTTP.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use futures_util::future::join_all;
use onedoor::clock::HeldClock;
use serde_json::{Value, json};

use crate::harness::app::{MONDAY_AT_TEN, TestApp};
use crate::harness::oidc::OidcIssuer;
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, until};
use crate::harness::world::World;

pub(super) const ISSUERS: &str = "ONEDOOR__AUTH__ISSUERS";
pub(super) const WHO: &str = "{ viewer { kind subject } }";
/// Staff of the city, in words of their own.
pub(super) const STAFF: &str = r#"roles = ["clerk", "officer", "security-admin"],
    claims = { role = "realm_access.roles", organization = "dept" },
    role_values = { window = "clerk", decider = "officer", security = "security-admin", audit = "audit-admin" },
    organization_values = { "D-7" = "BB-MCA" }"#;

fn line(table: &str) -> String {
    table.replace('\n', " ")
}

/// One gateway that knows one issuer of staff, called `staff`.
async fn with_staff(world: &World, issuer: &OidcIssuer, clock: &HeldClock, more: &[(&str, &str)]) -> TestApp {
    let issuers = format!("[{}]", line(&issuer.table("staff", STAFF)));
    let mut settings = vec![(ISSUERS, issuers.as_str())];
    settings.extend(more);
    TestApp::start_with(world, clock.clone(), &settings).await
}

fn clerk() -> Value {
    json!({ "sub": "u-1", "realm_access": { "roles": ["offline_access", "window"] }, "dept": "D-7" })
}

/// The clerk, with something else beside it or in its place.
fn clerk_but(change: &Value) -> Value {
    let mut claims = clerk();
    for (name, value) in change.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

async fn status(app: &TestApp, token: &str) -> (u16, String) {
    let answer = app.anybody().bearing(token).ask(WHO, json!({})).await;
    let code = answer.codes().first().map_or("", |code| *code).to_owned();
    (answer.status, code)
}

async fn is_refused(app: &TestApp, token: &str) -> bool {
    status(app, token).await == (401, "UNAUTHENTICATED".to_owned())
}

story!(
    /// Each issuer's tokens make only what it may vouch for, and nobody is taken for another issuer's subject.
    several_issuers_vouch_for_different_people,
    async |world| {
        let clock = HeldClock::at(MONDAY_AT_TEN.parse().unwrap());
        let (staff, residents) = (OidcIssuer::open(&clock).await, OidcIssuer::open(&clock).await);
        let issuers = format!(
            "[{}, {}]",
            line(&staff.table("staff", STAFF)),
            line(&residents.table("residents", r#"roles = ["citizen"]"#))
        );
        let app = TestApp::start_with(world, clock, &[(ISSUERS, &issuers)]).await;
        let who = async |token: &str| app.anybody().bearing(token).data(WHO, json!({})).await["viewer"].clone();
        assert_eq!(
            who(&staff.token(&clerk())).await,
            json!({ "kind": "CLERK", "subject": "staff/u-1" })
        );
        assert_eq!(
            who(&residents.token(&json!({ "sub": "u-1", "role": "citizen" }))).await,
            json!({ "kind": "CITIZEN", "subject": "residents/u-1" })
        );
        assert_eq!(who(&app.actors.citizen("u-1")).await["subject"], "u-1");
        let many = |roles: &[&str]| clerk_but(&json!({ "realm_access": { "roles": roles } }));
        for (what, token) in [
            ("a resident as officer", residents.token(&json!({ "sub": "u", "role": "officer", "organization": "BB-MCA" }))),
            ("a resident's issuer in staff's name", residents.token(&json!({ "iss": staff.url(), "sub": "u", "role": "citizen" }))),
            ("an issuer that nobody knows", staff.token(&clerk_but(&json!({ "iss": "https://elsewhere.example" })))),
            ("two roles", staff.token(&many(&["window", "decider"]))),
            ("two administrators", staff.token(&many(&["security", "audit"]))),
            ("an administrator that is not allowed", staff.token(&many(&["audit"]))),
            ("a word that means no role", staff.token(&many(&["clerk"]))),
            ("a subject of another issuer", app.actors.citizen("staff/u-1")),
        ] {
            assert!(is_refused(&app, &token).await, "{what}");
        }
        app.stop(world).await;
    }
);

story!(
    /// What a token says of its own algorithm, key and type decides nothing.
    a_token_decides_nothing_about_how_it_is_checked,
    async |world| {
        let clock = HeldClock::at(MONDAY_AT_TEN.parse().unwrap());
        let issuer = OidcIssuer::open(&clock).await;
        let app = with_staff(world, &issuer, &clock, &[]).await;
        let good = issuer.token(&clerk());
        assert_eq!(status(&app, &good).await.0, 200);
        let under = |header: Value| issuer.token_under(&header, &clerk());
        let hs256 = under(json!({ "alg": "HS256" }));
        let body = hs256.rsplit_once('.').unwrap().0;
        let key = hmac::Key::new(hmac::HMAC_SHA256, &issuer.public_key());
        let mac = hmac::sign(&key, body.as_bytes());
        let none = under(json!({ "alg": "none" }));
        let x = URL_SAFE_NO_PAD.encode(issuer.public_key());
        let now = clock_s(&clock);
        for (what, token) in [
            ("public key as secret", format!("{body}.{}", URL_SAFE_NO_PAD.encode(mac.as_ref()))),
            ("no signature", format!("{}.", none.rsplit_once('.').unwrap().0)),
            ("none", none),
            ("a shared key of the set", under(json!({ "alg": "HS256", "kid": "shared" }))),
            ("another algorithm", under(json!({ "alg": "ES256" }))),
            ("a key of its own", under(json!({ "jwk": { "kty": "OKP", "crv": "Ed25519", "x": x } }))),
            ("a key elsewhere", under(json!({ "jku": "https://evil.example/jwks" }))),
            ("crit", under(json!({ "crit": ["exp"] }))),
            ("another type", under(json!({ "typ": "JWT" }))),
            ("for another service", issuer.token(&clerk_but(&json!({ "aud": "other" })))),
            ("over", issuer.token(&clerk_but(&json!({ "exp": now - 31 })))),
            ("not yet", issuer.token(&clerk_but(&json!({ "nbf": now + 31 })))),
            ("for a year", issuer.token(&clerk_but(&json!({ "exp": now + 31_536_000 })))),
            ("without nbf", issuer.token(&clerk_but(&json!({ "nbf": null })))),
            ("without sub", issuer.token(&clerk_but(&json!({ "sub": null })))),
        ] {
            assert!(is_refused(&app, &token).await, "{what}");
        }
        assert_eq!(issuer.asked("/jwks"), 1, "none of these made the issuer asked");
        app.stop(world).await;
    }
);

fn clock_s(clock: &HeldClock) -> i64 {
    onedoor::clock::Clock::now(clock).timestamp()
}

story!(
    /// A new key is published, signs, and the old one goes; nobody notices.
    keys_rotate_without_a_refused_request,
    async |world| {
        let clock = HeldClock::at(MONDAY_AT_TEN.parse().unwrap());
        let issuer = OidcIssuer::open(&clock).await;
        let settings = [
            ("ONEDOOR__AUTH__KEYS_COOLDOWN_S", "1"),
            ("ONEDOOR__AUTH__KEYS_REFRESH_S", "60"),
        ];
        let app = with_staff(world, &issuer, &clock, &settings).await;
        let old = issuer.token(&clerk());
        assert_eq!(status(&app, &old).await.0, 200);
        issuer.publish_new_key();
        issuer.sign_with_newest();
        let new = issuer.token(&clerk());
        clock.advance(TimeDelta::seconds(2));
        let both = join_all([&old, &new, &old, &new].map(|token| status(&app, token))).await;
        assert!(both.iter().all(|(status, _)| *status == 200), "{both:?}");
        issuer.retire_oldest_key();
        assert_eq!(status(&app, &old).await.0, 200, "it is known until the keys are read again");
        clock.advance(TimeDelta::seconds(61));
        until("the old key is gone", PATIENCE, async || {
            assert_eq!(status(&app, &new).await.0, 200, "the new key is good all the while");
            is_refused(&app, &old).await
        })
        .await;
        app.stop(world).await;
    }
);

story!(
    /// Made-up key ids are the cheapest flood there is: the issuer hears of it once in a cool-down.
    a_flood_of_unknown_keys_reaches_the_issuer_once,
    async |world| {
        let clock = HeldClock::at(MONDAY_AT_TEN.parse().unwrap());
        let issuer = OidcIssuer::open(&clock).await;
        // the loop that refreshes looks once in a cool-down too, which no story waits for
        let settings = [("ONEDOOR__AUTH__KEYS_COOLDOWN_S", "300")];
        let app = with_staff(world, &issuer, &clock, &settings).await;
        assert_eq!(status(&app, &issuer.token(&clerk())).await.0, 200);
        let flood = async || {
            let tokens: Vec<String> = (0..60)
                .map(|number| issuer.token_under(&json!({ "kid": format!("made-up-{number}") }), &clerk()))
                .collect();
            let answers = join_all(tokens.iter().map(|token| is_refused(&app, token))).await;
            assert!(answers.iter().all(|refused| *refused));
        };
        flood().await;
        assert_eq!(issuer.asked("/jwks"), 1, "it was asked a moment ago");
        clock.advance(TimeDelta::seconds(301));
        flood().await;
        assert_eq!(issuer.asked("/jwks"), 2, "once for all sixty");
        app.stop(world).await;
    }
);

story!(
    /// Known keys go on verifying while their issuer is down, but not for ever; then callers are told to come again.
    an_issuer_that_is_down_is_outlived_for_a_time,
    async |world| {
        let clock = HeldClock::at(MONDAY_AT_TEN.parse().unwrap());
        let issuer = OidcIssuer::open(&clock).await;
        let settings = [
            ("ONEDOOR__AUTH__KEYS_COOLDOWN_S", "1"),
            ("ONEDOOR__AUTH__KEYS_REFRESH_S", "60"),
            ("ONEDOOR__AUTH__KEYS_KEEP_S", "3600"),
        ];
        let app = with_staff(world, &issuer, &clock, &settings).await;
        let token = || issuer.token(&clerk());
        assert_eq!(status(&app, &token()).await.0, 200);
        issuer.set_down(true);
        clock.advance(TimeDelta::minutes(59));
        assert_eq!(status(&app, &token()).await.0, 200);
        clock.advance(TimeDelta::minutes(2));
        let (code, what) = status(&app, &token()).await;
        assert_eq!((code, what.as_str()), (502, "UPSTREAM_UNAVAILABLE"));
        issuer.set_down(false);
        clock.advance(TimeDelta::seconds(2));
        assert_eq!(status(&app, &token()).await.0, 200);
        app.stop(world).await;
    }
);
