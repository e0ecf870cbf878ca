//! A place for a request beside GraphQL, paid for by where it comes from.

use actix_web::{HttpRequest, HttpResponse};
use onedoor_domain::actor::Actor;

use crate::error::{AppError, ErrorCode};
use crate::graphql::budget::Payer;
use crate::http::crowd::{Full, Place};
use crate::http::edge::Edge;
use crate::http::head::Head;
use crate::http::problem::unlogged_problem;

/// Takes a place among those being served and spends `price` fields of the source's budget.
///
/// # Errors
/// The answer: RATE_LIMITED, or OVERLOADED, each with when to come again.
pub async fn enter(
    request: &HttpRequest,
    edge: &Edge,
    head: &Head,
    price: u64,
) -> Result<Place, HttpResponse> {
    let payer = Payer::of(&Actor::anonymous(), head.source);
    if let Err(spent) = edge.budget.spend(&payer, price).await {
        let limited = AppError::of(ErrorCode::RateLimited);
        let limited = match spent.retry_after_ms {
            Some(wait_ms) => limited.retry_after_ms(wait_ms),
            None => limited,
        };
        return Err(unlogged_problem(head, &limited));
    }
    place(request, edge).map_err(|full| unlogged_problem(head, &full.error()))
}

/// Takes a place among those being served, for callers who pay otherwise.
///
/// # Errors
/// There is none.
pub fn place(request: &HttpRequest, edge: &Edge) -> Result<Place, Full> {
    edge.crowd.look(request.conn_data())?;
    edge.crowd.enter()
}
