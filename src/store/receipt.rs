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
use super::error::StoreError;
use super::names::name_of;
use super::parse::{Row, number};
use super::write_set::NewReceipt;
use crate::secret::keyring::Keyring;
use crate::secret::seal::{SealPlace, Sealed};

impl CaseStore {
    /// The receipts of a case, oldest first.
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
        for row in rows {
            let of = CaseId::from_uuid(row.case_id);
            receipts.entry(of).or_default().push(self.signed_receipt(row)?);
        }
        Ok(receipts)
    }

    /// One receipt; its body names the case, which the policy is to be asked about.
    ///
    /// # Errors
    /// As [`Self::receipts`].
    pub async fn receipt(&self, id: ReceiptId) -> Result<Option<SignedReceipt>, StoreError> {
        let row = receipt::Entity::find_by_id(id.uuid())
            .one(self.database().read())
            .await?;
        row.map(|row| self.signed_receipt(row)).transpose()
    }

    /// One receipt with the very bytes that were signed.
    ///
    /// # Errors
    /// As [`Self::receipts`].
    pub async fn held_receipt(&self, id: ReceiptId) -> Result<Option<ReceiptRecord>, StoreError> {
        let row = receipt::Entity::find_by_id(id.uuid())
            .one(self.database().read())
            .await?;
        row.map(|row| self.receipt_record(row)).transpose()
    }

    /// A receipt as whoever holds it has it.
    pub(super) fn receipt_record(&self, row: receipt::Model) -> Result<ReceiptRecord, StoreError> {
        let id = ReceiptId::from_uuid(row.id);
        let body = self
            .keys()
            .sealer
            .open(&body_place(id), &Sealed::from_bytes(row.body))
            .map_err(StoreError::other)?;
        let canonical = String::from_utf8(body.expose().clone())
            .ok()
            .ok_or_else(|| Row::of("receipt", &id).corrupt("body"))?;
        Ok(ReceiptRecord {
            canonical,
            key_id: row.key_id,
            signature: STANDARD.encode(row.signature),
        })
    }

    fn signed_receipt(&self, row: receipt::Model) -> Result<SignedReceipt, StoreError> {
        let id = ReceiptId::from_uuid(row.id);
        let body = self
            .keys()
            .sealer
            .open(&body_place(id), &Sealed::from_bytes(row.body))
            .map_err(StoreError::other)?;
        let body: ReceiptBody = serde_json::from_slice(body.expose())
            .ok()
            .ok_or_else(|| Row::of("receipt", &id).corrupt("body"))?;
        Ok(SignedReceipt {
            body,
            key_id: row.key_id,
            signature: STANDARD.encode(row.signature),
        })
    }
}

fn body_place(id: ReceiptId) -> SealPlace {
    SealPlace::new("receipt", "body", id)
}

/// Completes and signs the receipts of a set: their rows, and what they are.
pub(super) fn sign_all(
    receipts: Vec<NewReceipt>,
    events: &[StoredEvent],
    now: DateTime<Utc>,
    keys: &Keyring,
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
        let signature = keys.receipts.sign(&bytes).map_err(StoreError::other)?;
        let sealed = keys
            .sealer
            .seal(&body_place(body.id), &bytes)
            .map_err(StoreError::other)?;
        rows.push(receipt::Model {
            id: body.id.uuid(),
            case_id: body.case.uuid(),
            kind: name_of(body.kind)?,
            seq: number(attested.seq)?,
            body: sealed.into_bytes(),
            key_id: keys.receipts.key_id().to_owned(),
            signature: signature.clone(),
            issued_at: now.timestamp_micros(),
        });
        let key_id = keys.receipts.key_id().to_owned();
        signed.push(SignedReceipt {
            body,
            key_id,
            signature: STANDARD.encode(signature),
        });
    }
    Ok((rows, signed))
}
