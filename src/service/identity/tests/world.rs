//! A demo issuer, its authenticator, a held clock, and ways to make bad tokens that are signed well.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{TimeZone as _, Utc};
use futures_util::FutureExt as _;
use jsonwebtoken::{Algorithm, EncodingKey};
use onedoor_domain::directory::Directory;
use onedoor_domain::division::{Division, Level};
use onedoor_domain::id::{DivisionId, OrganizationId};
use onedoor_domain::organization::{Organization, OrganizationKind};
use serde_json::Value;
use uuid::Uuid;

use super::super::claims::Role;
use super::super::demo::{DemoIssuer, TokenRequest};
use super::super::issuer::Issuers;
use super::super::verifier::{self, TokenRefusal};
use super::super::{Authenticated, TokenAuthenticator};
use crate::clock::{Clock as _, HeldClock};
use crate::config::auth::AuthConfig;
use crate::config::{Config, ConfigInputs};
use crate::error::{AppError, ErrorCode};
use crate::secret::Redacted;
use crate::telemetry::metrics::Metrics;

pub(super) const NOW_S: i64 = 1_790_000_000;
pub(super) const STATION: &str = "340302001001:village.station";

/// A station that the token's code names, and the one that took over its work.
pub(super) const MERGED: &str = "340302001002:village.station";

pub(super) fn organization(number: u128) -> OrganizationId {
    OrganizationId::from_uuid(Uuid::from_u128(number))
}

pub(super) fn division(number: u128) -> DivisionId {
    DivisionId::from_uuid(Uuid::from_u128(number))
}

/// One county, two villages; the second village's station was merged into the first's.
fn directory() -> Directory {
    let place = |number, code: &str, level| Division {
        id: division(number),
        code: code.to_owned(),
        parent: None,
        level,
        name: "测试".to_owned(),
        kind: "test".to_owned(),
        setting: None,
        counted: true,
    };
    let station = |number, code: &str, at| Organization {
        id: organization(number),
        code: code.to_owned(),
        role: "village.station".to_owned(),
        kind: OrganizationKind::Station,
        division: division(at),
        level: Level::Village,
        name_zh: "工作站".to_owned(),
        name_en: "station".to_owned(),
        upstream: None,
    };
    Directory::new(
        vec![
            place(1, "340302000000", Level::County),
            place(2, "340302001001", Level::Village),
            place(3, "340302001002", Level::Village),
        ],
        vec![station(11, STATION, 2), station(12, MERGED, 3)],
        HashMap::from([(organization(12), organization(11))]),
    )
}

pub(super) struct World {
    pub(super) auth: AuthConfig,
    pub(super) issuer: DemoIssuer,
    pkcs8: Vec<u8>,
    pub(super) public: Vec<u8>,
    pub(super) clock: HeldClock,
    pub(super) metrics: Metrics,
    pub(super) authenticator: TokenAuthenticator,
}

pub(super) fn world() -> World {
    verifier::install_crypto();
    verifier::self_test().unwrap();
    let auth = Config::load(&ConfigInputs {
        demo: true,
        ..ConfigInputs::default()
    })
    .unwrap()
    .auth;
    let seed = Redacted::new([7; 32]);
    let pair = aws_lc_rs::signature::Ed25519KeyPair::from_seed_unchecked(seed.expose()).unwrap();
    let issuer = DemoIssuer::from_seed(&seed).unwrap();
    let clock = HeldClock::at(Utc.timestamp_opt(NOW_S, 0).unwrap());
    let metrics = Metrics::default();
    let directory = Arc::new(directory());
    let authenticator = TokenAuthenticator::new(
        Arc::new(Issuers::new(vec![issuer.issuer(&auth)], auth.token_max_bytes)),
        Arc::new(move || Arc::clone(&directory)),
        Arc::new(clock.clone()),
        &metrics,
    )
    .unwrap();
    World {
        auth,
        issuer,
        pkcs8: pair.to_pkcs8().unwrap().as_ref().to_vec(),
        public: pair.public_key().as_ref().to_vec(),
        clock,
        metrics,
        authenticator,
    }
}

pub(super) fn request(role: Role) -> TokenRequest {
    TokenRequest {
        role,
        subject: None,
        organization: None,
        division: None,
        approver: false,
        lifetime: chrono::TimeDelta::hours(1),
    }
}

impl World {
    pub(super) fn token(&self, request: &TokenRequest) -> String {
        self.issuer.issue(request, &self.auth, self.clock.now()).unwrap()
    }

    pub(super) fn citizen(&self) -> String {
        self.token(&request(Role::Citizen))
    }

    /// Header and claims of a good citizen's token, changed, and signed with the right key all the same.
    pub(super) fn forged(&self, change: impl FnOnce(&mut Value, &mut Value)) -> String {
        let token = self.citizen();
        let mut parts = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap());
        let mut header: Value = serde_json::from_slice(&parts.next().unwrap()).unwrap();
        let mut claims: Value = serde_json::from_slice(&parts.next().unwrap()).unwrap();
        change(&mut header, &mut claims);
        let body = [header, claims]
            .map(|part| URL_SAFE_NO_PAD.encode(part.to_string()))
            .join(".");
        let key = EncodingKey::from_ed_der(&self.pkcs8);
        let signature = jsonwebtoken::crypto::sign(body.as_bytes(), &key, Algorithm::EdDSA).unwrap();
        format!("{body}.{signature}")
    }

    pub(super) fn with_claim(&self, name: &str, value: Value) -> String {
        self.forged(|_, claims| claims[name] = value)
    }

    pub(super) fn without_claim(&self, name: &str) -> String {
        self.forged(|_, claims| {
            claims.as_object_mut().unwrap().remove(name);
        })
    }

    pub(super) fn caller(&self, token: &str) -> Result<Authenticated, AppError> {
        self.header(Some(&format!("Bearer {token}")))
    }

    /// The caller of a header; nothing is asked of anybody, so it is known at once.
    pub(super) fn header(&self, authorization: Option<&str>) -> Result<Authenticated, AppError> {
        let caller = self.authenticator.caller(authorization);
        caller.now_or_never().expect("the key lies in memory")
    }

    pub(super) fn refused(&self, token: &str) -> &'static str {
        let error = self.caller(token).unwrap_err();
        assert_eq!(error.code, ErrorCode::Unauthenticated);
        assert!(
            error.detail.is_none(),
            "the caller only learns that the token is refused"
        );
        error
            .source
            .unwrap()
            .downcast_ref::<TokenRefusal>()
            .unwrap()
            .reason()
    }
}
