//! JSONPath (RFC 9535) into answers: the first value that is there, a list of them, or several joined.

use serde_json::Value;
use serde_json_path::JsonPath;

use crate::upstream::config::section::Section;

/// The most paths of one option.
const PATHS_MAX: usize = 16;
/// Between the parts of a joined value.
pub(super) const JOINT: &str = "/";

/// Alternative paths to one value, in the order of preference.
#[derive(Debug, Clone, Default)]
pub(super) struct Paths(Vec<JsonPath>);

impl Paths {
    /// Reads one path or a list of paths, noting what is none.
    pub(super) fn read(section: &mut Section, key: &str) -> Self {
        let texts = section.text_or_texts(key);
        if texts.len() > PATHS_MAX {
            section.fault(key, format_args!("must have at most {PATHS_MAX} paths 路径过多"));
        }
        let mut paths = Vec::new();
        for text in texts {
            match JsonPath::parse(&text) {
                Ok(path) => paths.push(path),
                Err(error) => section.fault(
                    key,
                    format_args!(
                        "{text} is no JSONPath, for example $.data.id: {} (character {}) 不是有效的 JSONPath",
                        error.message(),
                        error.position()
                    ),
                ),
            }
        }
        Self(paths)
    }

    /// Whether no path is given.
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many paths are given.
    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    /// The first single value that is there and not empty, as text.
    pub(super) fn text(&self, document: &Value) -> Option<String> {
        self.0
            .iter()
            .flat_map(|path| path.query(document).all())
            .find_map(scalar)
    }

    /// The values of all paths as one text, those that are missing left out.
    pub(super) fn joined(&self, document: &Value) -> Option<String> {
        let parts: Vec<String> = self
            .0
            .iter()
            .filter_map(|path| path.query(document).all().into_iter().find_map(scalar))
            .collect();
        (!parts.is_empty()).then(|| parts.join(JOINT))
    }

    /// All values, lists taken apart: one element of XML and a list of one are the same.
    pub(super) fn all<'a>(&self, document: &'a Value) -> Vec<&'a Value> {
        let mut found = Vec::new();
        for node in self.0.iter().flat_map(|path| path.query(document).all()) {
            match node {
                Value::Array(list) => found.extend(list),
                Value::Null => {}
                // an empty element where a list would stand
                Value::String(text) if text.is_empty() => {}
                Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => found.push(node),
            }
        }
        found
    }

    /// Whether a list or table stands at one of the paths, be it empty.
    pub(super) fn stands(&self, document: &Value) -> bool {
        self.0.iter().any(|path| !path.query(document).is_empty())
    }

    /// All single values as texts.
    pub(super) fn texts(&self, document: &Value) -> Vec<String> {
        self.all(document).into_iter().filter_map(scalar).collect()
    }
}

/// A single value as text; `None` for nothing, blanks, lists and tables.
pub(in crate::upstream::adapters) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => {
            let text = text.trim();
            (!text.is_empty()).then(|| text.to_owned())
        }
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Object(members) => members.get("#text").and_then(scalar),
        Value::Null | Value::Array(_) => None,
    }
}
