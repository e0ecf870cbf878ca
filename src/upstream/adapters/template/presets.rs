//! Descriptions of kinds of systems that come with the gateway: a description names one and tells only what differs.

use toml::{Table, Value};

use crate::upstream::config::section::Section;

/// Their names, and the shipped example that holds the options of each.
const PRESETS: &[(&str, &str)] = &[
    (
        "cn-exchange-json",
        include_str!("../../../../config/upstreams/presets/cn-exchange-json.toml"),
    ),
    (
        "cn-dispatch-xml",
        include_str!("../../../../config/upstreams/presets/cn-dispatch-xml.toml"),
    ),
];

/// Lays the options of the preset that a description names under its own.
pub(super) fn lay_under(section: &mut Section) {
    let Some(name) = section.optional("preset") else {
        return;
    };
    match PRESETS.iter().find(|(known, _)| *known == name) {
        Some((_, text)) => section.lay_under(options(text)),
        None => {
            let known: Vec<&str> = PRESETS.iter().map(|(known, _)| *known).collect();
            let known = known.join(", ");
            section.fault(
                "preset",
                format_args!("is none of: {known} 没有该预设，请改用所列名称之一"),
            );
        }
    }
}

fn options(text: &str) -> Table {
    let file: Table = text.parse().unwrap_or_default();
    match file.get("options") {
        Some(Value::Table(options)) => options.clone(),
        Some(_) | None => Table::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::fault::Origin;

    fn read(text: &str) -> Section {
        let mut section = Section::new("options".to_owned(), Origin::Default, text.parse().expect("TOML"));
        lay_under(&mut section);
        section
    }

    #[test]
    fn every_preset_has_options_and_no_preset_of_its_own() {
        for (name, text) in PRESETS {
            let options = options(text);
            assert!(options.contains_key("operations"), "{name}");
            assert!(!options.contains_key("preset"), "{name}");
        }
    }

    #[test]
    fn what_a_description_tells_goes_before_its_preset() {
        let text = r#"
            preset = "cn-exchange-json"
            charset = "gb18030"
            [values]
            date_format = "compact"
            [statuses]
            "3/2" = "REJECTED"
        "#;
        let mut section = read(text);
        assert_eq!(section.optional("charset").as_deref(), Some("gb18030"));
        let values = section.text_table("values");
        assert_eq!(values.get("date_format").map(String::as_str), Some("compact"));
        assert_eq!(values.get("sender").map(String::as_str), Some("ONEDOOR"));
        let statuses = section.table("statuses").expect("a table");
        assert!(statuses.contains_key("3/2") && statuses.contains_key("4/6"));
    }

    #[test]
    fn a_preset_that_is_none_is_a_fault_that_names_them() {
        let faults = read("preset = \"cn-exchange-yaml\"").finish();
        let reasons: Vec<&str> = faults.iter().map(|fault| fault.reason.as_str()).collect();
        assert!(
            matches!(reasons.as_slice(), [one] if one.contains("cn-exchange-json, cn-dispatch-xml")),
            "{reasons:?}"
        );
    }
}
