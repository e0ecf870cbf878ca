//! Browsers sign in by an issuer: code and PKCE, sessions in the database, and what is tried against them.

use chrono::TimeDelta;
use onedoor::clock::HeldClock;
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};

use super::issuers::{ISSUERS, STAFF, WHO};
use crate::harness::app::{MONDAY_AT_TEN, TestApp};
use crate::harness::browser::{Browser, Loaded};
use crate::harness::oidc::{CLIENT, OidcIssuer};
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, until};
use crate::harness::world::World;

const PREFLIGHT: (&str, &str) = ("graphql-require-preflight", "1");

pub(super) fn settings(issuer: &OidcIssuer) -> String {
    let more = format!("{STAFF}, client_id = \"{CLIENT}\"");
    format!("[{}]", issuer.table("staff", &more).replace('\n', " "))
}

pub(super) fn clerk() -> Value {
    json!({ "sub": "u-1", "realm_access": { "roles": ["window"] }, "dept": "D-7" })
}

/// Goes from the login to the issuer and gives where the issuer sends the browser back to.
async fn to_the_issuer(browser: &Browser, to: &str) -> String {
    let login = browser.load(&format!("/session/login?to={to}")).await;
    assert_eq!(login.status, 303, "{}", login.body);
    browser.load(&login.location()).await.location()
}

/// Signs in and gives the last page.
pub(super) async fn sign_in(browser: &Browser) -> Loaded {
    let back = to_the_issuer(browser, "/board").await;
    browser.load(&back).await
}

async fn who(browser: &Browser) -> Value {
    browser.load("/session").await.body
}

async fn opened(world: &World) -> (HeldClock, OidcIssuer, TestApp) {
    let clock = HeldClock::at(MONDAY_AT_TEN.parse().unwrap());
    let issuer = OidcIssuer::open(&clock).await;
    issuer.signs_in(clerk());
    let issuers = settings(&issuer);
    let app = TestApp::start_with(world, clock.clone(), &[(ISSUERS, &issuers)]).await;
    (clock, issuer, app)
}

pub(super) async fn audited(world: &World, action: &str) -> Vec<(String, Option<String>)> {
    let database = world.database().await;
    let sql = format!("SELECT subject, object FROM audit_entry WHERE action = '{action}' ORDER BY at, id");
    let rows = database
        .query_all_raw(Statement::from_string(database.get_database_backend(), sql))
        .await
        .unwrap();
    let read = rows
        .iter()
        .map(|row| {
            (
                row.try_get("", "subject").unwrap(),
                row.try_get("", "object").unwrap(),
            )
        })
        .collect();
    database.close().await.unwrap();
    read
}

story!(
    /// The whole way, on two replicas: signed in, at work, signed out.
    a_person_signs_in_works_and_signs_out,
    async |world| {
        let (clock, issuer, app) = opened(world).await;
        let issuers = settings(&issuer);
        let other = TestApp::start_with(world, clock.clone(), &[(ISSUERS, &issuers)]).await;
        let browser = Browser::at(app.addr());
        assert_eq!(who(&browser).await, json!({ "signedIn": false }));
        let login = browser.load("/session/login?to=/board%3Fdesk=1").await;
        assert!(login.location().starts_with(&format!("{}/authorize?", issuer.url())));
        for cookie in login.cookies() {
            assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/;"));
        }
        let back = browser.load(&login.location()).await.location();
        let home = browser.load(&back).await;
        assert_eq!((home.status, home.location().as_str()), (303, "/board?desk=1"), "{}", home.body);
        let session = who(&browser).await;
        assert_eq!((session["kind"].as_str(), session["subject"].as_str()), (Some("CLERK"), Some("staff/u-1")));

        assert_eq!(browser.ask(WHO, &[]).await.status, 400, "a foreign page could have sent this");
        let here = browser.ask(WHO, &[PREFLIGHT]).await;
        assert_eq!(here.body["data"]["viewer"]["kind"], "CLERK");
        let there = browser.before(other.addr());
        assert_eq!(there.ask(WHO, &[PREFLIGHT]).await.body["data"]["viewer"]["subject"], "staff/u-1");

        let resident = format!("Bearer {}", app.actors.citizen("u-2"));
        let both = browser.ask(WHO, &[("authorization", &resident)]).await;
        assert_eq!(both.body["data"]["viewer"]["kind"], "CITIZEN", "the token alone counts");
        assert_eq!(browser.ask(WHO, &[("authorization", "Bearer a.b.c")]).await.status, 401);

        let own = [("origin", browser.origin()), PREFLIGHT];
        let foreign = [("origin", "https://evil.example"), PREFLIGHT];
        for refused in [&own[1..], &own[..1], &foreign[..]] {
            assert_eq!(browser.post("/session/logout", refused).await.status, 400);
        }
        let kept = browser.cookies.clone();
        assert_eq!(browser.post("/session/logout", &own).await.status, 204);
        assert_eq!(who(&browser).await, json!({ "signedIn": false }));
        *browser.cookies.borrow_mut() = kept.into_inner();
        assert_eq!(browser.ask(WHO, &[PREFLIGHT]).await.status, 401, "the secret opens nothing any more");
        until("the other replica hears of it", PATIENCE, async || {
            there.ask(WHO, &[PREFLIGHT]).await.status == 401
        })
        .await;
        for action in ["SIGN_IN", "SIGN_OUT"] {
            let told = audited(world, action).await;
            assert_eq!(told, [("staff/u-1".to_owned(), session["session"].as_str().map(str::to_owned))]);
        }
        other.stop(world).await;
        app.stop(world).await;
    }
);

story!(
    /// Whatever comes back that this browser has not begun, or that the issuer did not say for it, begins no session.
    nothing_but_ones_own_sign_in_is_finished,
    async |world| {
        let (clock, issuer, app) = opened(world).await;
        let refused = async |browser: &Browser, back: &str, what: &str| {
            let answer = browser.load(back).await;
            assert_eq!((answer.status, answer.body["code"].as_str()), (401, Some("UNAUTHENTICATED")), "{what}");
            assert!(answer.cookies().is_empty(), "{what}");
        };
        let (victim, attacker) = (Browser::at(app.addr()), Browser::at(app.addr()));
        let theirs = to_the_issuer(&attacker, "/").await;
        refused(&victim, &theirs, "a foreign sign-in, without one of one's own").await;
        let own = to_the_issuer(&victim, "/").await;
        refused(&victim, &theirs, "a foreign sign-in, in the middle of one's own").await;
        refused(&victim, &own.replace("state=", "state=x"), "another state").await;
        let kept = victim.cookies.clone().into_inner();
        assert_eq!(victim.load(&own).await.status, 303, "what was tried has not used it up");
        victim.cookies.borrow_mut().extend(kept);
        refused(&victim, &own, "a second time, with the cookie kept").await;

        for (what, person) in [
            ("another nonce", json!({ "nonce": "x" })),
            ("without nonce", json!({ "nonce": null })),
            ("for another client", json!({ "aud": "other" })),
            ("for two, and made for the other", json!({ "aud": [CLIENT, "other"], "azp": "other" })),
            ("of another issuer", json!({ "iss": "https://other.example" })),
            ("over", json!({ "exp": 1_000_000 })),
            ("a role it may not give", json!({ "realm_access": { "roles": ["audit"] } })),
            ("two roles", json!({ "realm_access": { "roles": ["window", "security"] } })),
            ("an office that is none", json!({ "dept": "D-8" })),
        ] {
            let mut claims = clerk();
            for (name, value) in person.as_object().unwrap() {
                claims[name] = value.clone();
            }
            issuer.signs_in(claims);
            let browser = Browser::at(app.addr());
            let back = to_the_issuer(&browser, "/").await;
            refused(&browser, &back, what).await;
        }
        issuer.signs_in(clerk());
        issuer.types_identity_tokens("at+jwt");
        let browser = Browser::at(app.addr());
        let back = to_the_issuer(&browser, "/").await;
        refused(&browser, &back, "an access token in its place").await;
        issuer.types_identity_tokens("JWT");
        let back = to_the_issuer(&browser, "/").await;
        let elsewhere = back.split_once("&iss=").unwrap().0;
        refused(&browser, &format!("{elsewhere}&iss=https%3A%2F%2Fevil.example"), "another issuer's answer").await;
        let back = to_the_issuer(&browser, "/").await;
        refused(&browser, &back.replace("code=", "error=access_denied&no="), "the person did not agree").await;
        let back = to_the_issuer(&browser, "/").await;
        refused(&browser, &back.replace("code=code-", "code=made-up-"), "a made-up code").await;
        let back = to_the_issuer(&browser, "/").await;
        clock.advance(TimeDelta::minutes(10));
        refused(&browser, &back, "too late").await;
        for to in ["//evil.example", "https:%2F%2Fevil.example", "/%5Cevil.example", "/%09/evil.example"] {
            assert_eq!(browser.load(&format!("/session/login?to={to}")).await.status, 400, "{to}");
        }
        assert_eq!(browser.load("/session/login?issuer=nobody").await.status, 404);
        app.stop(world).await;
    }
);

story!(
    /// A session has a secret that nobody knew before, and ends when it is not used, when its time is over, and when the
    /// same browser signs in again.
    a_session_is_fresh_and_ends,
    async |world| {
        let (clock, _issuer, app) = opened(world).await;
        let browser = Browser::at(app.addr());
        browser.cookies.borrow_mut().insert("onedoor".to_owned(), "planted".to_owned());
        assert_eq!(sign_in(&browser).await.status, 303);
        let first = browser.cookies.borrow()["onedoor"].clone();
        assert_ne!(first, "planted");
        assert_eq!(sign_in(&browser).await.status, 303);
        let second = browser.cookies.borrow()["onedoor"].clone();
        assert_ne!(first, second);
        let status = async |secret: &str| {
            let holder = Browser::at(app.addr());
            holder.cookies.borrow_mut().insert("onedoor".to_owned(), secret.to_owned());
            holder.ask(WHO, &[PREFLIGHT]).await.status
        };
        assert_eq!((status("planted").await, status(&first).await, status(&second).await), (401, 401, 200));

        let database = world.database().await;
        let keys = "SELECT COUNT(*) FROM session";
        let row = database
            .query_one_raw(Statement::from_string(database.get_database_backend(), keys))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(row.try_get_by_index::<i64>(0).unwrap(), 1);
        database.close().await.unwrap();

        clock.advance(TimeDelta::minutes(29));
        assert_eq!(status(&second).await, 200);
        clock.advance(TimeDelta::minutes(29));
        assert_eq!(status(&second).await, 200, "it was used meanwhile");
        clock.advance(TimeDelta::minutes(31));
        assert_eq!(status(&second).await, 401, "it was not used for half an hour");

        assert_eq!(sign_in(&browser).await.status, 303);
        let third = browser.cookies.borrow()["onedoor"].clone();
        for _ in 0..19 {
            clock.advance(TimeDelta::minutes(25));
            assert_eq!(status(&third).await, 200);
        }
        clock.advance(TimeDelta::minutes(5));
        assert_eq!(status(&third).await, 401, "eight hours are over");
        app.stop(world).await;
    }
);
