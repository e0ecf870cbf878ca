//! The shared test vectors, for tests only.

use serde_json::Value;

/// `data/vectors.json`, one entry by name.
pub(crate) fn vectors(name: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("../../data/vectors.json")).unwrap();
    all.get(name)
        .unwrap_or_else(|| panic!("vectors.json has no `{name}`"))
        .clone()
}

/// An entry that is a list of texts.
pub(crate) fn texts(name: &str) -> Vec<String> {
    serde_json::from_value(vectors(name)).unwrap()
}

/// The keys of an entry that maps texts to reasons or results.
pub(crate) fn keys(name: &str) -> Vec<String> {
    vectors(name).as_object().unwrap().keys().cloned().collect()
}
