//! Texts near to good ones, and how many of them are tried.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, FileFailurePersistence};

/// A target tries so many texts, times what the environment says; its finds are kept in a file of its own.
pub(super) fn tries(cases: u32, finds: &'static str) -> Config {
    Config {
        cases: cases.saturating_mul(more()),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(finds))),
        max_shrink_iters: 5_000,
        ..Config::default()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long to look is no setting of a gateway"
)]
fn more() -> u32 {
    std::env::var("ONEDOOR_FUZZ_CASES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1)
}

/// One of the texts with up to eight changes, or two of them joined, or any text at all.
pub(super) fn near(good: &'static [&'static str]) -> impl Strategy<Value = String> {
    let change = (any::<Index>(), any::<Index>(), 0..6_u8, letter());
    let changed = (
        select(good),
        select(good),
        proptest::collection::vec(change, 0..8),
    );
    prop_oneof![
        8 => changed.prop_map(|(text, other, changes)| changed_by(text, other, &changes)),
        1 => (select(good), select(good)).prop_map(|(one, other)| format!("{one}{other}")),
        1 => "\\PC{0,60}",
    ]
}

/// Letters that parsers care about, and any other.
fn letter() -> impl Strategy<Value = char> {
    prop_oneof![
        4 => select(&['0', '1', '9', 'A', 'Z', 'O', 'I', 'x', '-', '_', '.', ',', ':', '"', '\\', '{', '}', '[', ']', '(', ')', '\n', ' ', '\u{feff}', '\u{3000}', '０', 'Ａ', '王', '𠮷', '\0'][..]),
        1 => any::<char>(),
    ]
}

fn changed_by(text: &str, other: &str, changes: &[(Index, Index, u8, char)]) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    for (at, to, kind, letter) in changes {
        if letters.is_empty() {
            letters.push(*letter);
            continue;
        }
        let (at, to) = (at.index(letters.len()), to.index(letters.len()));
        match kind {
            0 => letters[at] = *letter,
            1 => letters.insert(at, *letter),
            2 => drop(letters.remove(at)),
            3 => letters.swap(at, to),
            4 => {
                let part: Vec<char> = letters[at.min(to)..at.max(to)].to_vec();
                letters.splice(at..at, part);
            }
            _ => letters.truncate(at.max(1)),
        }
    }
    if changes.len() == 7 {
        letters.extend(other.chars());
    }
    letters.into_iter().collect()
}
