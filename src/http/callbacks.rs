//! `POST /callbacks/{upstream}`: raw bytes in, a status out; what the notice means is decided behind it.

use std::sync::Arc;

use actix_web::http::header::HeaderMap;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::http::edge::Edge;
use crate::http::head::Head;
use crate::http::problem::problem;
use crate::service::notice::{NoticeEnvelope, Notices};

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
    let envelope = NoticeEnvelope {
        id: text(request.headers(), "webhook-id"),
        timestamp: text(request.headers(), "webhook-timestamp"),
        signature: text(request.headers(), "webhook-signature"),
    };
    match notices.receive(&upstream, envelope, &body).await {
        Ok(()) => HttpResponse::NoContent().finish(),
        Err(error) => problem(&edge, &Head::of(&request, &edge), &error),
    }
}

/// A header that came once; one that came twice says nothing.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name);
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        (Some(_) | None, _) => None,
    }
}
