//! Successions of organizations: who took over from whom when divisions changed, and the cases they concern.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use onedoor_domain::delivery::{DeliveryKind, DeliveryState};
use onedoor_domain::edition::{Renaming, Succession};
use onedoor_domain::id::{CaseId, DeliveryId, DivisionId, HandoffId, OrganizationId};
use onedoor_entity::{case_party, cases, delivery, handoff, organization, organization_name};
use sea_orm::sea_query::{Condition, Expr, ExprTrait as _, OnConflict, Query, SelectStatement};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, IntoActiveModel as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use super::case::CaseStore;
use super::error::StoreError;
use super::names::name_of;
use super::organization::end_name;
use super::tx::Tx;

/// How many organizations were succeeded, and how many got another name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Succeeded {
    /// Organizations whose work another one does now.
    pub succeeded: usize,
    /// Organizations that are called otherwise.
    pub renamed: usize,
}

/// A delivery that has surely not left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsent {
    /// The delivery.
    pub delivery: DeliveryId,
    /// Its fence.
    pub fence: i64,
    /// The handoff it carries out.
    pub handoff: HandoffId,
}

/// Lets the organizations of changed divisions succeed one another, role by role, and renames those of renamed ones.
/// An organization whose role nobody has yet in the new division begins there.
///
/// # Errors
/// As any write.
pub async fn succeed(
    tx: &Tx,
    successions: &[Succession],
    renamings: &[Renaming],
    now: DateTime<Utc>,
) -> Result<Succeeded, StoreError> {
    let mut done = Succeeded::default();
    if successions.is_empty() && renamings.is_empty() {
        return Ok(done);
    }
    let mut places = Places::read(tx).await?;
    for succession in successions {
        for old in places.leaving(succession) {
            if old.code == role_code(&succession.from_code, &old.role) {
                let heir = places.heir(tx, succession, &old, now).await?;
                hand_over(tx, &old, heir, now).await?;
                done.succeeded += 1;
            } else if succession.from != succession.to {
                // an agency with a code of its own goes along with its place
                let mut moved = old.into_active_model();
                moved.division_id = sea_orm::ActiveValue::Set(succession.to.uuid());
                moved.update(tx.connection()).await?;
            }
        }
    }
    for renaming in renamings {
        for old in places.of(renaming.division) {
            if old.name_zh.contains(&renaming.from) {
                let name = old.name_zh.replace(&renaming.from, &renaming.to);
                rename(tx, old, name, now).await?;
                done.renamed += 1;
            }
        }
    }
    Ok(done)
}

fn role_code(division: &str, role: &str) -> String {
    format!("{division}:{role}")
}

/// The living organizations by division, and all codes.
struct Places {
    living: HashMap<Uuid, Vec<organization::Model>>,
    codes: HashMap<String, Uuid>,
}

impl Places {
    async fn read(tx: &Tx) -> Result<Self, StoreError> {
        let mut places = Self {
            living: HashMap::new(),
            codes: HashMap::new(),
        };
        for row in organization::Entity::find()
            .order_by_asc(organization::Column::Code)
            .all(tx.connection())
            .await?
        {
            places.codes.insert(row.code.clone(), row.id);
            if row.successor_id.is_none() {
                places.living.entry(row.division_id).or_default().push(row);
            }
        }
        Ok(places)
    }

    fn of(&self, division: DivisionId) -> Vec<organization::Model> {
        self.living.get(&division.uuid()).cloned().unwrap_or_default()
    }

    /// The organizations that a succession concerns; they are the division's no longer.
    fn leaving(&mut self, succession: &Succession) -> Vec<organization::Model> {
        let here = self.living.remove(&succession.from.uuid()).unwrap_or_default();
        if succession.from != succession.to {
            return here;
        }
        let (old, kept) = here
            .into_iter()
            .partition(|row| row.code == role_code(&succession.from_code, &row.role));
        self.living.insert(succession.from.uuid(), kept);
        old
    }

    /// The organization that has the role in the new division, made if there is none.
    async fn heir(
        &mut self,
        tx: &Tx,
        succession: &Succession,
        old: &organization::Model,
        now: DateTime<Utc>,
    ) -> Result<Uuid, StoreError> {
        let place = succession.to.uuid();
        let there = self.living.entry(place).or_default();
        if let Some(found) = there.iter().find(|row| row.role == old.role) {
            return Ok(found.id);
        }
        let mut code = role_code(&succession.to_code, &old.role);
        if self.codes.contains_key(&code) {
            // an earlier bearer of the division's code had it, and is remembered by it
            let day = onedoor_domain::sla::beijing_date(now);
            code = format!("{code}@{day}");
        }
        let row = organization::Model {
            id: OrganizationId::named(&code).uuid(),
            division_id: place,
            name_zh: old.name_zh.replace(&succession.from_name, &succession.to_name),
            successor_id: None,
            closed_at: None,
            code,
            ..old.clone()
        };
        organization::Entity::insert(row.clone().into_active_model().reset_all())
            .exec_without_returning(tx.connection())
            .await?;
        begin_name(tx, &row, now).await?;
        self.codes.insert(row.code.clone(), row.id);
        let id = row.id;
        there.push(row);
        Ok(id)
    }
}

async fn begin_name(tx: &Tx, row: &organization::Model, now: DateTime<Utc>) -> Result<(), StoreError> {
    let name = organization_name::Model {
        organization_id: row.id,
        valid_from: now.timestamp_micros(),
        valid_to: None,
        name_zh: row.name_zh.clone(),
        name_en: row.name_en.clone(),
    };
    organization_name::Entity::insert(name.into_active_model().reset_all())
        .exec_without_returning(tx.connection())
        .await?;
    Ok(())
}

async fn rename(
    tx: &Tx,
    old: organization::Model,
    name: String,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    end_name(tx, OrganizationId::from_uuid(old.id), now).await?;
    let row = organization::Model { name_zh: name, ..old };
    begin_name(tx, &row, now).await?;
    row.into_active_model()
        .reset_all()
        .update(tx.connection())
        .await?;
    Ok(())
}

/// Closes an organization. Its successor becomes a party to its cases, so that one range of one index still holds all
/// the cases of an organization.
async fn hand_over(
    tx: &Tx,
    old: &organization::Model,
    heir: Uuid,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    organization::Entity::update_many()
        .col_expr(organization::Column::SuccessorId, Expr::value(heir))
        .col_expr(
            organization::Column::ClosedAt,
            Expr::value(now.timestamp_micros()),
        )
        .filter(organization::Column::Id.eq(old.id))
        .exec(tx.connection())
        .await?;
    let known = Query::select()
        .expr(Expr::value(heir))
        .column(case_party::Column::SubmittedAt)
        .column(case_party::Column::CaseId)
        .from(case_party::Entity)
        .and_where(case_party::Column::OrganizationId.eq(old.id))
        .to_owned();
    let mut copy = Query::insert();
    copy.into_table(case_party::Entity)
        .columns([
            case_party::Column::OrganizationId,
            case_party::Column::SubmittedAt,
            case_party::Column::CaseId,
        ])
        .on_conflict(
            OnConflict::columns([
                case_party::Column::OrganizationId,
                case_party::Column::SubmittedAt,
                case_party::Column::CaseId,
            ])
            .do_nothing()
            .to_owned(),
        );
    copy.select_from(known).map_err(StoreError::other)?;
    tx.connection().execute(&copy).await?;
    Ok(())
}

/// Organizations that somebody succeeded.
fn succeeded() -> SelectStatement {
    Query::select()
        .column(organization::Column::Id)
        .from(organization::Entity)
        .and_where(organization::Column::SuccessorId.is_not_null())
        .to_owned()
}

/// States of deliveries on which nobody works.
fn waiting() -> Result<[String; 2], StoreError> {
    Ok([name_of(DeliveryState::Pending)?, name_of(DeliveryState::Held)?])
}

/// Deliveries of a case that wait since before the receiver of their handoff took over from another.
fn waiting_since_before() -> Result<SelectStatement, StoreError> {
    let of = |column: delivery::Column| Expr::col((delivery::Entity, column));
    Ok(Query::select()
        .expr(Expr::value(1))
        .from(delivery::Entity)
        .inner_join(
            handoff::Entity,
            Expr::col((handoff::Entity, handoff::Column::Id))
                .equals((delivery::Entity, delivery::Column::HandoffId)),
        )
        .inner_join(
            organization::Entity,
            Expr::col((organization::Entity, organization::Column::SuccessorId))
                .equals((handoff::Entity, handoff::Column::ToId)),
        )
        .and_where(of(delivery::Column::CaseId).equals((cases::Entity, cases::Column::Id)))
        .and_where(of(delivery::Column::State).is_in(waiting()?))
        .and_where(of(delivery::Column::Operation).ne(name_of(DeliveryKind::Notify)?))
        .and_where(of(delivery::Column::InDoubt).eq(false))
        .and_where(
            of(delivery::Column::CreatedAt)
                .lte(Expr::col((organization::Entity, organization::Column::ClosedAt))),
        )
        .to_owned())
}

impl CaseStore {
    /// Open cases whose open work lies with organizations that somebody succeeded, or of which a delivery still waits
    /// that was asked for before the succession of its receiver, by id; `after`: only later ids.
    ///
    /// # Errors
    /// As any query.
    pub async fn cases_to_take_over(
        &self,
        after: Option<CaseId>,
        max: u64,
    ) -> Result<Vec<CaseId>, StoreError> {
        let gone = |column: Expr| column.in_subquery(succeeded());
        let parties = Query::select()
            .column(case_party::Column::CaseId)
            .from(case_party::Entity)
            .and_where(Expr::col(case_party::Column::OrganizationId).in_subquery(succeeded()))
            .to_owned();
        let handed = Query::select()
            .expr(Expr::value(1))
            .from(handoff::Entity)
            .and_where(
                Expr::col((handoff::Entity, handoff::Column::CaseId))
                    .equals((cases::Entity, cases::Column::Id)),
            )
            .and_where(Expr::col((handoff::Entity, handoff::Column::Open)))
            .cond_where(
                Condition::any()
                    .add(gone(Expr::col((handoff::Entity, handoff::Column::ToId))))
                    .add(gone(Expr::col((handoff::Entity, handoff::Column::FromId)))),
            )
            .to_owned();
        let found: Vec<Uuid> = cases::Entity::find()
            .select_only()
            .column(cases::Column::Id)
            .filter(Expr::col((cases::Entity, cases::Column::Id)).in_subquery(parties))
            // an open case has an owner, a closed one none
            .filter(cases::Column::OwnerId.is_not_null())
            .filter(
                Condition::any()
                    .add(gone(Expr::col((cases::Entity, cases::Column::OwnerId))))
                    .add(gone(Expr::col((cases::Entity, cases::Column::FirstContactId))))
                    .add(Expr::exists(handed))
                    .add(Expr::exists(waiting_since_before()?)),
            )
            .filter(Condition::all().add_option(after.map(|after| cases::Column::Id.gt(after.uuid()))))
            .order_by_asc(cases::Column::Id)
            .limit(max)
            .into_tuple()
            .all(self.database().read())
            .await?;
        Ok(found.into_iter().map(CaseId::from_uuid).collect())
    }

    /// The deliveries of handoffs of a case of which surely nothing has left: nobody works on one, no attempt is in
    /// doubt, none was answered.
    ///
    /// # Errors
    /// As any query.
    pub async fn unsent_deliveries(&self, case: CaseId) -> Result<Vec<Unsent>, StoreError> {
        let waiting = waiting()?;
        let mut found = delivery::Entity::find()
            .filter(delivery::Column::CaseId.eq(case.uuid()))
            .filter(delivery::Column::State.ne(name_of(DeliveryState::Cancelled)?))
            .filter(delivery::Column::Operation.ne(name_of(DeliveryKind::Notify)?))
            .order_by_asc(delivery::Column::CreatedAt)
            .all(self.database().read())
            .await?;
        let left = |row: &delivery::Model| row.in_doubt || !waiting.contains(&row.state);
        let gone: Vec<Uuid> = found
            .iter()
            .filter(|row| left(row))
            .map(|row| row.handoff_id)
            .collect();
        found.retain(|row| !gone.contains(&row.handoff_id));
        let unsent = |row: delivery::Model| Unsent {
            delivery: DeliveryId::from_uuid(row.id),
            fence: row.fence,
            handoff: HandoffId::from_uuid(row.handoff_id),
        };
        Ok(found.into_iter().map(unsent).collect())
    }
}
