//! Identity numbers as look-ups compare them: one spelling for every way in which people write the same number.
//!
//! What is compared is never the number itself but a keyed hash of [`LookupKey::material`], which names the version of
//! these rules: when they change, old rows are known and written anew.

use chrono::NaiveDate;

use crate::applicant::{Applicant, ID_NUMBER_CHARS_MAX, IdType};
use crate::identifier::normalize;
use crate::identifier::resident_id::ResidentId;
use crate::text::unprintable;

/// Version of the rules of this file; every row of the index names the one it was written by.
pub const NORMALIZATION: i16 = 1;

/// A number as it is compared. Personal data: not to be shown, logged or stored.
#[derive(Clone, PartialEq, Eq)]
pub struct LookupKey {
    id_type: IdType,
    number: String,
}

/// A number that cannot be looked for. Never holds the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("not a number of its kind")]
pub struct LookupFault;

impl LookupKey {
    /// The number that somebody typed to look for it: full-width or half-width, any case, with blanks or hyphens, a
    /// resident number of 15 or 18 characters. The check of a resident number must hold, because a slip of the finger would find nothing
    /// and use up a look.
    ///
    /// # Errors
    /// Not a number of its kind.
    pub fn typed(id_type: IdType, text: &str, today: NaiveDate) -> Result<Self, LookupFault> {
        if text.chars().count() > 2 * ID_NUMBER_CHARS_MAX {
            return Err(LookupFault);
        }
        let key = Self::of(id_type, text, today);
        let holds = match id_type {
            IdType::ResidentId => ResidentId::parse(&key.number, today).is_ok(),
            // there are certificates whose credit code fails its own check
            IdType::CreditCode
            | IdType::HongKongMacaoPermit
            | IdType::TaiwanPermit
            | IdType::ForeignPermanentResident
            | IdType::Passport
            | IdType::Other => {
                let count = key.number.chars().count();
                (1..=ID_NUMBER_CHARS_MAX).contains(&count) && !key.number.chars().any(unprintable)
            }
        };
        if holds { Ok(key) } else { Err(LookupFault) }
    }

    /// The number of an applicant as submitted; `None`: none was given.
    #[must_use]
    pub fn of_applicant(applicant: &Applicant, today: NaiveDate) -> Option<Self> {
        let number = applicant.id_number.as_deref()?;
        let key = Self::of(applicant.id_type, number, today);
        (!key.number.is_empty()).then_some(key)
    }

    /// What is hashed: version, kind and number, so that no two of them read alike.
    #[must_use]
    pub fn material(&self) -> Vec<u8> {
        let kind = match self.id_type {
            IdType::ResidentId => "RESIDENT_ID",
            IdType::HongKongMacaoPermit => "HONG_KONG_MACAO_PERMIT",
            IdType::TaiwanPermit => "TAIWAN_PERMIT",
            IdType::ForeignPermanentResident => "FOREIGN_PERMANENT_RESIDENT",
            IdType::Passport => "PASSPORT",
            IdType::CreditCode => "CREDIT_CODE",
            IdType::Other => "OTHER",
        };
        format!("applicant\0{NORMALIZATION}\0{kind}\0{}", self.number).into_bytes()
    }

    fn of(id_type: IdType, text: &str, today: NaiveDate) -> Self {
        let mut number: String = normalize(text)
            .chars()
            .filter(|letter| !is_hyphen(*letter))
            .collect::<String>()
            .to_ascii_uppercase();
        if id_type == IdType::ResidentId
            && let Ok(whole) = ResidentId::from_15_digits(&number, today)
        {
            whole.reveal().clone_into(&mut number);
        }
        Self { id_type, number }
    }
}

const fn is_hyphen(letter: char) -> bool {
    matches!(
        letter,
        '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FE63}' | '\u{2043}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::applicant::PartyKind;

    fn today() -> NaiveDate {
        "2026-03-02".parse().unwrap()
    }

    fn typed(id_type: IdType, text: &str) -> Result<Vec<u8>, LookupFault> {
        LookupKey::typed(id_type, text, today()).map(|key| key.material())
    }

    #[test]
    fn every_way_of_writing_a_number_is_the_same() {
        let plain = typed(IdType::ResidentId, "340322197803150016").unwrap();
        for text in [
            "340322197803150016",
            "３４０３２２１９７８０３１５００１６",
            " 340322 19780315 0016 ",
            "340322-19780315-0016",
            "340322–19780315—0016",
            "340322\u{3000}19780315\u{200B}0016",
            "340322780315001",
        ] {
            assert_eq!(typed(IdType::ResidentId, text).as_ref(), Ok(&plain), "{text}");
        }
        let passport = typed(IdType::Passport, "E12345678").unwrap();
        assert_eq!(typed(IdType::Passport, "ｅ1234 5678"), Ok(passport.clone()));
        assert_ne!(
            typed(IdType::Other, "E12345678"),
            Ok(passport),
            "kinds do not meet"
        );
    }

    #[test]
    fn an_x_is_an_x_in_any_case_and_width() {
        let body = "11010519491231002";
        let upper = typed(IdType::ResidentId, &format!("{body}X")).unwrap();
        for last in ["x", "Ｘ", "ｘ"] {
            assert_eq!(
                typed(IdType::ResidentId, &format!("{body}{last}")),
                Ok(upper.clone())
            );
        }
    }

    #[test]
    fn a_slip_of_the_finger_is_told() {
        for (id_type, text) in [
            (IdType::ResidentId, "340322197803150017"),
            (IdType::ResidentId, "34032219780315001"),
            (IdType::ResidentId, "340322197813150016"),
            (IdType::ResidentId, ""),
            (IdType::ResidentId, "裘稻香"),
            (IdType::CreditCode, "\u{7}"),
            (IdType::Passport, " - "),
            (IdType::Passport, "1234567890123456789012345678901"),
        ] {
            assert_eq!(typed(id_type, text), Err(LookupFault), "{text}");
        }
    }

    #[test]
    fn what_was_submitted_is_found_by_what_is_typed() {
        let applicant = |number: Option<&str>| Applicant {
            kind: PartyKind::Person,
            name: "裘稻香".to_owned(),
            id_type: IdType::ResidentId,
            id_number: number.map(str::to_owned),
            phone: None,
            contact_name: None,
        };
        let stored = LookupKey::of_applicant(&applicant(Some("11010519491231002x")), today()).unwrap();
        assert_eq!(
            Ok(stored.material()),
            typed(IdType::ResidentId, "１１０１０５－１９４９１２３１－００２Ｘ")
        );
        assert!(LookupKey::of_applicant(&applicant(None), today()).is_none());
        assert!(LookupKey::of_applicant(&applicant(Some(" ")), today()).is_none());
    }

    proptest! {
        #[test]
        fn spelling_twice_changes_nothing(text in any::<String>()) {
            let once = LookupKey::of(IdType::Other, &text, today());
            let twice = LookupKey::of(IdType::Other, &once.number, today());
            prop_assert!(once == twice);
        }
    }
}
