//! Relay connections over the pages of the domain.

use async_graphql::connection::{Connection, Edge, EmptyFields};
use async_graphql::{Context, OutputType, Result, SimpleObject};
use onedoor_domain::page::{Page, PageArgs, PageError, PageRequest};

use crate::error::{AppError, ErrorCode};
use crate::graphql::reach::failed;

/// What every connection tells beside its edges.
#[derive(SimpleObject)]
pub struct Total {
    /// How many there are in all; null where counting would cost more than the page.
    total_count: Option<i32>,
}

/// A connection whose nodes are of one type.
pub(crate) type Connected<T> = Connection<String, T, Total, EmptyFields>;

/// Reads the page arguments of a list whose order has so many parts.
pub(crate) fn page_request(
    ctx: &Context<'_>,
    args: &PageArgs,
    order: &'static str,
    parts: usize,
) -> Result<PageRequest> {
    PageRequest::parse(args, order, parts).map_err(|error| {
        let (zh, en) = match error {
            PageError::BothEnds => (
                "first 与 last 不能同时使用。",
                "Use either first or last, not both.",
            ),
            PageError::Size => (
                "first 或 last 须在 0 至 100 之间。",
                "first or last must be between 0 and 100.",
            ),
            PageError::Cursor => (
                "游标无效，请使用同一列表返回的游标。",
                "The cursor is not valid; use one that the same list returned.",
            ),
        };
        failed(
            ctx,
            AppError::of(ErrorCode::BadUserInput)
                .detail(zh, en)
                .because(error),
        )
    })
}

/// A page as a connection.
pub(crate) fn connection<T, N: OutputType>(
    page: Page<T>,
    total_count: Option<u64>,
    node: impl Fn(T) -> N,
) -> Connected<N> {
    let total_count = total_count.map(|total| i32::try_from(total).unwrap_or(i32::MAX));
    let mut connection =
        Connection::with_additional_fields(page.has_previous, page.has_next, Total { total_count });
    connection.edges.extend(
        page.edges
            .into_iter()
            .map(|edge| Edge::new(edge.cursor, node(edge.node))),
    );
    connection
}
