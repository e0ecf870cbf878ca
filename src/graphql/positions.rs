//! Whether every variable stands where its type may stand (spec §5.8.5).
//!
//! The executing crate has this rule, but its composed visitor never calls it (7.0.19: `VisitorCons` passes no input
//! values on), so the wrong variable would only fail while executing. To be removed when a version passes
//! `what_the_strict_schema_refuses_is_not_executed` without it.

use std::collections::HashSet;

use async_graphql::parser::types::{
    BaseType, Directive, ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet, Type,
};
use async_graphql::{Name, Pos, Positioned, ServerError, Value as ConstValue};
use async_graphql_value::Value;

use crate::graphql::typemap::{InputField, InputKind, TypeMap};

/// Every variable of a document that stands in a wrong position.
#[must_use]
pub fn misplaced(types: &TypeMap, document: &ExecutableDocument) -> Vec<ServerError> {
    let mut errors = Vec::new();
    for (_, operation) in document.operations.iter() {
        let root = TypeMap::root(operation.node.ty);
        let mut walk = Walk {
            types,
            document,
            operation: &operation.node,
            seen: HashSet::new(),
            errors,
        };
        walk.directives(&operation.node.directives);
        walk.selections(&operation.node.selection_set.node, root);
        errors = walk.errors;
    }
    errors
}

struct Walk<'a> {
    types: &'a TypeMap,
    document: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
    /// Fragments that were walked for this operation.
    seen: HashSet<&'a Name>,
    errors: Vec<ServerError>,
}

impl<'a> Walk<'a> {
    fn selections(&mut self, set: &'a SelectionSet, on: &str) {
        for selection in &set.items {
            self.directives(selection.node.directives());
            match &selection.node {
                Selection::Field(field) => self.field(&field.node, on),
                Selection::InlineFragment(inline) => {
                    let condition = inline
                        .node
                        .type_condition
                        .as_ref()
                        .map(|it| it.node.on.node.as_str());
                    self.selections(&inline.node.selection_set.node, condition.unwrap_or(on));
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    let document = self.document;
                    if let Some(fragment) = document.fragments.get(name)
                        && self.seen.insert(name)
                    {
                        self.directives(&fragment.node.directives);
                        self.selections(
                            &fragment.node.selection_set.node,
                            &fragment.node.type_condition.node.on.node,
                        );
                    }
                }
            }
        }
    }

    fn field(&mut self, field: &'a Field, on: &str) {
        let types = self.types;
        // Fields of introspection are not in the schema's text; their arguments are judged while executing.
        let Some(known) = types.field(on, &field.name.node) else {
            return;
        };
        for (name, value) in &field.arguments {
            if let Some(argument) = known.arguments.get(name.node.as_str()) {
                self.value(&value.node, argument, value.pos);
            }
        }
        self.selections(&field.selection_set.node, &known.named_type);
    }

    fn directives(&mut self, directives: &[Positioned<Directive>]) {
        let condition = InputField {
            ty: Type {
                base: BaseType::Named(Name::new("Boolean")),
                nullable: false,
            },
            optional: false,
        };
        for directive in directives {
            if matches!(directive.node.name.node.as_str(), "skip" | "include") {
                for (_, value) in &directive.node.arguments {
                    self.value(&value.node, &condition, value.pos);
                }
            }
        }
    }

    /// Recursion is bounded by the nesting that the scan allowed.
    fn value(&mut self, value: &Value, position: &InputField, pos: Pos) {
        match (value, &position.ty.base) {
            (Value::Variable(name), _) => self.variable(name, position, pos),
            (Value::List(items), BaseType::List(inner)) => {
                let position = InputField {
                    ty: (**inner).clone(),
                    optional: inner.nullable,
                };
                items.iter().for_each(|item| self.value(item, &position, pos));
            }
            (Value::Object(given), BaseType::Named(name)) => {
                let types = self.types;
                if let Some(InputKind::Object { fields, .. }) = types.input(name) {
                    for (key, inner) in given {
                        if let Some(position) = fields.get(key.as_str()) {
                            self.value(inner, position, pos);
                        }
                    }
                }
            }
            (_, BaseType::List(_) | BaseType::Named(_)) => {}
        }
    }

    fn variable(&mut self, name: &Name, position: &InputField, pos: Pos) {
        let mut definitions = self.operation.variable_definitions.iter();
        // A variable that is not defined is for another rule to name.
        let Some(definition) = definitions.find(|it| it.node.name.node == *name) else {
            return;
        };
        let declared = &definition.node.var_type.node;
        let default = definition.node.default_value.as_ref();
        let has_default = default.is_some_and(|it| it.node != ConstValue::Null);
        let filled = declared.nullable && !position.ty.nullable && (has_default || position.optional);
        let fits = if filled {
            same_base(declared, &position.ty)
        } else {
            fits(declared, &position.ty)
        };
        if !fits {
            let message = format!(
                "Variable \"${name}\" of type \"{declared}\" used in position expecting type \"{}\"",
                position.ty
            );
            self.errors.push(ServerError::new(message, Some(pos)));
        }
    }
}

/// Whether a variable of one type may stand where the other is expected.
fn fits(declared: &Type, expected: &Type) -> bool {
    (expected.nullable || !declared.nullable) && same_base(declared, expected)
}

fn same_base(declared: &Type, expected: &Type) -> bool {
    match (&declared.base, &expected.base) {
        (BaseType::Named(a), BaseType::Named(b)) => a == b,
        (BaseType::List(a), BaseType::List(b)) => fits(a, b),
        (BaseType::Named(_), BaseType::List(_)) | (BaseType::List(_), BaseType::Named(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_graphql::parser::parse_query;

    fn places(text: &str) -> usize {
        let types = TypeMap::from_sdl(
            "type Query { f(n: Int!, d: Int! = 3, s: String, l: [Int!], i: In): Query } input In { a: Int! b: [In!] }",
        )
        .unwrap();
        misplaced(&types, &parse_query(text).unwrap()).len()
    }

    #[test]
    fn a_variable_stands_only_where_its_type_may() {
        for (text, wrong) in [
            ("query($v: Int!) { f(n: $v, d: $v) { f(n: $v) } }", 0),
            ("query($v: Int) { f(n: $v) }", 1),
            ("query($v: Int = 1) { f(n: $v) }", 0),
            ("query($v: Int = null) { f(n: $v) }", 1),
            ("query($v: Int) { f(d: $v) }", 0),
            ("query($v: Int!) { f(s: $v) }", 1),
            ("query($v: [Int!]!) { f(l: $v) }", 0),
            ("query($v: [Int]) { f(l: $v) }", 1),
            ("query($v: Int!) { f(l: $v) }", 1),
            ("query($v: Int) { f(l: [$v]) }", 1),
            ("query($v: Int!) { f(i: {a: $v, b: [{a: $v}]}) }", 0),
            ("query($v: String) { f(i: {b: [{a: $v}]}) }", 1),
            (
                "query($v: String) { f @skip(if: $v) { f } ...F } fragment F on Query { f(n: $v) }",
                2,
            ),
            (
                "query A($v: Int!) { ...F } query B($v: String) { ...F } fragment F on Query { f(n: $v) }",
                1,
            ),
        ] {
            assert_eq!(places(text), wrong, "{text}");
        }
    }
}
