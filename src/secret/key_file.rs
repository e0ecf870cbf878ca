//! Files that hold one key: 32 random bytes in hex, readable by their owner only when generated here.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rand::TryRngCore as _;
use rand::rngs::OsRng;

use super::Redacted;
use super::receipt_key::NotAPublicKey;

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;

/// One key.
pub type Key = Redacted<[u8; KEY_BYTES]>;

/// Why a key file cannot be used. Never shows its content.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be read.
    #[error("the key file cannot be read")]
    Unreadable(#[source] io::Error),
    /// The file cannot be written.
    #[error("the key file cannot be written")]
    Unwritable(#[source] io::Error),
    /// The content is something else.
    #[error("the key file must hold 32 bytes as 64 hex digits (`openssl rand -hex 32`)")]
    NotAKey,
    /// The content follows a pattern that no random source makes.
    #[error("the key file holds an example, not random bytes; make one with `openssl rand -hex 32`")]
    Example,
    /// The file should hold a public key.
    #[error("the key file holds no public key")]
    NotPublic(#[source] NotAPublicKey),
    /// The operating system gives no randomness.
    #[error("no randomness from the operating system")]
    NoRandomness(#[source] rand::rand_core::OsError),
}

/// Reads a key.
///
/// # Errors
/// The file is missing, is not 64 hex digits, or holds an example.
pub fn read(path: &Path) -> Result<Key, KeyFileError> {
    let text = Redacted::new(std::fs::read_to_string(path).map_err(KeyFileError::Unreadable)?);
    let mut key = [0; KEY_BYTES];
    if hex::decode_to_slice(text.expose().trim(), &mut key).is_err() {
        return Err(KeyFileError::NotAKey);
    }
    if is_example(&key) {
        Err(KeyFileError::Example)
    } else {
        Ok(Redacted::new(key))
    }
}

/// Reads a key, or generates it when the file is missing (demo mode). Two processes that start at once end with
/// the same key: the file appears complete or not at all, and the second one reads what the first one wrote.
///
/// # Errors
/// As [`read`]; or the folder cannot be written.
pub fn read_or_create(path: &Path) -> Result<Key, KeyFileError> {
    match read(path) {
        Err(KeyFileError::Unreadable(error)) if error.kind() == io::ErrorKind::NotFound => {
            let key = random()?;
            create_once(path, hex::encode(key.expose()).as_bytes()).map_err(KeyFileError::Unwritable)?;
            read(path)
        }
        read => read,
    }
}

/// Writes a file for its owner only; when another process was faster its file stays.
///
/// # Errors
/// The folder cannot be written.
pub fn create_once(path: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let draft = path.with_extension(format!("{}.draft", std::process::id()));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(content)?;
    file.sync_all()?;
    let linked = match std::fs::hard_link(&draft, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Ok(()) | Err(_) => Ok(()),
    };
    std::fs::remove_file(&draft)?;
    linked
}

fn random() -> Result<Key, KeyFileError> {
    let mut key = [0; KEY_BYTES];
    OsRng
        .try_fill_bytes(&mut key)
        .map_err(KeyFileError::NoRandomness)?;
    Ok(Redacted::new(key))
}

/// 32 random bytes have fewer than 12 different ones with a chance below 2^-60; counting up in steps of one is the
/// other way people write examples.
fn is_example(key: &[u8; KEY_BYTES]) -> bool {
    let mut sorted = *key;
    sorted.sort_unstable();
    let different = 1 + sorted
        .windows(2)
        .filter(|pair| pair.first() != pair.last())
        .count();
    let counts_up = key
        .windows(2)
        .all(|pair| matches!(pair, [a, b] if a.wrapping_add(1) == *b));
    different < 12 || counts_up
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_generated_key_is_its_owners_and_stays_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/data.key");
        let first = read_or_create(&path).unwrap();
        assert!(first == read_or_create(&path).unwrap());
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(
            std::fs::read_dir(path.parent().unwrap()).unwrap().count(),
            1,
            "no draft is left"
        );
    }

    #[test]
    fn examples_and_other_content_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        for example in [
            "00".repeat(32),
            "deadbeef".repeat(8),
            hex::encode(core::array::from_fn::<u8, 32, _>(|at| u8::try_from(at).unwrap())),
        ] {
            std::fs::write(&path, example).unwrap();
            assert!(matches!(read(&path), Err(KeyFileError::Example)));
        }
        std::fs::write(&path, "change-me").unwrap();
        assert!(matches!(read(&path), Err(KeyFileError::NotAKey)));
    }
}
