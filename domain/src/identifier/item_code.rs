//! Codes of government service items (事项编码), GB/T 39046-2020 and the guide behind it.

use std::fmt;
use std::str::FromStr;

use super::credit_code::CreditCode;
use super::{IdentifierError, check_shape};

macro_rules! define_item_codes {
    ($($(#[$doc:meta])* $name:ident = $length:literal;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub struct $name(String);

            impl $name {
                /// How many characters it has.
                pub const LENGTH: usize = $length;

                /// The characters, letters in upper case.
                #[must_use]
                pub fn as_str(&self) -> &str {
                    &self.0
                }
            }

            impl FromStr for $name {
                type Err = IdentifierError;

                /// Checks length and alphabet only: digits and Latin letters.
                fn from_str(text: &str) -> Result<Self, Self::Err> {
                    check_shape(text, Self::LENGTH)?;
                    if text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                        Ok(Self(text.to_ascii_uppercase()))
                    } else {
                        Err(IdentifierError::Character)
                    }
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                    out.write_str(&self.0)
                }
            }
        )*
    };
}

define_item_codes! {
    /// Code of an item in the catalogue (基本编码): 12 characters.
    CatalogCode = 12;
    /// Code of an item as one organization carries it out (实施编码): credit code, level of exercise, catalog code.
    ImplementationCode = 31;
    /// Code of one variant of it (业务办理项编码): the implementation code and two characters. Kept whole, because not
    /// every province builds it so.
    VariantCode = 33;
}

impl ImplementationCode {
    /// The credit code of the organization that carries the item out.
    ///
    /// # Errors
    /// The first 18 characters are no credit code; old codes hold other numbers there.
    pub fn credit_code(&self) -> Result<CreditCode, IdentifierError> {
        self.0.get(..18).ok_or(IdentifierError::Character)?.parse()
    }

    /// The level of exercise (行使层级), one character of GB/T 39046 annex A.
    #[must_use]
    pub fn level_character(&self) -> Option<char> {
        self.0.chars().nth(18)
    }

    /// The catalog code inside.
    ///
    /// # Errors
    /// Never for a code that was parsed.
    pub fn catalog_code(&self) -> Result<CatalogCode, IdentifierError> {
        self.0.get(19..).ok_or(IdentifierError::Character)?.parse()
    }
}
