//! The keys of one process: read from their files, or generated for a demonstration, and tested before use.

use std::path::{Path, PathBuf};

use super::key_file::{self, Key, KeyFileError};
use super::receipt_key::{ReceiptKeyError, ReceiptSigner};
use super::seal::{SealError, Sealer};

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

/// The keys of one process.
#[derive(Debug)]
pub struct Keyring {
    /// Seals personal data.
    pub sealer: Sealer,
    /// Signs receipts.
    pub receipts: ReceiptSigner,
}

impl Keyring {
    /// Opens the key files. An empty path stands for a key generated in the folder: only demo settings have one,
    /// the configuration refuses it otherwise.
    ///
    /// # Errors
    /// A file cannot be read, or a key fails its self-test.
    pub fn open(
        data_key_file: &Path,
        receipt_key_file: &Path,
        generated_in: &Path,
    ) -> Result<Self, KeyringError> {
        let data = read(data_key_file, &generated_in.join("data.key"))?;
        let receipt = read(receipt_key_file, &generated_in.join("receipt.key"))?;
        let keyring = Self {
            sealer: Sealer::new(&data, &[])?,
            receipts: ReceiptSigner::new(&receipt)?,
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

fn read(configured: &Path, generated: &Path) -> Result<Key, KeyringError> {
    let (path, read) = if configured == Path::new("") {
        (generated, key_file::read_or_create(generated))
    } else {
        (configured, key_file::read(configured))
    };
    read.map_err(|error| KeyringError::File(path.to_owned(), error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_keys_stay_the_same_over_starts_and_differ_from_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Keyring::open(Path::new(""), Path::new(""), folder.path()).unwrap();
        let (first, second) = (open(), open());
        assert_eq!(first.sealer.key_id(), second.sealer.key_id());
        assert_eq!(first.receipts.key_id(), second.receipts.key_id());
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
        assert!(Keyring::open(&absent, Path::new(""), folder.path()).is_err());
        assert!(!absent.exists());
    }
}
