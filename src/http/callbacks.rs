//! `POST /callbacks/{upstream}`: raw bytes in, a status out; what the notice means is decided behind it.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use tracing::Instrument as _;

use crate::http::edge::Edge;
use crate::http::head::{self, Head};
use crate::http::home::AtHome;
use crate::http::problem::{problem, unlogged_problem};
use crate::service::notice::{NoticeEnvelope, Notices};
use crate::telemetry::traces;

/// Adds the route to a server.
pub fn configure(routes: &mut web::ServiceConfig, notices: &Arc<Notices>) {
    routes
        .app_data(web::Data::from(Arc::clone(notices)))
        .route("/callbacks/{upstream}", web::post().to(callback));
}

/// 204 for a notice that is stored (duplicates too), 401 or 403 for one that is not acceptable, 503 for "send again".
async fn callback(
    request: HttpRequest,
    upstream: web::Path<String>,
    body: web::Bytes,
    notices: web::Data<Notices>,
    edge: web::Data<Edge>,
) -> HttpResponse {
    let head = Head::of(&request, &edge);
    let entered = match edge.crowd.look(request.conn_data()) {
        Ok(()) => edge.crowd.enter(),
        Err(full) => Err(full),
    };
    let _place = match entered {
        Ok(place) => place,
        Err(full) => return unlogged_problem(&head, &full.error()),
    };
    let headers = request.headers().iter();
    let envelope = NoticeEnvelope::new(
        head.source.0,
        headers.map(|(name, value)| (name.as_str(), value.to_str().ok())),
    );
    let span = tracing::debug_span!("callback", otel.kind = "server", correlation.id = %head.correlation_id);
    traces::follow(&span, head::traceparent(request.headers()).as_deref());
    let received = notices.receive(&upstream, envelope, &body).instrument(span);
    match AtHome::new(&edge.runtime, Box::pin(received)).await {
        Ok(()) => HttpResponse::NoContent().finish(),
        Err(error) => problem(&edge, &head, &error),
    }
}
