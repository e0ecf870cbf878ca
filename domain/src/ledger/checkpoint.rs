//! Checkpoints: one signature over where every chain stands that moved since the checkpoint before.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::Head;
use crate::canonical::{CanonicalError, canonical_bytes};
use crate::digest::Digest;

/// The version of the statement.
pub const CHECKPOINT_FORMAT: u8 = 1;

const ROOT_TAG: &[u8] = b"onedoor:checkpoint:1\0";

/// What a checkpoint says. Its canonical JSON is what is signed:
/// `{"at_us", "format": 1, "heads", "kind": "onedoor-checkpoint", "prev", "root", "seq"}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Number of the checkpoint, from 1 without a gap.
    pub seq: u64,
    /// When it was taken; whole microseconds.
    pub at: DateTime<Utc>,
    /// [`Checkpoint::hash`] of the one before; zeros before the first.
    pub prev: Digest,
    /// How many chains moved since the one before.
    pub heads: u64,
    /// [`root`] over where they stand now.
    pub root: Digest,
}

impl Checkpoint {
    /// The exact bytes that are signed.
    ///
    /// # Errors
    /// A number is beyond what canonical JSON holds.
    pub fn canonical_bytes(&self) -> Result<Vec<u8>, CanonicalError> {
        canonical_bytes(&json!({
            "at_us": self.at.timestamp_micros(),
            "format": CHECKPOINT_FORMAT,
            "heads": self.heads,
            "kind": "onedoor-checkpoint",
            "prev": self.prev,
            "root": self.root,
            "seq": self.seq,
        }))
    }

    /// SHA-256 of these bytes: what the next checkpoint names.
    ///
    /// # Errors
    /// As [`Self::canonical_bytes`].
    pub fn hash(&self) -> Result<Digest, CanonicalError> {
        Ok(Digest::of(&self.canonical_bytes()?))
    }
}

/// SHA-256( "onedoor:checkpoint:1" ‖ 0x00 ‖ for each head in the order of its chain: chain ‖ seq ‖ hash ), 16, 8 and 32
/// bytes each, `seq` big endian.
#[must_use]
pub fn root(heads: &[Head]) -> Digest {
    let mut sorted: Vec<&Head> = heads.iter().collect();
    sorted.sort_unstable_by_key(|head| head.chain);
    let seqs: Vec<[u8; 8]> = sorted.iter().map(|head| head.seq.to_be_bytes()).collect();
    let mut parts: Vec<&[u8]> = vec![ROOT_TAG];
    for (head, seq) in sorted.iter().zip(&seqs) {
        parts.extend([head.chain.as_bytes().as_slice(), seq, head.hash.as_bytes()]);
    }
    Digest::of_parts(&parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn head(chain: u128, seq: u64) -> Head {
        Head {
            chain: Uuid::from_u128(chain),
            seq,
            hash: Digest::of(&chain.to_be_bytes()),
        }
    }

    #[test]
    fn a_root_depends_on_every_head_and_not_on_their_order() {
        let both = root(&[head(1, 4), head(2, 9)]);
        assert_eq!(both, root(&[head(2, 9), head(1, 4)]));
        assert_ne!(both, root(&[head(1, 4), head(2, 8)]));
        assert_ne!(both, root(&[head(1, 4)]));
        assert_eq!(
            root(&[]).to_string(),
            Digest::of(b"onedoor:checkpoint:1\0").to_string()
        );
    }

    #[test]
    fn the_statement_is_canonical_and_names_its_kind() {
        let checkpoint = Checkpoint {
            seq: 7,
            at: DateTime::from_timestamp_micros(1_795_401_000_000_000).unwrap(),
            prev: Digest::ZERO,
            heads: 0,
            root: root(&[]),
        };
        let text = String::from_utf8(checkpoint.canonical_bytes().unwrap()).unwrap();
        assert!(
            text.starts_with(
                r#"{"at_us":1795401000000000,"format":1,"heads":0,"kind":"onedoor-checkpoint","#
            ),
            "{text}"
        );
        assert_ne!(
            checkpoint.hash().unwrap(),
            Checkpoint { seq: 8, ..checkpoint }.hash().unwrap()
        );
    }
}
