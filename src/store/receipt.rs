//! Receipts: given their place in the ledger, signed, sealed, and read back as they were signed.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use onedoor_domain::id::{CaseId, ReceiptId};
use onedoor_domain::ledger::export::ReceiptRecord;
use onedoor_domain::receipt::parts::LedgerPosition;
use onedoor_domain::receipt::{ReceiptBody, SignedReceipt};
use onedoor_domain::timeline::StoredEvent;
use onedoor_entity::receipt;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};

use super::case::CaseStore;
use super::data_key::{Opener, key_ids};
use super::error::StoreError;
use super::names::name_of;
use super::parse::{Row, number};
use super::write_set::NewReceipt;
use crate::secret::data_key::DataKey;
use crate::secret::receipt_key::ReceiptSigner;
use crate::secret::seal::SealPlace;

impl CaseStore {
    /// The receipts of a case, oldest first; none whose text was erased.
    ///
    /// # Errors
    /// As any query; `Other` when one does not open.
    pub async fn receipts(&self, case: CaseId) -> Result<Vec<SignedReceipt>, StoreError> {
        Ok(self.receipts_of(&[case]).await?.remove(&case).unwrap_or_default())
    }

    /// The receipts of several cases, each oldest first; cases without any are left out.
    ///
    /// # Errors
    /// As [`Self::receipts`].
    pub async fn receipts_of(
        &self,
        cases: &[CaseId],
    ) -> Result<BTreeMap<CaseId, Vec<SignedReceipt>>, StoreError> {
        let rows = receipt::Entity::find()
            .filter(receipt::Column::CaseId.is_in(cases.iter().map(|case| case.uuid())))
            .order_by_asc(receipt::Column::Seq)
            .order_by_asc(receipt::Column::Id)
            .all(self.database().read())
            .await?;
        let mut receipts: BTreeMap<CaseId, Vec<SignedReceipt>> = BTreeMap::new();
        let opener = self.receipt_opener(&rows).await?;
        for row in rows {
            let of = CaseId::from_uuid(row.case_id);
            if let Some(receipt) = signed_receipt(row, &opener)? {
                receipts.entry(of).or_default().push(receipt);
            }
        }
        Ok(receipts)
    }

    /// One receipt; its body names the case, which the policy is to be asked about. `None`: there is none, or what it said
    /// was erased.
    ///
    /// # Errors
    /// As [`Self::receipts`].
    pub async fn receipt(&self, id: ReceiptId) -> Result<Option<SignedReceipt>, StoreError> {
        let row = receipt::Entity::find_by_id(id.uuid())
            .one(self.database().read())
            .await?;
        let Some(row) = row else { return Ok(None) };
        let opener = self.receipt_opener(std::slice::from_ref(&row)).await?;
        signed_receipt(row, &opener)
    }

    /// One receipt with the very bytes that were signed.
    ///
    /// # Errors
    /// As [`Self::receipts`].
    pub async fn held_receipt(&self, id: ReceiptId) -> Result<Option<HeldReceipt>, StoreError> {
        let row = receipt::Entity::find_by_id(id.uuid())
            .one(self.database().read())
            .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(self.receipt_records(vec![row]).await?.pop())
    }

    /// Receipts as whoever holds them has them, in their order.
    pub(super) async fn receipt_records(
        &self,
        rows: Vec<receipt::Model>,
    ) -> Result<Vec<HeldReceipt>, StoreError> {
        let opener = self.receipt_opener(&rows).await?;
        rows.into_iter().map(|row| receipt_record(row, &opener)).collect()
    }

    async fn receipt_opener(&self, rows: &[receipt::Model]) -> Result<Opener, StoreError> {
        self.opener(key_ids(rows.iter().map(|row| row.body.as_slice())))
            .await
    }
}

/// A receipt as whoever holds it has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeldReceipt {
    /// With what it says.
    Whole(ReceiptRecord),
    /// What it said was erased with the personal data of its case.
    Erased,
}

fn receipt_record(row: receipt::Model, opener: &Opener) -> Result<HeldReceipt, StoreError> {
    let id = ReceiptId::from_uuid(row.id);
    let opened = opener.open(&body_place(id), row.body);
    let Some(body) = opened.map_err(StoreError::other)? else {
        return Ok(HeldReceipt::Erased);
    };
    let canonical = String::from_utf8(body.into_exposed())
        .ok()
        .ok_or_else(|| Row::of("receipt", &id).corrupt("body"))?;
    Ok(HeldReceipt::Whole(ReceiptRecord {
        canonical,
        key_id: row.key_id,
        signature: STANDARD.encode(row.signature),
    }))
}

fn signed_receipt(row: receipt::Model, opener: &Opener) -> Result<Option<SignedReceipt>, StoreError> {
    let id = ReceiptId::from_uuid(row.id);
    let opened = opener.open(&body_place(id), row.body);
    let Some(body) = opened.map_err(StoreError::other)? else {
        return Ok(None);
    };
    let body: ReceiptBody = serde_json::from_slice(body.expose())
        .ok()
        .ok_or_else(|| Row::of("receipt", &id).corrupt("body"))?;
    Ok(Some(SignedReceipt {
        body,
        key_id: row.key_id,
        signature: STANDARD.encode(row.signature),
    }))
}

pub(super) fn body_place(id: ReceiptId) -> SealPlace {
    SealPlace::new("receipt", "body", id)
}

/// Completes and signs the receipts of a set: their rows, and what they are.
pub(super) fn sign_all(
    receipts: Vec<NewReceipt>,
    events: &[StoredEvent],
    now: DateTime<Utc>,
    (signer, key): (&ReceiptSigner, &DataKey),
) -> Result<(Vec<receipt::Model>, Vec<SignedReceipt>), StoreError> {
    let (mut rows, mut signed) = (Vec::new(), Vec::new());
    for new in receipts {
        let attested = events
            .get(new.attests)
            .ok_or_else(|| StoreError::other("a receipt attests an event that is not in its set"))?;
        let body = new.body.sealed(LedgerPosition {
            seq: attested.seq,
            hash: attested.hash,
        });
        let bytes = body.canonical_bytes().map_err(StoreError::other)?;
        let signature = signer.sign(&bytes).map_err(StoreError::other)?;
        let sealed = key
            .seal(&body_place(body.id), &bytes)
            .map_err(StoreError::other)?;
        rows.push(receipt::Model {
            id: body.id.uuid(),
            case_id: body.case.uuid(),
            kind: name_of(body.kind)?,
            seq: number(attested.seq)?,
            body: sealed.into_bytes(),
            key_id: signer.key_id().to_owned(),
            signature: signature.clone(),
            issued_at: now.timestamp_micros(),
        });
        let key_id = signer.key_id().to_owned();
        signed.push(SignedReceipt {
            body,
            key_id,
            signature: STANDARD.encode(signature),
        });
    }
    Ok((rows, signed))
}
