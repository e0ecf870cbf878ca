//! Keyset pages: a list is continued behind a position, never by counting rows.

use onedoor_domain::page::{Direction, End, KeyPart, PageRequest, Position};
use sea_orm::sea_query::{Condition, ExprTrait as _, LikeExpr, SimpleExpr};
use sea_orm::{
    ColumnTrait, EntityTrait, Order, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select, Value,
};

use super::error::StoreError;

/// A column that a list is ordered by; it must not be nullable, and the last one must be unique.
#[derive(Debug, Clone, Copy)]
pub struct Key<C> {
    column: C,
    descending: bool,
}

/// Smallest first.
pub const fn ascending<C>(column: C) -> Key<C> {
    Key {
        column,
        descending: false,
    }
}

/// Largest first.
pub const fn descending<C>(column: C) -> Key<C> {
    Key {
        column,
        descending: true,
    }
}

/// In the direction asked for.
pub const fn towards<C>(column: C, direction: Direction) -> Key<C> {
    match direction {
        Direction::Ascending => ascending(column),
        Direction::Descending => descending(column),
    }
}

/// Orders and bounds a query so that it gives one page, and one row more to tell whether the list goes on.
///
/// The rows go to [`PageRequest::page`] as they come.
///
/// # Errors
/// `Other` when a position has another number of parts than there are keys: a bug of the caller.
pub fn keyset<E, C>(
    mut query: Select<E>,
    keys: &[Key<C>],
    page: &PageRequest,
) -> Result<Select<E>, StoreError>
where
    E: EntityTrait,
    C: ColumnTrait,
{
    for (position, behind) in [(&page.after, true), (&page.before, false)] {
        if let Some(position) = position {
            query = query.filter(beyond(keys, position, behind)?);
        }
    }
    for key in keys {
        let reversed = matches!(page.end, End::Last);
        let order = if key.descending == reversed {
            Order::Asc
        } else {
            Order::Desc
        };
        query = query.order_by(key.column, order);
    }
    Ok(query.limit(u64::from(page.size) + 1))
}

/// `a > x or (a = x and b > y) …`, led by `a >= x` so that an index on the first key bounds the scan.
fn beyond<C: ColumnTrait>(
    keys: &[Key<C>],
    position: &Position,
    behind: bool,
) -> Result<Condition, StoreError> {
    if keys.len() != position.0.len() {
        return Err(StoreError::other("a position does not fit the order of its list"));
    }
    let mut any = Condition::any();
    let mut equal_so_far = Condition::all();
    let mut lead = None;
    for (key, part) in keys.iter().zip(&position.0) {
        let column = key.column.as_column_ref();
        let column = || sea_orm::sea_query::Expr::col(column.clone());
        let greater = key.descending != behind;
        let strict = if greater {
            column().gt(value(part))
        } else {
            column().lt(value(part))
        };
        any = any.add(equal_so_far.clone().add(strict));
        equal_so_far = equal_so_far.add(column().eq(value(part)));
        lead.get_or_insert_with(|| {
            if greater {
                column().gte(value(part))
            } else {
                column().lte(value(part))
            }
        });
    }
    Ok(Condition::all().add_option(lead).add(any))
}

/// Whether a column contains a text, whose `%`, `_` and backslash stand for themselves.
pub fn contains<C: ColumnTrait>(column: C, text: &str) -> SimpleExpr {
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    column.like(LikeExpr::new(format!("%{escaped}%")).escape('\\'))
}

fn value(part: &KeyPart) -> Value {
    match part {
        KeyPart::Text(text) => text.as_str().into(),
        KeyPart::Integer(number) => (*number).into(),
        KeyPart::Uuid(key) => (*key).into(),
    }
}
