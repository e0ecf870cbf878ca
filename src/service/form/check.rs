//! One pass over a form: bounds, the schema, and the checks that a schema cannot make.

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::paths::LocationSegment;
use onedoor_domain::identifier::credit_code::CreditCode;
use onedoor_domain::identifier::resident_id::ResidentId;
use onedoor_domain::text::unprintable;
use serde_json::Value;

use crate::service::form::messages::{Bound, Field, Problem, plain};
use crate::service::form::pii::property;
use crate::service::form::{FormFacts, FormFault, FormFaultCode, FormSchema, FormVerdict};

/// Text of a form in all, bytes, names of fields included; the longest form of the catalogue can hold about 6 KB.
pub const BYTES_MAX: usize = 65_536;
/// Depth of a form.
pub const DEPTH_MAX: usize = 8;
/// Values in a form, entries of lists included.
pub const VALUES_MAX: usize = 1_000;
/// Faults told at once.
const FAULTS_MAX: usize = 100;
/// A text that may be this long is a paragraph and may hold line breaks.
const PARAGRAPH_CHARS: u64 = 300;

impl FormSchema {
    /// Checks a form; everything that is wrong is told at once, one fault per field and rule.
    #[must_use]
    pub fn check(&self, form: &Value, facts: FormFacts<'_>) -> FormVerdict {
        let root = Field::root(&self.schema);
        if let Err(problem) = (Budget {
            bytes: BYTES_MAX,
            values: VALUES_MAX,
        })
        .spend(form, 0)
        {
            return FormVerdict {
                faults: vec![root.fault(&problem)],
                warnings: Vec::new(),
            };
        }
        let mut findings = Findings::default();
        for error in self.validator.iter_errors(form) {
            findings.schema_error(&root, &error);
        }
        findings.visit(&root, form, facts);
        findings.verdict()
    }

    /// The division codes a form names where the schema asks for one; look them up before the check.
    #[must_use]
    pub fn division_codes(&self, form: &Value) -> BTreeSet<String> {
        let mut codes = BTreeSet::new();
        if (Budget {
            bytes: BYTES_MAX,
            values: VALUES_MAX,
        })
        .spend(form, 0)
        .is_ok()
        {
            references(&self.schema, form, &mut codes);
        }
        codes
    }
}

/// What a form may still hold.
struct Budget {
    bytes: usize,
    values: usize,
}

impl Budget {
    fn spend(&mut self, value: &Value, depth: usize) -> Result<(), Problem> {
        if depth > DEPTH_MAX {
            return Err(Problem::Outside(Bound::FormDepth(DEPTH_MAX)));
        }
        self.values = self
            .values
            .checked_sub(1)
            .ok_or(Problem::Outside(Bound::FormValues(VALUES_MAX)))?;
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
            Value::String(text) => self.text(text),
            Value::Array(entries) => entries
                .iter()
                .try_for_each(|entry| self.spend(entry, depth.saturating_add(1))),
            Value::Object(fields) => fields.iter().try_for_each(|(name, field)| {
                self.text(name)?;
                self.spend(field, depth.saturating_add(1))
            }),
        }
    }

    fn text(&mut self, text: &str) -> Result<(), Problem> {
        self.bytes = self
            .bytes
            .checked_sub(text.len())
            .ok_or(Problem::Outside(Bound::FormBytes(BYTES_MAX)))?;
        Ok(())
    }
}

#[derive(Default)]
struct Findings {
    faults: BTreeMap<(Vec<String>, FormFaultCode), FormFault>,
    warnings: Vec<FormFault>,
    blank: BTreeSet<Vec<String>>,
}

impl Findings {
    fn fault(&mut self, field: &Field<'_>, problem: &Problem) {
        let fault = field.fault(problem);
        self.faults
            .entry((fault.path.clone(), fault.code))
            .or_insert(fault);
    }

    /// Whether the field has a fault already; [`FormFaultCode::Required`] is the least of the codes.
    fn faulted(&self, field: &Field<'_>) -> bool {
        let first = (field.path().to_vec(), FormFaultCode::Required);
        self.faults
            .range(first..)
            .next()
            .is_some_and(|((path, _), _)| path == field.path())
    }

    fn schema_error(&mut self, root: &Field<'_>, error: &ValidationError<'_>) {
        let mut place = None;
        for segment in error.instance_path() {
            let field = place.as_ref().unwrap_or(root);
            let next = match segment {
                LocationSegment::Property(name) => field.property(&name),
                LocationSegment::Index(index) => field.entry(index),
            };
            match next {
                Some(found) => place = Some(found),
                None => break,
            }
        }
        let field = place.as_ref().unwrap_or(root);
        if let Kind::Required { property } = error.kind() {
            match property.as_str().and_then(|name| field.property(name)) {
                Some(absent) => self.fault(&absent, &Problem::Required),
                None => self.fault(field, &Problem::Invalid),
            }
        } else {
            self.fault(field, &problem(error.kind()));
        }
    }

    /// Walks form and schema together: invisible characters, blank required texts, `x-check` and `x-ref`.
    fn visit(&mut self, field: &Field<'_>, value: &Value, facts: FormFacts<'_>) {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
            Value::String(text) => self.visit_text(field, text, facts),
            Value::Array(entries) => {
                for (index, entry) in entries.iter().enumerate() {
                    match field.entry(index) {
                        Some(place) => self.visit(&place, entry, facts),
                        None if disturbing(entry) => self.fault(field, &Problem::ControlCharacter),
                        None => {}
                    }
                }
            }
            Value::Object(fields) => {
                for (name, inner) in fields {
                    match field.property(name) {
                        Some(place) => {
                            let text = inner.as_str();
                            if text.is_some_and(|text| text.trim().is_empty())
                                && demands(field.schema(), name)
                            {
                                self.blank(&place);
                            } else {
                                self.visit(&place, inner, facts);
                            }
                        }
                        None if name.chars().any(unprintable) || disturbing(inner) => {
                            self.fault(field, &Problem::ControlCharacter);
                        }
                        None => {}
                    }
                }
            }
        }
    }

    fn blank(&mut self, field: &Field<'_>) {
        self.fault(field, &Problem::Required);
        self.blank.insert(field.path().to_vec());
    }

    fn visit_text(&mut self, field: &Field<'_>, text: &str, facts: FormFacts<'_>) {
        let paragraph = field
            .schema()
            .get("maxLength")
            .and_then(Value::as_u64)
            .is_some_and(|n| n >= PARAGRAPH_CHARS);
        if text
            .chars()
            .any(|c| unprintable(c) && !(paragraph && matches!(c, '\n' | '\r' | '\t')))
        {
            self.fault(field, &Problem::ControlCharacter);
        }
        if self.faulted(field) {
            return; // what is not even written as asked is told once
        }
        let keyword = |name: &str| field.schema().get(name).and_then(Value::as_str);
        match keyword("x-check") {
            Some("GB11643") if ResidentId::parse(text, facts.today).is_err() => {
                self.fault(field, &Problem::ResidentId);
            }
            Some("GB32100") if text.parse::<CreditCode>().is_err() => {
                self.warnings.push(field.fault(&Problem::CreditCode));
            }
            _ => {}
        }
        if keyword("x-ref") == Some("Division") && !(facts.division_known)(text) {
            self.fault(field, &Problem::UnknownDivision);
        }
    }

    fn verdict(self) -> FormVerdict {
        let Self {
            faults,
            warnings,
            blank,
        } = self;
        let kept = |fault: &FormFault| fault.code == FormFaultCode::Required || !blank.contains(&fault.path);
        FormVerdict {
            faults: faults.into_values().filter(kept).take(FAULTS_MAX).collect(),
            warnings,
        }
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the crate's list of kinds grows; the dialect admits those named"
)]
fn problem(kind: &Kind) -> Problem {
    match kind {
        Kind::AdditionalProperties { unexpected } => Problem::Unknown {
            count: unexpected.len(),
        },
        Kind::Type { .. } => Problem::WrongType,
        Kind::MaxLength { limit } => Problem::Outside(Bound::CharsMax(*limit)),
        Kind::MinLength { limit } => Problem::Outside(Bound::CharsMin(*limit)),
        Kind::MaxItems { limit } => Problem::Outside(Bound::EntriesMax(*limit)),
        Kind::MinItems { limit } => Problem::Outside(Bound::EntriesMin(*limit)),
        Kind::Pattern { .. } => Problem::Pattern,
        Kind::Format { .. } => Problem::Format,
        Kind::Enum { .. } => Problem::NotAllowed,
        Kind::Minimum { limit } => Problem::Outside(Bound::AtLeast(plain(limit))),
        Kind::Maximum { limit } => Problem::Outside(Bound::AtMost(plain(limit))),
        Kind::ExclusiveMinimum { limit } => Problem::Outside(Bound::Above(plain(limit))),
        Kind::ExclusiveMaximum { limit } => Problem::Outside(Bound::Below(plain(limit))),
        Kind::UniqueItems => Problem::Repeated,
        _ => Problem::Invalid,
    }
}

fn demands(schema: &Value, name: &str) -> bool {
    let required = schema.get("required").and_then(Value::as_array);
    required.is_some_and(|names| names.iter().any(|one| one.as_str() == Some(name)))
}

/// Whether invisible characters stand anywhere in a value the form does not describe.
fn disturbing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
        Value::String(text) => text.chars().any(unprintable),
        Value::Array(entries) => entries.iter().any(disturbing),
        Value::Object(fields) => fields
            .iter()
            .any(|(name, inner)| name.chars().any(unprintable) || disturbing(inner)),
    }
}

fn references(schema: &Value, value: &Value, codes: &mut BTreeSet<String>) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
        Value::String(text) => {
            if schema.get("x-ref").and_then(Value::as_str) == Some("Division") {
                codes.insert(text.clone());
            }
        }
        Value::Array(entries) => {
            if let Some(items) = schema.get("items") {
                entries.iter().for_each(|entry| references(items, entry, codes));
            }
        }
        Value::Object(fields) => {
            for (name, inner) in fields {
                if let Some(property) = property(schema, name) {
                    references(property, inner, codes);
                }
            }
        }
    }
}
