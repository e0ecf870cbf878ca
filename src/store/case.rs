//! Cases: loads them whole, finds them by their numbers, opens what only their holder may read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use onedoor_domain::case::state::Case;
use onedoor_domain::id::CaseId;
use onedoor_domain::ledger::Head;
use onedoor_domain::proof::ReadProof;
use onedoor_domain::tracking::TrackingCode;
use onedoor_entity::{case_card, case_clock, case_private, cases, external_number, handoff, ledger_head};
use sea_orm::sea_query::Condition;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};
use serde_json::Value;
use uuid::Uuid;

use super::data_key::{KeyCache, key_ids};
use super::database::Database;
use super::error::StoreError;
use super::ledger;
use super::parse::Row;
use super::reach;
use crate::secret::keyring::Keyring;
use crate::secret::seal::SealPlace;
use crate::secret::suite::SuiteName;

pub(super) mod rows;

/// How often a case is read again because a write came between its parts.
const TORN_READS_MAX: u32 = 5;
/// Numbers looked for in one query.
const NUMBERS_AT_ONCE: usize = 500;

/// The cases and all that belongs to them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct CaseStore {
    database: Database,
    keys: Arc<Keyring>,
    cache: KeyCache,
}

/// A case as loaded, with what a write needs to know that nothing came between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The case.
    pub case: Case,
    /// Moves with every write; the public version does not.
    pub revision: i64,
    /// The last line of its ledger.
    pub(super) head: Head,
}

/// What only the holder of a case may read.
#[derive(Clone, PartialEq)]
pub struct CasePrivate {
    /// The applicant.
    pub applicant: Value,
    /// The form as filled in.
    pub form: Value,
    /// The materials handed in.
    pub materials: Value,
    /// Salt of the commitment to these in the first event.
    pub salt: [u8; 16],
}

impl CaseStore {
    /// The cases of a database, sealed and signed with these keys.
    #[must_use]
    pub fn new(database: Database, keys: Arc<Keyring>) -> Self {
        Self {
            database,
            keys,
            cache: KeyCache::default(),
        }
    }

    /// The database, for what is no case: reference data, health.
    #[must_use]
    pub const fn database(&self) -> &Database {
        &self.database
    }

    /// The algorithms of what is new.
    #[must_use]
    pub fn suite(&self) -> SuiteName {
        self.keys.masters.suite()
    }

    pub(super) fn keys(&self) -> &Keyring {
        &self.keys
    }

    pub(super) fn keyring(&self) -> Arc<Keyring> {
        Arc::clone(&self.keys)
    }

    pub(super) const fn key_cache(&self) -> &KeyCache {
        &self.cache
    }

    /// A case with its handoffs and clocks; `None` when there is none. Ask the policy before showing it.
    ///
    /// # Errors
    /// As any query; `Corrupt` when a row does not parse.
    pub async fn load_case(&self, id: CaseId) -> Result<Option<Loaded>, StoreError> {
        Ok(self.load_cases(&[id]).await?.pop())
    }

    /// Several cases at once, in the order of the ids; those that do not exist are left out.
    ///
    /// # Errors
    /// As [`Self::load_case`].
    pub async fn load_cases(&self, ids: &[CaseId]) -> Result<Vec<Loaded>, StoreError> {
        self.load(Condition::all(), ids).await
    }

    /// The same of those within a scope. One that is not there and one that is not within it cost the same: the time of an
    /// answer does not tell them apart.
    ///
    /// # Errors
    /// As [`Self::load_case`].
    pub async fn load_cases_within(
        &self,
        proof: &ReadProof,
        ids: &[CaseId],
    ) -> Result<Vec<Loaded>, StoreError> {
        self.load(reach::cases_within(proof), ids).await
    }

    async fn load(&self, within: Condition, ids: &[CaseId]) -> Result<Vec<Loaded>, StoreError> {
        let mut found = BTreeMap::new();
        let mut wanted: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
        for _ in 0..TORN_READS_MAX {
            let (whole, torn) = self.read_cases(&within, &wanted).await?;
            found.extend(whole.into_iter().map(|loaded| (loaded.case.id, loaded)));
            if torn.is_empty() {
                return Ok(ids.iter().filter_map(|id| found.remove(id)).collect());
            }
            wanted = torn;
        }
        Err(StoreError::Stale)
    }

    /// Reads cases part by part, their own row first. A part that was written by a later revision than the row was
    /// read at tells that a write came between: that case is named in the second list.
    async fn read_cases(
        &self,
        within: &Condition,
        ids: &[Uuid],
    ) -> Result<(Vec<Loaded>, Vec<Uuid>), StoreError> {
        if ids.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let read = self.database.read();
        let found = cases::Entity::find()
            .find_also_linked(rows::HeadOfCase)
            .filter(cases::Column::Id.is_in(ids.iter().copied()))
            .filter(within.clone())
            .all(read)
            .await?;
        let ids: Vec<Uuid> = found.iter().map(|(row, _)| row.id).collect();
        if ids.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let mut handoffs: BTreeMap<Uuid, Vec<handoff::Model>> = BTreeMap::new();
        for row in handoff::Entity::find()
            .filter(handoff::Column::CaseId.is_in(ids.iter().copied()))
            .order_by_asc(handoff::Column::Seq)
            .all(read)
            .await?
        {
            handoffs.entry(row.case_id).or_default().push(row);
        }
        let mut clocks: BTreeMap<Uuid, Vec<case_clock::Model>> = BTreeMap::new();
        for row in case_clock::Entity::find()
            .filter(case_clock::Column::CaseId.is_in(ids.iter().copied()))
            .order_by_asc(case_clock::Column::Position)
            .all(read)
            .await?
        {
            clocks.entry(row.case_id).or_default().push(row);
        }
        let mut cards = self.read_cards(&found).await?;
        let (mut whole, mut torn) = (Vec::new(), Vec::new());
        for (row, head) in found {
            let parts = Parts {
                handoffs: handoffs.remove(&row.id).unwrap_or_default(),
                clocks: clocks.remove(&row.id).unwrap_or_default(),
                cards: cards.remove(&row.id).unwrap_or_default(),
            };
            let later = parts
                .handoffs
                .iter()
                .map(|part| part.revision)
                .chain(parts.clocks.iter().map(|part| part.revision))
                .chain(parts.cards.iter().map(|part| part.revision));
            if later.max().is_some_and(|latest| latest > row.revision) {
                torn.push(row.id);
            } else {
                whole.push(loaded(row, head.as_ref(), &parts)?);
            }
        }
        Ok((whole, torn))
    }

    /// The cards of those cases that have any; most have none, and cost no query.
    async fn read_cards(
        &self,
        found: &[(cases::Model, Option<ledger_head::Model>)],
    ) -> Result<BTreeMap<Uuid, Vec<case_card::Model>>, StoreError> {
        let with_cards: Vec<Uuid> = found
            .iter()
            .filter(|(row, _)| row.cards > 0)
            .map(|(row, _)| row.id)
            .collect();
        let mut cards: BTreeMap<Uuid, Vec<case_card::Model>> = BTreeMap::new();
        if with_cards.is_empty() {
            return Ok(cards);
        }
        for row in case_card::Entity::find()
            .filter(case_card::Column::CaseId.is_in(with_cards))
            .order_by_asc(case_card::Column::Position)
            .all(self.database.read())
            .await?
        {
            cards.entry(row.case_id).or_default().push(row);
        }
        Ok(cards)
    }

    /// The case of a tracking code, and the hash of its secret.
    ///
    /// # Errors
    /// As any query.
    pub async fn find_by_tracking(
        &self,
        code: &TrackingCode,
    ) -> Result<Option<(CaseId, String)>, StoreError> {
        let found = cases::Entity::find()
            .find_also_linked(rows::PrivateOfCase)
            .filter(cases::Column::TrackingCode.eq(code.as_str()))
            .one(self.database.read())
            .await?;
        let Some((row, private)) = found else {
            return Ok(None);
        };
        let id = CaseId::from_uuid(row.id);
        let private = private.ok_or_else(|| Row::of("case_private", &id).corrupt("secret_hash"))?;
        Ok(Some((id, private.secret_hash)))
    }

    /// The case that has this number in an upstream system.
    ///
    /// # Errors
    /// As any query.
    pub async fn find_by_external_number(
        &self,
        upstream: &str,
        number: &str,
    ) -> Result<Option<CaseId>, StoreError> {
        let row = external_number::Entity::find_by_id((upstream.to_owned(), number.to_owned()))
            .one(self.database.read())
            .await?;
        Ok(row.map(|row| CaseId::from_uuid(row.case_id)))
    }

    /// Those of some numbers of an upstream system that cases have.
    ///
    /// # Errors
    /// As any query.
    pub async fn known_numbers(
        &self,
        upstream: &str,
        numbers: BTreeSet<String>,
    ) -> Result<BTreeSet<String>, StoreError> {
        let numbers: Vec<String> = numbers.into_iter().collect();
        let mut known = BTreeSet::new();
        for some in numbers.chunks(NUMBERS_AT_ONCE) {
            let found: Vec<String> = external_number::Entity::find()
                .select_only()
                .column(external_number::Column::Number)
                .filter(external_number::Column::Upstream.eq(upstream))
                .filter(external_number::Column::Number.is_in(some.iter().map(String::as_str)))
                .into_tuple()
                .all(self.database.read())
                .await?;
            known.extend(found);
        }
        Ok(known)
    }

    /// The applicants of several cases; cases that do not exist, and those whose personal data was erased, are left out.
    ///
    /// # Errors
    /// As [`Self::private`].
    pub async fn applicants(&self, cases: &[CaseId]) -> Result<BTreeMap<CaseId, Value>, StoreError> {
        let rows: Vec<(Uuid, Vec<u8>)> = case_private::Entity::find()
            .select_only()
            .column(case_private::Column::CaseId)
            .column(case_private::Column::Applicant)
            .filter(case_private::Column::CaseId.is_in(cases.iter().map(|case| case.uuid())))
            .into_tuple()
            .all(self.database.read())
            .await?;
        let opener = self
            .opener(key_ids(rows.iter().map(|(_, sealed)| sealed.as_slice())))
            .await?;
        let mut applicants = BTreeMap::new();
        for (case, sealed) in rows {
            let case = CaseId::from_uuid(case);
            let opened = opener.open_json(&private_place(case, "applicant"), sealed);
            if let Some(applicant) = opened.map_err(StoreError::other)? {
                applicants.insert(case, applicant);
            }
        }
        Ok(applicants)
    }

    /// What only the holder of a case may read; `None` when there is no such case, or it was erased.
    ///
    /// # Errors
    /// As any query; `Other` when a column does not open.
    pub async fn private(&self, case: CaseId) -> Result<Option<CasePrivate>, StoreError> {
        let row = case_private::Entity::find_by_id(case.uuid())
            .one(self.database.read())
            .await?;
        let Some(row) = row else { return Ok(None) };
        let opener = self
            .opener(key_ids([
                row.applicant.as_slice(),
                &row.form,
                &row.materials,
                &row.salt,
            ]))
            .await?;
        let open = |column, sealed| {
            opener
                .open_json::<Value>(&private_place(case, column), sealed)
                .map_err(StoreError::other)
        };
        let salt = opener
            .open(&private_place(case, "salt"), row.salt)
            .map_err(StoreError::other)?;
        let (Some(applicant), Some(form), Some(materials), Some(salt)) = (
            open("applicant", row.applicant)?,
            open("form", row.form)?,
            open("materials", row.materials)?,
            salt,
        ) else {
            return Ok(None);
        };
        Ok(Some(CasePrivate {
            applicant,
            form,
            materials,
            salt: <[u8; 16]>::try_from(salt.expose().as_slice()).map_err(StoreError::other)?,
        }))
    }
}

/// Where a private column of a case is sealed for.
pub(super) fn private_place(case: CaseId, column: &'static str) -> SealPlace {
    SealPlace::new("case_private", column, case)
}

/// The rows that belong to one case.
struct Parts {
    handoffs: Vec<handoff::Model>,
    clocks: Vec<case_clock::Model>,
    cards: Vec<case_card::Model>,
}

fn loaded(row: cases::Model, head: Option<&ledger_head::Model>, parts: &Parts) -> Result<Loaded, StoreError> {
    let revision = row.revision;
    let id = CaseId::from_uuid(row.id);
    let head = head.ok_or_else(|| Row::of("ledger_head", &id).corrupt("chain"))?;
    Ok(Loaded {
        case: rows::case(row, &parts.handoffs, &parts.clocks, &parts.cards)?,
        revision,
        head: ledger::head(head)?,
    })
}
