//! A receipt (回执) as GraphQL shows it: data, signature, and text for paper.

use std::borrow::Cow;

use async_graphql::{Context, Enum, ID, Object, Result};
use chrono::{DateTime, Utc};
use onedoor_domain::policy::fields;
use onedoor_domain::receipt::qr::qr_payload;
use onedoor_domain::receipt::{ReceiptBody, SignedReceipt};

use super::case_enums::ReceiptKind;
use super::scalars::Date;
use crate::error::AppError;
use crate::graphql::reach::{failed, language};
use crate::service::reading::Sight;
use crate::service::receipt_text::{Paper, receipt_text};

/// Width of the paper.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaperWidth {
    /// 58 mm, 32 columns.
    #[graphql(name = "MM58")]
    Mm58,
    /// 80 mm, 48 columns.
    #[graphql(name = "MM80")]
    Mm80,
}

/// A receipt (回执): what the gateway attests, signed.
pub struct Receipt {
    signed: SignedReceipt,
    sight: Sight,
}

impl Receipt {
    pub(crate) const fn of(signed: SignedReceipt, sight: Sight) -> Self {
        Self { signed, sight }
    }

    /// The body as this viewer may read it: without the words of a decision where those are hidden.
    fn shown(&self) -> Cow<'_, ReceiptBody> {
        if !fields::sees("Receipt", "canonical", self.sight) {
            Cow::Owned(ReceiptBody {
                statement: None,
                ..self.signed.body.clone()
            })
        } else {
            Cow::Borrowed(&self.signed.body)
        }
    }
}

/// A receipt (回执): what the gateway attests, signed.
#[Object]
impl Receipt {
    /// Opaque key.
    async fn id(&self) -> ID {
        ID(self.signed.body.id.to_string())
    }

    /// What it attests.
    async fn kind(&self) -> ReceiptKind {
        self.signed.body.kind.into()
    }

    /// 受理编号 of the case.
    async fn tracking_code(&self) -> String {
        self.signed.body.tracking_code.to_string()
    }

    /// When the act took place.
    async fn event_at(&self) -> DateTime<Utc> {
        self.signed.body.event_at
    }

    /// When a kiosk took the application in while it was offline; null when it was not. `eventAt` is when it arrived here.
    async fn captured_at(&self) -> Option<DateTime<Utc>> {
        self.signed
            .body
            .offline
            .as_ref()
            .map(|offline| offline.captured_at)
    }

    /// 临时编号: the number that the kiosk printed then.
    async fn provisional_number(&self) -> Option<&str> {
        let offline = self.signed.body.offline.as_ref();
        offline.map(|offline| offline.provisional_number.as_str())
    }

    /// Name of the applicant, masked.
    async fn applicant_masked(&self) -> &str {
        &self.signed.body.applicant_masked
    }

    /// Promised date (承诺办结), on acceptance receipts.
    async fn promised_date(&self) -> Option<Date> {
        self.signed.body.promised().map(|due| Date(due.date))
    }

    /// Line of the case's ledger that it attests.
    async fn ledger_seq(&self) -> Option<i32> {
        self.signed
            .body
            .ledger
            .as_ref()
            .and_then(|position| i32::try_from(position.seq).ok())
    }

    /// SHA-256 of that line, hex.
    async fn ledger_hash(&self) -> Option<String> {
        self.signed
            .body
            .ledger
            .as_ref()
            .map(|position| position.hash.to_string())
    }

    /// Everything it says, as the canonical JSON that is signed; null for viewers who may not read the words of a
    /// decision.
    async fn canonical(&self, ctx: &Context<'_>) -> Option<Result<String>> {
        if !fields::sees("Receipt", "canonical", self.sight) {
            return None;
        }
        let bytes = self.signed.body.canonical_bytes().map_err(AppError::internal);
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).map_err(AppError::internal));
        Some(text.map_err(|error| failed(ctx, error)))
    }

    /// Signature over `canonical` by the algorithm of the key, base64.
    async fn signature(&self) -> &str {
        &self.signed.signature
    }

    /// Key that signed.
    async fn key_id(&self) -> &str {
        &self.signed.key_id
    }

    /// The address that verifies it, for a QR code. Holds no secret.
    async fn verify_url(&self) -> &str {
        &self.signed.body.contact.verify_url
    }

    /// The text of its QR code (二维码): that address, and behind `#`, which reaches no server, key, hash and signature, so
    /// that whoever has the receipt checks it without asking. Nothing of it says anything about a person.
    async fn qr_payload(&self, ctx: &Context<'_>) -> Option<Result<String>> {
        let payload = qr_payload(&self.signed).map_err(AppError::internal);
        Some(payload.map_err(|error| failed(ctx, error)))
    }

    /// Plain text for thermal paper, in the language of the request. With `trackingSecret` it is printed along;
    /// the secret is shown once, so pass it on from the answer to the submission.
    async fn text(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Width of the paper.")] width: PaperWidth,
        #[graphql(desc = "查询码 to print along, as the submission returned it.")] tracking_secret: Option<
            String,
        >,
    ) -> String {
        let paper = match width {
            PaperWidth::Mm58 => Paper::Mm58,
            PaperWidth::Mm80 => Paper::Mm80,
        };
        receipt_text(&self.shown(), paper, language(ctx), tracking_secret.as_deref())
    }
}
