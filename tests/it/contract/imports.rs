//! Imports go one way: domain ← store | storage | cache | upstream ← service ← graphql | http | worker ← app ← main.

use super::source::{SourceFile, assert_none, rust_files};

/// Open to everything above the domain.
const BASE: &[&str] = &["clock", "config", "error", "secret", "telemetry"];

/// The parts of the crate, and what each may use besides [`BASE`] and itself.
const MAY_USE: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("config", &[]),
    ("error", &[]),
    ("secret", &[]),
    ("telemetry", &[]),
    ("storage", &[]),
    ("store", &[]),
    ("cache", &[]),
    ("upstream", &[]),
    ("service", &["storage", "store", "cache", "upstream"]),
    ("worker", &["service"]),
    ("graphql", &["service"]),
    ("http", &["service", "graphql"]),
    ("sandbox", &[]),
    ("failpoints", &[]),
    (
        "app",
        &[
            "storage", "store", "cache", "upstream", "service", "worker", "graphql", "http", "sandbox",
        ],
    ),
    (
        "cli",
        &[
            "store", "cache", "upstream", "service", "worker", "graphql", "http", "sandbox", "app",
        ],
    ),
];

/// The one way to start a task; no rule of any part, hence open to all of them.
const SUPERVISOR: &str = "worker::supervise";

/// Foreign crates, and the only parts that may name them.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("sea_orm", &["store"]),
    ("onedoor_entity", &["store"]),
    ("onedoor_migration", &["store", "app", "cli"]),
    ("redis", &["cache", "app"]),
    ("object_store", &["storage"]),
    ("reqwest", &["storage", "upstream", "sandbox", "telemetry"]),
    ("async_graphql", &["graphql", "http", "app", "cli"]),
    ("actix_ws", &["http"]),
    (
        "actix_web",
        &["graphql", "http", "worker", "app", "cli", "sandbox", "telemetry"],
    ),
];

#[test]
fn parts_import_in_one_direction() {
    let mut faults = Vec::new();
    for file in rust_files(&["src"]) {
        let Some(part) = part_of(&file.path) else { continue };
        let (_, allowed) = MAY_USE
            .iter()
            .find(|(name, _)| *name == part)
            .unwrap_or_else(|| panic!("{} is a part that DESIGN.md §3 does not know", file.path));
        for (number, mention) in mentions(&file) {
            let used = mention.split("::").next().unwrap_or_default();
            let known = MAY_USE.iter().any(|(name, _)| *name == used);
            let open = used == part
                || BASE.contains(&used)
                || allowed.contains(&used)
                || mention.starts_with(SUPERVISOR);
            if known && !open {
                faults.push(format!("{}:{number}: {part} uses crate::{mention}", file.path));
            }
        }
    }
    assert_none(&faults, "imports go one way (DESIGN.md §3)");
}

#[test]
fn foreign_crates_stay_in_their_rooms() {
    let mut faults = Vec::new();
    let is_test = |file: &SourceFile| file.path.ends_with("/tests.rs") || file.path.contains("/tests/");
    for file in rust_files(&["src"]).into_iter().filter(|file| !is_test(file)) {
        let Some(part) = part_of(&file.path) else { continue };
        let lines = file.code_lines();
        let is_own_module = |name: &str| {
            lines
                .iter()
                .any(|(_, line)| line.contains(&format!("mod {name};")))
        };
        for (number, line) in &lines {
            // the runtime is shared ground; actix's types are not
            let line = line.replace("actix_web::rt", "").replace("actix_web::test", "");
            for (name, parts) in ONLY_IN {
                if names_crate(&line, name) && !parts.contains(&part) && !is_own_module(name) {
                    faults.push(format!(
                        "{}:{number}: {part} names {name}: {}",
                        file.path,
                        line.trim()
                    ));
                }
            }
        }
    }
    assert_none(&faults, "each foreign crate has its rooms (DESIGN.md §3)");
}

/// The part a file belongs to: the first name below src/; `lib` and `main` belong to none.
fn part_of(path: &str) -> Option<&str> {
    let part = path.strip_prefix("src/")?.split(['/', '.']).next()?;
    (part != "lib" && part != "main").then_some(part)
}

/// Every path that starts at the crate's root, with its line.
fn mentions(file: &SourceFile) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let lines = file.code_lines();
    let text = lines
        .iter()
        .map(|(_, line)| line.as_str())
        .collect::<Vec<_>>()
        .join("\n");
    let up = "super::".repeat(file.path.matches('/').count());
    for root in ["crate::", up.as_str()] {
        for (at, _) in text.match_indices(root) {
            let before = text[..at].chars().next_back();
            if before.is_some_and(|letter| {
                letter.is_alphanumeric() || letter == '_' || letter == '$' || letter == ':'
            }) {
                continue;
            }
            let number = text[..at].matches('\n').count() + 1;
            found.extend(
                heads(&text[at + root.len()..])
                    .into_iter()
                    .map(|head| (number, head)),
            );
        }
    }
    found
}

/// The first two names of a path, or of each path of a `{…}` group.
fn heads(rest: &str) -> Vec<String> {
    let Some(group) = rest.strip_prefix('{') else {
        return vec![
            rest.chars()
                .take_while(|letter| letter.is_alphanumeric() || "_:".contains(*letter))
                .collect(),
        ];
    };
    let mut depth = 0_i32;
    let mut heads = vec![String::new()];
    for letter in group.chars() {
        match letter {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.push(String::new()),
            letter if depth == 0 && !letter.is_whitespace() => heads.last_mut().unwrap().push(letter),
            _ => {}
        }
    }
    heads
}

/// Whether a line names a crate as the root of a path.
fn names_crate(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = &line[at + name.len()..];
        !before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_' || letter == ':')
            && (after.starts_with("::") || line.trim_start().starts_with("use ") && after.starts_with(';'))
    })
}

#[test]
fn groups_and_relative_paths_are_seen() {
    let file = |path: &str, text: &str| SourceFile {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    let seen = |path: &str, text: &str| {
        mentions(&file(path, text))
            .into_iter()
            .map(|(_, head)| head)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        seen(
            "src/http/a.rs",
            "use crate::{clock::Clock,\n store::{a, b}, cache};"
        ),
        ["clock::Clock", "store::", "cache"]
    );
    assert_eq!(
        seen("src/http/a.rs", "use super::super::store::case;"),
        ["store::case"]
    );
    assert_eq!(seen("src/http.rs", "fn f() { super::store::x() }"), ["store::x"]);
    assert!(seen("src/http/a.rs", "use super::server; // crate::store").is_empty());
}
