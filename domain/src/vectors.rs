//! The shared test vectors, for tests only.

use serde_json::Value;

/// `data/vectors.json`, one entry by name.
pub(crate) fn vectors(name: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("../../data/vectors.json")).unwrap();
    all.get(name)
        .unwrap_or_else(|| panic!("vectors.json has no `{name}`"))
        .clone()
}
