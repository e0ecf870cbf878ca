//! Reads secrets that a configuration refers to by file or variable name.

use std::fs;
use std::path::Path;

use crate::secret::Redacted;

/// The longest secret, bytes.
const SECRET_BYTES_MAX: u64 = 65_536;
/// Secrets that stand in public documents; whoever uses one has no secret.
const EXAMPLES: &[&str] = &[
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
    "changeme",
    "demo-token",
    "secret",
    "password",
];

/// The trimmed content of a file.
///
/// # Errors
/// The reason, without the content.
pub fn file(path: &Path) -> Result<Redacted<String>, String> {
    let size = fs::metadata(path)
        .map_err(|error| format!("cannot be read: {error}"))?
        .len();
    if size > SECRET_BYTES_MAX {
        return Err("is too large for a secret".to_owned());
    }
    checked(fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))?)
}

/// The value of an environment variable.
///
/// # Errors
/// The reason, without the value.
#[expect(
    clippy::disallowed_methods,
    reason = "config is the part that reads the environment"
)]
pub fn environment(name: &str) -> Result<Redacted<String>, String> {
    checked(std::env::var(name).ok().ok_or("is not set, or is not text")?)
}

fn checked(text: String) -> Result<Redacted<String>, String> {
    let secret = Redacted::new(text.trim().to_owned());
    drop(text);
    if secret.expose().is_empty() {
        Err("is empty".to_owned())
    } else if EXAMPLES.contains(&secret.expose().as_str()) {
        Err("holds an example from public documents, not a secret".to_owned())
    } else {
        Ok(secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_read_from_files_and_examples_are_none() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("token");
        let read = |text: &str| {
            fs::write(&path, text).expect("file");
            file(&path).map(Redacted::into_exposed)
        };
        assert_eq!(read("abc-123\n"), Ok("abc-123".to_owned()));
        for text in ["", " \n", "changeme\n", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
            assert!(read(text).is_err(), "{text:?}");
        }
        assert!(file(&folder.path().join("absent")).is_err());
        assert!(environment("ONEDOOR_NO_SUCH_SECRET").is_err());
    }
}
