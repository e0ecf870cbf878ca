//! A TCP server that sends exactly the bytes it is given and keeps exactly the bytes it got.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::harness::wait::{PATIENCE, eventually};

/// What a connection gets back.
#[derive(Clone)]
pub(crate) enum Play {
    /// These bytes, then the end of the connection.
    Bytes(Vec<u8>),
    /// The first of these for the first request, the next for the next one; the last for all that follow.
    InTurn(Vec<Vec<u8>>),
    /// These bytes for the first request of the connection; the second is read, and the connection closed.
    AnswerOnce(Vec<u8>),
    /// Nothing, while the connection stays open.
    Silence,
    /// These bytes, then one byte at each tick without end.
    Drip(Vec<u8>),
}

/// The server; ends when dropped.
pub(crate) struct RawServer {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Vec<u8>>>>,
    _accepting: JoinSet<()>,
}

impl RawServer {
    /// Plays to every connection the same.
    pub(crate) async fn playing(play: Play) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let mut accepting = JoinSet::new();
        let kept = Arc::clone(&requests);
        accepting.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(serve(stream, play.clone(), Arc::clone(&kept)));
            }
        });
        Self {
            address,
            requests,
            _accepting: accepting,
        }
    }

    /// Plays an HTTP answer with a status and a JSON body.
    pub(crate) async fn answering(status: &str, body: &str) -> Self {
        let text = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        Self::playing(Play::Bytes(text.into_bytes())).await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) const fn port(&self) -> u16 {
        self.address.port()
    }

    /// Everything that came in.
    pub(crate) fn requests(&self) -> Vec<Vec<u8>> {
        self.requests.lock().unwrap().clone()
    }

    /// Waits for the first requests.
    pub(crate) async fn received(&self, count: usize) -> Vec<Request> {
        eventually("requests at the raw server", PATIENCE, async || {
            let all = self.requests();
            (all.len() >= count).then(|| all.iter().map(|bytes| Request::parse(bytes)).collect())
        })
        .await
    }
}

async fn serve(mut stream: TcpStream, play: Play, kept: Arc<Mutex<Vec<Vec<u8>>>>) {
    let Some(request) = read(&mut stream).await else {
        return;
    };
    let earlier = {
        let mut kept = kept.lock().unwrap();
        kept.push(request);
        kept.len() - 1
    };
    match play {
        Play::InTurn(answers) => {
            let answer = answers.get(earlier).or(answers.last()).unwrap();
            let _sent = stream.write_all(answer).await;
            let _ended = stream.shutdown().await;
        }
        Play::Bytes(bytes) => {
            // The other side may rightly give up in the middle.
            let _sent = stream.write_all(&bytes).await;
            let _ended = stream.shutdown().await;
        }
        Play::AnswerOnce(bytes) => {
            let _sent = stream.write_all(&bytes).await;
            if let Some(second) = read(&mut stream).await {
                kept.lock().unwrap().push(second);
            }
        }
        Play::Silence => std::future::pending().await,
        Play::Drip(bytes) => {
            let mut ticks = tokio::time::interval(Duration::from_millis(10));
            let mut sent = stream.write_all(&bytes).await;
            while sent.is_ok() {
                ticks.tick().await;
                sent = stream.write_all(b" ").await;
            }
        }
    }
}

/// One request with its whole body, by its Content-Length.
pub(crate) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let mut piece = [0; 4_096];
        let count = stream.read(&mut piece).await.ok()?;
        if count == 0 {
            return None;
        }
        bytes.extend_from_slice(&piece[..count]);
        if let Some(head) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let request = Request::parse(&bytes);
            let length = request
                .header("content-length")
                .map_or(0, |text| text.parse().unwrap());
            if bytes.len() >= head + 4 + length {
                return Some(bytes);
            }
        }
    }
}

/// A request or an answer taken apart.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let line = lines.next().unwrap().to_owned();
        let headers = lines
            .map(|line| line.split_once(':').unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Self {
            line,
            headers,
            body: bytes[end + 4..].to_vec(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(one, _)| one == name)
            .map(|(_, value)| value.as_str())
    }
}
