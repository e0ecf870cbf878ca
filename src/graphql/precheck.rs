//! The price of a document, read off its syntax before anything expands it.
//!
//! A fragment is walked once and its price kept, so 22 nested double spreads (2^22 expansions, 1.2 KB of text) cost
//! 22 steps instead of minutes. Counts saturate; the walk's own recursion is bounded.

use std::collections::HashMap;

use async_graphql::parser::types::{
    Directive, ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned};
use async_graphql_value::Value;

use crate::graphql::limits::NESTING_MAX;

/// The price of one operation with every fragment expanded. All counts saturate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    /// Fields.
    pub fields: u64,
    /// Aliases.
    pub aliases: u64,
    /// Directives, on whatever they stand.
    pub directives: u64,
    /// Deepest nesting of fields; a `__schema` or `__type` subtree counts as one.
    pub depth: u64,
    /// Deepest nesting of fields inside `__schema` and `__type`, themselves included; 0 = no introspection.
    pub introspection_depth: u64,
    /// Fields of the outermost selection set.
    pub root_fields: u64,
    /// Deepest nesting of selection sets, spreads included: the stack that executing it needs.
    pub nesting: usize,
}

/// One operation of a document, priced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationFacts {
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Query, mutation or subscription.
    pub kind: OperationType,
    /// Its price.
    pub cost: Cost,
    /// Whether a literal contains a variable, so that the literal cannot be checked without the variables.
    pub mixed_literals: bool,
}

/// A document that cannot be priced, whatever the limits are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unpriceable {
    /// A fragment spreads itself.
    #[error("a fragment spreads itself")]
    Cycle,
    /// Selections and spreads are nested deeper than the stack allows.
    #[error("selections and spreads are nested too deep")]
    Nesting,
}

/// Prices every operation of a document, and every fragment even if no operation spreads it. Gives each operation, and
/// the highest count of each kind found anywhere.
///
/// # Errors
/// When a fragment spreads itself or the nesting passes [`NESTING_MAX`].
pub fn price(document: &ExecutableDocument) -> Result<(Vec<OperationFacts>, Cost), Unpriceable> {
    let mut walk = Walk {
        document,
        known: HashMap::new(),
    };
    let mut operations = Vec::with_capacity(document.operations.iter().len());
    for (name, operation) in document.operations.iter() {
        operations.push(OperationFacts {
            name: name.map(ToString::to_string),
            kind: operation.node.ty,
            cost: walk.operation(&operation.node)?,
            mixed_literals: false,
        });
    }
    let mut dearest = Cost::default();
    let mut fragments: Vec<&Name> = document.fragments.keys().collect();
    fragments.sort();
    for name in fragments {
        // How deep a fragment counts, and whether it is introspection, depends on where it is spread.
        let Cost {
            fields,
            aliases,
            directives,
            ..
        } = walk.fragment(name, 1)?;
        dearest = dearest.dearer(Cost {
            fields,
            aliases,
            directives,
            ..Cost::default()
        });
    }
    let mixed = document
        .operations
        .iter()
        .any(|(_, it)| mixes(&it.node.selection_set.node))
        || document
            .fragments
            .values()
            .any(|it| mixes(&it.node.selection_set.node));
    for facts in &mut operations {
        facts.mixed_literals = mixed;
        dearest = dearest.dearer(facts.cost);
    }
    Ok((operations, dearest))
}

impl Cost {
    /// The price of two things side by side.
    fn and(self, other: Self) -> Self {
        Self {
            fields: self.fields.saturating_add(other.fields),
            aliases: self.aliases.saturating_add(other.aliases),
            directives: self.directives.saturating_add(other.directives),
            root_fields: self.root_fields.saturating_add(other.root_fields),
            depth: self.depth.max(other.depth),
            introspection_depth: self.introspection_depth.max(other.introspection_depth),
            nesting: self.nesting.max(other.nesting),
        }
    }

    /// The higher of two prices, count by count.
    fn dearer(self, other: Self) -> Self {
        Self {
            fields: self.fields.max(other.fields),
            aliases: self.aliases.max(other.aliases),
            directives: self.directives.max(other.directives),
            root_fields: self.root_fields.max(other.root_fields),
            depth: self.depth.max(other.depth),
            introspection_depth: self.introspection_depth.max(other.introspection_depth),
            nesting: self.nesting.max(other.nesting),
        }
    }

    fn directives(count: usize) -> Self {
        Self {
            directives: u64::try_from(count).unwrap_or(u64::MAX),
            ..Self::default()
        }
    }
}

struct Walk<'a> {
    document: &'a ExecutableDocument,
    /// Prices of the fragments; `None` while one is being walked.
    known: HashMap<&'a Name, Option<Cost>>,
}

impl<'a> Walk<'a> {
    fn operation(&mut self, operation: &'a OperationDefinition) -> Result<Cost, Unpriceable> {
        let on_variables: usize = operation
            .variable_definitions
            .iter()
            .map(|it| it.node.directives.len())
            .sum();
        let own = Cost::directives(operation.directives.len() + on_variables);
        Ok(own.and(self.selections(&operation.selection_set.node, 1)?))
    }

    fn selections(&mut self, set: &'a SelectionSet, level: usize) -> Result<Cost, Unpriceable> {
        let mut sum = Cost {
            nesting: 1,
            ..Cost::default()
        };
        if level > NESTING_MAX {
            return Err(Unpriceable::Nesting);
        }
        for selection in &set.items {
            let cost = match &selection.node {
                Selection::Field(field) => self.field(&field.node, level)?,
                Selection::FragmentSpread(spread) => {
                    let inner = self.fragment(&spread.node.fragment_name.node, level + 1)?;
                    Cost::directives(spread.node.directives.len()).and(nested(inner))
                }
                Selection::InlineFragment(inline) => {
                    let inner = self.selections(&inline.node.selection_set.node, level + 1)?;
                    Cost::directives(inline.node.directives.len()).and(nested(inner))
                }
            };
            sum = sum.and(cost);
        }
        if level + sum.nesting > NESTING_MAX + 1 {
            Err(Unpriceable::Nesting)
        } else {
            Ok(sum)
        }
    }

    fn field(&mut self, field: &'a Field, level: usize) -> Result<Cost, Unpriceable> {
        let inner = if field.selection_set.node.items.is_empty() {
            Cost::default()
        } else {
            self.selections(&field.selection_set.node, level + 1)?
        };
        let introspects = matches!(field.name.node.as_str(), "__schema" | "__type");
        let (depth, introspection_depth) = if introspects {
            (1, inner.depth.max(inner.introspection_depth).saturating_add(1))
        } else {
            (inner.depth.saturating_add(1), inner.introspection_depth)
        };
        Ok(Cost {
            fields: inner.fields.saturating_add(1),
            aliases: inner.aliases.saturating_add(u64::from(field.alias.is_some())),
            directives: inner.directives.saturating_add(directives_of(&field.directives)),
            depth,
            introspection_depth,
            root_fields: 1,
            nesting: inner.nesting.saturating_add(1),
        })
    }

    fn fragment(&mut self, name: &'a Name, level: usize) -> Result<Cost, Unpriceable> {
        match self.known.get(name) {
            Some(Some(cost)) if level + cost.nesting > NESTING_MAX + 1 => return Err(Unpriceable::Nesting),
            Some(Some(cost)) => return Ok(*cost),
            Some(None) => return Err(Unpriceable::Cycle),
            None => {}
        }
        // A fragment that does not exist is for validation to name; here it is one field.
        let Some(fragment) = self.document.fragments.get(name) else {
            return Ok(Cost {
                fields: 1,
                root_fields: 1,
                depth: 1,
                nesting: 1,
                ..Cost::default()
            });
        };
        self.known.insert(name, None);
        let own = Cost::directives(fragment.node.directives.len());
        let cost = own.and(self.selections(&fragment.node.selection_set.node, level)?);
        self.known.insert(name, Some(cost));
        Ok(cost)
    }
}

fn nested(inner: Cost) -> Cost {
    Cost {
        nesting: inner.nesting.saturating_add(1),
        ..inner
    }
}

fn directives_of(directives: &[Positioned<Directive>]) -> u64 {
    u64::try_from(directives.len()).unwrap_or(u64::MAX)
}

/// Whether a literal list or object contains a variable. Recursion is bounded by the nesting the scan allowed.
fn mixes(set: &SelectionSet) -> bool {
    set.items.iter().any(|selection| {
        let below = match &selection.node {
            Selection::Field(field) => {
                field
                    .node
                    .arguments
                    .iter()
                    .any(|(_, value)| is_mixed(&value.node))
                    || mixes(&field.node.selection_set.node)
            }
            Selection::FragmentSpread(_) => false,
            Selection::InlineFragment(inline) => mixes(&inline.node.selection_set.node),
        };
        below
            || selection
                .node
                .directives()
                .iter()
                .any(|it| it.node.arguments.iter().any(|(_, value)| is_mixed(&value.node)))
    })
}

fn is_mixed(value: &Value) -> bool {
    !matches!(value, Value::Variable(_)) && contains_variable(value)
}

fn contains_variable(value: &Value) -> bool {
    match value {
        Value::Variable(_) => true,
        Value::List(items) => items.iter().any(contains_variable),
        Value::Object(fields) => fields.values().any(contains_variable),
        Value::Null
        | Value::Number(_)
        | Value::String(_)
        | Value::Boolean(_)
        | Value::Binary(_)
        | Value::Enum(_) => false,
    }
}

#[cfg(test)]
#[path = "precheck/tests.rs"]
mod tests;
