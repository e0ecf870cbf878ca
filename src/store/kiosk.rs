//! Kiosks as their administrator makes and ends them: enrolled by a code that works once, ended at once for every replica.

use chrono::{DateTime, Utc};
use onedoor_domain::audit::AuditEntry;
use onedoor_domain::digest::Digest;
use onedoor_domain::id::{KioskId, OrganizationId};
use onedoor_domain::kiosk::{Kiosk, KioskState};
use onedoor_entity::{kiosk, kiosk_token};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _};

use super::audit;
use super::case::CaseStore;
use super::error::StoreError;
use super::idempotency::{row as key_row, take};
use super::names::name_of;
use super::parse::{Row, micros};
use super::tx::Tx;
use super::write_set::IdempotencyClaim;

/// A kiosk with the key that it proves itself by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// The kiosk.
    pub kiosk: Kiosk,
    /// JSON of its public key; `None` before it was enrolled.
    pub public_key: Option<String>,
}

/// An enrolment code to be given out.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// The kiosk, new or to be enrolled again.
    pub kiosk: KioskId,
    /// What people call it.
    pub name: String,
    /// Its station.
    pub station: OrganizationId,
    /// Hash of the code.
    pub code: Digest,
    /// Until when it works.
    pub expires_at: DateTime<Utc>,
}

/// What a heartbeat tells.
#[derive(Debug, Clone)]
pub struct Beat {
    /// Version of the program.
    pub app_version: String,
    /// Applications that wait on the device.
    pub queue_length: u32,
    /// By how many seconds its clock is ahead.
    pub clock_ahead_s: i64,
}

impl CaseStore {
    /// Gives a code out, for a new kiosk or for one to be enrolled again; its key works on until the code is used.
    /// `false`: the caller's key is taken, or the kiosk is revoked.
    ///
    /// # Errors
    /// As any write.
    pub async fn invite_kiosk(
        &self,
        invitation: Invitation,
        claim: &IdempotencyClaim,
        answer: &[u8],
        entry: &AuditEntry,
    ) -> Result<bool, StoreError> {
        let sealing = self.answer_key(entry.at).await?;
        let key = key_row(claim, None, Some(answer), entry.at.timestamp_micros(), &sealing)?;
        let (database, entry) = (self.database().clone(), entry.clone());
        let write = async move {
            let tx = database.write_tx().await?;
            if !take(&tx, key).await? || !open_code(&tx, invitation, entry.at).await? {
                tx.rollback().await?;
                return Ok(false);
            }
            audit::write(&tx, &entry).await?;
            tx.commit().await?;
            Ok(true)
        };
        self.database().in_turn(write).await
    }

    /// The kiosk that a code was given out for.
    ///
    /// # Errors
    /// As any query.
    pub async fn kiosk_by_code(&self, code: Digest) -> Result<Option<Kiosk>, StoreError> {
        let row = kiosk::Entity::find()
            .filter(kiosk::Column::CodeHash.eq(code.as_bytes().to_vec()))
            .one(self.database().read())
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Uses a code up: from now on the kiosk is whoever holds this key. `false`: the code is not open any more.
    ///
    /// # Errors
    /// As any write.
    pub async fn enroll_kiosk(
        &self,
        id: KioskId,
        code: Digest,
        (public_key, thumbprint): (String, String),
        entry: &AuditEntry,
    ) -> Result<bool, StoreError> {
        let (database, entry) = (self.database().clone(), entry.clone());
        let active = name_of(KioskState::Active)?;
        let write = async move {
            let tx = database.write_tx().await?;
            let now = entry.at.timestamp_micros();
            let used = kiosk::Entity::update_many()
                .set(kiosk::ActiveModel {
                    state: Set(active),
                    code_hash: Set(None),
                    code_expires_at: Set(None),
                    public_key: Set(Some(public_key)),
                    thumbprint: Set(Some(thumbprint)),
                    counter: Set(0),
                    challenge: Set(None),
                    challenge_at: Set(None),
                    enrolled_at: Set(Some(now)),
                    last_seen_at: Set(Some(now)),
                    ended_at: Set(None),
                    ..Default::default()
                })
                .filter(kiosk::Column::Id.eq(id.uuid()))
                .filter(kiosk::Column::CodeHash.eq(code.as_bytes().to_vec()))
                .filter(kiosk::Column::CodeExpiresAt.gte(now))
                .exec(tx.connection())
                .await?;
            if used.rows_affected != 1 {
                tx.rollback().await?;
                return Ok(false);
            }
            end_tokens(&tx, id).await?;
            audit::write(&tx, &entry).await?;
            tx.commit().await?;
            Ok(true)
        };
        self.database().in_turn(write).await
    }

    /// A kiosk with its key.
    ///
    /// # Errors
    /// As any query; `Corrupt` when the row does not parse.
    pub async fn device(&self, id: KioskId) -> Result<Option<Device>, StoreError> {
        let row = kiosk::Entity::find_by_id(id.uuid())
            .one(self.database().read())
            .await?;
        row.map(device).transpose()
    }

    /// Keeps what a heartbeat tells.
    ///
    /// # Errors
    /// As any write.
    pub async fn keep_beat(&self, id: KioskId, beat: Beat, now: DateTime<Utc>) -> Result<(), StoreError> {
        let database = self.database().clone();
        let write = async move {
            let tx = database.write_tx().await?;
            kiosk::Entity::update_many()
                .set(kiosk::ActiveModel {
                    app_version: Set(Some(beat.app_version)),
                    queue_length: Set(Some(i64::from(beat.queue_length))),
                    clock_ahead_s: Set(Some(beat.clock_ahead_s)),
                    last_seen_at: Set(Some(now.timestamp_micros())),
                    ..Default::default()
                })
                .filter(kiosk::Column::Id.eq(id.uuid()))
                .exec(tx.connection())
                .await?;
            tx.commit().await
        };
        self.database().in_turn(write).await
    }

    /// Ends a kiosk for good, with its tokens. `false`: the caller's key is taken.
    ///
    /// # Errors
    /// As any write.
    pub async fn revoke_kiosk(
        &self,
        id: KioskId,
        claim: &IdempotencyClaim,
        entry: &AuditEntry,
    ) -> Result<bool, StoreError> {
        let sealing = self.answer_key(entry.at).await?;
        let key = key_row(claim, None, None, entry.at.timestamp_micros(), &sealing)?;
        let (database, entry) = (self.database().clone(), entry.clone());
        let write = async move {
            let tx = database.write_tx().await?;
            if !take(&tx, key).await? {
                tx.rollback().await?;
                return Ok(false);
            }
            if end(&tx, id, KioskState::Revoked, entry.at).await? {
                audit::write(&tx, &entry).await?;
            }
            tx.commit().await?;
            Ok(true)
        };
        self.database().in_turn(write).await
    }
}

/// Opens a code, on a new row or on one that is not revoked.
async fn open_code(tx: &Tx, invitation: Invitation, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let (code, ends) = (
        Some(invitation.code.as_bytes().to_vec()),
        micros(Some(invitation.expires_at)),
    );
    let known = kiosk::Entity::find_by_id(invitation.kiosk.uuid())
        .one(tx.connection())
        .await?;
    if known.is_none() {
        let row = kiosk::Model {
            id: invitation.kiosk.uuid(),
            name: invitation.name,
            organization_id: invitation.station.uuid(),
            state: name_of(KioskState::Invited)?,
            code_hash: code,
            code_expires_at: ends,
            public_key: None,
            thumbprint: None,
            counter: 0,
            challenge: None,
            challenge_at: None,
            app_version: None,
            queue_length: None,
            clock_ahead_s: None,
            created_at: now.timestamp_micros(),
            enrolled_at: None,
            last_seen_at: None,
            ended_at: None,
        };
        kiosk::Entity::insert(row.into_active_model())
            .exec_without_returning(tx.connection())
            .await?;
        return Ok(true);
    }
    let renewed = kiosk::Entity::update_many()
        .set(kiosk::ActiveModel {
            name: Set(invitation.name),
            organization_id: Set(invitation.station.uuid()),
            code_hash: Set(code),
            code_expires_at: Set(ends),
            ..Default::default()
        })
        .filter(kiosk::Column::Id.eq(invitation.kiosk.uuid()))
        .filter(kiosk::Column::State.ne(name_of(KioskState::Revoked)?))
        .exec(tx.connection())
        .await?;
    Ok(renewed.rows_affected == 1)
}

/// Puts a kiosk out of action; `false`: there is none, or it is revoked already.
pub(super) async fn end(
    tx: &Tx,
    id: KioskId,
    state: KioskState,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let ended = kiosk::Entity::update_many()
        .set(kiosk::ActiveModel {
            state: Set(name_of(state)?),
            code_hash: Set(None),
            code_expires_at: Set(None),
            ended_at: Set(Some(now.timestamp_micros())),
            ..Default::default()
        })
        .filter(kiosk::Column::Id.eq(id.uuid()))
        .filter(kiosk::Column::State.ne(name_of(KioskState::Revoked)?))
        .exec(tx.connection())
        .await?;
    end_tokens(tx, id).await?;
    Ok(ended.rows_affected == 1)
}

async fn end_tokens(tx: &Tx, id: KioskId) -> Result<(), StoreError> {
    kiosk_token::Entity::delete_many()
        .filter(kiosk_token::Column::KioskId.eq(id.uuid()))
        .exec(tx.connection())
        .await?;
    Ok(())
}

fn device(row: kiosk::Model) -> Result<Device, StoreError> {
    Ok(Device {
        kiosk: read(&row)?,
        public_key: row.public_key,
    })
}

/// A row as a kiosk.
pub(super) fn read(row: &kiosk::Model) -> Result<Kiosk, StoreError> {
    let id = KioskId::from_uuid(row.id);
    let parse = Row::of("kiosk", &id);
    Ok(Kiosk {
        id,
        name: row.name.clone(),
        station: OrganizationId::from_uuid(row.organization_id),
        state: parse.word("state", &row.state)?,
        thumbprint: row.thumbprint.clone(),
        counter: parse.number("counter", row.counter)?,
        app_version: row.app_version.clone(),
        queue_length: parse.number_opt("queue_length", row.queue_length)?,
        clock_ahead_s: row.clock_ahead_s,
        created_at: parse.instant("created_at", row.created_at)?,
        code_expires_at: parse.instant_opt("code_expires_at", row.code_expires_at)?,
        enrolled_at: parse.instant_opt("enrolled_at", row.enrolled_at)?,
        last_seen_at: parse.instant_opt("last_seen_at", row.last_seen_at)?,
        ended_at: parse.instant_opt("ended_at", row.ended_at)?,
    })
}
