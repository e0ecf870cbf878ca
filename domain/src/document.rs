//! A document (附件): a file that an applicant or an office uploads, and when it may belong to a material of a case.

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::id::{CaseId, DocumentId};
use crate::text::unprintable;

/// Length of a file's name, code points.
pub const FILE_NAME_CHARS_MAX: usize = 120;
/// A document that belongs to no case so long after its ticket is removed.
pub const UNUSED_KEPT: Duration = Duration::hours(24);

/// The kinds of file that can be told by their first bytes; which of them are taken is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FileKind {
    /// PDF.
    Pdf,
    /// A photograph, JPEG.
    Jpeg,
    /// A picture, PNG.
    Png,
    /// A photograph of a telephone, HEIC.
    Heic,
    /// 版式文档 OFD (GB/T 33190).
    Ofd,
    /// A text document, Office Open XML.
    Docx,
    /// A table, Office Open XML.
    Xlsx,
}

impl FileKind {
    /// All kinds.
    pub const ALL: &'static [Self] = &[
        Self::Pdf,
        Self::Jpeg,
        Self::Png,
        Self::Heic,
        Self::Ofd,
        Self::Docx,
        Self::Xlsx,
    ];

    /// The media type, as tickets and answers name it.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Heic => "image/heic",
            Self::Ofd => "application/ofd",
            Self::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }

    /// How the name of a downloaded file ends.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Heic => "heic",
            Self::Ofd => "ofd",
            Self::Docx => "docx",
            Self::Xlsx => "xlsx",
        }
    }

    /// The kind of a media type, in any case and without parameters; `None`: none that can be told.
    #[must_use]
    pub fn of_media_type(text: &str) -> Option<Self> {
        let essence = text.split(';').next().unwrap_or_default().trim();
        Self::ALL
            .iter()
            .copied()
            .find(|kind| kind.media_type().eq_ignore_ascii_case(essence))
    }
}

/// How far a document has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DocumentState {
    /// Its ticket is open; nothing is stored.
    Waiting,
    /// Stored; the scanner has not spoken yet.
    PendingScan,
    /// Stored, and the scanner found nothing; or no scanner is configured.
    Clean,
    /// The scanner found something: nobody is given it.
    Quarantined,
}

/// A document as it is kept; its bytes lie elsewhere, encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDocument {
    /// Key.
    pub id: DocumentId,
    /// Who uploads it: subject of a token (a kiosk: the device), or the case whose code and secret were given.
    pub principal: String,
    /// The case it is meant for; `None`: an application that is still to be handed in.
    pub meant_for: Option<CaseId>,
    /// Code of the material it is meant for.
    pub material: String,
    /// What kind of file it was said to be, and is.
    pub kind: FileKind,
    /// Size of the bytes, as said and as stored.
    pub size_bytes: u64,
    /// SHA-256 of the bytes: as said before the upload (if so), as stored after it.
    pub sha256: Option<Digest>,
    /// State.
    pub state: DocumentState,
    /// When its ticket ends.
    pub expires_at: DateTime<Utc>,
    /// When it was stored.
    pub uploaded_at: Option<DateTime<Utc>>,
    /// The case it belongs to, and since when.
    pub joined: Option<(CaseId, DateTime<Utc>)>,
}

/// Why a document cannot be handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unusable {
    /// There is none, or it is another's, or it is used already: all look alike.
    Unknown,
    /// Its file was not uploaded yet.
    NotUploaded,
    /// It was uploaded for another material.
    OtherMaterial,
    /// The scanner found something in it.
    Quarantined,
}

impl StoredDocument {
    /// Whether `principal` may hand it in under a material; `case`: the case that it is brought to, `None` for an
    /// application.
    ///
    /// # Errors
    /// Why not.
    pub fn usable(&self, principal: &str, case: Option<CaseId>, material: &str) -> Result<(), Unusable> {
        let meant_elsewhere = self.meant_for.is_some() && self.meant_for != case;
        if self.principal != principal || self.joined.is_some() || meant_elsewhere {
            return Err(Unusable::Unknown);
        }
        match self.state {
            DocumentState::Waiting => Err(Unusable::NotUploaded),
            DocumentState::Quarantined => Err(Unusable::Quarantined),
            DocumentState::PendingScan | DocumentState::Clean if self.material != material => {
                Err(Unusable::OtherMaterial)
            }
            DocumentState::PendingScan | DocumentState::Clean => Ok(()),
        }
    }
}

/// Whether a file's name can be kept: not empty, not long, no path and nothing invisible.
#[must_use]
pub fn file_name_fits(name: &str) -> bool {
    !name.trim().is_empty()
        && name.chars().count() <= FILE_NAME_CHARS_MAX
        && !name.chars().any(|c| unprintable(c) || matches!(c, '/' | '\\'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn document() -> StoredDocument {
        StoredDocument {
            id: DocumentId::from_uuid(Uuid::from_u128(1)),
            principal: "li".to_owned(),
            meant_for: None,
            material: "id".to_owned(),
            kind: FileKind::Pdf,
            size_bytes: 9,
            sha256: Some(Digest::of(b"x")),
            state: DocumentState::Clean,
            expires_at: DateTime::UNIX_EPOCH,
            uploaded_at: Some(DateTime::UNIX_EPOCH),
            joined: None,
        }
    }

    #[test]
    fn only_its_uploader_hands_a_document_in_once_and_where_it_was_meant_to_go() {
        let (one, other) = (
            CaseId::from_uuid(Uuid::from_u128(7)),
            CaseId::from_uuid(Uuid::from_u128(8)),
        );
        let fresh = document();
        assert_eq!(fresh.usable("li", None, "id"), Ok(()));
        assert_eq!(fresh.usable("li", Some(one), "id"), Ok(()));
        assert_eq!(fresh.usable("wang", None, "id"), Err(Unusable::Unknown));
        assert_eq!(fresh.usable("li", None, "hk"), Err(Unusable::OtherMaterial));
        let meant = StoredDocument {
            meant_for: Some(one),
            ..document()
        };
        assert_eq!(meant.usable("li", Some(one), "id"), Ok(()));
        assert_eq!(meant.usable("li", Some(other), "id"), Err(Unusable::Unknown));
        assert_eq!(meant.usable("li", None, "id"), Err(Unusable::Unknown));
        let used = StoredDocument {
            joined: Some((one, DateTime::UNIX_EPOCH)),
            ..document()
        };
        assert_eq!(used.usable("li", Some(one), "id"), Err(Unusable::Unknown));
    }

    #[test]
    fn what_is_not_there_or_not_clean_is_not_handed_in() {
        let in_state = |state| StoredDocument { state, ..document() }.usable("li", None, "id");
        assert_eq!(in_state(DocumentState::Waiting), Err(Unusable::NotUploaded));
        assert_eq!(in_state(DocumentState::Quarantined), Err(Unusable::Quarantined));
        assert_eq!(in_state(DocumentState::PendingScan), Ok(()));
    }

    #[test]
    fn kinds_are_known_by_their_media_types() {
        for kind in FileKind::ALL {
            assert_eq!(FileKind::of_media_type(kind.media_type()), Some(*kind));
        }
        assert_eq!(
            FileKind::of_media_type("Application/PDF; charset=binary"),
            Some(FileKind::Pdf)
        );
        assert_eq!(FileKind::of_media_type("text/html"), None);
        assert_eq!(FileKind::of_media_type("image/svg+xml"), None);
    }

    #[test]
    fn a_file_name_is_a_name_and_no_path() {
        assert!(file_name_fits("身份证 正面.pdf"));
        for bad in [
            "",
            "  ",
            "../x.pdf",
            "a\\b.pdf",
            "a\u{202e}fdp.exe",
            "a\nb",
            &"长".repeat(121),
        ] {
            assert!(!file_name_fits(bad), "{bad:?}");
        }
    }
}
