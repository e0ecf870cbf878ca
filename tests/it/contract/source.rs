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
            paths_push(path, into);
        }
    }
}

fn paths_push(path: PathBuf, into: &mut Vec<PathBuf>) {
    if !into.contains(&path) {
        into.push(path);
    }
}

/// How the string literal that is open at a line's end closes.
type OpenString = Option<String>;

/// One line without its comment and without the content of its string literals.
fn bare(line: &str, open: &mut OpenString) -> String {
    let letters: Vec<char> = line.chars().collect();
    let mut code = String::new();
    let mut at = 0;
    while at < letters.len() {
        let rest: String = letters[at..].iter().collect();
        if let Some(end) = open {
            if end == "\"" && rest.starts_with('\\') {
                at += 2;
            } else if rest.starts_with(end.as_str()) {
                at += end.chars().count();
                *open = None;
            } else {
                at += 1;
            }
            continue;
        }
        if rest.starts_with("//") {
            break;
        }
        if rest.starts_with("'\"'") || rest.starts_with("'\\\"'") {
            at += rest.find("\"'").unwrap() + 2;
            continue;
        }
        let hashes = rest.chars().skip(1).take_while(|letter| *letter == '#').count();
        if rest.starts_with('r') && rest.chars().nth(1 + hashes) == Some('"') && !code.ends_with(is_word) {
            *open = Some(format!("\"{}", "#".repeat(hashes)));
            at += hashes + 2;
        } else if rest.starts_with('"') {
            *open = Some("\"".to_owned());
            at += 1;
        } else {
            code.push(letters[at]);
            at += 1;
        }
    }
    code
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
