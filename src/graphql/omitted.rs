//! Takes omitted variables out of a document, as the specification wants (§6.4.1).
//!
//! The executing crate reads an omitted nullable variable as null, so "leave it as it is" becomes "erase it". An
//! argument or input field whose variable is omitted is therefore removed before execution; inside a list it is null.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::{
    Directive, FragmentDefinition, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned, Variables};
use async_graphql_value::Value;

/// The variables that an operation declares without default and that the request leaves out.
#[must_use]
pub fn omitted(operation: &OperationDefinition, variables: &Variables) -> HashSet<Name> {
    operation
        .variable_definitions
        .iter()
        .filter(|it| it.node.default_value.is_none() && !variables.contains_key(&it.node.name.node))
        .map(|it| it.node.name.node.clone())
        .collect()
}

/// Removes every argument and input field that is one of the omitted variables of the operation, whose fragments
/// these are.
pub fn remove(
    operation: &mut OperationDefinition,
    fragments: &mut HashMap<Name, Positioned<FragmentDefinition>>,
    omitted: &HashSet<Name>,
) {
    if omitted.is_empty() {
        return;
    }
    in_selections(&mut operation.selection_set.node, omitted);
    fragments
        .values_mut()
        .for_each(|it| in_selections(&mut it.node.selection_set.node, omitted));
}

fn in_selections(set: &mut SelectionSet, omitted: &HashSet<Name>) {
    for selection in &mut set.items {
        match &mut selection.node {
            Selection::Field(field) => {
                in_arguments(&mut field.node.arguments, omitted);
                in_directives(&mut field.node.directives, omitted);
                in_selections(&mut field.node.selection_set.node, omitted);
            }
            Selection::InlineFragment(inline) => {
                in_directives(&mut inline.node.directives, omitted);
                in_selections(&mut inline.node.selection_set.node, omitted);
            }
            Selection::FragmentSpread(spread) => in_directives(&mut spread.node.directives, omitted),
        }
    }
}

fn in_directives(directives: &mut [Positioned<Directive>], omitted: &HashSet<Name>) {
    for directive in directives {
        in_arguments(&mut directive.node.arguments, omitted);
    }
}

fn in_arguments(arguments: &mut Vec<(Positioned<Name>, Positioned<Value>)>, omitted: &HashSet<Name>) {
    arguments.retain(|(_, value)| !is_omitted(&value.node, omitted));
    for (_, value) in arguments {
        in_value(&mut value.node, omitted);
    }
}

fn in_value(value: &mut Value, omitted: &HashSet<Name>) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, inner| !is_omitted(inner, omitted));
            fields.values_mut().for_each(|inner| in_value(inner, omitted));
        }
        Value::List(items) => items.iter_mut().for_each(|inner| in_value(inner, omitted)),
        Value::Variable(_)
        | Value::Null
        | Value::Number(_)
        | Value::String(_)
        | Value::Boolean(_)
        | Value::Binary(_)
        | Value::Enum(_) => {}
    }
}

fn is_omitted(value: &Value, omitted: &HashSet<Name>) -> bool {
    matches!(value, Value::Variable(name) if omitted.contains(name))
}
