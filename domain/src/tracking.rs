//! Tracking codes (办件编号) and their secrets (查询码): what an applicant needs to find one case again.

use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::identifier::division_code::DivisionCode;
use crate::identifier::normalize;

const CROCKFORD: [char; 32] = [
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'J', 'K', 'M',
    'N', 'P', 'Q', 'R', 'S', 'T', 'V', 'W', 'X', 'Y', 'Z',
];
const RANDOM_LENGTH: usize = 8;
const DATE_END: usize = 12;
const BODY_LENGTH: usize = 20;

/// Why a text is no tracking code or secret. Whoever asks from outside learns only that it is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TrackingError {
    /// Too short or too long.
    #[error("wrong number of characters")]
    Length,
    /// A character outside the alphabet, or no digit where a digit stands.
    #[error("a character that cannot stand at its place")]
    Character,
    /// The check character does not fit: most likely a typing error.
    #[error("the check character does not fit")]
    CheckCharacter,
}

/// A tracking code: 6 digits of the division, yymmdd, 8 Crockford base-32 characters, a check character.
///
/// The check character is ISO 7064 MOD 37,36 over the 20 before it. Displayed as `340302-261123-7KQ4M2XD-B`; serialized
/// without separators.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackingCode(String);

impl TrackingCode {
    /// Makes a code from the case's division, the date in Beijing and 8 random bytes (5 bits of each are used).
    ///
    /// `None`: the check character would be I, L, O or U, which people misread; draw again (4 of 36 draws).
    #[must_use]
    pub fn draw(division: &DivisionCode, date: NaiveDate, random: [u8; 8]) -> Option<Self> {
        Self::complete(&format!(
            "{}{}{}",
            division.county_digits(),
            date.format("%y%m%d"),
            crockford(random)
        ))
    }

    /// The 21 characters without separators, as stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn complete(body: &str) -> Option<Self> {
        check_character(body)
            .filter(|check| CROCKFORD.contains(check))
            .map(|check| Self(format!("{body}{check}")))
    }
}

impl FromStr for TrackingCode {
    type Err = TrackingError;

    /// Reads a code as people type it: any case, separators and spaces dropped, full width, I and L for 1, O for 0.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let code = read(text, BODY_LENGTH + 1)?;
        let (body, check) = code.split_at_checked(BODY_LENGTH).ok_or(TrackingError::Length)?;
        if !body.bytes().take(DATE_END).all(|byte| byte.is_ascii_digit()) {
            return Err(TrackingError::Character);
        }
        if check.chars().next() != check_character(body) {
            return Err(TrackingError::CheckCharacter);
        }
        Ok(Self(code))
    }
}

impl fmt::Display for TrackingCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, letter) in self.0.chars().enumerate() {
            if matches!(place, 6 | DATE_END | BODY_LENGTH) {
                out.write_str("-")?;
            }
            write!(out, "{letter}")?;
        }
        Ok(())
    }
}

impl Serialize for TrackingCode {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for TrackingCode {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// The secret beside a tracking code: 8 Crockford characters, 40 bits. With the code it is the applicant's credential
/// for that one case, so Debug hides it, nothing compares it, and only its argon2 hash is stored.
#[derive(Clone)]
pub struct TrackingSecret(String);

impl TrackingSecret {
    /// Makes a secret from 8 random bytes of a CSPRNG (5 bits of each are used).
    #[must_use]
    pub fn from_random(random: [u8; 8]) -> Self {
        Self(crockford(random))
    }

    /// The 8 characters: for the one answer that shows them and for the hash.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl FromStr for TrackingSecret {
    type Err = TrackingError;

    /// Reads a secret as people type it, like a code.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        read(text, RANDOM_LENGTH).map(Self)
    }
}

impl fmt::Debug for TrackingSecret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("TrackingSecret(***)")
    }
}

/// Eight characters, the low five bits of each byte: 256 is a multiple of 32, so none is likelier.
fn crockford(random: [u8; 8]) -> String {
    random
        .iter()
        .filter_map(|byte| CROCKFORD.get(usize::from(byte & 31)))
        .collect()
}

/// A text of Crockford characters as people type it.
pub(crate) fn read(text: &str, length: usize) -> Result<String, TrackingError> {
    // longer texts are refused before they are copied around
    if text.chars().count() > 4 * length {
        return Err(TrackingError::Length);
    }
    let mut code = String::with_capacity(length);
    for letter in normalize(text).chars() {
        match letter.to_ascii_uppercase() {
            '-' | '_' | '.' | '/' | '–' | '—' | '‐' | '−' => {}
            'I' | 'L' => code.push('1'),
            'O' => code.push('0'),
            letter if CROCKFORD.contains(&letter) => code.push(letter),
            _ => return Err(TrackingError::Character),
        }
    }
    if code.len() == length {
        Ok(code)
    } else {
        Err(TrackingError::Length)
    }
}

/// ISO 7064 MOD 37,36 (hybrid system) over digits and upper-case letters; `None` for any other character.
fn check_character(body: &str) -> Option<char> {
    const MODULUS: u32 = 36;
    let mut product = MODULUS;
    for letter in body.chars() {
        let sum = (product + letter.to_digit(MODULUS)?) % MODULUS;
        product = (if sum == 0 { MODULUS } else { sum }) * 2 % (MODULUS + 1);
    }
    let check = (MODULUS + 1 - product) % MODULUS;
    char::from_digit(check, MODULUS).map(|letter| letter.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn longhu() -> DivisionCode {
        "340302001001".parse().unwrap()
    }

    fn date() -> NaiveDate {
        "2026-11-23".parse().unwrap()
    }

    #[test]
    fn check_characters_give_the_vectors() {
        for (body, check) in [
            ("3403022611237KQ4M2XD", 'B'),
            ("34030226112300000000", 'H'),
            ("340302261123ZZZZZZZZ", '9'),
            ("3403022611238H3V9TRB", 'Z'),
        ] {
            assert_eq!(check_character(body), Some(check), "{body}");
            assert_eq!(
                format!("{body}{check}").parse::<TrackingCode>().unwrap().as_str(),
                format!("{body}{check}")
            );
        }
        assert_eq!(check_character("340302261123A1B2C3D4"), Some('I'));
        assert_eq!(TrackingCode::complete("340302261123A1B2C3D4"), None, "draw again");
        assert_eq!(
            "340302261123A1B2C3D4I".parse::<TrackingCode>(),
            Err(TrackingError::CheckCharacter)
        );
    }

    #[test]
    fn a_code_is_drawn_from_county_date_and_bytes_and_shown_in_groups() {
        let code = TrackingCode::draw(&longhu(), date(), [7, 19, 23, 4, 20, 2, 29, 13]).unwrap();
        assert_eq!(code.to_string(), "340302-261123-7KQ4M2XD-B");
        let high_bits = TrackingCode::draw(&longhu(), date(), [39, 51, 55, 36, 52, 34, 61, 45]).unwrap();
        assert_eq!(code, high_bits, "five bits of each byte are used");
        let city: DivisionCode = "340300000000".parse().unwrap();
        assert!(
            TrackingCode::draw(&city, date(), [0; 8])
                .is_none_or(|code| code.as_str().starts_with("340300261123"))
        );
    }

    #[test]
    fn codes_are_read_as_people_type_them() {
        let code: TrackingCode = "340302-261123-7KQ4M2XD-B".parse().unwrap();
        for typed in [
            "3403022611237kq4m2xdb",
            " 340302 261123 7KQ4 M2XD B ",
            "34o3o226ii237kq4m2xdb",
            "34O3O226L1237KQ4M2XD.B",
            "３４０３０２－２６１１２３－７ＫＱ４Ｍ２ＸＤ－Ｂ",
        ] {
            assert_eq!(typed.parse(), Ok(code.clone()), "{typed}");
        }
        assert_eq!(
            "340302-261123-7KQ4M2XD-C".parse::<TrackingCode>(),
            Err(TrackingError::CheckCharacter)
        );
        assert_eq!(
            "340302-261123-7KQ4M2XD".parse::<TrackingCode>(),
            Err(TrackingError::Length)
        );
        assert_eq!(
            "340302-261123-7KQ4M2XU-B".parse::<TrackingCode>(),
            Err(TrackingError::Character)
        );
        assert_eq!(
            "34030A-261123-7KQ4M2XD-B".parse::<TrackingCode>(),
            Err(TrackingError::Character)
        );
        assert_eq!(
            "3".repeat(10_000).parse::<TrackingCode>(),
            Err(TrackingError::Length)
        );
    }

    #[test]
    fn a_secret_is_read_like_a_code_and_never_printed() {
        let secret = TrackingSecret::from_random([0, 1, 10, 18, 31, 32, 255, 16]);
        assert_eq!(secret.reveal(), "01AJZ0ZG");
        assert_eq!(
            "oi aj-z0 zg".parse::<TrackingSecret>().unwrap().reveal(),
            "01AJZ0ZG"
        );
        assert_eq!(format!("{secret:?}"), "TrackingSecret(***)");
        assert_eq!(
            "01AJZ0Z".parse::<TrackingSecret>().unwrap_err(),
            TrackingError::Length
        );
        assert_eq!(
            "01AJZ0ZU".parse::<TrackingSecret>().unwrap_err(),
            TrackingError::Character
        );
    }

    proptest! {
        #[test]
        fn every_drawn_code_reads_back(random in any::<[u8; 8]>()) {
            if let Some(code) = TrackingCode::draw(&longhu(), date(), random) {
                let json = serde_json::to_string(&code).unwrap();
                prop_assert_eq!(serde_json::from_str::<TrackingCode>(&json).unwrap(), code.clone());
                prop_assert_eq!(code.to_string().to_lowercase().parse::<TrackingCode>(), Ok(code));
            }
        }

        #[test]
        fn one_wrong_character_never_passes(
            random in any::<[u8; 8]>(), place in 0usize..21, letter in 0usize..32
        ) {
            let drawn = TrackingCode::draw(&longhu(), date(), random);
            prop_assume!(drawn.is_some());
            let code = drawn.unwrap();
            let letters: Vec<char> = code.as_str().chars().collect();
            let mut changed = letters.clone();
            changed[place] = CROCKFORD[letter];
            let changed: String = changed.into_iter().collect();
            prop_assert_eq!(changed.parse::<TrackingCode>().is_ok(), changed == code.as_str());
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in any::<String>()) {
            prop_assert!(text.parse::<TrackingCode>().is_err());
            drop(text.parse::<TrackingSecret>());
        }
    }
}
