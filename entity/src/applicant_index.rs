//! By which keyed hash the applicant's identity number of a case is found.

use sea_orm::entity::prelude::*;

/// By which keyed hash the applicant's identity number of a case is found.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "applicant_index")]
pub struct Model {
    /// The case.
    #[sea_orm(primary_key, auto_increment = false)]
    pub case_id: Uuid,
    /// The key of the hash, in hex.
    #[sea_orm(column_type = "Text")]
    pub key_id: String,
    /// Version of the rules by which the number was spelled.
    pub normalization: i16,
    /// The hash; none: no number was given, or the applicant was erased.
    pub hash: Option<Vec<u8>>,
}

/// Rows are joined by hand, where a list needs it.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
