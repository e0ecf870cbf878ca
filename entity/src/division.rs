//! A division (区划).

use sea_orm::entity::prelude::*;

/// A division (区划).
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "division")]
pub struct Model {
    /// Key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Current statistical code, 12 digits; unique.
    #[sea_orm(column_type = "Text")]
    pub code: String,
    /// The division above.
    pub parent_id: Option<Uuid>,
    /// Name of a `Level`.
    #[sea_orm(column_type = "Text")]
    pub level: String,
    /// Name.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// Kind as in the data.
    #[sea_orm(column_type = "Text")]
    pub kind: String,
    /// Name of a `Setting`; none above village level.
    #[sea_orm(column_type = "Text", nullable)]
    pub setting: Option<String>,
    /// Whether statistics count it.
    pub counted: bool,
    /// Urban-rural class code (城乡分类代码).
    #[sea_orm(column_type = "Text", nullable)]
    pub ur_class: Option<String>,
    /// Last day, `YYYY-MM-DD`; none: it lives.
    #[sea_orm(column_type = "Text", nullable)]
    pub valid_to: Option<String>,
    /// The division that stands in its place since.
    pub successor_id: Option<Uuid>,
}

/// Where its rows point.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// By `parent_id`.
    #[sea_orm(belongs_to = "Entity", from = "Column::ParentId", to = "Column::Id")]
    Parent,
}

impl ActiveModelBehavior for ActiveModel {}
