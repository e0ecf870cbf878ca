//! Applicants that can and cannot be.

use super::*;

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 23).unwrap()
}

fn person() -> Applicant {
    Applicant {
        kind: PartyKind::Person,
        name: "王芳".to_owned(),
        id_type: IdType::ResidentId,
        id_number: Some("340399194910010019".to_owned()),
        phone: Some("13800138000".to_owned()),
        contact_name: None,
    }
}

fn company() -> Applicant {
    Applicant {
        kind: PartyKind::Organization,
        name: "蚌埠某某食品有限公司".to_owned(),
        id_type: IdType::CreditCode,
        id_number: Some("91350100M000100Y43".to_owned()),
        phone: Some("19900000000".to_owned()),
        contact_name: Some("欧阳𬀩".to_owned()),
    }
}

fn check(applicant: Applicant) -> ApplicantVerdict {
    check_applicant(applicant, ApplicantKind::Both, CaseKind::Case, today())
}

fn found(applicant: Applicant) -> Vec<(ApplicantField, ApplicantFaultCode)> {
    check(applicant)
        .faults
        .iter()
        .map(|fault| (fault.field, fault.code))
        .collect()
}

#[test]
fn real_names_and_numbers_pass_and_names_are_kept_as_written() {
    for name in [
        "王芳",
        "阿卜杜拉·买买提",
        "欧阳𬀩",
        "㛃",
        "葛\u{E0100}城",
        "\u{FA10}田",
    ] {
        let verdict = check(Applicant {
            name: name.to_owned(),
            ..person()
        });
        assert!(verdict.faults.is_empty() && verdict.warnings.is_empty());
        assert_eq!(verdict.applicant.name, name);
    }
    assert!(found(company()).is_empty());
}

#[test]
fn names_are_counted_as_people_do_but_stay_bounded() {
    let long = |name: String| found(Applicant { name, ..person() });
    assert!(long("𬀩".repeat(50)).is_empty());
    assert_eq!(
        long("𬀩".repeat(51)),
        [(ApplicantField::Name, ApplicantFaultCode::TooLong)]
    );
    let zalgo = format!("王{}", "\u{301}".repeat(500));
    assert_eq!(long(zalgo), [(ApplicantField::Name, ApplicantFaultCode::TooLong)]);
    assert_eq!(
        long("  ".to_owned()),
        [(ApplicantField::Name, ApplicantFaultCode::Required)]
    );
    for hidden in ["王\u{1b}芳", "王\u{202E}芳", "王\n芳"] {
        assert_eq!(
            long(hidden.to_owned()),
            [(ApplicantField::Name, ApplicantFaultCode::ControlCharacter)]
        );
    }
}

#[test]
fn a_resident_number_must_be_valid_and_is_kept_in_capitals() {
    let numbered = |number: &str| Applicant {
        id_number: Some(number.to_owned()),
        ..person()
    };
    let verdict = check(numbered(" 34039919700215001x "));
    assert!(verdict.faults.is_empty());
    assert_eq!(verdict.applicant.id_number.as_deref(), Some("34039919700215001X"));
    for bad in [
        "340399199002290011",
        "340399194910010018",
        "340399204910010018",
        "３４0399194910010019",
        "1",
    ] {
        assert_eq!(
            found(numbered(bad)),
            [(ApplicantField::IdNumber, ApplicantFaultCode::Identifier)],
            "{bad}"
        );
    }
    let none = Applicant {
        id_number: None,
        ..person()
    };
    assert_eq!(
        found(none.clone()),
        [(ApplicantField::IdNumber, ApplicantFaultCode::Required)]
    );
    assert!(
        check_applicant(none, ApplicantKind::Person, CaseKind::Grid, today())
            .faults
            .is_empty()
    );
}

#[test]
fn a_doubtful_credit_code_warns_only() {
    let verdict = check(Applicant {
        id_number: Some("91350100M000100Y44".to_owned()),
        ..company()
    });
    assert!(verdict.faults.is_empty());
    assert_eq!(verdict.warnings.len(), 1);
    assert_eq!(verdict.warnings[0].path(), ["applicant", "idNumber"]);
}

#[test]
fn phones_kinds_and_documents_must_fit() {
    for bad in ["12800138000", "1380013800", "+8613800138000", "013800138000"] {
        let faults = found(Applicant {
            phone: Some(bad.to_owned()),
            ..person()
        });
        assert_eq!(faults, [(ApplicantField::Phone, ApplicantFaultCode::Phone)]);
    }
    let only = |applicant, admitted| check_applicant(applicant, admitted, CaseKind::Case, today()).faults;
    let refused = only(person(), ApplicantKind::Organization);
    assert_eq!(refused[0].code, ApplicantFaultCode::KindNotAdmitted);
    assert_eq!(
        refused[0].message_zh,
        "申请人类型：本事项仅受理法人或其他组织的申请。"
    );
    assert_eq!(
        refused[0].message_en,
        "Kind of applicant: this item is for organizations only."
    );
    assert_eq!(
        only(company(), ApplicantKind::Person)[0].code,
        ApplicantFaultCode::KindNotAdmitted
    );
    let mixed = Applicant {
        id_type: IdType::Passport,
        ..company()
    };
    assert_eq!(
        found(mixed),
        [(ApplicantField::IdType, ApplicantFaultCode::IdTypeMismatch)]
    );
}

#[test]
fn nothing_personal_shows_in_debug_or_messages() {
    let canary = Applicant {
        name: "CANARY\u{1b}".to_owned(),
        id_number: Some("CANARY".to_owned()),
        phone: Some("CANARY".to_owned()),
        ..person()
    };
    let verdict = check(canary);
    assert_eq!(verdict.faults.len(), 3);
    assert!(!format!("{verdict:?}").to_uppercase().contains("CANARY"));
}
