//! An organization (单位).

use sea_orm::entity::prelude::*;

/// An organization (单位).
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "organization")]
pub struct Model {
    /// Key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Code; unique.
    #[sea_orm(column_type = "Text")]
    pub code: String,
    /// Role, for example `township.service-center`.
    #[sea_orm(column_type = "Text")]
    pub role: String,
    /// Name of an `OrganizationKind`.
    #[sea_orm(column_type = "Text")]
    pub kind: String,
    /// The division it serves.
    pub division_id: Uuid,
    /// Name of a `Level`.
    #[sea_orm(column_type = "Text")]
    pub level: String,
    /// Name in Chinese.
    #[sea_orm(column_type = "Text")]
    pub name_zh: String,
    /// Name in English.
    #[sea_orm(column_type = "Text")]
    pub name_en: String,
    /// The organization that took over its work.
    pub successor_id: Option<Uuid>,
    /// When it was closed, microseconds UTC; none: alive.
    pub closed_at: Option<i64>,
}

/// Where its rows point.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// By `division_id`.
    #[sea_orm(
        belongs_to = "super::division::Entity",
        from = "Column::DivisionId",
        to = "super::division::Column::Id"
    )]
    Division,
    /// By `successor_id`.
    #[sea_orm(belongs_to = "Entity", from = "Column::SuccessorId", to = "Column::Id")]
    Successor,
}

impl ActiveModelBehavior for ActiveModel {}
