//! Table of what meets a material, by form, channel and trust.

use super::*;

fn material(code: &str, form: MaterialForm) -> Material {
    Material {
        code: code.to_owned(),
        name_zh: format!("{code}名"),
        name_en: format!("{code} name"),
        form,
        required: true,
        defer_allowed: false,
        from_shared_data: false,
        produced_by: None,
        issuer: None,
    }
}

fn entry(code: &str, trust: Trust, originals: u32) -> MaterialEntry {
    MaterialEntry {
        code: code.to_owned(),
        trust,
        originals,
        note: None,
        documents: Vec::new(),
    }
}

fn codes(faults: &[MaterialFault]) -> Vec<MaterialFaultCode> {
    faults.iter().map(|fault| fault.code).collect()
}

#[test]
fn what_meets_a_required_material_by_form_channel_and_trust() {
    use Channel::{Kiosk, Online, Window};
    use MaterialFaultCode::{NotMet, TrustNotPossible};
    use MaterialForm::{Copy, Original, OriginalCheck};
    // Answers for trust A, B, C, D without an original, then D with one.
    let rows = [
        (
            Original,
            Window,
            [None, Some(NotMet), Some(NotMet), Some(NotMet), None],
        ),
        (
            OriginalCheck,
            Window,
            [None, Some(NotMet), Some(NotMet), Some(NotMet), None],
        ),
        (Copy, Window, [None, None, None, Some(NotMet), None]),
        (
            Original,
            Kiosk,
            [Some(TrustNotPossible), Some(TrustNotPossible), None, None, None],
        ),
        (
            OriginalCheck,
            Online,
            [Some(TrustNotPossible), Some(TrustNotPossible), None, None, None],
        ),
        (
            Copy,
            Kiosk,
            [Some(TrustNotPossible), Some(TrustNotPossible), None, None, None],
        ),
    ];
    let columns = [
        (Trust::A, 0),
        (Trust::B, 0),
        (Trust::C, 0),
        (Trust::D, 0),
        (Trust::D, 1),
    ];
    for (form, channel, expected) in rows {
        for ((trust, originals), want) in columns.into_iter().zip(expected) {
            let verdict = check_materials(&[material("id", form)], &[entry("id", trust, originals)], channel);
            assert_eq!(
                codes(&verdict.faults),
                want.into_iter().collect::<Vec<_>>(),
                "{form:?} at {channel:?} with {trust:?} and {originals} originals"
            );
        }
    }
}

#[test]
fn everything_missing_is_told_at_once_with_what_to_bring() {
    let asked = [
        material("id", MaterialForm::OriginalCheck),
        material("hk", MaterialForm::Copy),
    ];
    let verdict = check_materials(&asked, &[], Channel::Window);
    assert_eq!(codes(&verdict.faults), [MaterialFaultCode::Missing; 2]);
    assert_eq!(verdict.faults[0].material.as_deref(), Some("id"));
    assert_eq!(verdict.faults[0].path(), ["materials"]);
    assert_eq!(
        verdict.faults[0].message_zh,
        "缺少必要材料“id名”（原件核验）：须出示原件核验，请填写原件份数。"
    );
    assert_eq!(
        verdict.faults[1].message_en,
        "A required material is missing: hk name (copy): hand in or upload a copy, or show the original to copy from."
    );
}

#[test]
fn generated_produced_and_optional_materials_are_not_demanded() {
    let asked = [
        material("app", MaterialForm::Generated),
        Material {
            produced_by: Some("DISCUSS_AND_PUBLICIZE".to_owned()),
            ..material("vill", MaterialForm::Original)
        },
        Material {
            required: false,
            ..material("photo", MaterialForm::Original)
        },
    ];
    assert_eq!(
        check_materials(&asked, &[], Channel::Window),
        MaterialVerdict::default()
    );
    let brought = [entry("app", Trust::D, 0), entry("photo", Trust::D, 0)];
    assert_eq!(
        check_materials(&asked, &brought, Channel::Window),
        MaterialVerdict::default()
    );
}

#[test]
fn a_minor_material_that_is_absent_is_told_but_does_not_stand_against_submitting() {
    let asked = [Material {
        defer_allowed: true,
        ..material("bankc", MaterialForm::Copy)
    }];
    let verdict = check_materials(&asked, &[], Channel::Kiosk);
    assert!(verdict.faults.is_empty());
    assert_eq!(codes(&verdict.deferrable), [MaterialFaultCode::Missing]);
}

#[test]
fn unknown_codes_and_duplicates_are_refused_without_echo() {
    let asked = [material("id", MaterialForm::OriginalCheck)];
    let given = [
        entry("CANARY-340399194910010019", Trust::C, 0),
        entry("id", Trust::C, 0),
        entry("id", Trust::C, 0),
    ];
    let verdict = check_materials(&asked, &given, Channel::Online);
    assert_eq!(
        codes(&verdict.faults),
        [MaterialFaultCode::Unknown, MaterialFaultCode::Duplicate]
    );
    assert_eq!(verdict.faults[1].path(), ["materials", "2"]);
    assert!(!format!("{verdict:?}").contains("CANARY"));
}

#[test]
fn bounds_hold() {
    let asked = [material("id", MaterialForm::OriginalCheck)];
    let crowd: Vec<_> = (0..=ENTRIES_MAX)
        .map(|n| entry(&n.to_string(), Trust::C, 0))
        .collect();
    assert_eq!(
        codes(&check_materials(&asked, &crowd, Channel::Window).faults),
        [MaterialFaultCode::OutOfBounds]
    );
    let bad = [
        MaterialEntry {
            note: Some("字".repeat(NOTE_CHARS_MAX + 1)),
            ..entry("id", Trust::C, 0)
        },
        MaterialEntry {
            note: Some("a\u{1b}@b".to_owned()),
            ..entry("id", Trust::C, 0)
        },
        entry("id", Trust::B, ORIGINALS_MAX + 1),
        MaterialEntry {
            documents: vec![
                Document {
                    id: None,
                    sha256: Digest::ZERO,
                    size_bytes: 1
                };
                DOCUMENTS_MAX + 1
            ],
            ..entry("id", Trust::C, 0)
        },
    ];
    for one in bad {
        let verdict = check_materials(&asked, &[one], Channel::Online);
        assert_eq!(codes(&verdict.faults), [MaterialFaultCode::OutOfBounds]);
    }
}
