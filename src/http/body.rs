//! Reads a request's body: whole, within its size and within its time.

use std::time::Duration;

use actix_web::error::PayloadError;
use actix_web::http::header::{self, HeaderMap};
use actix_web::web::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};

use crate::error::ErrorCode;

/// Reads a body of at most `max_bytes` that arrives within `timeout`.
///
/// # Errors
/// `PAYLOAD_TOO_LARGE`, `REQUEST_TIMEOUT`, `UNSUPPORTED_MEDIA_TYPE` for an encoded body, or `BAD_REQUEST` when it
/// breaks off.
pub async fn read(
    headers: &HeaderMap,
    mut body: impl Stream<Item = Result<Bytes, PayloadError>> + Unpin,
    max_bytes: usize,
    timeout: Duration,
) -> Result<BytesMut, ErrorCode> {
    if headers
        .get(header::CONTENT_ENCODING)
        .is_some_and(|it| it != "identity")
    {
        return Err(ErrorCode::UnsupportedMediaType);
    }
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|it| it.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|it| usize::try_from(it).map_or(true, |it| it > max_bytes)) {
        return Err(ErrorCode::PayloadTooLarge);
    }
    let whole = async {
        let mut read = BytesMut::new();
        while let Some(chunk) = body.next().await {
            let chunk = chunk.or(Err(ErrorCode::BadRequest))?;
            if read.len() + chunk.len() > max_bytes {
                return Err(ErrorCode::PayloadTooLarge);
            }
            read.extend_from_slice(&chunk);
        }
        Ok(read)
    };
    tokio::time::timeout(timeout, whole)
        .await
        .unwrap_or(Err(ErrorCode::RequestTimeout))
}

/// Whether a POST's body says that it is JSON in UTF-8.
#[must_use]
pub fn is_json(headers: &HeaderMap) -> bool {
    let Some(text) = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok()) else {
        return false;
    };
    text.parse::<mime::Mime>().is_ok_and(|it| {
        let utf8 = it
            .get_param(mime::CHARSET)
            .is_none_or(|charset| charset.as_str().eq_ignore_ascii_case("utf-8"));
        it.essence_str() == "application/json" && utf8
    })
}
