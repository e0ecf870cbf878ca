//! Pages of a long list: how much is asked for, after which entry, and what came back.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Entries of a page when the caller does not say.
pub const SIZE_DEFAULT: u32 = 20;
/// Most entries of a page.
pub const SIZE_MAX: u32 = 100;
/// Longest cursor that is looked at, bytes.
const CURSOR_MAX_BYTES: usize = 1_024;
/// Version of the cursor's form, its first element.
const CURSOR_VERSION: u8 = 1;

/// A page that cannot be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// `first` and `last` together.
    #[error("first and last exclude each other")]
    BothEnds,
    /// A size below 0 or above [`SIZE_MAX`].
    #[error("first or last is not between 0 and {SIZE_MAX}")]
    Size,
    /// Not a cursor, or a cursor of another list or order.
    #[error("the cursor is not one of this list and order")]
    Cursor,
}

/// One part of a position: the value of one column that the list is ordered by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum KeyPart {
    /// Text.
    #[serde(rename = "t")]
    Text(String),
    /// An integer, for example an instant in microseconds.
    #[serde(rename = "i")]
    Integer(i64),
    /// A key.
    #[serde(rename = "u")]
    Uuid(Uuid),
}

/// A position in a list: the values of its order columns, the last of them unique.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Position(pub Vec<KeyPart>);

impl Position {
    /// The opaque text for clients: base64url of the JSON array `[version, order, part …]`.
    #[must_use]
    pub fn encode(&self, order: &str) -> String {
        // arrays of strings and integers always serialize
        let json = serde_json::to_vec(&(CURSOR_VERSION, order, &self.0)).unwrap_or_default();
        URL_SAFE_NO_PAD.encode(json)
    }

    /// Reads a cursor of the given list and order with the given number of parts.
    ///
    /// # Errors
    /// [`PageError::Cursor`] for anything this list did not give out.
    pub fn decode(text: &str, order: &str, parts: usize) -> Result<Self, PageError> {
        if text.len() > CURSOR_MAX_BYTES {
            return Err(PageError::Cursor);
        }
        let read = || {
            let json = URL_SAFE_NO_PAD.decode(text).ok()?;
            serde_json::from_slice::<(u8, String, Vec<KeyPart>)>(&json).ok()
        };
        match read() {
            Some((CURSOR_VERSION, found, key)) if found == order && key.len() == parts => Ok(Self(key)),
            _ => Err(PageError::Cursor),
        }
    }
}

/// From which end of the list the page is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    /// `first`: the entries nearest to the beginning.
    First,
    /// `last`: the entries nearest to the end.
    Last,
}

/// In which direction a list runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
pub enum Direction {
    /// Smallest first.
    #[default]
    Ascending,
    /// Largest first.
    Descending,
}

/// What a caller asks for, as Relay's connection arguments say it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
pub struct PageArgs {
    /// So many from the beginning.
    pub first: Option<i32>,
    /// So many from the end.
    pub last: Option<i32>,
    /// Only entries behind this cursor.
    pub after: Option<String>,
    /// Only entries before this cursor.
    pub before: Option<String>,
}

/// A checked request for a page.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PageRequest {
    /// Name of the list and its order, for example `division.code`.
    pub order: &'static str,
    /// From which end.
    pub end: End,
    /// How many entries, at most [`SIZE_MAX`].
    pub size: u32,
    /// Only entries behind this position.
    pub after: Option<Position>,
    /// Only entries before this position.
    pub before: Option<Position>,
}

impl PageRequest {
    /// Checks arguments against the list `order`, whose positions have `parts` parts.
    ///
    /// # Errors
    /// Both ends, a size out of bounds, a foreign cursor.
    pub fn parse(args: &PageArgs, order: &'static str, parts: usize) -> Result<Self, PageError> {
        let (end, size) = match (args.first, args.last) {
            (Some(_), Some(_)) => return Err(PageError::BothEnds),
            (Some(size), None) => (End::First, checked_size(size)?),
            (None, Some(size)) => (End::Last, checked_size(size)?),
            (None, None) => (End::First, SIZE_DEFAULT),
        };
        let position = |cursor: &Option<String>| {
            cursor
                .as_deref()
                .map(|text| Position::decode(text, order, parts))
                .transpose()
        };
        Ok(Self {
            order,
            end,
            size,
            after: position(&args.after)?,
            before: position(&args.before)?,
        })
    }

    /// The first page of the default size.
    #[must_use]
    pub const fn first(order: &'static str, size: u32) -> Self {
        Self {
            order,
            end: End::First,
            size,
            after: None,
            before: None,
        }
    }

    /// Makes a page of up to `size + 1` entries, read from the end that was asked for: the one too many tells that
    /// there is more.
    pub fn page<T>(&self, mut read: Vec<T>, position: impl Fn(&T) -> Position) -> Page<T> {
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        let more = read.len() > size;
        read.truncate(size);
        let (has_previous, has_next) = match self.end {
            End::First => (self.after.is_some(), more),
            End::Last => {
                read.reverse();
                (more, self.before.is_some())
            }
        };
        let edges = read
            .into_iter()
            .map(|node| Edge {
                cursor: position(&node).encode(self.order),
                node,
            })
            .collect();
        Page {
            edges,
            has_previous,
            has_next,
            total: None,
        }
    }
}

fn checked_size(size: i32) -> Result<u32, PageError> {
    u32::try_from(size)
        .ok()
        .filter(|size| *size <= SIZE_MAX)
        .ok_or(PageError::Size)
}

/// One entry of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge<T> {
    /// Where it stands.
    pub cursor: String,
    /// The entry.
    pub node: T,
}

/// A page of a list, in the order of the list whichever end it was read from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The entries.
    pub edges: Vec<Edge<T>>,
    /// Whether entries stand before these.
    pub has_previous: bool,
    /// Whether entries follow these.
    pub has_next: bool,
    /// How many the whole list has; `None`: not counted.
    pub total: Option<u64>,
}

impl<T> Page<T> {
    /// The same page with every entry translated.
    pub fn map<U>(self, mut translate: impl FnMut(T) -> U) -> Page<U> {
        Page {
            edges: self
                .edges
                .into_iter()
                .map(|edge| Edge {
                    cursor: edge.cursor,
                    node: translate(edge.node),
                })
                .collect(),
            has_previous: self.has_previous,
            has_next: self.has_next,
            total: self.total,
        }
    }

    /// The same page with every entry translated, less those that have no translation. Cursors stay, so that the
    /// next page begins where this one ended.
    pub fn filter_map<U>(self, mut translate: impl FnMut(T) -> Option<U>) -> Page<U> {
        let translated = |edge: Edge<T>| {
            translate(edge.node).map(|node| Edge {
                cursor: edge.cursor,
                node,
            })
        };
        Page {
            edges: self.edges.into_iter().filter_map(translated).collect(),
            has_previous: self.has_previous,
            has_next: self.has_next,
            total: self.total,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(first: Option<i32>, last: Option<i32>) -> PageArgs {
        PageArgs {
            first,
            last,
            ..PageArgs::default()
        }
    }

    fn position(code: &u32) -> Position {
        Position(vec![KeyPart::Text(code.to_string())])
    }

    #[test]
    fn sizes_are_bounded_and_default_to_twenty() {
        let parse =
            |first, last| PageRequest::parse(&args(first, last), "t", 1).map(|page| (page.end, page.size));
        assert_eq!(parse(None, None), Ok((End::First, 20)));
        assert_eq!(parse(Some(100), None), Ok((End::First, 100)));
        assert_eq!(parse(None, Some(3)), Ok((End::Last, 3)));
        assert_eq!(parse(Some(101), None), Err(PageError::Size));
        assert_eq!(parse(Some(-1), None), Err(PageError::Size));
        assert_eq!(parse(Some(1), Some(1)), Err(PageError::BothEnds));
    }

    #[test]
    fn a_cursor_of_another_list_order_or_version_is_refused() {
        let here = Position(vec![KeyPart::Integer(7), KeyPart::Uuid(Uuid::from_u128(1))]);
        let cursor = here.encode("case.due");
        assert_eq!(Position::decode(&cursor, "case.due", 2), Ok(here));
        assert_eq!(
            Position::decode(&cursor, "case.submitted", 2),
            Err(PageError::Cursor)
        );
        assert_eq!(Position::decode(&cursor, "case.due", 1), Err(PageError::Cursor));
        let later = URL_SAFE_NO_PAD.encode(br#"[2,"case.due",[{"i":7}]]"#);
        assert_eq!(Position::decode(&later, "case.due", 1), Err(PageError::Cursor));
        assert_eq!(Position::decode("ü", "case.due", 1), Err(PageError::Cursor));
        assert_eq!(
            Position::decode(&"A".repeat(2_000), "case.due", 1),
            Err(PageError::Cursor)
        );
    }

    #[test]
    fn one_entry_too_many_tells_that_there_is_more() {
        let request = PageRequest::first("t", 2);
        let page = request.page(vec![1, 2, 3], position);
        assert_eq!(
            page.edges.iter().map(|edge| edge.node).collect::<Vec<_>>(),
            [1, 2]
        );
        assert!(page.has_next && !page.has_previous);
        let last = PageRequest {
            end: End::Last,
            ..request
        };
        let page = last.page(vec![9, 8, 7], position);
        assert_eq!(
            page.edges.iter().map(|edge| edge.node).collect::<Vec<_>>(),
            [8, 9]
        );
        assert!(page.has_previous && !page.has_next);
    }
}
