//! The sample of the format, and every kind of tampering found with its reason and first bad line.

use chrono::TimeDelta;
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use LedgerFaultKind::{BadContent, BadLink, ColumnMismatch, Fork, Gap, Truncated};

fn chain() -> Uuid {
    Uuid::parse_str("01932c00-0000-7000-8000-000000000001").unwrap()
}

fn event(name: &str, at_us: i64, body: Value) -> UnsealedEvent {
    UnsealedEvent {
        name: name.to_owned(),
        at: DateTime::from_timestamp_micros(at_us).unwrap(),
        body,
    }
}

fn sealed(count: u64) -> Vec<SealedEvent> {
    let mut head = Head::empty(chain());
    let mut lines = Vec::new();
    for number in 0..count {
        let at_us = 1_795_401_000_000_000 + i64::try_from(number).unwrap();
        let line = seal(
            &head,
            &event("HANDOFF_OFFERED", at_us, json!({ "number": number })),
        )
        .unwrap();
        head = line.head();
        lines.push(line);
    }
    lines
}

fn verify(lines: &[SealedEvent]) -> Result<Head, LedgerFault> {
    verify_chain(chain(), lines, &Known::default())
}

fn fault(seq: u64, kind: LedgerFaultKind) -> Result<Head, LedgerFault> {
    Err(LedgerFault { seq, kind })
}

/// Makes the lines from `from` on consistent again, as somebody with the whole database could.
fn rehash(lines: &mut [SealedEvent], from: usize) {
    for place in from..lines.len() {
        lines[place].prev = if place == 0 {
            Digest::ZERO
        } else {
            lines[place - 1].hash
        };
        let line = &lines[place];
        lines[place].hash = line_hash(FORMAT_VERSION, line.chain, line.seq, &line.prev, &line.payload);
    }
}

#[test]
fn the_sample_of_the_format_holds() {
    let first = event(
        "SUBMITTED",
        1_795_401_000_000_000,
        json!({"division": "340302001001"}),
    );
    let first = seal(&Head::empty(chain()), &first).unwrap();
    let json = br#"{"at_us":1795401000000000,"body":{"division":"340302001001"},"name":"SUBMITTED"}"#;
    assert_eq!(first.payload, [&[1], json.as_slice()].concat());
    assert_eq!(
        first.hash.to_string(),
        "fa54501b19e5dd368d8c98104037f4d62fe2ec90c168a44ccd79d716751c15ca"
    );
    let second = seal(
        &first.head(),
        &event("ACCEPTED", 1_795_402_800_000_001, json!({})),
    )
    .unwrap();
    assert_eq!(
        second.hash.to_string(),
        "9bf4a2cf4c10209386ff4303c5e9a4dffc4fc79da1facf4d526e098fe27e2585"
    );
    assert_eq!(
        (second.seq, second.prev, second.at_us),
        (2, first.hash, 1_795_402_800_000_001)
    );
    assert_eq!(first.body(), Some(json!({"division": "340302001001"})));
    let documentation = include_str!("../ledger.rs");
    for hash in [first.hash, second.hash] {
        assert!(
            documentation.contains(&format!("hash     {hash}")),
            "the sample of the module text"
        );
    }
    assert_eq!(verify(&[first, second.clone()]), Ok(second.head()));
}

#[test]
fn a_commitment_depends_on_salt_and_value() {
    let salt: [u8; 16] = std::array::from_fn(|place| u8::try_from(place).unwrap());
    let expected = "48fe4a45b898d847f78cbb93a43802077f8a32344e7f75496c192b4ec3750cee";
    assert_eq!(commitment(&salt, "王芳".as_bytes()).to_string(), expected);
    assert_ne!(commitment(&salt, b"a"), commitment(&salt, b"b"));
    assert_ne!(commitment(&[0; 16], b"a"), commitment(&[1; 16], b"a"));
}

#[test]
fn an_event_with_a_fraction_is_not_sealed() {
    let refused = seal(&Head::empty(chain()), &event("NOTE", 0, json!({"area": 1.5})));
    assert!(matches!(
        refused,
        Err(SealError::Body(CanonicalError::NotAnInteger))
    ));
    let last = Head {
        seq: u64::MAX,
        ..Head::empty(chain())
    };
    assert!(matches!(
        seal(&last, &event("NOTE", 0, json!(null))),
        Err(SealError::Full)
    ));
}

#[test]
fn times_keep_whole_microseconds() {
    let at = DateTime::from_timestamp(1, 999).unwrap() + TimeDelta::microseconds(7);
    let line = seal(
        &Head::empty(chain()),
        &UnsealedEvent {
            at,
            ..event("NOTE", 0, json!({}))
        },
    )
    .unwrap();
    assert_eq!(line.at_us, 1_000_007);
    assert!(verify(&[line]).is_ok());
}

#[test]
fn an_empty_chain_holds_unless_more_is_known() {
    assert_eq!(verify(&[]), Ok(Head::empty(chain())));
    let known = Known {
        head: Some(sealed(1)[0].head()),
        attested: vec![],
    };
    assert_eq!(verify_chain(chain(), &[], &known), fault(1, Truncated));
}

#[test]
fn a_cut_end_is_found_by_the_head_or_by_any_receipt() {
    let lines = sealed(5);
    let by_head = Known {
        head: Some(lines[4].head()),
        attested: vec![],
    };
    let by_receipt = Known {
        head: None,
        attested: vec![lines[1].head(), lines[3].head()],
    };
    assert_eq!(verify_chain(chain(), &lines, &by_head), Ok(lines[4].head()));
    assert_eq!(verify_chain(chain(), &lines, &by_receipt), Ok(lines[4].head()));
    assert_eq!(verify_chain(chain(), &lines[..4], &by_head), fault(5, Truncated));
    assert_eq!(
        verify_chain(chain(), &lines[..2], &by_receipt),
        fault(3, Truncated)
    );
    assert_eq!(
        verify_chain(chain(), &lines[..4], &by_receipt),
        Ok(lines[3].head()),
        "nothing attests line 5"
    );
}

#[test]
fn a_line_added_behind_the_head_is_a_fork() {
    let lines = sealed(5);
    let known = Known {
        head: Some(lines[2].head()),
        attested: vec![],
    };
    assert_eq!(verify_chain(chain(), &lines, &known), fault(4, Fork));
}

#[test]
fn a_line_of_another_chain_is_found() {
    let mut lines = sealed(3);
    lines[1].chain = Uuid::nil();
    assert_eq!(verify(&lines), fault(2, ColumnMismatch));
}

#[test]
fn a_payload_of_an_unknown_format_is_found_even_when_hashed() {
    for payload in [
        b"".to_vec(),
        b"\x01".to_vec(),
        b"\x02{}".to_vec(),
        b"\x01{\"at_us\":1,\"name\":\"X\"}".to_vec(),
    ] {
        let mut lines = sealed(1);
        let version = payload.first().copied().unwrap_or_default();
        lines[0].hash = line_hash(version, chain(), 1, &Digest::ZERO, &payload);
        lines[0].payload = payload;
        assert_eq!(verify(&lines), fault(1, BadContent));
    }
}

#[test]
fn fault_words_are_those_of_the_command() {
    let fault = LedgerFault {
        seq: 4,
        kind: LedgerFaultKind::BadSignature,
    };
    assert_eq!(fault.to_string(), "BAD_SIG at line 4 of the chain");
}

fn seq_of(place: usize) -> u64 {
    u64::try_from(place).unwrap() + 1
}

proptest! {
    #[test]
    fn an_untouched_chain_holds(count in 0u64..20) {
        let lines = sealed(count);
        let head = lines.last().map_or(Head::empty(chain()), SealedEvent::head);
        let known = Known { head: Some(head), attested: lines.iter().map(SealedEvent::head).collect() };
        prop_assert_eq!(verify_chain(chain(), &lines, &known), Ok(head));
    }

    #[test]
    fn a_changed_byte_is_bad_content(count in 1u64..12, at in any::<Index>(), byte in any::<Index>(), bit in 0u8..8) {
        let mut lines = sealed(count);
        let place = at.index(lines.len());
        let byte = byte.index(lines[place].payload.len());
        lines[place].payload[byte] ^= 1 << bit;
        prop_assert_eq!(verify(&lines), fault(seq_of(place), BadContent));
    }

    #[test]
    fn a_changed_hash_or_link_is_found_where_it_stands(count in 1u64..12, at in any::<Index>(), other in any::<[u8; 32]>()) {
        let place = at.index(usize::try_from(count).unwrap());
        let mut hash = sealed(count);
        hash[place].hash = Digest::from_bytes(other);
        prop_assert_eq!(verify(&hash), fault(seq_of(place), BadContent));
        let mut link = sealed(count);
        link[place].prev = Digest::from_bytes(other);
        prop_assert_eq!(verify(&link), fault(seq_of(place), BadLink));
    }

    #[test]
    fn a_changed_column_is_a_column_mismatch(count in 1u64..12, at in any::<Index>(), shift in 1i64..1_000_000) {
        let place = at.index(usize::try_from(count).unwrap());
        let mut time = sealed(count);
        time[place].at_us += shift;
        prop_assert_eq!(verify(&time), fault(seq_of(place), ColumnMismatch));
        let mut name = sealed(count);
        name[place].name.push('X');
        prop_assert_eq!(verify(&name), fault(seq_of(place), ColumnMismatch));
    }

    #[test]
    fn a_rewritten_line_breaks_the_link_behind_it(count in 2u64..12, at in any::<Index>()) {
        let mut lines = sealed(count);
        let place = at.index(lines.len() - 1);
        let before = if place == 0 { Head::empty(chain()) } else { lines[place - 1].head() };
        lines[place] = seal(&before, &event("VOIDED", 1, json!({}))).unwrap();
        prop_assert_eq!(verify(&lines), fault(seq_of(place) + 1, BadLink));
    }

    #[test]
    fn a_rewritten_chain_is_a_fork_from_any_receipt(count in 1u64..12, at in any::<Index>(), receipt in any::<Index>()) {
        let honest = sealed(count);
        let place = at.index(honest.len());
        let mut lines = honest.clone();
        lines[place].payload = seal(&Head::empty(chain()), &event("VOIDED", 1, json!({}))).unwrap().payload;
        (lines[place].name, lines[place].at_us) = ("VOIDED".to_owned(), 1);
        rehash(&mut lines, place);
        prop_assert!(verify(&lines).is_ok(), "without a witness it cannot be found");
        let receipt = receipt.index(honest.len());
        let known = Known { head: None, attested: vec![honest[receipt].head()] };
        let found = verify_chain(chain(), &lines, &known);
        if receipt >= place {
            prop_assert_eq!(found, fault(seq_of(receipt), Fork));
        } else {
            prop_assert!(found.is_ok(), "the receipt attests what was not touched");
        }
    }

    #[test]
    fn a_deleted_line_is_a_gap_or_a_bad_link_when_renumbered(count in 2u64..12, at in any::<Index>()) {
        let mut lines = sealed(count);
        let place = at.index(lines.len() - 1);
        lines.remove(place);
        prop_assert_eq!(verify(&lines), fault(seq_of(place), Gap));
        for later in &mut lines[place..] {
            later.seq -= 1;
        }
        prop_assert_eq!(verify(&lines), fault(seq_of(place), BadLink));
    }

    #[test]
    fn an_inserted_line_is_a_fork_or_a_bad_link_when_renumbered(count in 1u64..12, at in any::<Index>()) {
        let mut lines = sealed(count);
        let place = at.index(lines.len());
        let before = if place == 0 { Head::empty(chain()) } else { lines[place - 1].head() };
        let forged = seal(&before, &event("VOIDED", 1, json!({}))).unwrap();
        lines.insert(place, forged);
        prop_assert_eq!(verify(&lines), fault(seq_of(place), Fork));
        for later in &mut lines[place + 1..] {
            later.seq += 1;
        }
        prop_assert_eq!(verify(&lines), fault(seq_of(place) + 1, BadLink));
    }

    #[test]
    fn reordered_lines_are_a_gap_or_a_bad_link_when_renumbered(count in 2u64..12, at in any::<Index>()) {
        let mut lines = sealed(count);
        let place = at.index(lines.len() - 1);
        lines.swap(place, place + 1);
        prop_assert_eq!(verify(&lines), fault(seq_of(place), Gap));
        (lines[place].seq, lines[place + 1].seq) = (seq_of(place), seq_of(place) + 1);
        prop_assert_eq!(verify(&lines), fault(seq_of(place), BadLink));
    }
}
