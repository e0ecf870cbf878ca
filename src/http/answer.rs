//! A GraphQL answer, and the HTTP response it becomes.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header;
use async_graphql::Value;
use serde::Serialize;

use crate::config::http::StatusProfile;
use crate::error::ErrorCode;
use crate::graphql::documents::hash;
use crate::graphql::mask::PublicError;
use crate::http::negotiate::Media;
use crate::http::problem::retry_after_s;
use crate::http::status::{Phase, status};

/// A GraphQL answer.
#[derive(Debug, Serialize)]
pub struct Answer {
    /// Where the request ended; decides the status.
    #[serde(skip)]
    pub phase: Phase,
    /// The data; absent when execution never began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    /// The errors.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<PublicError>,
}

impl Answer {
    /// An answer without execution.
    #[must_use]
    pub const fn refused(phase: Phase, errors: Vec<PublicError>) -> Self {
        Self {
            phase,
            data: None,
            errors,
        }
    }

    /// An answer of an execution.
    #[must_use]
    pub fn executed(data: Value, errors: Vec<PublicError>) -> Self {
        let phase = match (&data, errors.is_empty()) {
            (_, true) => Phase::Complete,
            (Value::Null, false) => Phase::NoData,
            (_, false) => Phase::Partial,
        };
        Self {
            phase,
            data: Some(data),
            errors,
        }
    }

    /// The answer as JSON.
    #[must_use]
    pub fn json(&self) -> String {
        // Maps with text keys and plain numbers: there is nothing in an answer that JSON cannot say.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The answer to a POST.
    #[must_use]
    pub fn respond(&self, profile: StatusProfile, media: Media) -> HttpResponse {
        self.build(profile, media).body(self.json())
    }

    /// The answer to a GET: with an entity tag, and without a body when the caller has the same already.
    #[must_use]
    pub fn respond_cached(&self, profile: StatusProfile, media: Media, known: Option<&str>) -> HttpResponse {
        if self.phase != Phase::Complete {
            return self.respond(profile, media);
        }
        let body = self.json();
        let tag = format!("\"{}\"", hex::encode(hash(&format!("{media:?}{body}"))));
        let mut builder = self.build(profile, media);
        builder.insert_header((header::ETAG, tag.clone()));
        builder.insert_header((header::CACHE_CONTROL, "private, no-cache"));
        builder.insert_header((header::VARY, "Accept, Accept-Language, Authorization"));
        let matches = |it: &str| it.trim() == "*" || it.trim().trim_start_matches("W/") == tag;
        if known.is_some_and(|known| known.split(',').any(matches)) {
            return builder.status(StatusCode::NOT_MODIFIED).finish();
        }
        builder.body(body)
    }

    fn build(&self, profile: StatusProfile, media: Media) -> actix_web::HttpResponseBuilder {
        let number = status(profile, media, self.phase);
        let mut builder =
            HttpResponse::build(StatusCode::from_u16(number).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
        let media = if media == Media::EventStream {
            Media::Json
        } else {
            media
        };
        builder.insert_header((header::CONTENT_TYPE, media.content_type()));
        if let Phase::Transport(code) = self.phase {
            let delay_ms = self.errors.first().and_then(|it| it.extensions.retry_after_ms);
            if let Some(seconds) = retry_after_s(code, delay_ms) {
                builder.insert_header((header::RETRY_AFTER, seconds));
            }
            if code == ErrorCode::MethodNotAllowed {
                builder.insert_header((header::ALLOW, "POST"));
            }
            if code == ErrorCode::Unauthenticated {
                builder.insert_header((header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\""));
            }
            if code == ErrorCode::NonceRequired {
                builder.insert_header((header::WWW_AUTHENTICATE, "DPoP error=\"use_dpop_nonce\""));
            }
            if matches!(code, ErrorCode::PayloadTooLarge | ErrorCode::RequestTimeout) {
                // The rest of the body is not read.
                builder.force_close();
            }
        }
        builder
    }
}
