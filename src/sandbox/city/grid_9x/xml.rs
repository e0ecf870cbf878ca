//! As much of XML as the system reads and writes: texts by the name of their element, and attributes.

use std::fmt::Write as _;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// The most elements of a document.
const ELEMENTS_MAX: usize = 10_000;

/// A document as a list of its elements, in order.
#[derive(Debug)]
pub(super) struct Document(Vec<Element>);

#[derive(Debug)]
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
}

impl Document {
    /// Reads a text; `None` when it is no whole document, or has a DTD.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        let mut elements: Vec<Element> = Vec::new();
        let mut open: Vec<usize> = Vec::new();
        loop {
            let piece = match reader.read_event().ok()? {
                Event::Start(start) => {
                    open.push(elements.len());
                    elements.push(Element::of(&start)?);
                    if elements.len() > ELEMENTS_MAX {
                        return None;
                    }
                    continue;
                }
                Event::End(_) => {
                    open.pop()?;
                    continue;
                }
                Event::Text(text) => text.xml_content(XmlVersion::Implicit1_0).into_owned(),
                Event::CData(text) => text.xml_content(XmlVersion::Implicit1_0).into_owned(),
                Event::GeneralRef(reference) => match reference.resolve_char_ref().ok()? {
                    Some(letter) => letter.to_string(),
                    None => predefined(&reference)?.to_owned(),
                },
                Event::DocType(_) => return None,
                Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => continue,
                Event::Eof => break,
            };
            if let Some(element) = open.last().and_then(|index| elements.get_mut(*index)) {
                element.text.push_str(&piece);
            }
        }
        (open.is_empty() && !elements.is_empty()).then_some(Self(elements))
    }

    /// The text of the first element of a name; empty when there is none.
    pub(super) fn text(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|element| element.name == name)
            .map_or("", |element| element.text.trim())
    }

    /// An attribute of all elements of a name.
    pub(super) fn attributes(&self, name: &str, attribute: &str) -> Vec<String> {
        let elements = self.0.iter().filter(|element| element.name == name);
        elements
            .filter_map(|element| element.attribute(attribute))
            .collect()
    }

    /// An attribute of the root.
    pub(super) fn attributes_of_root(&self, attribute: &str) -> Option<String> {
        self.0.first()?.attribute(attribute)
    }
}

impl Element {
    fn of(start: &BytesStart<'_>) -> Option<Self> {
        let mut attributes = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.ok()?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
            attributes.push((attribute.key.local_name().as_ref().to_owned(), value.into_owned()));
        }
        Some(Self {
            name: start.local_name().as_ref().to_owned(),
            attributes,
            text: String::new(),
        })
    }

    fn attribute(&self, name: &str) -> Option<String> {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone())
    }
}

fn predefined(name: &str) -> Option<&'static str> {
    match name {
        "amp" => Some("&"),
        "lt" => Some("<"),
        "gt" => Some(">"),
        "quot" => Some("\""),
        "apos" => Some("'"),
        _ => None,
    }
}

/// An element with a text.
pub(super) fn element(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>", escaped(text))
}

/// A text as it stands in XML.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            // writing to a String cannot fail
            '&' | '<' | '>' | '"' | '\'' => write!(escaped, "&#{};", u32::from(letter)).unwrap_or_default(),
            _ if letter.is_control() => {}
            _ => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_attributes_are_found_by_name_and_what_was_escaped_comes_back() {
        let text = format!(
            "<A X=\"1\"><B>{}</B><C Y=\"a\"/><C Y=\"b\"/></A>",
            escaped("<一&二>")
        );
        let document = Document::read(&text).unwrap();
        assert_eq!(document.text("B"), "<一&二>");
        assert_eq!(document.attributes("C", "Y"), ["a", "b"]);
        assert_eq!(document.attributes_of_root("X").as_deref(), Some("1"));
    }

    #[test]
    fn what_is_no_whole_document_is_not_read() {
        for text in [
            "",
            "text",
            "<a>",
            "<a><b></a></b>",
            "<!DOCTYPE a><a/>",
            "<a>&b;</a>",
        ] {
            assert!(Document::read(text).is_none(), "{text}");
        }
    }
}
