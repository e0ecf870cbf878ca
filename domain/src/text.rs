//! Which characters a text may hold that is shown, printed and passed on.

/// Characters that cannot be seen, or that change how the rest of a text is shown or printed: control
/// characters, line and paragraph separators, overrides of the writing direction, soft hyphens, tags. Joiners
/// and variation selectors are part of names and stay.
#[must_use]
pub fn unprintable(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{AD}'
                | '\u{200B}'
                | '\u{200E}'
                | '\u{200F}'
                | '\u{2028}'..='\u{202E}'
                | '\u{2060}'
                | '\u{2066}'..='\u{2069}'
                | '\u{FEFF}'
                | '\u{E0000}'..='\u{E007F}'
        )
}

#[cfg(test)]
mod tests {
    use super::unprintable;

    #[test]
    fn names_are_printable_and_commands_are_not() {
        assert!(
            !"阿卜杜拉·买买提 欧阳𬀩 㛃 葛\u{E0100} \u{FA10} a\u{200D}b O’Neil"
                .chars()
                .any(unprintable)
        );
        assert!(
            "\u{1b}\n\t\u{7f}\u{9b}\u{202e}\u{2067}\u{feff}\u{200b}\u{e0041}\u{ad}"
                .chars()
                .all(unprintable)
        );
    }
}
