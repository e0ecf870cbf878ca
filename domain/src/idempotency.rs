//! Whether an act with an idempotency key is new, a repetition, or something else under the same key.

use std::fmt;
use std::str::FromStr;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::canonical::{CanonicalError, canonical_bytes};
use crate::digest::{Digest, DigestError};

/// Member of an input that carries the key; it is no part of the fingerprint.
pub const KEY_MEMBER: &str = "idempotencyKey";

/// The key a client chose for one act (UUID, any version), unique within its principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdempotencyKey(Uuid);

/// A text that is no UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an idempotency key is a UUID")]
pub struct IdempotencyKeyError;

impl IdempotencyKey {
    /// Wraps a UUID that came as a key.
    #[must_use]
    pub const fn from_uuid(raw: Uuid) -> Self {
        Self(raw)
    }

    /// The UUID, for a database column.
    #[must_use]
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = IdempotencyKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::try_parse(text).map(Self).or(Err(IdempotencyKeyError))
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, out)
    }
}

/// What an act asked for: the hash of its name and its canonical input, without key and without document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(Digest);

impl Fingerprint {
    /// Fingerprint of one act, for example `submitCase`, with its `input` object.
    ///
    /// The member [`KEY_MEMBER`] of the input is left out. Order of members and white space do not matter; numbers
    /// do not have to be integers here, because a repetition repeats them exactly.
    ///
    /// # Errors
    /// The input is nested deeper than canonical JSON allows.
    pub fn of(act: &str, input: &Value) -> Result<Self, CanonicalError> {
        let members = match input {
            Value::Object(members) => Value::Object(
                members
                    .iter()
                    .filter(|(name, _)| *name != KEY_MEMBER)
                    .map(|(name, member)| Ok((name.clone(), exact(member, 1)?)))
                    .collect::<Result<_, CanonicalError>>()?,
            ),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                exact(input, 0)?
            }
        };
        let bytes = canonical_bytes(&json!({ "act": act, "input": members }))?;
        Ok(Self(Digest::of(&bytes)))
    }

    /// The hash, for a database column.
    #[must_use]
    pub const fn digest(self) -> Digest {
        self.0
    }

    /// Reads a database column.
    ///
    /// # Errors
    /// The column does not hold 32 bytes.
    pub fn from_column(bytes: &[u8]) -> Result<Self, DigestError> {
        Digest::from_column(bytes).map(Self)
    }
}

/// What to do with an act, by what its key is known for. The look-up stands before validation and versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The key is free: carry the act out.
    New,
    /// The same act was committed: give its sealed answer again.
    Replay,
    /// The key was used for something else: `IDEMPOTENCY_MISMATCH`.
    Mismatch,
}

/// Judges an act by the fingerprint that its principal's key was committed with, if any.
#[must_use]
pub fn verdict(committed: Option<Fingerprint>, offered: Fingerprint) -> Verdict {
    match committed {
        None => Verdict::New,
        Some(committed) if committed == offered => Verdict::Replay,
        Some(_) => Verdict::Mismatch,
    }
}

/// Numbers without a canonical form are replaced by an object that keeps their exact value: forms hold areas
/// and amounts with a fraction.
fn exact(value: &Value, depth: usize) -> Result<Value, CanonicalError> {
    if depth > crate::canonical::DEPTH_MAX {
        return Err(CanonicalError::TooDeep);
    }
    Ok(match value {
        Value::Number(number) if canonical_bytes(value).is_err() => match number.as_f64() {
            Some(float) if number.is_f64() => json!({ "f64": format!("{:016x}", float.to_bits()) }),
            _ => json!({ "integer": number.to_string() }),
        },
        Value::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| exact(item, depth + 1))
                .collect::<Result<_, CanonicalError>>()?,
        ),
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, member)| Ok((name.clone(), exact(member, depth + 1)?)))
                .collect::<Result<_, CanonicalError>>()?,
        ),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(input: &Value) -> Fingerprint {
        Fingerprint::of("submitCase", input).unwrap()
    }

    #[test]
    fn order_and_key_do_not_matter_and_every_other_member_does() {
        let first = json!({"idempotencyKey": "k1", "item": "pension", "form": {"name": "王芳", "age": 60}});
        let same: Value = serde_json::from_str(
            r#"{ "form": {"age": 60, "name": "王芳"}, "item": "pension", "idempotencyKey": "k2" }"#,
        )
        .unwrap();
        assert_eq!(of(&first), of(&same));
        let nested = json!({"item": "pension", "form": {"name": "王芳", "age": 60, "idempotencyKey": "k1"}});
        assert_ne!(
            of(&first),
            of(&nested),
            "only the key of the act itself is left out"
        );
        assert_ne!(
            of(&first),
            of(&json!({"item": "pension", "form": {"name": "王芳", "age": 61}}))
        );
        assert_ne!(of(&first), Fingerprint::of("saveDraft", &first).unwrap());
    }

    #[test]
    fn numbers_of_a_form_count_exactly() {
        assert_eq!(of(&json!({"area": 3.25})), of(&json!({"area": 3.25})));
        assert_ne!(
            of(&json!({"area": 3.25})),
            of(&json!({"area": 3.250_000_000_000_000_4}))
        );
        assert_ne!(of(&json!({"n": u64::MAX})), of(&json!({"n": u64::MAX - 1})));
        assert_ne!(of(&json!({"n": 1})), of(&json!({"n": "1"})));
    }

    #[test]
    fn the_verdict_follows_the_fingerprint() {
        let (one, other) = (of(&json!({"a": 1})), of(&json!({"a": 2})));
        assert_eq!(verdict(None, one), Verdict::New);
        assert_eq!(verdict(Some(one), one), Verdict::Replay);
        assert_eq!(verdict(Some(other), one), Verdict::Mismatch);
        assert_eq!(Fingerprint::from_column(one.digest().as_bytes()), Ok(one));
    }

    #[test]
    fn a_key_is_a_uuid() {
        let text = "0193a4f0-0000-7000-8000-000000000001";
        assert_eq!(text.parse::<IdempotencyKey>().unwrap().to_string(), text);
        assert_eq!("receipt-1".parse::<IdempotencyKey>(), Err(IdempotencyKeyError));
    }

    #[test]
    fn absurd_nesting_is_an_error() {
        let deep = (0..200).fold(Value::Null, |inner, _| json!([inner]));
        assert!(matches!(
            Fingerprint::of("submitCase", &deep),
            Err(CanonicalError::TooDeep)
        ));
    }
}
