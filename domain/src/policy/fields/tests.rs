//! The rules below the root fields, read by a person.

use super::*;

#[test]
fn a_field_stands_in_one_row() {
    for (at, (object, _, fields)) in TYPES.iter().enumerate() {
        for field in fields.split_whitespace() {
            let rows = TYPES
                .iter()
                .filter(|(name, _, fields)| {
                    name == object && fields.split_whitespace().any(|one| one == field)
                })
                .count();
            assert_eq!(rows, 1, "{object}.{field}");
            let twice = fields.split_whitespace().filter(|one| *one == field).count();
            assert_eq!(twice, 1, "{object}.{field}");
        }
        let split = TYPES.iter().skip(at + 1).any(|(name, _, _)| name == object);
        let next = TYPES.get(at + 1).is_some_and(|(name, _, _)| name == object);
        assert_eq!(split, next, "the rows of {object} stand together");
    }
}

#[test]
fn what_no_row_names_nobody_sees() {
    assert_eq!(seen("Case", "everything"), None);
    assert_eq!(seen("Dossier", "id"), None);
    assert_eq!(seen("DossierConnection", "nodes"), None);
    assert_eq!(seen("CaseConnection", "totalCount"), Some(Seen::Case));
    assert_eq!(seen("AcceptCasePayload", "case"), Some(Seen::Asker));
    assert!(Sight::ALL.iter().all(|sight| !sees("Case", "everything", *sight)));
}

#[test]
fn who_did_what_at_a_desk_is_for_offices_and_the_present_is_not_for_past_ones() {
    let who = |object, field| -> Vec<Sight> {
        let seen = |sight: &Sight| sees(object, field, *sight);
        Sight::ALL.into_iter().filter(seen).collect()
    };
    for field in ["offeredBy", "acknowledgedBy"] {
        assert_eq!(who("Handoff", field), [Sight::Office, Sight::Past]);
    }
    let told = [Sight::Applicant, Sight::Office, Sight::Past];
    assert_eq!(who("Receipt", "canonical"), told);
    let present = [Sight::Applicant, Sight::Office, Sight::Supervision, Sight::Masked];
    assert_eq!(who("Handoff", "upstreamStatus"), present);
    assert_eq!(who("TimelineEvent", "text").len(), 4);
    assert_eq!(who("Case", "status").len(), 5);
}
