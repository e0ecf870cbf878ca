//! Where one chain stood at a checkpoint; append-only by trigger.

use sea_orm::entity::prelude::*;

/// Where one chain stood at a checkpoint; append-only by trigger.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger_checkpoint_head")]
pub struct Model {
    /// Number of the checkpoint.
    #[sea_orm(primary_key, auto_increment = false)]
    pub checkpoint: i64,
    /// The case.
    #[sea_orm(primary_key, auto_increment = false)]
    pub chain: Uuid,
    /// Number of its last line then.
    pub seq: i64,
    /// Hash of that line.
    pub hash: Vec<u8>,
}

/// Rows are joined by hand, where a list needs it.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
