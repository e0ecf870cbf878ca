//! Data keys in their table: found or made for what is to be sealed, and fetched together for what is to be opened.
//!
//! Each case has a key of its own; what has no case has one a month by kind. Unwrapped keys stay in memory for a minute, so
//! that one which was destroyed or retired elsewhere is out of use everywhere by then.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use moka::sync::Cache;
use onedoor_domain::id::CaseId;
use onedoor_entity::data_key;
use sea_orm::{
    ColumnTrait as _, Condition, EntityTrait as _, IntoActiveModel as _, QueryFilter as _, QueryOrder as _,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::case::CaseStore;
use super::error::StoreError;
use super::names::{name_of, named};
use super::parse::Row;
use crate::secret::Redacted;
use crate::secret::data_key::DataKey;
use crate::secret::keyring::Keyring;
use crate::secret::master_key::WrappedKey;
use crate::secret::seal::{SealError, SealPlace, Sealed, SealedWith, json_in, sealed_with};

/// How long an unwrapped key is kept. A write that was planned with it ends long before twice that.
pub const KEPT_FOR: Duration = Duration::from_secs(60);
/// Keys in memory at most, some hundred bytes each.
const KEPT_MAX: u64 = 20_000;

/// What a key seals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Sealing {
    /// Whatever belongs to one case.
    Case,
    /// Drafts.
    Draft,
    /// Answers kept under callers' keys, of acts that concern no case.
    Answer,
    /// Names and keys of uploaded documents, and their tickets: which case they belong to is known later.
    Document,
    /// Words of looks at personal data that concern no case.
    Access,
    /// Notices of upstream systems: whose case they concern is known when they are opened.
    Notice,
}

/// Whose key it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Owner {
    Case(CaseId),
    Kind(Sealing),
}

impl Owner {
    const fn class(self) -> Sealing {
        match self {
            Self::Case(_) => Sealing::Case,
            Self::Kind(kind) => kind,
        }
    }
}

/// Unwrapped keys.
#[derive(Clone)]
pub(super) struct KeyCache {
    by_id: Cache<Uuid, Arc<DataKey>>,
    by_owner: Cache<Owner, Arc<DataKey>>,
}

impl fmt::Debug for KeyCache {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "KeyCache({} keys)", self.by_id.entry_count())
    }
}

impl Default for KeyCache {
    fn default() -> Self {
        Self {
            by_id: Cache::builder()
                .max_capacity(KEPT_MAX)
                .time_to_live(KEPT_FOR)
                .build(),
            by_owner: Cache::builder()
                .max_capacity(KEPT_MAX)
                .time_to_live(KEPT_FOR)
                .build(),
        }
    }
}

impl KeyCache {
    pub(super) fn keep(&self, owner: Owner, key: &Arc<DataKey>) {
        self.by_id.insert(key.id(), Arc::clone(key));
        self.by_owner.insert(owner, Arc::clone(key));
    }

    /// Nothing new is sealed with a key of this row.
    pub(super) fn retire(&self, row: &data_key::Model) {
        let owner = match (row.case_id, named(&row.class)) {
            (Some(case), _) => Owner::Case(CaseId::from_uuid(case)),
            (None, Some(kind)) => Owner::Kind(kind),
            (None, None) => return,
        };
        if self.by_owner.get(&owner).is_some_and(|key| key.id() == row.id) {
            self.by_owner.invalidate(&owner);
        }
    }

    /// Whatever was kept is read again.
    pub(super) fn forget(&self) {
        self.by_id.invalidate_all();
        self.by_owner.invalidate_all();
    }
}

/// The data keys that these columns are sealed with.
pub(super) fn key_ids<'a>(sealed: impl IntoIterator<Item = &'a [u8]>) -> BTreeSet<Uuid> {
    let id = |bytes: &[u8]| match sealed_with(bytes) {
        Some(SealedWith::Data(id, _)) => Some(id),
        Some(SealedWith::Master(_) | SealedWith::Nothing) | None => None,
    };
    sealed.into_iter().filter_map(id).collect()
}

/// Opens columns with keys that were fetched together.
pub(super) struct Opener {
    keyring: Arc<Keyring>,
    /// `None`: destroyed.
    keys: BTreeMap<Uuid, Option<Arc<DataKey>>>,
}

impl Opener {
    /// The value of a column; `None`: it was erased.
    pub(super) fn open(
        &self,
        place: &SealPlace,
        sealed: Vec<u8>,
    ) -> Result<Option<Redacted<Vec<u8>>>, SealError> {
        let sealed = Sealed::from_bytes(sealed);
        match sealed.sealed_with().ok_or(SealError::Foreign)? {
            SealedWith::Nothing => Ok(None),
            SealedWith::Master(_) => self.keyring.masters.open(place, &sealed).map(Some),
            SealedWith::Data(id, _) => match self.keys.get(&id) {
                Some(Some(key)) => key.open(place, &sealed).map(Some),
                Some(None) => Ok(None),
                None => Err(SealError::UnknownDataKey(id)),
            },
        }
    }

    pub(super) fn open_json<T: DeserializeOwned>(
        &self,
        place: &SealPlace,
        sealed: Vec<u8>,
    ) -> Result<Option<T>, SealError> {
        let opened = self.open(place, sealed)?;
        opened.as_ref().map(json_in).transpose()
    }
}

impl CaseStore {
    /// The keys of columns that are to be opened, in one query at most.
    pub(super) async fn opener(&self, ids: BTreeSet<Uuid>) -> Result<Opener, StoreError> {
        let mut keys: BTreeMap<Uuid, Option<Arc<DataKey>>> = BTreeMap::new();
        let mut missing = Vec::new();
        for id in ids {
            match self.key_cache().by_id.get(&id) {
                Some(key) => {
                    keys.insert(id, Some(key));
                }
                None => missing.push(id),
            }
        }
        if !missing.is_empty() {
            let rows = data_key::Entity::find()
                .filter(data_key::Column::Id.is_in(missing))
                .all(self.database().read())
                .await?;
            for row in rows {
                let key = self.unwrap_key(&row)?;
                if let Some(key) = &key {
                    self.key_cache().by_id.insert(row.id, Arc::clone(key));
                }
                keys.insert(row.id, key);
            }
        }
        Ok(Opener {
            keyring: self.keyring(),
            keys,
        })
    }

    /// A key for a case that is not stored yet: its row goes into the case's own write set.
    pub(super) fn new_key(
        &self,
        owner: Owner,
        now: DateTime<Utc>,
    ) -> Result<(Arc<DataKey>, data_key::Model), StoreError> {
        let (key, wrapped) = self
            .keys()
            .masters
            .new_data_key(Uuid::now_v7())
            .map_err(StoreError::other)?;
        let row = data_key::Model {
            id: wrapped.id,
            case_id: match owner {
                Owner::Case(case) => Some(case.uuid()),
                Owner::Kind(_) => None,
            },
            class: name_of(owner.class())?,
            suite: wrapped.suite.as_str().to_owned(),
            master_key: wrapped.master.to_string(),
            wrapped: Some(wrapped.bytes),
            created_at: now.timestamp_micros(),
            retired_at: None,
            emptied_at: None,
            destroyed_at: None,
        };
        Ok((Arc::new(key), row))
    }

    /// The key that new values are sealed with; made where there is none of the current suite.
    pub(super) async fn sealing_key(
        &self,
        owner: Owner,
        now: DateTime<Utc>,
    ) -> Result<Arc<DataKey>, StoreError> {
        if let Some(key) = self.key_cache().by_owner.get(&owner) {
            return Ok(key);
        }
        let newest = data_key::Entity::find()
            .filter(usable(owner, now)?)
            .filter(data_key::Column::Suite.eq(self.keys().masters.suite().as_str()))
            .order_by_desc(data_key::Column::CreatedAt)
            .order_by_desc(data_key::Column::Id)
            .one(self.database().read())
            .await?;
        let found = newest.map(|row| self.unwrap_key(&row)).transpose()?.flatten();
        let key = match found {
            Some(key) => key,
            None => self.make_key(owner, now).await?,
        };
        self.key_cache().keep(owner, &key);
        Ok(key)
    }

    async fn make_key(&self, owner: Owner, now: DateTime<Utc>) -> Result<Arc<DataKey>, StoreError> {
        let (key, row) = self.new_key(owner, now)?;
        let database = self.database().clone();
        let write = async move {
            let tx = database.write_tx().await?;
            data_key::Entity::insert(row.into_active_model())
                .exec_without_returning(tx.connection())
                .await?;
            tx.commit().await
        };
        self.database().in_turn(write).await?;
        Ok(key)
    }

    fn unwrap_key(&self, row: &data_key::Model) -> Result<Option<Arc<DataKey>>, StoreError> {
        let Some(wrapped) = wrapped_of(row, self.keys())? else {
            return Ok(None);
        };
        let key = self.keys().masters.unwrap(&wrapped).map_err(StoreError::other)?;
        Ok(Some(Arc::new(key)))
    }
}

/// A key as its row keeps it; `None`: it was destroyed.
pub(super) fn wrapped_of(row: &data_key::Model, keys: &Keyring) -> Result<Option<WrappedKey>, StoreError> {
    let Some(bytes) = &row.wrapped else {
        return Ok(None);
    };
    let parse = Row::of("data_key", &row.id);
    let master = keys.masters.named(&row.master_key).ok_or_else(|| {
        StoreError::other(format!(
            "a data key is wrapped with master key {}, which is not configured",
            row.master_key
        ))
    })?;
    Ok(Some(WrappedKey {
        id: row.id,
        suite: row.suite.parse().ok().ok_or_else(|| parse.corrupt("suite"))?,
        master,
        bytes: bytes.clone(),
    }))
}

/// Keys that may seal what is new. What has no case begins a key with each month, so that an old one has an end.
fn usable(owner: Owner, now: DateTime<Utc>) -> Result<Condition, StoreError> {
    let live = Condition::all()
        .add(data_key::Column::DestroyedAt.is_null())
        .add(data_key::Column::RetiredAt.is_null());
    Ok(match owner {
        Owner::Case(case) => live.add(data_key::Column::CaseId.eq(case.uuid())),
        Owner::Kind(kind) => {
            let day = now.date_naive();
            let first = NaiveDate::from_ymd_opt(day.year(), day.month(), 1).unwrap_or(day);
            let first = first.and_time(chrono::NaiveTime::MIN).and_utc();
            live.add(data_key::Column::CaseId.is_null())
                .add(data_key::Column::Class.eq(name_of(kind)?))
                .add(data_key::Column::CreatedAt.gte(first.timestamp_micros()))
        }
    })
}
