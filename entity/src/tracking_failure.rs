//! Wrong tracking secrets that count towards the delay of a code.

use sea_orm::entity::prelude::*;

/// Wrong secrets of the codes of one bucket, known and unknown codes alike.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tracking_failure")]
pub struct Model {
    /// The bucket: a few bits of a hash of the code.
    #[sea_orm(primary_key, auto_increment = false)]
    pub bucket: i32,
    /// How many since `since`.
    pub failures: i32,
    /// Microseconds UTC.
    pub since: i64,
}

/// It is read alone.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
