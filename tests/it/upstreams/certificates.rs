//! TLS towards an upstream, and from it: who is believed, who is not, and what of it the other side sees.

use std::sync::Arc;

use onedoor::clock::HeldClock;
use onedoor::upstream::outcome::{NotSentReason, OutcomeClass, UpstreamOutcome};
use onedoor::upstream::registry::Upstream;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::auth::{TAKEN, upstream_of};
use super::fixture::{now, submission};
use super::talker::{Talker, json};

/// Somebody who signs certificates.
pub(crate) struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate with its key.
pub(crate) struct Own {
    pub(crate) certificate: Certificate,
    key: KeyPair,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self {
            certificate,
            issuer: Issuer::new(params, key),
        }
    }

    /// A certificate of a name or address, good until the end of a year.
    pub(crate) fn signs(&self, name: &str, until: i32) -> Own {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(until, 12, 31);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Own { certificate, key }
    }

    pub(crate) fn pem(&self) -> String {
        self.certificate.pem()
    }
}

impl Own {
    pub(crate) fn pem(&self) -> String {
        self.certificate.pem()
    }

    pub(crate) fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// What serves with it; asks for certificates of an authority when one is named.
    pub(crate) fn acceptor(&self, asks_for: Option<&Authority>) -> TlsAcceptor {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match asks_for {
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.certificate.der().clone()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
            None => builder.with_no_client_auth(),
        };
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let config = builder
            .with_single_cert(vec![self.certificate.der().clone()], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

const BOTH: &str = r#"
    [auth.tls]
    certificate = { env = "CERTIFICATE" }
    key = { env = "KEY" }
    authority = { env = "AUTHORITY" }
"#;
const THEIRS: &str = "[auth.tls]\nauthority = { env = \"AUTHORITY\" }";

async fn over_tls(own: &Own, asks_for: Option<&Authority>) -> Talker {
    Talker::over_tls(own.acceptor(asks_for), |_, _| async {
        json("202 Accepted", TAKEN)
    })
    .await
}

fn upstream(system: &Talker, auth: &str, authority: &Authority, own: &Own) -> Arc<Upstream> {
    let (authority, certificate, key) = (authority.pem(), own.pem(), own.key_pem());
    let secrets = [
        ("AUTHORITY", &*authority),
        ("CERTIFICATE", &*certificate),
        ("KEY", &*key),
    ];
    upstream_of(&system.url(), ("", auth), &secrets, &HeldClock::at(now())).unwrap()
}

async fn outcome(upstream: &Upstream) -> UpstreamOutcome {
    upstream.driver().send(&submission()).await.outcome
}

#[actix_web::test]
async fn a_system_that_asks_for_our_certificate_sees_ours() {
    let (theirs, ours) = (Authority::new("Their CA"), Authority::new("Our CA"));
    let system = over_tls(&theirs.signs("127.0.0.1", 2099), Some(&ours)).await;
    let own = ours.signs("onedoor.example", 2099);
    let ended = outcome(&upstream(&system, BOTH, &theirs, &own)).await;
    assert_eq!(ended.class(), OutcomeClass::Accepted, "{ended:?}");
    assert_eq!(
        system.asked()[0].certificate.as_deref(),
        Some(own.certificate.der().as_ref())
    );

    // without one, or with one of nobody they know, nothing is taken over
    let stranger = Authority::new("Nobody").signs("onedoor.example", 2099);
    for upstream in [
        upstream(&system, THEIRS, &theirs, &own),
        upstream(&system, BOTH, &theirs, &stranger),
    ] {
        let ended = outcome(&upstream).await;
        assert_ne!(ended.class(), OutcomeClass::Accepted, "{ended:?}");
    }
    assert_eq!(system.asked().len(), 1, "they heard no other request");
}

#[actix_web::test]
async fn whoever_cannot_show_a_good_certificate_is_sent_nothing() {
    let (theirs, others) = (Authority::new("Their CA"), Authority::new("Another CA"));
    let own = theirs.signs("onedoor.example", 2099);
    let rows = [
        ("of another authority", others.signs("127.0.0.1", 2099)),
        ("expired", theirs.signs("127.0.0.1", 2021)),
        ("of another name", theirs.signs("127.0.0.2", 2099)),
    ];
    for (what, shown) in rows {
        let system = over_tls(&shown, None).await;
        let ended = outcome(&upstream(&system, THEIRS, &theirs, &own)).await;
        let (reason, retry_after) = (NotSentReason::NoConnection, None);
        assert_eq!(ended, UpstreamOutcome::NotSent { reason, retry_after }, "{what}");
        assert!(system.asked().is_empty(), "{what}");
    }
    // the machine does not trust it either, and a named authority is the only one
    let system = over_tls(&theirs.signs("127.0.0.1", 2099), None).await;
    let ended = outcome(&upstream(&system, "", &theirs, &own)).await;
    assert_eq!(ended.class(), OutcomeClass::NotSent, "{ended:?}");
    let ended = outcome(&upstream(&system, THEIRS, &theirs, &own)).await;
    assert_eq!(ended.class(), OutcomeClass::Accepted, "{ended:?}");
}
