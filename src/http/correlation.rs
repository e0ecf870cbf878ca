//! Reads who is calling off a request's head: correlation id, language, source address.

use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use uuid::{NoContext, Timestamp, Uuid};

use crate::clock::Clock;
use crate::error::Language;
use crate::graphql::context::{CorrelationId, SourceAddr};

/// Header of the correlation id, inbound and outbound.
pub const CORRELATION_HEADER: HeaderName = HeaderName::from_static("x-correlation-id");

/// The caller's id when it is a UUID in its hyphenated form, else a new UUIDv7. Other texts are not taken over: they
/// would carry anything into the logs.
#[must_use]
pub fn correlation_id(headers: &HeaderMap, clock: &dyn Clock) -> CorrelationId {
    let given = headers.get(CORRELATION_HEADER).and_then(|it| it.to_str().ok());
    let id = given
        .filter(|it| it.len() == 36)
        .and_then(|it| Uuid::try_parse(it).ok());
    CorrelationId::from_uuid(id.unwrap_or_else(|| {
        let now = clock.now();
        let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
        Uuid::new_v7(Timestamp::from_unix(
            NoContext,
            seconds,
            now.timestamp_subsec_nanos(),
        ))
    }))
}

/// The first of Chinese and English that `Accept-Language` prefers; Chinese when it says neither.
#[must_use]
pub fn language(headers: &HeaderMap) -> Language {
    let Some(wanted) = headers
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|it| it.to_str().ok())
    else {
        return Language::Zh;
    };
    let mut best = (0_u16, Language::Zh);
    for part in wanted.split(',').take(16) {
        let mut pieces = part.split(';');
        let tag = pieces.next().unwrap_or("").trim();
        let weight = pieces
            .find_map(|it| it.trim().strip_prefix("q="))
            .map_or(1_000, thousandths);
        let primary = tag.split('-').next().unwrap_or("").to_ascii_lowercase();
        let language = match primary.as_str() {
            "zh" => Language::Zh,
            "en" => Language::En,
            _ => continue,
        };
        if weight > best.0 {
            best = (weight, language);
        }
    }
    best.1
}

/// A quality value (RFC 9110 §12.4.2) in thousandths; unreadable ones count as 0.
#[must_use]
pub fn thousandths(text: &str) -> u16 {
    let (whole, rest) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    if rest.len() > 3 || !rest.bytes().all(|it| it.is_ascii_digit()) {
        return 0;
    }
    let fraction = format!("{rest:0<3}").parse::<u16>().unwrap_or(0);
    match whole {
        "1" if fraction == 0 => 1_000,
        "0" => fraction,
        _ => 0,
    }
}

/// The caller's address: the peer, or, when the peer is a trusted proxy, the last address in `X-Forwarded-For` that is
/// not one.
#[must_use]
pub fn source(request: &HttpRequest, trusted_proxies: &[IpAddr]) -> SourceAddr {
    let peer = request
        .peer_addr()
        .map_or(IpAddr::from([0, 0, 0, 0]), |it| it.ip());
    if !trusted_proxies.contains(&peer) {
        return SourceAddr(peer);
    }
    let forwarded = request
        .headers()
        .get_all("x-forwarded-for")
        .filter_map(|it| it.to_str().ok());
    let mut hops: Vec<&str> = forwarded.flat_map(|it| it.split(',')).map(str::trim).collect();
    while let Some(hop) = hops.pop() {
        match hop.parse::<IpAddr>() {
            Ok(address) if trusted_proxies.contains(&address) => {}
            Ok(address) => return SourceAddr(address),
            Err(_) => break,
        }
    }
    SourceAddr(peer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use actix_web::test::TestRequest;

    fn request(name: &'static str, value: &'static str) -> HttpRequest {
        TestRequest::default()
            .insert_header((name, value))
            .to_http_request()
    }

    #[test]
    fn only_a_uuid_is_taken_over_as_correlation_id() {
        let given = "0190a5d1-1111-7222-8333-444455556666";
        let kept = correlation_id(request("x-correlation-id", given).headers(), &SystemClock);
        assert_eq!(kept.to_string(), given);
        for other in [
            "340321199001011234",
            "0190a5d1111172228333444455556666",
            "x y",
            "",
        ] {
            let made = correlation_id(request("x-correlation-id", other).headers(), &SystemClock);
            assert_eq!(made.uuid().get_version_num(), 7);
        }
    }

    #[test]
    fn the_preferred_of_two_languages_is_spoken_and_chinese_otherwise() {
        let spoken = |text: &'static str| language(request("accept-language", text).headers());
        assert_eq!(spoken("en-GB"), Language::En);
        assert_eq!(spoken("en;q=0.5, zh-CN;q=0.9"), Language::Zh);
        assert_eq!(spoken("fr, en;q=0.1"), Language::En);
        assert_eq!(spoken("fr"), Language::Zh);
        assert_eq!(spoken("en;q=0"), Language::Zh);
    }

    #[test]
    fn forwarded_addresses_count_only_behind_a_trusted_proxy() {
        let proxy = IpAddr::from([10, 0, 0, 9]);
        let from = |peer: [u8; 4], forwarded: &'static str| {
            let request = TestRequest::default()
                .peer_addr((peer, 1).into())
                .insert_header(("x-forwarded-for", forwarded))
                .to_http_request();
            source(&request, &[proxy]).0
        };
        assert_eq!(from([192, 0, 2, 1], "203.0.113.5"), IpAddr::from([192, 0, 2, 1]));
        assert_eq!(
            from([10, 0, 0, 9], "1.1.1.1, 203.0.113.5, 10.0.0.9"),
            IpAddr::from([203, 0, 113, 5])
        );
        assert_eq!(from([10, 0, 0, 9], "nonsense"), proxy);
    }
}
