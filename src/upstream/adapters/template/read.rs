//! Reads the `[options]` of a described system, every fault at once.

use serde_json::Map;

use super::call::{Call, Defaults, Listing};
use super::charset::Charset;
use super::engine::{Engine, Tables};
use super::mapping::{Errors, Statuses};
use super::profiling::Profiling;
use super::reading::Reading;
use super::{Notice, Operations, Template};
use crate::upstream::config::section::Section;
use crate::upstream::sample;

/// The most lookup tables.
const TABLES_MAX: usize = 100;

/// A description with the form of its sample case; `None` only after a fault.
pub(super) fn template(section: &mut Section) -> Option<(Template, Map<String, serde_json::Value>)> {
    let charset = section.optional("charset").unwrap_or_else(|| "utf-8".to_owned());
    let charset = Charset::parse(&charset).unwrap_or_else(|| {
        section.fault("charset", "must be utf-8, gbk or gb18030 字符集不支持");
        Charset::Utf8
    });
    let values = section.text_table("values");
    let tables = tables(section);
    let redact = section.texts("redact");
    check_redact(section, &redact);
    let profiling = Profiling::new(section.texts("profiling"));
    let number_is_ours = section.flag("number_is_ours", false);
    let form = section.section("sample", |sample| sample.table("form"));
    let form = form.map_or_else(sample::form, |table| {
        table
            .into_iter()
            .filter_map(|(name, value)| Some((name, serde_json::to_value(value).ok()?)))
            .collect()
    });
    let read = section.table("read").unwrap_or_default();
    let reading = section.within("read", read.clone(), |read| Reading::read(read, charset));
    let statuses = section.section("statuses", Statuses::read);
    let errors = section.section("errors", Errors::read);

    let mut engine = Engine::new(tables);
    let defaults = Defaults {
        charset,
        read: &read,
        reading: &reading,
    };
    let operations = section.section("operations", |section| operations(section, &mut engine, &defaults));
    let notice = section
        .has("notice")
        .then(|| section.section("notice", |section| notice(section, &defaults)));
    let template = Template {
        engine,
        values: minijinja::Value::from(minijinja::value::Serde(&values)),
        operations: operations?,
        notice,
        statuses,
        errors,
        profiling,
        number_is_ours,
        redact,
    };
    Some((template, form))
}

/// `None` when one of the operations has a fault; the others are read all the same.
fn operations(section: &mut Section, engine: &mut Engine, defaults: &Defaults<'_>) -> Option<Operations> {
    let mut sound = true;
    let mut read = |name: &str| {
        if !section.has(name) {
            return None;
        }
        let call = section.section(name, |call| Call::read(call, engine, defaults));
        sound &= call.is_some();
        call
    };
    let operations = Operations {
        submit: read("submit"),
        transition: read("transition"),
        supplement: read("supplement"),
        attach: read("attach"),
        withdraw: read("withdraw"),
        notify: read("notify"),
        query: read("query"),
        find: read("find"),
        poll: read("poll"),
    };
    sound.then_some(operations)
}

fn notice(section: &mut Section, defaults: &Defaults<'_>) -> Notice {
    let reading = match section.table("read") {
        Some(own) => {
            let mut merged = defaults.read.clone();
            merged.extend(own);
            section.within("read", merged, |read| Reading::read(read, defaults.charset))
        }
        None => defaults.reading.clone(),
    };
    Notice {
        reading,
        listing: Listing::read(section),
    }
}

fn tables(section: &mut Section) -> Tables {
    section.section("tables", |section| {
        let names = section.keys();
        if names.len() > TABLES_MAX {
            section.fault("", format_args!("must be at most {TABLES_MAX} tables 对照表过多"));
        }
        names
            .into_iter()
            .map(|name| {
                let table = section.text_table(&name);
                (name, table)
            })
            .collect()
    })
}

fn check_redact(section: &mut Section, redact: &[String]) {
    for entry in redact {
        let sound = entry.starts_with("case.") || serde_json_path::JsonPath::parse(entry).is_ok();
        if !sound {
            section.fault(
                "redact",
                format_args!("{entry} is neither a field like case.form.phone nor a JSONPath like $.data.phone 既不是案件字段也不是 JSONPath"),
            );
        }
    }
}
