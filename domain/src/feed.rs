//! A place in the change feed: what a reader has been told, also where positions became visible out of order.
//!
//! A position is given when a row is inserted and the row becomes visible when its transaction commits, so one can turn
//! up behind others that were read already. A cursor therefore remembers the positions it passed over, its gaps, for as
//! long as a transaction may last; whoever goes on from it is told each change once, and none is lost.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

/// How long a position that was passed over may still appear; longer than any transaction is allowed to last.
pub const LATE: Duration = Duration::seconds(60);
/// Stretches of passed-over positions that a cursor remembers; beyond them it goes back and tells some changes again.
pub const GAPS_MAX: usize = 32;
/// Longest cursor that is looked at, bytes.
const CURSOR_MAX_BYTES: usize = 4_096;
/// Version of the cursor's form, its first element.
const CURSOR_VERSION: u8 = 1;

/// A text that is not a cursor of the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text is not a cursor of the change feed")]
pub struct NotACursor;

/// Positions that were passed over, first to last, and until when (seconds since 1970) they may still appear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Gap(i64, i64, i64);

/// What a reader of the feed has been told: everything up to a position, but for the gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedCursor {
    position: i64,
    gaps: Vec<Gap>,
    read_at: i64,
}

impl FeedCursor {
    /// A reader that was told everything up to a position.
    #[must_use]
    pub const fn at(position: i64, now: DateTime<Utc>) -> Self {
        Self {
            position,
            gaps: Vec::new(),
            read_at: now.timestamp(),
        }
    }

    /// The last position it was told.
    #[must_use]
    pub const fn position(&self) -> i64 {
        self.position
    }

    /// When it was read up to here, in whole seconds.
    #[must_use]
    pub fn read_at(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.read_at, 0).unwrap_or_default()
    }

    /// The stretches behind its position that may still fill, first and last of each.
    pub fn gaps(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        self.gaps.iter().map(|Gap(first, last, _)| (*first, *last))
    }

    /// Whether it was told this position, or has given up waiting for it.
    #[must_use]
    pub fn knows(&self, id: i64) -> bool {
        id <= self.position && !self.gaps().any(|(first, last)| first <= id && id <= last)
    }

    /// Notes that a position was told.
    pub fn tell(&mut self, id: i64, now: DateTime<Utc>) {
        if id > self.position {
            if id > self.position.saturating_add(1) {
                let until = (now + LATE).timestamp();
                self.gaps
                    .push(Gap(self.position.saturating_add(1), id - 1, until));
            }
            self.position = id;
            return;
        }
        let Some(at) = self
            .gaps
            .iter()
            .position(|Gap(first, last, _)| *first <= id && id <= *last)
        else {
            return;
        };
        let Gap(first, last, until) = self.gaps.remove(at);
        let rest = [Gap(first, id - 1, until), Gap(id + 1, last, until)];
        let rest = rest.into_iter().filter(|Gap(first, last, _)| first <= last);
        self.gaps.splice(at..at, rest);
    }

    /// Notes that everything visible at `now` was told; gaps whose time is over are given up.
    pub fn settle(&mut self, now: DateTime<Utc>) {
        self.read_at = self.read_at.max(now.timestamp());
        self.gaps.retain(|Gap(_, _, until)| *until >= now.timestamp());
    }

    /// Gives up the gaps for which another reader, who was told no more than this one, does not wait.
    pub fn settle_as(&mut self, other: &Self) {
        self.read_at = self.read_at.max(other.read_at);
        self.gaps.retain(|Gap(first, last, _)| {
            let awaited = other.gaps().any(|(from, until)| from <= *last && *first <= until);
            awaited || *last > other.position
        });
    }

    /// The opaque text for clients. A cursor with more gaps than fit goes back before the newest ones it cannot hold.
    #[must_use]
    pub fn encode(&self) -> String {
        let held = self.gaps.get(..GAPS_MAX).unwrap_or(&self.gaps);
        let position = match self.gaps.get(GAPS_MAX) {
            Some(Gap(first, _, _)) => first - 1,
            None => self.position,
        };
        // arrays of integers always serialize
        let json =
            serde_json::to_vec(&(CURSOR_VERSION, "feed", position, self.read_at, held)).unwrap_or_default();
        URL_SAFE_NO_PAD.encode(json)
    }

    /// Reads a cursor.
    ///
    /// # Errors
    /// Anything the feed did not give out.
    pub fn decode(text: &str) -> Result<Self, NotACursor> {
        if text.len() > CURSOR_MAX_BYTES {
            return Err(NotACursor);
        }
        let read = || {
            let json = URL_SAFE_NO_PAD.decode(text).ok()?;
            serde_json::from_slice::<(u8, String, i64, i64, Vec<Gap>)>(&json).ok()
        };
        let (version, name, position, read_at, gaps) = read().ok_or(NotACursor)?;
        let mut before = i64::MIN;
        let in_order = gaps.iter().all(|Gap(first, last, _)| {
            let fits = before < *first && first <= last && *last < position;
            before = *last;
            fits
        });
        if version != CURSOR_VERSION
            || name != "feed"
            || position < 0
            || position == i64::MAX
            || gaps.len() > GAPS_MAX
            || !in_order
        {
            return Err(NotACursor);
        }
        Ok(Self {
            position,
            gaps,
            read_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn noon() -> DateTime<Utc> {
        "2026-03-02T04:00:00Z".parse().unwrap()
    }

    #[test]
    fn what_was_passed_over_is_awaited_and_then_given_up() {
        let mut cursor = FeedCursor::at(10, noon());
        cursor.tell(14, noon());
        assert_eq!(cursor.gaps().collect::<Vec<_>>(), [(11, 13)]);
        cursor.tell(12, noon());
        assert_eq!(cursor.gaps().collect::<Vec<_>>(), [(11, 11), (13, 13)]);
        assert!(cursor.knows(12) && cursor.knows(14) && cursor.knows(3));
        assert!(!cursor.knows(11) && !cursor.knows(15));
        cursor.settle(noon() + LATE);
        assert!(!cursor.knows(11), "it may still come");
        cursor.settle(noon() + LATE + Duration::seconds(1));
        assert!(
            cursor.knows(11) && cursor.knows(13),
            "no transaction lasts so long"
        );
    }

    #[test]
    fn a_follower_waits_for_no_more_than_the_reader_it_hears() {
        let mut reader = FeedCursor::at(10, noon());
        reader.tell(12, noon());
        let mut follower = reader.clone();
        follower.tell(15, noon());
        follower.settle_as(&reader);
        assert!(
            !follower.knows(11) && !follower.knows(13),
            "the reader waits too, or has not come so far"
        );
        reader.settle(noon() + LATE * 2);
        follower.settle_as(&reader);
        assert!(follower.knows(11) && !follower.knows(13));
    }

    #[test]
    fn a_text_that_the_feed_did_not_give_out_is_refused() {
        let forms = [
            r#"[2,"feed",5,0,[]]"#,
            r#"[1,"case",5,0,[]]"#,
            r#"[1,"feed",-1,0,[]]"#,
            r#"[1,"feed",9223372036854775807,0,[]]"#,
            r#"[1,"feed",5,0,[[4,3,0]]]"#,
            r#"[1,"feed",5,0,[[3,3,0],[2,2,0]]]"#,
            r#"[1,"feed",5,0,[[5,5,0]]]"#,
            "[]",
        ];
        for form in forms {
            let text = URL_SAFE_NO_PAD.encode(form);
            assert_eq!(FeedCursor::decode(&text), Err(NotACursor), "{form}");
        }
        assert_eq!(FeedCursor::decode("ü"), Err(NotACursor));
        assert_eq!(FeedCursor::decode(&"A".repeat(5_000)), Err(NotACursor));
    }

    proptest! {
        /// Told in any order, through any number of texts in between: each once, none lost.
        #[test]
        fn whoever_goes_on_from_a_cursor_is_told_each_change_once(
            mut order in Just((1_i64..120).collect::<Vec<_>>()).prop_shuffle(),
            cuts in proptest::collection::vec(0_usize..120, 0..6),
        ) {
            // only neighbours change places: a few transactions at most are on their way at once
            order.sort_by_key(|id| id / 24);
            let mut cursor = FeedCursor::at(0, noon());
            for (turn, id) in order.iter().enumerate() {
                if cuts.contains(&turn) {
                    cursor = FeedCursor::decode(&cursor.encode()).unwrap();
                }
                prop_assert!(!cursor.knows(*id));
                cursor.tell(*id, noon());
                prop_assert!(cursor.knows(*id));
            }
            prop_assert_eq!(cursor.position(), 119);
            prop_assert_eq!(cursor.gaps().count(), 0);
        }

        /// With more gaps than a text holds, it goes back: told again, but never lost.
        #[test]
        fn a_crowded_cursor_forgets_no_gap(count in 1_i64..200) {
            let mut cursor = FeedCursor::at(0, noon());
            for turn in 1..=count {
                cursor.tell(turn * 2, noon());
            }
            let read = FeedCursor::decode(&cursor.encode()).unwrap();
            for id in 1..=(count * 2) {
                prop_assert!(cursor.knows(id) || !read.knows(id));
            }
        }
    }
}
