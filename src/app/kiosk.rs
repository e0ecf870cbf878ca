//! Kiosks joined: their keys and their loop.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use super::AppFailure;
use crate::config::Config;
use crate::secret::key_file::{self, Key};
use crate::secret::keyring::KeyringError;
use crate::secret::kiosk_nonce::Nonces;
use crate::secret::sealed_input::SealingKeys;
use crate::service::cases::Cases;
use crate::service::kiosks::{KioskParts, Kiosks};
use crate::telemetry::metrics::Metrics;
use crate::worker::supervise::{LoopSpec, Supervisor};

/// How often kiosks are counted and their used proofs forgotten.
const LOOK_ROUND_TICK: Duration = Duration::from_secs(30);

/// The use cases of kiosks, with their loop started.
///
/// # Errors
/// The sealing key cannot be used, or a metric's name is taken.
pub(super) fn build(
    config: &Config,
    cases: &Arc<Cases>,
    metrics: &Metrics,
    supervisor: &Supervisor,
) -> Result<Arc<Kiosks>, AppFailure> {
    let generated = config.keys_dir().join("kiosk-sealing.key");
    let current = if config.kiosk.sealing_key_file == Path::new("") {
        key_file::read_or_create(&generated).map_err(|error| KeyringError::File(generated, error))?
    } else {
        read(&config.kiosk.sealing_key_file)?
    };
    let retired = config.kiosk.retired_sealing_key_files.iter();
    let retired: Vec<Key> = retired.map(|file| read(file)).collect::<Result<_, _>>()?;
    let life = TimeDelta::seconds(i64::from(config.kiosk.nonce_lifetime_s));
    let parts = KioskParts {
        nonces: Nonces::new(&current, &retired, life),
        sealing: SealingKeys::new(&current, &retired)?,
        settings: config.kiosk.clone(),
        public_url: config.server.public_url.clone(),
    };
    let kiosks = Arc::new(Kiosks::new(Arc::clone(cases), parts, metrics)?);
    let spec = LoopSpec {
        name: "kiosks".into(),
        tick: LOOK_ROUND_TICK,
        nudge: Arc::default(),
    };
    let looking = Arc::clone(&kiosks);
    supervisor.spawn_loop(spec, move || {
        let kiosks = Arc::clone(&looking);
        async move { Ok(kiosks.look_round().await?) }
    });
    Ok(kiosks)
}

fn read(file: &Path) -> Result<Key, KeyringError> {
    key_file::read(file).map_err(|error| KeyringError::File(file.to_owned(), error))
}
