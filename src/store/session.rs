//! Sign-in sessions, and sign-ins that were begun: found by the hash of what the browser holds, never by that itself.

use chrono::{DateTime, Utc};
use onedoor_domain::audit::AuditEntry;
use onedoor_domain::id::SessionId;
use onedoor_entity::{session, sign_in};
use sea_orm::sea_query::{Condition, Expr};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, PaginatorTrait as _, QueryFilter as _,
};

use super::audit;
use super::database::Database;
use super::error::StoreError;
use super::parse::Row;

/// SHA-256 of a secret that a browser holds.
pub type SecretHash = [u8; 32];

/// A session as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRecord {
    /// Its key.
    pub id: SessionId,
    /// Name of the issuer.
    pub issuer: String,
    /// Subject, qualified by the issuer.
    pub subject: String,
    /// The role, as a token names it.
    pub role: String,
    /// Code of the organization.
    pub organization: Option<String>,
    /// Code of the division.
    pub division: Option<String>,
    /// May extend a case.
    pub approver: bool,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it was last used, about.
    pub seen_at: DateTime<Utc>,
    /// When it ends however much it is used.
    pub expires_at: DateTime<Utc>,
}

/// A sign-in that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BegunSignIn {
    /// Name of the issuer.
    pub issuer: String,
    /// Local path that the browser goes to then.
    pub target: String,
    /// When it can no longer be finished.
    pub expires_at: DateTime<Utc>,
}

/// Keeps a sign-in that begins.
///
/// # Errors
/// As any write.
pub async fn begin(database: &Database, key: SecretHash, begun: &BegunSignIn) -> Result<(), StoreError> {
    let row = sign_in::Model {
        key: key.to_vec(),
        issuer: begun.issuer.clone(),
        target: begun.target.clone(),
        expires_at: begun.expires_at.timestamp_micros(),
    };
    let own = database.clone();
    let write = async move {
        let tx = own.write_tx().await?;
        sign_in::Entity::insert(row.into_active_model())
            .exec_without_returning(tx.connection())
            .await?;
        tx.commit().await
    };
    database.in_turn(write).await
}

/// Takes a sign-in that was begun, so that nobody finishes it again; `None`: there is none, or somebody took it.
///
/// # Errors
/// As any write.
pub async fn take(database: &Database, key: SecretHash) -> Result<Option<BegunSignIn>, StoreError> {
    let found = sign_in::Entity::find_by_id(key.to_vec())
        .one(database.read())
        .await?;
    let Some(row) = found else { return Ok(None) };
    let own = database.clone();
    let write = async move {
        let tx = own.write_tx().await?;
        let deleted = sign_in::Entity::delete_by_id(key.to_vec())
            .exec(tx.connection())
            .await?;
        tx.commit().await?;
        Ok(deleted.rows_affected == 1)
    };
    if !database.in_turn(write).await? {
        return Ok(None);
    }
    let parse = Row::of("sign_in", &"begun");
    Ok(Some(BegunSignIn {
        expires_at: parse.instant("expires_at", row.expires_at)?,
        issuer: row.issuer,
        target: row.target,
    }))
}

/// Begins a session with its audit entry; one that the same browser held before ends.
///
/// # Errors
/// As any write.
pub async fn insert(
    database: &Database,
    key: SecretHash,
    new: &SessionRecord,
    earlier: Option<SecretHash>,
    entry: &AuditEntry,
) -> Result<(), StoreError> {
    let row = session::Model {
        id: new.id.uuid(),
        key: key.to_vec(),
        issuer: new.issuer.clone(),
        subject: new.subject.clone(),
        role: new.role.clone(),
        organization: new.organization.clone(),
        division: new.division.clone(),
        approver: new.approver,
        created_at: new.created_at.timestamp_micros(),
        seen_at: new.seen_at.timestamp_micros(),
        expires_at: new.expires_at.timestamp_micros(),
    };
    let (own, entry) = (database.clone(), entry.clone());
    let write = async move {
        let tx = own.write_tx().await?;
        if let Some(earlier) = earlier {
            session::Entity::delete_many()
                .filter(session::Column::Key.eq(earlier.to_vec()))
                .exec(tx.connection())
                .await?;
        }
        session::Entity::insert(row.into_active_model())
            .exec_without_returning(tx.connection())
            .await?;
        audit::write(&tx, &entry).await?;
        tx.commit().await
    };
    database.in_turn(write).await
}

/// The session of a secret.
///
/// # Errors
/// As any query; `Corrupt` when the row does not parse.
pub async fn find(database: &Database, key: SecretHash) -> Result<Option<SessionRecord>, StoreError> {
    let row = session::Entity::find()
        .filter(session::Column::Key.eq(key.to_vec()))
        .one(database.read())
        .await?;
    row.map(record).transpose()
}

/// Whether a session is still there.
///
/// # Errors
/// As any query.
pub async fn stands(database: &Database, id: SessionId) -> Result<bool, StoreError> {
    let found = session::Entity::find_by_id(id.uuid())
        .count(database.read())
        .await?;
    Ok(found == 1)
}

/// Notes that a session was used.
///
/// # Errors
/// As any write.
pub async fn touch(database: &Database, id: SessionId, now: DateTime<Utc>) -> Result<(), StoreError> {
    let own = database.clone();
    let write = async move {
        let tx = own.write_tx().await?;
        session::Entity::update_many()
            .filter(session::Column::Id.eq(id.uuid()))
            .filter(session::Column::SeenAt.lt(now.timestamp_micros()))
            .col_expr(session::Column::SeenAt, Expr::value(now.timestamp_micros()))
            .exec(tx.connection())
            .await?;
        tx.commit().await
    };
    database.in_turn(write).await
}

/// Ends a session, with its audit entry.
///
/// # Errors
/// As any write.
pub async fn end(database: &Database, id: SessionId, entry: &AuditEntry) -> Result<(), StoreError> {
    let (own, entry) = (database.clone(), entry.clone());
    let write = async move {
        let tx = own.write_tx().await?;
        let deleted = session::Entity::delete_by_id(id.uuid())
            .exec(tx.connection())
            .await?;
        if deleted.rows_affected == 1 {
            audit::write(&tx, &entry).await?;
        }
        tx.commit().await
    };
    database.in_turn(write).await
}

/// Removes sessions and sign-ins that are over.
///
/// # Errors
/// As any write.
pub async fn remove_over(
    database: &Database,
    now: DateTime<Utc>,
    idle_before: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let over = Condition::any()
        .add(session::Column::ExpiresAt.lte(now.timestamp_micros()))
        .add(session::Column::SeenAt.lte(idle_before.timestamp_micros()));
    let unfinished = sign_in::Column::ExpiresAt.lte(now.timestamp_micros());
    let sessions = session::Entity::find()
        .filter(over.clone())
        .count(database.read())
        .await?;
    let sign_ins = sign_in::Entity::find()
        .filter(unfinished.clone())
        .count(database.read())
        .await?;
    if sessions + sign_ins == 0 {
        return Ok(0);
    }
    let own = database.clone();
    let write = async move {
        let tx = own.write_tx().await?;
        let sessions = session::Entity::delete_many()
            .filter(over)
            .exec(tx.connection())
            .await?;
        let sign_ins = sign_in::Entity::delete_many()
            .filter(unfinished)
            .exec(tx.connection())
            .await?;
        tx.commit().await?;
        Ok(sessions.rows_affected + sign_ins.rows_affected)
    };
    database.in_turn(write).await
}

fn record(row: session::Model) -> Result<SessionRecord, StoreError> {
    let id = SessionId::from_uuid(row.id);
    let parse = Row::of("session", &id);
    Ok(SessionRecord {
        id,
        created_at: parse.instant("created_at", row.created_at)?,
        seen_at: parse.instant("seen_at", row.seen_at)?,
        expires_at: parse.instant("expires_at", row.expires_at)?,
        issuer: row.issuer,
        subject: row.subject,
        role: row.role,
        organization: row.organization,
        division: row.division,
        approver: row.approver,
    })
}
