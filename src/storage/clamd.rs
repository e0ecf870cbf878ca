//! Asks a clamd whether a file is clean, by its command INSTREAM.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::StorageError;

/// Longest answer that is read.
const ANSWER_BYTES_MAX: u64 = 4_096;

/// What the scanner found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// Nothing.
    Clean,
    /// Something.
    Infected,
}

/// A clamd somewhere on the network.
#[derive(Debug, Clone)]
pub struct Clamd {
    address: String,
    timeout: Duration,
}

impl Clamd {
    /// A clamd at `host:port`, which may take so long for one file.
    #[must_use]
    pub const fn at(address: String, timeout: Duration) -> Self {
        Self { address, timeout }
    }

    /// Lets it look at a file.
    ///
    /// # Errors
    /// The file cannot be read; the scanner cannot be reached, is too slow, or says neither clean nor infected (as when the
    /// file is longer than its `StreamMaxLength`).
    pub async fn scan(
        &self,
        file: impl Stream<Item = Result<Bytes, StorageError>> + Unpin,
    ) -> Result<Finding, StorageError> {
        tokio::time::timeout(self.timeout, self.talk(file))
            .await
            .unwrap_or(Err(StorageError::Scanner("it took too long")))
    }

    async fn talk(
        &self,
        mut file: impl Stream<Item = Result<Bytes, StorageError>> + Unpin,
    ) -> Result<Finding, StorageError> {
        let mut connection = TcpStream::connect(&self.address).await.map_err(broken)?;
        connection.write_all(b"zINSTREAM\0").await.map_err(broken)?;
        while let Some(piece) = file.next().await {
            let piece = piece?;
            if piece.is_empty() {
                continue;
            }
            let length = u32::try_from(piece.len())
                .ok()
                .ok_or(StorageError::Scanner("a piece is too long"))?;
            connection
                .write_all(&length.to_be_bytes())
                .await
                .map_err(broken)?;
            connection.write_all(&piece).await.map_err(broken)?;
        }
        connection.write_all(&[0; 4]).await.map_err(broken)?;
        let mut answer = Vec::new();
        let mut bounded = connection.take(ANSWER_BYTES_MAX);
        bounded.read_to_end(&mut answer).await.map_err(broken)?;
        read(&answer)
    }
}

fn broken(error: io::Error) -> StorageError {
    StorageError::ScannerConnection(error)
}

/// `stream: OK`, or `stream: NAME FOUND`; anything else is no verdict.
fn read(answer: &[u8]) -> Result<Finding, StorageError> {
    let text = String::from_utf8_lossy(answer);
    let text = text.trim_matches(['\0', '\n', '\r', ' ']);
    if text == "stream: OK" {
        Ok(Finding::Clean)
    } else if text.starts_with("stream: ") && text.ends_with(" FOUND") {
        Ok(Finding::Infected)
    } else {
        Err(StorageError::Scanner("it gave no verdict"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_two_answers_are_verdicts() {
        assert_eq!(read(b"stream: OK\0").unwrap(), Finding::Clean);
        assert_eq!(
            read(b"stream: Eicar-Test-Signature FOUND\0").unwrap(),
            Finding::Infected
        );
        for other in [
            &b""[..],
            b"INSTREAM size limit exceeded. ERROR\0",
            b"stream: OK but",
            b"UNKNOWN COMMAND\0",
        ] {
            assert!(read(other).is_err());
        }
    }
}
