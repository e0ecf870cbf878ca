//! A TCP server that answers each request as a story says, plain or over TLS, and keeps what it was asked.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::raw::{self, Request};
use crate::harness::wait::{PATIENCE, eventually};

/// What it was asked, and by whom where TLS says so.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) request: Request,
    pub(crate) certificate: Option<Vec<u8>>,
}

/// The server; ends when dropped.
pub(crate) struct Talker {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    scheme: &'static str,
    _accepting: JoinSet<()>,
}

impl Talker {
    /// One that answers by a closure; the connection closes after each answer.
    pub(crate) async fn answering(answer: impl AsyncAnswer) -> Self {
        Self::over(None, answer).await
    }

    /// The same over TLS.
    pub(crate) async fn over_tls(acceptor: TlsAcceptor, answer: impl AsyncAnswer) -> Self {
        Self::over(Some(acceptor), answer).await
    }

    async fn over(acceptor: Option<TlsAcceptor>, answer: impl AsyncAnswer) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (kept, answer) = (Arc::clone(&asked), Arc::new(answer));
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let served = serve(stream, acceptor.clone(), Arc::clone(&answer), Arc::clone(&kept));
                connections.spawn(served);
            }
        });
        Self {
            address,
            asked,
            scheme,
            _accepting: accepting,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Everything it was asked.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.asked().into_iter().map(|asked| asked.request).collect()
    }

    /// Waits until it was asked so often.
    pub(crate) async fn heard(&self, count: usize) {
        eventually("requests at the talker", PATIENCE, async || {
            (self.asked().len() >= count).then_some(())
        })
        .await;
    }
}

/// An answer to a request and its number, from 0.
pub(crate) trait AsyncAnswer: Send + Sync + 'static {
    fn to(&self, number: usize, request: Request) -> impl Future<Output = Vec<u8>> + Send;
}

impl<A, F> AsyncAnswer for A
where
    A: Fn(usize, Request) -> F + Send + Sync + 'static,
    F: Future<Output = Vec<u8>> + Send,
{
    fn to(&self, number: usize, request: Request) -> impl Future<Output = Vec<u8>> + Send {
        self(number, request)
    }
}

/// A JSON answer.
pub(crate) fn json(status: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

async fn serve(
    stream: TcpStream,
    acceptor: Option<TlsAcceptor>,
    answer: Arc<impl AsyncAnswer>,
    kept: Arc<Mutex<Vec<Asked>>>,
) {
    match acceptor {
        None => talk(stream, None, answer, kept).await,
        Some(acceptor) => {
            // whoever does not believe us, or is not believed, ends here
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            let certificates = stream.get_ref().1.peer_certificates();
            let certificate = certificates.and_then(|all| all.first()).map(|one| one.to_vec());
            talk(stream, certificate, answer, kept).await;
        }
    }
}

async fn talk(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    certificate: Option<Vec<u8>>,
    answer: Arc<impl AsyncAnswer>,
    kept: Arc<Mutex<Vec<Asked>>>,
) {
    let Some(bytes) = raw::read(&mut stream).await else {
        return;
    };
    let request = Request::parse(&bytes);
    let number = {
        let mut kept = kept.lock().unwrap();
        kept.push(Asked {
            request: request.clone(),
            certificate,
        });
        kept.len() - 1
    };
    let bytes = answer.to(number, request).await;
    // The other side may rightly give up in the middle.
    let _sent = stream.write_all(&bytes).await;
    let _ended = stream.shutdown().await;
}
