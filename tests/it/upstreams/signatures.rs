//! What our requests are signed with is what the other side computes, and no signature is sent twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use sha2::{Digest, Sha256, Sha512};

use super::auth::{CLIENT, TAKEN, granting, held, is_accepted, oauth, outcome, taking, upstream_of};
use super::fixture::{CALLBACK_SECRET, now, submission};
use super::raw::Request;
use super::talker::{Talker, json};

const HMAC: &str = r#"
    [auth.hmac]
    secret = { env = "MAC" }
    header = "x-sign"
    prefix = "v1="
    key_id = "onedoor"
    key_id_header = "x-app"
    timestamp_header = "x-time"
    timestamp_unit = "ms"
    nonce_header = "x-nonce"
    canonical = "{method}\n{path}\n{query}\n{timestamp}\n{nonce}\n{key_id}\n{key}\n{body_sha256}"
"#;

/// RFC 2104, written out.
fn hmac<D: Digest>(block: usize, key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut padded = if key.len() > block {
        D::digest(key).to_vec()
    } else {
        key.to_vec()
    };
    padded.resize(block, 0);
    let with = |pad: u8| padded.iter().map(|byte| byte ^ pad).collect::<Vec<u8>>();
    let inner = D::new().chain_update(with(0x36)).chain_update(text).finalize();
    D::new()
        .chain_update(with(0x5c))
        .chain_update(inner)
        .finalize()
        .to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether the other side would take the signature of [`HMAC`]; gives the time and the number used once.
fn verified(request: &Request) -> (i64, String) {
    let header = |name: &str| request.header(name).unwrap().to_owned();
    let mut line = request.line.split(' ');
    let (method, target) = (line.next().unwrap(), line.next().unwrap());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let canonical = [
        method.to_owned(),
        path.to_owned(),
        query.to_owned(),
        header("x-time"),
        header("x-nonce"),
        header("x-app"),
        header("idempotency-key"),
        hex(&Sha256::digest(&request.body)),
    ]
    .join("\n");
    let tag = hex(&hmac::<Sha256>(64, b"hush", canonical.as_bytes()));
    assert_eq!(header("x-sign"), format!("v1={tag}"), "{canonical}");
    (header("x-time").parse().unwrap(), header("x-nonce"))
}

#[actix_web::test]
async fn a_signature_is_what_the_other_side_computes_over_what_came() {
    let system = taking().await;
    let upstream = upstream_of(&system.url(), ("", HMAC), CLIENT, &held()).unwrap();
    assert!(is_accepted(&outcome(&upstream).await));
    let mut asked = submission();
    asked.case.case_number = "BB 1+1/ä&x=?".to_owned();
    upstream.driver().find(&asked).await;
    let requests = system.requests();
    assert!(
        requests[1]
            .line
            .starts_with("GET /exchange/api/applications?our_ref="),
        "{}",
        requests[1].line
    );
    let seen: Vec<(i64, String)> = requests.iter().map(verified).collect();
    assert_eq!(seen[0].0, now().timestamp_millis());
    assert_ne!(seen[0].1, seen[1].1, "a number is used once");

    let other = HMAC
        .replace(
            "header = \"x-sign\"",
            "header = \"x-sign\"\nalgorithm = \"sha512\"\nencoding = \"base64\"",
        )
        .replace("{body_sha256}", "{body}");
    let upstream = upstream_of(&system.url(), ("", &other), CLIENT, &held()).unwrap();
    assert!(is_accepted(&outcome(&upstream).await));
    let request = system.requests().pop().unwrap();
    let header = |name: &str| request.header(name).unwrap().to_owned();
    let head = [
        "POST",
        "/exchange/api/applications",
        "",
        &header("x-time"),
        &header("x-nonce"),
        "onedoor",
    ]
    .join("\n");
    let mut canonical = format!("{head}\n{}\n", header("idempotency-key")).into_bytes();
    canonical.extend_from_slice(&request.body);
    let tag = STANDARD.encode(hmac::<Sha512>(128, b"hush", &canonical));
    assert_eq!(header("x-sign"), format!("v1={tag}"));
}

/// A request that is sent once more with a new token is another message: whoever remembers the numbers and times it has
/// seen would refuse it as a repetition.
#[actix_web::test]
async fn what_is_sent_again_with_a_new_token_is_signed_anew() {
    let (clock, endpoint) = (held(), granting().await);
    let moving = clock.clone();
    let refused = Arc::new(AtomicUsize::new(0));
    let times = Arc::clone(&refused);
    let system = Talker::answering(move |_, request: Request| {
        let is_first = request.header("authorization") == Some("Bearer T1-token-text");
        // the first delivery with the first token is taken
        let refuses = is_first && times.fetch_add(1, Ordering::SeqCst) > 0;
        if refuses {
            moving.advance(TimeDelta::seconds(5));
        }
        async move {
            if refuses {
                json("401 Unauthorized", "{}")
            } else {
                json("202 Accepted", TAKEN)
            }
        }
    })
    .await;
    let auth = format!(
        "[auth]\nsigning = {{ env = \"SIGNING\" }}\n{}{HMAC}",
        oauth(&endpoint, "")
    );
    let upstream = upstream_of(&system.url(), ("", &auth), CLIENT, &clock).unwrap();
    assert!(is_accepted(&outcome(&upstream).await));
    assert!(is_accepted(&outcome(&upstream).await));
    let requests = system.requests();
    assert_eq!(requests.len(), 3);
    let (refused, again) = (&requests[1], &requests[2]);
    assert_eq!(again.header("authorization"), Some("Bearer T2-token-text"));
    let ((at, nonce), (later, another)) = (verified(refused), verified(again));
    assert_ne!(nonce, another, "the number used once is used once");
    assert_eq!(later - at, 5_000, "it says when it was signed");
    assert_eq!(refused.header("idempotency-key"), again.header("idempotency-key"));
    assert_eq!(refused.body, again.body, "the same business");
    for request in [refused, again] {
        let text = |name: &str| request.header(name).unwrap().to_owned();
        let mut content = format!("{}.{}.", text("webhook-id"), text("webhook-timestamp")).into_bytes();
        content.extend_from_slice(&request.body);
        let key = STANDARD
            .decode(CALLBACK_SECRET.trim_start_matches("whsec_"))
            .unwrap();
        let tag = STANDARD.encode(hmac::<Sha256>(64, &key, &content));
        assert_eq!(text("webhook-signature"), format!("v1,{tag}"));
    }
    assert_ne!(
        refused.header("webhook-timestamp"),
        again.header("webhook-timestamp")
    );
}
