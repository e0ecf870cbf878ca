//! How GeoReport writes: lists of flat entries, in JSON as arrays, in XML as a root with an element for each entry.

use std::fmt::Write as _;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use chrono::{DateTime, SecondsFormat, Utc};
use quick_xml::escape::escape;
use serde_json::{Map, Value, json};

/// One entry: names and what they say, in order.
pub(super) type Row = Vec<(&'static str, String)>;

/// The words for where a request stands; the first two are those of the specification.
pub(super) const STATUSES: &[&str] = &[
    "open",
    "closed",
    "investigating",
    "action_scheduled",
    "in_progress",
    "planned",
    "fixed",
    "no_further_action",
    "not_councils_responsibility",
    "duplicate",
    "internal_referral",
    "cancelled",
    "reopen",
    "for_triage",
];

/// The form of an answer, by the end of the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Xml,
}

impl Format {
    /// XML where it is asked for, else JSON.
    pub(super) fn of(end: &str) -> Self {
        if end == "xml" { Self::Xml } else { Self::Json }
    }
}

/// A time as the specification wants it.
pub(super) fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Entries with a status; the names of the root and of an entry are for XML.
pub(super) fn page(format: Format, status: u16, names: (&str, &str), rows: Vec<Row>) -> HttpResponse {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = HttpResponse::build(status);
    match format {
        Format::Json => answer.json(rows.into_iter().map(object).collect::<Vec<_>>()),
        Format::Xml => answer
            .content_type("text/xml; charset=utf-8")
            .body(xml(names, &rows)),
    }
}

/// The definition of a service: the sender's own number is its one attribute.
pub(super) fn definition(format: Format, code: &str) -> HttpResponse {
    let number = "来文编号";
    match format {
        Format::Json => HttpResponse::Ok().json(json!({ "service_code": code, "attributes": [{
            "variable": true, "code": "case_number", "datatype": "string", "required": false,
            "datatype_description": number, "order": 1, "description": number,
        }] })),
        Format::Xml => HttpResponse::Ok()
            .content_type("text/xml; charset=utf-8")
            .body(format!(
                "<?xml version=\"1.0\" encoding=\"utf-8\"?><service_definition><service_code>{code}</service_code>\
                 <attributes><attribute><variable>true</variable><code>case_number</code><datatype>string</datatype>\
                 <required>false</required><datatype_description>{number}</datatype_description><order>1</order>\
                 <description>{number}</description></attribute></attributes></service_definition>"
            )),
    }
}

/// Empty values are null, numbers of errors and flags are what they are.
fn object(row: Row) -> Value {
    let members = row.into_iter().map(|(name, text)| {
        let value = match (name, text.as_str()) {
            (_, "") => Value::Null,
            ("metadata", text) => json!(text == "true"),
            ("code", text) => text
                .parse::<u16>()
                .map_or_else(|_| json!(text), |code| json!(code)),
            (_, text) => json!(text),
        };
        (name.to_owned(), value)
    });
    Value::Object(members.collect::<Map<_, _>>())
}

fn xml((root, entry): (&str, &str), rows: &[Row]) -> String {
    let mut text = format!("<?xml version=\"1.0\" encoding=\"utf-8\"?><{root}>");
    for row in rows {
        // writing to a String cannot fail
        write!(text, "<{entry}>").ok();
        for (name, value) in row {
            write!(text, "<{name}>{}</{name}>", escape(value.as_str())).ok();
        }
        write!(text, "</{entry}>").ok();
    }
    write!(text, "</{root}>").ok();
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_a_page_of_xml_never_becomes_markup() {
        let row = vec![("description", "<b>&".to_owned()), ("account_id", String::new())];
        let text = xml(("service_requests", "request"), &[row]);
        assert!(text.ends_with(
            "<service_requests><request><description>&lt;b&gt;&amp;</description><account_id></account_id>\
             </request></service_requests>"
        ));
    }

    #[test]
    fn codes_of_errors_are_numbers_and_nothing_is_null() {
        let row = vec![("code", "403".to_owned()), ("description", String::new())];
        assert_eq!(object(row), json!({ "code": 403, "description": null }));
    }
}
