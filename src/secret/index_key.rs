//! Blind index keys: a value that is only ever looked up exactly is kept as its MAC, with the key's name beside it.
//!
//! The database alone tells nobody which values they are, not even equal ones of two columns: the column goes into the
//! MAC. Whoever has the key can try values; a resident identity number has few enough to try all, so the key is kept
//! apart from the database like every other.

use std::fmt;

use super::key_file::Key;
use super::seal::KeyId;
use super::suite::{HASH_BYTES, SuiteName};

/// A value as the index keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blind {
    /// The key; stands in the row beside the MAC, so that keys can be rotated.
    pub key: KeyId,
    /// The MAC.
    pub mac: [u8; HASH_BYTES],
}

/// The keys of the index: one that new rows are made with, and those that older rows may be made with.
pub struct IndexKeys {
    current: IndexKey,
    others: Vec<IndexKey>,
}

struct IndexKey {
    id: KeyId,
    suite: SuiteName,
    key: Key,
}

impl fmt::Debug for IndexKeys {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "IndexKeys(key {})", self.current.id)
    }
}

impl IndexKeys {
    /// The current key under the current suite, and every key under every suite for older rows.
    pub(super) fn new(suite: SuiteName, current: &Key, retired: &[Key]) -> Self {
        let others = std::iter::once(current)
            .chain(retired)
            .flat_map(|key| SuiteName::ALL.map(|suite| IndexKey::new(suite, key)));
        let current = IndexKey::new(suite, current);
        Self {
            others: others.filter(|other| other.id != current.id).collect(),
            current,
        }
    }

    /// The name of the key that new rows are made with; rows that name another are to be made anew.
    #[must_use]
    pub const fn key_id(&self) -> KeyId {
        self.current.id
    }

    /// A value of a column, for a new row. Normalize it first: the index knows bytes only.
    #[must_use]
    pub fn blind(&self, column: &str, value: &[u8]) -> Blind {
        self.current.blind(column, value)
    }

    /// The same under every key, the current one first: what to look for while rows are being made anew.
    #[must_use]
    pub fn blinds(&self, column: &str, value: &[u8]) -> Vec<Blind> {
        std::iter::once(&self.current)
            .chain(&self.others)
            .map(|key| key.blind(column, value))
            .collect()
    }
}

impl IndexKey {
    fn new(suite: SuiteName, key: &Key) -> Self {
        Self {
            id: KeyId::of("onedoor index key id", suite, key),
            suite,
            key: key.clone(),
        }
    }

    fn blind(&self, column: &str, value: &[u8]) -> Blind {
        let bytes = [column.as_bytes(), b"\0", value].concat();
        Blind {
            key: self.id,
            mac: self.suite.provider().mac(&self.key, &bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Redacted;

    fn keys(suite: SuiteName, current: u8, retired: &[u8]) -> IndexKeys {
        let key = |byte: &u8| Redacted::new([*byte; 32]);
        let retired: Vec<Key> = retired.iter().map(key).collect();
        IndexKeys::new(suite, &key(&current), &retired)
    }

    #[test]
    fn equal_values_of_a_column_are_found_and_nothing_else() {
        let index = keys(SuiteName::Intl, 1, &[]);
        let blind = |column, value: &str| index.blind(column, value.as_bytes());
        assert_eq!(blind("id", "340302"), blind("id", "340302"));
        assert_ne!(blind("id", "340302"), blind("id", "340303"));
        assert_ne!(blind("id", "340302"), blind("phone", "340302"));
    }

    #[test]
    fn a_row_of_a_retired_key_or_of_the_other_suite_is_still_found() {
        for (suite, other) in [(SuiteName::Intl, SuiteName::Gm), (SuiteName::Gm, SuiteName::Intl)] {
            let old = keys(suite, 1, &[]).blind("id", b"x");
            for rotated in [keys(suite, 2, &[1]), keys(other, 2, &[1]), keys(other, 1, &[])] {
                assert!(rotated.blinds("id", b"x").contains(&old));
                assert_ne!(rotated.key_id(), old.key);
                assert_eq!(
                    rotated.blinds("id", b"x").first(),
                    Some(&rotated.blind("id", b"x"))
                );
            }
        }
    }
}
