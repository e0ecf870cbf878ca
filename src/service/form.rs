//! Forms of service items: an application's form is checked against the item version it pins.

pub mod check;
pub mod dialect;
pub mod messages;
pub mod pii;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::NaiveDate;
use jsonschema::{PatternOptions, Validator};
use onedoor_domain::id::ItemVersionId;
use onedoor_domain::item::ItemVersion;
use serde_json::Value;

use crate::error::AppError;
use crate::service::form::dialect::FormSchemaError;

/// Compiled forms kept; the catalogue has 36 items, and only pinned versions still being submitted are asked for.
const COMPILED_MAX: usize = 256;

/// What is wrong with a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FormFaultCode {
    /// A required field is absent or blank.
    Required,
    /// Fields that the form does not have.
    Unknown,
    /// Text where a number is asked for, and the like.
    WrongType,
    /// Longer than allowed, or more entries than allowed.
    TooLong,
    /// Shorter than allowed, or fewer entries than allowed.
    TooShort,
    /// Not written as asked: digits, number of characters.
    Pattern,
    /// Not a date, or not in the format asked for.
    Format,
    /// Not one of the values offered.
    NotAllowed,
    /// A number outside its range.
    OutOfRange,
    /// A number of a person or organization that fails its own check.
    Identifier,
    /// A code that names nothing known.
    Reference,
    /// Invisible characters that would disturb display or printing.
    ControlCharacter,
    /// The whole form is too large or too deep.
    TooLarge,
    /// Entries of a list are repeated.
    Repeated,
    /// Any other rule of the form.
    Invalid,
}

/// One fault, told in both languages from our own texts. Names the field, never the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormFault {
    /// Path of the input field, for example `["form", "family", "0", "idNo"]`. Holds only names of the item's
    /// form; a fault about names it does not have stands at the object that holds them.
    pub path: Vec<String>,
    /// What is wrong.
    pub code: FormFaultCode,
    /// What to change, in Chinese.
    pub message_zh: String,
    /// What to change, in English.
    pub message_en: String,
}

/// The outcome of a check.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FormVerdict {
    /// What stands against submitting, by path.
    pub faults: Vec<FormFault>,
    /// What is doubtful, but does not: a credit code with a wrong check character.
    pub warnings: Vec<FormFault>,
}

/// What a form cannot know by itself.
#[derive(Clone, Copy)]
pub struct FormFacts<'a> {
    /// The day of submission in Beijing; nobody is born later.
    pub today: NaiveDate,
    /// Whether a division code is in force ([`FormSchema::division_codes`] lists those to look up).
    pub division_known: &'a dyn Fn(&str) -> bool,
}

/// The form of one item version, compiled.
#[derive(Debug)]
pub struct FormSchema {
    schema: Value,
    validator: Validator,
}

impl FormSchema {
    /// Compiles a form; also the check at publication, because what cannot be compiled cannot be applied for.
    pub fn compile(schema: &Value) -> Result<Self, FormSchemaError> {
        dialect::verify(schema)?;
        let validator = jsonschema::draft202012::options()
            .should_validate_formats(true)
            .with_pattern_options(PatternOptions::regex())
            .build(schema)
            .map_err(|cause| FormSchemaError::Rejected {
                pointer: cause.schema_path().to_string(),
                source: cause,
            })?;
        Ok(Self {
            schema: schema.clone(),
            validator,
        })
    }
}

/// The compiled forms of the item versions in use, compiled once each.
#[derive(Debug, Default)]
pub struct Forms {
    compiled: Mutex<BTreeMap<ItemVersionId, Arc<FormSchema>>>,
}

impl Forms {
    /// Nothing compiled yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The compiled form of an item version. Versions never change, so an entry is never wrong; the oldest
    /// version leaves when there are too many.
    pub fn of(&self, version: &ItemVersion) -> Result<Arc<FormSchema>, AppError> {
        self.compiled(version.id, &version.form)
    }

    fn compiled(&self, version: ItemVersionId, form: &Value) -> Result<Arc<FormSchema>, AppError> {
        if let Some(found) = self.lock().get(&version) {
            return Ok(Arc::clone(found));
        }
        let fresh = Arc::new(FormSchema::compile(form).map_err(AppError::internal)?);
        let mut compiled = self.lock();
        compiled.insert(version, Arc::clone(&fresh));
        while compiled.len() > COMPILED_MAX {
            drop(compiled.pop_first());
        }
        drop(compiled);
        Ok(fresh)
    }

    /// Checks a form against the pinned version; everything that is wrong is told at once.
    pub fn check(
        &self,
        version: &ItemVersion,
        form: &Value,
        facts: FormFacts<'_>,
    ) -> Result<FormVerdict, AppError> {
        Ok(self.of(version)?.check(form, facts))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<ItemVersionId, Arc<FormSchema>>> {
        self.compiled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
