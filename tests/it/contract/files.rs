//! A file is short, opens with its promise, and hides nothing from the suite.

use super::source::{SourceFile, assert_none, rust_files};

const EVERYWHERE: &[&str] = &["src", "domain", "entity", "migration", "tests", "benches"];
const LINES_MAX: usize = 500;

#[test]
fn no_file_is_longer_than_what_gets_proofread() {
    let faults = faults(EVERYWHERE, |file| {
        let lines = file.text.lines().count();
        (lines > LINES_MAX).then(|| format!("{}: {lines} lines", file.path))
    });
    assert_none(
        &faults,
        "a file has at most 500 lines; split it by promise, not by size",
    );
}

#[test]
fn every_file_opens_with_its_promise() {
    let faults = faults(EVERYWHERE, |file| {
        let first = file.text.lines().next().unwrap_or_default();
        let promise = first
            .strip_prefix("//! ")
            .is_some_and(|promise| promise.trim().chars().count() > 10);
        (!promise).then(|| format!("{}: {first}", file.path))
    });
    assert_none(&faults, "the first line of a file is its promise: //! …");
}

#[test]
fn no_test_is_ignored() {
    let faults = mentions(EVERYWHERE, &["#[ignore"]);
    assert_none(&faults, "a test that does not run proves nothing");
}

#[test]
fn stories_wait_for_conditions_and_do_not_sleep() {
    let faults: Vec<String> = mentions(&["tests/it"], &["time::sleep(", "thread::sleep(", " sleep("])
        .into_iter()
        .filter(|fault| !fault.starts_with("tests/it/harness/wait.rs"))
        .collect();
    assert_none(&faults, "wait with harness::wait::eventually");
}

#[test]
fn lints_are_expected_with_a_reason_and_never_allowed() {
    let faults = mentions(EVERYWHERE, &["#[allow(", "#![allow("]);
    assert_none(&faults, "#[expect(lint, reason = \"…\")] instead of allow");
}

/// Code lines, outside comments and literals, that hold one of these texts.
fn mentions(folders: &[&str], texts: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for file in rust_files(folders) {
        for (number, line) in file.code_lines() {
            if texts.iter().any(|text| line.contains(text)) {
                found.push(format!("{}:{number}: {}", file.path, line.trim()));
            }
        }
    }
    found
}

fn faults(folders: &[&str], check: impl Fn(&SourceFile) -> Option<String>) -> Vec<String> {
    rust_files(folders).iter().filter_map(check).collect()
}

#[test]
fn every_shared_vector_is_used_by_a_test_of_the_domain() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("domain/src")];
    let mut sources = String::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                sources.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let vectors = std::fs::read_to_string(root.join("data/vectors.json")).unwrap();
    let vectors: serde_json::Value = serde_json::from_str(&vectors).unwrap();
    let unused: Vec<&String> = vectors
        .as_object()
        .unwrap()
        .keys()
        .filter(|name| *name != "note" && !sources.contains(&format!("(\"{name}\")")))
        .collect();
    assert!(unused.is_empty(), "{unused:?}");
}
