//! Lays the file and the environment over the defaults, value by value, and collects what does not fit.

use std::path::Path;

use toml::{Table, Value};

use super::fault::{Faults, Origin};
use super::{Config, ConfigInputs};

/// Variables with this prefix are settings; `__` separates section and key.
pub const ENV_PREFIX: &str = "ONEDOOR__";

/// The default table with every good value of the overlays in it; bad ones are reported and left out.
pub fn merge(default_toml: &str, inputs: &ConfigInputs, faults: &mut Faults) -> Table {
    let defaults: Table = match default_toml.parse() {
        Ok(table) => table,
        Err(error) => {
            faults.push("(defaults)", Origin::Default, toml::de::Error::message(&error));
            return Table::new();
        }
    };
    let mut merged = defaults.clone();
    let mut overlays = Vec::new();
    if let Some(path) = &inputs.file {
        read_file(path, &defaults, &mut overlays, faults);
    }
    read_environment(&inputs.env, &defaults, &mut overlays, faults);
    for Overlay { path, value, origin } in overlays {
        let value = if let Value::Array(entries) = &value
            && entries.iter().any(Value::is_table)
        {
            Value::Array(good_entries(&defaults, &path, entries, &origin, faults))
        } else {
            value
        };
        let mut alone = defaults.clone();
        place(&mut alone, &path, value.clone());
        faults.set_origin(&path, origin);
        // Each value is tried alone over the defaults, so that one bad value does not hide the next.
        match alone.try_into::<Config>() {
            Ok(_) => place(&mut merged, &path, value),
            Err(error) => faults.at(&path, error.message()),
        }
    }
    merged
}

/// The tables of a list with every good value in them; each value is tried alone here too.
fn good_entries(
    defaults: &Table,
    path: &str,
    entries: &[Value],
    origin: &Origin,
    faults: &mut Faults,
) -> Vec<Value> {
    let tables = entries.iter().filter_map(Value::as_table).enumerate();
    tables
        .map(|(at, table)| {
            let mut good = Table::new();
            for (key, value) in table {
                let option = format!("{path}[{at}].{key}");
                let mut alone = defaults.clone();
                let one = Table::from_iter([(key.clone(), value.clone())]);
                place(&mut alone, path, Value::Array(vec![Value::Table(one)]));
                faults.set_origin(&option, origin.clone());
                match alone.try_into::<Config>() {
                    Ok(_) => drop(good.insert(key.clone(), value.clone())),
                    Err(error) => faults.at(&option, error.message()),
                }
            }
            Value::Table(good)
        })
        .collect()
}

/// One value of an overlay, of the default's type.
struct Overlay {
    path: String,
    value: Value,
    origin: Origin,
}

fn read_file(path: &Path, defaults: &Table, overlays: &mut Vec<Overlay>, faults: &mut Faults) {
    let origin = Origin::File(path.to_owned());
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return faults.push("(file)", origin, format_args!("cannot be read: {error}")),
    };
    match text.parse::<Table>() {
        Ok(table) => walk("", defaults, table, &origin, &mut Sink { overlays, faults }),
        Err(error) => {
            let start = error.span().map_or(0, |span| span.start);
            let line = text.bytes().take(start).filter(|byte| *byte == b'\n').count() + 1;
            // The error's Display would quote the line, which may hold a secret.
            faults.push(
                "(file)",
                origin,
                format_args!("not TOML at line {line}: {}", error.message()),
            );
        }
    }
}

struct Sink<'a> {
    overlays: &'a mut Vec<Overlay>,
    faults: &'a mut Faults,
}

fn walk(above: &str, defaults: &Table, table: Table, origin: &Origin, sink: &mut Sink<'_>) {
    for (key, value) in table {
        let path = if above.is_empty() {
            key.clone()
        } else {
            format!("{above}.{key}")
        };
        match (defaults.get(&key), value) {
            (None, _) => {
                let reason = unknown_reason(defaults, &key);
                sink.faults.push(&path, origin.clone(), reason);
            }
            (Some(Value::Table(inner)), Value::Table(value)) => walk(&path, inner, value, origin, sink),
            (Some(expected), value) => match fits(expected, &value) {
                Ok(()) => sink.overlays.push(Overlay {
                    path,
                    value,
                    origin: origin.clone(),
                }),
                Err(reason) => sink.faults.push(&path, origin.clone(), reason),
            },
        }
    }
}

fn unknown_reason(defaults: &Table, key: &str) -> String {
    let shared = |name: &str| name.chars().zip(key.chars()).take_while(|(a, b)| a == b).count();
    match defaults
        .keys()
        .max_by_key(|name| shared(name))
        .filter(|name| shared(name) >= 3)
    {
        Some(near) => format!("unknown option; is `{near}` meant?"),
        None => "unknown option; `onedoor config default` prints them all".to_owned(),
    }
}

fn fits(expected: &Value, value: &Value) -> Result<(), String> {
    let same = expected.same_type(value)
        && match value {
            Value::Array(entries) => entries.iter().all(Value::is_str) || entries.iter().all(Value::is_table),
            Value::String(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_)
            | Value::Table(_) => true,
        };
    if same {
        Ok(())
    } else {
        Err(format!("must be {}", kind(expected)))
    }
}

const fn kind(expected: &Value) -> &'static str {
    match expected {
        Value::String(_) => "a text",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date and time",
        Value::Array(_) => "a list of texts",
        Value::Table(_) => "a section",
    }
}

fn read_environment(
    env: &[(String, String)],
    defaults: &Table,
    overlays: &mut Vec<Overlay>,
    faults: &mut Faults,
) {
    for (name, text) in env {
        let Some(rest) = name.strip_prefix(ENV_PREFIX) else {
            continue;
        };
        let path = rest.to_ascii_lowercase().replace("__", ".");
        let origin = Origin::Environment(name.clone());
        match lookup(defaults, &path) {
            None => {
                faults.push(
                    &path,
                    origin,
                    "unknown option; `onedoor config default` prints them all",
                );
            }
            Some(Value::Table(_)) => {
                faults.push(
                    &path,
                    origin,
                    "is a section; set single options as ONEDOOR__SECTION__KEY",
                );
            }
            Some(expected) => match parse(expected, text) {
                Some(value) => overlays.push(Overlay { path, value, origin }),
                None => faults.push(&path, origin, format_args!("must be {}", kind(expected))),
            },
        }
    }
}

fn lookup<'a>(table: &'a Table, path: &str) -> Option<&'a Value> {
    match path.split_once('.') {
        None => table.get(path),
        Some((section, rest)) => lookup(table.get(section)?.as_table()?, rest),
    }
}

fn place(table: &mut Table, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            table.insert(path.to_owned(), value);
        }
        Some((section, rest)) => {
            if let Some(inner) = table.get_mut(section).and_then(Value::as_table_mut) {
                place(inner, rest, value);
            }
        }
    }
}

/// A variable's text as the type of the default; lists are comma separated or TOML.
fn parse(expected: &Value, text: &str) -> Option<Value> {
    let trimmed = text.trim();
    match expected {
        Value::String(_) => Some(Value::String(text.to_owned())),
        Value::Integer(_) => trimmed.replace('_', "").parse().ok().map(Value::Integer),
        Value::Float(_) => trimmed.parse().ok().map(Value::Float),
        Value::Boolean(_) => trimmed.parse().ok().map(Value::Boolean),
        Value::Array(_) if trimmed.starts_with('[') => {
            let value = format!("list = {trimmed}")
                .parse::<Table>()
                .ok()?
                .remove("list")?;
            fits(expected, &value).is_ok().then_some(value)
        }
        Value::Array(_) => {
            let entries = trimmed
                .split(',')
                .map(str::trim)
                .filter(|entry| !entry.is_empty());
            Some(Value::Array(
                entries.map(|entry| Value::String(entry.to_owned())).collect(),
            ))
        }
        Value::Datetime(_) | Value::Table(_) => None,
    }
}
