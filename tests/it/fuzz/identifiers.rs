//! Identifiers: no text panics, what is accepted has one form, and check digits are right by a second reckoning.

use std::fmt::Display;
use std::str::FromStr;

use chrono::NaiveDate;
use onedoor_domain::feed::FeedCursor;
use onedoor_domain::id::{AuditEntryId, CaseId, HandoffId};
use onedoor_domain::identifier::credit_code::CreditCode;
use onedoor_domain::identifier::division_code::DivisionCode;
use onedoor_domain::identifier::item_code::{CatalogCode, ImplementationCode};
use onedoor_domain::identifier::mobile::Mobile;
use onedoor_domain::identifier::resident_id::ResidentId;
use onedoor_domain::identifier::{has_full_width, normalize};
use onedoor_domain::tracking::{TrackingCode, TrackingSecret};
use proptest::prelude::*;

use super::near::{near, tries};

const GOOD: &[&str] = &[
    "340302-261123-7KQ4M2XD-B",
    "3403022611237KQ4M2XDB",
    "34030226112300000000H",
    "7KQ4M2XD",
    "340302001001",
    "340302000000",
    "91340300MA2MQ0000X",
    "11340300003030048A",
    "91350100M000100Y43",
    "11010519491231002X",
    "440524188001010014",
    "13800138000",
    "000105012000",
    "1134030000303004843000105012000",
    "case_0190c0de00007000800000000000cafe",
    "handoff_0190c0de00007000800000000000cafe",
    "audit_0190C0DE00007000800000000000CAFE",
    "0190c0de-0000-7000-8000-00000000cafe",
];

/// What is accepted reads back from its own form as itself.
fn has_one_form<T: FromStr>(text: &str, form: impl Fn(&T) -> String) -> Result<(), TestCaseError> {
    if let Ok(read) = text.parse::<T>() {
        let written = form(&read);
        let again = written.parse::<T>().ok().map(|it| form(&it));
        prop_assert_eq!(again, Some(written), "from {}", text);
    }
    Ok(())
}

fn displayed<T: Display>(it: &T) -> String {
    it.to_string()
}

/// GB 32100-2015, 5.3: weights are powers of 3 modulo 31.
fn credit_check_holds(code: &str) -> bool {
    const LETTERS: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    let values: Option<Vec<usize>> = code.chars().map(|letter| LETTERS.find(letter)).collect();
    let Some([body @ .., check]) = values.as_deref() else {
        return false;
    };
    let mut weight = 1;
    let mut sum = 0;
    for value in body {
        sum += value * weight;
        weight = weight * 3 % 31;
    }
    body.len() == 17 && (31 - sum % 31) % 31 == *check
}

/// GB 11643-1999: ISO 7064 MOD 11-2 as its pure recursion.
fn resident_check_holds(number: &str) -> bool {
    let mut sum = 0_u32;
    for letter in number.chars().take(17) {
        let Some(digit) = letter.to_digit(10) else {
            return false;
        };
        sum = (sum + digit) * 2 % 11;
    }
    let check = (12 - sum) % 11;
    number.chars().count() == 18
        && number.ends_with(if check == 10 {
            'X'
        } else {
            char::from_digit(check, 10).unwrap()
        })
}

/// ISO 7064 MOD 37,36, as the standard writes its hybrid systems.
fn tracking_check_holds(code: &str) -> bool {
    let mut product = 36;
    let values: Vec<u32> = code.chars().filter_map(|letter| letter.to_digit(36)).collect();
    for value in &values[..values.len() - 1] {
        let sum = (product + value) % 36;
        product = (if sum == 0 { 36 } else { sum }) * 2 % 37;
    }
    values.len() == 21 && (product + values[20]) % 36 == 1
}

proptest! {
    #![proptest_config(tries(4_000, "tests/fuzz/identifiers.txt"))]

    #[test]
    fn what_is_accepted_has_one_form(text in near(GOOD)) {
        has_one_form::<TrackingCode>(&text, displayed)?;
        has_one_form::<TrackingSecret>(&text, |it| it.reveal().to_owned())?;
        has_one_form::<DivisionCode>(&text, |it| it.as_str().to_owned())?;
        has_one_form::<CreditCode>(&text, |it| it.as_str().to_owned())?;
        has_one_form::<CatalogCode>(&text, |it| it.as_str().to_owned())?;
        has_one_form::<ImplementationCode>(&text, |it| it.as_str().to_owned())?;
        has_one_form::<Mobile>(&text, |it| it.reveal().to_owned())?;
        has_one_form::<CaseId>(&text, displayed)?;
        has_one_form::<HandoffId>(&text, displayed)?;
        has_one_form::<AuditEntryId>(&text, displayed)?;
        prop_assert!(FeedCursor::decode(&text).is_err());
    }

    #[test]
    fn check_digits_are_right_by_a_second_reckoning(text in near(GOOD)) {
        let today = NaiveDate::from_ymd_opt(2026, 11, 29).unwrap();
        if let Ok(code) = text.parse::<CreditCode>() {
            prop_assert!(credit_check_holds(code.as_str()), "{}", code.as_str());
        }
        if let Ok(id) = ResidentId::parse(&text, today) {
            prop_assert!(resident_check_holds(id.reveal()), "{}", id.reveal());
            let hidden = id.masked();
            prop_assert!(!hidden.contains(&id.reveal()[6..14]), "the date of birth is masked");
        }
        if let Ok(code) = text.parse::<TrackingCode>() {
            prop_assert!(tracking_check_holds(code.as_str()), "{}", code.as_str());
        }
    }

    #[test]
    fn a_normal_form_is_normal(text in near(GOOD)) {
        let once = normalize(&text);
        prop_assert_eq!(normalize(&once), once.clone());
        prop_assert!(!has_full_width(&once), "{once:?}");
    }
}
