//! An issuer of tokens on loopback: discovery, keys that can be rotated, a page to sign in at, and a token endpoint that
//! checks PKCE with code of its own.

use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use onedoor::clock::{Clock as _, HeldClock};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use url::Url;

use crate::upstreams::raw::{Request, read};

/// Our client there.
pub(crate) const CLIENT: &str = "onedoor-pages";

/// The issuer; ends when dropped.
pub(crate) struct OidcIssuer {
    url: String,
    shared: Arc<Mutex<Shared>>,
    _accepting: JoinSet<()>,
}

struct Shared {
    url: String,
    clock: HeldClock,
    keys: Vec<(String, Ed25519KeyPair)>,
    /// How many of the first are no longer published.
    retired: usize,
    signing: usize,
    down: bool,
    asked: BTreeMap<String, usize>,
    codes: HashMap<String, Query>,
    /// What the next identity token says beside what it must.
    person: Value,
    /// The header of identity tokens.
    typ: &'static str,
}

type Query = HashMap<String, String>;

impl OidcIssuer {
    /// An issuer with one key.
    pub(crate) async fn open(clock: &HeldClock) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let url = format!("http://{address}");
        let shared = Arc::new(Mutex::new(Shared {
            url: url.clone(),
            clock: clock.clone(),
            keys: vec![fresh_key(1)],
            retired: 0,
            signing: 0,
            down: false,
            asked: BTreeMap::new(),
            codes: HashMap::new(),
            person: json!({}),
            typ: "JWT",
        }));
        let mut accepting = JoinSet::new();
        let kept = Arc::clone(&shared);
        accepting.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(serve(stream, Arc::clone(&kept)));
            }
        });
        Self {
            url,
            shared,
            _accepting: accepting,
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Its table of the configuration, with more options of the story.
    pub(crate) fn table(&self, name: &str, more: &str) -> String {
        format!(
            r#"{{ name = "{name}", issuer = "{}", allow_addresses = ["127.0.0.1"], {more} }}"#,
            self.url
        )
    }

    /// An access token that says this beside what it must; a claim of the story wins.
    pub(crate) fn token(&self, claims: &Value) -> String {
        let shared = self.shared.lock().unwrap();
        let now = shared.clock.now().timestamp();
        let mut all = json!({
            "iss": self.url, "aud": "onedoor", "nbf": now, "iat": now, "exp": now + 3_600,
        });
        lay(&mut all, claims);
        shared.signed(&json!({ "alg": "EdDSA", "typ": "at+jwt" }), &all)
    }

    /// A token with a header of the story.
    pub(crate) fn token_under(&self, header: &Value, claims: &Value) -> String {
        let shared = self.shared.lock().unwrap();
        let now = shared.clock.now().timestamp();
        let mut all = json!({
            "iss": self.url, "aud": "onedoor", "nbf": now, "iat": now, "exp": now + 3_600,
        });
        lay(&mut all, claims);
        let mut whole = json!({ "alg": "EdDSA", "typ": "at+jwt" });
        lay(&mut whole, header);
        shared.signed(&whole, &all)
    }

    /// The public half of the key that signs.
    pub(crate) fn public_key(&self) -> Vec<u8> {
        let shared = self.shared.lock().unwrap();
        shared.keys[shared.signing].1.public_key().as_ref().to_vec()
    }

    /// Publishes one more key, which signs nothing yet.
    pub(crate) fn publish_new_key(&self) {
        let mut shared = self.shared.lock().unwrap();
        let number = shared.keys.len() + 1;
        shared.keys.push(fresh_key(number));
    }

    /// From now on the newest key signs.
    pub(crate) fn sign_with_newest(&self) {
        let mut shared = self.shared.lock().unwrap();
        shared.signing = shared.keys.len() - 1;
    }

    /// Publishes the oldest key no longer.
    pub(crate) fn retire_oldest_key(&self) {
        self.shared.lock().unwrap().retired += 1;
    }

    /// Answers nothing but 503, or everything again.
    pub(crate) fn set_down(&self, down: bool) {
        self.shared.lock().unwrap().down = down;
    }

    /// How often a path was asked for.
    pub(crate) fn asked(&self, path: &str) -> usize {
        let shared = self.shared.lock().unwrap();
        shared.asked.get(path).copied().unwrap_or_default()
    }

    /// Who signs in there next, in the claims of the identity token; these win over what it must say.
    pub(crate) fn signs_in(&self, person: Value) {
        self.shared.lock().unwrap().person = person;
    }

    /// How identity tokens are typed from now on.
    pub(crate) fn types_identity_tokens(&self, typ: &'static str) {
        self.shared.lock().unwrap().typ = typ;
    }
}

fn fresh_key(number: usize) -> (String, Ed25519KeyPair) {
    (format!("key-{number}"), Ed25519KeyPair::generate().unwrap())
}

fn lay(over: &mut Value, claims: &Value) {
    for (name, value) in claims.as_object().unwrap() {
        over[name] = value.clone();
    }
}

impl Shared {
    fn signed(&self, header: &Value, claims: &Value) -> String {
        let (id, key) = &self.keys[self.signing];
        let mut header = header.clone();
        if header.get("kid").is_none() {
            header["kid"] = json!(id);
        }
        let body = [&header, claims]
            .map(|part| URL_SAFE_NO_PAD.encode(part.to_string()))
            .join(".");
        let signature = key.sign(body.as_bytes());
        format!("{body}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }

    fn answer(&mut self, request: &Request) -> String {
        let target = request.line.split(' ').nth(1).unwrap();
        let url = Url::parse(&self.url).unwrap().join(target).unwrap();
        *self.asked.entry(url.path().to_owned()).or_default() += 1;
        if self.down {
            return plain("503 Service Unavailable", "", "");
        }
        let query: Query = url.query_pairs().into_owned().collect();
        match url.path() {
            "/.well-known/openid-configuration" => found(&json!({
                "issuer": self.url,
                "jwks_uri": format!("{}/jwks", self.url),
                "authorization_endpoint": format!("{}/authorize", self.url),
                "token_endpoint": format!("{}/token", self.url),
            })),
            "/jwks" => found(&json!({ "keys": self.published() })),
            "/authorize" => self.authorize(query),
            "/token" => {
                let form = url::form_urlencoded::parse(&request.body);
                self.exchange(&form.into_owned().collect())
            }
            _ => plain("404 Not Found", "", ""),
        }
    }

    fn published(&self) -> Vec<Value> {
        let keys = self.keys.iter().skip(self.retired);
        let mut all: Vec<Value> = keys
            .map(|(id, key)| {
                let x = URL_SAFE_NO_PAD.encode(key.public_key().as_ref());
                json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": id, "x": x })
            })
            .collect();
        all.push(json!({ "kty": "oct", "kid": "shared", "alg": "HS256", "k": "c2VjcmV0" }));
        all
    }

    /// The person agrees at once; the browser goes back with a code.
    fn authorize(&mut self, query: Query) -> String {
        assert_eq!(query["response_type"], "code");
        assert_eq!(query["client_id"], CLIENT);
        assert_eq!(query["code_challenge_method"], "S256");
        let code = format!("code-{}", self.codes.len() + 1);
        let mut back = Url::parse(&query["redirect_uri"]).unwrap();
        back.query_pairs_mut()
            .append_pair("code", &code)
            .append_pair("state", &query["state"])
            .append_pair("iss", &self.url);
        self.codes.insert(code, query);
        plain("302 Found", &format!("location: {back}\r\n"), "")
    }

    fn exchange(&mut self, form: &Query) -> String {
        let said = |name: &str| form.get(name).cloned().unwrap_or_default();
        let refused = || plain("400 Bad Request", "", r#"{"error":"invalid_grant"}"#);
        let Some(asked) = self.codes.remove(&said("code")) else {
            return refused();
        };
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(said("code_verifier")));
        let fits = said("grant_type") == "authorization_code"
            && said("client_id") == CLIENT
            && said("redirect_uri") == asked["redirect_uri"]
            && challenge == asked["code_challenge"];
        if !fits {
            return refused();
        }
        let now = self.clock.now().timestamp();
        let mut claims = json!({
            "iss": self.url, "aud": CLIENT, "sub": "somebody", "iat": now, "exp": now + 300,
            "nonce": asked["nonce"],
        });
        lay(&mut claims, &self.person);
        let token = self.signed(&json!({ "alg": "EdDSA", "typ": self.typ }), &claims);
        found(&json!({ "access_token": "opaque", "token_type": "Bearer", "id_token": token }))
    }
}

fn found(body: &Value) -> String {
    plain("200 OK", "content-type: application/json\r\n", &body.to_string())
}

fn plain(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}")
}

async fn serve(mut stream: TcpStream, shared: Arc<Mutex<Shared>>) {
    let Some(bytes) = read(&mut stream).await else {
        return;
    };
    let answer = shared.lock().unwrap().answer(&Request::parse(&bytes));
    let _sent = stream.write_all(answer.as_bytes()).await;
    let _ended = stream.shutdown().await;
}
