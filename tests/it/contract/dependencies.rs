//! Every dependency is declared once, with a line of why; the pure crates stay pure.

use super::source::{assert_none, file, rust_files};

#[test]
fn every_dependency_says_why_it_is_here() {
    let manifest = file("Cargo.toml");
    let faults: Vec<String> = section(&manifest, "[workspace.dependencies]")
        .filter(|line| !line.contains("path = "))
        .filter(|line| {
            line.split_once(" # ")
                .is_none_or(|(_, why)| why.trim().chars().count() < 4)
        })
        .map(str::to_owned)
        .collect();
    assert_none(&faults, "a dependency in Cargo.toml has a comment that says why");
}

#[test]
fn members_take_their_dependencies_from_the_workspace() {
    let mut faults = Vec::new();
    for manifest in [
        "Cargo.toml",
        "domain/Cargo.toml",
        "entity/Cargo.toml",
        "migration/Cargo.toml",
    ] {
        let text = file(manifest);
        for head in ["[dependencies]", "[dev-dependencies]", "[build-dependencies]"] {
            for line in section(&text, head).filter(|line| !is_from_workspace(line)) {
                faults.push(format!("{manifest}: {line}"));
            }
        }
    }
    assert_none(&faults, "versions stand in [workspace.dependencies] alone");
}

#[test]
fn the_domain_depends_on_small_pure_crates_only() {
    let pure = [
        "base64",
        "chrono",
        "hex",
        "serde",
        "serde_json",
        "sha2",
        "thiserror",
        "unicode-segmentation",
        "unicode-width",
        "uuid",
    ];
    let manifest = file("domain/Cargo.toml");
    let faults: Vec<String> = section(&manifest, "[dependencies]")
        .filter(|line| !pure.contains(&name(line)))
        .map(str::to_owned)
        .collect();
    assert_none(
        &faults,
        "the domain is pure; a new crate there is a change of design",
    );
}

#[test]
fn the_domain_has_no_clock_no_io_and_no_waiting() {
    let impure = [
        "sea_orm",
        "async_graphql",
        "actix",
        "reqwest",
        "redis::",
        "tokio",
        "tracing::",
        "rand::",
        "::now(",
        "now_v7(",
        "now_v4(",
        "new_v4(",
        "async fn",
        "async move",
        "std::fs",
        "std::net",
        "std::env",
        "std::time",
        "std::thread",
        "std::process",
        "println!",
        "eprintln!",
    ];
    let mut faults = Vec::new();
    for source in rust_files(&["domain/src"]) {
        for (number, line) in source.code_lines() {
            if impure.iter().any(|word| line.contains(word)) {
                faults.push(format!("{}:{number}: {}", source.path, line.trim()));
            }
        }
    }
    assert_none(
        &faults,
        "a rule is (state, command, now) -> Result<events, refusal> and nothing else",
    );
}

#[test]
fn entities_and_migrations_know_no_rules() {
    for (manifest, never) in [
        ("entity/Cargo.toml", &["onedoor"][..]),
        ("migration/Cargo.toml", &["onedoor"][..]),
        ("domain/Cargo.toml", &["onedoor"][..]),
    ] {
        let text = file(manifest);
        let faults: Vec<&str> = section(&text, "[dependencies]")
            .filter(|line| never.iter().any(|word| line.starts_with(word)))
            .collect();
        assert!(
            faults.is_empty(),
            "{manifest} must not depend on {faults:?}: steps stay frozen, entities hold no logic"
        );
    }
}

/// The entries of one section of a manifest.
fn section<'a>(manifest: &'a str, head: &'a str) -> impl Iterator<Item = &'a str> {
    manifest
        .lines()
        .skip_while(move |line| line.trim() != head)
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
}

fn name(entry: &str) -> &str {
    entry.split(['.', ' ', '=']).next().unwrap_or_default()
}

fn is_from_workspace(entry: &str) -> bool {
    entry.contains(".workspace = true") || entry.contains("workspace = true")
}
