//! Kiosks (自助终端): their states, the counter by which a copy is told from the original, and when something was captured.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::digest::Digest;
use crate::id::{KioskId, OrganizationId};
use crate::tracking::{TrackingError, TrackingSecret};

/// How a kiosk stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum KioskState {
    /// Its enrolment code was given out and not used yet.
    Invited,
    /// It may act.
    Active,
    /// Two devices used its key: nothing of it is accepted until it is enrolled again.
    Suspended,
    /// It may never act again.
    Revoked,
}

impl KioskState {
    /// All states.
    pub const ALL: &'static [Self] = &[Self::Invited, Self::Active, Self::Suspended, Self::Revoked];

    /// The name as columns and metrics have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Invited => "INVITED",
            Self::Active => "ACTIVE",
            Self::Suspended => "SUSPENDED",
            Self::Revoked => "REVOKED",
        }
    }
}

/// A kiosk, without its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kiosk {
    /// Key; its text form is the subject of everything that the device does.
    pub id: KioskId,
    /// What people call it.
    pub name: String,
    /// The station where it stands.
    pub station: OrganizationId,
    /// How it stands.
    pub state: KioskState,
    /// Thumbprint of its public key (RFC 7638, base64url); `None` before it was enrolled.
    pub thumbprint: Option<String>,
    /// The highest counter that was accepted of it.
    pub counter: u32,
    /// Version of the program on it, as it says itself.
    pub app_version: Option<String>,
    /// Applications that wait on it, as it says itself.
    pub queue_length: Option<u32>,
    /// By how many seconds its clock is ahead.
    pub clock_ahead_s: Option<i64>,
    /// When its code was first given out.
    pub created_at: DateTime<Utc>,
    /// Until when its code can be used; `None`: no code is open.
    pub code_expires_at: Option<DateTime<Utc>>,
    /// When it was last enrolled.
    pub enrolled_at: Option<DateTime<Utc>>,
    /// When it was last heard of.
    pub last_seen_at: Option<DateTime<Utc>>,
    /// Since when it is suspended or revoked.
    pub ended_at: Option<DateTime<Utc>>,
}

impl Kiosk {
    /// Whether it should be heard of and is not.
    #[must_use]
    pub fn is_silent(&self, now: DateTime<Utc>, after: TimeDelta) -> bool {
        self.state == KioskState::Active && self.last_seen_at.is_none_or(|seen| now - seen > after)
    }
}

/// What a kiosk presented when it asked for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presented {
    /// Its counter; the device writes it down before it asks.
    pub counter: u32,
    /// Hash of the challenge that it signed.
    pub challenge: Digest,
    /// When that challenge was given out.
    pub issued_at: DateTime<Utc>,
}

/// What a counter means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CounterVerdict {
    /// It went on.
    Fresh,
    /// The last request once more: its answer was lost.
    Repeated,
    /// A request that was overtaken by a later one of the same device.
    Overtaken,
    /// Somebody who does not know the last counter holds the same key.
    Cloned,
}

/// Judges a counter against the last one that was accepted. A device takes a challenge only after it has counted on, so
/// a counter that does not go on under a *newer* challenge comes from a copy that does not know how far the other is.
#[must_use]
pub fn judge(last: Option<&Presented>, offered: &Presented) -> CounterVerdict {
    match last {
        None => CounterVerdict::Fresh,
        Some(last) if offered.counter > last.counter => CounterVerdict::Fresh,
        Some(last) if offered == last => CounterVerdict::Repeated,
        Some(last) if offered.issued_at <= last.issued_at => CounterVerdict::Overtaken,
        Some(_) => CounterVerdict::Cloned,
    }
}

/// An instant as a device tells it: by its clock, which may be wrong, and by its uptime, which cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceTime {
    /// By its clock.
    pub at: DateTime<Utc>,
    /// Since which start: a random id of that start, and the seconds since then.
    pub uptime: Option<(Uuid, u32)>,
}

/// Why the time of a capture is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CaptureFault {
    /// Longer ago than a kiosk may be offline.
    #[error("captured too long ago")]
    TooLongAgo,
    /// Behind the time at which it was sent, by the device's own word.
    #[error("captured after it was sent")]
    InFuture,
}

/// How far a capture may lie behind its sending, for clocks that were set back in between; it then counts as just now.
const SET_BACK_MAX: TimeDelta = TimeDelta::minutes(5);

/// When something was captured, by our clock: its age is what lies between two words of the same device, by uptime when
/// it was not restarted in between, else by its clock. `now` is ours, `device_now` the device's when it sent.
///
/// # Errors
/// Too long ago, or later than it was sent.
pub fn captured_at(
    now: DateTime<Utc>,
    device_now: &DeviceTime,
    captured: &DeviceTime,
    age_max: TimeDelta,
) -> Result<DateTime<Utc>, CaptureFault> {
    let age = match (device_now.uptime, captured.uptime) {
        (Some((boot, sent_s)), Some((same, captured_s))) if boot == same => {
            TimeDelta::seconds(i64::from(sent_s) - i64::from(captured_s))
        }
        (Some(_) | None, Some(_) | None) => device_now.at - captured.at,
    };
    if age < -SET_BACK_MAX {
        Err(CaptureFault::InFuture)
    } else if age > age_max {
        Err(CaptureFault::TooLongAgo)
    } else {
        Ok(now - age.max(TimeDelta::zero()))
    }
}

/// A one-time enrolment code: 16 Crockford characters, 80 bits. Debug hides it, and only its hash is stored.
#[derive(Clone)]
pub struct EnrolmentCode(String);

impl EnrolmentCode {
    /// Makes a code from 16 random bytes of a CSPRNG (5 bits of each are used).
    #[must_use]
    pub fn from_random(first: [u8; 8], second: [u8; 8]) -> Self {
        let halves = [first, second].map(TrackingSecret::from_random);
        Self(halves.iter().map(TrackingSecret::reveal).collect())
    }

    /// The code in groups of four: for the one answer that shows it.
    #[must_use]
    pub fn reveal(&self) -> String {
        let letters: Vec<char> = self.0.chars().collect();
        let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
        groups.join("-")
    }

    /// What is stored of it. 80 random bits need no slow hash.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of_parts(&[b"kiosk enrolment code", self.0.as_bytes()])
    }
}

impl FromStr for EnrolmentCode {
    type Err = TrackingError;

    /// Reads a code as people type it: any case, separators and spaces dropped, I and L for 1, O for 0.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        crate::tracking::read(text, 16).map(Self)
    }
}

impl fmt::Debug for EnrolmentCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("EnrolmentCode(***)")
    }
}

/// Whether a text can be the number that a kiosk prints while it is offline: up to 40 capital letters, digits and hyphens.
#[must_use]
pub fn is_provisional_number(text: &str) -> bool {
    let fits = |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '-';
    (1..=40).contains(&text.len()) && text.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_772_416_800 + seconds, 0).unwrap()
    }

    fn presented(counter: u32, challenge: &str, issued_s: i64) -> Presented {
        Presented {
            counter,
            challenge: Digest::of(challenge.as_bytes()),
            issued_at: at(issued_s),
        }
    }

    #[test]
    fn a_counter_goes_on_repeats_is_overtaken_or_betrays_a_copy() {
        let last = presented(7, "a", 100);
        assert_eq!(judge(None, &last), CounterVerdict::Fresh);
        assert_eq!(judge(Some(&last), &presented(8, "b", 101)), CounterVerdict::Fresh);
        assert_eq!(judge(Some(&last), &presented(19, "b", 50)), CounterVerdict::Fresh);
        assert_eq!(judge(Some(&last), &last), CounterVerdict::Repeated);
        assert_eq!(
            judge(Some(&last), &presented(6, "z", 99)),
            CounterVerdict::Overtaken
        );
        assert_eq!(
            judge(Some(&last), &presented(7, "b", 101)),
            CounterVerdict::Cloned
        );
        assert_eq!(
            judge(Some(&last), &presented(3, "b", 101)),
            CounterVerdict::Cloned
        );
    }

    #[test]
    fn a_wrong_clock_does_not_move_a_capture() {
        let (now, year) = (at(0), 365_i64 * 86_400);
        let device = |seconds| DeviceTime {
            at: at(seconds - year),
            uptime: None,
        };
        let max = TimeDelta::hours(72);
        let two_hours_ago = captured_at(now, &device(0), &device(-7_200), max);
        assert_eq!(two_hours_ago, Ok(at(-7_200)));
        assert_eq!(
            captured_at(now, &device(0), &device(-72 * 3_600), max),
            Ok(at(-72 * 3_600))
        );
        assert_eq!(
            captured_at(now, &device(0), &device(-72 * 3_600 - 1), max),
            Err(CaptureFault::TooLongAgo)
        );
        assert_eq!(captured_at(now, &device(0), &device(60), max), Ok(now));
        assert_eq!(
            captured_at(now, &device(0), &device(600), max),
            Err(CaptureFault::InFuture)
        );
    }

    #[test]
    fn the_uptime_goes_before_a_clock_that_was_set_in_between() {
        let (boot, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let sent = DeviceTime {
            at: at(0),
            uptime: Some((boot, 10_000)),
        };
        let captured = |boot| DeviceTime {
            at: at(-365 * 86_400),
            uptime: Some((boot, 6_400)),
        };
        let max = TimeDelta::hours(72);
        assert_eq!(captured_at(at(5), &sent, &captured(boot), max), Ok(at(5 - 3_600)));
        assert_eq!(
            captured_at(at(5), &sent, &captured(other), max),
            Err(CaptureFault::TooLongAgo)
        );
    }

    #[test]
    fn a_code_is_read_as_people_type_it_and_never_shown_by_debug() {
        let code = EnrolmentCode::from_random([1, 2, 3, 4, 5, 6, 7, 8], [0, 31, 30, 29, 28, 27, 26, 25]);
        let shown = code.reveal();
        assert_eq!(shown.len(), 19);
        let typed = shown.to_lowercase().replace('-', " ").replace('1', "l");
        assert_eq!(typed.parse::<EnrolmentCode>().unwrap().digest(), code.digest());
        assert!("SHORT".parse::<EnrolmentCode>().is_err());
        assert_eq!(format!("{code:?}"), "EnrolmentCode(***)");
    }

    #[test]
    fn a_provisional_number_is_short_and_plain() {
        assert!(is_provisional_number("K7-000123"));
        for bad in ["", "k7", "７", "A B", &"A".repeat(41)] {
            assert!(!is_provisional_number(bad), "{bad}");
        }
    }
}
