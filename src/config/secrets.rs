//! The section `[secrets]`: files of keys, never the keys themselves.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::fault::Faults;
use crate::secret::key_file;
use crate::secret::receipt_key::PublicKey;
use crate::secret::suite::SuiteName;

/// Files of keys.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretsConfig {
    /// Algorithms that new values are sealed, indexed and signed with.
    pub suite: SuiteName,
    /// Master key that wraps the data keys; empty in demo mode: generated.
    pub data_key_file: PathBuf,
    /// Master keys that older data keys, or those of a replica that went ahead, are wrapped with.
    pub data_key_retired_files: Vec<PathBuf>,
    /// Seed of the receipt signing key; empty in demo mode: generated.
    pub receipt_key_file: PathBuf,
    /// Public keys whose signatures still hold.
    pub receipt_key_retired_files: Vec<PathBuf>,
    /// Key of the blind index; empty in demo mode: generated.
    pub index_key_file: PathBuf,
    /// Keys that older rows of the index are made with.
    pub index_key_retired_files: Vec<PathBuf>,
}

impl SecretsConfig {
    pub(super) fn check(&self, demo: bool, faults: &mut Faults) {
        let classes = [
            ("data_key", &self.data_key_file, &self.data_key_retired_files),
            (
                "receipt_key",
                &self.receipt_key_file,
                &self.receipt_key_retired_files,
            ),
            ("index_key", &self.index_key_file, &self.index_key_retired_files),
        ];
        let mut used: Vec<(&Path, &str)> = Vec::new();
        for (class, current, retired) in classes {
            let path = format!("secrets.{class}_file");
            check_key(demo, &path, current, faults);
            let files = std::iter::once((path, current.as_path())).chain(
                retired
                    .iter()
                    .map(|file| (format!("secrets.{class}_retired_files"), file.as_path())),
            );
            for (path, file) in files.filter(|(_, file)| *file != Path::new("")) {
                if used.iter().any(|(other, of)| *other == file && *of != class) {
                    faults.at(&path, "names a file of another purpose: one key, one purpose");
                }
                used.push((file, class));
            }
            for file in retired {
                let read = if class == "receipt_key" {
                    PublicKey::read(file).map(drop)
                } else {
                    key_file::read(file).map(drop)
                };
                if let Err(error) = read {
                    faults.at(&format!("secrets.{class}_retired_files"), error);
                }
            }
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
