//! The unified social credit code (统一社会信用代码) of organizations, GB 32100-2015.

use std::fmt;
use std::str::FromStr;

use super::{IdentifierError, check_shape};

const LENGTH: usize = 18;
/// Digits and letters without I, O, S, V, Z; the place of a character is its value.
const ALPHABET: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";
const MODULUS: u32 = 31;

/// A checked unified social credit code: 18 characters, upper case. Public data of an organization.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CreditCode(String);

impl CreditCode {
    /// The 18 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CreditCode {
    type Err = IdentifierError;

    /// Checks 18 characters; lower case is accepted. The standard wants digits in the division part (3 to 8).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        check_shape(text, LENGTH)?;
        let text = text.to_ascii_uppercase();
        let division = text.get(2..8).ok_or(IdentifierError::Character)?;
        if !division.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(IdentifierError::Character);
        }
        let mut sum: u32 = 0;
        let mut weight: u32 = 1;
        let mut last: u32 = 0;
        for (place, letter) in text.chars().enumerate() {
            last = value(letter).ok_or(IdentifierError::Character)?;
            if place + 1 < LENGTH {
                sum = (sum + last * weight) % MODULUS;
                weight = weight * 3 % MODULUS;
            }
        }
        if last == (MODULUS - sum) % MODULUS {
            Ok(Self(text))
        } else {
            Err(IdentifierError::CheckCharacter)
        }
    }
}

impl fmt::Display for CreditCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

fn value(letter: char) -> Option<u32> {
    ALPHABET.find(letter).and_then(|place| u32::try_from(place).ok())
}
