//! X-Road exchange (`xroad-exchange`): a security server of the Message Protocol for REST r1, with a provider behind it.
//!
//! Wire, by PR-REST: `{METHOD} …/r1/{instance}/{class}/{member}/{subsystem}/{service}[/path]?query`, each part
//! percent-encoded by itself; the header `X-Road-Client` is required. What the provider answers passes as it is and gets
//! `X-Road-Client`, `-Service`, `-Id` (ours when none came), `-Request-Id` and `-Request-Hash`, the base64 of
//! SHA512(SHA512(headers) + SHA512(body)), without a body of SHA512(headers). A fault of the security server has the header
//! `X-Road-Error` and the body `{type, message, detail}`: 400 `Client.…` for a message that is none, 500 `Server.…` for a
//! client or a service that is not registered. It carries what is asked and what is answered; nobody is called back.
//!
//! The registered service is [`SERVICE`] for the client [`CLIENT`]. The provider behind it is the county's medical
//! security bureau ([`provider`]), which asks for a bearer token of its own.

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use actix_web::web::{self, Bytes, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use aws_lc_rs::digest::{SHA512, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::json;
use uuid::Uuid;

use crate::sandbox::city::desk::Desk;
use crate::sandbox::city::{Numbering, Persona};
use crate::sandbox::modes::Target;
use crate::sandbox::wire::EventKind;

pub mod provider;

/// Instance, class, member, subsystem and code of the one registered service.
pub const SERVICE: [&str; 5] = ["CN-BB", "GOV", "340300-YBJ", "medical-aid", "cases"];
/// Instance, class, member and subsystem of the one client that may use it.
pub const CLIENT: [&str; 4] = ["CN-BB", "GOV", "340300-SJJ", "onedoor"];

/// The system's line in the table.
pub const PERSONA: Persona = Persona {
    name: "xroad-exchange",
    number,
    course: |_| &[EventKind::Received, EventKind::Decided],
    routes,
    report: None,
};

fn number(numbering: &Numbering) -> String {
    format!("YB340300{}", numbering.digits())
}

fn routes(service: &mut ServiceConfig) {
    service.route("/r1/{message:.*}", web::route().to(carry));
}

/// A fault of a security server; the provider has heard nothing.
struct Fault {
    status: StatusCode,
    kind: &'static str,
    message: String,
}

impl Fault {
    fn client(message: &str) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            kind: "Client.BadRequest",
            message: message.to_owned(),
        }
    }

    fn server(kind: &'static str, message: String) -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            kind,
            message,
        }
    }

    fn answer(&self) -> HttpResponse {
        HttpResponse::build(self.status)
            .insert_header(("x-road-error", self.kind))
            .insert_header((CONTENT_TYPE, "application/json;charset=utf-8"))
            .body(
                json!({ "type": self.kind, "message": self.message, "detail": Uuid::now_v7().to_string() })
                    .to_string(),
            )
    }
}

/// A message that is one: who sends it, and what is behind the identifier of the service.
struct Message {
    client: String,
    id: String,
    path: Vec<String>,
}

async fn carry(desk: Data<Desk>, request: HttpRequest, body: Bytes) -> HttpResponse {
    match opened(&request) {
        Ok(message) => {
            let hash = request_hash(request.headers(), &body);
            let mut answer = provider::answer(&desk, &request, &message.path, &body).await;
            seal(answer.headers_mut(), &message, &hash);
            answer
        }
        Err(fault) => {
            let issue = text(request.headers(), "x-road-issue");
            let call = desk.call(&request, Target::Query, issue.as_deref(), None);
            desk.refused(&call, fault.answer())
        }
    }
}

/// Reads the envelope: the identifiers must be there, and be known.
fn opened(request: &HttpRequest) -> Result<Message, Fault> {
    let client = text(request.headers(), "x-road-client")
        .ok_or_else(|| Fault::client("Required HTTP header 'x-road-client' is missing"))?;
    let parts = decoded(&client)?;
    if !(3..=4).contains(&parts.len()) {
        return Err(Fault::client("Invalid client identifier"));
    }
    if parts != CLIENT {
        let message = format!("Client '{client}' not found");
        return Err(Fault::server("Server.ClientProxy.UnknownMember", message));
    }
    let (_, message) = request.uri().path().split_once("/r1/").unwrap_or_default();
    let mut path = decoded(message)?;
    let behind = path.split_off(SERVICE.len().min(path.len()));
    if path.len() < SERVICE.len() {
        return Err(Fault::client("Error parsing the client's REST request"));
    }
    if path != SERVICE {
        let message = format!("Unknown service: {}", path.join("/"));
        return Err(Fault::server("Server.ServerProxy.UnknownService", message));
    }
    let id = text(request.headers(), "x-road-id").unwrap_or_else(|| Uuid::now_v7().to_string());
    Ok(Message {
        client,
        id,
        path: behind,
    })
}

/// The parts between the slashes, each decoded by itself.
fn decoded(parts: &str) -> Result<Vec<String>, Fault> {
    let part = |part: &str| match percent_decode_str(part).decode_utf8() {
        Ok(text) if !text.is_empty() => Ok(text.into_owned()),
        Ok(_) | Err(_) => Err(Fault::client("Identifier parts must be percent-encoded UTF-8")),
    };
    parts.split('/').map(part).collect()
}

fn seal(headers: &mut HeaderMap, message: &Message, hash: &str) {
    let told = [
        ("x-road-client", message.client.clone()),
        ("x-road-service", SERVICE.join("/")),
        ("x-road-id", message.id.clone()),
        ("x-road-request-id", Uuid::now_v7().to_string()),
        ("x-road-request-hash", hash.to_owned()),
    ];
    for (name, value) in told {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

/// The hash of a request as it came here.
fn request_hash(headers: &HeaderMap, body: &[u8]) -> String {
    let mut lines: Vec<Vec<u8>> = headers
        .iter()
        .map(|(name, value)| [name.as_str().as_bytes(), b":", value.as_bytes(), b"\r\n"].concat())
        .collect();
    lines.sort();
    let head = digest(&SHA512, &lines.concat());
    if body.is_empty() {
        return STANDARD.encode(head);
    }
    let both = [head.as_ref(), digest(&SHA512, body).as_ref()].concat();
    STANDARD.encode(digest(&SHA512, &both))
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_of_headers_and_body_and_without_a_body_of_headers_alone() {
        let mut headers = HeaderMap::new();
        let name = HeaderName::from_static("x-road-client");
        headers.insert(name, HeaderValue::from_static("A/B/C"));
        let head = digest(&SHA512, b"x-road-client:A/B/C\r\n");
        assert_eq!(request_hash(&headers, b""), STANDARD.encode(head));
        let body = digest(&SHA512, b"{}");
        let both = [head.as_ref(), body.as_ref()].concat();
        assert_eq!(
            request_hash(&headers, b"{}"),
            STANDARD.encode(digest(&SHA512, &both))
        );
    }
}
