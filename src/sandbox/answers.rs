//! Answers that are wrong on purpose: hung, reset, cut, endless, in false letters.

use std::io;
use std::time::Duration;

use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::{StreamExt as _, stream};

use crate::sandbox::modes::Rule;

/// 8 MB in pieces: more than any cap, less than what hurts.
const HUGE_PIECES: usize = 128;
const HUGE_PIECE_BYTES: usize = 64 * 1_024;
/// Between half an answer and its end, so that the half leaves.
const TRUNCATED_PAUSE: Duration = Duration::from_millis(20);

/// The socket of a connection, kept to be able to reset it.
pub struct ConnectionSocket(pub socket2::Socket);

/// Never answers.
pub async fn hang() -> HttpResponse {
    std::future::pending().await
}

/// Closes the connection with a reset, without a byte of an answer.
pub fn reset(request: &HttpRequest) -> HttpResponse {
    if let Some(ConnectionSocket(socket)) = request.conn_data::<ConnectionSocket>()
        && let Err(error) = socket.set_linger(Some(Duration::ZERO))
    {
        tracing::warn!(error = %error, "the sandbox closes instead of resetting");
    }
    // A body that fails at once makes the server drop the connection before it wrote the head.
    HttpResponse::Accepted().streaming(stream::iter([Err::<Bytes, _>(io::Error::other(
        "reset on purpose",
    ))]))
}

/// A status without much of a body.
pub fn plain(rule: &Rule) -> HttpResponse {
    let status = rule.status.and_then(|status| StatusCode::from_u16(status).ok());
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = HttpResponse::build(status);
    if let Some(seconds) = rule.retry_after_s {
        answer.insert_header((RETRY_AFTER, seconds.to_string()));
    }
    let body = r#"{"error":{"code":"ON_PURPOSE","message":"按测试要求拒绝。"}}"#;
    answer
        .insert_header((CONTENT_TYPE, "application/json; charset=utf-8"))
        .body(body)
}

/// A redirect.
pub fn redirect(rule: &Rule) -> HttpResponse {
    let location = rule
        .location
        .as_deref()
        .unwrap_or("http://169.254.169.254/latest/meta-data/");
    HttpResponse::TemporaryRedirect()
        .insert_header((LOCATION, location))
        .finish()
}

/// A page where data was promised.
pub fn garbage() -> HttpResponse {
    HttpResponse::Accepted()
        .content_type("text/html")
        .body("<html><body>业务系统维护中</body></html>")
}

/// The first half of an answer.
pub fn truncated() -> HttpResponse {
    let half = stream::iter([Ok(Bytes::from_static(br#"{"serial_no":"#))]);
    let end = stream::once(async {
        actix_web::rt::time::sleep(TRUNCATED_PAUSE).await;
        Err(io::Error::other("cut on purpose"))
    });
    HttpResponse::Accepted()
        .content_type("application/json")
        .body(SizedStream::new(200, half.chain(end)))
}

/// An answer without end, or nearly.
pub fn huge() -> HttpResponse {
    let piece = Bytes::from(vec![b' '; HUGE_PIECE_BYTES]);
    let pieces = stream::iter((0..HUGE_PIECES).map(move |_| Ok::<_, io::Error>(piece.clone())));
    HttpResponse::Accepted()
        .content_type("application/json")
        .streaming(pieces)
}

/// GBK under the name of UTF-8.
pub fn wrong_charset(serial_no: &str) -> HttpResponse {
    let mut body = format!(r#"{{"serial_no":"{serial_no}","state":"RECEIVED","message":""#).into_bytes();
    body.extend_from_slice(b"\xd2\xd1\xca\xd5\xbc\xfe\"}"); // 已收件
    HttpResponse::Accepted()
        .content_type("application/json; charset=utf-8")
        .body(body)
}
