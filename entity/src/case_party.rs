//! An organization that ever held or was handed a case; the list of an organization's cases is a range of it.

use sea_orm::entity::prelude::*;

/// An organization that ever held or was handed a case; the list of an organization's cases is a range of it.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "case_party")]
pub struct Model {
    /// The organization.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: Uuid,
    /// When the case was submitted, microseconds UTC.
    #[sea_orm(primary_key, auto_increment = false)]
    pub submitted_at: i64,
    /// The case.
    #[sea_orm(primary_key, auto_increment = false)]
    pub case_id: Uuid,
}

/// Rows are joined by hand, where a list needs it.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
