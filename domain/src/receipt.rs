//! Receipts (回执): what the gateway attests on paper, complete enough to be verified without it.

pub mod kind;
pub mod parts;
pub mod qr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use self::kind::{DueKind, ReceiptKind};
use self::parts::{
    LedgerPosition, ReceiptContact, ReceiptDue, ReceiptItem, ReceiptMaterial, ReceiptOffline,
    ReceiptOrganization, ReceiptPlace, ReceiptStatement, ReceiptTransfer,
};
use crate::canonical::{CanonicalError, canonical_bytes_of};
use crate::id::{CaseId, ReceiptId};
use crate::tracking::TrackingCode;

/// The version of the format, first in every body.
pub const FORMAT: u8 = 1;

/// Everything a receipt says. Its canonical JSON is what is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptBody {
    /// Version of the format: [`FORMAT`].
    pub format: u8,
    /// Key of the receipt.
    pub id: ReceiptId,
    /// What it attests.
    pub kind: ReceiptKind,
    /// The receipt it corrects; receipts themselves never change.
    pub corrects: Option<ReceiptId>,
    /// The case.
    pub case: CaseId,
    /// Its tracking code.
    pub tracking_code: TrackingCode,
    /// The item version.
    pub item: ReceiptItem,
    /// The organization that acted.
    pub organization: ReceiptOrganization,
    /// Window, device or account.
    pub place: ReceiptPlace,
    /// Opaque subject of the clerk or officer who acted.
    pub clerk: Option<String>,
    /// Name of the applicant, masked.
    pub applicant_masked: String,
    /// Materials taken in or passed on.
    pub materials: Vec<ReceiptMaterial>,
    /// When the act took place, UTC, as an integer of microseconds.
    #[serde(with = "chrono::serde::ts_microseconds")]
    pub event_at: DateTime<Utc>,
    /// Of an application that a kiosk took in while offline: when, and under which number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offline: Option<ReceiptOffline>,
    /// Dates promised or demanded.
    pub due: Vec<ReceiptDue>,
    /// Outcome, reasons and remedy.
    pub statement: Option<ReceiptStatement>,
    /// Of a transfer slip.
    pub transfer: Option<ReceiptTransfer>,
    /// Where to ask and to complain.
    pub contact: ReceiptContact,
    /// Filled when the event is sealed at commit.
    pub ledger: Option<LedgerPosition>,
}

impl ReceiptBody {
    /// The body with the place of its event in the ledger, ready to be signed.
    #[must_use]
    pub fn sealed(self, position: LedgerPosition) -> Self {
        Self {
            ledger: Some(position),
            ..self
        }
    }

    /// The exact bytes that are signed and verified.
    pub fn canonical_bytes(&self) -> Result<Vec<u8>, CanonicalError> {
        canonical_bytes_of(self)
    }

    /// The promised date, when the receipt has one.
    #[must_use]
    pub fn promised(&self) -> Option<&ReceiptDue> {
        self.due.iter().find(|due| due.kind == DueKind::Promise)
    }
}

/// A receipt with the signature over [`ReceiptBody::canonical_bytes`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignedReceipt {
    /// What is signed.
    pub body: ReceiptBody,
    /// Key that signed.
    pub key_id: String,
    /// Signature, base64.
    pub signature: String,
}

#[cfg(test)]
pub(crate) mod tests;
