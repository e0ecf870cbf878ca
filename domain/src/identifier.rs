//! Identifiers that standards define: parsed once into types that cannot be wrong.
//!
//! No error here repeats the text it refuses, because most of these numbers are personal data.

pub mod credit_code;
pub mod division_code;
pub mod item_code;
pub mod mobile;
pub mod resident_id;
#[cfg(test)]
mod tests;

/// Why a text is not the identifier it should be. Never holds the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum IdentifierError {
    /// Digits or letters typed in full width: ask for half width.
    #[error("full-width characters: type digits and letters in half width")]
    FullWidth,
    /// Not the number of characters the standard asks for.
    #[error("wrong number of characters: {expected} expected")]
    Length {
        /// The number that is right.
        expected: usize,
    },
    /// A character the standard does not allow at its place.
    #[error("a character that cannot stand at its place")]
    Character,
    /// The birth date inside does not exist.
    #[error("the birth date inside does not exist")]
    NoSuchDate,
    /// The birth date inside lies in the future.
    #[error("the birth date inside lies in the future")]
    FutureDate,
    /// The check character does not fit: most likely a typing error.
    #[error("the check character does not fit")]
    CheckCharacter,
}

/// The text as a careful typist would have typed it: full-width forms in half width, no white space and no
/// invisible characters. Letters keep their case.
#[must_use]
pub fn normalize(text: &str) -> String {
    text.chars()
        .map(half_width)
        .filter(|letter| !letter.is_whitespace() && !is_invisible(*letter))
        .collect()
}

/// Whether the text holds a full-width form of an ASCII character.
#[must_use]
pub fn has_full_width(text: &str) -> bool {
    text.chars().any(|letter| half_width(letter) != letter)
}

/// Full-width forms are the ASCII block moved up; U+3000 is the space that goes with them.
fn half_width(letter: char) -> char {
    const DISTANCE: u32 = 0xFEE0;
    match letter {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(letter) - DISTANCE).unwrap_or(letter),
        '\u{3000}' => ' ',
        other => other,
    }
}

const fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{00AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}' | '\u{FEFF}')
}

/// Refuses full width first, then a wrong length: the order in which the hints help.
fn check_shape(text: &str, length: usize) -> Result<(), IdentifierError> {
    if has_full_width(text) {
        return Err(IdentifierError::FullWidth);
    }
    if text.chars().count() != length {
        return Err(IdentifierError::Length { expected: length });
    }
    if text.is_ascii() {
        Ok(())
    } else {
        Err(IdentifierError::Character)
    }
}
