//! `/session`: signing in by an issuer, signing out, and who one is.

use std::sync::Arc;

use actix_web::http::header::{CACHE_CONTROL, COOKIE, LOCATION, SET_COOKIE};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};

use crate::error::{AppError, ErrorCode};
use crate::http::csrf;
use crate::http::edge::Edge;
use crate::http::entry::enter;
use crate::http::head::Head;
use crate::http::home::AtHome;
use crate::http::problem::problem;
use crate::secret::Redacted;
use crate::service::identity::sessions::Held;
use crate::service::identity::sign_in::{CALLBACK, Returned, SignIn};

/// What a step of a sign-in costs of the source's budget of field executions; a whole hall may have one address.
const PRICE: u64 = 2;
/// How long a browser keeps a sign-in that it has begun, seconds.
const SIGN_IN_MAX_AGE_S: u32 = 600;

/// Adds the routes to a server.
pub fn configure(routes: &mut web::ServiceConfig, sign_in: &Arc<SignIn>) {
    routes
        .app_data(web::Data::from(Arc::clone(sign_in)))
        .route("/session", web::get().to(who))
        .route("/session/login", web::get().to(login))
        .route(CALLBACK, web::get().to(callback))
        .route("/session/logout", web::post().to(logout));
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default = "home")]
    to: String,
    issuer: Option<String>,
}

fn home() -> String {
    "/".to_owned()
}

/// Who one is by the cookie alone.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Who {
    signed_in: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    division: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

impl Who {
    fn of(held: Option<&Held>) -> Self {
        let (actor, id) = match held {
            Some(held) => (Some(&held.caller.actor), Some(held.id)),
            None => (None, None),
        };
        let ends = held.and_then(|held| held.caller.expires_at);
        Self {
            signed_in: held.is_some(),
            session: id.map(|id| id.to_string()),
            kind: actor.map(|actor| actor.kind.name()),
            subject: actor.map(|actor| actor.subject.clone()),
            organization: actor.and_then(|actor| Some(actor.organization?.to_string())),
            division: actor.and_then(|actor| Some(actor.division?.to_string())),
            expires_at: ends.map(|at| at.to_rfc3339()),
        }
    }
}

/// Sends the browser to an issuer.
async fn login(
    request: HttpRequest,
    wanted: web::Query<Wanted>,
    sign_in: web::Data<SignIn>,
    edge: web::Data<Edge>,
) -> HttpResponse {
    let head = Head::of(&request, &edge);
    let _place = match enter(&request, &edge, &head, PRICE).await {
        Ok(place) => place,
        Err(refused) => return refused,
    };
    let begins = sign_in.begin(wanted.issuer.as_deref(), &wanted.to);
    match AtHome::new(&edge.runtime, Box::pin(begins)).await {
        Ok(begun) => {
            let kept = cookie(
                &sign_in,
                sign_in.cookie_name(),
                begun.secret.expose(),
                Some(SIGN_IN_MAX_AGE_S),
            );
            HttpResponse::SeeOther()
                .insert_header((LOCATION, begun.location.as_str()))
                .append_header((SET_COOKIE, kept))
                .finish()
        }
        Err(error) => problem(&edge, &head, &error),
    }
}

/// Takes the browser back from an issuer.
async fn callback(
    request: HttpRequest,
    returned: web::Query<Returned>,
    sign_in: web::Data<SignIn>,
    edge: web::Data<Edge>,
) -> HttpResponse {
    let head = Head::of(&request, &edge);
    let _place = match enter(&request, &edge, &head, PRICE).await {
        Ok(place) => place,
        Err(refused) => return refused,
    };
    let cookies = cookies(&request);
    let secret = sign_in.secret_in(cookies.expose());
    let earlier = sign_in.sessions().secret_in(cookies.expose());
    let finishes = sign_in.finish(secret.as_ref(), &returned, earlier.as_ref());
    match AtHome::new(&edge.runtime, Box::pin(finishes)).await {
        Ok(finished) => {
            let name = sign_in.sessions().cookie_name();
            HttpResponse::SeeOther()
                .insert_header((LOCATION, finished.target))
                .append_header((SET_COOKIE, cookie(&sign_in, name, finished.secret.expose(), None)))
                .append_header((SET_COOKIE, cookie(&sign_in, sign_in.cookie_name(), "", Some(0))))
                .finish()
        }
        Err(error) => problem(&edge, &head, &error),
    }
}

/// Ends the session, from a page of ours alone.
async fn logout(request: HttpRequest, sign_in: web::Data<SignIn>, edge: web::Data<Edge>) -> HttpResponse {
    let head = Head::of(&request, &edge);
    let own = sign_in
        .sessions()
        .public_url()
        .map(|url| url.origin().ascii_serialization());
    let allowed = &edge.settings.server.allowed_origins;
    if !csrf::is_ours(request.headers(), &own.unwrap_or_default(), allowed) {
        return problem(&edge, &head, &AppError::of(ErrorCode::CsrfPreflightRequired));
    }
    let _place = match enter(&request, &edge, &head, PRICE).await {
        Ok(place) => place,
        Err(refused) => return refused,
    };
    let sessions = sign_in.sessions();
    if let Some(secret) = sessions.secret_in(cookies(&request).expose()) {
        let ends = sessions.end(&secret);
        if let Err(error) = AtHome::new(&edge.runtime, Box::pin(ends)).await {
            return problem(&edge, &head, &error);
        }
    }
    HttpResponse::NoContent()
        .append_header((SET_COOKIE, cookie(&sign_in, sessions.cookie_name(), "", Some(0))))
        .finish()
}

/// Who one is. A session that is over is no session, and its cookie goes.
async fn who(request: HttpRequest, sign_in: web::Data<SignIn>, edge: web::Data<Edge>) -> HttpResponse {
    let head = Head::of(&request, &edge);
    let _place = match enter(&request, &edge, &head, PRICE).await {
        Ok(place) => place,
        Err(refused) => return refused,
    };
    let sessions = sign_in.sessions();
    let secret = sessions.secret_in(cookies(&request).expose());
    let held = match AtHome::new(&edge.runtime, Box::pin(sign_in.held(secret.as_ref()))).await {
        Ok(held) => held,
        Err(error) => return problem(&edge, &head, &error),
    };
    let mut answer = HttpResponse::Ok();
    answer.insert_header((CACHE_CONTROL, "no-store"));
    if held.is_none() && secret.is_some() {
        answer.append_header((SET_COOKIE, cookie(&sign_in, sessions.cookie_name(), "", Some(0))));
    }
    answer.json(Who::of(held.as_ref()))
}

/// All that the browser sent; cookies may come in several headers.
fn cookies(request: &HttpRequest) -> Redacted<String> {
    let headers = request.headers().get_all(COOKIE);
    let texts: Vec<_> = headers.filter_map(|it| it.to_str().ok()).collect();
    Redacted::new(texts.join("; "))
}

/// A cookie that scripts cannot read and that foreign pages' requests do not carry, but for links to here. Without an age
/// it goes with the browser.
fn cookie(sign_in: &SignIn, name: &str, value: &str, max_age_s: Option<u32>) -> String {
    let secure = if sign_in.sessions().is_secure() {
        "; Secure"
    } else {
        ""
    };
    let age = max_age_s.map_or_else(String::new, |age| format!("; Max-Age={age}"));
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}")
}
