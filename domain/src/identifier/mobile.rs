//! Mobile numbers of mainland China, 11 digits without a country code.

use std::fmt;
use std::str::FromStr;

use super::{IdentifierError, check_shape};
use crate::mask;

const LENGTH: usize = 11;

/// A mobile number: `1`, a digit from 3 to 9, nine digits. Personal data: Debug masks it.
#[derive(Clone, PartialEq, Eq)]
pub struct Mobile(String);

impl Mobile {
    /// The whole number, for sealing and sending on; never for a log or an error.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The number as screens and lists show it: `138****8000`.
    #[must_use]
    pub fn masked(&self) -> String {
        mask::phone(&self.0)
    }
}

impl FromStr for Mobile {
    type Err = IdentifierError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        check_shape(text, LENGTH)?;
        let network = text.get(..2).ok_or(IdentifierError::Character)?;
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        if digits && ("13".."20").contains(&network) {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdentifierError::Character)
        }
    }
}

impl fmt::Debug for Mobile {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Mobile(***)")
    }
}
