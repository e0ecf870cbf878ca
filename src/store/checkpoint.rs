//! Checkpoints of the ledger: signs where every chain stands that moved, and keeps what was signed.

use chrono::{DateTime, Utc};
use onedoor_domain::digest::Digest;
use onedoor_domain::ledger::Head;
use onedoor_domain::ledger::checkpoint::{Checkpoint, root};
use onedoor_domain::ledger::export::{CheckpointRecord, HeadRecord};
use onedoor_entity::{ledger_checkpoint, ledger_checkpoint_head};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _,
    QueryOrder as _, Statement,
};

use super::case::CaseStore;
use super::error::StoreError;
use super::parse::{Row, number};
use super::tx::Tx;

/// Heads signed at once; when more moved, another checkpoint follows.
const HEADS_MAX: i64 = 10_000;

/// The heads that moved, as one statement sees them. Numbers stand in the text: they are ours.
const TAKE: &str = "insert into ledger_checkpoint_head (checkpoint, chain, seq, hash) \
                    select {seq}, chain, seq, hash from ledger_head \
                    where seq > checkpointed_seq order by chain limit {max}";
const MARK: &str = "update ledger_head set checkpointed_seq = taken.seq from ledger_checkpoint_head as taken \
                    where taken.checkpoint = {seq} and taken.chain = ledger_head.chain";

impl CaseStore {
    /// Signs where the chains stand that moved since the last checkpoint; `None`: none did, or another replica was first.
    ///
    /// # Errors
    /// As any write.
    pub async fn take_checkpoint(&self, now: DateTime<Utc>) -> Result<Option<CheckpointRecord>, StoreError> {
        let (database, store) = (self.database().clone(), self.clone());
        let write = async move {
            let tx = database.write_tx().await?;
            let Some(row) = store.write_checkpoint(&tx, now).await? else {
                tx.rollback().await?;
                return Ok(None);
            };
            tx.commit().await?;
            Ok(Some(record_of(&row)))
        };
        match self.database().in_turn(write).await {
            // the number is another replica's by now
            Err(StoreError::Conflict { .. }) => Ok(None),
            ended => ended,
        }
    }

    async fn write_checkpoint(
        &self,
        tx: &Tx,
        now: DateTime<Utc>,
    ) -> Result<Option<ledger_checkpoint::Model>, StoreError> {
        let last = ledger_checkpoint::Entity::find()
            .order_by_desc(ledger_checkpoint::Column::Seq)
            .one(tx.connection())
            .await?;
        let prev = match &last {
            Some(row) => statement_of(row)?.hash().map_err(StoreError::other)?,
            None => Digest::ZERO,
        };
        let seq = last.map_or(0, |row| row.seq).saturating_add(1);
        let run = |sql: &str| {
            let sql = sql
                .replace("{seq}", &seq.to_string())
                .replace("{max}", &HEADS_MAX.to_string());
            Statement::from_string(tx.connection().get_database_backend(), sql)
        };
        tx.connection().execute_raw(run(TAKE)).await?;
        let heads = ledger_checkpoint_head::Entity::find()
            .filter(ledger_checkpoint_head::Column::Checkpoint.eq(seq))
            .all(tx.connection())
            .await?;
        if heads.is_empty() {
            return Ok(None);
        }
        let heads: Vec<Head> = heads.iter().map(head_of).collect::<Result<_, _>>()?;
        let statement = Checkpoint {
            seq: number(seq)?,
            at: now,
            prev,
            heads: number(heads.len())?,
            root: root(&heads),
        };
        let bytes = statement.canonical_bytes().map_err(StoreError::other)?;
        let keys = self.keys();
        let row = ledger_checkpoint::Model {
            seq,
            at: now.timestamp_micros(),
            prev: prev.as_bytes().to_vec(),
            heads: number(statement.heads)?,
            root: statement.root.as_bytes().to_vec(),
            key_id: keys.receipts.key_id().to_owned(),
            signature: keys.receipts.sign(&bytes).map_err(StoreError::other)?,
        };
        ledger_checkpoint::Entity::insert(row.clone().into_active_model())
            .exec_without_returning(tx.connection())
            .await?;
        tx.connection().execute_raw(run(MARK)).await?;
        Ok(Some(row))
    }

    /// The last checkpoint; `None` before the first.
    ///
    /// # Errors
    /// As any query.
    pub async fn last_checkpoint(&self) -> Result<Option<CheckpointRecord>, StoreError> {
        let last = ledger_checkpoint::Entity::find()
            .order_by_desc(ledger_checkpoint::Column::Seq)
            .one(self.database().read())
            .await?;
        Ok(last.as_ref().map(record_of))
    }

    /// The checkpoint behind a number, with its heads as they were found, for an export; `None` behind the last.
    ///
    /// # Errors
    /// As any query.
    pub async fn checkpoint_behind(
        &self,
        seq: i64,
    ) -> Result<Option<(CheckpointRecord, Vec<HeadRecord>)>, StoreError> {
        let found = ledger_checkpoint::Entity::find()
            .filter(ledger_checkpoint::Column::Seq.gt(seq))
            .order_by_asc(ledger_checkpoint::Column::Seq)
            .one(self.database().read())
            .await?;
        let Some(row) = found else { return Ok(None) };
        let heads = ledger_checkpoint_head::Entity::find()
            .filter(ledger_checkpoint_head::Column::Checkpoint.eq(row.seq))
            .order_by_asc(ledger_checkpoint_head::Column::Chain)
            .all(self.database().read())
            .await?;
        let heads = heads.into_iter().map(|head| HeadRecord {
            chain: head.chain,
            seq: head.seq,
            hash: hex::encode(head.hash),
        });
        Ok(Some((record_of(&row), heads.collect())))
    }
}

fn record_of(row: &ledger_checkpoint::Model) -> CheckpointRecord {
    CheckpointRecord {
        seq: row.seq,
        at_us: row.at,
        prev: hex::encode(&row.prev),
        heads: row.heads,
        root: hex::encode(&row.root),
        key_id: row.key_id.clone(),
        signature: hex::encode(&row.signature),
    }
}

fn head_of(row: &ledger_checkpoint_head::Model) -> Result<Head, StoreError> {
    let id = format!("{}/{}", row.checkpoint, row.chain);
    let parse = Row::of("ledger_checkpoint_head", &id);
    Ok(Head {
        chain: row.chain,
        seq: parse.number("seq", row.seq)?,
        hash: Digest::from_column(&row.hash)
            .ok()
            .ok_or_else(|| parse.corrupt("hash"))?,
    })
}

fn statement_of(row: &ledger_checkpoint::Model) -> Result<Checkpoint, StoreError> {
    let parse = Row::of("ledger_checkpoint", &row.seq);
    let digest = |name, bytes: &[u8]| Digest::from_column(bytes).ok().ok_or_else(|| parse.corrupt(name));
    Ok(Checkpoint {
        seq: parse.number("seq", row.seq)?,
        at: parse.instant("at", row.at)?,
        prev: digest("prev", &row.prev)?,
        heads: parse.number("heads", row.heads)?,
        root: digest("root", &row.root)?,
    })
}
