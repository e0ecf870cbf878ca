//! GraphQL over server-sent events, one connection per operation (graphql-sse "distinct connections").
//!
//! County networks often block WebSockets. A stream that ends without `complete` was cut (token over, server
//! stopping): clients then connect again and read their state anew.

use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};

use crate::error::{AppError, ErrorCode};
use crate::http::answer::Answer;
use crate::http::caller::Caller;
use crate::http::edge::Edge;
use crate::http::metrics::Channel;
use crate::http::negotiate::Media;
use crate::http::pipeline::{self, Prepared};
use crate::http::status::Phase;

/// Answers with a stream of events. What GraphQL refused is one event with its errors, so that clients can read them;
/// what the transport refused is plain JSON with its status. All but the want of a stream was counted by the pipeline.
pub fn respond(edge: &Arc<Edge>, caller: &Caller, prepared: Result<Prepared, Answer>) -> HttpResponse {
    let profile = edge.settings.status_profile;
    if let Err(refused) = &prepared
        && matches!(refused.phase, Phase::Transport(_))
    {
        return refused.respond(profile, Media::Json);
    }
    let Some(socket) = edge.sockets.open(caller.payer()) else {
        edge.metrics.rejected("sockets");
        let error = AppError::of(ErrorCode::RateLimited);
        let phase = Phase::Transport(error.code);
        let refused = Answer::refused(phase, vec![caller.head.mask().app_error(&error)]);
        return refused.respond(profile, Media::Json);
    };
    let answers = match prepared {
        Ok(prepared) => pipeline::execute_stream(edge, caller, prepared),
        Err(refused) => stream::once(async { refused }).boxed(),
    };
    let counted = (
        socket,
        edge.metrics.opened(Channel::EventStream),
        edge.channels.token(),
    );
    let events = until_over(edge, caller, with_pings(edge, events(answers)));
    let body = events.map(move |text| {
        // The count lives as long as the stream that owns it.
        let _held = &counted;
        Ok::<_, std::convert::Infallible>(Bytes::from(text))
    });
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, Media::EventStream.content_type()))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // Tells buffering reverse proxies to let events through.
        .insert_header(("x-accel-buffering", "no"))
        .streaming(body)
}

fn events(answers: BoxStream<'static, Answer>) -> BoxStream<'static, String> {
    answers
        .map(|answer| format!("event: next\ndata: {}\n\n", answer.json()))
        .chain(stream::once(async { "event: complete\ndata:\n\n".to_owned() }))
        .boxed()
}

/// Adds a comment to a silent stream, at once and then at the pace of pings, so that proxies keep it open.
fn with_pings(edge: &Edge, events: BoxStream<'static, String>) -> BoxStream<'static, String> {
    let pause = Duration::from_millis(edge.settings.websocket.ping_interval_ms);
    stream::unfold((events, true), move |(mut events, first)| async move {
        if first {
            return Some((":\n\n".to_owned(), (events, false)));
        }
        match tokio::time::timeout(pause, events.next()).await {
            Ok(Some(event)) => Some((event, (events, false))),
            Ok(None) => None,
            Err(_silent) => Some((":\n\n".to_owned(), (events, false))),
        }
    })
    .boxed()
}

/// A wait without end, for a token that has none.
const FOREVER: Duration = Duration::from_secs(86_400 * 365);

/// Cuts a stream when the caller's token ends or is revoked, or the server stops.
fn until_over(
    edge: &Arc<Edge>,
    caller: &Caller,
    events: BoxStream<'static, String>,
) -> BoxStream<'static, String> {
    let stop = edge.stop.clone().cancelled_owned();
    let left = caller
        .session
        .expires_at
        .map(|end| (end - edge.clock.now()).to_std().unwrap_or_default());
    let left = left.unwrap_or(FOREVER);
    let (asked, session) = (Arc::clone(edge), caller.session.clone());
    let pause = Duration::from_millis(edge.settings.websocket.ping_interval_ms);
    let revoked = async move {
        loop {
            tokio::time::sleep(pause).await;
            if !asked.still_admits(&session).await {
                return;
            }
        }
    };
    let over = async move {
        tokio::select! {
            () = stop => {}
            () = tokio::time::sleep(left) => {}
            () = revoked => {}
        }
    };
    events.take_until(Box::pin(over)).boxed()
}
