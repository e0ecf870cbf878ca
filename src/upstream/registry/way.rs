//! The way to one upstream, and what its requests prove themselves with, every secret resolved and checked.

use crate::secret::Redacted;
use crate::upstream::auth::body::BodySecret;
use crate::upstream::auth::mac::RequestMac;
use crate::upstream::auth::token::TokenSource;
use crate::upstream::auth::{Authorization, Credentials};
use crate::upstream::config::UpstreamConfig;
use crate::upstream::signing::SigningKey;
use crate::upstream::transport::{Transport, TransportError, Trust};

use super::Checks;
use crate::upstream::config::SecretRef;

impl Checks<'_> {
    /// The client and the credentials; `None` only after a fault.
    pub(super) fn way(&mut self, config: &UpstreamConfig) -> Option<(Transport, Credentials)> {
        let trust = self.trust(config);
        let authorization = self.authorization(config, trust.as_ref());
        let mut key = |at: &SecretRef| {
            let secret = self.secret("auth.signing", at)?;
            SigningKey::parse(&secret)
                .map_err(|error| self.fault("auth.signing", format!("{at}: {error}")))
                .ok()
        };
        let signing = config.auth.signing.iter().filter_map(&mut key).collect();
        let mac = config.auth.hmac.as_ref().and_then(|mac| {
            let secret = self.secret("auth.hmac.secret", &mac.secret)?;
            Some(RequestMac::new(mac.clone(), &secret))
        });
        let body = config.auth.body.as_ref().and_then(|body| {
            let secret = self.visible(
                "auth.body.secret",
                &body.secret,
                "are not visible ASCII 须为可见 ASCII 字符",
            )?;
            Some(BodySecret::new(body.field.clone(), secret))
        });
        let transport = Transport::new(config, trust.as_ref()?)
            .map_err(|error| self.transport_fault("base_url", &error))
            .ok();
        let credentials = Credentials {
            authorization: authorization?,
            signing,
            mac,
            body,
        };
        Some((transport?, credentials))
    }

    fn authorization(&mut self, config: &UpstreamConfig, trust: Option<&Trust>) -> Option<Authorization> {
        let auth = &config.auth;
        if let Some(at) = &auth.bearer {
            return self.bearer(at).map(Authorization::Bearer);
        }
        if let Some(basic) = &auth.basic {
            let password = self.secret("auth.basic.password", &basic.password)?;
            return Some(Authorization::basic(&basic.user, &password));
        }
        let Some(oauth) = &auth.oauth2 else {
            return Some(Authorization::None);
        };
        let secret = self.secret("auth.oauth2.client_secret", &oauth.client_secret);
        let transport = Transport::to(&oauth.token_url, config, trust?)
            .map_err(|error| self.transport_fault("auth.oauth2.token_url", &error))
            .ok();
        let source = TokenSource::new(config.name.clone(), oauth.clone(), secret?, transport?);
        Some(Authorization::Tokens(Box::new(source)))
    }

    /// A token that a header can hold.
    fn bearer(&mut self, at: &SecretRef) -> Option<Redacted<String>> {
        self.visible("auth.bearer", at, "no header can carry 含有请求头不能承载的字符")
    }

    /// A secret of visible ASCII; found out now, not at each attempt.
    fn visible(&mut self, option: &str, at: &SecretRef, otherwise: &str) -> Option<Redacted<String>> {
        let secret = self.secret(option, at)?;
        if secret.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Some(secret);
        }
        self.fault(option, format!("{at}: holds characters that {otherwise}"));
        None
    }

    pub(super) fn trust(&mut self, config: &UpstreamConfig) -> Option<Trust> {
        let tls = &config.auth.tls;
        let mut read = |option: &str, at: &Option<SecretRef>| match at {
            Some(at) => self.secret(option, at).map(Some),
            None => Some(None),
        };
        let certificate = read("auth.tls.certificate", &tls.certificate);
        let key = read("auth.tls.key", &tls.key);
        let authority = read("auth.tls.authority", &tls.authority);
        let identity = match (certificate?, key?) {
            (Some(certificate), Some(key)) => Some(Redacted::new(format!(
                "{}\n{}\n",
                certificate.expose(),
                key.expose()
            ))),
            (Some(_) | None, _) => None,
        };
        Some(Trust {
            identity,
            authority: authority?,
        })
    }

    fn transport_fault(&mut self, option: &str, error: &TransportError) {
        let option = match error {
            TransportError::Identity(_) => "auth.tls.certificate",
            TransportError::Authority(_) => "auth.tls.authority",
            TransportError::AddressRefused | TransportError::Client(_) => option,
        };
        self.fault(option, error.to_string());
    }
}
