//! Refuses requests that a foreign page could make a browser send with the user's cookies.

use actix_web::http::header::{self, HeaderMap};

/// Headers that no form and no plain link can set, so that a browser asks first.
const PREFLIGHT_HEADERS: [&str; 3] = [
    "graphql-require-preflight",
    "apollo-require-preflight",
    "x-apollo-operation-name",
];

/// Whether a request lacks the header it needs: one that carries a cookie and no token, and any multipart.
#[must_use]
pub fn lacks_preflight(headers: &HeaderMap) -> bool {
    let multipart = headers
        .get(header::CONTENT_TYPE)
        .and_then(|it| it.to_str().ok())
        .is_some_and(|it| it.trim_start().to_ascii_lowercase().starts_with("multipart/"));
    let by_cookie = headers.contains_key(header::COOKIE) && !headers.contains_key(header::AUTHORIZATION);
    (multipart || by_cookie) && !PREFLIGHT_HEADERS.iter().any(|name| has_text(headers, name))
}

/// Whether a request that changes something by a cookie alone was made by a page of ours: with such a header, and an
/// `Origin`, which browsers put into every POST.
#[must_use]
pub fn is_ours(headers: &HeaderMap, own: &str, allowed_origins: &[String]) -> bool {
    let origin = headers.get(header::ORIGIN).and_then(|it| it.to_str().ok());
    let ours = origin.is_some_and(|it| it == own || allowed_origins.iter().any(|listed| listed == it));
    ours && PREFLIGHT_HEADERS.iter().any(|name| has_text(headers, name))
}

fn has_text(headers: &HeaderMap, name: &str) -> bool {
    headers.get(name).is_some_and(|it| !it.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn what_changes_something_comes_from_our_own_pages() {
        let ours = |pairs: &[(&'static str, &'static str)]| {
            let request = pairs
                .iter()
                .fold(TestRequest::default(), |it, pair| it.insert_header(*pair));
            let listed = ["https://portal.example".to_owned()];
            is_ours(
                request.to_http_request().headers(),
                "https://door.example",
                &listed,
            )
        };
        let header = ("graphql-require-preflight", "1");
        assert!(ours(&[("origin", "https://door.example"), header]));
        assert!(ours(&[("origin", "https://portal.example"), header]));
        assert!(!ours(&[("origin", "https://door.example")]));
        assert!(!ours(&[header]));
        for origin in [
            "https://evil.example",
            "null",
            "http://door.example",
            "https://door.example.evil",
        ] {
            assert!(!ours(&[("origin", origin), header]), "{origin}");
        }
    }

    #[test]
    fn cookies_and_multipart_need_a_header_that_forces_a_preflight() {
        let lacks = |pairs: &[(&'static str, &'static str)]| {
            let request = pairs
                .iter()
                .fold(TestRequest::default(), |it, pair| it.insert_header(*pair));
            lacks_preflight(request.to_http_request().headers())
        };
        assert!(!lacks(&[]));
        assert!(!lacks(&[("authorization", "Bearer x"), ("cookie", "a=b")]));
        assert!(lacks(&[("cookie", "a=b")]));
        assert!(lacks(&[
            ("authorization", "Bearer x"),
            ("content-type", "Multipart/form-data; boundary=x")
        ]));
        assert!(lacks(&[("cookie", "a=b"), ("graphql-require-preflight", "")]));
        for name in PREFLIGHT_HEADERS {
            assert!(!lacks(&[("cookie", "a=b"), (name, "1")]));
        }
    }
}
