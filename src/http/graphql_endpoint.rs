//! `/graphql` over HTTP: the order in which a request is looked at (GraphQL over HTTP; GRAPHQL §2).

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::{ConnectionType, Method, header};
use actix_web::{HttpRequest, HttpResponse, web};
use onedoor_domain::actor::ActorKind;

use crate::error::{AppError, ErrorCode};
use crate::http::answer::Answer;
use crate::http::caller::{Caller, presented};
use crate::http::crowd::Full;
use crate::http::edge::Edge;
use crate::http::envelope::{Envelope, EnvelopeFault};
use crate::http::head::{self, Head};
use crate::http::negotiate::{Media, negotiate};
use crate::http::pipeline::{self, Carries};
use crate::http::status::Phase;
use crate::http::{body, csrf, sse, websocket};
use crate::service::identity::Authenticated;

/// Answers whatever arrives at `/graphql`.
pub async fn graphql(request: HttpRequest, payload: web::Payload, edge: web::Data<Edge>) -> HttpResponse {
    let edge = edge.into_inner();
    let head = Head::of(&request, &edge);
    if let Err(full) = edge.crowd.look(request.conn_data()) {
        return come_back(&edge, &head, &request, full);
    }
    if request.method() == Method::GET && websocket::is_upgrade(request.headers()) {
        return websocket::upgrade(&edge, &head, &request, payload);
    }
    let media = negotiate(request.headers());
    match answer(&edge, head, &request, payload, media).await {
        Ok(response) => response,
        Err(refused) => {
            if let Phase::Transport(code) = refused.phase {
                edge.metrics.rejected(code.as_str());
            }
            refused.respond(edge.settings.status_profile, media.unwrap_or(Media::Json))
        }
    }
}

async fn answer(
    edge: &Arc<Edge>,
    head: Head,
    request: &HttpRequest,
    payload: web::Payload,
    media: Option<Media>,
) -> Result<HttpResponse, Answer> {
    let get = match *request.method() {
        Method::GET => true,
        Method::POST => false,
        _ => return Ok(method_not_allowed(edge, &head)),
    };
    let media = media.ok_or_else(|| refusal(&head, ErrorCode::NotAcceptable))?;
    if csrf::lacks_preflight(request.headers()) {
        return Err(refusal(&head, ErrorCode::CsrfPreflightRequired));
    }
    if !get && !body::is_json(request.headers()) {
        return Err(refusal(&head, ErrorCode::UnsupportedMediaType));
    }
    let session = authenticate(edge, &head, request).await?;
    let envelope = if get {
        Envelope::from_query_string(request.query_string())
    } else {
        let server = &edge.settings.server;
        let timeout = Duration::from_millis(server.body_timeout_ms);
        // what a larger body holds is known only when it was read
        let max_bytes = if session.actor.kind == ActorKind::Kiosk {
            server.body_max_bytes.max(edge.settings.batch_max_bytes)
        } else {
            server.body_max_bytes
        };
        let read = body::read(request.headers(), payload, max_bytes, timeout).await;
        let read = read.map_err(|code| refusal(&head, code))?;
        Envelope::from_json(&read).map(|envelope| Envelope {
            oversized: read.len() > server.body_max_bytes,
            ..envelope
        })
    };
    let envelope = envelope.map_err(|fault| malformed(&head, fault))?;
    let caller = Caller {
        head,
        session,
        traceparent: head::traceparent(request.headers()),
    };
    let carries = match (get, media) {
        (true, Media::EventStream) => Carries::QueriesAndSubscriptions,
        (true, Media::Json | Media::GraphqlResponse) => Carries::Queries,
        (false, Media::EventStream) => Carries::Everything,
        (false, Media::Json | Media::GraphqlResponse) => Carries::QueriesAndMutations,
    };
    let prepared = pipeline::prepare(edge, &caller, envelope, carries).await;
    if media == Media::EventStream {
        return Ok(sse::respond(edge, &caller, prepared));
    }
    // Counted by the pipeline already.
    let answer = match prepared {
        Ok(prepared) => pipeline::execute(edge, &caller, prepared).await,
        Err(refused) => refused,
    };
    let profile = edge.settings.status_profile;
    if get {
        let known = request
            .headers()
            .get(header::IF_NONE_MATCH)
            .and_then(|it| it.to_str().ok());
        return Ok(answer.respond_cached(profile, media, known));
    }
    Ok(answer.respond(profile, media))
}

/// Turns a request away that was not looked at yet. One on a connection too many loses that too.
fn come_back(edge: &Edge, head: &Head, request: &HttpRequest, full: Full) -> HttpResponse {
    let media = negotiate(request.headers()).unwrap_or(Media::Json);
    let mut response = pipeline::shed(head, full).respond(edge.settings.status_profile, media);
    if full == Full::Connections {
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    response
}

async fn authenticate(edge: &Edge, head: &Head, request: &HttpRequest) -> Result<Authenticated, Answer> {
    let presented = presented(request).map_err(|_not_text| refusal(head, ErrorCode::Unauthenticated))?;
    let session = edge.authenticate(&presented).await;
    session
        .map_err(|error| Answer::refused(Phase::Transport(error.code), vec![head.mask().app_error(&error)]))
}

fn refusal(head: &Head, code: ErrorCode) -> Answer {
    Answer::refused(
        Phase::Transport(code),
        vec![head.mask().app_error(&AppError::of(code))],
    )
}

fn malformed(head: &Head, fault: EnvelopeFault) -> Answer {
    let (zh, en) = fault.texts();
    let error = head.mask().detail(ErrorCode::BadRequest, zh, en);
    Answer::refused(Phase::Transport(ErrorCode::BadRequest), vec![error])
}

fn method_not_allowed(edge: &Edge, head: &Head) -> HttpResponse {
    edge.metrics.rejected(ErrorCode::MethodNotAllowed.as_str());
    let mut response =
        refusal(head, ErrorCode::MethodNotAllowed).respond(edge.settings.status_profile, Media::Json);
    response
        .headers_mut()
        .insert(header::ALLOW, header::HeaderValue::from_static("GET, POST"));
    response
}
