//! Answers and notices as one kind of tree, whether they came as JSON, XML or a form, so that one language of paths reads them.

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use serde_json::{Map, Value};

/// The deepest nesting of an XML document.
const DEPTH_MAX: usize = 64;
/// The most elements and attributes of an XML document.
const NODES_MAX: usize = 100_000;
/// The most fields of a form.
const FIELDS_MAX: usize = 1_000;
/// Where the text of an element stands that has attributes or children too.
const TEXT: &str = "#text";

/// How a text is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::upstream) enum Format {
    /// JSON.
    #[default]
    Json,
    /// XML: an element is a table of its children by local name, repeated ones a list, attributes as `@name`, a
    /// plain element its text. The root element is a member of the document.
    Xml,
    /// `application/x-www-form-urlencoded`: a table of texts.
    Form,
}

/// A text that is not in its format. Where, but not what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::upstream) struct Unreadable {
    /// Line, from 1; 0 when the fault has no place.
    pub(in crate::upstream) line: usize,
    /// Column, from 1; 0 when the fault has no place.
    pub(in crate::upstream) column: usize,
}

const NOWHERE: Unreadable = Unreadable { line: 0, column: 0 };

impl Format {
    /// A format by its name in the configuration.
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name {
            "json" => Some(Self::Json),
            "xml" => Some(Self::Xml),
            "form" => Some(Self::Form),
            _ => None,
        }
    }

    /// Reads a text.
    ///
    /// # Errors
    /// When it is not in this format, too deep or too large.
    pub(in crate::upstream) fn read(self, text: &str) -> Result<Value, Unreadable> {
        match self {
            Self::Json => serde_json::from_str(text).map_err(|error| Unreadable {
                line: error.line(),
                column: error.column(),
            }),
            Self::Xml => xml(text).ok_or(NOWHERE),
            Self::Form => form(text).ok_or(NOWHERE),
        }
    }
}

fn form(text: &str) -> Option<Value> {
    let mut fields = Map::new();
    for (name, value) in url::form_urlencoded::parse(text.trim().as_bytes()) {
        if fields.len() >= FIELDS_MAX {
            return None;
        }
        put(&mut fields, &name, Value::String(value.into_owned()));
    }
    Some(Value::Object(fields))
}

/// An element that is not closed yet.
struct Open {
    name: String,
    members: Map<String, Value>,
    text: String,
}

/// Reads XML without DTD: no entity but the five of XML and character references has a meaning.
fn xml(text: &str) -> Option<Value> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut document = Map::new();
    let mut open: Vec<Open> = Vec::new();
    let mut nodes = 0_usize;
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                nodes = nodes.saturating_add(1).saturating_add(start.attributes().count());
                if open.len() >= DEPTH_MAX || nodes > NODES_MAX || (open.is_empty() && !document.is_empty()) {
                    return None;
                }
                open.push(opened(&start)?);
            }
            Event::End(_) => {
                let (name, value) = open.pop()?.closed();
                let around = open.last_mut().map_or(&mut document, |outer| &mut outer.members);
                put(around, &name, value);
            }
            Event::Text(piece) => add(&mut open, &piece.xml_content(XmlVersion::Implicit1_0))?,
            Event::CData(piece) => add(&mut open, &piece.xml_content(XmlVersion::Implicit1_0))?,
            Event::GeneralRef(reference) => {
                let letter = match reference.resolve_char_ref().ok()? {
                    Some(letter) => letter,
                    None => predefined(&reference)?,
                };
                add(&mut open, letter.encode_utf8(&mut [0; 4]))?;
            }
            Event::DocType(_) => return None,
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    (open.is_empty() && !document.is_empty()).then_some(Value::Object(document))
}

fn opened(start: &BytesStart<'_>) -> Option<Open> {
    let mut members = Map::new();
    for attribute in start.attributes() {
        let attribute = attribute.ok()?;
        let name = attribute.key.as_ref();
        if name == "xmlns" || name.starts_with("xmlns:") {
            continue;
        }
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
        members.insert(
            format!("@{}", attribute.key.local_name().as_ref()),
            Value::String(value.into_owned()),
        );
    }
    Some(Open {
        name: start.local_name().as_ref().to_owned(),
        members,
        text: String::new(),
    })
}

impl Open {
    fn closed(self) -> (String, Value) {
        let text = self.text.trim().to_owned();
        let mut members = self.members;
        let value = if members.is_empty() {
            Value::String(text)
        } else {
            if !text.is_empty() {
                members.insert(TEXT.to_owned(), Value::String(text));
            }
            Value::Object(members)
        };
        (self.name, value)
    }
}

/// Text stands within an element; around the root only blanks may.
fn add(open: &mut [Open], piece: &str) -> Option<()> {
    match open.last_mut() {
        Some(element) => element.text.push_str(piece),
        None if piece.trim_matches(|letter: char| letter.is_whitespace() || letter == '\u{feff}').is_empty() => {}
        None => return None,
    }
    Some(())
}

fn predefined(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    }
}

/// A second member of the same name makes a list of both.
fn put(members: &mut Map<String, Value>, name: &str, value: Value) {
    match members.get_mut(name) {
        None => {
            members.insert(name.to_owned(), value);
        }
        Some(Value::Array(list)) => list.push(value),
        Some(first) => *first = Value::Array(vec![first.take(), value]),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn xml_becomes_a_tree_of_local_names() {
        let text = "<?xml version=\"1.0\"?>\n<s:A xmlns:s=\"urn:x\" s:id=\"7\"><!-- c --><B>一&amp;二&#x4e09;</B><B/>\
                    <C><![CDATA[<x>]]></C>尾</s:A>";
        assert_eq!(
            Format::Xml.read(text),
            Ok(json!({ "A": { "@id": "7", "B": ["一&二三", ""], "C": "<x>", "#text": "尾" } }))
        );
    }

    #[test]
    fn entities_of_their_own_deep_and_broken_documents_are_unreadable() {
        let deep = format!("{}{}", "<a>".repeat(65), "</a>".repeat(65));
        for text in [
            "<!DOCTYPE a [<!ENTITY b \"x\">]><a>&b;</a>",
            "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>",
            "<a>&b;</a>",
            "<a><b></a></b>",
            "<a>",
            "<a/><b/>",
            "text",
            "",
            &deep,
        ] {
            assert!(Format::Xml.read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_form_is_a_table_of_texts() {
        assert_eq!(
            Format::Form.read("a=%E4%B8%80+x&b=1&b=2"),
            Ok(json!({ "a": "一 x", "b": ["1", "2"] }))
        );
    }
}
