//! The section `[secrets]`: files of keys, never the keys themselves.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::fault::Faults;
use crate::secret::key_file;

/// Files of keys.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretsConfig {
    /// Key that seals personal data; empty in demo mode: generated.
    pub data_key_file: PathBuf,
    /// Seed of the receipt signing key; empty in demo mode: generated.
    pub receipt_key_file: PathBuf,
}

impl SecretsConfig {
    pub(super) fn check(&self, demo: bool, faults: &mut Faults) {
        check_key(demo, "secrets.data_key_file", &self.data_key_file, faults);
        check_key(demo, "secrets.receipt_key_file", &self.receipt_key_file, faults);
        if self.data_key_file != Path::new("") && self.data_key_file == self.receipt_key_file {
            faults.at(
                "secrets.receipt_key_file",
                "must not be secrets.data_key_file: one key, one purpose",
            );
        }
    }
}

fn check_key(demo: bool, path: &str, file: &Path, faults: &mut Faults) {
    if file == Path::new("") {
        if !demo {
            faults.at(
                path,
                "must name a file with 32 random bytes in hex (`openssl rand -hex 32`)",
            );
        }
        return;
    }
    if let Err(error) = key_file::read(file) {
        faults.at(path, error);
    }
}
