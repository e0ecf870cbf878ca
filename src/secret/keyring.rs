//! The keys of one process: read from their files, or generated for a demonstration, and tested before use.

use std::path::{Path, PathBuf};

use super::index_key::IndexKeys;
use super::key_file::{self, Key, KeyFileError};
use super::master_key::MasterKeys;
use super::receipt_key::{PublicKey, ReceiptKeyError, ReceiptSigner};
use super::seal::SealError;
use super::suite::SuiteName;

/// Why the keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// A key file cannot be used.
    #[error("the key file {path} cannot be used", path = .0.display())]
    File(PathBuf, #[source] KeyFileError),
    /// A master key does not work.
    #[error("the master key does not work")]
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
    /// Seed of the key that signs receipts and checkpoints; the retired files hold public keys.
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
    /// Wrap the keys that seal personal data.
    pub masters: MasterKeys,
    /// Signs receipts and checkpoints.
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
        let receipt = read_current(places.receipt.current, &folder.join("receipt.key"))?;
        let retired = read_each(places.receipt.retired, PublicKey::read)?;
        let (index, older_index) = read_all(places.index, &folder.join("index.key"))?;
        let keyring = Self {
            masters: MasterKeys::new(places.suite, &data, &older_data)?,
            receipts: ReceiptSigner::new(places.suite, &receipt, retired)?,
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
        self.masters.self_test()?;
        self.receipts.self_test()?;
        Ok(())
    }
}

fn read_all(files: KeyFiles<'_>, generated: &Path) -> Result<(Key, Vec<Key>), KeyringError> {
    Ok((
        read_current(files.current, generated)?,
        read_each(files.retired, key_file::read)?,
    ))
}

fn read_current(configured: Option<&Path>, generated: &Path) -> Result<Key, KeyringError> {
    let (path, read) = match configured {
        Some(path) => (path, key_file::read(path)),
        None => (generated, key_file::read_or_create(generated)),
    };
    read.map_err(|error| KeyringError::File(path.to_owned(), error))
}

fn read_each<T>(
    files: &[PathBuf],
    read: fn(&Path) -> Result<T, KeyFileError>,
) -> Result<Vec<T>, KeyringError> {
    let read = |path: &PathBuf| read(path).map_err(|error| KeyringError::File(path.clone(), error));
    files.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_keys_stay_the_same_over_starts_and_differ_from_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Keyring::open(KeyPlaces::generated(SuiteName::Intl, folder.path())).unwrap();
        let (first, second) = (open(), open());
        assert_eq!(first.masters.key_id(), second.masters.key_id());
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
