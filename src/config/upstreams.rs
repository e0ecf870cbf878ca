//! The section `[upstreams]`: where upstream systems are described.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::fault::Faults;

/// Upstream systems.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamsConfig {
    /// Folder with one TOML file per upstream system; empty: none (in demo mode the sandbox).
    pub dir: PathBuf,
}

impl UpstreamsConfig {
    pub(super) fn check(&self, faults: &mut Faults) {
        if self.dir != Path::new("") && !self.dir.is_dir() {
            faults.at("upstreams.dir", "is not a folder that can be read");
        }
    }
}
