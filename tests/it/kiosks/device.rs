//! A kiosk as these stories play it: its key, its counter, and what it signs.

use std::net::SocketAddr;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::app::TestApp;
use crate::harness::gql::{Answer, Gql, http_client};

/// The key of a device.
#[derive(Clone)]
pub(super) enum Key {
    Ed25519(Arc<Ed25519KeyPair>),
    P256(Arc<EcdsaKeyPair>),
}

impl Key {
    pub(super) fn ed25519() -> Self {
        Self::Ed25519(Arc::new(Ed25519KeyPair::generate().unwrap()))
    }

    pub(super) fn p256() -> Self {
        Self::P256(Arc::new(
            EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
        ))
    }

    pub(super) fn jwk(&self) -> Value {
        match self {
            Self::Ed25519(pair) => json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key()) }),
            Self::P256(pair) => {
                let point = pair.public_key().as_ref();
                json!({ "kty": "EC", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..]) })
            }
        }
    }

    /// A compact JWS.
    pub(super) fn sign(&self, typ: &str, payload: &Value) -> String {
        let alg = match self {
            Self::Ed25519(_) => "EdDSA",
            Self::P256(_) => "ES256",
        };
        let header = json!({ "typ": typ, "alg": alg, "jwk": self.jwk() });
        let text = format!("{}.{}", encode(header.to_string()), encode(payload.to_string()));
        let signature = match self {
            Self::Ed25519(pair) => pair.sign(text.as_bytes()).as_ref().to_vec(),
            Self::P256(pair) => {
                let signed = pair.sign(&SystemRandom::new(), text.as_bytes());
                signed.unwrap().as_ref().to_vec()
            }
        };
        format!("{text}.{}", encode(signature))
    }
}

/// A device. A clone of it is what a thief with its disk has.
#[derive(Clone)]
pub(super) struct Device {
    http: reqwest::Client,
    address: SocketAddr,
    pub(super) key: Key,
    pub(super) id: String,
    pub(super) counter: u32,
    pub(super) token: String,
    pub(super) nonce: String,
}

impl Device {
    /// A device enrolled at a station, with its first token.
    pub(super) async fn at_work(app: &TestApp, station: &str) -> Self {
        let (_, code) = invite(app, station).await;
        let mut device = Self::new(app.addr(), Key::ed25519());
        assert_eq!(device.enrol(&code).await.status, 200);
        device.works().await;
        device
    }

    /// A device that nobody knows yet.
    pub(super) fn new(address: SocketAddr, key: Key) -> Self {
        Self {
            http: http_client(),
            address,
            key,
            id: String::new(),
            counter: 0,
            token: String::new(),
            nonce: String::new(),
        }
    }

    /// The same device before another replica.
    pub(super) fn before(&self, app: &TestApp) -> Self {
        Self {
            address: app.addr(),
            ..self.clone()
        }
    }

    pub(super) async fn post(&self, path: &str, body: Value, headers: &[(&str, &str)]) -> Answer {
        let mut request = self
            .http
            .post(format!("http://{}{path}", self.address))
            .header("content-type", "application/json")
            .body(body.to_string());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let bytes = answer.bytes().await.unwrap().to_vec();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer {
            status,
            headers,
            bytes,
            body,
        }
    }

    pub(super) async fn challenge(&self) -> String {
        let answer = self.post("/kiosk/challenge", json!({}), &[]).await;
        answer.body["challenge"].as_str().unwrap().to_owned()
    }

    /// Uses a code.
    pub(super) async fn enrol(&mut self, code: &str) -> Answer {
        let signed = json!({ "code": code, "nonce": self.challenge().await });
        let body = json!({
            "code": code, "publicKey": self.key.jwk(), "proof": self.key.sign("kiosk-enroll+jwt", &signed),
        });
        let answer = self.post("/kiosk/enroll", body, &[]).await;
        if answer.status == 200 {
            answer.body["device"].as_str().unwrap().clone_into(&mut self.id);
            self.counter = 0;
        }
        answer
    }

    /// Asks for a token with a counter and a challenge.
    pub(super) async fn ask_token(&mut self, counter: u32, challenge: &str) -> Answer {
        let signed = json!({ "device": self.id, "nonce": challenge, "counter": counter });
        let body = json!({ "device": self.id, "proof": self.key.sign("kiosk-token+jwt", &signed) });
        let answer = self.post("/kiosk/token", body, &[]).await;
        if answer.status == 200 {
            answer.body["token"].as_str().unwrap().clone_into(&mut self.token);
            answer.body["nonce"].as_str().unwrap().clone_into(&mut self.nonce);
        }
        answer
    }

    /// Counts on and asks for a token, as a device does.
    pub(super) async fn take_token(&mut self) -> Answer {
        self.counter += 1;
        let challenge = self.challenge().await;
        self.ask_token(self.counter, &challenge).await
    }

    /// The same, and it must be given.
    pub(super) async fn works(&mut self) {
        let answer = self.take_token().await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    /// A proof for a request.
    pub(super) fn proof(&self, method: &str, path: &str) -> String {
        let payload = json!({
            "jti": Uuid::now_v7(), "htm": method, "htu": format!("https://anywhere.example{path}"),
            // the clock of this device is years behind
            "iat": 1_000_000_000, "ath": hash(&self.token), "nonce": self.nonce,
        });
        self.key.sign("dpop+jwt", &payload)
    }

    /// Asks with a proof of the story's own.
    pub(super) async fn ask_with(&self, proof: &str, document: &str, variables: Value) -> Answer {
        let token = format!("DPoP {}", self.token);
        let body = json!({ "query": document, "variables": variables });
        self.post("/graphql", body, &[("authorization", &token), ("dpop", proof)])
            .await
    }

    /// Asks as a device does: a nonce that is over is taken from the answer, once.
    pub(super) async fn ask(&mut self, document: &str, variables: Value) -> Answer {
        let answer = self
            .ask_with(&self.proof("POST", "/graphql"), document, variables.clone())
            .await;
        if let Some(nonce) = answer.headers.get("dpop-nonce") {
            nonce.to_str().unwrap().clone_into(&mut self.nonce);
        }
        if answer.codes() != ["NONCE_REQUIRED"] {
            return answer;
        }
        self.ask_with(&self.proof("POST", "/graphql"), document, variables)
            .await
    }

    /// Tells that it lives.
    pub(super) async fn beat(&self, beat: Value) -> Answer {
        let token = format!("DPoP {}", self.token);
        let proof = self.proof("POST", "/kiosk/heartbeat");
        self.post(
            "/kiosk/heartbeat",
            beat,
            &[("authorization", &token), ("dpop", &proof)],
        )
        .await
    }

    /// Opens an event stream.
    pub(super) async fn follow(&self, document: &str) -> reqwest::Response {
        let answer = self
            .http
            .post(format!("http://{}/graphql", self.address))
            .header("content-type", "application/json")
            .header("accept", "text/event-stream")
            .header(AUTHORIZATION, format!("DPoP {}", self.token))
            .header("dpop", self.proof("POST", "/graphql"))
            .body(json!({ "query": document }).to_string())
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
        answer
    }
}

/// The administrator.
pub(super) fn admin(app: &TestApp) -> Gql {
    app.anybody().bearing(&app.actors.admin())
}

/// A code for a new kiosk at a station: the kiosk's id, and the code.
pub(super) async fn invite(app: &TestApp, station: &str) -> (String, String) {
    let document = "query($code: String!) { organization(by: { code: $code }) { id } }";
    let found = app.anybody().data(document, json!({ "code": station })).await;
    let input = json!({
        "station": found["organization"]["id"], "name": "大厅一号机", "idempotencyKey": Uuid::now_v7(),
    });
    given(&enroll(app, input).await)
}

/// Carries `enrollKiosk` out.
pub(super) async fn enroll(app: &TestApp, input: Value) -> Value {
    let document = "mutation($input: EnrollKioskInput!) { enrollKiosk(input: $input) {
        kiosk { id state } enrolmentCode codeExpiresAt userErrors { code field } } }";
    admin(app).data(document, json!({ "input": input })).await["enrollKiosk"].clone()
}

/// The kiosk's id and the code of a payload.
pub(super) fn given(payload: &Value) -> (String, String) {
    assert_eq!(payload["userErrors"], json!([]));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&payload["kiosk"]["id"]), text(&payload["enrolmentCode"]))
}

/// Ends a kiosk.
pub(super) async fn revoke(app: &TestApp, id: &str) -> Value {
    let document = "mutation($input: RevokeKioskInput!) { revokeKiosk(input: $input) {
        kiosk { state } userErrors { code } } }";
    let input = json!({ "kiosk": id, "idempotencyKey": Uuid::now_v7() });
    admin(app).data(document, json!({ "input": input })).await["revokeKiosk"].clone()
}

/// A kiosk as its administrator sees it.
pub(super) async fn seen(app: &TestApp, id: &str) -> Value {
    let document =
        "query($id: ID!) { node(id: $id) { ... on Kiosk { id name state silent counter appVersion queueLength
        clockAheadSeconds lastSeenAt enrolledAt endedAt codeExpiresAt station { code } } } }";
    admin(app).data(document, json!({ "id": id })).await["node"].clone()
}

pub(super) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) fn hash(text: &str) -> String {
    encode(digest(&SHA256, text.as_bytes()))
}
