//! What several systems of the city do alike on the wire: Beijing time, headers, MACs, lists in one text.

use std::collections::BTreeMap;

use actix_web::HttpRequest;
use aws_lc_rs::hmac;
use chrono::{DateTime, FixedOffset, Utc};

/// Seconds that Beijing is ahead of UTC.
const BEIJING_AHEAD_S: i32 = 8 * 60 * 60;
/// The largest difference of clocks that a signature survives, milliseconds.
const SKEW_MAX_MS: i64 = 300_000;

/// An instant as a clock in Beijing shows it, in a pattern of `strftime`.
pub(super) fn beijing(at: DateTime<Utc>, pattern: &str) -> String {
    FixedOffset::east_opt(BEIJING_AHEAD_S).map_or_else(
        || at.format(pattern).to_string(),
        |offset| at.with_timezone(&offset).format(pattern).to_string(),
    )
}

/// A header; empty when it is missing.
pub(super) fn header<'a>(request: &'a HttpRequest, name: &str) -> &'a str {
    let value = request.headers().get(name);
    value.and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The token of an `Authorization` header of a scheme; empty when there is none.
pub(super) fn credentials<'a>(request: &'a HttpRequest, scheme: &str) -> &'a str {
    let (found, token) = header(request, "authorization")
        .split_once(' ')
        .unwrap_or_default();
    if found.eq_ignore_ascii_case(scheme) {
        token.trim()
    } else {
        ""
    }
}

/// The HMAC of some parts, one behind the other.
pub(super) fn mac(algorithm: hmac::Algorithm, secret: &[u8], parts: &[&[u8]]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(algorithm, secret), &parts.concat())
}

/// Whether a tag is the HMAC-SHA256 of some parts.
pub(super) fn is_mac(secret: &[u8], parts: &[&[u8]], tag: &[u8]) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    hmac::verify(&key, &parts.concat(), tag).is_ok()
}

/// Whether a time of signing, in milliseconds since 1970, is near enough.
pub(super) fn is_recent(time_ms: &str, now: DateTime<Utc>) -> bool {
    time_ms
        .parse()
        .is_ok_and(|time: i64| now.timestamp_millis().saturating_sub(time).saturating_abs() <= SKEW_MAX_MS)
}

/// Fields to be kept of an application.
pub(super) fn kept<const N: usize>(fields: [(&str, String); N]) -> BTreeMap<String, String> {
    fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// The entries of a text that has commas between them.
pub(super) fn listed(text: &str) -> Vec<String> {
    let entries = text.split(',').map(str::trim);
    entries
        .filter(|entry| !entry.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The fields of a form.
pub(super) struct Fields<'a>(pub(super) &'a [(String, String)]);

impl Fields<'_> {
    /// A field; empty when it is not there.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(found, _)| found == name)
            .map_or("", |(_, value)| value.trim())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_told_as_in_beijing_and_an_old_signature_is_none() {
        let at: DateTime<Utc> = "2026-11-23T16:02:03Z".parse().unwrap();
        assert_eq!(beijing(at, "%Y%m%d%H%M%S"), "20261124000203");
        let ms = |seconds: i64| (at.timestamp_millis() + seconds * 1_000).to_string();
        assert!(is_recent(&ms(-300), at) && is_recent(&ms(300), at));
        assert!(!is_recent(&ms(-301), at) && !is_recent("", at));
    }

    #[test]
    fn a_list_in_one_text_is_taken_apart() {
        assert_eq!(listed("id, app,,"), ["id", "app"]);
        assert!(listed("").is_empty());
    }
}
