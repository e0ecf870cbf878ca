//! The parts of a receipt: who, what, where, until when, each with the names of that day.

use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::kind::DueKind;
use crate::case::state::Outcome;
use crate::digest::Digest;
use crate::id::{CalendarVersionId, OrganizationId};
use crate::item::ItemVersion;
use crate::ledger::SealedEvent;
use crate::material::{Document, MaterialEntry, Trust};
use crate::organization::Organization;

/// A text in both languages, as it stood when the receipt was issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bilingual {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// The item version the case pins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptItem {
    /// Code of the item.
    pub code: String,
    /// Number of the version.
    pub version: i32,
    /// Its names of that day.
    pub name: Bilingual,
}

impl From<&ItemVersion> for ReceiptItem {
    fn from(version: &ItemVersion) -> Self {
        Self {
            code: version.code.clone(),
            version: version.version,
            name: Bilingual {
                zh: version.name_zh.clone(),
                en: version.name_en.clone(),
            },
        }
    }
}

/// An organization, with its names of that day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptOrganization {
    /// Key.
    pub id: OrganizationId,
    /// Code.
    pub code: String,
    /// Names.
    pub name: Bilingual,
}

impl From<&Organization> for ReceiptOrganization {
    fn from(organization: &Organization) -> Self {
        Self {
            id: organization.id,
            code: organization.code.clone(),
            name: Bilingual {
                zh: organization.name_zh.clone(),
                en: organization.name_en.clone(),
            },
        }
    }
}

/// Where the act took place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReceiptPlace {
    /// At a window; `name` when windows are numbered.
    Window {
        /// Number or name of the window.
        name: Option<String>,
    },
    /// At a self-service terminal.
    Device {
        /// Subject of the device.
        id: String,
    },
    /// From an account.
    Online,
    /// By the gateway itself, or by an upstream system's notice.
    System,
}

/// What a kiosk told the applicant while it was offline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptOffline {
    /// When the application was taken in at the kiosk, UTC, as an integer of microseconds; `eventAt` is its arrival here.
    #[serde(with = "chrono::serde::ts_microseconds")]
    pub captured_at: DateTime<Utc>,
    /// The number that was printed then.
    pub provisional_number: String,
}

/// A material as taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptMaterial {
    /// Code of the item's material.
    pub code: String,
    /// Its names of that day.
    pub name: Bilingual,
    /// Who vouches for it.
    pub trust: Trust,
    /// Paper originals.
    pub originals: u32,
    /// Documents by hash.
    pub documents: Vec<Document>,
}

impl ReceiptMaterial {
    /// The entries handed in, named as the item version names them; entries the item does not know are left out.
    #[must_use]
    pub fn of(version: &ItemVersion, entries: &[MaterialEntry]) -> Vec<Self> {
        let named = |entry: &MaterialEntry| {
            let material = version
                .materials
                .iter()
                .find(|material| material.code == entry.code)?;
            Some(Self {
                code: entry.code.clone(),
                name: Bilingual {
                    zh: material.name_zh.clone(),
                    en: material.name_en.clone(),
                },
                trust: entry.trust,
                originals: entry.originals,
                documents: entry
                    .documents
                    .iter()
                    .map(|document| Document {
                        id: None,
                        ..document.clone()
                    })
                    .collect(),
            })
        };
        entries.iter().filter_map(named).collect()
    }
}

/// A date, and the calendar it was counted by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptDue {
    /// Which date.
    pub kind: DueKind,
    /// Due at 24:00 of this day, Beijing time.
    pub date: NaiveDate,
    /// Version of the working-day calendar.
    pub calendar: CalendarVersionId,
    /// The calendar of a year it reaches into is not official yet.
    pub provisional: bool,
}

/// What was said to the applicant: the outcome, the reasons, the way to object. Reasons may name people:
/// `Debug` hides them.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptStatement {
    /// Outcome of a decision.
    pub outcome: Option<Outcome>,
    /// Reasons, or the list of what is missing, in the words of the person who acted.
    pub text: Option<String>,
    /// The legal remedy (复议、诉讼), with refusals and denials.
    pub remedy: Option<Bilingual>,
}

impl fmt::Debug for ReceiptStatement {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ReceiptStatement")
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}

/// Papers on their way from one organization to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptTransfer {
    /// The receiver.
    pub to: ReceiptOrganization,
    /// Number of the slip.
    pub slip_number: Option<String>,
    /// Paper originals in total.
    pub originals: u32,
}

/// Where to ask and whom to complain to, as printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptContact {
    /// How to track the case.
    pub track: Bilingual,
    /// How to complain.
    pub complain: Bilingual,
    /// Address that verifies this receipt, for the QR code. Holds no secret.
    pub verify_url: String,
}

/// The event of the ledger that the receipt attests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LedgerPosition {
    /// Number of the event in the case's chain, from 1.
    pub seq: u64,
    /// Hash of the event.
    pub hash: Digest,
}

impl From<&SealedEvent> for LedgerPosition {
    fn from(event: &SealedEvent) -> Self {
        Self {
            seq: event.seq,
            hash: event.hash,
        }
    }
}
