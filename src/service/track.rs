//! One case by tracking code and secret: the applicant's credential, and nobody's guess.

use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::clock::{Clock as _, DefaultClock};
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use onedoor_domain::actor::Actor;
use onedoor_domain::policy::Act;
use onedoor_domain::proof::Credential;
use onedoor_domain::tracking::TrackingCode;

use super::cases::Cases;
use super::guard;
use super::reading::CaseView;
use crate::error::{AppError, ErrorCode};
use crate::secret::Redacted;

type Keyed<K> = RateLimiter<K, DefaultKeyedStateStore<K>, DefaultClock>;

/// Limits on wrong answers. Only failures count, and none is per code alone: nobody with the right secret can be
/// locked out by somebody else's guesses.
pub struct TrackLimits {
    by_source: Keyed<IpAddr>,
    by_source_and_code: Keyed<(IpAddr, TrackingCode)>,
    clock: DefaultClock,
}

impl TrackLimits {
    /// Limits of failures per minute; 0 counts as 1.
    #[must_use]
    pub fn per_minute(by_source: u32, by_source_and_code: u32) -> Self {
        let quota = |failures: u32| Quota::per_minute(NonZeroU32::new(failures).unwrap_or(NonZeroU32::MIN));
        Self {
            by_source: RateLimiter::keyed(quota(by_source)),
            by_source_and_code: RateLimiter::keyed(quota(by_source_and_code)),
            clock: DefaultClock::default(),
        }
    }

    /// Counts a failure. `code` is `None` when what was typed is no code at all.
    fn count(&self, source: IpAddr, code: Option<&TrackingCode>) -> Result<(), AppError> {
        let for_code = code.map_or(Ok(()), |code| {
            self.by_source_and_code.check_key(&(source, code.clone()))
        });
        for_code
            .and_then(|()| self.by_source.check_key(&source))
            .map_err(|denied| {
                let wait = denied.wait_time_from(self.clock.now());
                AppError::of(ErrorCode::RateLimited)
                    .retry_after_ms(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX))
            })
    }

    /// Forgets sources that have been quiet, so that the maps stay small.
    pub fn forget_quiet(&self) {
        self.by_source.retain_recent();
        self.by_source_and_code.retain_recent();
    }
}

impl Cases {
    /// Shows one case to whoever holds its code and secret. An unknown code, a code that is none, and a wrong secret
    /// answer alike and take the same time.
    ///
    /// # Errors
    /// NOT_FOUND, RATE_LIMITED, FORBIDDEN by the policy, STORE_UNAVAILABLE.
    pub async fn track(
        &self,
        actor: &Actor,
        source: IpAddr,
        code: &str,
        secret: Redacted<String>,
    ) -> Result<CaseView, AppError> {
        guard::allow(actor, Act::TrackCase)?;
        let nobody = || {
            AppError::of(ErrorCode::NotFound).detail(
                "受理编号或查询码不正确，请核对回执。",
                "The tracking code or its secret is not right; compare them with the receipt.",
            )
        };
        let code = code.parse::<TrackingCode>().ok();
        let found = match &code {
            Some(code) => self.store.find_by_tracking(code).await?,
            None => None,
        };
        let (case, hash) = found.map_or((None, None), |(case, hash)| (Some(case), Some(hash)));
        let typed = normalized(secret);
        let fits = self
            .secrets
            .verify(typed, hash)
            .await
            .map_err(AppError::internal)?;
        let Some(credential) = case.and_then(|case| Credential::after_check(case, fits)) else {
            self.track_limits.count(source, code.as_ref())?;
            return Err(nobody());
        };
        let proof = guard::by_credential(actor, Act::TrackCase, credential)?;
        let loaded = self.store.load_case(proof.case()).await?.ok_or_else(nobody)?;
        Ok(self.view(loaded.case, super::reading::Sight::Applicant))
    }
}

/// The secret as it was printed, however it was typed: capitals, no separators, I L → 1, O → 0.
fn normalized(secret: Redacted<String>) -> Redacted<String> {
    let typed = secret.into_exposed();
    match typed.parse::<onedoor_domain::tracking::TrackingSecret>() {
        Ok(parsed) => Redacted::new(parsed.reveal().to_owned()),
        // a text that is no secret is compared all the same, so that it takes as long
        Err(_) => Redacted::new(typed),
    }
}
