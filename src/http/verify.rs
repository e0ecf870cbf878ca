//! `/verify/{id}`: what the QR code of a receipt opens, a page without scripts; `/verify/keys`: the public keys.

use std::sync::{Arc, LazyLock};

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::{AutoEscape, Environment, context};
use onedoor_domain::actor::Actor;
use onedoor_domain::digest::Digest;
use onedoor_domain::receipt::parts::Bilingual;

use crate::error::AppError;
use crate::http::edge::Edge;
use crate::http::entry::enter;
use crate::http::head::Head;
use crate::http::home::AtHome;
use crate::http::problem::problem;
use crate::service::ledger::{Asked, Checked, Ledger, ReceiptVerdict};
use crate::service::receipt_text::beijing_time;

const PAGE: &str = include_str!("../../web/verify.html");
/// The page has one style of its own, which is known by its hash, and nothing else.
static PAGE_POLICY: LazyLock<String> = LazyLock::new(|| {
    let style = PAGE
        .split_once("<style>")
        .and_then(|(_, rest)| rest.split_once("</style>"))
        .map_or("", |(style, _)| style);
    let hash = STANDARD.encode(Digest::of(style.as_bytes()).as_bytes());
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; object-src 'none'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
});
/// What a look costs of the caller's budget of field executions: about the fields that the page shows.
const PRICE: u64 = 10;

/// Adds the routes to a server.
pub fn configure(routes: &mut web::ServiceConfig, ledger: &Arc<Ledger>) {
    routes
        .app_data(web::Data::from(Arc::clone(ledger)))
        .route("/verify/keys", web::get().to(keys))
        .route("/verify/{receipt}", web::get().to(page));
}

/// The keys that receipts and checkpoints are or were signed with, the current one first, and how often checkpoints are signed.
async fn keys(ledger: web::Data<Ledger>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "max-age=300"))
        .json(serde_json::json!({
            "keys": ledger.public_keys(),
            "checkpointEverySeconds": ledger.every().num_seconds(),
        }))
}

async fn page(
    request: HttpRequest,
    receipt: web::Path<String>,
    ledger: web::Data<Ledger>,
    edge: web::Data<Edge>,
) -> HttpResponse {
    let head = Head::of(&request, &edge);
    let anonymous = Actor::anonymous();
    let _place = match enter(&request, &edge, &head, PRICE).await {
        Ok(place) => place,
        Err(refused) => return refused,
    };
    let asked = Asked::Id(receipt.parse().ok());
    let checked = AtHome::new(&edge.runtime, Box::pin(ledger.check(&anonymous, asked))).await;
    let shown = checked.and_then(|checked| {
        show(&checked)
            .map_err(AppError::internal)
            .map(|text| (checked, text))
    });
    let (checked, text) = match shown {
        Ok(shown) => shown,
        Err(error) => return problem(&edge, &head, &error),
    };
    let mut answer = if checked.verdict == ReceiptVerdict::Unknown {
        HttpResponse::NotFound()
    } else {
        HttpResponse::Ok()
    };
    answer
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((CONTENT_SECURITY_POLICY, PAGE_POLICY.as_str()))
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(text)
}

/// The page in both languages: whoever scans a code may have set none.
fn show(checked: &Checked) -> Result<String, minijinja::Error> {
    let (zh, en) = checked.verdict.words();
    let both = |text: &Bilingual| context! { zh => text.zh.as_str(), en => text.en.as_str() };
    let receipt = checked.body.as_deref().map(|body| {
        context! {
            kind => context! { zh => body.kind.zh(), en => body.kind.en() },
            code => body.tracking_code.to_string(),
            item => both(&body.item.name),
            organization => both(&body.organization.name),
            at => beijing_time(body.event_at),
            promised => body.promised().map(|due| due.date.to_string()),
            line => body.ledger.as_ref().map(|position| position.seq),
            hash => body.ledger.as_ref().map(|position| position.hash.to_string()),
        }
    });
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.render_str(
        PAGE,
        context! { genuine => checked.verdict == ReceiptVerdict::Genuine, zh, en, receipt },
    )
}
