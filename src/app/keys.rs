//! The keys of a process, opened as the settings say.

use std::path::Path;

use super::AppFailure;
use crate::config::Config;
use crate::secret::keyring::{KeyFiles, KeyPlaces, Keyring};

/// Opens the keys that the settings name, or those of a demonstration.
pub(super) fn open_keys(config: &Config) -> Result<Keyring, AppFailure> {
    let secrets = &config.secrets;
    let files = |current, retired| KeyFiles {
        current: Some(current).filter(|path| *path != Path::new("")),
        retired,
    };
    Ok(Keyring::open(KeyPlaces {
        suite: secrets.suite,
        data: files(secrets.data_key_file.as_path(), &secrets.data_key_retired_files),
        receipt: files(&secrets.receipt_key_file, &secrets.receipt_key_retired_files),
        index: files(&secrets.index_key_file, &secrets.index_key_retired_files),
        generated_in: &config.keys_dir(),
    })?)
}
