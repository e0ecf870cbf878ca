//! Reads the folder of upstream systems, one file each, and the secrets they refer to.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::config::fault::{ConfigFaults, Fault, Origin};
use crate::config::secret_source;
use crate::secret::Redacted;
use crate::upstream::config::{SecretRef, UpstreamConfig};

/// The most upstream systems of one gateway; each has its own client, places and breaker.
const FILES_MAX: usize = 500;

/// Reads every `*.toml` of a folder, in the order of their names. Other files are passed over.
///
/// # Errors
/// All faults of all files at once.
pub fn read(folder: &Path) -> Result<Vec<UpstreamConfig>, ConfigFaults> {
    let files = files(folder).map_err(|error| ConfigFaults(vec![unreadable(folder, &error)]))?;
    let mut configs = Vec::new();
    let mut faults = Vec::new();
    if files.len() > FILES_MAX {
        faults.push(fault(folder, format!("has more than {FILES_MAX} files")));
    }
    for file in files.iter().take(FILES_MAX) {
        match fs::read_to_string(file) {
            Ok(text) => match UpstreamConfig::parse(&text, &Origin::File(file.clone())) {
                Ok(config) => configs.push(config),
                Err(found) => faults.extend(found),
            },
            Err(error) => faults.push(unreadable(file, &error)),
        }
    }
    if faults.is_empty() {
        Ok(configs)
    } else {
        Err(ConfigFaults(faults))
    }
}

/// Resolves a reference to its secret, by file or environment: the source of a process in service.
///
/// # Errors
/// The reason, without the value.
pub fn secret(at: &SecretRef) -> Result<Redacted<String>, String> {
    match at {
        SecretRef::File(path) => secret_source::file(path),
        SecretRef::Env(name) => secret_source::environment(name),
    }
}

fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn unreadable(path: &Path, error: &io::Error) -> Fault {
    fault(path, format!("cannot be read: {error}"))
}

fn fault(path: &Path, reason: String) -> Fault {
    Fault {
        path: "upstreams.dir".to_owned(),
        origin: Origin::File(path.to_owned()),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_tells_the_faults_of_all_its_files_with_their_names() {
        let folder = tempfile::tempdir().expect("folder");
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("file");
        write("good.toml", include_str!("../../config/upstreams/example.toml"));
        write("README.md", "not read");
        assert_eq!(read(folder.path()).expect("one upstream").len(), 1);
        write("bad.toml", "name = 1");
        write("worse.toml", "name = ");
        let faults = read(folder.path()).expect_err("faults").0;
        for name in ["bad.toml", "worse.toml"] {
            let origin = Origin::File(folder.path().join(name));
            assert!(
                faults.iter().any(|fault| fault.origin == origin),
                "{name}: {faults:#?}"
            );
        }
        assert!(read(&folder.path().join("absent")).is_err());
    }
}
