//! Lists of looks at personal data, the last first, cut to what their reader oversees.

use chrono::{DateTime, Utc};
use onedoor_domain::access::{AccessEntry, AccessOutcome, AccessPurpose, AccessRecord};
use onedoor_domain::id::{AccessRecordId, CaseId, DivisionId, OrganizationId};
use onedoor_domain::page::{KeyPart, Page, PageRequest, Position};
use onedoor_domain::proof::{CaseProof, ReadProof, ReadScope};
use onedoor_entity::{access_record, cases};
use sea_orm::sea_query::{Condition, Expr};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, FromQueryResult, JoinType, PaginatorTrait as _, QueryFilter as _,
    QuerySelect as _, RelationDef, Select,
};
use uuid::Uuid;

use super::access::text_place;
use super::case::CaseStore;
use super::data_key::{Opener, key_ids};
use super::error::StoreError;
use super::names::name_of;
use super::page::{descending, keyset};
use super::parse::Row;
use super::reach;

/// The order of records: the last first. Positions have 2 parts.
pub const ACCESS_BY_TIME: &str = "access.at";

/// Which records of the scope; a missing part does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessFilter {
    /// Of this person.
    pub subject: Option<String>,
    /// Of people of this organization.
    pub organization: Option<OrganizationId>,
    /// At this instant or later.
    pub from: Option<DateTime<Utc>>,
    /// Before this instant.
    pub to: Option<DateTime<Utc>>,
    /// For this purpose.
    pub purpose: Option<AccessPurpose>,
    /// With this outcome.
    pub outcome: Option<AccessOutcome>,
}

#[derive(FromQueryResult)]
struct Listed {
    id: Uuid,
    at: i64,
    kind: String,
    outcome: String,
    actor: String,
    subject: String,
    organization_id: Option<Uuid>,
    case_id: Option<Uuid>,
    division_id: Option<Uuid>,
    purpose: String,
    purpose_text: Option<Vec<u8>>,
    fields: String,
    tracking_code: Option<String>,
}

impl CaseStore {
    /// A page of the records that a reader oversees, in the order [`ACCESS_BY_TIME`].
    ///
    /// # Errors
    /// As any query; `Corrupt` when a row does not parse.
    pub async fn list_access(
        &self,
        proof: &ReadProof,
        filter: &AccessFilter,
        page: &PageRequest,
    ) -> Result<Page<AccessEntry>, StoreError> {
        self.page_of(within(proof), filter, page).await
    }

    /// How many records the list has.
    ///
    /// # Errors
    /// As any query.
    pub async fn count_access(&self, proof: &ReadProof, filter: &AccessFilter) -> Result<u64, StoreError> {
        let query = joined().filter(within(proof)).filter(narrowed(filter)?);
        Ok(query.count(self.database().read()).await?)
    }

    /// A page of the records of one case, in the order [`ACCESS_BY_TIME`].
    ///
    /// # Errors
    /// As [`Self::list_access`].
    pub async fn list_access_of(
        &self,
        proof: &CaseProof,
        filter: &AccessFilter,
        page: &PageRequest,
    ) -> Result<Page<AccessEntry>, StoreError> {
        self.page_of(of_case(proof), filter, page).await
    }

    /// How many records of one case there are.
    ///
    /// # Errors
    /// As any query.
    pub async fn count_access_of(&self, proof: &CaseProof, filter: &AccessFilter) -> Result<u64, StoreError> {
        let query = joined().filter(of_case(proof)).filter(narrowed(filter)?);
        Ok(query.count(self.database().read()).await?)
    }

    /// The cases that some records name, in the order of the records.
    ///
    /// # Errors
    /// As any query.
    pub async fn cases_of_access(&self, ids: &[AccessRecordId]) -> Result<Vec<CaseId>, StoreError> {
        let rows = access_record::Entity::find()
            .filter(access_record::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
            .all(self.database().read())
            .await?;
        let case = |id: &AccessRecordId| {
            rows.iter()
                .find(|row| row.id == id.uuid())
                .and_then(|row| row.case_id)
                .map(CaseId::from_uuid)
        };
        Ok(ids.iter().filter_map(case).collect())
    }

    async fn page_of(
        &self,
        scope: Condition,
        filter: &AccessFilter,
        page: &PageRequest,
    ) -> Result<Page<AccessEntry>, StoreError> {
        let keys = [
            descending(access_record::Column::At),
            descending(access_record::Column::Id),
        ];
        let query = keyset(joined().filter(scope).filter(narrowed(filter)?), &keys, page)?;
        let rows = query
            .column(cases::Column::TrackingCode)
            .into_model::<Listed>()
            .all(self.database().read())
            .await?;
        let opener = self
            .opener(key_ids(rows.iter().filter_map(|row| row.purpose_text.as_deref())))
            .await?;
        let entries = rows.into_iter().map(|row| self.access_entry(row, &opener));
        let entries = entries.collect::<Result<_, _>>()?;
        Ok(page.page(entries, |entry: &AccessEntry| {
            Position(vec![
                KeyPart::Integer(entry.record.at.timestamp_micros()),
                KeyPart::Uuid(entry.record.id.uuid()),
            ])
        }))
    }

    fn access_entry(&self, row: Listed, opener: &Opener) -> Result<AccessEntry, StoreError> {
        let id = AccessRecordId::from_uuid(row.id);
        let parse = Row::of("access_record", &id);
        let opened = row
            .purpose_text
            .map(|sealed| opener.open(&text_place(id), sealed));
        // what was erased has no words any more
        let opened = opened.transpose().map_err(StoreError::other)?.flatten();
        let purpose_text = opened.map(|text| {
            String::from_utf8(text.into_exposed())
                .ok()
                .ok_or_else(|| parse.corrupt("purpose_text"))
        });
        let record = AccessRecord {
            id,
            at: parse.instant("at", row.at)?,
            kind: parse.word("kind", &row.kind)?,
            outcome: parse.word("outcome", &row.outcome)?,
            actor: parse.word("actor", &row.actor)?,
            organization: row.organization_id.map(OrganizationId::from_uuid),
            case: row.case_id.map(CaseId::from_uuid),
            division: row.division_id.map(DivisionId::from_uuid),
            purpose: parse.word("purpose", &row.purpose)?,
            purpose_text: purpose_text.transpose()?,
            fields: parse.json("fields", &row.fields)?,
            subject: row.subject,
        };
        Ok(AccessEntry {
            person: self.person_of(&record),
            tracking: row
                .tracking_code
                .map(|code| parse.text("tracking_code", &code))
                .transpose()?,
            record,
        })
    }

    /// A short name that tells two people who looked at one case apart, and no more: not without the key, nor from one
    /// case to another.
    fn person_of(&self, record: &AccessRecord) -> String {
        let case = record.case.map(|case| case.to_string()).unwrap_or_default();
        let value = format!("{case}\0{}", record.subject);
        let blind = self.keys().index.blind("access_record.person", value.as_bytes());
        hex::encode(blind.mac).chars().take(8).collect()
    }
}

/// Records with the numbers of their cases; a look-up that found nothing has none.
fn joined() -> Select<access_record::Entity> {
    let to_case: RelationDef = access_record::Entity::belongs_to(cases::Entity)
        .from(access_record::Column::CaseId)
        .to(cases::Column::Id)
        .into();
    access_record::Entity::find().join(JoinType::LeftJoin, to_case)
}

/// Whoever oversees a division reads what was seen of its cases, and which of its offices looked for people in vain.
fn within(proof: &ReadProof) -> Condition {
    match proof.scope() {
        ReadScope::BySubtree(division) => {
            Condition::all().add(access_record::Column::DivisionId.in_subquery(reach::subtree(*division)))
        }
        ReadScope::All => Condition::all(),
        // the policy gives this list to overseers alone
        ReadScope::BySubject(_) | ReadScope::ByDevice(_) | ReadScope::ByOrganization(_) => {
            Condition::all().add(Expr::value(false))
        }
    }
}

fn of_case(proof: &CaseProof) -> Condition {
    Condition::all().add(access_record::Column::CaseId.eq(proof.case().uuid()))
}

fn narrowed(filter: &AccessFilter) -> Result<Condition, StoreError> {
    let subject = filter
        .subject
        .as_ref()
        .map(|subject| access_record::Column::Subject.eq(subject));
    let organization = filter
        .organization
        .map(|id| access_record::Column::OrganizationId.eq(id.uuid()));
    let from = filter
        .from
        .map(|at| access_record::Column::At.gte(at.timestamp_micros()));
    let to = filter
        .to
        .map(|at| access_record::Column::At.lt(at.timestamp_micros()));
    let purpose = filter.purpose.map(name_of).transpose()?;
    let outcome = filter.outcome.map(name_of).transpose()?;
    Ok(Condition::all()
        .add_option(subject)
        .add_option(organization)
        .add_option(from)
        .add_option(to)
        .add_option(purpose.map(|name| access_record::Column::Purpose.eq(name)))
        .add_option(outcome.map(|name| access_record::Column::Outcome.eq(name))))
}
