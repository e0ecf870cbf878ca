//! `/attachments/{ticket}`: documents go in by PUT and come out by GET, raw, as streams, each by a ticket of its own.

use std::sync::Arc;
use std::time::Duration;

use actix_web::body::SizedStream;
use actix_web::http::header::{
    self, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::StreamExt as _;
use rand::Rng as _;
use tokio::sync::mpsc;

use crate::error::{AppError, ErrorCode};
use crate::graphql::budget::Payer;
use crate::http::caller::presented;
use crate::http::edge::Edge;
use crate::http::entry::enter;
use crate::http::head::Head;
use crate::http::home::AtHome;
use crate::http::problem::{problem, unlogged_problem};
use crate::service::attachments::Attachments;
use crate::service::attachments::upload::{Piece, UploadHead};
use crate::service::identity::Authenticated;

/// Pieces of a body that wait to be written; each is as long as one read of the socket.
const PIECES_MAX: usize = 4;
/// What an upload or a download costs of the caller's budget of field executions.
const PRICE: u64 = 10;
/// A document shows nothing in a browser, whatever it holds.
const DOCUMENT_POLICY: &str = "default-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'; sandbox";

/// Adds the routes to a server.
pub fn configure(routes: &mut web::ServiceConfig, attachments: &Arc<Attachments>) {
    routes
        .app_data(web::Data::from(Arc::clone(attachments)))
        .route("/attachments/{ticket}", web::put().to(upload))
        .route("/attachments/{ticket}", web::get().to(download));
}

async fn upload(
    request: HttpRequest,
    ticket: web::Path<String>,
    payload: web::Payload,
    attachments: web::Data<Attachments>,
    edge: web::Data<Edge>,
) -> HttpResponse {
    let head = Head::of(&request, &edge);
    if let Err(full) = edge.crowd.look(request.conn_data()) {
        return unlogged_problem(&head, &full.error());
    }
    let caller = match caller(&edge, &head, &request).await {
        Ok(caller) => caller,
        Err(error) => return problem(&edge, &head, &error),
    };
    if request.headers().contains_key(header::CONTENT_ENCODING) {
        let error = AppError::of(ErrorCode::UnsupportedMediaType).detail(
            "请不要压缩请求内容。",
            "Send the file itself, without Content-Encoding.",
        );
        return problem(&edge, &head, &error);
    }
    let text = |name: header::HeaderName| request.headers().get(name).and_then(|it| it.to_str().ok());
    let told = UploadHead {
        media_type: text(CONTENT_TYPE).map(str::to_owned),
        length: text(header::CONTENT_LENGTH).and_then(|it| it.parse().ok()),
    };
    let limit = deadline(&edge, attachments.config().upload_min_bytes_per_s, told.length);
    let (pieces, arriving) = mpsc::channel(PIECES_MAX);
    // a task of its own: what a client that has gone left half-written is cleared away
    let receiving = {
        let attachments = attachments.into_inner();
        async move { attachments.upload(&caller.actor, &ticket, told, arriving).await }
    };
    let receiving = edge.mutations.spawn_on(receiving, &edge.runtime);
    let pause = Duration::from_millis(edge.settings.server.body_timeout_ms);
    let fed = tokio::time::timeout(limit, feed(payload, pieces, pause))
        .await
        .unwrap_or(Err(ErrorCode::RequestTimeout));
    let done = receiving.await.map_err(AppError::internal);
    match (done.flatten(), fed) {
        (Ok(done), _) => HttpResponse::Ok().json(serde_json::json!({
            "document": done.document,
            "mediaType": done.kind.media_type(),
            "sizeBytes": done.size_bytes,
            "sha256": done.sha256,
        })),
        // who was too slow is told that, not that the body broke off
        (Err(error), Err(code)) if error.code == ErrorCode::BadRequest => {
            problem(&edge, &head, &AppError { code, ..error })
        }
        (Err(error), Ok(()) | Err(_)) => problem(&edge, &head, &error),
    }
}

/// Hands a body on as it arrives. Ends early when nobody takes it any more.
async fn feed(
    mut payload: web::Payload,
    pieces: mpsc::Sender<Piece>,
    pause: Duration,
) -> Result<(), ErrorCode> {
    loop {
        let next = tokio::select! {
            next = tokio::time::timeout(pause, payload.next()) => next,
            () = pieces.closed() => return Ok(()),
        };
        let piece = match next {
            Err(_elapsed) => return Err(ErrorCode::RequestTimeout),
            Ok(Some(Err(_broken))) => return Err(ErrorCode::BadRequest),
            Ok(Some(Ok(bytes))) => Piece::Bytes(bytes),
            Ok(None) => Piece::End,
        };
        let ended = matches!(piece, Piece::End);
        if pieces.send(piece).await.is_err() || ended {
            return Ok(());
        }
    }
}

/// How long a body may take in all.
fn deadline(edge: &Edge, min_bytes_per_s: u32, length: Option<u64>) -> Duration {
    let grace = Duration::from_millis(edge.settings.server.body_timeout_ms);
    let length = length.unwrap_or(0);
    grace + Duration::from_secs(length / u64::from(min_bytes_per_s.max(1)))
}

async fn download(
    request: HttpRequest,
    ticket: web::Path<String>,
    attachments: web::Data<Attachments>,
    edge: web::Data<Edge>,
) -> HttpResponse {
    let head = Head::of(&request, &edge);
    let _place = match enter(&request, &edge, &head, PRICE).await {
        Ok(place) => place,
        Err(refused) => return refused,
    };
    let correlation = head.correlation_id.to_string();
    let found = Box::pin(attachments.download(&ticket, &correlation));
    let found = match AtHome::new(&edge.runtime, found).await {
        Ok(found) => found,
        Err(error) => return problem(&edge, &head, &error),
    };
    // a name that tells nothing: the file's own name may tell of a person
    let name = format!("{:016x}.{}", rand::rng().random::<u64>(), found.kind.extension());
    let bytes = AtHome::new(&edge.runtime, found.bytes).map(|piece| {
        piece.inspect_err(|error| tracing::error!(%error, "a document could not be read to its end"))
    });
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, found.kind.media_type()))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .insert_header((CONTENT_SECURITY_POLICY, DOCUMENT_POLICY))
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(SizedStream::new(found.size_bytes, bytes))
}

/// Who uploads, after their budget was asked.
async fn caller(edge: &Edge, head: &Head, request: &HttpRequest) -> Result<Authenticated, AppError> {
    let presented =
        presented(request).map_err(|not_text| AppError::of(ErrorCode::Unauthenticated).because(not_text))?;
    let session = edge.authenticate(&presented).await?;
    let payer = Payer::of(&session.actor, head.source);
    let spent = edge.budget.spend(&payer, PRICE).await;
    spent.map_err(|spent| {
        let limited = AppError::of(ErrorCode::RateLimited);
        match spent.retry_after_ms {
            Some(wait_ms) => limited.retry_after_ms(wait_ms),
            None => limited,
        }
    })?;
    Ok(session)
}
