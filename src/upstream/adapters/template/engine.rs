//! The template engine of request templates: strict, bounded, and with an escaping that no value gets around.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use minijinja::value::ValueKind;
use minijinja::{Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value};

use super::filters;
use crate::upstream::adapter::EncodeError;

/// Steps one rendering may take; a case with hundreds of materials needs a few thousand.
const FUEL: u64 = 200_000;
/// The longest text one template gives, bytes.
const OUTPUT_BYTES_MAX: usize = 8_000_000;
/// The longest source of one template, bytes.
pub(super) const SOURCE_BYTES_MAX: usize = 200_000;

/// Lookup tables of the configuration: table → code of ours → code of theirs.
pub(super) type Tables = BTreeMap<String, BTreeMap<String, String>>;

/// How values are written into a text. It follows from what the text is, and templates cannot change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escape {
    /// A value becomes a whole JSON value, its quotes included.
    Json,
    /// A value becomes character data, safe also within quotes.
    Xml,
    /// A value becomes its text; whoever takes the text encodes it as a whole.
    Plain,
}

/// A compiled template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TemplateRef {
    /// Its name in the engine; ends with its escaping.
    name: String,
    /// The option that holds it, for faults.
    pub(super) part: String,
    /// The fields it names, for example `case.applicant.name`.
    pub(super) fields: Vec<String>,
}

impl TemplateRef {
    /// Whether it names a field, something within it, or the whole that holds it.
    pub(super) fn touches(&self, field: &str) -> bool {
        let within = |outer: &str, inner: &str| {
            inner
                .strip_prefix(outer)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.fields
            .iter()
            .any(|named| within(field, named) || within(named, field))
    }

    /// Whether it names a field or something within it.
    pub(super) fn names(&self, field: &str) -> bool {
        self.fields.iter().any(|named| {
            named
                .strip_prefix(field)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }
}

/// All templates of one upstream.
#[derive(Debug)]
pub(super) struct Engine {
    environment: Environment<'static>,
}

impl Engine {
    /// An engine without templates.
    pub(super) fn new(tables: Tables) -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        environment.set_formatter(write_value);
        // It would print the whole case into a request.
        environment.remove_global("debug");
        filters::add(&mut environment, Arc::new(tables));
        Self { environment }
    }

    /// Compiles a template.
    ///
    /// # Errors
    /// What is wrong with it and where; it holds no value of a case.
    pub(super) fn add(&mut self, part: &str, source: String, escape: Escape) -> Result<TemplateRef, String> {
        if source.len() > SOURCE_BYTES_MAX {
            return Err(format!("is longer than {SOURCE_BYTES_MAX} bytes 过长"));
        }
        let name = format!("{part}{}", escape.suffix());
        self.environment
            .add_template_owned(name.clone(), source)
            .map_err(|error| told(&error))?;
        let template = self.environment.get_template(&name).map_err(|error| told(&error))?;
        let mut fields: Vec<String> = template.undeclared_variables(true).into_iter().collect();
        fields.sort();
        Ok(TemplateRef {
            name,
            part: part.to_owned(),
            fields,
        })
    }

    /// Renders a template over what it may see.
    ///
    /// # Errors
    /// Where it does not fit the case; without any value of the case.
    pub(super) fn render(&self, template: &TemplateRef, seen: &Value) -> Result<String, EncodeError> {
        self.try_render(template, seen)
            .map_err(|error| EncodeError::Template {
                part: template.part.clone(),
                line: error.line().unwrap_or_default(),
                reason: reason(error.kind()),
            })
    }

    /// Renders a template over the sample case.
    ///
    /// # Errors
    /// What is wrong in the engine's own words, which may repeat values of the sample.
    pub(super) fn rehearse(&self, template: &TemplateRef, sample: &Value) -> Result<String, String> {
        self.try_render(template, sample).map_err(|error| told(&error))
    }

    fn try_render(&self, template: &TemplateRef, seen: &Value) -> Result<String, Error> {
        let mut out = Bounded(Vec::new());
        self.environment
            .get_template(&template.name)?
            .render_captured_to(seen.clone(), &mut out)?;
        String::from_utf8(out.0).map_err(|error| {
            Error::new(ErrorKind::WriteFailure, "the text is not whole").with_source(error)
        })
    }
}

impl Escape {
    const fn suffix(self) -> &'static str {
        match self {
            Self::Json => "#json",
            Self::Xml => "#xml",
            Self::Plain => "#plain",
        }
    }

    fn of(name: &str) -> Self {
        if name.ends_with(Self::Json.suffix()) {
            Self::Json
        } else if name.ends_with(Self::Xml.suffix()) {
            Self::Xml
        } else {
            Self::Plain
        }
    }
}

/// Writes one value. Blocks that switch escaping off and values marked as safe change nothing here.
fn write_value(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    let escape = Escape::of(state.name());
    if value.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    match escape {
        Escape::Json => {
            let text = serde_json::to_string(value).map_err(|error| {
                Error::new(ErrorKind::BadSerialization, "a value has no JSON form").with_source(error)
            })?;
            out.write_str(&text)?;
        }
        Escape::Xml => {
            for letter in scalar(value)?.chars() {
                match letter {
                    '&' => out.write_str("&amp;")?,
                    '<' => out.write_str("&lt;")?,
                    '>' => out.write_str("&gt;")?,
                    '"' => out.write_str("&quot;")?,
                    '\'' => out.write_str("&apos;")?,
                    '\t' | '\n' | '\r' => write!(out, "&#{};", u32::from(letter))?,
                    // XML 1.0 has no way to write these.
                    _ if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => {}
                    _ => write!(out, "{letter}")?,
                }
            }
        }
        Escape::Plain => out.write_str(&scalar(value)?)?,
    }
    Ok(())
}

/// The text of a single value; nothing is an empty text.
fn scalar(value: &Value) -> Result<String, Error> {
    if let Some(text) = value.as_str() {
        return Ok(text.to_owned());
    }
    if value.is_none() {
        return Ok(String::new());
    }
    if value.is_number() || value.kind() == ValueKind::Bool {
        return Ok(value.to_string());
    }
    Err(Error::new(
        ErrorKind::InvalidOperation,
        "a list or table has no text; name one value of it",
    ))
}

/// The engine's own words, for whoever writes the configuration.
fn told(error: &Error) -> String {
    let mut text = error.kind().to_string();
    if let Some(detail) = error.detail() {
        text = format!("{text}: {detail}");
    }
    if let Some(line) = error.line() {
        text = format!("{text} (line {line})");
    }
    text
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the engine's enum grows; what is not told apart here has one text"
)]
const fn reason(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::UndefinedError => "it names a field that the case does not have",
        ErrorKind::OutOfFuel => "it takes too many steps",
        ErrorKind::WriteFailure => "its text is too long",
        ErrorKind::InvalidOperation => "a value is not of the form a filter needs, or not in a table",
        ErrorKind::BadSerialization => "a value has no JSON form",
        _ => "it cannot be evaluated",
    }
}

/// Takes at most [`OUTPUT_BYTES_MAX`] bytes.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len().saturating_add(bytes.len()) > OUTPUT_BYTES_MAX {
            return Err(io::Error::other("the text is too long"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use minijinja::context;

    use super::*;

    fn render(source: &str, escape: Escape, value: &str) -> String {
        let mut engine = Engine::new(Tables::new());
        let template = engine.add("body", source.to_owned(), escape).unwrap();
        engine.render(&template, &context! { a => value }).unwrap()
    }

    #[test]
    fn no_value_breaks_out_of_json_whatever_the_template_says() {
        let evil = "\", \"admin\": true, \"x\": \"\u{0}\n";
        for source in [
            r#"{"a": {{ a }}}"#,
            r#"{"a": {{ a|safe }}}"#,
            r#"{% autoescape false %}{"a": {{ a }}}{% endautoescape %}"#,
        ] {
            let json: serde_json::Value = serde_json::from_str(&render(source, Escape::Json, evil)).unwrap();
            assert_eq!(json, serde_json::json!({ "a": evil }), "{source}");
        }
    }

    #[test]
    fn no_value_breaks_out_of_xml() {
        let text = render(
            "<a b='{{ a }}'>{{ a|safe }}</a>",
            Escape::Xml,
            "</a>]]>&\"'\u{1}<!--\n",
        );
        assert_eq!(
            text,
            "<a b='&lt;/a&gt;]]&gt;&amp;&quot;&apos;&lt;!--&#10;'>&lt;/a&gt;]]&gt;&amp;&quot;&apos;&lt;!--&#10;</a>"
        );
    }

    #[test]
    fn a_value_is_never_read_as_a_template() {
        assert_eq!(render("{{ a }}", Escape::Plain, "{{ 7 * 7 }}"), "{{ 7 * 7 }}");
    }

    #[test]
    fn what_is_missing_or_endless_fails_without_a_value_of_the_case() {
        let mut engine = Engine::new(Tables::new());
        let mut failure = |source: &str| {
            let template = engine.add("submit.body", source.to_owned(), Escape::Plain).unwrap();
            engine
                .render(&template, &context! { a => "测试甲" })
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            failure("\n{{ a.name }}"),
            "the template submit.body does not fit the case (line 2): it names a field that the case does not have"
        );
        assert!(
            failure("{% for i in range(99999) %}{% for j in range(99999) %}x{% endfor %}{% endfor %}")
                .contains("too many steps")
        );
        assert!(failure("{{ a|date('%Y') }}").contains("not of the form"));
        assert!(failure("{{ [a] }}").contains("not of the form"));
    }
}
