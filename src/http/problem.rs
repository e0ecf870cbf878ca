//! Errors of everything that is not GraphQL, as problem+json (RFC 9457).

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use crate::error::{AppError, ErrorCode};
use crate::graphql::mask::PublicError;
use crate::http::edge::Edge;
use crate::http::head::Head;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Problem<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    code: &'static str,
    retryable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
    correlation_id: String,
}

/// Answers with an error. Logs its cause.
#[must_use]
pub fn problem(edge: &Edge, head: &Head, error: &AppError) -> HttpResponse {
    edge.metrics.rejected(error.code.as_str());
    respond(error, &head.mask().app_error(error))
}

/// The same for an error that is counted elsewhere and comes too often for the log.
#[must_use]
pub fn unlogged_problem(head: &Head, error: &AppError) -> HttpResponse {
    respond(error, &head.mask().unlogged(error))
}

fn respond(error: &AppError, public: &PublicError) -> HttpResponse {
    let status = error.code.http_status();
    let body = Problem {
        r#type: "about:blank",
        title: &public.message,
        status,
        code: error.code.as_str(),
        retryable: public.extensions.retryable,
        retry_after_ms: public.extensions.retry_after_ms,
        correlation_id: public.extensions.correlation_id.clone(),
    };
    let mut builder =
        HttpResponse::build(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    builder.insert_header((header::CONTENT_TYPE, "application/problem+json; charset=utf-8"));
    if let Some(seconds) = retry_after_s(error.code, error.retry_after_ms) {
        builder.insert_header((header::RETRY_AFTER, seconds));
    }
    if error.code == ErrorCode::NonceRequired {
        builder.insert_header((header::WWW_AUTHENTICATE, "DPoP error=\"use_dpop_nonce\""));
    }
    builder.body(serde_json::to_vec(&body).unwrap_or_default())
}

/// Whole seconds after which a retryable request may come again.
#[must_use]
pub fn retry_after_s(code: ErrorCode, retry_after_ms: Option<u64>) -> Option<u64> {
    match retry_after_ms {
        Some(delay_ms) => Some(delay_ms.div_ceil(1_000).max(1)),
        None => (code.retryable() && matches!(code.http_status(), 429 | 503)).then_some(1),
    }
}

/// Whatever has no route.
pub async fn not_found(request: HttpRequest, edge: web::Data<Edge>) -> HttpResponse {
    problem(
        &edge,
        &Head::of(&request, &edge),
        &AppError::of(ErrorCode::NotFound),
    )
}
