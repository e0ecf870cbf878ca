//! P25, GB/T 22239: access that is taken back is gone on every replica, without Redis, also where it is open already.

use futures_util::{SinkExt as _, StreamExt as _};
use onedoor::clock::HeldClock;
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use uuid::Uuid;

use super::issuers::{ISSUERS, WHO};
use super::sign_in::{audited, clerk, settings, sign_in};
use crate::harness::app::{MONDAY_AT_TEN, TestApp};
use crate::harness::browser::Browser;
use crate::harness::events::{Events, Said};
use crate::harness::gql::Gql;
use crate::harness::oidc::OidcIssuer;
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, until};
use crate::harness::world::World;

const REVOKE: &str = "mutation ($input: RevokeAccessInput!) { revokeAccess(input: $input) {
    revocation { id kind issuer value reason revokedBy endsAt } userErrors { code field } } }";
const RESTORE: &str = "mutation ($input: RestoreAccessInput!) { restoreAccess(input: $input) {
    restored userErrors { code } } }";
const STANDING: &str = "{ revocations(first: 10) { nodes { id value } } }";
const FOLLOW: &str = "subscription { handoffsChanged { at } }";

/// Two replicas that hear of each other by the database alone.
async fn two_replicas(world: &World, issuer: &OidcIssuer, clock: &HeldClock) -> (TestApp, TestApp) {
    let issuers = settings(issuer);
    let all = [
        (ISSUERS, issuers.as_str()),
        ("ONEDOOR__REDIS__URL", ""),
        ("ONEDOOR__AUTH__REVOCATION_POLL_MS", "100"),
        ("ONEDOOR__WEBSOCKET__PING_INTERVAL_MS", "200"),
    ];
    let here = TestApp::start_with(world, clock.clone(), &all).await;
    let there = TestApp::start_with(world, clock.clone(), &all).await;
    (here, there)
}

async fn opened(world: &World) -> (HeldClock, OidcIssuer, TestApp, TestApp) {
    let clock = HeldClock::at(MONDAY_AT_TEN.parse().unwrap());
    let issuer = OidcIssuer::open(&clock).await;
    let (here, there) = two_replicas(world, &issuer, &clock).await;
    (clock, issuer, here, there)
}

fn security(app: &TestApp) -> Gql {
    app.anybody().bearing(&app.actors.security_admin())
}

async fn revoke(admin: &Gql, access: &Value) -> Value {
    let input = json!({ "access": access, "reason": "COMPROMISED", "idempotencyKey": Uuid::now_v7() });
    let answer = admin.data(REVOKE, json!({ "input": input })).await;
    answer["revokeAccess"].clone()
}

async fn restore(admin: &Gql, revoked: &Value) -> Value {
    let input = json!({ "revocation": revoked["revocation"]["id"], "idempotencyKey": Uuid::now_v7() });
    admin.data(RESTORE, json!({ "input": input })).await["restoreAccess"].clone()
}

async fn status(caller: &Gql) -> u16 {
    caller.ask(WHO, json!({})).await.status
}

async fn becomes(caller: &Gql, wanted: u16) {
    until("the other replica hears of it", PATIENCE, async || {
        status(caller).await == wanted
    })
    .await;
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Follows a desk over a socket that was let in.
async fn follow(caller: &Gql) -> Socket {
    let mut request = caller.url().replace("http", "ws").into_client_request().unwrap();
    let protocol = "graphql-transport-ws".parse().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", protocol);
    let (mut socket, _) = connect_async(request).await.unwrap();
    let authorization = format!("Bearer {}", caller.token());
    let init = json!({ "type": "connection_init", "payload": { "Authorization": authorization } });
    socket.send(Message::text(init.to_string())).await.unwrap();
    let acknowledged = socket.next().await.unwrap().unwrap();
    assert!(acknowledged.to_text().unwrap().contains("connection_ack"));
    let operation = json!({ "type": "subscribe", "id": "1", "payload": { "query": FOLLOW } });
    socket.send(Message::text(operation.to_string())).await.unwrap();
    socket
}

/// The code that a socket is closed with.
async fn closed(mut socket: Socket) -> u16 {
    loop {
        let heard = tokio::time::timeout(PATIENCE, socket.next())
            .await
            .expect("the server keeps silent");
        match heard {
            Some(Ok(Message::Close(Some(frame)))) => return frame.code.into(),
            Some(Ok(_)) => {}
            other => panic!("the socket ended without a close frame: {other:?}"),
        }
    }
}

async fn until_cut(mut events: Events) {
    while events.next().await != Said::Complete {}
}

story!(
    /// A person is revoked on one replica; on the other their token, socket and stream end by the poll alone.
    a_revoked_person_is_gone_on_the_other_replica_too,
    async |world| {
        let (_clock, issuer, here, there) = opened(world).await;
        let token = issuer.token(&clerk());
        let (person, colleague) = (there.anybody().bearing(&token), there.clerk("BB-MCA"));
        assert_eq!((status(&person).await, status(&colleague).await), (200, 200));
        let events = Events::open(&person, FOLLOW, json!({})).await;
        let (socket, kept) = (follow(&person).await, follow(&colleague).await);
        let admin = security(&here);
        let subject = json!({ "subject": "staff/u-1" });
        let revoking = revoke(&admin, &subject);
        let (code, (), revoked) = tokio::join!(closed(socket), until_cut(events), revoking);
        assert_eq!(code, 4403);
        drop(kept);
        assert_eq!(revoked["userErrors"], json!([]));
        assert_eq!(revoked["revocation"]["endsAt"], Value::Null, "a person stays revoked");
        becomes(&person, 401).await;
        assert_eq!(status(&here.anybody().bearing(&token)).await, 401, "here at once");
        assert_eq!(status(&there.anybody().bearing(&issuer.token(&clerk()))).await, 401, "a new token too");
        assert_eq!(status(&colleague).await, 200);
        let standing = admin.data(STANDING, json!({})).await;
        assert_eq!(standing["revocations"]["nodes"][0]["value"], "staff/u-1");

        assert_eq!(restore(&admin, &revoked).await["userErrors"], json!([]));
        becomes(&person, 200).await;
        let again = restore(&admin, &revoked).await;
        assert_eq!(again["userErrors"][0]["code"], "UNKNOWN_REVOCATION");
        let id = revoked["revocation"]["id"].as_str().map(str::to_owned);
        for action in ["REVOKE_ACCESS", "RESTORE_ACCESS"] {
            assert_eq!(
                audited(world, action).await,
                [("demo-security-admin".to_owned(), id.clone())]
            );
        }
        there.stop(world).await;
        here.stop(world).await;
    }
);

story!(
    /// One token, one session, or all that an issuer made until now: each goes alone.
    what_is_named_goes_and_nothing_else,
    async |world| {
        let (clock, issuer, here, there) = opened(world).await;
        let admin = security(&here);
        let with_id = |id: &str| {
            let mut claims = clerk();
            claims["jti"] = json!(id);
            there.anybody().bearing(&issuer.token(&claims))
        };
        let (one, other) = (with_id("t-1"), with_id("t-2"));
        let revoked = revoke(&admin, &json!({ "token": { "issuer": "staff", "id": "t-1" } })).await;
        assert_ne!(revoked["revocation"]["endsAt"], Value::Null, "no longer than tokens live");
        becomes(&one, 401).await;
        assert_eq!(status(&other).await, 200);

        issuer.signs_in(clerk());
        let browser = Browser::at(there.addr());
        assert_eq!(sign_in(&browser).await.status, 303);
        let session = browser.load("/session").await.body["session"].clone();
        revoke(&admin, &json!({ "session": session })).await;
        until("the session is gone", PATIENCE, async || {
            let answer = browser.ask(WHO, &[("graphql-require-preflight", "1")]).await;
            answer.status == 401
        })
        .await;
        assert_eq!(browser.load("/session").await.body["signedIn"], false);
        assert_eq!(status(&other).await, 200);

        assert_eq!(sign_in(&browser).await.status, 303, "the person may sign in again");
        clock.advance(chrono::TimeDelta::seconds(5));
        let now = onedoor::clock::Clock::now(&clock).to_rfc3339();
        let issuers = json!({ "issuer": { "name": "staff", "issuedBefore": now } });
        revoke(&admin, &issuers).await;
        becomes(&other, 401).await;
        assert_eq!(browser.load("/session").await.body["signedIn"], false, "sessions by it too");
        assert_eq!(status(&with_id("t-3")).await, 200, "what was made since is good");
        assert_eq!(status(&there.clerk("BB-MCA")).await, 200, "another issuer's are");
        there.stop(world).await;
        here.stop(world).await;
    }
);

story!(
    /// An act is done once by its key, by the security administrator alone, and never on oneself.
    revoking_keeps_its_manners,
    async |world| {
        let (_clock, _issuer, here, there) = opened(world).await;
        let admin = security(&here);
        let key = Uuid::now_v7();
        let order = |subject: &str| {
            json!({ "input": { "access": { "subject": subject }, "reason": "LEFT", "idempotencyKey": key } })
        };
        let first = admin.data(REVOKE, order("staff/u-9")).await;
        let again = admin.data(REVOKE, order("staff/u-9")).await;
        assert_eq!(first, again);
        let other = admin.data(REVOKE, order("staff/u-8")).await;
        assert_eq!(other["revokeAccess"]["userErrors"][0]["code"], "IDEMPOTENCY_MISMATCH");
        assert_eq!(audited(world, "REVOKE_ACCESS").await.len(), 1);
        for access in [
            json!({ "subject": "demo-security-admin" }),
            json!({ "subject": "" }),
            json!({ "token": { "issuer": "nobody", "id": "t" } }),
            json!({ "issuer": { "name": "staff", "issuedBefore": "2030-01-01T00:00:00Z" } }),
        ] {
            let refused = revoke(&admin, &access).await;
            assert_eq!(refused["userErrors"][0]["code"], "INVALID_FIELD", "{access}");
        }
        let system = here.anybody().bearing(&here.actors.admin());
        let refused = system.ask(REVOKE, order("staff/u-7")).await;
        assert_eq!(refused.codes(), ["FORBIDDEN"]);
        there.stop(world).await;
        here.stop(world).await;
    }
);

story!(
    /// A replica that cannot learn who was revoked admits nobody who presents something, and everybody again afterwards.
    a_replica_that_cannot_learn_who_was_revoked_admits_nobody,
    async |world| {
        let clock = HeldClock::at(MONDAY_AT_TEN.parse().unwrap());
        // what is known may be a minute old less the pause between pings: here a second
        let settings = [
            ("ONEDOOR__AUTH__REVOCATION_POLL_MS", "100"),
            ("ONEDOOR__WEBSOCKET__PING_INTERVAL_MS", "59000"),
        ];
        let app = TestApp::start_with(world, clock, &settings).await;
        app.expect_error("background loop failed");
        app.expect_error("a request failed in the gateway");
        let clerk = app.clerk("BB-MCA");
        assert_eq!(status(&clerk).await, 200);
        let database = world.database().await;
        let rename = async |from: &str, to: &str| {
            let sql = format!("ALTER TABLE {from} RENAME TO {to}");
            database.execute_unprepared(&sql).await.unwrap();
        };
        rename("revocation", "revocation_away").await;
        until("what is known is too old", PATIENCE, async || status(&clerk).await == 503).await;
        let refused = clerk.ask(WHO, json!({})).await;
        assert_eq!(refused.codes(), ["STORE_UNAVAILABLE"]);
        assert_eq!(status(&app.anybody()).await, 200, "who presents nothing is served on");
        rename("revocation_away", "revocation").await;
        until("it is known again", PATIENCE, async || status(&clerk).await == 200).await;
        database.close().await.unwrap();
        app.stop(world).await;
    }
);
