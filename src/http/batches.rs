//! How many applications a kiosk's batches carry: each costs what its result asks for, and only a batch may be large.

use async_graphql::parser::types::{ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet};
use async_graphql::{Value as ConstValue, Variables};
use async_graphql_value::Value;

/// The one field that takes a batch.
const FIELD: &str = "syncKiosk";

/// The batches of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batches {
    /// Items in all of them.
    pub items: u64,
    /// Whether the operation is one batch and nothing else.
    pub alone: bool,
}

impl Batches {
    /// Looks at the root fields of an operation whose fragments were priced, so that they end.
    #[must_use]
    pub fn of(operation: &OperationDefinition, document: &ExecutableDocument, variables: &Variables) -> Self {
        let mut found = Found {
            items: 0,
            batches: 0,
            others: 0,
        };
        found.look(&operation.selection_set.node, document, variables);
        Self {
            items: found.items,
            alone: found.batches == 1 && found.others == 0,
        }
    }

    /// What an operation of so many fields costs: each item as if it were asked alone.
    #[must_use]
    pub fn price(self, fields: u64) -> u64 {
        fields.saturating_mul(self.items.max(1))
    }
}

struct Found {
    items: u64,
    batches: u32,
    others: u32,
}

impl Found {
    fn look(&mut self, set: &SelectionSet, document: &ExecutableDocument, variables: &Variables) {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) if field.node.name.node == FIELD => {
                    self.batches = self.batches.saturating_add(1);
                    self.items = self.items.saturating_add(items(&field.node, variables));
                }
                Selection::Field(_) => self.others = self.others.saturating_add(1),
                Selection::InlineFragment(inline) => {
                    self.look(&inline.node.selection_set.node, document, variables);
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                        self.look(&fragment.node.selection_set.node, document, variables);
                    }
                }
            }
        }
    }
}

fn items(field: &Field, variables: &Variables) -> u64 {
    let list_of = |value: &ConstValue| {
        let ConstValue::Object(input) = value else {
            return None;
        };
        let ConstValue::List(items) = input.get("items")? else {
            return None;
        };
        Some(items.len())
    };
    let count = match field.get_argument("input").map(|input| &input.node) {
        Some(Value::Variable(name)) => variables.get(name).and_then(list_of),
        Some(Value::Object(input)) => match input.get("items") {
            Some(Value::List(items)) => Some(items.len()),
            Some(Value::Variable(name)) => match variables.get(name) {
                Some(ConstValue::List(items)) => Some(items.len()),
                Some(_) | None => None,
            },
            Some(_) | None => None,
        },
        Some(_) | None => None,
    };
    count.and_then(|count| u64::try_from(count).ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::json;

    use super::*;

    fn of(text: &str, variables: serde_json::Value) -> (u64, bool) {
        let document = parse_query(text).unwrap();
        let operation = document.operations.iter().next().unwrap().1;
        let found = Batches::of(&operation.node, &document, &Variables::from_json(variables));
        (found.items, found.alone)
    }

    #[test]
    fn items_count_wherever_they_stand_and_only_a_batch_alone_is_alone() {
        let input = json!({ "input": { "items": [1, 2, 3] } });
        assert_eq!(
            of(
                "mutation($input: I!) { syncKiosk(input: $input) { a } }",
                input.clone()
            ),
            (3, true)
        );
        assert_eq!(
            of(
                "mutation { syncKiosk(input: { items: [{}, {}] }) { a } }",
                json!({})
            ),
            (2, true)
        );
        let items = json!({ "items": [1, 2] });
        assert_eq!(
            of(
                "mutation($items: [I!]!) { syncKiosk(input: { items: $items }) { a } }",
                items
            ),
            (2, true)
        );
        let twice = "mutation($input: I!) { ...F b: syncKiosk(input: $input) { a } }
                     fragment F on Mutation { ... { a: syncKiosk(input: $input) { a } } }";
        assert_eq!(of(twice, input.clone()), (6, false));
        assert_eq!(
            of(
                "mutation($input: I!) { syncKiosk(input: $input) { a } other }",
                input
            ),
            (3, false)
        );
        assert_eq!(of("{ viewer { kind } }", json!({})), (0, false));
    }
}
