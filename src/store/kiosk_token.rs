//! Tokens of kiosks, and the proofs that they have used: judged by the counter, remembered for every replica.

use chrono::{DateTime, Utc};
use onedoor_domain::audit::AuditEntry;
use onedoor_domain::digest::Digest;
use onedoor_domain::id::KioskId;
use onedoor_domain::kiosk::{CounterVerdict, KioskState, Presented, judge};
use onedoor_entity::{kiosk, kiosk_proof, kiosk_token};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _, TryInsertResult};

use super::audit;
use super::case::CaseStore;
use super::error::StoreError;
use super::kiosk::{Device, end, read};
use super::parse::Row;
use super::tx::Tx;

/// A request of a device for a token.
#[derive(Debug, Clone)]
pub struct TokenOrder {
    /// The device.
    pub kiosk: KioskId,
    /// Counter and challenge that it signed.
    pub presented: Presented,
    /// Until when that challenge could be presented.
    pub challenge_ends: DateTime<Utc>,
    /// Hash of the new token.
    pub token: Digest,
    /// Until when the token is good.
    pub expires_at: DateTime<Utc>,
    /// What is written when the counter betrays a copy.
    pub suspicion: AuditEntry,
}

/// What came of a request for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenVerdict {
    /// The token is good.
    Granted,
    /// The challenge was used, or a later request overtook this one: ask again with a new one.
    Spent,
    /// The counter betrayed a copy: the kiosk is suspended now.
    Cloned,
    /// The kiosk may not act.
    Ended,
}

impl CaseStore {
    /// Judges a request for a token and grants it, or suspends the kiosk.
    ///
    /// # Errors
    /// As any write; then nothing was granted.
    pub async fn grant_kiosk_token(&self, order: TokenOrder) -> Result<TokenVerdict, StoreError> {
        let database = self.database().clone();
        let write = async move {
            let tx = database.write_tx().await?;
            let verdict = grant(&tx, order).await?;
            match verdict {
                TokenVerdict::Granted | TokenVerdict::Cloned => tx.commit().await?,
                TokenVerdict::Spent | TokenVerdict::Ended => tx.rollback().await?,
            }
            Ok(verdict)
        };
        self.database().in_turn(write).await
    }

    /// Whose a token is, and until when.
    ///
    /// # Errors
    /// As any query.
    pub async fn kiosk_session(&self, token: Digest) -> Result<Option<(Device, DateTime<Utc>)>, StoreError> {
        let found = kiosk_token::Entity::find_by_id(token.as_bytes().to_vec())
            .one(self.database().read())
            .await?;
        let Some(found) = found else { return Ok(None) };
        let id = KioskId::from_uuid(found.kiosk_id);
        let ends = Row::of("kiosk_token", &id).instant("expires_at", found.expires_at)?;
        Ok(self.device(id).await?.map(|device| (device, ends)))
    }

    /// Remembers a proof for as long as it could be sent again. `false`: it was used before, at any replica.
    ///
    /// # Errors
    /// As any write.
    pub async fn use_kiosk_proof(
        &self,
        id: KioskId,
        proof: Digest,
        ends: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let database = self.database().clone();
        let write = async move {
            let tx = database.write_tx().await?;
            let fresh = remember(&tx, id, proof, ends).await?;
            tx.commit().await?;
            Ok(fresh)
        };
        self.database().in_turn(write).await
    }

    /// Forgets tokens and proofs whose time is over.
    ///
    /// # Errors
    /// As any write.
    pub async fn forget_kiosk_proofs(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let (database, now) = (self.database().clone(), now.timestamp_micros());
        let write = async move {
            let tx = database.write_tx().await?;
            kiosk_proof::Entity::delete_many()
                .filter(kiosk_proof::Column::ExpiresAt.lt(now))
                .exec(tx.connection())
                .await?;
            kiosk_token::Entity::delete_many()
                .filter(kiosk_token::Column::ExpiresAt.lt(now))
                .exec(tx.connection())
                .await?;
            tx.commit().await
        };
        self.database().in_turn(write).await
    }
}

async fn grant(tx: &Tx, order: TokenOrder) -> Result<TokenVerdict, StoreError> {
    let id = order.kiosk;
    let now = order.suspicion.at;
    // the first statement is a write: it waits for another request of the same device
    kiosk::Entity::update_many()
        .col_expr(
            kiosk::Column::LastSeenAt,
            Expr::value(Some(now.timestamp_micros())),
        )
        .filter(kiosk::Column::Id.eq(id.uuid()))
        .exec(tx.connection())
        .await?;
    let row = kiosk::Entity::find_by_id(id.uuid()).one(tx.connection()).await?;
    let Some(row) = row else {
        return Ok(TokenVerdict::Ended);
    };
    if read(&row)?.state != KioskState::Active {
        return Ok(TokenVerdict::Ended);
    }
    match judge(last(&row)?.as_ref(), &order.presented) {
        CounterVerdict::Overtaken => return Ok(TokenVerdict::Spent),
        CounterVerdict::Cloned => {
            end(tx, id, KioskState::Suspended, now).await?;
            audit::write(tx, &order.suspicion).await?;
            return Ok(TokenVerdict::Cloned);
        }
        CounterVerdict::Repeated => {}
        CounterVerdict::Fresh => {
            if !remember(tx, id, order.presented.challenge, order.challenge_ends).await? {
                return Ok(TokenVerdict::Spent);
            }
            kiosk::Entity::update_many()
                .set(kiosk::ActiveModel {
                    counter: Set(i64::from(order.presented.counter)),
                    challenge: Set(Some(order.presented.challenge.as_bytes().to_vec())),
                    challenge_at: Set(Some(order.presented.issued_at.timestamp_micros())),
                    ..Default::default()
                })
                .filter(kiosk::Column::Id.eq(id.uuid()))
                .exec(tx.connection())
                .await?;
        }
    }
    let token = kiosk_token::Model {
        hash: order.token.as_bytes().to_vec(),
        kiosk_id: id.uuid(),
        expires_at: order.expires_at.timestamp_micros(),
    };
    kiosk_token::Entity::insert(token.into_active_model())
        .exec_without_returning(tx.connection())
        .await?;
    Ok(TokenVerdict::Granted)
}

async fn remember(tx: &Tx, id: KioskId, hash: Digest, ends: DateTime<Utc>) -> Result<bool, StoreError> {
    let row = kiosk_proof::Model {
        kiosk_id: id.uuid(),
        hash: hash.as_bytes().to_vec(),
        expires_at: ends.timestamp_micros(),
    };
    let inserted = kiosk_proof::Entity::insert(row.into_active_model())
        .on_conflict_do_nothing_on([kiosk_proof::Column::KioskId, kiosk_proof::Column::Hash])
        .exec_without_returning(tx.connection())
        .await?;
    Ok(matches!(inserted, TryInsertResult::Inserted(1)))
}

/// The counter and challenge that were accepted last.
fn last(row: &kiosk::Model) -> Result<Option<Presented>, StoreError> {
    let id = KioskId::from_uuid(row.id);
    let parse = Row::of("kiosk", &id);
    let (Some(challenge), Some(issued_at)) = (&row.challenge, row.challenge_at) else {
        return Ok(None);
    };
    Ok(Some(Presented {
        counter: parse.number("counter", row.counter)?,
        challenge: Digest::from_column(challenge)
            .ok()
            .ok_or_else(|| parse.corrupt("challenge"))?,
        issued_at: parse.instant("challenge_at", issued_at)?,
    }))
}
