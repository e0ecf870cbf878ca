//! The ledger as its rows are, for an export: pages that one statement each reads, so that no write comes between a chain
//! and its head.

use onedoor_domain::ledger::export::{HeadRecord, LineRecord, ReceiptRecord, Record};
use onedoor_entity::{ledger_event, ledger_head, receipt};
use sea_orm::sea_query::ExprTrait as _;
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, JoinType, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    RelationDef,
};
use uuid::Uuid;

use super::case::CaseStore;
use super::error::StoreError;
use super::receipt::HeldReceipt;

/// Chains read at once.
const CHAINS_PER_PAGE: u64 = 200;
/// Rows read at once elsewhere.
const ROWS_PER_PAGE: u64 = 1_000;

impl CaseStore {
    /// The next chains behind one, each as its head and its lines in order; the last chain of the page. `None` at the end.
    ///
    /// # Errors
    /// As any query.
    pub async fn chains_behind(
        &self,
        behind: Option<Uuid>,
    ) -> Result<Option<(Vec<Record>, Uuid)>, StoreError> {
        let behind = behind.unwrap_or(Uuid::nil());
        let chains: Vec<Uuid> = ledger_head::Entity::find()
            .filter(ledger_head::Column::Chain.gt(behind))
            .order_by_asc(ledger_head::Column::Chain)
            .limit(CHAINS_PER_PAGE)
            .select_only()
            .column(ledger_head::Column::Chain)
            .into_tuple()
            .all(self.database().read())
            .await?;
        let Some(last) = chains.last().copied() else {
            return Ok(None);
        };
        let to_lines: RelationDef = ledger_head::Entity::belongs_to(ledger_event::Entity)
            .from(ledger_head::Column::Chain)
            .to(ledger_event::Column::Chain)
            .into();
        let rows = ledger_head::Entity::find()
            .filter(ledger_head::Column::Chain.gt(behind))
            .filter(ledger_head::Column::Chain.lte(last))
            .join(JoinType::LeftJoin, to_lines)
            .select_also(ledger_event::Entity)
            .order_by_asc(ledger_head::Column::Chain)
            .order_by_asc(ledger_event::Column::Seq)
            .all(self.database().read())
            .await?;
        let mut records = Vec::with_capacity(rows.len());
        let mut told = None;
        for (head, line) in rows {
            if told != Some(head.chain) {
                told = Some(head.chain);
                records.push(Record::Head(HeadRecord {
                    chain: head.chain,
                    seq: head.seq,
                    hash: hex::encode(head.hash),
                }));
            }
            records.extend(line.map(line_record));
        }
        Ok(Some((records, last)))
    }

    /// Lines whose chain has no head row, behind a line; empty at the end. There are none unless somebody removed one.
    ///
    /// # Errors
    /// As any query.
    pub async fn headless_lines(&self, behind: Option<(Uuid, i64)>) -> Result<Vec<LineRecord>, StoreError> {
        let (chain, seq) = behind.unwrap_or((Uuid::nil(), i64::MIN));
        let to_head: RelationDef = ledger_event::Entity::belongs_to(ledger_head::Entity)
            .from(ledger_event::Column::Chain)
            .to(ledger_head::Column::Chain)
            .into();
        let later = ledger_event::Column::Chain
            .gt(chain)
            .or(ledger_event::Column::Chain
                .eq(chain)
                .and(ledger_event::Column::Seq.gt(seq)));
        let rows = ledger_event::Entity::find()
            .join(JoinType::LeftJoin, to_head)
            .filter(ledger_head::Column::Chain.is_null())
            .filter(later)
            .order_by_asc(ledger_event::Column::Chain)
            .order_by_asc(ledger_event::Column::Seq)
            .limit(ROWS_PER_PAGE)
            .all(self.database().read())
            .await?;
        Ok(rows.into_iter().map(line).collect())
    }

    /// The next receipts behind one, as they were signed, without those whose text was erased; `None` at the end.
    ///
    /// # Errors
    /// As any query; `Other` when one does not open.
    pub async fn receipts_behind(
        &self,
        behind: Option<Uuid>,
    ) -> Result<Option<(Vec<ReceiptRecord>, Uuid)>, StoreError> {
        let rows = receipt::Entity::find()
            .filter(receipt::Column::Id.gt(behind.unwrap_or(Uuid::nil())))
            .order_by_asc(receipt::Column::Id)
            .limit(ROWS_PER_PAGE)
            .all(self.database().read())
            .await?;
        let Some(last) = rows.last().map(|row| row.id) else {
            return Ok(None);
        };
        let records = self.receipt_records(rows).await?.into_iter();
        let whole = records.filter_map(|held| match held {
            HeldReceipt::Whole(record) => Some(record),
            HeldReceipt::Erased => None,
        });
        Ok(Some((whole.collect(), last)))
    }
}

fn line_record(row: ledger_event::Model) -> Record {
    Record::Line(line(row))
}

fn line(row: ledger_event::Model) -> LineRecord {
    LineRecord {
        chain: row.chain,
        seq: row.seq,
        prev: hex::encode(row.prev),
        hash: hex::encode(row.hash),
        payload: hex::encode(row.payload),
        name: row.name,
        at_us: row.at,
    }
}
