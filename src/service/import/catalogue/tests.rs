//! What the catalogue's import accepts and refuses.

use onedoor_domain::id::CalendarVersionId;

use super::*;
use crate::service::import::shipped::{CATALOGUE, FORBIDDEN_CERTIFICATES};

/// Faults of a document, checked without any division: routes are not walked then.
fn faults(text: &str) -> Vec<(u64, String)> {
    let grounds = Grounds {
        directory: &Directory::default(),
        divisions: &[],
        calendar: &WorkCalendar::from_rows(CalendarVersionId::named("plain"), &[]).unwrap(),
        forbidden: forbidden(FORBIDDEN_CERTIFICATES).unwrap(),
    };
    match read(text, &grounds) {
        Err(ImportError::Faults(faults)) => faults.into_iter().map(|fault| (fault.line, fault.en)).collect(),
        Ok(_) => Vec::new(),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn the_shipped_catalogue_has_no_faults() {
    assert_eq!(faults(CATALOGUE), []);
}

#[test]
fn every_item_that_does_not_fit_is_told_with_its_line() {
    let text = CATALOGUE
        .replacen("item_type: PUBLIC_SERVICE", "item_type: PUBLIC_SERVANT", 2)
        .replacen(
            "  name_en: Minimum living allowance\n",
            "  name_eng: Minimum living allowance\n",
            1,
        );
    let told = faults(&text);
    assert_eq!(told.len(), 3, "{told:?}");
    for (name, told) in ["pension-enroll", "pension-claim", "minimum-living"]
        .iter()
        .zip(told)
    {
        let line = text
            .lines()
            .position(|line| line == format!("- id: {name}"))
            .unwrap()
            + 1;
        assert_eq!(told.0, u64::try_from(line).unwrap(), "{}", told.1);
        assert!(told.1.starts_with(name), "{}", told.1);
    }
}

#[test]
fn a_promise_that_the_steps_cannot_keep_is_refused() {
    let text = CATALOGUE.replacen(
        "  promised_limit:\n    value: 2\n",
        "  promised_limit:\n    value: 1\n",
        1,
    );
    let told = faults(&text);
    assert!(
        told[0]
            .1
            .starts_with("pension-enroll: the counted steps 2, 3 can take"),
        "{told:?}"
    );
    assert_eq!(told.len(), 1);
}

#[test]
fn a_community_certificate_on_the_forbidden_list_is_refused() {
    let forbidden = "    from_shared_data: true\n    issuer: COMMUNITY\n";
    let text = CATALOGUE
        .replacen("name_zh: 居民身份证\n", "name_zh: 健在证明\n", 1)
        .replacen("    from_shared_data: true\n", forbidden, 1);
    let told = faults(&text);
    assert!(told[0].1.contains("forbidden"), "{told:?}");
}

#[test]
fn text_that_is_not_yaml_and_an_empty_list_are_refused() {
    assert!(!faults("items: [").is_empty());
    assert_eq!(faults("items: []"), [(0, "there are no items".to_owned())]);
}
