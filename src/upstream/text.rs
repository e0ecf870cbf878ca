//! Text and numbers from an upstream system, bounded and stripped before anyone sees them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest text kept of an upstream's answer, characters: a reason, an opinion.
pub const TEXT_LENGTH_MAX: usize = 2_000;
/// The longest number kept of an upstream, characters.
pub const EXTERNAL_ID_LENGTH_MAX: usize = 128;
/// Before a token that stands for a number which is still to be given.
pub const PROVISIONAL: &str = "token:";

/// Free text an upstream sent: at most [`TEXT_LENGTH_MAX`] characters, without control and direction characters.
///
/// It is still untrusted (markup, false claims, someone's personal data): edges escape it, logs never hold it,
/// so its `Debug` form is stars.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String")]
pub struct UntrustedText(String);

impl UntrustedText {
    /// Cleans and bounds a text. Line breaks and tabs become spaces.
    #[must_use]
    pub fn new(raw: &str) -> Self {
        let clean = raw.chars().filter_map(|letter| match letter {
            '\n' | '\r' | '\t' => Some(' '),
            _ if letter.is_control() || is_direction_control(letter) => None,
            _ => Some(letter),
        });
        let bounded: String = clean.take(TEXT_LENGTH_MAX).collect();
        Self(bounded.trim().to_owned())
    }

    /// The cleaned text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether nothing is left of it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for UntrustedText {
    fn from(raw: String) -> Self {
        Self::new(&raw)
    }
}

impl fmt::Debug for UntrustedText {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("***")
    }
}

/// Marks, embeddings, overrides and isolates that can make a text read as another one.
fn is_direction_control(letter: char) -> bool {
    matches!(letter, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The number under which an upstream keeps a case: 1 to 128 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct ExternalId(String);

impl ExternalId {
    /// Accepts a number as the upstream wrote it; `None` for anything that could not be kept and sent back.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        let fits = (1..=EXTERNAL_ID_LENGTH_MAX).contains(&raw.len());
        (fits && raw.bytes().all(|byte| byte.is_ascii_graphic())).then(|| Self(raw.to_owned()))
    }

    /// What stands for a number that the upstream has still to give: it took the case over under a token and tells the
    /// number later. `None` when the token could not be kept.
    #[must_use]
    pub fn provisional(token: &str) -> Option<Self> {
        Self::parse(&format!("{PROVISIONAL}{token}"))
    }

    /// The token of a number that has still to be given; `None`: this is the upstream's number.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.0.strip_prefix(PROVISIONAL)
    }

    /// The number as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ExternalId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ExternalId {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let raw = String::deserialize(from)?;
        Self::parse(&raw).ok_or_else(|| serde::de::Error::custom("not an upstream's number"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_loses_control_and_direction_characters_and_its_tail() {
        let text = UntrustedText::new(" 同意\u{202e}\u{0}\u{1b}[31m\r\n完\u{7f} ");
        assert_eq!(text.as_str(), "同意[31m  完");
        assert_eq!(
            UntrustedText::new(&"长".repeat(5_000)).as_str().chars().count(),
            TEXT_LENGTH_MAX
        );
        assert_eq!(format!("{text:?}"), "***");
    }

    #[test]
    fn a_token_stands_for_a_number_that_is_still_to_be_given() {
        let provisional = ExternalId::provisional("12345").expect("a token");
        assert_eq!(
            (provisional.as_str(), provisional.token()),
            ("token:12345", Some("12345"))
        );
        assert_eq!(
            ExternalId::parse("12345").and_then(|id| id.token().map(str::to_owned)),
            None
        );
        assert_eq!(ExternalId::provisional("a b"), None);
    }

    #[test]
    fn numbers_of_an_upstream_are_short_and_visible() {
        assert!(ExternalId::parse("HR-2026/0001").is_some());
        for bad in ["", "a b", "编号", "a\n", &"9".repeat(129)] {
            assert_eq!(ExternalId::parse(bad), None, "{bad:?}");
        }
    }
}
