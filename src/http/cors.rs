//! Which pages of other origins may call: none, but those configured.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpResponse, web};

use crate::http::edge::Edge;

const ALLOWED_METHODS: &str = "GET, POST, PUT";
const ALLOWED_HEADERS: &str = "accept, accept-language, authorization, content-type, graphql-require-preflight, \
                               apollo-require-preflight, x-apollo-operation-name, x-correlation-id, if-none-match";
const EXPOSED_HEADERS: &str = "x-correlation-id, retry-after, etag";
/// How long browsers may keep a preflight's answer, seconds.
const PREFLIGHT_MAX_AGE_S: &str = "600";

/// Answers preflights, and lets pages of allowed origins read answers.
///
/// # Errors
/// Those of the layers inside.
pub async fn cors<B: MessageBody + 'static>(
    edge: web::Data<Edge>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let allowed = request
        .headers()
        .get(header::ORIGIN)
        .filter(|it| {
            it.to_str()
                .is_ok_and(|origin| is_listed(origin, &edge.settings.server.allowed_origins))
        })
        .cloned();
    let preflight = request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if preflight {
        let mut answer = HttpResponse::NoContent().finish();
        if allowed.is_some() {
            let headers = answer.headers_mut();
            headers.insert(
                header::ACCESS_CONTROL_ALLOW_METHODS,
                HeaderValue::from_static(ALLOWED_METHODS),
            );
            headers.insert(
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                HeaderValue::from_static(ALLOWED_HEADERS),
            );
            headers.insert(
                header::ACCESS_CONTROL_MAX_AGE,
                HeaderValue::from_static(PREFLIGHT_MAX_AGE_S),
            );
        }
        request.into_response(answer).map_into_right_body()
    } else {
        next.call(request).await?.map_into_left_body()
    };
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = allowed {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static(EXPOSED_HEADERS),
        );
    }
    Ok(response)
}

/// Whether a browser's page may open a socket here: no `Origin` (not a browser), our own origin, or a configured one.
#[must_use]
pub fn may_open_socket(headers: &HeaderMap, allowed_origins: &[String]) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return true;
    };
    let Ok(origin) = origin.to_str() else { return false };
    let host = headers.get(header::HOST).and_then(|it| it.to_str().ok());
    let own = host.is_some_and(|host| {
        let authority = origin
            .strip_prefix("https://")
            .or_else(|| origin.strip_prefix("http://"));
        authority.is_some_and(|it| it.eq_ignore_ascii_case(host))
    });
    own || is_listed(origin, allowed_origins)
}

fn is_listed(origin: &str, allowed_origins: &[String]) -> bool {
    allowed_origins.iter().any(|it| it == origin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn sockets_open_for_our_own_pages_listed_origins_and_programs() {
        let may = |origin: Option<&'static str>| {
            let request = TestRequest::default().insert_header(("host", "door.example:8080"));
            let request = match origin {
                Some(origin) => request.insert_header(("origin", origin)),
                None => request,
            };
            may_open_socket(
                request.to_http_request().headers(),
                &["https://portal.example".to_owned()],
            )
        };
        assert!(may(None));
        assert!(may(Some("http://door.example:8080")));
        assert!(may(Some("https://portal.example")));
        for foreign in [
            "http://door.example",
            "https://portal.example.evil",
            "null",
            "http://evil.example",
        ] {
            assert!(!may(Some(foreign)), "{foreign}");
        }
    }
}
