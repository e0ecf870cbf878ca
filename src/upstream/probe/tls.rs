//! The step of TLS: whom the other side shows itself to be, until when, and whether it asked who we are.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::ResolvesClientCert;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, SignatureScheme};

use super::{Step, StepName, certificate};
use crate::upstream::config::UpstreamConfig;
use crate::upstream::transport::Trust;

/// How long a refusal of our certificate is waited for: in TLS 1.3 it comes after the handshake.
const REFUSAL_WAIT: Duration = Duration::from_millis(300);
/// A certificate that ends sooner is told of.
const ENDS_SOON_DAYS: i64 = 30;

/// Shakes hands as our requests do.
pub async fn tls(config: &UpstreamConfig, trust: &Trust, stream: TcpStream, now: DateTime<Utc>) -> Step {
    let begun = StepName::Tls.begin();
    let host = config.base_url.host_str().unwrap_or_default();
    let host = host.trim_matches(['[', ']']).to_owned();
    let asked = Arc::new(AtomicBool::new(false));
    let (Ok(client), Ok(name)) = (client(trust, &asked), ServerName::try_from(host.clone())) else {
        return begun.failed(
            vec![format!(
                "{host}: TLS cannot be set up with this name, certificate or authority"
            )],
            "检查 base_url 的主机名与 [auth.tls] 的证书。",
            "Check the host name of base_url and the certificates of [auth.tls].",
        );
    };
    let hands = TlsConnector::from(Arc::new(client)).connect(name, stream);
    let refused = |why: String| {
        begun.failed(
            vec![format!("{host}: {why}"), of_ours(trust, &asked)],
            "双方证书不被对方认可：核对对方证书的有效期、域名与签发机构（[auth.tls] authority），以及我方证书是否已在对方登记。",
            "A certificate was not accepted: check the validity, name and issuer of theirs ([auth.tls] authority), and whether ours is known there.",
        )
    };
    let mut stream = match timeout(config.connect_timeout, hands).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return refused(error.to_string()),
        Err(_) => return refused("no answer within connect_timeout_ms".to_owned()),
    };
    if asked.load(Ordering::Relaxed)
        && let Ok(Err(error)) = timeout(REFUSAL_WAIT, stream.read_u8()).await
    {
        return refused(error.to_string());
    }
    let mut lines = vec![format!("{host}: {}", version(&stream))];
    lines.extend(ends(&stream, now));
    lines.push(of_ours(trust, &asked));
    begun.ok(lines)
}

fn version(stream: &TlsStream<TcpStream>) -> String {
    let version = stream.get_ref().1.protocol_version();
    let version = version.and_then(|version| version.as_str()).unwrap_or("TLS");
    format!("{version}, certificate accepted for this name")
}

fn ends(stream: &TlsStream<TcpStream>, now: DateTime<Utc>) -> Option<String> {
    let shown = stream.get_ref().1.peer_certificates()?.first()?;
    let end = certificate::not_after(shown)?;
    let days = (end - now).num_days();
    let soon = if days < ENDS_SOON_DAYS {
        ", soon 即将到期"
    } else {
        ""
    };
    Some(format!(
        "their certificate ends {} ({days} days{soon})",
        end.format("%Y-%m-%d")
    ))
}

fn of_ours(trust: &Trust, asked: &AtomicBool) -> String {
    let own = match (&trust.identity, asked.load(Ordering::Relaxed)) {
        (Some(_), true) => "our certificate was asked for and sent",
        (Some(_), false) => "our certificate was not asked for",
        (None, true) => "a certificate was asked for and we have none: see [auth.tls]",
        (None, false) => "no certificate of ours was asked for",
    };
    own.to_owned()
}

/// Why there is no client of TLS; details could show a key.
#[derive(Debug)]
struct Unusable;

fn client(trust: &Trust, asked: &Arc<AtomicBool>) -> Result<ClientConfig, Unusable> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .ok()
        .ok_or(Unusable)?;
    let builder = match &trust.authority {
        Some(pem) => {
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(pem.expose().as_bytes()) {
                let certificate = certificate.ok().ok_or(Unusable)?;
                roots.add(certificate).ok().ok_or(Unusable)?;
            }
            builder.with_root_certificates(roots)
        }
        None => builder.with_platform_verifier().ok().ok_or(Unusable)?,
    };
    let own = match &trust.identity {
        Some(pem) => {
            let pem = pem.expose().as_bytes();
            let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
            let key = PrivateKeyDer::from_pem_slice(pem).ok().ok_or(Unusable)?;
            let own = CertifiedKey::from_der(chain.ok().ok_or(Unusable)?, key, &provider);
            Some(Arc::new(own.ok().ok_or(Unusable)?))
        }
        None => None,
    };
    Ok(builder.with_client_cert_resolver(Arc::new(Noting {
        own,
        asked: Arc::clone(asked),
    })))
}

/// Shows our certificate and notes that it was asked for.
#[derive(Debug)]
struct Noting {
    own: Option<Arc<CertifiedKey>>,
    asked: Arc<AtomicBool>,
}

impl ResolvesClientCert for Noting {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        self.own.clone()
    }

    fn has_certs(&self) -> bool {
        true
    }
}
