//! One case by tracking code and secret: the applicant's credential, and nobody's guess.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use moka::sync::Cache;
use onedoor_domain::actor::Actor;
use onedoor_domain::policy::Act;
use onedoor_domain::proof::Credential;
use onedoor_domain::tracking::TrackingCode;

use super::cases::Cases;
use super::guard;
use super::reading::CaseView;
use crate::error::{AppError, ErrorCode};
use crate::secret::Redacted;

/// How long a failure counts against a source.
const WINDOW: Duration = Duration::from_secs(60);
/// How long a failure counts towards the delay of a code.
const CODE_WINDOW: Duration = Duration::from_secs(600);
/// Sources and codes remembered; beyond it the least used are forgotten.
const REMEMBERED_MAX: u64 = 100_000;
/// Failures on one code that cost nothing yet.
const FREE_FAILURES: u32 = 3;
/// The delay of a code grows by this with every further failure, up to [`DELAY_MAX`].
const DELAY_STEP: Duration = Duration::from_millis(100);
/// The longest delay: whoever holds the right secret waits no longer than this.
const DELAY_MAX: Duration = Duration::from_secs(2);

/// Limits on wrong answers, looked at before a secret is. Only failures count, by source and by source and code; a code
/// alone is never closed, it only answers more slowly, so that nobody can lock out who holds the right secret.
pub struct TrackLimits {
    by_source: Failures<IpAddr>,
    by_source_and_code: Failures<(IpAddr, TrackingCode)>,
    by_code: Failures<TrackingCode>,
    source_max: u32,
    source_and_code_max: u32,
}

/// Failures that still count, by whatever they are counted.
type Failures<K> = Cache<K, Arc<AtomicU32>>;

fn failures<K: std::hash::Hash + Eq + Send + Sync + 'static>(window: Duration) -> Failures<K> {
    Cache::builder()
        .max_capacity(REMEMBERED_MAX)
        .time_to_live(window)
        .build()
}

/// Adds one and gives the number before.
fn add<K: std::hash::Hash + Eq + Send + Sync + 'static>(failures: &Failures<K>, key: K) -> u32 {
    failures
        .get_with(key, Arc::default)
        .fetch_add(1, Ordering::Relaxed)
}

fn take_back<K: std::hash::Hash + Eq + Send + Sync + 'static>(failures: &Failures<K>, key: &K) {
    if let Some(count) = failures.get(key) {
        // an entry that expired meanwhile begins at nothing
        count
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| count.checked_sub(1))
            .ok();
    }
}

impl TrackLimits {
    /// Limits of failures per minute.
    #[must_use]
    pub fn per_minute(source_max: u32, source_and_code_max: u32) -> Self {
        Self {
            by_source: failures(WINDOW),
            by_source_and_code: failures(WINDOW),
            by_code: failures(CODE_WINDOW),
            source_max,
            source_and_code_max,
        }
    }

    /// Counts a guess in advance, so that guesses sent at once are no way around; refuses a source that failed too
    /// often. Gives how long this code's answer is held back. `code` is `None` when what was typed is no code at all.
    fn admit(&self, source: IpAddr, code: Option<&TrackingCode>) -> Result<Duration, AppError> {
        let pair = code.map(|code| (source, code.clone()));
        let before = add(&self.by_source, source);
        let before_pair = pair.map_or(0, |pair| add(&self.by_source_and_code, pair));
        if before >= self.source_max || before_pair >= self.source_and_code_max {
            let window_ms = u64::try_from(WINDOW.as_millis()).unwrap_or(u64::MAX);
            return Err(AppError::of(ErrorCode::RateLimited).retry_after_ms(window_ms));
        }
        let failed = code.map_or(0, |code| add(&self.by_code, code.clone()));
        Ok(DELAY_STEP
            .saturating_mul(failed.saturating_sub(FREE_FAILURES))
            .min(DELAY_MAX))
    }

    /// Takes back a guess that was none: the secret was right.
    fn forgive(&self, source: IpAddr, code: &TrackingCode) {
        take_back(&self.by_source, &source);
        take_back(&self.by_source_and_code, &(source, code.clone()));
        take_back(&self.by_code, code);
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
        let credential = self.credential(actor, source, code, secret).await?;
        let proof = guard::by_credential(actor, Act::TrackCase, credential)?;
        let loaded = self.store.load_case(proof.case()).await?.ok_or_else(nobody)?;
        Ok(CaseView {
            credential: Some(credential),
            ..self.view(loaded.case, super::reading::Sight::Applicant)
        })
    }

    /// The credential of one case (DOMAIN §5), for whoever gives its code and secret. An unknown code, a code that is
    /// none, and a wrong secret answer alike and take the same time.
    ///
    /// # Errors
    /// As [`Cases::track`].
    pub async fn credential(
        &self,
        actor: &Actor,
        source: IpAddr,
        code: &str,
        secret: Redacted<String>,
    ) -> Result<Credential, AppError> {
        guard::allow(actor, Act::TrackCase)?;
        let code = code.parse::<TrackingCode>().ok();
        let held_back = self.track_limits.admit(source, code.as_ref())?;
        if !held_back.is_zero() {
            tokio::time::sleep(held_back).await;
        }
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
            return Err(nobody());
        };
        if let Some(code) = &code {
            self.track_limits.forgive(source, code);
        }
        Ok(credential)
    }
}

/// No such code, or not its secret.
fn nobody() -> AppError {
    AppError::of(ErrorCode::NotFound).detail(
        "受理编号或查询码不正确，请核对回执。",
        "The tracking code or its secret is not right; compare them with the receipt.",
    )
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
