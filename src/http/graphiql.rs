//! GraphiQL at /graphiql and the schema's text at /schema.graphql, for those who may introspect.
//!
//! The page's scripts come from its npm packages at locked versions (web/graphiql/package-lock.json), put into
//! `web/vendor/graphiql` by `make`; never from a CDN, never committed. Without them a plain page says how.

use std::path::{Path, PathBuf};

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::error::{AppError, ErrorCode};
use crate::http::caller::presented;
use crate::http::denied;
use crate::http::edge::Edge;
use crate::http::head::Head;
use crate::http::problem::problem;

const PAGE: &str = include_str!("../../web/graphiql/index.html");
const START: &str = include_str!("../../web/graphiql/start.js");
const MISSING: &str = include_str!("../../web/graphiql/missing.html");
/// The files that the page asks for, and nothing else is served.
const VENDORED: [&str; 4] = [
    "graphiql.min.css",
    "graphiql.min.js",
    "react.production.min.js",
    "react-dom.production.min.js",
];
/// CodeMirror writes style elements; scripts come from here alone.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                           img-src 'self' data:; font-src 'self' data:; connect-src 'self'; object-src 'none'; \
                           base-uri 'none'; \
                           form-action 'none'; frame-ancestors 'none'";

/// Where `make` puts the vendored files.
#[derive(Debug, Clone)]
pub struct GraphiqlFiles(pub PathBuf);

impl Default for GraphiqlFiles {
    fn default() -> Self {
        Self(PathBuf::from("web/vendor/graphiql"))
    }
}

/// The page.
pub async fn page(
    request: HttpRequest,
    edge: web::Data<Edge>,
    files: web::Data<GraphiqlFiles>,
) -> HttpResponse {
    if let Err(refused) = admit(&edge, &request).await {
        return refused;
    }
    let complete = VENDORED.iter().all(|name| files.0.join(name).is_file());
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CONTENT_SECURITY_POLICY, PAGE_POLICY))
        .body(if complete { PAGE } else { MISSING })
}

/// A file of the page. Not gated: these are public packages, and a browser sends no token for them.
pub async fn asset(
    request: HttpRequest,
    name: web::Path<String>,
    edge: web::Data<Edge>,
    files: web::Data<GraphiqlFiles>,
) -> HttpResponse {
    let content_type = match Path::new(name.as_str()).extension().and_then(|it| it.to_str()) {
        Some("css") => "text/css; charset=utf-8",
        _ => "text/javascript; charset=utf-8",
    };
    let content = if name.as_str() == "start.js" {
        Some(START.as_bytes().to_vec())
    } else if VENDORED.contains(&name.as_str()) {
        let path = files.0.join(name.as_str());
        web::block(move || std::fs::read(path))
            .await
            .ok()
            .and_then(Result::ok)
    } else {
        None
    };
    match content {
        Some(content) => HttpResponse::Ok()
            .insert_header((header::CONTENT_TYPE, content_type))
            .insert_header((header::CACHE_CONTROL, "no-cache"))
            .body(content),
        None => problem(
            &edge,
            &Head::of(&request, &edge),
            &AppError::of(ErrorCode::NotFound),
        ),
    }
}

/// The schema's text.
pub async fn sdl(request: HttpRequest, edge: web::Data<Edge>) -> HttpResponse {
    match admit(&edge, &request).await {
        Ok(()) => HttpResponse::Ok()
            .insert_header((header::CONTENT_TYPE, "application/graphql; charset=utf-8"))
            .body(edge.executor.sdl().to_owned()),
        Err(refused) => refused,
    }
}

async fn admit(edge: &Edge, request: &HttpRequest) -> Result<(), HttpResponse> {
    let head = Head::of(request, edge);
    let session = match presented(request) {
        Ok(presented) => edge.authenticate(&presented).await,
        Err(_not_text) => Err(AppError::of(ErrorCode::Unauthenticated)),
    };
    match session {
        Ok(session) if edge.may_introspect(&session) => Ok(()),
        Ok(session) => {
            let code = ErrorCode::IntrospectionDisabled;
            denied::refused(edge, &head, &session.actor, "schema", code);
            Err(problem(edge, &head, &AppError::of(code)))
        }
        Err(error) => Err(problem(edge, &head, &error)),
    }
}
