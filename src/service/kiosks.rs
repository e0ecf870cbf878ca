//! Kiosks (自助终端): the use cases of whoever manages them, and of the devices themselves.

pub mod batch;
pub mod enrolment;
pub mod proof;
pub mod token;

use std::sync::Arc;

use chrono::TimeDelta;
use onedoor_domain::actor::Actor;
use onedoor_domain::id::KioskId;
use onedoor_domain::kiosk::{Kiosk, KioskState};
use onedoor_domain::page::{Page, PageRequest};
use onedoor_domain::policy::Act;
use prometheus::{IntCounterVec, IntGauge, IntGaugeVec};

use super::cases::Cases;
use super::guard;
use crate::config::kiosk::KioskConfig;
use crate::error::{AppError, ErrorCode};
use crate::secret::kiosk_nonce::{NonceUse, Nonces};
use crate::secret::sealed_input::{SealingJwk, SealingKeys};
pub use crate::store::kiosk_list::{KIOSKS_BY_CREATED, KioskFilter};
use crate::telemetry::metrics::Metrics;

/// What [`Kiosks`] are made from, beside the use cases of cases.
pub struct KioskParts {
    /// Challenges and nonces.
    pub nonces: Nonces,
    /// The keys that devices seal to.
    pub sealing: SealingKeys,
    /// `[kiosk]`.
    pub settings: KioskConfig,
    /// Public address of the gateway as configured; empty: none is.
    pub public_url: String,
}

/// The use cases of kiosks.
pub struct Kiosks {
    cases: Arc<Cases>,
    nonces: Nonces,
    sealing: SealingKeys,
    settings: KioskConfig,
    public_url: String,
    refused: IntCounterVec,
    states: IntGaugeVec,
    silent: IntGauge,
}

impl Kiosks {
    /// Joins the parts.
    ///
    /// # Errors
    /// A metric's name is taken by another kind.
    pub fn new(cases: Arc<Cases>, parts: KioskParts, metrics: &Metrics) -> Result<Self, prometheus::Error> {
        Ok(Self {
            cases,
            nonces: parts.nonces,
            sealing: parts.sealing,
            settings: parts.settings,
            public_url: parts.public_url.trim_end_matches('/').to_owned(),
            refused: metrics.counter(
                "onedoor_kiosk_refusals_total",
                "What devices were refused for: code, signature, challenge, counter, ended, token, proof, nonce or replay.",
                &["reason"],
            )?,
            states: metrics.gauge("onedoor_kiosks", "Kiosks by state.", &["state"])?,
            silent: metrics
                .gauge(
                    "onedoor_kiosks_silent",
                    "Active kiosks that were not heard of for kiosk.silent_after_s.",
                    &[],
                )?
                .with_label_values::<&str>(&[]),
        })
    }

    /// The settings.
    #[must_use]
    pub const fn settings(&self) -> &KioskConfig {
        &self.settings
    }

    /// The public key that devices seal their queues to.
    #[must_use]
    pub const fn sealing_key(&self) -> &SealingJwk {
        self.sealing.public()
    }

    /// A challenge for one enrolment or one token.
    #[must_use]
    pub fn challenge(&self) -> String {
        self.nonces.issue(NonceUse::Challenge, self.cases.clock.now())
    }

    /// A nonce for the proofs of a device.
    #[must_use]
    pub fn proof_nonce(&self) -> String {
        self.nonces.issue(NonceUse::Proof, self.cases.clock.now())
    }

    /// Whether a kiosk should be heard of and is not.
    #[must_use]
    pub fn is_silent(&self, kiosk: &Kiosk) -> bool {
        kiosk.is_silent(self.cases.clock.now(), self.silent_after())
    }

    /// A page of kiosks, the last enrolled first.
    ///
    /// # Errors
    /// FORBIDDEN or UNAUTHENTICATED by the policy, STORE_UNAVAILABLE.
    pub async fn list(
        &self,
        actor: &Actor,
        filter: &KioskFilter,
        page: &PageRequest,
    ) -> Result<Page<Kiosk>, AppError> {
        guard::allow(actor, Act::ManageKiosks)?;
        Ok(self.cases.store.list_kiosks(filter, page).await?)
    }

    /// How many kiosks the list has.
    ///
    /// # Errors
    /// As [`Self::list`].
    pub async fn count(&self, actor: &Actor, filter: &KioskFilter) -> Result<u64, AppError> {
        guard::allow(actor, Act::ManageKiosks)?;
        Ok(self.cases.store.count_kiosks(filter).await?)
    }

    /// One kiosk; `None`: there is none, or it is not for this actor to see.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE.
    pub async fn find(&self, actor: &Actor, id: KioskId) -> Result<Option<Kiosk>, AppError> {
        if guard::allow(actor, Act::ManageKiosks).is_err() {
            return Ok(None);
        }
        let found = self.cases.store.device(id).await?;
        Ok(found.map(|device| device.kiosk))
    }

    /// Those that are silent as of now, as a filter.
    #[must_use]
    pub fn silent_now(&self) -> KioskFilter {
        KioskFilter {
            silent_since: Some(self.cases.clock.now() - self.silent_after()),
            ..KioskFilter::default()
        }
    }

    /// Reads the gauges and forgets proofs that cannot be sent again.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE; the gauges keep their last values.
    pub async fn look_round(&self) -> Result<(), AppError> {
        let store = &self.cases.store;
        store.forget_kiosk_proofs(self.cases.clock.now()).await?;
        let counted = store.kiosk_counts().await?;
        for state in KioskState::ALL {
            let count = counted.iter().find(|(its, _)| its == state).map_or(0, |it| it.1);
            self.states
                .with_label_values(&[state.name()])
                .set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        let silent = store.count_kiosks(&self.silent_now()).await?;
        self.silent.set(i64::try_from(silent).unwrap_or(i64::MAX));
        Ok(())
    }

    fn silent_after(&self) -> TimeDelta {
        TimeDelta::seconds(i64::from(self.settings.silent_after_s))
    }

    /// Counts a refusal and gives the answer that all of them share.
    fn refuse(&self, reason: &'static str) -> AppError {
        self.refused.with_label_values(&[reason]).inc();
        tracing::debug!(token.refusal = reason, "refused a kiosk");
        AppError::of(ErrorCode::Unauthenticated)
    }

    /// The same for whoever holds the right key of a kiosk that may not act.
    fn ended(&self) -> AppError {
        self.refused.with_label_values(&["ended"]).inc();
        AppError::of(ErrorCode::Forbidden).detail(
            "本终端已停用，请联系管理员重新注册。",
            "This kiosk is out of service; ask the administrator to enrol it again.",
        )
    }
}
