//! What an operation may cost with the page sizes it asks for.
//!
//! A field that takes `first` or `last` counts its selection once per row asked for; a field given a list named `ids`
//! counts it once per id; every other field counts it once. An estimate from above for pages, from below for plain
//! lists inside a node, whose length no argument tells.

use std::collections::HashMap;

use async_graphql::parser::types::{ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet};
use async_graphql::{Name, Value as ConstValue, Variables};
use async_graphql_value::Value;

use crate::graphql::typemap::TypeMap;

/// Rows of a page that asks for none in particular.
const PAGE_DEFAULT: u64 = 20;
/// Rows of the largest page; a larger one is refused by its resolver.
const PAGE_MAX: u64 = 100;

/// The price of an operation that passed the pre-check and validation. Saturates.
#[must_use]
pub fn complexity(
    types: &TypeMap,
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &Variables,
) -> u64 {
    let mut walk = Walk {
        types,
        document,
        operation,
        variables,
        known: HashMap::new(),
    };
    walk.selections(&operation.selection_set.node, TypeMap::root(operation.ty))
}

struct Walk<'a> {
    types: &'a TypeMap,
    document: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
    known: HashMap<&'a Name, u64>,
}

impl<'a> Walk<'a> {
    fn selections(&mut self, set: &'a SelectionSet, on: &str) -> u64 {
        set.items.iter().fold(0, |sum, selection| {
            sum.saturating_add(match &selection.node {
                Selection::Field(field) => self.field(&field.node, on),
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node),
                Selection::InlineFragment(inline) => {
                    let condition = inline
                        .node
                        .type_condition
                        .as_ref()
                        .map(|it| it.node.on.node.as_str());
                    self.selections(&inline.node.selection_set.node, condition.unwrap_or(on))
                }
            })
        })
    }

    fn fragment(&mut self, name: &'a Name) -> u64 {
        if let Some(known) = self.known.get(name) {
            return *known;
        }
        let document = self.document;
        let price = document.fragments.get(name).map_or(0, |fragment| {
            self.selections(
                &fragment.node.selection_set.node,
                &fragment.node.type_condition.node.on.node,
            )
        });
        self.known.insert(name, price);
        price
    }

    fn field(&mut self, field: &'a Field, on: &str) -> u64 {
        let types = self.types;
        let Some(known) = types.field(on, &field.name.node) else {
            return 1;
        };
        let times = if known.paged {
            self.page(field)
        } else {
            self.ids(field).max(usual_entries(on, &field.name.node))
        };
        let inner = self.selections(&field.selection_set.node, &known.named_type);
        times.saturating_mul(inner).saturating_add(1)
    }

    fn page(&self, field: &Field) -> u64 {
        ["first", "last"]
            .into_iter()
            .filter_map(|name| self.argument(field, name))
            .find_map(|value| {
                let ConstValue::Number(rows) = value else {
                    return None;
                };
                Some(rows.as_u64().unwrap_or(PAGE_MAX).min(PAGE_MAX))
            })
            .unwrap_or(PAGE_DEFAULT)
    }

    fn ids(&self, field: &Field) -> u64 {
        match self.argument(field, "ids") {
            Some(ConstValue::List(ids)) => u64::try_from(ids.len()).unwrap_or(u64::MAX),
            Some(_) | None => 1,
        }
    }

    fn argument(&self, field: &Field, name: &str) -> Option<ConstValue> {
        let value = &field.get_argument(name)?.node;
        if let Value::List(items) = value {
            // Only its length counts, and its items may be variables.
            return Some(ConstValue::List(vec![ConstValue::Null; items.len()]));
        }
        let Value::Variable(variable) = value else {
            return value.clone().into_const();
        };
        self.variables.get(variable).cloned().or_else(|| {
            let mut definitions = self.operation.variable_definitions.iter();
            let definition = definitions.find(|it| it.node.name.node == *variable)?;
            definition.node.default_value().cloned()
        })
    }
}

/// Lists without page arguments: how many entries they usually have, or what reading them costs. A case has about
/// thirty lines in its ledger, which are read and unsealed one by one; statistics count many rows for a few figures.
const USUAL_ENTRIES: [(&str, &str, u64); 8] = [
    ("Case", "timeline", 30),
    ("Case", "handoffTimeline", 12),
    ("Case", "receipts", 5),
    ("Case", "handoffs", 5),
    ("Case", "clocks", 8),
    ("Case", "applicant", 5),
    ("Division", "loopClosure", 20),
    ("Query", "satisfaction", 20),
];

fn usual_entries(on: &str, field: &str) -> u64 {
    let known = USUAL_ENTRIES
        .iter()
        .find(|(of, name, _)| *of == on && *name == field);
    known.map_or(1, |(_, _, entries)| *entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_graphql::parser::parse_query;

    fn price(text: &str, variables: serde_json::Value) -> u64 {
        let types = TypeMap::from_sdl(
            "type Query { rows(first: Int, last: Int): Rows nodes(ids: [ID!]!): [Row] row: Row }
             type Rows { nodes: [Row!]! } type Row { a: Int rows(first: Int): Rows }",
        )
        .unwrap();
        let document = parse_query(text).unwrap();
        let operation = document.operations.iter().next().unwrap().1;
        complexity(
            &types,
            &document,
            &operation.node,
            &Variables::from_json(variables),
        )
    }

    #[test]
    fn a_page_counts_its_rows() {
        let none = serde_json::json!({});
        assert_eq!(price("{ row { a } }", none.clone()), 2);
        assert_eq!(price("{ rows { nodes { a } } }", none.clone()), 1 + 20 * 2);
        assert_eq!(
            price("{ rows(last: 3) { nodes { a } } }", none.clone()),
            1 + 3 * 2
        );
        assert_eq!(
            price("{ rows(first: 9999) { nodes { a } } }", none.clone()),
            1 + 100 * 2
        );
        assert_eq!(price("{ nodes(ids: [1, 2, 3]) { a } }", none.clone()), 1 + 3);
        assert_eq!(
            price(
                "{ rows(first: 10) { ...F } } fragment F on Rows { nodes { rows(first: 5) { nodes { a } } } }",
                none
            ),
            1 + 10 * (1 + 1 + 5 * 2)
        );
    }

    #[test]
    fn a_page_size_in_a_variable_counts_too() {
        let text = "query($n: Int = 7) { rows(first: $n) { nodes { a } } }";
        assert_eq!(price(text, serde_json::json!({"n": 50})), 1 + 50 * 2);
        assert_eq!(price(text, serde_json::json!({})), 1 + 7 * 2);
        assert_eq!(price(text, serde_json::json!({"n": -1})), 1 + 100 * 2);
    }
}
