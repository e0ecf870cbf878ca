//! The section `[kiosk]`: how kiosks are enrolled, how they prove themselves, and for how long they may be offline.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::fault::Faults;
use crate::secret::key_file;

/// Kiosks.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KioskConfig {
    /// Whether a bearer token of the role `kiosk` is enough; in demo mode it always is.
    pub bearer_tokens: bool,
    /// Key that kiosks seal their queues to, and nonces are made with; empty in demo mode: generated.
    pub sealing_key_file: PathBuf,
    /// Keys that older queues may still be sealed to.
    pub retired_sealing_key_files: Vec<PathBuf>,
    /// How long an enrolment code works.
    pub enrolment_code_hours: u16,
    /// How long a token of a kiosk is good.
    pub token_lifetime_s: u16,
    /// How long a challenge or a nonce is good.
    pub nonce_lifetime_s: u16,
    /// Silence after which a kiosk is counted as silent.
    pub silent_after_s: u32,
    /// For how long a kiosk may be offline: what was captured earlier is refused.
    pub offline_max_hours: u16,
    /// Most items of one batch.
    pub batch_items_max: u16,
    /// Largest body of a batch.
    pub batch_max_bytes: usize,
}

impl KioskConfig {
    pub(super) fn check(&self, demo: bool, faults: &mut Faults) {
        let path = "kiosk.sealing_key_file";
        if self.sealing_key_file == Path::new("") {
            if !demo {
                faults.at(
                    path,
                    "must name a file with 32 random bytes in hex (`openssl rand -hex 32`)",
                );
            }
        } else if let Err(error) = key_file::read(&self.sealing_key_file) {
            faults.at(path, error);
        }
        for file in &self.retired_sealing_key_files {
            if let Err(error) = key_file::read(file) {
                faults.at("kiosk.retired_sealing_key_files", error);
            }
        }
        faults.within(
            "kiosk.enrolment_code_hours",
            self.enrolment_code_hours,
            &(1..=168),
        );
        faults.within("kiosk.token_lifetime_s", self.token_lifetime_s, &(30..=600));
        faults.within("kiosk.nonce_lifetime_s", self.nonce_lifetime_s, &(30..=600));
        faults.within("kiosk.silent_after_s", self.silent_after_s, &(60..=604_800));
        faults.within("kiosk.offline_max_hours", self.offline_max_hours, &(1..=720));
        faults.within("kiosk.batch_items_max", self.batch_items_max, &(1..=200));
        faults.within(
            "kiosk.batch_max_bytes",
            self.batch_max_bytes,
            &(1_024..=16_000_000),
        );
    }
}
