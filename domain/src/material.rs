//! What an applicant hands in, and whether it meets what the item asks for (材料).

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::case::state::Channel;
use crate::digest::Digest;
use crate::id::DocumentId;
use crate::item::{Material, MaterialForm};
use crate::text::unprintable;

/// Entries one application can hand in; the longest list of a published guide has about 30.
pub const ENTRIES_MAX: usize = 100;
/// Documents under one entry.
pub const DOCUMENTS_MAX: usize = 20;
/// Paper originals under one entry.
pub const ORIGINALS_MAX: u32 = 999;
/// Length of a note, code points.
pub const NOTE_CHARS_MAX: usize = 500;

/// Who vouches for a material (DOMAIN §1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Trust {
    /// Issued by the agency itself.
    A,
    /// Checked at the window.
    B,
    /// Uploaded.
    C,
    /// Declared; the paper is promised.
    D,
}

/// A document under a material: its content is known by its hash alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// The uploaded document; `None` on receipts, which name a file by its hash alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<DocumentId>,
    /// SHA-256 of the bytes.
    pub sha256: Digest,
    /// Size of the bytes.
    pub size_bytes: u64,
}

/// One material as handed in (件). Its note may name people: `Debug` shows nothing that was written by hand.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MaterialEntry {
    /// Code of the item's material.
    pub code: String,
    /// Who vouches for it.
    pub trust: Trust,
    /// Paper originals handed in or shown.
    pub originals: u32,
    /// Remark of the person who hands it in.
    pub note: Option<String>,
    /// Documents that were uploaded for it.
    pub documents: Vec<Document>,
}

impl fmt::Debug for MaterialEntry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("MaterialEntry")
            .field("trust", &self.trust)
            .field("originals", &self.originals)
            .field("documents", &self.documents.len())
            .finish_non_exhaustive()
    }
}

/// What is wrong with the materials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MaterialFaultCode {
    /// A required material is not there.
    Missing,
    /// It is there, but not in the form asked for.
    NotMet,
    /// Trust A or B where no clerk saw the paper.
    TrustNotPossible,
    /// The item has no such material.
    Unknown,
    /// The material stands in the list twice.
    Duplicate,
    /// Too many entries, documents or originals, or a note that is too long or holds control characters.
    OutOfBounds,
}

/// One fault, told in both languages. Holds nothing the caller wrote: unknown codes are named by place only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaterialFault {
    /// What is wrong.
    pub code: MaterialFaultCode,
    /// Code of the item's material; `None` when the item has no such material.
    pub material: Option<String>,
    /// Place in the list handed in, from 0; `None` for what is missing from it.
    pub index: Option<usize>,
    /// What to bring or change, in Chinese.
    pub message_zh: String,
    /// What to bring or change, in English.
    pub message_en: String,
}

impl MaterialFault {
    /// Path of the input field concerned, for example `["materials", "2"]`.
    #[must_use]
    pub fn path(&self) -> Vec<String> {
        std::iter::once("materials".to_owned())
            .chain(self.index.map(|index| index.to_string()))
            .collect()
    }
}

/// The outcome of the check.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MaterialVerdict {
    /// What stands against submitting; empty: the list is complete.
    pub faults: Vec<MaterialFault>,
    /// Minor materials (次审要件) that are not there: they do not stand against submitting, because the
    /// accepting clerk may let them be owed (容缺受理) or ask for a supplement. To be told to the applicant.
    pub deferrable: Vec<MaterialFault>,
}

/// Checks the materials handed in against those the item asks for (DOMAIN §1), telling everything at once.
///
/// A GENERATED material and one that a route step produces are never demanded.
///
/// | asked for | at a window | from a kiosk or online |
/// |---|---|---|
/// | ORIGINAL, ORIGINAL_CHECK | one original or more, or trust A | C, or D: the promise to show it at acceptance |
/// | COPY | A, B or C, or an original to copy from | C, or D: what may be promised of an original may be of its copy |
///
/// Away from a window nobody vouches for a paper, so trust A and B are refused there, whatever the material.
#[must_use]
pub fn check_materials(asked: &[Material], handed_in: &[MaterialEntry], channel: Channel) -> MaterialVerdict {
    if handed_in.len() > ENTRIES_MAX {
        return MaterialVerdict {
            faults: vec![too_many_entries()],
            deferrable: Vec::new(),
        };
    }
    let mut verdict = MaterialVerdict::default();
    let mut seen = BTreeSet::new();
    for (index, entry) in handed_in.iter().enumerate() {
        let material = asked.iter().find(|material| material.code == entry.code);
        let repeated = !seen.insert(entry.code.as_str());
        verdict
            .faults
            .extend(entry_fault(entry, index, material, repeated, channel));
    }
    for material in asked
        .iter()
        .filter(|material| demanded(material) && !seen.contains(material.code.as_str()))
    {
        let fault = missing(material, channel);
        if material.defer_allowed {
            verdict.deferrable.push(fault);
        } else {
            verdict.faults.push(fault);
        }
    }
    verdict
}

/// Checks what comes after the submission: a supplement, what is owed, what a step produced. Each entry must meet the
/// form its material is asked in, and each of `must` must be there.
#[must_use]
pub fn check_brought(
    asked: &[Material],
    must: &[&str],
    brought: &[MaterialEntry],
    channel: Channel,
) -> Vec<MaterialFault> {
    let wanted = |code: &str| must.contains(&code) || brought.iter().any(|entry| entry.code == code);
    let asked: Vec<Material> = asked
        .iter()
        .map(|material| Material {
            required: wanted(&material.code),
            defer_allowed: false,
            produced_by: None,
            ..material.clone()
        })
        .collect();
    check_materials(&asked, brought, channel).faults
}

/// Whether the applicant must bring the material.
#[must_use]
pub fn demanded(material: &Material) -> bool {
    material.required && material.form != MaterialForm::Generated && material.produced_by.is_none()
}

fn entry_fault(
    entry: &MaterialEntry,
    index: usize,
    material: Option<&Material>,
    repeated: bool,
    channel: Channel,
) -> Option<MaterialFault> {
    let Some(material) = material else {
        return Some(unknown(index));
    };
    let (code, zh, en) = if repeated {
        (
            MaterialFaultCode::Duplicate,
            "在清单中重复出现，请合并为一项".to_owned(),
            "stands in the list more than once; make it one entry".to_owned(),
        )
    } else if out_of_bounds(entry) {
        (
            MaterialFaultCode::OutOfBounds,
            format!(
                "原件不超过 {ORIGINALS_MAX} 份，文件不超过 {DOCUMENTS_MAX} 个，说明不超过 {NOTE_CHARS_MAX} 字且不含控制字符"
            ),
            format!(
                "give at most {ORIGINALS_MAX} originals and {DOCUMENTS_MAX} documents, \
                 and a note of at most {NOTE_CHARS_MAX} characters without control characters"
            ),
        )
    } else if !attended(channel) && matches!(entry.trust, Trust::A | Trust::B) {
        (
            MaterialFaultCode::TrustNotPossible,
            "未经窗口核验，请改为 C（已上传）或 D（承诺出示）".to_owned(),
            "nobody checks papers here; use C (uploaded) or D (promised to be shown)".to_owned(),
        )
    } else if demanded(material) && !met(material.form, entry, channel) {
        let (zh, en) = how_to_meet(material.form, channel);
        (MaterialFaultCode::NotMet, zh.to_owned(), en.to_owned())
    } else {
        return None;
    };
    Some(MaterialFault {
        code,
        material: Some(material.code.clone()),
        index: Some(index),
        message_zh: format!("“{}”{zh}。", material.name_zh),
        message_en: format!("{}: {en}.", material.name_en),
    })
}

fn met(form: MaterialForm, entry: &MaterialEntry, channel: Channel) -> bool {
    match (form, attended(channel)) {
        (MaterialForm::Generated, _) => true,
        (MaterialForm::Original | MaterialForm::OriginalCheck, true) => {
            entry.originals > 0 || entry.trust == Trust::A
        }
        (MaterialForm::Copy, true) => entry.originals > 0 || entry.trust != Trust::D,
        (MaterialForm::Original | MaterialForm::OriginalCheck | MaterialForm::Copy, false) => {
            matches!(entry.trust, Trust::C | Trust::D)
        }
    }
}

const fn how_to_meet(form: MaterialForm, channel: Channel) -> (&'static str, &'static str) {
    match (form, attended(channel)) {
        (MaterialForm::Original, true) => (
            "须提交原件，请填写原件份数",
            "hand in the original and give the number of originals",
        ),
        (MaterialForm::OriginalCheck, true) => (
            "须出示原件核验，请填写原件份数",
            "show the original and give the number of originals",
        ),
        (MaterialForm::Copy, true) => (
            "须提交复印件或上传，或出示原件供复印",
            "hand in or upload a copy, or show the original to copy from",
        ),
        (MaterialForm::Generated, _) => ("由系统根据表单生成", "it is made from the form"),
        (MaterialForm::Original | MaterialForm::OriginalCheck | MaterialForm::Copy, false) => (
            "请上传（C），或承诺受理时出示（D）",
            "upload it (C), or promise to show it at acceptance (D)",
        ),
    }
}

fn missing(material: &Material, channel: Channel) -> MaterialFault {
    let (form_zh, form_en) = form_name(material.form);
    let (zh, en) = how_to_meet(material.form, channel);
    let (lead_zh, lead_en) = if material.defer_allowed {
        ("尚缺次要材料", "A minor material is still to be brought")
    } else {
        ("缺少必要材料", "A required material is missing")
    };
    MaterialFault {
        code: MaterialFaultCode::Missing,
        material: Some(material.code.clone()),
        index: None,
        message_zh: format!("{lead_zh}“{}”（{form_zh}）：{zh}。", material.name_zh),
        message_en: format!("{lead_en}: {} ({form_en}): {en}.", material.name_en),
    }
}

const fn form_name(form: MaterialForm) -> (&'static str, &'static str) {
    match form {
        MaterialForm::Original => ("原件", "original"),
        MaterialForm::OriginalCheck => ("原件核验", "original to be shown"),
        MaterialForm::Copy => ("复印件", "copy"),
        MaterialForm::Generated => ("系统生成", "made from the form"),
    }
}

/// Whether a clerk sees the papers; elsewhere nobody can vouch for them.
const fn attended(channel: Channel) -> bool {
    match channel {
        Channel::Window => true,
        Channel::Kiosk | Channel::Online => false,
    }
}

fn unknown(index: usize) -> MaterialFault {
    let place = index.saturating_add(1);
    MaterialFault {
        code: MaterialFaultCode::Unknown,
        material: None,
        index: Some(index),
        message_zh: format!("第 {place} 项材料不属于本事项，请对照事项的材料清单修改或删除。"),
        message_en: format!(
            "Material no. {place} is not one of this item; compare the item's list of materials."
        ),
    }
}

fn too_many_entries() -> MaterialFault {
    MaterialFault {
        code: MaterialFaultCode::OutOfBounds,
        material: None,
        index: None,
        message_zh: format!("材料不得超过 {ENTRIES_MAX} 项。"),
        message_en: format!("Hand in at most {ENTRIES_MAX} materials."),
    }
}

fn out_of_bounds(entry: &MaterialEntry) -> bool {
    let note_bad = entry.note.as_ref().is_some_and(|note| {
        note.chars().count() > NOTE_CHARS_MAX || note.chars().any(|c| c != '\n' && unprintable(c))
    });
    note_bad || entry.originals > ORIGINALS_MAX || entry.documents.len() > DOCUMENTS_MAX
}

#[cfg(test)]
mod tests;
