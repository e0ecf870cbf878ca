//! What the outermost layer reads off every request, and adds to every answer.

use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpMessage as _, HttpRequest, web};

use crate::error::Language;
use crate::graphql::context::{CorrelationId, SourceAddr};
use crate::graphql::mask::Mask;
use crate::http::correlation::{self, CORRELATION_HEADER};
use crate::http::edge::Edge;
use crate::http::kiosk;
use crate::telemetry::traces::TRACEPARENT;

/// Who calls, as far as the head tells without asking anybody.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    /// Joins the answer and the log.
    pub correlation_id: CorrelationId,
    /// Language of the texts for people.
    pub language: Language,
    /// Where the request came from.
    pub source: SourceAddr,
}

impl Head {
    /// The head of a request that passed [`stamp`].
    #[must_use]
    pub fn of(request: &HttpRequest, edge: &Edge) -> Self {
        let known = request.extensions().get::<Self>().copied();
        known.unwrap_or_else(|| Self {
            correlation_id: correlation::correlation_id(request.headers(), edge.clock.as_ref()),
            language: correlation::language(request.headers()),
            source: correlation::source(request, &edge.settings.server.trusted_proxies),
        })
    }

    /// The same caller with a correlation id of its own, for one operation on a socket.
    #[must_use]
    pub fn renewed(&self, edge: &Edge) -> Self {
        Self {
            correlation_id: correlation::correlation_id(&HeaderMap::new(), edge.clock.as_ref()),
            ..*self
        }
    }

    /// How errors are masked for this caller.
    #[must_use]
    pub const fn mask(&self) -> Mask {
        Mask {
            language: self.language,
            correlation_id: self.correlation_id,
        }
    }
}

/// The trace that a request says it is part of; one who says it twice says nothing.
#[must_use]
pub fn traceparent(headers: &HeaderMap) -> Option<String> {
    let mut said = headers.get_all(TRACEPARENT);
    match (said.next(), said.next()) {
        (Some(one), None) => one.to_str().ok().map(str::to_owned),
        (Some(_) | None, _) => None,
    }
}

/// The outermost layer: correlation id, security headers, one count and one log line for every request.
///
/// # Errors
/// Those of the layers inside.
pub async fn stamp(
    edge: web::Data<Edge>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let began = Instant::now();
    let head = Head::of(request.request(), &edge);
    let method = request.method().clone();
    request.extensions_mut().insert(head);
    let mut response = next.call(request).await?;
    kiosk::offer_nonce(&mut response);
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&head.correlation_id.to_string()) {
        headers.insert(CORRELATION_HEADER, id);
    }
    for (name, value) in SECURITY_HEADERS {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    if edge.settings.server.public_url.starts_with("https://") {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static(HTTPS_ONLY),
        );
    }
    let status = response.status().as_u16();
    edge.metrics.answered(status, began.elapsed().as_secs_f64());
    // The path may carry a one-time ticket or a tracking code; the pattern of the route does not.
    let route = response
        .request()
        .match_pattern()
        .unwrap_or_else(|| "unknown".to_owned());
    tracing::debug!(
        http.method = %method,
        http.route = route,
        http.status = status,
        correlation.id = %head.correlation_id,
        "answered a request"
    );
    Ok(response)
}

/// For a year a browser comes back by HTTPS alone; other names of the same domain are not ours to speak for.
const HTTPS_ONLY: &str = "max-age=31536000";

/// Added where the answer does not say otherwise itself. What is no page may do nothing at all if it is opened as one.
const SECURITY_HEADERS: [(HeaderName, &str); 9] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (
        header::PERMISSIONS_POLICY,
        "accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), payment=(), usb=()",
    ),
    (header::CROSS_ORIGIN_OPENER_POLICY, "same-origin"),
    (header::CROSS_ORIGIN_EMBEDDER_POLICY, "require-corp"),
    (header::CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
];
