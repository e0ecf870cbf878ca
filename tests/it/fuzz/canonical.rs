//! Canonical JSON: the same bytes as a naive second writer, read back as the same value, and refused for the same reasons.

use onedoor_domain::canonical::{CanonicalError, canonical_bytes};
use proptest::prelude::*;
use serde_json::Value;

use super::near::{near, tries};

const GOOD: &[&str] = &[
    r#"{"b":[1,{"z":null,"a":true}],"a":"王芳","":false}"#,
    r#"{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}"#,
    r#"[9007199254740991,-9007199254740991,9007199254740992,1.5,1e3,-0,0]"#,
    r#"{"a":{"a":{"a":{"a":[[[[[[]]]]]]}}}}"#,
    r#""\u0000\u001f\"\\\/\b\f\n\r\t\u007f\u2028""#,
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
];

/// RFC 8785 for integers, written anew: `None` where there is no canonical form.
fn naive(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => "null".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => {
            let whole = number
                .as_i64()
                .map(i128::from)
                .or_else(|| number.as_u64().map(i128::from))?;
            if whole.abs() > (1 << 53) - 1 {
                return None;
            }
            whole.to_string()
        }
        Value::String(text) => serde_json::to_string(text).ok()?,
        Value::Array(items) => {
            let items: Option<Vec<String>> = items.iter().map(naive).collect();
            format!("[{}]", items?.join(","))
        }
        Value::Object(fields) => {
            let mut names: Vec<&String> = fields.keys().collect();
            names.sort_by_key(|name| name.encode_utf16().collect::<Vec<u16>>());
            let fields: Option<Vec<String>> = names
                .into_iter()
                .map(|name| {
                    Some(format!(
                        "{}:{}",
                        serde_json::to_string(name).ok()?,
                        naive(&fields[name])?
                    ))
                })
                .collect();
            format!("{{{}}}", fields?.join(","))
        }
    })
}

proptest! {
    #![proptest_config(tries(4_000, "tests/fuzz/canonical.txt"))]

    #[test]
    fn the_form_is_the_naive_writers_and_reads_back(text in near(GOOD)) {
        let Ok(value) = serde_json::from_str::<Value>(&text) else { return Ok(()) };
        match (canonical_bytes(&value), naive(&value)) {
            (Ok(bytes), Some(expected)) => {
                prop_assert_eq!(std::str::from_utf8(&bytes).unwrap(), &expected);
                let again: Value = serde_json::from_slice(&bytes).unwrap();
                prop_assert_eq!(canonical_bytes(&again).unwrap(), bytes);
                prop_assert_eq!(again, value);
            }
            (Err(CanonicalError::NotAnInteger | CanonicalError::IntegerTooLarge), None)
            | (Err(CanonicalError::TooDeep), _) => {}
            (ours, theirs) => prop_assert!(false, "{ours:?} and {theirs:?} for {text}"),
        }
    }
}
