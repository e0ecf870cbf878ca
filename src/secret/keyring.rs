//! The keys of one process: read from their files, or generated for a demonstration, and tested before use.

use std::path::{Path, PathBuf};

use super::index_key::IndexKeys;
use super::key_file::{self, Key, KeyFileError};
use super::receipt_key::{ReceiptKeyError, ReceiptSigner};
use super::seal::{SealError, Sealer};
use super::suite::SuiteName;

/// Why the keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// A key file cannot be used.
    #[error("the key file {path} cannot be used", path = .0.display())]
    File(PathBuf, #[source] KeyFileError),
    /// The data key does not work.
    #[error("the data key does not work")]
    Data(#[from] SealError),
    /// The receipt key does not work.
    #[error("the receipt key does not work")]
    Receipt(#[from] ReceiptKeyError),
}

/// The files of one purpose.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeyFiles<'a> {
    /// The key that is used for what is new. `None` stands for one that is generated: only demo settings have it, the
    /// configuration refuses it otherwise.
    pub current: Option<&'a Path>,
    /// Keys that are only read with.
    pub retired: &'a [PathBuf],
}

/// Where the keys of a process lie.
#[derive(Debug, Clone, Copy)]
pub struct KeyPlaces<'a> {
    /// The algorithms of what is new.
    pub suite: SuiteName,
    /// Master keys.
    pub data: KeyFiles<'a>,
    /// Seeds of the keys that sign receipts and checkpoints.
    pub receipt: KeyFiles<'a>,
    /// Keys of the blind index.
    pub index: KeyFiles<'a>,
    /// The folder of keys that are generated.
    pub generated_in: &'a Path,
}

impl<'a> KeyPlaces<'a> {
    /// Keys that are generated in a folder, as a demonstration has them.
    #[must_use]
    pub fn generated(suite: SuiteName, folder: &'a Path) -> Self {
        Self {
            suite,
            data: KeyFiles::default(),
            receipt: KeyFiles::default(),
            index: KeyFiles::default(),
            generated_in: folder,
        }
    }
}

/// The keys of one process.
#[derive(Debug)]
pub struct Keyring {
    /// Seals personal data.
    pub sealer: Sealer,
    /// Signs receipts.
    pub receipts: ReceiptSigner,
    /// Finds values that are sealed by equality.
    pub index: IndexKeys,
}

impl Keyring {
    /// Opens the key files.
    ///
    /// # Errors
    /// A file cannot be read, or a key fails its self-test.
    pub fn open(places: KeyPlaces<'_>) -> Result<Self, KeyringError> {
        let folder = places.generated_in;
        let (data, older_data) = read_all(places.data, &folder.join("data.key"))?;
        let (receipt, _) = read_all(places.receipt, &folder.join("receipt.key"))?;
        let (index, older_index) = read_all(places.index, &folder.join("index.key"))?;
        let keyring = Self {
            sealer: Sealer::new(&data, &older_data)?,
            receipts: ReceiptSigner::new(&receipt)?,
            index: IndexKeys::new(places.suite, &index, &older_index),
        };
        keyring.self_test()?;
        Ok(keyring)
    }

    /// Whether the keys still do what they must; for the readiness probe.
    ///
    /// # Errors
    /// One of them does not.
    pub fn self_test(&self) -> Result<(), KeyringError> {
        self.sealer.self_test()?;
        self.receipts.self_test()?;
        Ok(())
    }
}

fn read_all(files: KeyFiles<'_>, generated: &Path) -> Result<(Key, Vec<Key>), KeyringError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        |error| KeyringError::File(path, error)
    };
    let current = match files.current {
        Some(path) => key_file::read(path).map_err(failed(path))?,
        None => key_file::read_or_create(generated).map_err(failed(generated))?,
    };
    let retired = files
        .retired
        .iter()
        .map(|path| key_file::read(path).map_err(failed(path)));
    Ok((current, retired.collect::<Result<_, _>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_keys_stay_the_same_over_starts_and_differ_from_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Keyring::open(KeyPlaces::generated(SuiteName::Intl, folder.path())).unwrap();
        let (first, second) = (open(), open());
        assert_eq!(first.sealer.key_id(), second.sealer.key_id());
        assert_eq!(first.receipts.key_id(), second.receipts.key_id());
        assert_eq!(first.index.key_id(), second.index.key_id());
        assert_ne!(
            key_file::read(&folder.path().join("data.key")).unwrap().expose(),
            key_file::read(&folder.path().join("receipt.key"))
                .unwrap()
                .expose()
        );
    }

    #[test]
    fn a_configured_file_is_never_generated() {
        let folder = tempfile::tempdir().unwrap();
        let absent = folder.path().join("absent.key");
        let places = KeyPlaces {
            data: KeyFiles {
                current: Some(&absent),
                retired: &[],
            },
            ..KeyPlaces::generated(SuiteName::Intl, folder.path())
        };
        assert!(Keyring::open(places).is_err());
        assert!(!absent.exists());
    }
}
