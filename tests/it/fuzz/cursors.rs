//! Cursors: no text panics, what is accepted is short and means the same again, and no other list's cursor is taken.

use chrono::DateTime;
use onedoor_domain::feed::FeedCursor;
use onedoor_domain::page::{KeyPart, PageArgs, PageRequest, Position};
use proptest::prelude::*;
use uuid::Uuid;

use super::near::{near, tries};

/// `[1,"audit.at",[{"i":1764400000000000},{"u":"0190…"}]]` and others, in base64url.
const GOOD: &[&str] = &[
    "WzEsImF1ZGl0LmF0IixbeyJpIjoxNzY0NDAwMDAwMDAwMDAwfSx7InUiOiIwMTkwYzBkZS0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMGNhZmUifV1d",
    "WzEsImF1ZGl0LmF0IixbeyJpIjotOTIyMzM3MjAzNjg1NDc3NTgwOH0seyJ0IjoiIn1dXQ",
    "WzIsImF1ZGl0LmF0IixbXV0",
    "bnVsbA",
    "W10",
];

fn part() -> impl Strategy<Value = KeyPart> {
    prop_oneof![
        any::<i64>().prop_map(KeyPart::Integer),
        "\\PC{0,20}".prop_map(KeyPart::Text),
        any::<u128>().prop_map(|number| KeyPart::Uuid(Uuid::from_u128(number))),
    ]
}

proptest! {
    #![proptest_config(tries(4_000, "tests/fuzz/cursors.txt"))]

    #[test]
    fn a_position_that_is_accepted_means_the_same_again(text in near(GOOD), parts in 0..4_usize) {
        if let Ok(position) = Position::decode(&text, "audit.at", parts) {
            prop_assert_eq!(position.0.len(), parts);
            prop_assert!(text.len() <= 1_024);
            let encoded = position.encode("audit.at");
            prop_assert_eq!(Position::decode(&encoded, "audit.at", parts), Ok(position));
            prop_assert!(Position::decode(&encoded, "audit.at ", parts).is_err());
            prop_assert!(Position::decode(&encoded, "audit.at", parts + 1).is_err());
        }
        let args = PageArgs { first: Some(1), last: None, after: Some(text.clone()), before: None };
        prop_assert_eq!(PageRequest::parse(&args, "audit.at", 2).is_ok(), Position::decode(&text, "audit.at", 2).is_ok());
    }

    #[test]
    fn every_position_of_ours_reads_back(parts in proptest::collection::vec(part(), 0..4)) {
        let position = Position(parts);
        let encoded = position.encode("cases.due");
        prop_assert_eq!(Position::decode(&encoded, "cases.due", position.0.len()), Ok(position));
    }

    #[test]
    fn a_cursor_of_the_feed_that_is_accepted_means_the_same_again(
        bytes in proptest::collection::vec(any::<u8>(), 0..200), told in proptest::collection::vec(1..50_i64, 0..20), cut in 0..40_usize
    ) {
        use base64::Engine as _;
        let any_text = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&bytes);
        let now = DateTime::from_timestamp(1_764_400_000, 0).unwrap();
        let mut cursor = FeedCursor::decode(&any_text).unwrap_or_else(|_| FeedCursor::at(3, now));
        for id in told {
            cursor.tell(id, now);
        }
        let text = cursor.encode();
        let read = FeedCursor::decode(&text).unwrap();
        prop_assert_eq!(read.encode(), text.clone());
        // cut anywhere it is another cursor or none, never a panic
        let cut: String = text.chars().take(cut).collect();
        if let Ok(other) = FeedCursor::decode(&cut) {
            prop_assert!(FeedCursor::decode(&other.encode()).is_ok());
        }
    }
}
