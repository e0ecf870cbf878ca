//! Reads the folder of upstream systems, one file each, and the secrets they refer to.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::config::fault::{ConfigFaults, Fault, Origin};
use crate::config::secret_source;
use crate::secret::Redacted;
use crate::upstream::config::{SecretRef, UpstreamConfig};
use crate::upstream::name::UpstreamName;

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

/// The one description of this name in a folder; `None` when no file bears it. Other files may be faulty.
///
/// # Errors
/// All faults of its file, or the folder cannot be read.
pub fn find(folder: &Path, name: &UpstreamName) -> Result<Option<UpstreamConfig>, ConfigFaults> {
    let files = files(folder).map_err(|error| ConfigFaults(vec![unreadable(folder, &error)]))?;
    for file in files.iter().take(FILES_MAX) {
        let Ok(text) = fs::read_to_string(file) else {
            continue;
        };
        if named(&text).as_deref() == Some(name.as_str()) {
            return UpstreamConfig::parse(&text, &Origin::File(file.clone()))
                .map(Some)
                .map_err(ConfigFaults);
        }
    }
    Ok(None)
}

/// The names that the files of a folder bear, also those with faults.
#[must_use]
pub fn names(folder: &Path) -> Vec<String> {
    files(folder)
        .unwrap_or_default()
        .iter()
        .take(FILES_MAX)
        .filter_map(|file| named(&fs::read_to_string(file).ok()?))
        .collect()
}

/// The name in a file, also where the file has other faults; by its line alone where it is no TOML.
fn named(text: &str) -> Option<String> {
    if let Ok(table) = text.parse::<toml::Table>() {
        return table.get("name")?.as_str().map(str::to_owned);
    }
    let line = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("name")?.trim().strip_prefix('='))?;
    let value = line.trim().strip_prefix('"')?;
    value.split_once('"').map(|(name, _)| name.to_owned())
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

    #[test]
    fn one_description_is_found_beside_faulty_ones_and_its_own_faults_are_told() {
        let folder = tempfile::tempdir().expect("folder");
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("file");
        write("good.toml", include_str!("../../config/upstreams/example.toml"));
        write("half.toml", "name = \"half\"\ntitle_zh = 1");
        write("broken.toml", "name = \"broken\"\nroles = [");
        let found = |name: &str| find(folder.path(), &name.parse().expect("name"));
        let good = found("county-hr").expect("no faults").expect("found");
        assert_eq!(good.name.as_str(), "county-hr");
        assert!(found("half").is_err());
        assert!(found("broken").is_err());
        assert!(found("absent").expect("no faults").is_none());
        assert_eq!(names(folder.path()), ["broken", "county-hr", "half"]);
    }
}
