//! Checks the variables of a request against their declared types, before anything executes (spec §6.1.2).
//!
//! The executing crate would find most of these faults field by field; found here they are request errors, and their
//! texts name the place but never the value. Texts of our own scalars are judged by the scalar when it is read.

use async_graphql::parser::types::{BaseType, OperationDefinition, Type};
use async_graphql::{Name, Value as ConstValue, Variables};

use crate::graphql::typemap::{InputKind, TypeMap};

/// Marker with which the executing crate replaces uploaded files; in a caller's variables it makes it panic.
const UPLOAD_MARKER: &str = "#__graphql_file__";

/// A variable that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// Where, for example `$input.items[3].code`; only names that the document or the schema knows.
    pub place: String,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong with a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It is required and absent or null.
    Missing,
    /// It is not of this type.
    NotA(String),
    /// It has a field that the type does not know.
    UnknownField,
    /// Exactly one field must be given, and not null.
    NotOneOf,
    /// It begins with a marker that is not for callers.
    ReservedText,
}

/// Checks every variable that the operation declares, and every text in any variable.
///
/// # Errors
/// The first variable that does not fit.
pub fn check(types: &TypeMap, operation: &OperationDefinition, variables: &Variables) -> Result<(), Misfit> {
    if variables.values().any(carries_marker) {
        return Err(Misfit {
            place: "variables".to_owned(),
            fault: Fault::ReservedText,
        });
    }
    for definition in &operation.variable_definitions {
        let name = &definition.node.name.node;
        let ty = &definition.node.var_type.node;
        let mut place = vec![Step::Variable(name)];
        match variables.get(name) {
            Some(value) => {
                check_value(types, ty, value, &mut place).map_err(|fault| misfit(&place, fault))?
            }
            None if ty.nullable || definition.node.default_value.is_some() => {}
            None => return Err(misfit(&place, Fault::Missing)),
        }
    }
    Ok(())
}

enum Step<'a> {
    Variable(&'a Name),
    Field(String),
    Index(usize),
}

fn misfit(place: &[Step<'_>], fault: Fault) -> Misfit {
    let mut text = String::new();
    for step in place {
        match step {
            Step::Variable(name) => {
                text.push('$');
                text.push_str(name);
            }
            Step::Field(name) => {
                text.push('.');
                text.push_str(name);
            }
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    Misfit { place: text, fault }
}

/// Leaves the way to the fault in `place`. Recursion is bounded by the depth that the JSON reader allows (128).
fn check_value(
    types: &TypeMap,
    ty: &Type,
    value: &ConstValue,
    place: &mut Vec<Step<'_>>,
) -> Result<(), Fault> {
    if *value == ConstValue::Null {
        return if ty.nullable { Ok(()) } else { Err(Fault::Missing) };
    }
    match (&ty.base, value) {
        (BaseType::List(inner), ConstValue::List(items)) => {
            for (index, item) in items.iter().enumerate() {
                place.push(Step::Index(index));
                check_value(types, inner, item, place)?;
                place.pop();
            }
            Ok(())
        }
        (BaseType::List(inner), single) => check_value(types, inner, single, place),
        (BaseType::Named(name), value) => check_named(types, name, value, place),
    }
}

fn check_named(
    types: &TypeMap,
    name: &Name,
    value: &ConstValue,
    place: &mut Vec<Step<'_>>,
) -> Result<(), Fault> {
    let fits = match types.input(name) {
        Some(InputKind::Object { fields, one_of }) => {
            let ConstValue::Object(given) = value else {
                return Err(Fault::NotA(name.to_string()));
            };
            if given.keys().any(|key| !fields.contains_key(key.as_str())) {
                return Err(Fault::UnknownField);
            }
            if *one_of && (given.len() != 1 || given.values().any(|it| *it == ConstValue::Null)) {
                return Err(Fault::NotOneOf);
            }
            for (field, declared) in fields {
                place.push(Step::Field(field.clone()));
                match given.get(field.as_str()) {
                    Some(inner) => check_value(types, &declared.ty, inner, place)?,
                    None if declared.optional => {}
                    None => return Err(Fault::Missing),
                }
                place.pop();
            }
            true
        }
        Some(InputKind::Enum(values)) => {
            let text = match value {
                ConstValue::Enum(text) => Some(text.as_str()),
                ConstValue::String(text) => Some(text.as_str()),
                ConstValue::Null
                | ConstValue::Number(_)
                | ConstValue::Boolean(_)
                | ConstValue::Binary(_)
                | ConstValue::List(_)
                | ConstValue::Object(_) => None,
            };
            text.is_some_and(|text| values.iter().any(|it| it == text))
        }
        Some(InputKind::Scalar) => fits_scalar(name, value),
        // Validation has refused unknown types before; what it let pass is for the executor to judge.
        None => true,
    };
    if fits {
        Ok(())
    } else {
        Err(Fault::NotA(name.to_string()))
    }
}

fn fits_scalar(name: &Name, value: &ConstValue) -> bool {
    match (name.as_str(), value) {
        ("Int", ConstValue::Number(number)) => number.as_i64().is_some_and(|it| i32::try_from(it).is_ok()),
        ("Float", ConstValue::Number(_))
        | ("String", ConstValue::String(_))
        | ("Boolean", ConstValue::Boolean(_)) => true,
        ("ID", ConstValue::Number(number)) => number.is_i64() || number.is_u64(),
        ("ID", ConstValue::String(_)) => true,
        ("Int" | "Float" | "String" | "Boolean" | "ID", _) => false,
        _ => true,
    }
}

fn carries_marker(value: &ConstValue) -> bool {
    match value {
        ConstValue::String(text) => text.starts_with(UPLOAD_MARKER),
        ConstValue::List(items) => items.iter().any(carries_marker),
        ConstValue::Object(fields) => fields
            .iter()
            .any(|(key, value)| key.starts_with(UPLOAD_MARKER) || carries_marker(value)),
        ConstValue::Null
        | ConstValue::Number(_)
        | ConstValue::Boolean(_)
        | ConstValue::Binary(_)
        | ConstValue::Enum(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_graphql::parser::parse_query;

    fn checked(declared: &str, variables: serde_json::Value) -> Result<(), (String, Fault)> {
        let types = TypeMap::from_sdl(
            "type Query { a: Int } enum Color { RED } scalar Date
             input In { a: Int! b: [In!] c: Color d: Date e: Int! = 3 }
             input Which @oneOf { x: Int y: Int }",
        )
        .unwrap();
        let document = parse_query(format!("query({declared}) {{ a }}")).unwrap();
        let operation = document.operations.iter().next().unwrap().1;
        check(&types, &operation.node, &Variables::from_json(variables)).map_err(|it| (it.place, it.fault))
    }

    fn not_a(place: &str, name: &str) -> Result<(), (String, Fault)> {
        Err((place.to_owned(), Fault::NotA(name.to_owned())))
    }

    #[test]
    fn required_variables_must_be_there() {
        let missing = Err(("$a".to_owned(), Fault::Missing));
        assert_eq!(checked("$a: Int!", serde_json::json!({})), missing);
        assert_eq!(checked("$a: Int!", serde_json::json!({"a": null})), missing);
        assert_eq!(checked("$a: Int! = 3", serde_json::json!({})), Ok(()));
        assert_eq!(checked("$a: Int", serde_json::json!({})), Ok(()));
    }

    #[test]
    fn built_in_scalars_are_judged_as_the_specification_says() {
        assert_eq!(
            checked("$a: Int", serde_json::json!({"a": 2_147_483_647})),
            Ok(())
        );
        assert_eq!(
            checked("$a: Int", serde_json::json!({"a": 2_147_483_648_i64})),
            not_a("$a", "Int")
        );
        assert_eq!(
            checked("$a: Int", serde_json::json!({"a": "1"})),
            not_a("$a", "Int")
        );
        assert_eq!(checked("$a: Float", serde_json::json!({"a": 1})), Ok(()));
        assert_eq!(checked("$a: ID", serde_json::json!({"a": 1})), Ok(()));
        assert_eq!(
            checked("$a: ID", serde_json::json!({"a": 1.5})),
            not_a("$a", "ID")
        );
        assert_eq!(
            checked("$a: Boolean", serde_json::json!({"a": 1})),
            not_a("$a", "Boolean")
        );
        assert_eq!(
            checked("$a: Date", serde_json::json!({"a": {"any": "thing"}})),
            Ok(())
        );
    }

    #[test]
    fn lists_and_objects_name_the_place_and_never_the_value() {
        assert_eq!(checked("$a: [Int!]", serde_json::json!({"a": 1})), Ok(()));
        assert_eq!(
            checked("$a: [Int!]", serde_json::json!({"a": [1, "张三"]})),
            not_a("$a[1]", "Int")
        );
        let deep = serde_json::json!({"i": {"a": 1, "b": [{"a": 1}, {"a": 1, "c": "BLUE"}]}});
        assert_eq!(checked("$i: In!", deep), not_a("$i.b[1].c", "Color"));
        let missing = Err(("$i.a".to_owned(), Fault::Missing));
        assert_eq!(checked("$i: In!", serde_json::json!({"i": {}})), missing);
        let unknown = Err(("$i".to_owned(), Fault::UnknownField));
        assert_eq!(
            checked("$i: In!", serde_json::json!({"i": {"a": 1, "张三": 1}})),
            unknown
        );
        assert_eq!(checked("$w: Which", serde_json::json!({"w": {"x": 1}})), Ok(()));
        let not_one = Err(("$w".to_owned(), Fault::NotOneOf));
        assert_eq!(
            checked("$w: Which", serde_json::json!({"w": {"x": 1, "y": 2}})),
            not_one
        );
    }

    #[test]
    fn upload_markers_are_refused_wherever_they_hide() {
        for variables in [
            serde_json::json!({"a": "#__graphql_file__:0"}),
            serde_json::json!({"other": [{"x": "#__graphql_file__:7"}]}),
        ] {
            assert_eq!(
                checked("$a: String", variables).unwrap_err().1,
                Fault::ReservedText
            );
        }
    }
}
