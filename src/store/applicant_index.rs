//! The blind index of applicants' identity numbers: written with the case, read for exact look-ups, made anew when its key
//! or its rules change.

use chrono::{DateTime, NaiveDate, Utc};
use onedoor_domain::applicant::Applicant;
use onedoor_domain::id::{CaseId, OrganizationId};
use onedoor_domain::lookup::{LookupKey, NORMALIZATION};
use onedoor_domain::proof::{ReadProof, ReadScope};
use onedoor_domain::sla::beijing_date;
use onedoor_entity::{applicant_index, case_party, case_private};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait as _, Condition, EntityTrait as _, IntoActiveModel as _, JoinType, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, RelationDef,
};
use serde_json::Value;
use uuid::Uuid;

use super::case::CaseStore;
use super::error::StoreError;
use crate::secret::index_key::Blind;
use crate::secret::keyring::Keyring;

/// The column that goes into the keyed hash.
const COLUMN: &str = "applicant_index.hash";

impl CaseStore {
    /// The keyed hashes of a number, under every key, the current one first.
    #[must_use]
    pub fn blinds_of(&self, key: &LookupKey) -> Vec<Blind> {
        self.keys().index.blinds(COLUMN, &key.material())
    }

    /// Cases whose applicant has one of these hashes, among those that the reader's organization ever had, the last
    /// submitted first. Ask the policy for each before showing it.
    ///
    /// # Errors
    /// As any query.
    pub async fn find_by_applicant(
        &self,
        proof: &ReadProof,
        blinds: &[Blind],
        max: u64,
    ) -> Result<Vec<CaseId>, StoreError> {
        let line: Vec<OrganizationId> = match proof.scope() {
            ReadScope::ByOrganization(own) => proof.line_of(*own),
            // nobody looks for persons across organizations
            ReadScope::BySubject(_) | ReadScope::ByDevice(_) | ReadScope::BySubtree(_) | ReadScope::All => {
                return Ok(Vec::new());
            }
        };
        let to_party: RelationDef = applicant_index::Entity::belongs_to(case_party::Entity)
            .from(applicant_index::Column::CaseId)
            .to(case_party::Column::CaseId)
            .into();
        let found: Vec<Uuid> = applicant_index::Entity::find()
            .select_only()
            .column(applicant_index::Column::CaseId)
            .join(JoinType::InnerJoin, to_party)
            .filter(applicant_index::Column::Hash.is_in(blinds.iter().map(|blind| blind.mac.to_vec())))
            .filter(case_party::Column::OrganizationId.is_in(line.iter().map(|id| id.uuid())))
            .group_by(applicant_index::Column::CaseId)
            // keys of cases are in the order in which they were made
            .order_by_desc(applicant_index::Column::CaseId)
            .limit(max)
            .into_tuple()
            .all(self.database().read())
            .await?;
        Ok(found.into_iter().map(CaseId::from_uuid).collect())
    }

    /// Cases behind one of them that have no row of the current key and rules, in the order of their keys.
    ///
    /// # Errors
    /// As any query.
    pub async fn not_indexed(&self, behind: Option<CaseId>, max: u64) -> Result<Vec<CaseId>, StoreError> {
        let to_index: RelationDef = case_private::Entity::belongs_to(applicant_index::Entity)
            .from(case_private::Column::CaseId)
            .to(applicant_index::Column::CaseId)
            .into();
        let old = Condition::any()
            .add(applicant_index::Column::CaseId.is_null())
            .add(applicant_index::Column::KeyId.ne(self.keys().index.key_id().to_string()))
            .add(applicant_index::Column::Normalization.ne(NORMALIZATION));
        let found: Vec<Uuid> = case_private::Entity::find()
            .select_only()
            .column(case_private::Column::CaseId)
            .join(JoinType::LeftJoin, to_index)
            .filter(case_private::Column::CaseId.gt(behind.map_or(Uuid::nil(), CaseId::uuid)))
            .filter(old)
            .order_by_asc(case_private::Column::CaseId)
            .limit(max)
            .into_tuple()
            .all(self.database().read())
            .await?;
        Ok(found.into_iter().map(CaseId::from_uuid).collect())
    }

    /// Writes the rows of some cases anew, from their applicants.
    ///
    /// # Errors
    /// As any query or write; `Other` when an applicant does not open.
    pub async fn index_applicants(&self, of: &[CaseId], now: DateTime<Utc>) -> Result<(), StoreError> {
        let applicants = self.applicants(of).await?;
        let today = beijing_date(now);
        // one that was erased has a row too, so that nobody looks for it again
        let rows: Vec<_> = of
            .iter()
            .map(|case| row(*case, applicants.get(case), today, self.keys()))
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        let anew = OnConflict::column(applicant_index::Column::CaseId)
            .update_columns([
                applicant_index::Column::KeyId,
                applicant_index::Column::Normalization,
                applicant_index::Column::Hash,
            ])
            .to_owned();
        let database = self.database().clone();
        let write = async move {
            let tx = database.write_tx().await?;
            applicant_index::Entity::insert_many(rows.into_iter().map(|row| row.into_active_model()))
                .on_conflict(anew)
                .exec_without_returning(tx.connection())
                .await?;
            tx.commit().await
        };
        self.database().in_turn(write).await
    }
}

/// The row of a case; without an applicant or a number it is found by nothing.
pub(super) fn row(
    case: CaseId,
    applicant: Option<&Value>,
    today: NaiveDate,
    keys: &Keyring,
) -> applicant_index::Model {
    // the cause would quote the applicant
    let applicant: Option<Applicant> = applicant.and_then(|value| serde_json::from_value(value.clone()).ok());
    let key = applicant.and_then(|applicant| LookupKey::of_applicant(&applicant, today));
    let blind = key.map(|key| keys.index.blind(COLUMN, &key.material()));
    applicant_index::Model {
        case_id: case.uuid(),
        key_id: keys.index.key_id().to_string(),
        normalization: NORMALIZATION,
        hash: blind.map(|blind| blind.mac.to_vec()),
    }
}
