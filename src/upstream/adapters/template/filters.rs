//! What templates can do with a value beside the engine's own filters: dates, code tables, cutting and encoding.

use std::fmt::Write as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::{Environment, Error, ErrorKind, Value};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::engine::Tables;
use super::time;

/// Names of date formats, and what they are in `strftime`'s notation. Epochs are numbers.
pub(super) const NAMED_FORMATS: &[(&str, &str)] = &[
    ("date", "%Y-%m-%d"),
    ("compact", "%Y%m%d"),
    ("chinese", "%Y年%m月%d日"),
    ("slash", "%Y/%m/%d"),
    ("datetime", "%Y-%m-%d %H:%M:%S"),
    ("datetime_compact", "%Y%m%d%H%M%S"),
    ("datetime_chinese", "%Y年%m月%d日 %H时%M分%S秒"),
    ("datetime_slash", "%Y/%m/%d %H:%M:%S"),
    ("rfc3339", "%Y-%m-%dT%H:%M:%S%:z"),
];

/// Adds the filters.
pub(super) fn add(environment: &mut Environment<'static>, tables: Arc<Tables>) {
    environment.add_filter("date", date);
    environment.add_filter("cut", cut);
    environment.add_filter("urlencode", urlencode);
    environment.add_filter("base64", base64);
    environment.add_filter("json", json);
    environment.add_filter("table", move |value: Value, name: &str| {
        lookup(&tables, &value, name)
    });
}

/// `{{ case.submitted_at | date("datetime") }}`: in Beijing time; nothing stays nothing.
fn date(value: &Value, format: &str) -> Result<Value, Error> {
    if value.is_none() {
        return Ok(Value::from(()));
    }
    let instant = value
        .as_str()
        .and_then(time::of_ours)
        .ok_or_else(|| wrong("date needs an instant or a day"))?;
    match format {
        "epoch_s" => return Ok(Value::from(instant.timestamp())),
        "epoch_ms" => return Ok(Value::from(instant.timestamp_millis())),
        _ => {}
    }
    let named = NAMED_FORMATS.iter().find(|(name, _)| *name == format);
    let format = named.map_or(format, |(_, pattern)| pattern);
    if !format.contains('%') {
        return Err(wrong("date needs one of its names, or a pattern with %"));
    }
    let mut text = String::new();
    // The formatter fails instead of panicking where the pattern is none.
    write!(text, "{}", instant.format(format)).map_err(|error| {
        Error::new(ErrorKind::InvalidOperation, "the pattern of date is none").with_source(error)
    })?;
    Ok(Value::from(text))
}

/// `{{ case.applicant.id_kind | table("id_kind") }}`: their code for ours, else the entry `*`.
fn lookup(tables: &Tables, value: &Value, name: &str) -> Result<Value, Error> {
    let table = tables
        .get(name)
        .ok_or_else(|| wrong("there is no such table under options.tables"))?;
    let code = if value.is_none() {
        String::new()
    } else {
        value.to_string()
    };
    table
        .get(&code)
        .or_else(|| table.get("*"))
        .map(|found| Value::from(found.as_str()))
        .ok_or_else(|| wrong("the table has no entry for the value, and none for *"))
}

/// `{{ case.item.name_zh | cut(50) }}`: at most so many characters, for columns of a fixed width.
fn cut(value: &Value, length: usize) -> Result<Value, Error> {
    match value.as_str() {
        Some(text) => Ok(Value::from(text.chars().take(length).collect::<String>())),
        None if value.is_none() => Ok(Value::from(())),
        None => Err(wrong("cut needs a text")),
    }
}

/// Percent-encoded UTF-8, for headers that carry Chinese text.
fn urlencode(value: &Value) -> Result<Value, Error> {
    let text = value.as_str().ok_or_else(|| wrong("urlencode needs a text"))?;
    Ok(Value::from(utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()))
}

/// Base64 of a text in UTF-8.
fn base64(value: &Value) -> Result<Value, Error> {
    let text = value.as_str().ok_or_else(|| wrong("base64 needs a text"))?;
    Ok(Value::from(STANDARD.encode(text)))
}

/// `{{ case.form | json }}`: a list or table as one text, for elements and fields that hold JSON.
fn json(value: &Value) -> Result<Value, Error> {
    serde_json::to_string(value)
        .map(Value::from)
        .map_err(|error| Error::new(ErrorKind::BadSerialization, "a value has no JSON form").with_source(error))
}

fn wrong(reason: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, reason)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn told(format: &str) -> String {
        date(&Value::from("2026-11-23T01:02:03Z"), format).map_or_else(
            |error| error.detail().unwrap_or_default().to_owned(),
            |value| value.to_string(),
        )
    }

    #[test]
    fn dates_are_written_as_chinese_systems_write_them_in_beijing_time() {
        let rows = [
            ("date", "2026-11-23"),
            ("compact", "20261123"),
            ("chinese", "2026年11月23日"),
            ("slash", "2026/11/23"),
            ("datetime", "2026-11-23 09:02:03"),
            ("datetime_compact", "20261123090203"),
            ("datetime_chinese", "2026年11月23日 09时02分03秒"),
            ("datetime_slash", "2026/11/23 09:02:03"),
            ("rfc3339", "2026-11-23T09:02:03+08:00"),
            ("epoch_s", "1795395723"),
            ("epoch_ms", "1795395723000"),
            ("%Y年%-m月%-d日", "2026年11月23日"),
            ("yyyy-MM-dd", "date needs one of its names, or a pattern with %"),
            ("%Q", "the pattern of date is none"),
        ];
        for (format, expected) in rows {
            assert_eq!(told(format), expected, "{format}");
        }
        assert_eq!(
            date(&Value::from("2026-12-01"), "chinese").unwrap().to_string(),
            "2026年12月01日"
        );
        assert!(date(&Value::from(()), "date").unwrap().is_none());
    }

    #[test]
    fn codes_are_looked_up_and_an_unknown_one_is_never_guessed() {
        let table = BTreeMap::from([("RESIDENT_ID".to_owned(), "111".to_owned())]);
        let mut tables = Tables::from([("id_kind".to_owned(), table)]);
        let found = |tables: &Tables, code: &str| {
            lookup(tables, &Value::from(code), "id_kind")
                .map(|value| value.to_string())
                .ok()
        };
        assert_eq!(found(&tables, "RESIDENT_ID").as_deref(), Some("111"));
        assert_eq!(found(&tables, "PASSPORT"), None);
        tables
            .entry("id_kind".to_owned())
            .or_default()
            .insert("*".to_owned(), "999".to_owned());
        assert_eq!(found(&tables, "PASSPORT").as_deref(), Some("999"));
    }
}
