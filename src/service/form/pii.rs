//! Which fields of a form are personal data, and what remains of a form without them.

use onedoor_domain::mask;
use serde_json::{Map, Value};

use crate::service::form::FormSchema;

/// What stands in place of personal data that has no readable masked form.
const HIDDEN: &str = "***";

/// The kind of personal data in a field (`x-pii`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PiiKind {
    /// A person's name.
    Name,
    /// Resident identity number (公民身份号码).
    ResidentId,
    /// Telephone number.
    Phone,
    /// Bank account number.
    BankAccount,
    /// Address of a home.
    Address,
    /// Date of birth.
    BirthDate,
}

impl PiiKind {
    /// The kind as a schema writes it.
    #[must_use]
    pub(super) fn from_schema(value: &Value) -> Option<Self> {
        match value.as_str()? {
            "NAME" => Some(Self::Name),
            "RESIDENT_ID" => Some(Self::ResidentId),
            "PHONE" => Some(Self::Phone),
            "BANK_ACCOUNT" => Some(Self::BankAccount),
            "ADDRESS" => Some(Self::Address),
            "BIRTH_DATE" => Some(Self::BirthDate),
            _ => None,
        }
    }
}

/// A field that holds personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PiiField {
    /// JSON pointer into the form; `*` stands for every entry of a list: `/family/*/idNo`.
    pub pointer: String,
    /// What it holds.
    pub kind: PiiKind,
}

/// A form in two parts, by field; together they are the form.
#[derive(Clone, PartialEq)]
pub struct SplitForm {
    /// Fields the item's form knows and that hold no personal data.
    pub public: Value,
    /// The rest: marked fields, lists with marked fields in them, and whatever the form does not know.
    pub private: Value,
}

impl FormSchema {
    /// The fields marked as personal data.
    #[must_use]
    pub fn pii_fields(&self) -> Vec<PiiField> {
        let mut found = Vec::new();
        collect(&self.schema, String::new(), &mut found);
        found
    }

    /// Divides a form (valid or not) by field into what is personal and what is not.
    #[must_use]
    pub fn split(&self, form: &Value) -> SplitForm {
        let mut public = Map::new();
        let mut private = Map::new();
        for (name, value) in form.as_object().into_iter().flat_map(Map::iter) {
            let plain =
                property(&self.schema, name).is_some_and(|schema| fits(schema, value) && !holds_pii(schema));
            let part = if plain { &mut public } else { &mut private };
            part.insert(name.clone(), value.clone());
        }
        SplitForm {
            public: Value::Object(public),
            private: Value::Object(private),
        }
    }

    /// The form with personal data masked by kind, and with everything hidden that the form does not know.
    #[must_use]
    pub fn mask(&self, form: &Value) -> Value {
        masked(&self.schema, form)
    }
}

impl FormSchema {
    /// The texts of a form that are of one kind, in the order of its fields.
    #[must_use]
    pub fn texts_of(&self, form: &Value, kind: PiiKind) -> Vec<String> {
        let fields = self.pii_fields().into_iter().filter(|field| field.kind == kind);
        fields
            .flat_map(|field| {
                let names: Vec<String> = field.pointer.split('/').skip(1).map(unescaped).collect();
                texts_at(form, &names)
            })
            .collect()
    }
}

fn unescaped(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

/// The texts at the end of a path; `*` stands for every entry of a list.
fn texts_at(value: &Value, path: &[String]) -> Vec<String> {
    let Some((name, rest)) = path.split_first() else {
        return value.as_str().map(str::to_owned).into_iter().collect();
    };
    if let (Value::Array(entries), "*") = (value, name.as_str()) {
        return entries.iter().flat_map(|entry| texts_at(entry, rest)).collect();
    }
    value
        .get(name)
        .map_or_else(Vec::new, |inner| texts_at(inner, rest))
}

/// The schema of a property of an object.
pub(super) fn property<'a>(schema: &'a Value, name: &str) -> Option<&'a Value> {
    schema.get("properties")?.as_object()?.get(name)
}

fn collect(schema: &Value, pointer: String, found: &mut Vec<PiiField>) {
    for (name, property) in schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(Map::iter)
    {
        let escaped = name.replace('~', "~0").replace('/', "~1");
        collect(property, format!("{pointer}/{escaped}"), found);
    }
    if let Some(items) = schema.get("items") {
        collect(items, format!("{pointer}/*"), found);
    }
    if let Some(kind) = schema.get("x-pii").and_then(PiiKind::from_schema) {
        found.push(PiiField { pointer, kind });
    }
}

fn holds_pii(schema: &Value) -> bool {
    let mut found = Vec::new();
    collect(schema, String::new(), &mut found);
    !found.is_empty() || open_object(schema)
}

/// An object that takes fields nobody described: they may be anything.
fn open_object(schema: &Value) -> bool {
    let open = schema.get("type").and_then(Value::as_str) == Some("object")
        && schema.get("additionalProperties").and_then(Value::as_bool) != Some(false);
    open || schema.get("items").is_some_and(open_object)
}

/// Whether a value has the type of its field; a draft may hold anything anywhere.
fn fits(schema: &Value, value: &Value) -> bool {
    let wanted = schema.get("type").and_then(Value::as_str);
    match value {
        Value::Null => true,
        Value::Bool(_) => wanted == Some("boolean"),
        Value::Number(_) => matches!(wanted, Some("number" | "integer")),
        Value::String(_) => wanted == Some("string"),
        Value::Array(_) => wanted == Some("array"),
        Value::Object(_) => wanted == Some("object"),
    }
}

fn masked(schema: &Value, value: &Value) -> Value {
    if let Some(kind) = schema.get("x-pii").and_then(PiiKind::from_schema) {
        return Value::String(
            value
                .as_str()
                .map_or_else(|| HIDDEN.to_owned(), |text| mask_text(kind, text)),
        );
    }
    let hidden = || Value::String(HIDDEN.to_owned());
    match value {
        _ if !fits(schema, value) => hidden(),
        Value::Object(fields) if schema.get("properties").is_some() => fields
            .iter()
            .filter_map(|(name, field)| {
                // a name the form does not know may itself be personal data
                property(schema, name).map(|known| (name.clone(), masked(known, field)))
            })
            .collect(),
        Value::Array(entries) => match schema.get("items") {
            Some(items) => entries.iter().map(|entry| masked(items, entry)).collect(),
            None => hidden(),
        },
        Value::Object(_) => hidden(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn mask_text(kind: PiiKind, text: &str) -> String {
    match kind {
        PiiKind::Name => mask::name(text),
        PiiKind::ResidentId => mask::resident_id(text),
        PiiKind::Phone => mask::phone(text),
        PiiKind::BankAccount => mask::bank_account(text),
        PiiKind::Address => mask::address(text),
        PiiKind::BirthDate => HIDDEN.to_owned(),
    }
}
