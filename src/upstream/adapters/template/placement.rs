//! Where a template may put a value: never inside a JSON string, an XML tag's name, a comment or CDATA.

use super::engine::Escape;

/// A value in a wrong place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Misplaced {
    /// Line of the template, from 1.
    pub(super) line: usize,
    /// What is wrong and what would be right.
    pub(super) reason: &'static str,
}

/// The first value in a wrong place; `None` when all are sound.
pub(super) fn misplaced(source: &str, escape: Escape) -> Option<Misplaced> {
    let mut place = match escape {
        Escape::Json => Place::JsonOutside,
        Escape::Xml => Place::XmlText,
        Escape::Plain => return None,
    };
    let mut rest = source;
    while let Some(at) = ["{{", "{%", "{#"].iter().filter_map(|tag| rest.find(tag)).min() {
        let (text, tag) = rest.split_at(at);
        place = text.chars().fold(place, Place::after);
        let reason = tag.starts_with("{{").then(|| place.refusal()).flatten();
        if let Some(reason) = reason {
            let before = source.len() - tag.len();
            let line = source
                .get(..before)
                .map_or(0, |head| head.matches('\n').count())
                .saturating_add(1);
            return Some(Misplaced { line, reason });
        }
        rest = behind(tag);
    }
    None
}

/// The source behind a tag of the engine; texts within the tag may hold its end.
fn behind(tag: &str) -> &str {
    let close = match tag.get(..2) {
        Some("{{") => "}}",
        Some("{%") => "%}",
        _ => return tag.find("#}").and_then(|at| tag.get(at + 2..)).unwrap_or_default(),
    };
    let mut quote = None;
    for (at, letter) in tag.char_indices() {
        match quote {
            Some(open) if letter == open => quote = None,
            Some(_) => {}
            None if matches!(letter, '"' | '\'') => quote = Some(letter),
            None => {
                let here = tag.get(at..).unwrap_or_default();
                if let Some(after) = here.strip_prefix(close) {
                    return after;
                }
            }
        }
    }
    ""
}

/// Where in the written text we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    JsonOutside,
    JsonString,
    JsonEscape,
    XmlText,
    /// Within `<…>`, outside quotes; the last letters tell comments and CDATA apart.
    XmlTag([char; 3]),
    XmlQuoted(char),
    /// Within `<!-- -->`, `<![CDATA[ ]]>` or `<? ?>`: what is not to be filled, up to its own end.
    XmlOpaque([char; 2], &'static [char]),
}

impl Place {
    fn after(self, letter: char) -> Self {
        match (self, letter) {
            (Self::JsonOutside, '"') => Self::JsonString,
            (Self::JsonString, '"') => Self::JsonOutside,
            (Self::JsonString, '\\') => Self::JsonEscape,
            (Self::JsonEscape, _) => Self::JsonString,
            (Self::XmlText, '<') => Self::XmlTag([' '; 3]),
            (Self::XmlTag(_), '>') | (Self::XmlOpaque(_, []), _) => Self::XmlText,
            (Self::XmlTag(_), '"' | '\'') => Self::XmlQuoted(letter),
            (Self::XmlQuoted(open), _) if open == letter => Self::XmlTag(['q'; 3]),
            (Self::XmlTag([_, first, second]), _) => match (first, second, letter) {
                (' ', ' ', '?') => Self::XmlOpaque([' '; 2], &['?', '>']),
                ('!', '-', '-') => Self::XmlOpaque([' '; 2], &['-', '-', '>']),
                (_, '!', '[') => Self::XmlOpaque([' '; 2], &[']', ']', '>']),
                _ => Self::XmlTag([first, second, letter]),
            },
            (Self::XmlOpaque([first, second], end), _) => {
                let ended = match end {
                    [one, two] => (second, letter) == (*one, *two),
                    [one, two, three] => (first, second, letter) == (*one, *two, *three),
                    _ => true,
                };
                if ended {
                    Self::XmlText
                } else {
                    Self::XmlOpaque([second, letter], end)
                }
            }
            (Self::JsonOutside | Self::JsonString | Self::XmlText | Self::XmlQuoted(_), _) => self,
        }
    }

    const fn refusal(self) -> Option<&'static str> {
        match self {
            Self::JsonString | Self::JsonEscape => Some(
                "a value stands inside quotes, but brings its own: write {{ a }} without quotes, \
                 or {{ a ~ b }} to join texts 值自带引号，不要写在引号内",
            ),
            Self::XmlTag(_) => Some(
                "a value stands inside a tag: it may stand between tags or within the quotes of an attribute \
                 值只能写在元素内容或属性引号内",
            ),
            Self::XmlOpaque(..) => Some(
                "a value stands in a comment, in CDATA or in <? ?>: write it as plain content, it is escaped \
                 值不能写在注释或 CDATA 内，会自动转义",
            ),
            Self::JsonOutside | Self::XmlText | Self::XmlQuoted(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_within_json_strings_are_found() {
        let sound = [
            r#"{"a": {{ a }}, "b\"": {{ b ~ "}}" }}, {% if c %}"c": [{{ c }}]{% endif %}}"#,
            r#"{ {# "no #} "a": {{ a }} }"#,
        ];
        for source in sound {
            assert_eq!(misplaced(source, Escape::Json), None, "{source}");
        }
        for (source, line) in [
            (r#"{"a": "{{ a }}"}"#, 1),
            ("{\n\"a\": \"x\\\"{{ a }}\"}", 2),
            (r#"{"{{ a }}": 1}"#, 1),
        ] {
            assert_eq!(misplaced(source, Escape::Json).map(|one| one.line), Some(line), "{source}");
        }
    }

    #[test]
    fn values_within_tags_comments_and_cdata_are_found() {
        let sound = [
            r#"<?xml version="1.0"?><!-- > " --><a b="{{ a }}" c='>{{ a }}'><![CDATA[<x"]]>{{ a }}</a>"#,
            "<a/>{{ a }}",
        ];
        for source in sound {
            assert_eq!(misplaced(source, Escape::Xml), None, "{source}");
        }
        for source in [
            "<{{ a }}>",
            "<a {{ a }}>",
            "<a b={{ a }}>",
            "<!-- {{ a }} -->",
            "<![CDATA[{{ a }}]]>",
            "<?x {{ a }}?>",
            r#"<a b="1"{{ a }}>"#,
        ] {
            assert!(misplaced(source, Escape::Xml).is_some(), "{source}");
        }
    }
}
