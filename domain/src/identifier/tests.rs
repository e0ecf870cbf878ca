//! Identifiers against the shared vectors; properties of their check characters.

use chrono::NaiveDate;
use proptest::prelude::*;

use super::credit_code::CreditCode;
use super::division_code::DivisionCode;
use super::item_code::{CatalogCode, ImplementationCode, VariantCode};
use super::mobile::Mobile;
use super::resident_id::ResidentId;
use super::*;
use crate::division::Level;
use crate::vectors::{keys, texts, vectors};

fn today() -> NaiveDate {
    "2026-11-23".parse().unwrap()
}

#[test]
fn valid_resident_ids_parse_and_keep_their_text() {
    for text in texts("resident_id_valid")
        .into_iter()
        .chain(texts("resident_id_standard_samples"))
    {
        assert_eq!(ResidentId::parse(&text, today()).unwrap().reveal(), text);
    }
    for text in texts("resident_id_accept_lowercase") {
        assert_eq!(
            ResidentId::parse(&text, today()).unwrap().reveal(),
            text.to_uppercase()
        );
    }
    let born = ResidentId::parse("11010519491231002X", today())
        .unwrap()
        .birth_date();
    assert_eq!(born.to_string(), "1949-12-31");
}

#[test]
fn invalid_resident_ids_are_refused_for_their_own_reason() {
    let reason = |text: &str| ResidentId::parse(text, today()).unwrap_err();
    assert_eq!(reason("340399199002290011"), IdentifierError::NoSuchDate);
    assert_eq!(reason("340399194910010018"), IdentifierError::CheckCharacter);
    assert_eq!(
        reason("34039919491001001"),
        IdentifierError::Length { expected: 18 }
    );
    assert_eq!(reason("34039919491001001X"), IdentifierError::CheckCharacter);
    assert_eq!(reason("340399204910010018"), IdentifierError::FutureDate);
    assert_eq!(reason("３４0399194910010019"), IdentifierError::FullWidth);
    assert_eq!(reason("34039919491001001Y"), IdentifierError::Character);
    assert_eq!(reason("3403991949100100一1"), IdentifierError::Character);
    assert_eq!(reason(""), IdentifierError::Length { expected: 18 });
    for text in keys("resident_id_invalid") {
        assert!(ResidentId::parse(&text, today()).is_err());
    }
}

#[test]
fn a_birth_date_is_in_the_future_only_after_today() {
    let text = "34039920240630017X";
    assert!(ResidentId::parse(text, "2024-06-30".parse().unwrap()).is_ok());
    assert_eq!(
        ResidentId::parse(text, "2024-06-29".parse().unwrap()),
        Err(IdentifierError::FutureDate)
    );
}

#[test]
fn fifteen_digits_become_eighteen() {
    for (old, new) in vectors("resident_id_15_to_18").as_object().unwrap() {
        let completed = ResidentId::from_15_digits(old, today()).unwrap();
        assert_eq!(completed.reveal(), new.as_str().unwrap());
    }
    assert!(ResidentId::from_15_digits("340399650230128", today()).is_err());
    assert!(ResidentId::from_15_digits("34039965031512X", today()).is_err());
}

#[test]
fn credit_codes_are_checked_by_alphabet_and_check_character() {
    for text in texts("uscc_valid")
        .into_iter()
        .chain(texts("uscc_public_samples"))
    {
        assert_eq!(text.parse::<CreditCode>().unwrap().as_str(), text);
        assert_eq!(text.to_lowercase().parse::<CreditCode>().unwrap().as_str(), text);
    }
    let reason = |text: &str| text.parse::<CreditCode>().unwrap_err();
    assert_eq!(reason("91350100M000100Y44"), IdentifierError::CheckCharacter);
    assert_eq!(reason("9135O100M000100Y43"), IdentifierError::Character);
    assert_eq!(
        reason("91350100M000100Y4"),
        IdentifierError::Length { expected: 18 }
    );
    assert_eq!(reason("91350100M000100Y４"), IdentifierError::FullWidth);
    assert_eq!(keys("uscc_invalid").len(), 3, "all cases stand above");
}

#[test]
fn mobiles_are_eleven_digits_of_a_mobile_network() {
    for text in texts("mobile_valid") {
        assert_eq!(text.parse::<Mobile>().unwrap().reveal(), text);
    }
    for text in texts("mobile_invalid") {
        assert!(text.parse::<Mobile>().is_err(), "{text}");
    }
    assert_eq!("１3800138000".parse::<Mobile>(), Err(IdentifierError::FullWidth));
}

#[test]
fn division_codes_tell_their_level_and_their_parent() {
    let code = |text: &str| text.parse::<DivisionCode>().unwrap();
    let divisions = vectors("division");
    for (text, facts) in divisions.as_object().unwrap() {
        let village = code(text);
        assert_eq!(village.level_by_zeros(), Level::Village);
        let township = village.parent_by_digits().unwrap();
        let county = township.parent_by_digits().unwrap();
        let city = county.parent_by_digits().unwrap();
        for (name, found) in [("township", &township), ("county", &county), ("city", &city)] {
            if let Some(expected) = facts.get(name) {
                assert_eq!(found.as_str(), expected.as_str().unwrap(), "{name} of {text}");
            }
        }
        assert_eq!(city.level_by_zeros(), Level::City);
        let province = city.parent_by_digits().unwrap();
        assert_eq!(
            (province.as_str(), province.parent_by_digits()),
            ("340000000000", None)
        );
    }
    assert_eq!(code("340300000000").county_digits(), "340300");
    assert_eq!(code("340302001001").county_digits(), "340302");
    for text in texts("division_duplicate_across_levels") {
        assert!(
            [Level::City, Level::County].contains(&code(&text).level_by_zeros()),
            "{text} by its zeros"
        );
    }
    for wrong in ["34030200100", "34030200100A", "000000000000", "３40302001001"] {
        assert!(wrong.parse::<DivisionCode>().is_err(), "{wrong}");
    }
}

#[test]
fn an_implementation_code_holds_credit_code_level_and_catalog_code() {
    let vector = vectors("item_code");
    let code: ImplementationCode = vector["implementation_31"].as_str().unwrap().parse().unwrap();
    assert_eq!(
        code.credit_code().unwrap().as_str(),
        vector["uscc"].as_str().unwrap()
    );
    assert_eq!(
        code.level_character().unwrap().to_string(),
        vector["level_digit"].as_str().unwrap()
    );
    assert_eq!(
        code.catalog_code().unwrap().as_str(),
        vector["catalog_12"].as_str().unwrap()
    );
    let license = vectors("license_item_code");
    assert!(license["main"].as_str().unwrap().parse::<CatalogCode>().is_ok());
    assert!(license["sub"].as_str().unwrap().parse::<CatalogCode>().is_ok());
    assert!(format!("{code}01").parse::<VariantCode>().is_ok());
    assert_eq!(
        "short".parse::<CatalogCode>(),
        Err(IdentifierError::Length { expected: 12 })
    );
    assert_eq!(
        "44219980600-".parse::<CatalogCode>(),
        Err(IdentifierError::Character)
    );
}

#[test]
fn normalizing_gives_half_width_without_spaces() {
    assert_eq!(normalize("　１３８ 0013\u{200B}\t8000 "), "13800138000");
    assert_eq!(normalize("Ａｂ（１）"), "Ab(1)");
    assert_eq!(normalize("王 芳·𬀩"), "王芳·𬀩");
}

#[test]
fn debug_and_errors_never_show_the_number() {
    let id = ResidentId::parse("11010519491231002X", today()).unwrap();
    let mobile: Mobile = "13800138000".parse().unwrap();
    assert_eq!(format!("{id:?} {mobile:?}"), "ResidentId(***) Mobile(***)");
    let error = ResidentId::parse("340399194910010018", today()).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("3403"));
}

proptest! {
    #[test]
    fn no_single_wrong_digit_of_a_resident_id_passes(place in 0usize..18, digit in 0u32..10) {
        let good = "340399198808080430";
        let mut letters: Vec<char> = good.chars().collect();
        letters[place] = char::from_digit(digit, 10).unwrap();
        let changed: String = letters.into_iter().collect();
        prop_assert_eq!(ResidentId::parse(&changed, today()).is_ok(), changed == good);
    }

    #[test]
    fn no_single_wrong_character_of_a_credit_code_passes(place in 0usize..18, letter in "[0-9A-HJ-NPQRTUWXY]") {
        let good = "11340399000000019A";
        let mut letters: Vec<char> = good.chars().collect();
        letters[place] = letter.chars().next().unwrap();
        let changed: String = letters.into_iter().collect();
        prop_assert_eq!(changed.parse::<CreditCode>().is_ok(), changed == good);
    }

    #[test]
    fn any_text_is_refused_without_a_panic(text in any::<String>()) {
        prop_assert!(ResidentId::parse(&text, today()).is_err());
        prop_assert!(ResidentId::from_15_digits(&text, today()).is_err());
        prop_assert!(text.parse::<CreditCode>().is_err());
        prop_assert!(text.parse::<Mobile>().is_err());
        prop_assert!(text.parse::<DivisionCode>().is_err());
        prop_assert!(!has_full_width(&normalize(&text)));
    }
}
