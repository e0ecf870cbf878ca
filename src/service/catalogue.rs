//! Service items (事项): what is offered now, and every version a case may have pinned.

use std::collections::HashMap;
use std::sync::Arc;

use onedoor_domain::id::{ItemVersionId, ServiceItemId};
use onedoor_domain::item::{ApplicantKind, ItemType, ItemVersion, ProcessingType};
use onedoor_domain::page::{Direction, End, KeyPart, Page, PageArgs, PageRequest, Position};
use serde::{Deserialize, Serialize};

use super::Services;
use crate::cache::Cached;
use crate::cache::epochs::Epoch;
use crate::error::AppError;
use crate::store;

/// Name of an order of item lists, for cursors.
const fn order_by_code(direction: Direction) -> &'static str {
    match direction {
        Direction::Ascending => "item.code",
        Direction::Descending => "item.code.desc",
    }
}

/// The published version of every item that is offered, by code.
#[derive(Debug, Default)]
pub struct Offered {
    items: Vec<Arc<ItemVersion>>,
    by_code: HashMap<String, usize>,
    by_id: HashMap<ServiceItemId, usize>,
}

impl Offered {
    fn new(items: Vec<ItemVersion>) -> Self {
        let mut items: Vec<_> = items.into_iter().map(Arc::new).collect();
        // pages compare codes byte by byte; the order of a database depends on its locale
        items.sort_by(|one, other| one.code.cmp(&other.code));
        let by_code = items
            .iter()
            .enumerate()
            .map(|(at, item)| (item.code.clone(), at))
            .collect();
        let by_id = items
            .iter()
            .enumerate()
            .map(|(at, item)| (item.item, at))
            .collect();
        Self {
            items,
            by_code,
            by_id,
        }
    }

    /// All of them.
    #[must_use]
    pub fn items(&self) -> &[Arc<ItemVersion>] {
        &self.items
    }

    /// The item with a code.
    #[must_use]
    pub fn by_code(&self, code: &str) -> Option<&Arc<ItemVersion>> {
        self.items.get(*self.by_code.get(code)?)
    }

    /// The item with a key.
    #[must_use]
    pub fn by_id(&self, id: ServiceItemId) -> Option<&Arc<ItemVersion>> {
        self.items.get(*self.by_id.get(&id)?)
    }
}

impl Serialize for Offered {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.items.iter().map(Arc::as_ref))
    }
}

impl<'de> Deserialize<'de> for Offered {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Vec::deserialize(from).map(Self::new)
    }
}

#[derive(Serialize)]
struct OfferedKey;

impl Cached for OfferedKey {
    type Value = Offered;
    const NAME: &'static str = "items.offered/1";
    const EPOCHS: &'static [Epoch] = &[Epoch::Items];
}

#[derive(Serialize)]
struct VersionKey(ItemVersionId);

impl Cached for VersionKey {
    type Value = Arc<ItemVersion>;
    const NAME: &'static str = "item.version/1";
    // a published version never changes
    const EPOCHS: &'static [Epoch] = &[];
}

/// Which items a list has; `None` does not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ItemFilter {
    /// Only of this type.
    pub item_type: Option<ItemType>,
    /// Only processed so.
    pub processing: Option<ProcessingType>,
    /// Only those that this kind of applicant can apply for.
    pub applicant: Option<ApplicantKind>,
    /// Only those whose route has a step of this role.
    pub role: Option<String>,
    /// Only those whose Chinese or English name contains this text.
    pub name_contains: Option<String>,
    /// By code, in this direction.
    pub direction: Direction,
}

/// What is offered now.
///
/// # Errors
/// As any query.
pub async fn offered(cx: &Services) -> Result<Arc<Offered>, AppError> {
    let database = cx.database.clone();
    let load = move || async move { Ok(Offered::new(store::catalogue::current(&database).await?)) };
    cx.cache.get_or_load(&OfferedKey, load).await
}

/// The published version of an item by its code; `None`: not offered.
///
/// # Errors
/// As any query.
pub async fn item(cx: &Services, code: &str) -> Result<Option<Arc<ItemVersion>>, AppError> {
    Ok(offered(cx).await?.by_code(code).cloned())
}

/// A version by its key, published now or before; `None`: there is none.
///
/// # Errors
/// As any query.
pub async fn version(cx: &Services, id: ItemVersionId) -> Result<Option<Arc<ItemVersion>>, AppError> {
    if let Some(item) = offered(cx).await?.items.iter().find(|item| item.id == id) {
        return Ok(Some(item.clone()));
    }
    let database = cx.database.clone();
    let load = move || async move {
        let found = store::catalogue::version(&database, id).await?;
        // an absent version is an error inside, so that its absence is not kept
        found
            .map(Arc::new)
            .ok_or_else(|| AppError::of(crate::error::ErrorCode::NotFound))
    };
    match cx.cache.get_or_load(&VersionKey(id), load).await {
        Ok(version) => Ok(Some(version.as_ref().clone())),
        Err(error) if error.code == crate::error::ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// One page of offered items by code.
///
/// # Errors
/// `BAD_USER_INPUT` for page arguments that cannot be, else as any query.
pub async fn page(
    cx: &Services,
    filter: &ItemFilter,
    args: &PageArgs,
) -> Result<Page<Arc<ItemVersion>>, AppError> {
    let request = PageRequest::parse(args, order_by_code(filter.direction), 1).map_err(super::bad_page)?;
    let offered = offered(cx).await?;
    let mut fitting: Vec<_> = offered
        .items
        .iter()
        .filter(|item| fits(item, filter))
        .cloned()
        .collect();
    if filter.direction == Direction::Descending {
        fitting.reverse();
    }
    let total = u64::try_from(fitting.len()).ok();
    let behind = |this: &Position, that: &Position| match filter.direction {
        Direction::Ascending => is_behind(this, that),
        Direction::Descending => is_behind(that, this),
    };
    let between = fitting.into_iter().filter(|item| {
        let here = position(item);
        request.after.as_ref().is_none_or(|after| behind(&here, after))
            && request.before.as_ref().is_none_or(|before| behind(before, &here))
    });
    let mut read: Vec<_> = between.collect();
    if request.end == End::Last {
        read.reverse();
    }
    Ok(Page {
        total,
        ..request.page(read, |item| position(item))
    })
}

fn position(item: &ItemVersion) -> Position {
    Position(vec![KeyPart::Text(item.code.clone())])
}

fn is_behind(this: &Position, that: &Position) -> bool {
    match (this.0.as_slice(), that.0.as_slice()) {
        ([KeyPart::Text(this)], [KeyPart::Text(that)]) => this > that,
        _ => false,
    }
}

fn fits(item: &ItemVersion, filter: &ItemFilter) -> bool {
    let applicant = |wanted| item.applicant == wanted || item.applicant == ApplicantKind::Both;
    let named = |text: &str| {
        item.name_zh.contains(text) || item.name_en.to_lowercase().contains(&text.to_lowercase())
    };
    filter.item_type.is_none_or(|wanted| item.item_type == wanted)
        && filter.processing.is_none_or(|wanted| item.processing == wanted)
        && filter.applicant.is_none_or(applicant)
        && filter
            .role
            .as_deref()
            .is_none_or(|role| item.route.iter().any(|step| step.role == role))
        && filter.name_contains.as_deref().is_none_or(named)
}
