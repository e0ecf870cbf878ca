//! `graphql-transport-ws` on GET /graphql: the upgrade; everything after it is in `connection`.

mod connection;
mod message;
mod operation;

use std::sync::Arc;

use actix_web::http::header::{self, HeaderMap};
use actix_web::{HttpRequest, HttpResponse, web};
use actix_ws::{CloseCode, CloseReason};

use crate::error::{AppError, ErrorCode};
use crate::http::caller::presented;
use crate::http::cors;
use crate::http::edge::Edge;
use crate::http::head::Head;
use crate::http::problem::problem;

/// The one subprotocol spoken here.
pub const SUBPROTOCOL: &str = "graphql-transport-ws";

/// Close codes of the protocol, and ours among the registered ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    /// 1000: the client has closed, and hears so (RFC 6455 §5.5.1).
    Normal,
    /// 4400: a message that is none.
    BadMessage,
    /// 4401: an operation before `connection_ack`.
    Unauthorized,
    /// 4403: the token is not good, or no longer.
    Forbidden,
    /// 4406: the client speaks another subprotocol.
    Subprotocol,
    /// 4408: no `connection_init` in time.
    InitTimeout,
    /// 4409: an id that is in use.
    SubscriberExists,
    /// 4429: a second `connection_init`.
    TooManyInits,
    /// 1001: the server stops, or the client is silent.
    Away,
    /// 1009: a message beyond the bound.
    TooBig,
    /// 1013: too many sockets, or a client too slow for its events. It may come again.
    TryLater,
}

impl Close {
    fn reason(self) -> CloseReason {
        let (code, text) = match self {
            Self::Normal => (CloseCode::Normal, "Closed"),
            Self::BadMessage => (CloseCode::Other(4400), "Invalid message"),
            Self::Unauthorized => (CloseCode::Other(4401), "Unauthorized"),
            Self::Forbidden => (CloseCode::Other(4403), "Forbidden"),
            Self::Subprotocol => (CloseCode::Other(4406), "Subprotocol not acceptable"),
            Self::InitTimeout => (CloseCode::Other(4408), "Connection initialisation timeout"),
            Self::SubscriberExists => (CloseCode::Other(4409), "Subscriber already exists"),
            Self::TooManyInits => (CloseCode::Other(4429), "Too many initialisation requests"),
            Self::Away => (CloseCode::Away, "Going away"),
            Self::TooBig => (CloseCode::Size, "Message too big"),
            Self::TryLater => (CloseCode::Again, "Try again later"),
        };
        CloseReason {
            code,
            description: Some(text.to_owned()),
        }
    }
}

/// Whether a GET asks for a WebSocket.
#[must_use]
pub fn is_upgrade(headers: &HeaderMap) -> bool {
    headers
        .get(header::UPGRADE)
        .and_then(|it| it.to_str().ok())
        .is_some_and(|it| it.eq_ignore_ascii_case("websocket"))
}

/// Opens a socket, unless the page that asks is of a foreign origin.
pub fn upgrade(edge: &Arc<Edge>, head: &Head, request: &HttpRequest, payload: web::Payload) -> HttpResponse {
    if !cors::may_open_socket(request.headers(), &edge.settings.server.allowed_origins) {
        let error = AppError::of(ErrorCode::Forbidden).detail(
            "此来源不得建立 WebSocket 连接。",
            "This origin may not open a WebSocket here.",
        );
        return problem(edge, head, &error);
    }
    let speaks = request
        .headers()
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .filter_map(|it| it.to_str().ok())
        .any(|it| it.split(',').any(|offer| offer.trim() == SUBPROTOCOL));
    let Ok(presented) = presented(request) else {
        return problem(edge, head, &AppError::of(ErrorCode::Unauthenticated));
    };
    match actix_ws::handle_with_protocols(request, payload, &[SUBPROTOCOL]) {
        Ok((response, socket, messages)) => {
            let max = edge.settings.websocket.message_max_bytes;
            let messages = messages
                .max_frame_size(max)
                .aggregate_continuations()
                .max_continuation_size(max);
            if speaks {
                let served = connection::serve(Arc::clone(edge), *head, presented, socket, messages);
                actix_web::rt::spawn(edge.channels.track_future(served));
            } else {
                let closed = connection::close(socket, Close::Subprotocol);
                actix_web::rt::spawn(edge.channels.track_future(closed));
            }
            response
        }
        Err(_not_a_handshake) => problem(edge, head, &AppError::of(ErrorCode::BadRequest)),
    }
}
