//! Where the bytes of uploaded documents lie: encrypted, in a folder or in an S3-compatible store, and the scanner that
//! looks at them.

use std::io;

pub mod cipher;
pub mod clamd;
pub mod objects;
pub mod s3;
pub mod sniff;

/// What can go wrong with stored files. Texts name no file and no person.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The storage cannot be reached, or cannot write.
    #[error("the storage of files is not available")]
    Unavailable(#[source] object_store::Error),
    /// The storage did not answer in time.
    #[error("the storage of files did not answer in time")]
    Slow,
    /// There is no such object.
    #[error("the object is not in the storage")]
    Missing,
    /// The object is not what was stored.
    #[error("the stored object was altered, cut or belongs elsewhere")]
    Damaged,
    /// The folder cannot be used.
    #[error("the folder of files cannot be used")]
    Folder(#[source] io::Error),
    /// The client cannot be built.
    #[error("the client of the storage cannot be built")]
    Client(#[source] reqwest::Error),
    /// The cipher failed.
    #[error("a file cannot be encrypted")]
    Cipher,
    /// The scanner cannot be asked, or did not speak its protocol.
    #[error("the scanner did not answer: {0}")]
    Scanner(&'static str),
    /// The connection to the scanner failed.
    #[error("the scanner cannot be reached")]
    ScannerConnection(#[source] io::Error),
}

impl From<object_store::Error> for StorageError {
    #[expect(clippy::wildcard_enum_match_arm, reason = "a foreign, non-exhaustive enum")]
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::Missing,
            other => Self::Unavailable(other),
        }
    }
}
