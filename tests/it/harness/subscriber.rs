//! Another system that listens: it keeps the raw bytes of what it is told, answers by a script, and checks signatures by
//! code of its own.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::wait::{PATIENCE, eventually};
use crate::upstreams::raw::{Request, read};

/// How it answers one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reply {
    /// With a status and no body.
    Status(u16),
    /// Not at all, while the connection stays open.
    Silence,
}

#[derive(Default)]
struct Shared {
    heard: Vec<Request>,
    replies: VecDeque<Reply>,
}

/// The system; ends when dropped.
pub(crate) struct Subscriber {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    _accepting: JoinSet<()>,
}

impl Subscriber {
    /// One that takes everything.
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Mutex::new(Shared::default()));
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
            address,
            shared,
            _accepting: accepting,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How it answers the next requests; after that it takes everything again.
    pub(crate) fn will_reply(&self, replies: &[Reply]) {
        self.shared.lock().unwrap().replies = replies.iter().copied().collect();
    }

    /// Everything it was told so far, refused or not.
    pub(crate) fn heard(&self) -> Vec<Request> {
        self.shared.lock().unwrap().heard.clone()
    }

    /// Waits until it was told so many things.
    pub(crate) async fn hears(&self, count: usize) -> Vec<Request> {
        let what = format!("{count} requests at the subscriber");
        eventually(&what, PATIENCE, async || {
            Some(self.heard()).filter(|heard| heard.len() >= count)
        })
        .await
    }
}

async fn serve(mut stream: TcpStream, shared: Arc<Mutex<Shared>>) {
    let Some(bytes) = read(&mut stream).await else {
        return;
    };
    let reply = {
        let mut shared = shared.lock().unwrap();
        shared.heard.push(Request::parse(&bytes));
        shared.replies.pop_front().unwrap_or(Reply::Status(204))
    };
    match reply {
        Reply::Status(status) => {
            let answer = format!("HTTP/1.1 {status} Said\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _sent = stream.write_all(answer.as_bytes()).await;
            let _ended = stream.shutdown().await;
        }
        Reply::Silence => std::future::pending().await,
    }
}

/// What a request tells.
pub(crate) fn told(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

/// The types of what was told, in order.
pub(crate) fn types(heard: &[Request]) -> Vec<String> {
    heard
        .iter()
        .map(|one| told(one)["type"].as_str().unwrap().to_owned())
        .collect()
}

/// Whether one of the signatures is that of a shared secret: HMAC-SHA256 (RFC 2104), written out.
pub(crate) fn is_signed_by_secret(request: &Request, secret: &str) -> bool {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let padded = |pad: u8| {
        let mut block = [pad; 64];
        for (byte, of_key) in block.iter_mut().zip(&key) {
            *byte ^= of_key;
        }
        block
    };
    let inner = Sha256::digest([padded(0x36).as_slice(), &signed(request)].concat());
    let tag = Sha256::digest([padded(0x5c).as_slice(), inner.as_slice()].concat());
    entries(request).contains(&format!("v1,{}", STANDARD.encode(tag)))
}

/// Whether one of the signatures is that of the secret half of a public key.
pub(crate) fn is_signed_for_public_key(request: &Request, key: &str) -> bool {
    let key = STANDARD.decode(key.strip_prefix("whpk_").unwrap()).unwrap();
    entries(request)
        .iter()
        .filter_map(|entry| STANDARD.decode(entry.strip_prefix("v1a,")?).ok())
        .any(|tag| {
            UnparsedPublicKey::new(&ED25519, &key)
                .verify(&signed(request), &tag)
                .is_ok()
        })
}

/// The signatures of a request, as its header has them.
pub(crate) fn entries(request: &Request) -> Vec<String> {
    let header = request.header("webhook-signature").unwrap();
    header.split(' ').map(str::to_owned).collect()
}

fn signed(request: &Request) -> Vec<u8> {
    let header = |name| request.header(name).unwrap();
    let head = format!("{}.{}.", header("webhook-id"), header("webhook-timestamp"));
    [head.as_bytes(), &request.body].concat()
}
