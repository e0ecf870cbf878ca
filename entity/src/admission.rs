//! An entry of the admission lists (准入).

use sea_orm::entity::prelude::*;

/// An entry of the admission lists (准入).
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "admission")]
pub struct Model {
    /// Number of the entry.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub number: String,
    /// Name of an `AdmissionList`.
    #[sea_orm(column_type = "Text")]
    pub list: String,
    /// Code of the service item.
    #[sea_orm(column_type = "Text")]
    pub item_code: String,
    /// Code of the division in which it holds; none: everywhere.
    #[sea_orm(column_type = "Text", nullable)]
    pub division_code: Option<String>,
    /// Who approved it.
    #[sea_orm(column_type = "Text")]
    pub approver: String,
    /// Where the money comes from.
    #[sea_orm(column_type = "Text")]
    pub funds_note: String,
    /// First day, `YYYY-MM-DD`.
    #[sea_orm(column_type = "Text")]
    pub valid_from: String,
    /// Last day, `YYYY-MM-DD`; none: until it is replaced.
    #[sea_orm(column_type = "Text", nullable)]
    pub valid_to: Option<String>,
}

/// No relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
