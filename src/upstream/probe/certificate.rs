//! The last day of a certificate, read from its bytes (RFC 5280 §4.1.2.5); everything else in it is TLS's to judge.

use chrono::{DateTime, NaiveDateTime, Utc};

/// Tags of DER that are met on the way.
const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Until when a certificate is valid; `None` when it cannot be read.
pub(super) fn not_after(der: &[u8]) -> Option<DateTime<Utc>> {
    let (certificate, _) = inside(der, SEQUENCE)?;
    let (to_be_signed, _) = inside(certificate, SEQUENCE)?;
    let mut rest = to_be_signed;
    if let Some((_, after)) = inside(rest, VERSION) {
        rest = after;
    }
    let (_serial, rest) = inside(rest, INTEGER)?;
    let (_algorithm, rest) = inside(rest, SEQUENCE)?;
    let (_issuer, rest) = inside(rest, SEQUENCE)?;
    let (validity, _) = inside(rest, SEQUENCE)?;
    let (_from, rest) = inside(validity, UTC_TIME).or_else(|| inside(validity, GENERALIZED_TIME))?;
    if let Some((until, _)) = inside(rest, UTC_TIME) {
        // two digits: from 50 on they are of the last century
        let text = std::str::from_utf8(until).ok()?;
        let year: u16 = text.get(..2)?.parse().ok()?;
        let century = if year < 50 { "20" } else { "19" };
        return instant(&format!("{century}{text}"));
    }
    let (until, _) = inside(rest, GENERALIZED_TIME)?;
    instant(std::str::from_utf8(until).ok()?)
}

fn instant(text: &str) -> Option<DateTime<Utc>> {
    let read = NaiveDateTime::parse_from_str(text, "%Y%m%d%H%M%SZ").ok()?;
    Some(read.and_utc())
}

/// The content of an element of this tag, and what follows it.
fn inside(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (first, rest) = bytes.split_first()?;
    if *first != tag {
        return None;
    }
    let (length, rest) = rest.split_first()?;
    let (length, rest) = if *length < 0x80 {
        (usize::from(*length), rest)
    } else {
        let digits = usize::from(*length & 0x7f);
        if digits == 0 || digits > 4 {
            return None;
        }
        let (digits, rest) = rest.split_at_checked(digits)?;
        let length = digits.iter().try_fold(0_usize, |sum, digit| {
            sum.checked_mul(256)?.checked_add(usize::from(*digit))
        })?;
        (length, rest)
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_read_in_both_forms_and_never_from_a_torn_certificate() {
        for (year, months, shown) in [(2031, 2, "2031-02-03"), (2057, 11, "2057-11-03")] {
            let mut params = rcgen::CertificateParams::new(vec!["hr.county.example".to_owned()]).unwrap();
            params.not_after = rcgen::date_time_ymd(year, months, 3);
            let key = rcgen::KeyPair::generate().unwrap();
            let certificate = params.self_signed(&key).unwrap();
            let der = certificate.der();
            let end = not_after(der).unwrap();
            assert_eq!(end.format("%Y-%m-%d").to_string(), shown);
            for length in 0..der.len() {
                let _torn = not_after(&der[..length]);
            }
        }
        assert_eq!(not_after(b""), None);
        assert_eq!(not_after(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
    }
}
