//! One pass over a document's text before any parser sees it: tokens, nesting, repeated input fields.
//!
//! The parser recurses once per bracket and loses repeated input fields, so both are found here, in constant stack.

use std::collections::HashSet;

/// What one pass over the text found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scan {
    /// Lexical tokens, as the GraphQL grammar counts them (§2.1.6); a character that starts none counts as one.
    pub tokens: u64,
    /// Deepest nesting of `{`, `[` and `(` together.
    pub nesting: usize,
    /// Whether an input object names a field twice.
    pub repeated_input_field: bool,
}

#[derive(PartialEq, Eq)]
enum Open<'a> {
    Selection,
    List,
    Arguments,
    Object(HashSet<&'a str>),
}

/// Reads a document's tokens. Gives up counting, not reading right, once `tokens_max` or `nesting_max` is passed.
#[must_use]
pub fn scan(text: &str, tokens_max: u64, nesting_max: usize) -> Scan {
    let mut found = Scan::default();
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut arguments = 0_usize;
    let mut name: Option<&str> = None;
    let mut rest = text;
    while let Some((token, after)) = next_token(rest) {
        rest = after;
        found.tokens += 1;
        if found.tokens > tokens_max {
            return found;
        }
        let before = name.take();
        match token {
            "{" if arguments > 0 => open.push(Open::Object(HashSet::new())),
            "{" => open.push(Open::Selection),
            "[" => open.push(Open::List),
            "(" => {
                arguments += 1;
                open.push(Open::Arguments);
            }
            "}" | "]" | ")" if open.pop() == Some(Open::Arguments) => arguments -= 1,
            ":" => {
                if let (Some(Open::Object(fields)), Some(field)) = (open.last_mut(), before) {
                    found.repeated_input_field |= !fields.insert(field);
                }
            }
            word if word.starts_with(is_name_start) => name = Some(word),
            _ => {}
        }
        found.nesting = found.nesting.max(open.len());
        if found.nesting > nesting_max {
            return found;
        }
    }
    found
}

/// The next token and the text behind it.
fn next_token(text: &str) -> Option<(&str, &str)> {
    let text = skip_ignored(text);
    let first = text.chars().next()?;
    let length = match first {
        '"' => string_length(text),
        '.' if text.starts_with("...") => 3,
        '-' | '0'..='9' => run_length(text, |c| {
            c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.' | '_')
        }),
        c if is_name_start(c) => run_length(text, |c| c.is_ascii_alphanumeric() || c == '_'),
        other => other.len_utf8(),
    };
    text.split_at_checked(length)
}

fn skip_ignored(mut text: &str) -> &str {
    loop {
        text = text.trim_start_matches([' ', '\t', '\r', '\n', ',', '\u{feff}']);
        if !text.starts_with('#') {
            return text;
        }
        text = text.trim_start_matches(|c| c != '\n' && c != '\r');
    }
}

const fn is_name_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

fn run_length(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

/// Length of a string or block string in bytes, quotes included; up to the end of the text when it is not closed.
fn string_length(text: &str) -> usize {
    if let Some(mut block) = text.strip_prefix("\"\"\"") {
        loop {
            match block.find("\"\"\"") {
                None => return text.len(),
                Some(at) => {
                    let (inside, from_quotes) = block.split_at_checked(at).unwrap_or((block, ""));
                    block = from_quotes.strip_prefix("\"\"\"").unwrap_or("");
                    if !inside.ends_with('\\') {
                        return text.len() - block.len();
                    }
                }
            }
        }
    }
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '\n' | '\r' => return at,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> Scan {
        scan(text, u64::MAX, usize::MAX)
    }

    #[test]
    fn tokens_are_counted_as_the_grammar_counts_them() {
        assert_eq!(whole("{ a }").tokens, 3);
        assert_eq!(
            whole("query Q($a: [Int!]! = [1, -2.5e3]) { f(x: $a) ...F @skip(if: true) }").tokens,
            35
        );
        assert_eq!(whole("# only a comment {{{{\n{a}").tokens, 3);
        assert_eq!(whole(r#"{ a(s: "not } a { token \" :") }"#).tokens, 8);
        assert_eq!(whole(r#"{ a(s: """block " \""" { } still""") }"#).tokens, 8);
        assert_eq!(whole(r#"{ a(s: "never closed"#).tokens, 6);
        assert_eq!(whole("{ 名 }").tokens, 3);
    }

    #[test]
    fn repeated_input_fields_are_found_in_literals_only() {
        assert!(whole("{ f(input: {a: 1, b: {a: 2}, a: 3}) }").repeated_input_field);
        assert!(whole("query($v: In = {a: 1 a: 2}) { f(input: $v) }").repeated_input_field);
        assert!(whole("{ f @d(x: [{a: 1}, {a: 1, a: 1}]) }").repeated_input_field);
        assert!(!whole("{ f(input: [{a: 1}, {a: 1}], a: a) { a: b a: b } }").repeated_input_field);
        assert!(!whole("{ a: b c { a: b } }").repeated_input_field);
    }

    #[test]
    fn sixty_thousand_brackets_cost_no_stack_and_stop_the_scan() {
        for bracket in ["{", "[", "(", "{a", "f(x:{a:"] {
            let found = scan(&bracket.repeat(60_000), u64::MAX, 64);
            assert_eq!(found.nesting, 65);
            assert!(found.tokens < 500);
        }
    }

    #[test]
    fn scanning_stops_at_the_first_token_too_many() {
        assert_eq!(scan(&"a ".repeat(50_000), 10, 64).tokens, 11);
    }
}
