//! One case by tracking code and secret: the applicant's credential, and nobody's guess.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use moka::sync::Cache;
use onedoor_domain::actor::Actor;
use onedoor_domain::audit::AuditAction;
use onedoor_domain::policy::Act;
use onedoor_domain::proof::Credential;
use onedoor_domain::tracking::TrackingCode;

use super::cases::Cases;
use super::guard;
use super::reading::CaseView;
use super::shared_limits::SharedLimits;
use crate::cache::counters::Counted;
use crate::error::{AppError, ErrorCode};
use crate::secret::Redacted;
use crate::store::tracking_failure::{self, Bucket};

/// How long a failure counts against whoever guesses.
const WINDOW: Duration = Duration::from_secs(60);
/// How long a failure counts towards the delay of a code.
const CODE_WINDOW: Duration = Duration::from_secs(600);
/// The same for what the database counts.
const KEPT_WINDOW: TimeDelta = TimeDelta::seconds(600);
/// Guessers and codes remembered; beyond it the least used are forgotten.
const REMEMBERED_MAX: u64 = 100_000;
/// Failures on one code that cost nothing yet.
const FREE_FAILURES: u32 = 3;
/// The delay of a code grows by this with every further failure, up to [`DELAY_STEPS_MAX`] times.
const DELAY_STEP: Duration = Duration::from_millis(100);
/// The longest delay is 2 s: whoever holds the right secret waits no longer than this.
const DELAY_STEPS_MAX: u32 = 20;

/// Limits on wrong answers, looked at before a secret is. Only failures count, by who guesses and by guesser and code; a
/// code alone is never closed, it only answers more slowly, so that nobody can lock out who holds the right secret. Who
/// guesses is the subject of the token, and without one the source: people who share an address with a guesser are not
/// locked out with it once they are known.
///
/// This process counts for itself, and where there is Redis all replicas count together. What slows a code down is kept in
/// the database as well, so that neither a restart nor another replica forgets it.
pub struct TrackLimits {
    by_guesser: Failures<String>,
    by_guesser_and_code: Failures<(String, TrackingCode)>,
    by_code: Failures<TrackingCode>,
    guesser_max: u32,
    guesser_and_code_max: u32,
    shared: SharedLimits,
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

/// One try at a code; `code` is `None` when what was typed is no code at all.
struct Guess {
    guesser: String,
    code: Option<TrackingCode>,
}

impl Guess {
    fn of(actor: &Actor, source: IpAddr, code: Option<TrackingCode>) -> Self {
        let guesser = if actor.subject.is_empty() {
            source.to_string()
        } else {
            format!("{} {}", actor.kind.name(), actor.subject)
        };
        Self { guesser, code }
    }

    /// What replicas count of it: the guesser first, then guesser and code, and the code.
    fn counted(&self) -> Vec<Counted> {
        let mut counted = vec![Counted {
            what: "guesser",
            whom: self.guesser.clone(),
            window: WINDOW,
        }];
        if let Some(code) = &self.code {
            counted.push(Counted {
                what: "guesser-and-code",
                whom: format!("{} {code}", self.guesser),
                window: WINDOW,
            });
            counted.push(Counted {
                what: "code",
                whom: code.to_string(),
                window: CODE_WINDOW,
            });
        }
        counted
    }
}

impl TrackLimits {
    /// Limits of failures per minute.
    #[must_use]
    pub fn per_minute(guesser_max: u32, guesser_and_code_max: u32, shared: SharedLimits) -> Self {
        Self {
            by_guesser: failures(WINDOW),
            by_guesser_and_code: failures(WINDOW),
            by_code: failures(CODE_WINDOW),
            guesser_max,
            guesser_and_code_max,
            shared,
        }
    }

    /// Counts a guess in advance, so that guesses sent at once are no way around; refuses a guesser who failed too
    /// often. Gives how often the code was tried before.
    async fn admit(&self, guess: &Guess) -> Result<u32, AppError> {
        let mut before = [
            add(&self.by_guesser, guess.guesser.clone()),
            guess.code.as_ref().map_or(0, |code| {
                add(&self.by_guesser_and_code, (guess.guesser.clone(), code.clone()))
            }),
            guess
                .code
                .as_ref()
                .map_or(0, |code| add(&self.by_code, code.clone())),
        ];
        let together = self.shared.add(&guess.counted()).await.unwrap_or_default();
        for (here, together) in before.iter_mut().zip(together) {
            *here = together.max(*here);
        }
        let [guesser, guesser_and_code, code] = before;
        if guesser >= self.guesser_max || guesser_and_code >= self.guesser_and_code_max {
            let window_ms = u64::try_from(WINDOW.as_millis()).unwrap_or(u64::MAX);
            return Err(AppError::of(ErrorCode::RateLimited).retry_after_ms(window_ms));
        }
        Ok(code)
    }

    /// Takes back a guess that was none: the secret was right.
    async fn forgive(&self, guess: &Guess) {
        take_back(&self.by_guesser, &guess.guesser);
        if let Some(code) = &guess.code {
            take_back(&self.by_guesser_and_code, &(guess.guesser.clone(), code.clone()));
            take_back(&self.by_code, code);
        }
        self.shared.take_back(&guess.counted()).await;
    }
}

/// How long a code's answer is held back after so many failures.
fn delay(failed: u32) -> Duration {
    DELAY_STEP.saturating_mul(failed.saturating_sub(FREE_FAILURES).min(DELAY_STEPS_MAX))
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
        let guess = Guess::of(actor, source, code.parse().ok());
        let tried = self.track_limits.admit(&guess).await?;
        let bucket = Bucket::of(
            &guess
                .code
                .as_ref()
                .map_or_else(|| code.to_owned(), ToString::to_string),
        );
        let (database, since) = (&self.services.database, self.clock.now() - KEPT_WINDOW);
        let kept = tracking_failure::failures(database, bucket, since).await?;
        let held_back = delay(tried.max(kept));
        if !held_back.is_zero() {
            tokio::time::sleep(held_back).await;
        }
        let found = match &guess.code {
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
            // as slow as it gets already: nothing more to keep
            if delay(kept) < delay(u32::MAX) {
                tracking_failure::add(database, bucket, self.clock.now(), since).await?;
            }
            let object = case.map(|case| case.to_string());
            self.services
                .denied(actor, AuditAction::TrackingSecretTried, object, "WRONG_SECRET");
            return Err(nobody());
        };
        self.track_limits.forgive(&guess).await;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_of_a_code_grows_and_ends() {
        assert_eq!(delay(0), Duration::ZERO);
        assert_eq!(delay(FREE_FAILURES), Duration::ZERO);
        assert_eq!(delay(FREE_FAILURES + 1), DELAY_STEP);
        assert_eq!(delay(u32::MAX), Duration::from_secs(2));
    }

    #[tokio::test]
    async fn who_is_known_is_not_counted_with_strangers_of_the_same_address() {
        let limits = TrackLimits::per_minute(2, 2, SharedLimits::default());
        let source = IpAddr::from([10, 0, 0, 1]);
        let stranger = || Guess::of(&Actor::anonymous(), source, None);
        for _ in 0..2 {
            assert!(limits.admit(&stranger()).await.is_ok());
        }
        assert!(limits.admit(&stranger()).await.is_err());
        let citizen = Actor {
            kind: onedoor_domain::actor::ActorKind::Citizen,
            subject: "citizen-1".to_owned(),
            ..Actor::anonymous()
        };
        assert!(limits.admit(&Guess::of(&citizen, source, None)).await.is_ok());
    }
}
