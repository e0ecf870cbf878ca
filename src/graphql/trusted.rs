//! The registered documents: the only texts whose operation names may appear in metrics and logs.

use std::collections::{BTreeMap, HashMap};

use crate::config::limits::LimitsMode;
use crate::graphql::documents::{DocumentHash, hash};

/// Most registered documents; more is a mistake of the build that wrote them.
const REGISTERED_MAX: usize = 5_000;

/// The manifest of registered documents cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It is not a JSON object of texts.
    #[error("the manifest of registered documents is not a JSON object of texts")]
    Malformed(#[from] serde_json::Error),
    /// It has more than the allowed number of documents.
    #[error("the manifest registers more than {REGISTERED_MAX} documents")]
    TooMany,
}

/// Registered documents by name and by hash.
#[derive(Debug)]
pub struct TrustedDocuments {
    texts: HashMap<String, String>,
    names: HashMap<DocumentHash, String>,
    mode: LimitsMode,
}

impl TrustedDocuments {
    /// Reads a manifest `{"<name>": "<document>"}`.
    ///
    /// # Errors
    /// When it is not one, or too large.
    pub fn from_json(manifest: &str, mode: LimitsMode) -> Result<Self, ManifestError> {
        let texts: BTreeMap<String, String> = serde_json::from_str(manifest)?;
        if texts.len() > REGISTERED_MAX {
            return Err(ManifestError::TooMany);
        }
        let names = texts
            .iter()
            .map(|(name, text)| (hash(text), name.clone()))
            .collect();
        Ok(Self {
            texts: texts.into_iter().collect(),
            names,
            mode,
        })
    }

    /// No registered documents; with [`LimitsMode::Enforce`] nothing at all is executed.
    #[must_use]
    pub fn none(mode: LimitsMode) -> Self {
        Self {
            texts: HashMap::new(),
            names: HashMap::new(),
            mode,
        }
    }

    /// The text of a `documentId`: a registered name, or `sha256:` and the hash in hex.
    #[must_use]
    pub fn text(&self, id: &str) -> Option<&str> {
        let name = match id.strip_prefix("sha256:") {
            Some(hex) => self.names.get(&parse_hash(hex)?)?,
            None => id,
        };
        self.texts.get(name).map(String::as_str)
    }

    /// The registered name of a document.
    #[must_use]
    pub fn name(&self, hash: &DocumentHash) -> Option<&str> {
        self.names.get(hash).map(String::as_str)
    }

    /// Whether documents that are not registered are refused.
    #[must_use]
    pub fn enforced(&self) -> bool {
        self.mode == LimitsMode::Enforce
    }

    /// Whether any document is registered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }
}

/// A SHA-256 hash from its 64 hexadecimal digits.
#[must_use]
pub fn parse_hash(hex_text: &str) -> Option<DocumentHash> {
    let mut out = DocumentHash::default();
    hex::decode_to_slice(hex_text, &mut out).ok().map(|()| out)
}
