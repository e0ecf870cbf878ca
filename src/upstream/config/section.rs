//! Reads one TOML table option by option, collecting every fault instead of stopping at the first.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::config::fault::{Fault, Origin};
use crate::upstream::config::SecretRef;

/// The most entries of one list.
const LIST_MAX: usize = 500;

/// A table being read: options are taken out, what is left at the end is unknown.
#[derive(Debug)]
pub struct Section {
    path: String,
    origin: Origin,
    table: Table,
    /// The options that were asked for, so that whoever writes another one is told what there is.
    asked: BTreeSet<String>,
    faults: Vec<Fault>,
}

impl Section {
    /// A table at a path, which is empty for a whole file.
    #[must_use]
    pub const fn new(path: String, origin: Origin, table: Table) -> Self {
        Self {
            path,
            origin,
            table,
            asked: BTreeSet::new(),
            faults: Vec::new(),
        }
    }

    /// The faults, those of unknown options included.
    #[must_use]
    pub fn finish(mut self) -> Vec<Fault> {
        let unknown: Vec<String> = self.table.keys().cloned().collect();
        for key in unknown {
            let known: Vec<&str> = self.asked.iter().map(String::as_str).collect();
            let known = known.join(", ");
            self.fault(
                &key,
                format_args!(
                    "unknown option; take it out or write one of: {known} 未知选项，请删除或改用所列选项之一"
                ),
            );
        }
        self.faults
    }

    /// Notes a fault.
    pub fn fault(&mut self, key: &str, reason: impl Display) {
        let (path, origin) = (self.place(key), self.origin.clone());
        self.faults.push(Fault {
            path,
            origin,
            reason: reason.to_string(),
        });
    }

    /// Whether an option stands in the file.
    pub fn has(&mut self, key: &str) -> bool {
        self.asked.insert(key.to_owned());
        self.table.contains_key(key)
    }

    /// A text that must be there.
    pub fn required(&mut self, key: &str) -> Option<String> {
        if !self.has(key) {
            self.fault(key, "is missing 缺少该项");
        }
        let text = self.optional(key)?;
        if text.trim().is_empty() {
            self.fault(key, "must not be empty 不能为空");
            return None;
        }
        Some(text)
    }

    /// A text of bounded length that must be there.
    pub fn text(&mut self, key: &str, length_max: usize) -> Option<String> {
        let text = self.required(key)?;
        if text.chars().count() > length_max {
            self.fault(key, format_args!("must be at most {length_max} characters 过长"));
            return None;
        }
        Some(text)
    }

    /// A text that may be left out.
    pub fn optional(&mut self, key: &str) -> Option<String> {
        let value = self.take(key)?;
        if let Value::String(text) = value {
            Some(text)
        } else {
            self.wrong(key, "text", &value)
        }
    }

    /// Whether an option stands there as text; it is not read yet.
    #[must_use]
    pub fn is_text(&self, key: &str) -> bool {
        matches!(self.table.get(key), Some(Value::String(_)))
    }

    /// A list of texts, empty when left out.
    pub fn texts(&mut self, key: &str) -> Vec<String> {
        self.list(key)
            .into_iter()
            .filter_map(|value| {
                if let Value::String(text) = value {
                    Some(text)
                } else {
                    self.wrong(key, "a list of texts", &value)
                }
            })
            .collect()
    }

    /// A whole number within bounds, or its default.
    pub fn number(&mut self, key: &str, default: u64, bounds: RangeInclusive<u64>) -> u64 {
        let Some(value) = self.take(key) else {
            return default;
        };
        match value.as_integer().map(u64::try_from) {
            Some(Ok(number)) if bounds.contains(&number) => number,
            _ => {
                self.fault(
                    key,
                    format_args!(
                        "must be a whole number from {} to {} 须为该范围内的整数",
                        bounds.start(),
                        bounds.end()
                    ),
                );
                default
            }
        }
    }

    /// A switch, or its default.
    pub fn flag(&mut self, key: &str, default: bool) -> bool {
        match self.take(key) {
            None => default,
            Some(Value::Boolean(flag)) => flag,
            Some(value) => self.wrong(key, "true or false", &value).unwrap_or(default),
        }
    }

    /// One text or a list of texts, empty when left out.
    pub fn text_or_texts(&mut self, key: &str) -> Vec<String> {
        match self.table.get(key) {
            Some(Value::String(_)) => self.optional(key).into_iter().collect(),
            Some(_) | None => self.texts(key),
        }
    }

    /// A list of whole numbers within bounds, empty when left out.
    pub fn numbers(&mut self, key: &str, bounds: RangeInclusive<u64>) -> Vec<u64> {
        let mut numbers = Vec::new();
        for value in self.list(key) {
            match value.as_integer().map(u64::try_from) {
                Some(Ok(number)) if bounds.contains(&number) => numbers.push(number),
                _ => self.fault(
                    key,
                    format_args!(
                        "must be a list of whole numbers from {} to {} 须为该范围内的整数列表",
                        bounds.start(),
                        bounds.end()
                    ),
                ),
            }
        }
        numbers
    }

    /// A table of texts, empty when left out.
    pub fn text_table(&mut self, key: &str) -> BTreeMap<String, String> {
        let mut texts = BTreeMap::new();
        for (name, value) in self.table(key).unwrap_or_default() {
            if let Value::String(text) = value {
                texts.insert(name, text);
            } else {
                let _none: Option<()> = self.wrong(&format!("{key}.{name}"), "text", &value);
            }
        }
        texts
    }

    /// The options that were not read yet.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        self.table.keys().cloned().collect()
    }

    /// Where an option of this table stands, for faults that are found later.
    #[must_use]
    pub fn place_of(&self, key: &str) -> String {
        self.place(key)
    }

    /// A table as it stands.
    pub fn table(&mut self, key: &str) -> Option<Table> {
        let value = self.take(key)?;
        if let Value::Table(table) = value {
            Some(table)
        } else {
            self.wrong(key, "a table", &value)
        }
    }

    /// Reads an inner table, empty when left out; its unknown options are faults too.
    pub fn section<T>(&mut self, key: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        let table = self.table(key).unwrap_or_default();
        self.within(key, table, read)
    }

    /// Reads a table as if it stood at an option.
    pub fn within<T>(&mut self, key: &str, table: Table, read: impl FnOnce(&mut Self) -> T) -> T {
        let mut inner = Self::new(self.place(key), self.origin.clone(), table);
        let value = read(&mut inner);
        self.faults.extend(inner.finish());
        value
    }

    /// Parses a text, noting the reason when it does not fit.
    pub fn parsed<T: FromStr<Err: Display>>(&mut self, key: &str, text: &str) -> Option<T> {
        text.parse().map_err(|error| self.fault(key, error)).ok()
    }

    /// Picks a variant by its name, naming all of them when there is no such.
    pub fn choice<T: DeserializeOwned>(&mut self, key: &str, text: &str) -> Option<T> {
        T::deserialize(Value::String(text.to_owned()))
            .map_err(|error| self.fault(key, format_args!("{} 请改用所列选项之一", error.message())))
            .ok()
    }

    /// A reference to a secret: `{ file = "…" }` or `{ env = "…" }`.
    pub fn secret(&mut self, key: &str) -> Option<SecretRef> {
        let value = self.take(key)?;
        self.secret_value(key, value)
    }

    /// A list of references to secrets, empty when left out.
    pub fn secrets(&mut self, key: &str) -> Vec<SecretRef> {
        self.list(key)
            .into_iter()
            .filter_map(|value| self.secret_value(key, value))
            .collect()
    }

    fn secret_value(&mut self, key: &str, value: Value) -> Option<SecretRef> {
        let Value::Table(table) = value else {
            // Never show what was found: it is most likely the secret itself.
            self.fault(
                key,
                "must be { file = \"…\" } or { env = \"…\" }, never the secret itself 须引用密钥所在，不得写入密钥本身",
            );
            return None;
        };
        let mut fields = table.into_iter();
        match (fields.next(), fields.next()) {
            (Some((kind, Value::String(at))), None) if kind == "file" && !at.is_empty() => {
                Some(SecretRef::File(PathBuf::from(at)))
            }
            (Some((kind, Value::String(at))), None) if kind == "env" && !at.is_empty() => {
                Some(SecretRef::Env(at))
            }
            _ => {
                self.fault(key, "must be { file = \"…\" } or { env = \"…\" } 须引用密钥所在");
                None
            }
        }
    }

    fn take(&mut self, key: &str) -> Option<Value> {
        self.asked.insert(key.to_owned());
        self.table.remove(key)
    }

    fn list(&mut self, key: &str) -> Vec<Value> {
        let Some(value) = self.take(key) else {
            return Vec::new();
        };
        let Value::Array(list) = value else {
            return self.wrong(key, "a list", &value).unwrap_or_default();
        };
        if list.len() > LIST_MAX {
            self.fault(key, format_args!("must have at most {LIST_MAX} entries 条目过多"));
            return Vec::new();
        }
        list
    }

    fn wrong<T>(&mut self, key: &str, wanted: &str, found: &Value) -> Option<T> {
        self.fault(
            key,
            format_args!("must be {wanted}, not {} 类型不符", found.type_str()),
        );
        None
    }

    fn place(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }
}
