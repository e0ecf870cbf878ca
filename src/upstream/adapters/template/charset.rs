//! Text in the charsets of municipal systems: UTF-8, GBK and GB 18030, both ways and without loss.

use encoding_rs::{Encoding, GB18030, GBK, UTF_8};

use crate::upstream::wire::WireAnswer;

/// A charset an upstream may speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Charset {
    /// UTF-8.
    #[default]
    Utf8,
    /// GBK, as GB 2312 is read too.
    Gbk,
    /// GB 18030, which has every character.
    Gb18030,
}

/// How a character that the charset lacks can still be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fallback {
    /// `\uXXXX`.
    Json,
    /// `&#xXXXX;`.
    Xml,
    /// Not at all: a substitute would put a false name on record.
    None,
}

impl Charset {
    /// A charset by a name that headers and configurations use.
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" | "us-ascii" => Some(Self::Utf8),
            "gbk" | "gb2312" | "cp936" => Some(Self::Gbk),
            "gb18030" => Some(Self::Gb18030),
            _ => None,
        }
    }

    /// Its name in a content type.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Gbk => "gbk",
            Self::Gb18030 => "gb18030",
        }
    }

    const fn encoding(self) -> &'static Encoding {
        match self {
            Self::Utf8 => UTF_8,
            Self::Gbk => GBK,
            Self::Gb18030 => GB18030,
        }
    }

    /// Puts a text into bytes; `None` when a character can be written in no way.
    pub(super) fn encode(self, text: &str, fallback: Fallback) -> Option<Vec<u8>> {
        let (bytes, _, lossy) = self.encoding().encode(text);
        if !lossy {
            return Some(bytes.into_owned());
        }
        let mut bytes = Vec::with_capacity(text.len());
        for letter in text.chars() {
            self.encode_letter(letter, fallback, &mut bytes)?;
        }
        Some(bytes)
    }

    fn encode_letter(self, letter: char, fallback: Fallback, bytes: &mut Vec<u8>) -> Option<()> {
        let mut buffer = [0; 4];
        let (encoded, _, lossy) = self.encoding().encode(letter.encode_utf8(&mut buffer));
        if !lossy {
            bytes.extend_from_slice(&encoded);
            return Some(());
        }
        match fallback {
            Fallback::Json => {
                let mut units = [0; 2];
                for unit in letter.encode_utf16(&mut units) {
                    bytes.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
                }
            }
            Fallback::Xml => bytes.extend_from_slice(format!("&#x{:x};", u32::from(letter)).as_bytes()),
            Fallback::None => return None,
        }
        Some(())
    }

    /// Reads bytes as text, a byte order mark removed; `None` when they are not in this charset: read with
    /// replacement characters they would put false names on record.
    pub(super) fn decode(self, bytes: &[u8]) -> Option<String> {
        let text = self
            .encoding()
            .decode_without_bom_handling_and_without_replacement(bytes)?;
        Some(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned())
    }

    /// The text of an answer: in the charset its header names, else in this one.
    pub(super) fn text_of(self, answer: &WireAnswer) -> Option<String> {
        match answer.charset() {
            Some(name) => Self::parse(&name)?.decode(&answer.body),
            None => self.decode(&answer.body),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_gbk_come_back_as_they_went() {
        let bytes = Charset::Gbk.encode("蚌埠市", Fallback::None).unwrap();
        assert_eq!(bytes, b"\xb0\xf6\xb2\xba\xca\xd0");
        assert_eq!(Charset::Gbk.decode(&bytes).as_deref(), Some("蚌埠市"));
        assert_eq!(Charset::Utf8.decode(&bytes), None);
    }

    #[test]
    fn a_rare_character_is_escaped_and_never_replaced() {
        // U+30EDE, in use for 𰻞, is in GB 18030 and not in GBK.
        let name = "𰻞";
        let bytes = Charset::Gb18030.encode(name, Fallback::None).unwrap();
        assert_eq!(Charset::Gb18030.decode(&bytes).as_deref(), Some(name));
        assert_eq!(Charset::Gbk.encode(name, Fallback::None), None);
        assert_eq!(
            Charset::Gbk.encode(name, Fallback::Json).unwrap(),
            br"\ud883\udede"
        );
        assert_eq!(Charset::Gbk.encode(name, Fallback::Xml).unwrap(), b"&#x30ede;");
    }
}
