//! What a receipt (回执) is worth, as GraphQL shows it.

use async_graphql::{Context, Enum, ID, InputObject, Object, OneofObject};
use chrono::{DateTime, Utc};
use onedoor_domain::ledger::export::ReceiptRecord;
use onedoor_domain::receipt::ReceiptBody;

use super::case_enums::ReceiptKind;
use super::scalars::Date;
use crate::error::Language;
use crate::graphql::reach::language;
use crate::service::ledger::{self, Checked};

/// Which receipt: exactly one of these.
#[derive(OneofObject)]
pub enum ReceiptBy {
    /// By the id in its QR code.
    Id(ID),
    /// By what somebody holds of it.
    Document(ReceiptDocument),
    /// By the whole text of its QR code, `qrPayload`: what is printed there must be what was issued.
    QrPayload(String),
}

/// A receipt as somebody holds it.
#[derive(InputObject)]
pub struct ReceiptDocument {
    /// Everything it says, the canonical JSON that was signed.
    canonical: String,
    /// Key that signed.
    key_id: String,
    /// Signature over `canonical` by the algorithm of the key, base64.
    signature: String,
}

impl From<ReceiptDocument> for ReceiptRecord {
    fn from(document: ReceiptDocument) -> Self {
        Self {
            canonical: document.canonical,
            key_id: document.key_id,
            signature: document.signature,
        }
    }
}

/// What a receipt is worth.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptVerdict {
    /// Signed here, and the ledger of its case passes through the position it names.
    Genuine,
    /// The signature does not hold: it was changed, or never issued.
    Forged,
    /// Signed with a key that is not of this gateway.
    UnknownKey,
    /// It is no receipt of this format.
    Unreadable,
    /// No receipt has this id.
    Unknown,
    /// What it said was erased with the personal data of its case; a copy that somebody holds is checked all the same.
    Erased,
    /// The signature holds, but the ledger says otherwise: the ledger was tampered with.
    LedgerDiffers,
}

impl From<ledger::ReceiptVerdict> for ReceiptVerdict {
    fn from(verdict: ledger::ReceiptVerdict) -> Self {
        match verdict {
            ledger::ReceiptVerdict::Genuine => Self::Genuine,
            ledger::ReceiptVerdict::Forged => Self::Forged,
            ledger::ReceiptVerdict::UnknownKey => Self::UnknownKey,
            ledger::ReceiptVerdict::Unreadable => Self::Unreadable,
            ledger::ReceiptVerdict::Unknown => Self::Unknown,
            ledger::ReceiptVerdict::Erased => Self::Erased,
            ledger::ReceiptVerdict::LedgerDiffers(_) => Self::LedgerDiffers,
        }
    }
}

/// A receipt (回执) that was checked. Nothing of it names the applicant.
pub struct ReceiptVerification(Checked);

impl From<Checked> for ReceiptVerification {
    fn from(checked: Checked) -> Self {
        Self(checked)
    }
}

impl ReceiptVerification {
    fn body(&self) -> Option<&ReceiptBody> {
        self.0.body.as_deref()
    }
}

/// A receipt (回执) that was checked. Nothing of it names the applicant.
#[Object]
impl ReceiptVerification {
    /// What it is worth.
    async fn verdict(&self) -> ReceiptVerdict {
        self.0.verdict.into()
    }

    /// The same in words, in the language of the request.
    async fn message(&self, ctx: &Context<'_>) -> &'static str {
        let (zh, en) = self.0.verdict.words();
        match language(ctx) {
            Language::Zh => zh,
            Language::En => en,
        }
    }

    /// What it attests; null where nothing it says can be believed, as are all fields below.
    async fn kind(&self) -> Option<ReceiptKind> {
        self.body().map(|body| body.kind.into())
    }

    /// 受理编号 of its case.
    async fn tracking_code(&self) -> Option<String> {
        self.body().map(|body| body.tracking_code.to_string())
    }

    /// Name of the service item, in the language of the request.
    async fn service_item(&self, ctx: &Context<'_>) -> Option<&str> {
        let name = &self.body()?.item.name;
        Some(match language(ctx) {
            Language::Zh => &name.zh,
            Language::En => &name.en,
        })
    }

    /// Name of the organization that acted, in the language of the request.
    async fn organization(&self, ctx: &Context<'_>) -> Option<&str> {
        let name = &self.body()?.organization.name;
        Some(match language(ctx) {
            Language::Zh => &name.zh,
            Language::En => &name.en,
        })
    }

    /// When the act took place.
    async fn event_at(&self) -> Option<DateTime<Utc>> {
        self.body().map(|body| body.event_at)
    }

    /// Promised date (承诺办结), on acceptance receipts.
    async fn promised_date(&self) -> Option<Date> {
        self.body()?.promised().map(|due| Date(due.date))
    }

    /// Line of the case's ledger that it attests.
    async fn ledger_seq(&self) -> Option<i32> {
        let position = self.body()?.ledger.as_ref()?;
        i32::try_from(position.seq).ok()
    }
}
