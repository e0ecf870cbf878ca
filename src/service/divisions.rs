//! Divisions (区划) for everybody to read.

use std::sync::Arc;

use onedoor_domain::division::{Division, DivisionCode};
use onedoor_domain::id::DivisionId;
use onedoor_domain::page::{Page, PageArgs, PageRequest};
use serde::Serialize;

use super::Services;
use crate::cache::Cached;
use crate::cache::epochs::Epoch;
use crate::error::{AppError, ErrorCode};
use crate::store;

pub use crate::store::division::DivisionFilter;

#[derive(Serialize)]
struct PageKey<'a> {
    filter: &'a DivisionFilter,
    args: &'a PageArgs,
}

impl Cached for PageKey<'_> {
    type Value = Page<Division>;
    const NAME: &'static str = "divisions.page/1";
    const EPOCHS: &'static [Epoch] = &[Epoch::Divisions];
}

#[derive(Serialize)]
struct CodesKey(DivisionId);

impl Cached for CodesKey {
    type Value = Vec<DivisionCode>;
    const NAME: &'static str = "division.codes/1";
    const EPOCHS: &'static [Epoch] = &[Epoch::Divisions];
}

/// One page of divisions by code.
///
/// # Errors
/// `BAD_USER_INPUT` for page arguments that cannot be, else as any query.
pub async fn page(
    cx: &Services,
    filter: DivisionFilter,
    args: &PageArgs,
) -> Result<Arc<Page<Division>>, AppError> {
    let request = PageRequest::parse(args, store::division::order_by_code(filter.direction), 2)
        .map_err(super::bad_page)?;
    let load = {
        let (database, filter) = (cx.database.clone(), filter.clone());
        move || async move { Ok(store::division::page(&database, &filter, &request).await?) }
    };
    cx.cache
        .get_or_load(
            &PageKey {
                filter: &filter,
                args,
            },
            load,
        )
        .await
}

/// The codes of a division in all tables.
///
/// # Errors
/// As any query.
pub async fn codes(cx: &Services, id: DivisionId) -> Result<Arc<Vec<DivisionCode>>, AppError> {
    let database = cx.database.clone();
    let load = move || async move { Ok(store::division::codes(&database, id).await?) };
    cx.cache.get_or_load(&CodesKey(id), load).await
}

/// A text to search for in names: not blank and not longer than a name can be.
///
/// # Errors
/// `BAD_USER_INPUT`.
pub fn search_text(text: &str) -> Result<String, AppError> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > 60 {
        return Err(AppError::of(ErrorCode::BadUserInput).detail(
            "nameContains 须为 1 至 60 个字。",
            "nameContains must have 1 to 60 characters.",
        ));
    }
    Ok(text.to_owned())
}
