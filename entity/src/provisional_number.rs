//! The number that a kiosk printed for an application while it was offline, and the case that came of it.

use sea_orm::entity::prelude::*;

/// The number that a kiosk printed while it was offline.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "provisional_number")]
pub struct Model {
    /// Subject of the device.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub device: String,
    /// What it printed.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub number: String,
    /// The case.
    pub case_id: Uuid,
    /// Microseconds UTC.
    pub captured_at: i64,
}

/// Rows are joined by hand, where a list needs it.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
