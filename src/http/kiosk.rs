//! `/kiosk/…`: where devices are enrolled, take tokens and tell that they live (docs/kiosk.md).

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::error::{AppError, ErrorCode};
use crate::http::body;
use crate::http::caller::presented;
use crate::http::crowd::Place;
use crate::http::edge::Edge;
use crate::http::entry::{self, enter};
use crate::http::head::Head;
use crate::http::home::AtHome;
use crate::http::problem::{problem, unlogged_problem};
use crate::service::kiosks::Kiosks;
use crate::service::kiosks::proof::bound_token;

/// Where a device finds the nonce for its next proof (RFC 9449 §8).
const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");
/// Largest body: a code, a key and a signature.
const BODY_MAX_BYTES: usize = 16_384;
/// What a challenge costs of a source's budget of field executions.
const CHALLENGE_PRICE: u64 = 1;
/// A token costs a signature and a write; a whole county may stand behind one address.
const TOKEN_PRICE: u64 = 5;
/// An enrolment is rare and a guess at a code: ten a minute with the default budget.
const ENROLMENT_PRICE: u64 = 60;

/// Adds the routes to a server.
pub fn configure(routes: &mut web::ServiceConfig, kiosks: &Arc<Kiosks>) {
    routes
        .app_data(web::Data::from(Arc::clone(kiosks)))
        .route("/kiosk/challenge", web::post().to(challenge))
        .route("/kiosk/enroll", web::post().to(enroll))
        .route("/kiosk/token", web::post().to(token))
        .route("/kiosk/heartbeat", web::post().to(heartbeat));
}

/// Gives a device that comes with a bound token the nonce of its next proof, and names the scheme where it was refused.
pub fn offer_nonce<B>(response: &mut ServiceResponse<B>) {
    let request = response.request();
    let authorization = request.headers().get(header::AUTHORIZATION);
    let bound = authorization
        .and_then(|it| it.to_str().ok())
        .and_then(bound_token)
        .is_some();
    let Some(kiosks) = request.app_data::<web::Data<Kiosks>>().filter(|_| bound) else {
        return;
    };
    let nonce = HeaderValue::from_str(&kiosks.proof_nonce());
    let refused = response.status() == StatusCode::UNAUTHORIZED;
    let headers = response.headers_mut();
    if let Ok(nonce) = nonce {
        headers.insert(NONCE, nonce);
    }
    let named = headers
        .get(header::WWW_AUTHENTICATE)
        .is_some_and(|it| it.as_bytes().starts_with(b"DPoP"));
    if refused && !named {
        let scheme = HeaderValue::from_static("DPoP error=\"invalid_token\"");
        headers.insert(header::WWW_AUTHENTICATE, scheme);
    }
}

async fn challenge(request: HttpRequest, kiosks: web::Data<Kiosks>, edge: web::Data<Edge>) -> HttpResponse {
    let head = Head::of(&request, &edge);
    let answer = async { Ok(json!({ "challenge": kiosks.challenge() })) };
    let place = enter(&request, &edge, &head, CHALLENGE_PRICE).await;
    served(place, &edge, &head, answer).await
}

async fn enroll(
    request: HttpRequest,
    payload: web::Payload,
    kiosks: web::Data<Kiosks>,
    edge: web::Data<Edge>,
) -> HttpResponse {
    let head = Head::of(&request, &edge);
    let place = enter(&request, &edge, &head, ENROLMENT_PRICE).await;
    let answer = async {
        let asked = read(&request, payload, &edge).await?;
        let enrolled = kiosks.enroll(&asked).await?;
        Ok(json!({
            "device": enrolled.device,
            "name": enrolled.name,
            "station": enrolled.station,
            "sealingKey": kiosks.sealing_key(),
            "serverTime": edge.clock.now(),
        }))
    };
    served(place, &edge, &head, answer).await
}

async fn token(
    request: HttpRequest,
    payload: web::Payload,
    kiosks: web::Data<Kiosks>,
    edge: web::Data<Edge>,
) -> HttpResponse {
    let head = Head::of(&request, &edge);
    let place = enter(&request, &edge, &head, TOKEN_PRICE).await;
    let answer = async {
        let asked = read(&request, payload, &edge).await?;
        let token = kiosks.token(&asked).await?;
        let now = edge.clock.now();
        Ok(json!({
            "token": token.token.expose(),
            "tokenType": "DPoP",
            "expiresInSeconds": (token.expires_at - now).num_seconds(),
            "nonce": kiosks.proof_nonce(),
            "sealingKey": kiosks.sealing_key(),
            "serverTime": now,
        }))
    };
    served(place, &edge, &head, answer).await
}

async fn heartbeat(
    request: HttpRequest,
    payload: web::Payload,
    kiosks: web::Data<Kiosks>,
    edge: web::Data<Edge>,
) -> HttpResponse {
    let head = Head::of(&request, &edge);
    let place = entry::place(&request, &edge).map_err(|full| unlogged_problem(&head, &full.error()));
    let answer = async {
        let presented = presented(&request)
            .map_err(|not_text| AppError::of(ErrorCode::Unauthenticated).because(not_text))?;
        let caller = edge.authenticate(&presented).await?;
        let beat = read(&request, payload, &edge).await?;
        let answer = kiosks.beat(&caller.actor, beat).await?;
        serde_json::to_value(answer).map_err(AppError::internal)
    };
    served(place, &edge, &head, answer).await
}

/// Makes an answer while holding a place, at home in the process's runtime.
async fn served(
    place: Result<Place, HttpResponse>,
    edge: &Edge,
    head: &Head,
    answer: impl Future<Output = Result<Value, AppError>>,
) -> HttpResponse {
    let _place = match place {
        Ok(place) => place,
        Err(refused) => return refused,
    };
    match AtHome::new(&edge.runtime, Box::pin(answer)).await {
        Ok(answer) => HttpResponse::Ok().json(answer),
        Err(error) => problem(edge, head, &error),
    }
}

async fn read<T: DeserializeOwned>(
    request: &HttpRequest,
    payload: web::Payload,
    edge: &Edge,
) -> Result<T, AppError> {
    if !body::is_json(request.headers()) {
        return Err(AppError::of(ErrorCode::UnsupportedMediaType));
    }
    let timeout = Duration::from_millis(edge.settings.server.body_timeout_ms);
    let bytes = body::read(request.headers(), payload, BODY_MAX_BYTES, timeout)
        .await
        .map_err(AppError::of)?;
    // what is wrong with it would quote it
    serde_json::from_slice(&bytes)
        .ok()
        .ok_or_else(|| AppError::of(ErrorCode::BadRequest))
}
