//! Identifiers of X-Road members, subsystems and services, as the path and the headers carry them.

use std::fmt::Write as _;
use std::str::FromStr;

/// The longest part of an identifier, characters.
const PART_MAX: usize = 255;

/// A member or one of its subsystems: `INSTANCE/CLASS/MEMBER[/SUBSYSTEM]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ClientId(Vec<String>);

/// A service of a member or subsystem: `INSTANCE/CLASS/MEMBER[/SUBSYSTEM]/SERVICE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServiceId(Vec<String>);

/// Whom a client acts for: `CLASS/CODE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PartyId {
    class: String,
    code: String,
}

/// A text that is no identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoIdentifier {
    /// Too few parts, or too many.
    #[error("must be {0} 标识段数不符")]
    Parts(&'static str),
    /// A part that the protocol forbids (chapter "Identifier Character Restrictions").
    #[error("a part is empty, longer than 255 characters, . or .., or holds one of : ; / \\ % or a control character 标识含不允许的字符")]
    Part,
}

impl ClientId {
    /// As headers write it, each part percent-encoded on its own.
    pub(super) fn header(&self) -> String {
        joined(&self.0)
    }

    /// The class of the member.
    pub(super) fn class(&self) -> &str {
        self.0.get(1).map(String::as_str).unwrap_or_default()
    }
}

impl ServiceId {
    /// Its parts, one segment of the path each.
    pub(super) fn segments(&self) -> &[String] {
        &self.0
    }
}

impl PartyId {
    /// An organization of a class, by a code that is known to name it.
    pub(super) fn new(class: &str, code: &str) -> Self {
        Self {
            class: class.to_owned(),
            code: code.to_owned(),
        }
    }

    /// As headers write it.
    pub(super) fn header(&self) -> String {
        format!("{}/{}", encoded(&self.class), encoded(&self.code))
    }
}

impl FromStr for ClientId {
    type Err = NoIdentifier;

    fn from_str(text: &str) -> Result<Self, NoIdentifier> {
        parts(text, 3, 4, "INSTANCE/CLASS/MEMBER or INSTANCE/CLASS/MEMBER/SUBSYSTEM").map(Self)
    }
}

impl FromStr for ServiceId {
    type Err = NoIdentifier;

    fn from_str(text: &str) -> Result<Self, NoIdentifier> {
        let form = "INSTANCE/CLASS/MEMBER/SERVICE or INSTANCE/CLASS/MEMBER/SUBSYSTEM/SERVICE";
        parts(text, 4, 5, form).map(Self)
    }
}

impl FromStr for PartyId {
    type Err = NoIdentifier;

    fn from_str(text: &str) -> Result<Self, NoIdentifier> {
        match parts(text, 2, 2, "CLASS/CODE")?.as_slice() {
            [class, code] => Ok(Self::new(class, code)),
            _ => Err(NoIdentifier::Parts("CLASS/CODE")),
        }
    }
}

fn parts(text: &str, least: usize, most: usize, form: &'static str) -> Result<Vec<String>, NoIdentifier> {
    let parts: Vec<String> = text.split('/').map(str::to_owned).collect();
    if !(least..=most).contains(&parts.len()) {
        return Err(NoIdentifier::Parts(form));
    }
    let sound = |part: &String| {
        !part.is_empty()
            && part.chars().count() <= PART_MAX
            && part != "."
            && part != ".."
            && !part
                .chars()
                .any(|letter| ":;/\\%\u{feff}\u{200b}".contains(letter) || letter.is_control())
    };
    if parts.iter().all(sound) {
        Ok(parts)
    } else {
        Err(NoIdentifier::Part)
    }
}

fn joined(parts: &[String]) -> String {
    let parts: Vec<String> = parts.iter().map(|part| encoded(part)).collect();
    parts.join("/")
}

/// UTF-8 percent-encoded but for the unreserved characters of RFC 3986.
pub(super) fn encoded(part: &str) -> String {
    let mut text = String::with_capacity(part.len());
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // writing to a String never fails
            let _written = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_have_their_parts_and_no_forbidden_character() {
        let client: ClientId = "CN-AH/GOV/340321/一门 hall".parse().expect("client");
        assert_eq!(client.header(), "CN-AH/GOV/340321/%E4%B8%80%E9%97%A8%20hall");
        assert_eq!(client.class(), "GOV");
        assert!("CN-AH/GOV/340321".parse::<ClientId>().is_ok());
        assert!("CN-AH/GOV/340321/cases".parse::<ServiceId>().is_ok());
        assert!("GOV/340321".parse::<PartyId>().is_ok());
        for bad in ["", "A/B", "A/B/C/D/E", "A//C", "A/../C", "A/B/C%2F", "A/B/C:D", "A/B/C\\", "A/B/C\n"] {
            assert!(bad.parse::<ClientId>().is_err(), "{bad:?}");
        }
    }
}
