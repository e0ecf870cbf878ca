//! The resident identity number (公民身份号码), GB 11643-1999.

use std::fmt;

use chrono::NaiveDate;

use super::{IdentifierError, check_shape};
use crate::mask;

const LENGTH: usize = 18;
const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHECK_CHARACTERS: [char; 11] = ['1', '0', 'X', '9', '8', '7', '6', '5', '4', '3', '2'];

/// A checked resident identity number: 17 digits and a check character, upper case. Personal data: Debug masks it.
#[derive(Clone, PartialEq, Eq)]
pub struct ResidentId {
    text: String,
    birth_date: NaiveDate,
}

impl ResidentId {
    /// Checks 18 characters; a lower-case `x` is accepted. `today` is the date in Beijing.
    ///
    /// The division inside is not looked up: codes die, numbers live on.
    ///
    /// # Errors
    /// Full width, length, a wrong character, a birth date that does not exist or lies after `today`, a wrong
    /// check character.
    pub fn parse(text: &str, today: NaiveDate) -> Result<Self, IdentifierError> {
        check_shape(text, LENGTH)?;
        let text = text.to_ascii_uppercase();
        let (body, check) = text
            .split_at_checked(LENGTH - 1)
            .ok_or(IdentifierError::Character)?;
        if !body.bytes().all(|byte| byte.is_ascii_digit()) || !check.bytes().all(is_check_byte) {
            return Err(IdentifierError::Character);
        }
        let birth_date = birth_date(body)?;
        if birth_date > today {
            return Err(IdentifierError::FutureDate);
        }
        if check.chars().next() != check_character(body) {
            return Err(IdentifierError::CheckCharacter);
        }
        Ok(Self { text, birth_date })
    }

    /// Completes a number of the first generation (15 digits, void since 2013 but still on old papers) to 18
    /// characters. Its two-digit year is read as 19yy, as the standard does.
    ///
    /// # Errors
    /// As [`ResidentId::parse`], with a length of 15.
    pub fn from_15_digits(text: &str, today: NaiveDate) -> Result<Self, IdentifierError> {
        check_shape(text, 15)?;
        let (division, rest) = text.split_at_checked(6).ok_or(IdentifierError::Character)?;
        let body = format!("{division}19{rest}");
        let check = check_character(&body).ok_or(IdentifierError::Character)?;
        Self::parse(&format!("{body}{check}"), today)
    }

    /// The whole number, for sealing, comparing and sending on; never for a log or an error.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// The number as screens and lists show it: first three and last two characters.
    #[must_use]
    pub fn masked(&self) -> String {
        mask::resident_id(&self.text)
    }

    /// The birth date inside.
    #[must_use]
    pub const fn birth_date(&self) -> NaiveDate {
        self.birth_date
    }
}

impl fmt::Debug for ResidentId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("ResidentId(***)")
    }
}

const fn is_check_byte(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b'X'
}

fn birth_date(body: &str) -> Result<NaiveDate, IdentifierError> {
    let part = |from: usize, to: usize| body.get(from..to).and_then(|digits| digits.parse::<u32>().ok());
    let year = part(6, 10).and_then(|year| i32::try_from(year).ok());
    match (year, part(10, 12), part(12, 14)) {
        (Some(year), Some(month), Some(day)) => {
            NaiveDate::from_ymd_opt(year, month, day).ok_or(IdentifierError::NoSuchDate)
        }
        _ => Err(IdentifierError::Character),
    }
}

/// ISO 7064 MOD 11-2 over 17 digits; `None` when one is no digit.
fn check_character(body: &str) -> Option<char> {
    let mut sum: u32 = 0;
    for (digit, weight) in body.chars().zip(WEIGHTS) {
        sum += digit.to_digit(10)? * weight;
    }
    usize::try_from(sum % 11)
        .ok()
        .and_then(|index| CHECK_CHARACTERS.get(index).copied())
}
