//! A look at personal data, kept before anything was shown.

use sea_orm::entity::prelude::*;

/// A look at personal data, kept before anything was shown.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "access_record")]
pub struct Model {
    /// Key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Microseconds UTC.
    pub at: i64,
    /// Name of an `AccessKind`.
    #[sea_orm(column_type = "Text")]
    pub kind: String,
    /// Name of an `AccessOutcome`.
    #[sea_orm(column_type = "Text")]
    pub outcome: String,
    /// Name of an `ActorKind`.
    #[sea_orm(column_type = "Text")]
    pub actor: String,
    /// Subject of the token.
    #[sea_orm(column_type = "Text")]
    pub subject: String,
    /// The organization the person works for.
    pub organization_id: Option<Uuid>,
    /// The case; none: a look-up that found none.
    pub case_id: Option<Uuid>,
    /// Division of the case, else of the organization.
    pub division_id: Option<Uuid>,
    /// Name of an `AccessPurpose`.
    #[sea_orm(column_type = "Text")]
    pub purpose: String,
    /// Sealed words of the purpose.
    pub purpose_text: Option<Vec<u8>>,
    /// JSON array of names of `PersonalField`.
    #[sea_orm(column_type = "Text")]
    pub fields: String,
}

/// Rows are joined by hand, where a list needs it.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
