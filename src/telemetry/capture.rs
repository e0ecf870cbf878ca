//! A log in memory, so that tests can search it for what must not be there.

use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tracing::dispatcher;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::log::{LogConfig, LogFormat};

/// Everything logged so far, shared by all its clones.
#[derive(Debug, Clone, Default)]
pub struct CapturedLogs(Arc<Mutex<Vec<u8>>>);

static OF_PROCESS: OnceLock<CapturedLogs> = OnceLock::new();

impl CapturedLogs {
    /// Captures the log of the whole process at trace level, as JSON lines; the first call installs it. When another
    /// subscriber is there already, nothing is captured.
    pub fn of_process() -> &'static Self {
        OF_PROCESS.get_or_init(|| {
            let logs = Self::default();
            let config = LogConfig {
                filter: "trace".to_owned(),
                format: LogFormat::Json,
            };
            if let Ok(dispatch) = super::subscriber(&config, logs.clone()) {
                dispatcher::set_global_default(dispatch).ok();
                super::panics::install_hook();
            }
            logs
        })
    }

    /// The log so far.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// The log from a byte position on, as [`Self::len`] gave it.
    #[must_use]
    pub fn text_since(&self, position: usize) -> String {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(held.get(position..).unwrap_or_default()).into_owned()
    }

    /// Bytes logged so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether nothing was logged.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl io::Write for CapturedLogs {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'writer> MakeWriter<'writer> for CapturedLogs {
    type Writer = Self;

    fn make_writer(&'writer self) -> Self {
        self.clone()
    }
}
