//! Reads the project's own Rust files for the contract tests.

use std::fs;
use std::path::{Path, PathBuf};

/// One file of the project, by its path from the project's root.
pub(super) struct SourceFile {
    pub(super) path: String,
    pub(super) text: String,
}

impl SourceFile {
    /// The lines with their numbers, without comments and without what stands in string literals.
    pub(super) fn code_lines(&self) -> Vec<(usize, String)> {
        let mut in_string = None;
        self.text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, bare(line, &mut in_string)))
            .collect()
    }
}

/// Every Rust file below these folders, sorted by path.
pub(super) fn rust_files(folders: &[&str]) -> Vec<SourceFile> {
    let root = root();
    let mut paths = Vec::new();
    for folder in folders {
        collect(&root.join(folder), &mut paths);
    }
    paths.sort();
    paths
        .into_iter()
        .map(|path| SourceFile {
            text: fs::read_to_string(&path).unwrap(),
            path: path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned(),
        })
        .collect()
}

/// The text of one file of the project.
pub(super) fn file(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The project's root.
pub(super) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Fails with the whole list, so that one run shows every place.
pub(super) fn assert_none(faults: &[String], rule: &str) {
    assert!(faults.is_empty(), "{rule}\n  {}", faults.join("\n  "));
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if path
                .file_name()
                .is_some_and(|name| name != "target" && name != "node_modules")
            {
                collect(&path, into);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// How the string literal that is open at a line's end closes.
type OpenString = Option<String>;

/// One line without its comment and without the content of its string literals.
fn bare(line: &str, open: &mut OpenString) -> String {
    let mut code = String::new();
    let mut rest = line;
    while let Some(letter) = rest.chars().next() {
        let mut skipped = letter.len_utf8();
        if let Some(end) = open {
            if end == "\"" && letter == '\\' {
                skipped += rest[1..].chars().next().map_or(0, char::len_utf8);
            } else if rest.starts_with(end.as_str()) {
                skipped = end.len();
                *open = None;
            }
        } else if rest.starts_with("//") {
            break;
        } else if let Some(quote) = ["'\"'", "'\\\"'"]
            .into_iter()
            .find(|quote| rest.starts_with(quote))
        {
            skipped = quote.len();
        } else if letter == '"' {
            *open = Some("\"".to_owned());
        } else if let Some(hashes) = raw_string(rest).filter(|_| !code.ends_with(is_word)) {
            *open = Some(format!("\"{}", "#".repeat(hashes)));
            skipped = hashes + 2;
        } else {
            code.push(letter);
        }
        rest = &rest[skipped..];
    }
    code
}

/// The number of hashes when a raw string begins here.
fn raw_string(rest: &str) -> Option<usize> {
    let hashes = rest.strip_prefix('r')?;
    let quote = hashes.trim_start_matches('#');
    quote.starts_with('"').then_some(hashes.len() - quote.len())
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

#[test]
fn comments_and_literals_are_not_code() {
    let file = SourceFile {
        path: "x.rs".to_owned(),
        text:
            "use a; // crate::b\nlet x = \"crate::c \\\" crate::d\"; e\nr#\"crate::f\n\" crate::g\"# h '\"' i"
                .to_owned(),
    };
    let code: Vec<String> = file.code_lines().into_iter().map(|(_, line)| line).collect();
    assert_eq!(code, ["use a; ", "let x = ; e", "", " h  i"]);
}
