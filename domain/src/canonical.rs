//! Canonical JSON: one value has one form in bytes, for hashes and signatures.
//!
//! The form is that of RFC 8785 (JCS) for the values accepted here: no white space; the names of an object
//! sorted by their UTF-16 code units, which is the order of their code points unless a name leaves the Basic
//! Multilingual Plane; strings in UTF-8 with `\"`, `\\`, `\b`, `\t`, `\n`, `\f`, `\r`, other control characters
//! as `\u00xx` in lower case, nothing else escaped; integers in decimal digits.
//!
//! Refused: numbers with a fraction or exponent, because their text differs between writers, and integers
//! beyond ±(2^53 − 1), which readers with doubles would change. No Unicode normalization takes place.

use serde::Serialize;
use serde_json::{Number, Value};

/// Deepest nesting accepted; the JSON parser has the same bound.
pub const DEPTH_MAX: usize = 128;
/// Largest integer accepted, and by its negative the smallest: 2^53 − 1.
pub const INTEGER_MAX: u64 = (1 << 53) - 1;

/// A value that has no canonical form here. Never holds the value.
#[derive(Debug, thiserror::Error)]
pub enum CanonicalError {
    /// A number with a fraction or exponent.
    #[error("a number that is not an integer has no canonical form")]
    NotAnInteger,
    /// An integer beyond ±(2^53 − 1).
    #[error("an integer beyond 2^53 - 1 has no canonical form")]
    IntegerTooLarge,
    /// Nested deeper than [`DEPTH_MAX`].
    #[error("nested deeper than {DEPTH_MAX} levels")]
    TooDeep,
    /// The value cannot be written as JSON at all, for example a map with keys that are no texts.
    #[error("the value cannot be written as JSON")]
    NotJson(#[source] serde_json::Error),
}

/// The canonical bytes of a JSON value.
///
/// # Errors
/// See [`CanonicalError`].
pub fn canonical_bytes(value: &Value) -> Result<Vec<u8>, CanonicalError> {
    let mut out = String::new();
    write_value(&mut out, value, 0)?;
    Ok(out.into_bytes())
}

/// The canonical bytes of anything that serializes to JSON. Keep floats out of the type: serde turns NaN into null
/// before this can refuse it.
///
/// # Errors
/// See [`CanonicalError`].
pub fn canonical_bytes_of<T: Serialize>(value: &T) -> Result<Vec<u8>, CanonicalError> {
    canonical_bytes(&serde_json::to_value(value).map_err(CanonicalError::NotJson)?)
}

fn write_value(out: &mut String, value: &Value, depth: usize) -> Result<(), CanonicalError> {
    if depth > DEPTH_MAX {
        return Err(CanonicalError::TooDeep);
    }
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => write_number(out, number)?,
        Value::String(text) => write_text(out, text),
        Value::Array(items) => {
            out.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write_value(out, item, depth + 1)?;
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by(|(left, _), (right, _)| left.encode_utf16().cmp(right.encode_utf16()));
            out.push('{');
            for (place, (name, member)) in members.into_iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write_text(out, name);
                out.push(':');
                write_value(out, member, depth + 1)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

fn write_number(out: &mut String, number: &Number) -> Result<(), CanonicalError> {
    let size = match (number.as_u64(), number.as_i64()) {
        (Some(size), _) => size,
        (None, Some(negative)) => negative.unsigned_abs(),
        (None, None) => return Err(CanonicalError::NotAnInteger),
    };
    if size > INTEGER_MAX {
        return Err(CanonicalError::IntegerTooLarge);
    }
    out.push_str(&number.to_string());
    Ok(())
}

fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            control if control < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(control))),
            plain => out.push(plain),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn text(value: &Value) -> String {
        String::from_utf8(canonical_bytes(value).unwrap()).unwrap()
    }

    #[test]
    fn objects_are_sorted_and_nothing_is_spaced() {
        let value = json!({"b": [1, {"z": null, "a": true}], "a": "王芳", "": false});
        assert_eq!(
            text(&value),
            r#"{"":false,"a":"王芳","b":[1,{"a":true,"z":null}]}"#
        );
    }

    #[test]
    fn names_sort_as_in_rfc_8785() {
        // the sample of section 3.2.3
        let value =
            json!({"\u{20ac}": 1, "\r": 2, "\u{fb33}": 3, "1": 4, "\u{1f600}": 5, "\u{80}": 6, "\u{f6}": 7});
        let expected =
            "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"\u{f6}\":7,\"\u{20ac}\":1,\"\u{1f600}\":5,\"\u{fb33}\":3}";
        assert_eq!(text(&value), expected);
    }

    #[test]
    fn escapes_are_the_shortest() {
        let value = json!("\u{20ac}$\u{f}\nA'B\"\\\\\"/\u{7f}\u{2028}\u{8}\t\u{c}\r");
        assert_eq!(
            text(&value),
            "\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\u{7f}\u{2028}\\b\\t\\f\\r\""
        );
    }

    #[test]
    fn only_integers_that_every_reader_keeps_have_a_form() {
        assert_eq!(
            text(&json!([0, -1, 9_007_199_254_740_991_i64])),
            "[0,-1,9007199254740991]"
        );
        let refused = |value: Value| canonical_bytes(&value).unwrap_err();
        assert!(matches!(refused(json!(1.5)), CanonicalError::NotAnInteger));
        assert!(matches!(refused(json!([1.0])), CanonicalError::NotAnInteger));
        assert!(matches!(
            refused(json!({"a": 9_007_199_254_740_992_i64})),
            CanonicalError::IntegerTooLarge
        ));
        assert!(matches!(
            refused(json!(i64::MIN)),
            CanonicalError::IntegerTooLarge
        ));
    }

    #[test]
    fn deep_nesting_is_refused() {
        let nested = |levels| (0..levels).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
        assert!(canonical_bytes(&nested(DEPTH_MAX)).is_ok());
        assert!(matches!(
            canonical_bytes(&nested(DEPTH_MAX + 1)),
            Err(CanonicalError::TooDeep)
        ));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::hash_map(any::<String>(), inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_form_reads_back_as_the_same_value_and_is_stable(value in any_json()) {
            let bytes = canonical_bytes(&value).unwrap();
            let again: Value = serde_json::from_slice(&bytes).unwrap();
            prop_assert_eq!(&again, &value);
            prop_assert_eq!(canonical_bytes(&again).unwrap(), bytes);
        }
    }
}
