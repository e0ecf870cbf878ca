//! Hashes the tracking secret (查询码) and checks it; an unknown code takes as long as a wrong secret.
//!
//! The secret has 40 random bits, so a stolen table could be searched: argon2id makes each try cost memory. These
//! calls take milliseconds of CPU; from async code use [`TrackingSecrets`], which keeps them off the runtime's
//! threads and bounds how much memory they take together.

use std::sync::{Arc, Mutex, PoisonError};

use argon2::password_hash::{Output, ParamsString, PasswordHash, SaltString};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use rand::TryRngCore as _;
use rand::rngs::OsRng;
use tokio::sync::Semaphore;

use super::Redacted;

/// Memory of one hash.
const MEMORY_KIB: u32 = 8 * 1024;
const PASSES: u32 = 1;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;

/// Why a secret cannot be hashed. Never shows the secret.
#[derive(Debug, thiserror::Error)]
pub enum TrackingSecretError {
    /// The parameters or the salt are not usable.
    #[error("the tracking secret cannot be hashed")]
    Hash(#[from] argon2::password_hash::Error),
    /// The parameters are not usable.
    #[error("the parameters of the tracking secret's hash are not valid")]
    Parameters(#[from] argon2::Error),
    /// The operating system gives no randomness.
    #[error("no randomness from the operating system")]
    NoRandomness(#[source] rand::rand_core::OsError),
    /// The process stops.
    #[error("the hash of the tracking secret was cut off")]
    CutOff(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The hash of a new secret, as the database keeps it (a PHC string).
///
/// # Errors
/// No randomness for the salt.
pub fn hash_secret(secret: &str) -> Result<String, TrackingSecretError> {
    let mut salt = [0; SALT_BYTES];
    OsRng
        .try_fill_bytes(&mut salt)
        .map_err(TrackingSecretError::NoRandomness)?;
    let params = params()?;
    let encoded = SaltString::encode_b64(&salt)?;
    let hashed = PasswordHash {
        algorithm: argon2::ARGON2ID_IDENT,
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&params)?,
        salt: Some(encoded.as_salt()),
        hash: Some(Output::new(&digest(secret, &salt, params)?)?),
    };
    Ok(hashed.to_string())
}

/// Whether a secret is the one that was hashed.
#[must_use]
pub fn verify_secret(secret: &str, hash: &str) -> bool {
    fits(secret, hash).unwrap_or_else(|| verify_nothing(secret))
}

/// `None`: what is stored is no hash of ours.
fn fits(secret: &str, hash: &str) -> Option<bool> {
    let parsed = PasswordHash::new(hash).ok()?;
    let mut salt = [0; 64];
    let salt = parsed.salt?.decode_b64(&mut salt).ok()?;
    let spent = digest(secret, salt, Params::try_from(&parsed).ok()?).ok()?;
    // Output compares in constant time
    Some(parsed.hash? == Output::new(&spent).ok()?)
}

/// Spends the time of [`verify_secret`] on a code that does not exist, and says no.
#[must_use]
pub fn verify_nothing(secret: &str) -> bool {
    let spent = params().and_then(|params| digest(secret, &[0; SALT_BYTES], params));
    std::hint::black_box(spent).ok();
    false
}

fn params() -> Result<Params, TrackingSecretError> {
    Ok(Params::new(MEMORY_KIB, PASSES, LANES, None)?)
}

/// Memory of hashes that ended. To take it from the operating system anew costs more than the hash itself.
static SPARE: Mutex<Vec<Vec<Block>>> = Mutex::new(Vec::new());
/// Pieces of memory kept, as many as hashes run at once on a usual machine.
const SPARE_MAX: usize = 4;

fn digest(secret: &str, salt: &[u8], params: Params) -> Result<[u8; 32], TrackingSecretError> {
    let blocks = params.block_count();
    let mut memory = SPARE
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .pop()
        .unwrap_or_default();
    memory.resize(blocks, Block::default());
    let mut spent = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into_with_memory(
        secret.as_bytes(),
        salt,
        &mut spent,
        &mut memory,
    )?;
    let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
    if spare.len() < SPARE_MAX {
        spare.push(memory);
    }
    drop(spare);
    Ok(spent)
}

/// The same from async code, a bounded number at once.
#[derive(Debug, Clone)]
pub struct TrackingSecrets {
    permits: Arc<Semaphore>,
}

impl Default for TrackingSecrets {
    /// As many at once as the machine has cores.
    fn default() -> Self {
        let at_once = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            permits: Arc::new(Semaphore::new(at_once)),
        }
    }
}

impl TrackingSecrets {
    /// As [`hash_secret`].
    ///
    /// # Errors
    /// As [`hash_secret`], or the process stops.
    pub async fn hash(&self, secret: Redacted<String>) -> Result<String, TrackingSecretError> {
        self.off_thread(move || hash_secret(secret.expose())).await?
    }

    /// As [`verify_secret`] when there is a hash, as [`verify_nothing`] when there is none.
    ///
    /// # Errors
    /// The process stops.
    pub async fn verify(
        &self,
        secret: Redacted<String>,
        hash: Option<String>,
    ) -> Result<bool, TrackingSecretError> {
        self.off_thread(move || match hash {
            Some(hash) => verify_secret(secret.expose(), &hash),
            None => verify_nothing(secret.expose()),
        })
        .await
    }

    async fn off_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, TrackingSecretError> {
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|closed| TrackingSecretError::CutOff(closed.into()))?;
        tokio::task::spawn_blocking(move || {
            let done = work();
            drop(permit);
            done
        })
        .await
        .map_err(|cut| TrackingSecretError::CutOff(cut.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_secret_passes_and_hashes_are_salted() {
        let hash = hash_secret("7KQ4M2XD").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=8192,t=1,p=1$"), "{hash}");
        assert!(verify_secret("7KQ4M2XD", &hash));
        assert!(!verify_secret("7KQ4M2XE", &hash));
        assert!(!verify_secret("", &hash));
        assert!(!verify_secret("7KQ4M2XD", "not a hash"));
        assert!(!verify_nothing("7KQ4M2XD"));
        assert_ne!(hash, hash_secret("7KQ4M2XD").unwrap());
    }

    /// Compares work, not a threshold in seconds: the median of several tries must be of the same order.
    #[test]
    fn an_unknown_code_takes_the_time_of_a_wrong_secret() {
        let hash = hash_secret("7KQ4M2XD").unwrap();
        let median = |work: &dyn Fn() -> bool| {
            let mut spent: Vec<_> = (0..9)
                .map(|_| {
                    let begun = std::time::Instant::now();
                    assert!(!work());
                    begun.elapsed()
                })
                .collect();
            spent.sort_unstable();
            spent[4].as_secs_f64()
        };
        let wrong = median(&|| verify_secret("7KQ4M2XE", &hash));
        let unknown = median(&|| verify_nothing("7KQ4M2XE"));
        assert!(
            unknown > wrong / 3.0 && unknown < wrong * 3.0,
            "{wrong} s and {unknown} s"
        );
    }

    #[tokio::test]
    async fn async_callers_get_the_same_answers() {
        let secrets = TrackingSecrets::default();
        let secret = || Redacted::new("7KQ4M2XD".to_owned());
        let hash = secrets.hash(secret()).await.unwrap();
        assert!(secrets.verify(secret(), Some(hash)).await.unwrap());
        assert!(!secrets.verify(secret(), None).await.unwrap());
    }
}
