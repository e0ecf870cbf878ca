//! Questions made from the schema, and what came of each field.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::contract::sdl::Contract;

/// How deep a question goes below its root.
pub(super) const DEPTH: usize = 4;

/// Arguments without which a field cannot be asked.
const NEEDED: &[(&str, &str)] = &[
    ("Calendar.addWorkingDays", r#"(from: "2026-03-02", days: 3)"#),
    (
        "Calendar.dueDate",
        r#"(start: "2026-03-02T02:00:00Z", limit: { value: 3, unit: WORKING_DAY })"#,
    ),
    ("Calendar.isWorkingDay", r#"(date: "2026-03-02")"#),
    ("Receipt.text", "(width: MM58)"),
    ("ServiceItem.routeFor", r#"(division: "340302001001")"#),
];

/// Makes questions from the schema.
pub(super) struct Asking {
    pub(super) contract: Contract,
    pub(super) asked: BTreeSet<(String, String)>,
}

impl Asking {
    pub(super) fn new() -> Self {
        Self {
            contract: Contract::of_this_build(),
            asked: BTreeSet::new(),
        }
    }

    /// All of a type, down to a depth; a type within itself is only named.
    pub(super) fn selection(&mut self, of: &str, within: &mut Vec<String>, depth: usize) -> String {
        if self.contract.is_leaf(of) {
            return String::new();
        }
        let members = self.contract.members(of);
        if !members.is_empty() {
            let parts: Vec<String> = members
                .iter()
                .map(|member| format!("... on {member} {}", self.selection(member, within, depth)))
                .collect();
            return format!("{{ __typename {} }}", parts.join(" "));
        }
        if depth == 0 || within.iter().any(|outer| outer == of) {
            return "{ __typename }".to_owned();
        }
        within.push(of.to_owned());
        let mut text = "{ __typename".to_owned();
        for field in self.contract.field_names(of) {
            let (name, result) = (field.0, field.1);
            self.asked.insert((of.to_owned(), name.clone()));
            let below = self.selection(&result, within, depth - 1);
            let place = format!("{of}.{name}");
            let needed = NEEDED
                .iter()
                .find(|(its, _)| *its == place)
                .map_or("", |(_, with)| with);
            text = format!("{text} {name}{needed} {below}");
        }
        within.pop();
        format!("{text} }}")
    }

    /// A question per field of a type, each with all that is below it.
    pub(super) fn each(&mut self, of: &str, root: &str) -> Vec<String> {
        let fields = self.contract.field_names(of);
        let mut questions = Vec::new();
        for (name, result) in fields {
            self.asked.insert((of.to_owned(), name.clone()));
            let below = self.selection(&result, &mut vec![of.to_owned()], DEPTH - 1);
            let place = format!("{of}.{name}");
            let needed = NEEDED
                .iter()
                .find(|(its, _)| *its == place)
                .map_or("", |(_, with)| with);
            questions.push(format!("{root} {{ __typename {name}{needed} {below} }}"));
        }
        questions
    }
}

/// What was seen of one field somewhere: whether something came.
pub(super) type Found = BTreeMap<(String, String, String), bool>;

/// Notes every field of an answer by its place.
pub(super) fn note(value: &Value, place: &str, found: &mut Found) {
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                note(item, &format!("{place}[{index}]"), found);
            }
        }
        Value::Object(members) => {
            let object = members
                .get("__typename")
                .and_then(Value::as_str)
                .unwrap_or_default();
            for (name, below) in members {
                if name == "__typename" || object.is_empty() {
                    continue;
                }
                let empty = below.is_null() || below.as_array().is_some_and(Vec::is_empty);
                let key = (format!("{place}.{name}"), object.to_owned(), name.clone());
                let known = found.entry(key).or_default();
                *known = *known || !empty;
                note(below, &format!("{place}.{name}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
