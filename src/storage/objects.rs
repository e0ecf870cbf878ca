//! Objects: written as they arrive, read as a stream, removed with all that belongs to them.
//!
//! An object is named `DOCUMENT/ATTEMPT`: every upload of a document writes one of its own, and a row says which counts.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::buffered::BufWriter;
use object_store::local::LocalFileSystem;
use object_store::{ObjectStore, ObjectStoreExt as _, path};
use tokio::io::AsyncWriteExt as _;

use super::StorageError;

/// Bytes held before a part is written to a folder.
const FOLDER_PART_BYTES: usize = 1_024 * 1_024;
/// The same for S3, which takes no smaller part but the last.
const STORE_PART_BYTES: usize = 5 * 1_024 * 1_024;
/// How long the storage may take for one part or answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The storage of files. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    /// The folder, when it is one: what a crash left half-written lies there under no object's name.
    folder: Option<PathBuf>,
}

impl Objects {
    /// Objects in a folder of this machine, which is made if it is not there.
    ///
    /// # Errors
    /// The folder cannot be used.
    pub fn in_folder(folder: &Path) -> Result<Self, StorageError> {
        make_private(folder).map_err(StorageError::Folder)?;
        let store = LocalFileSystem::new_with_prefix(folder)?.with_fsync(true);
        Ok(Self {
            store: Arc::new(store),
            folder: Some(folder.to_path_buf()),
        })
    }

    pub(super) fn in_store(store: impl ObjectStore) -> Self {
        Self {
            store: Arc::new(store),
            folder: None,
        }
    }

    /// Begins to write an object.
    #[must_use]
    pub fn write(&self, name: &str) -> Writing {
        let path = path::Path::from(name);
        let part_bytes = match self.folder {
            Some(_) => FOLDER_PART_BYTES,
            None => STORE_PART_BYTES,
        };
        let writer = BufWriter::with_capacity(Arc::clone(&self.store), path, part_bytes);
        Writing {
            writer: writer.with_max_concurrency(1),
        }
    }

    /// The bytes of an object as they are read.
    ///
    /// # Errors
    /// `Missing`, `Slow`, `Unavailable`; the stream's own errors alike.
    pub async fn read(
        &self,
        name: &str,
    ) -> Result<BoxStream<'static, Result<Bytes, StorageError>>, StorageError> {
        let path = path::Path::from(name);
        let found = in_time(async { Ok(self.store.get(&path).await?) }).await?;
        Ok(found.into_stream().map_err(StorageError::from).boxed())
    }

    /// Removes what a document has in the storage, all but one object if so said.
    ///
    /// # Errors
    /// `Slow`, `Unavailable`; what was removed before stays removed.
    pub async fn keep_only(&self, document: &str, object: Option<&str>) -> Result<(), StorageError> {
        let prefix = path::Path::from(document);
        let listed = self.store.list(Some(&prefix));
        let found: Vec<_> = in_time(async { Ok(listed.try_collect().await?) }).await?;
        for other in found {
            if object != Some(other.location.as_ref()) {
                self.remove(other.location.as_ref()).await?;
            }
        }
        let Some(folder) = &self.folder else { return Ok(()) };
        let folder = folder.join(document);
        let kept = object.and_then(|object| object.rsplit('/').next().map(str::to_owned));
        let swept = tokio::task::spawn_blocking(move || sweep(&folder, kept.as_deref())).await;
        swept
            .map_err(|cut| StorageError::Folder(cut.into()))?
            .map_err(StorageError::Folder)
    }

    /// Removes an object; one that is not there is removed.
    ///
    /// # Errors
    /// `Slow`, `Unavailable`.
    pub async fn remove(&self, name: &str) -> Result<(), StorageError> {
        let path = path::Path::from(name);
        match in_time(async { Ok(self.store.delete(&path).await?) }).await {
            Err(StorageError::Missing) => Ok(()),
            other => other,
        }
    }
}

/// An object that is being written. Nobody sees it before [`Self::finish`].
pub struct Writing {
    writer: BufWriter,
}

impl Writing {
    /// Writes on.
    ///
    /// # Errors
    /// `Slow`, `Unavailable`.
    pub async fn put(&mut self, bytes: Vec<u8>) -> Result<(), StorageError> {
        if bytes.is_empty() {
            return Ok(());
        }
        in_time(async { Ok(self.writer.put(Bytes::from(bytes)).await?) }).await
    }

    /// Ends the object: now it is stored.
    ///
    /// # Errors
    /// `Slow`, `Unavailable`.
    pub async fn finish(mut self) -> Result<(), StorageError> {
        in_time(async { self.writer.shutdown().await.map_err(written) }).await
    }

    /// Gives up: nothing of it is to remain.
    ///
    /// # Errors
    /// `Slow`, `Unavailable`; then something may remain, and is found by the sweep.
    pub async fn abort(mut self) -> Result<(), StorageError> {
        in_time(async { Ok(self.writer.abort().await?) }).await
    }
}

fn written(error: std::io::Error) -> StorageError {
    StorageError::Unavailable(object_store::Error::Generic {
        store: "files",
        source: Box::new(error),
    })
}

async fn in_time<T>(work: impl Future<Output = Result<T, StorageError>>) -> Result<T, StorageError> {
    tokio::time::timeout(TIMEOUT, work)
        .await
        .unwrap_or(Err(StorageError::Slow))
}

/// Makes a folder that only this program's user reads.
fn make_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Removes whatever lies in the folder of a document beside one file, and the folder with its last file.
fn sweep(folder: &Path, kept: Option<&str>) -> std::io::Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    for entry in entries {
        let entry = entry?;
        if kept.is_none_or(|kept| entry.file_name() != kept) {
            std::fs::remove_file(entry.path())?;
        }
    }
    match kept {
        Some(_) => Ok(()),
        None => std::fs::remove_dir(folder),
    }
}
