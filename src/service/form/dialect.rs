//! The part of JSON Schema a form may be written in: what this gateway can check, name and keep private.

use jsonschema::ValidationError;
use serde_json::{Map, Value};

use crate::service::form::pii::PiiKind;

/// How deep a form may nest; lists of persons, of the catalogue's forms, reach 3.
const DEPTH_MAX: usize = 6;

/// Why a form cannot be published. Speaks of the schema alone, never of an application.
#[derive(Debug, thiserror::Error)]
pub enum FormSchemaError {
    /// A keyword outside the dialect. A field behind `$ref` or `anyOf` could hold personal data that nobody
    /// would mask, so such keywords are refused instead of being half understood.
    #[error("form schema at `{pointer}`: the keyword `{keyword}` is not supported")]
    Unsupported {
        /// JSON pointer into the schema.
        pointer: String,
        /// The keyword.
        keyword: String,
    },
    /// A keyword with a value that means nothing here.
    #[error("form schema at `{pointer}`: the keyword `{keyword}` must be {expected}")]
    Malformed {
        /// JSON pointer into the schema.
        pointer: String,
        /// The keyword.
        keyword: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// Not a JSON Schema, or a pattern that cannot be matched in linear time.
    #[error("form schema at `{pointer}`: not a valid schema")]
    Rejected {
        /// JSON pointer into the schema.
        pointer: String,
        /// What the compiler says.
        source: ValidationError<'static>,
    },
}

/// Refuses a schema that is not wholly understood.
pub(super) fn verify(schema: &Value) -> Result<(), FormSchemaError> {
    if schema.get("type").and_then(Value::as_str) != Some("object") {
        return Err(malformed("", "type", "`object` for the form itself"));
    }
    subschema(schema, "", 0)
}

fn subschema(schema: &Value, pointer: &str, depth: usize) -> Result<(), FormSchemaError> {
    let keywords = schema
        .as_object()
        .ok_or_else(|| malformed(pointer, "items", "a schema object"))?;
    if depth > DEPTH_MAX {
        return Err(malformed(pointer, "properties", "nested at most 6 deep"));
    }
    let kind = keywords.get("type").and_then(Value::as_str);
    if !matches!(
        kind,
        Some("string" | "number" | "integer" | "boolean" | "array" | "object")
    ) {
        return Err(malformed(
            pointer,
            "type",
            "one of string, number, integer, boolean, array, object",
        ));
    }
    for (keyword, value) in keywords {
        known(keyword, value, pointer)?;
    }
    if keywords.contains_key("x-check") && kind != Some("string") {
        return Err(malformed(pointer, "x-check", "on a field of type string"));
    }
    for (name, property) in keywords
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(Map::iter)
    {
        subschema(
            property,
            &format!("{pointer}/properties/{name}"),
            depth.saturating_add(1),
        )?;
    }
    match keywords.get("items") {
        Some(items) => subschema(items, &format!("{pointer}/items"), depth.saturating_add(1)),
        None if kind == Some("array") => Err(malformed(pointer, "items", "given for a list")),
        None => Ok(()),
    }
}

fn known(keyword: &str, value: &Value, pointer: &str) -> Result<(), FormSchemaError> {
    match keyword {
        "title" if !value.is_string() => Err(malformed(pointer, "title", "a text")),
        "x-title-en" if !value.is_string() => Err(malformed(pointer, "x-title-en", "a text")),
        "additionalProperties" if !value.is_boolean() => {
            Err(malformed(pointer, "additionalProperties", "true or false"))
        }
        "properties" if !value.is_object() => Err(malformed(pointer, "properties", "an object of schemas")),
        "x-pii" if PiiKind::from_schema(value).is_none() => Err(malformed(
            pointer,
            "x-pii",
            "one of NAME, RESIDENT_ID, PHONE, BANK_ACCOUNT, ADDRESS, BIRTH_DATE",
        )),
        "x-check" if !matches!(value.as_str(), Some("GB11643" | "GB32100")) => {
            Err(malformed(pointer, "x-check", "GB11643 or GB32100"))
        }
        "x-ref" if value.as_str() != Some("Division") => Err(malformed(pointer, "x-ref", "Division")),
        "format" if !matches!(value.as_str(), Some("date")) => Err(malformed(pointer, "format", "date")),
        "$schema"
        | "$id"
        | "$comment"
        | "title"
        | "description"
        | "default"
        | "examples"
        | "type"
        | "enum"
        | "const"
        | "properties"
        | "required"
        | "additionalProperties"
        | "items"
        | "minItems"
        | "maxItems"
        | "uniqueItems"
        | "minLength"
        | "maxLength"
        | "pattern"
        | "format"
        | "minimum"
        | "maximum"
        | "exclusiveMinimum"
        | "exclusiveMaximum"
        | "multipleOf"
        | "x-title-en"
        | "x-pii"
        | "x-check"
        | "x-ref"
        | "x-code" => Ok(()),
        other => Err(FormSchemaError::Unsupported {
            pointer: pointer.to_owned(),
            keyword: other.to_owned(),
        }),
    }
}

fn malformed(pointer: &str, keyword: &'static str, expected: &'static str) -> FormSchemaError {
    FormSchemaError::Malformed {
        pointer: pointer.to_owned(),
        keyword,
        expected,
    }
}
