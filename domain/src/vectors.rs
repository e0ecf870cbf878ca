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

#[test]
fn every_vector_is_used_by_a_test() {
    let mut folders = vec![std::path::PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src"
    ))];
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
    let all: Value = serde_json::from_str(include_str!("../../data/vectors.json")).unwrap();
    let unused: Vec<&String> = all
        .as_object()
        .unwrap()
        .keys()
        .filter(|name| *name != "note" && !sources.contains(&format!("(\"{name}\")")))
        .collect();
    assert!(unused.is_empty(), "{unused:?}");
}
