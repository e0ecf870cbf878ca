//! Challenges and nonces for kiosks: every replica knows them by their MAC, and none has to remember one.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use rand::RngCore as _;

use super::key_file::Key;

/// Instant, random bytes, MAC.
const INSTANT_BYTES: usize = 8;
const RANDOM_BYTES: usize = 16;
const MAC_BYTES: usize = 16;
const BODY_BYTES: usize = INSTANT_BYTES + RANDOM_BYTES;
/// How far the clock of another replica may be ahead.
const AHEAD_MAX: TimeDelta = TimeDelta::seconds(5);

/// What a nonce is for; one for the other is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NonceUse {
    /// A challenge, good for one enrolment or one token.
    Challenge,
    /// The nonce of proofs (RFC 9449 §8), good for many while it lives.
    Proof,
}

/// Makes and recognizes nonces.
pub struct Nonces {
    current: hmac::Key,
    retired: Vec<hmac::Key>,
    life: TimeDelta,
}

impl Nonces {
    /// Nonces of the sealing keys of kiosks, which all replicas share.
    #[must_use]
    pub fn new(current: &Key, retired: &[Key], life: TimeDelta) -> Self {
        Self {
            current: derived(current),
            retired: retired.iter().map(derived).collect(),
            life,
        }
    }

    /// How long one lives.
    #[must_use]
    pub const fn life(&self) -> TimeDelta {
        self.life
    }

    /// A new one.
    #[must_use]
    pub fn issue(&self, purpose: NonceUse, now: DateTime<Utc>) -> String {
        let mut bytes = now.timestamp_micros().to_be_bytes().to_vec();
        let mut random = [0; RANDOM_BYTES];
        rand::rng().fill_bytes(&mut random);
        bytes.extend_from_slice(&random);
        let mac = mac(&self.current, purpose, &bytes);
        bytes.extend(mac.as_ref().iter().take(MAC_BYTES));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// When one was issued; `None`: it is none of ours, of another use, or its life is over.
    #[must_use]
    pub fn read(&self, purpose: NonceUse, text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (body, tag) = bytes.split_at_checked(BODY_BYTES)?;
        let ours = std::iter::once(&self.current)
            .chain(&self.retired)
            .any(|key| fits(key, purpose, body, tag));
        if !ours {
            return None;
        }
        let micros = i64::from_be_bytes(body.get(..INSTANT_BYTES)?.try_into().ok()?);
        let issued = DateTime::from_timestamp_micros(micros)?;
        (issued <= now + AHEAD_MAX && now - issued <= self.life).then_some(issued)
    }
}

fn derived(key: &Key) -> hmac::Key {
    let root = hmac::Key::new(hmac::HMAC_SHA256, key.expose());
    let derived = hmac::sign(&root, b"onedoor kiosk nonces");
    hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref())
}

fn mac(key: &hmac::Key, purpose: NonceUse, body: &[u8]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    context.update(match purpose {
        NonceUse::Challenge => b"challenge",
        NonceUse::Proof => b"proof....",
    });
    context.update(body);
    context.sign()
}

fn fits(key: &hmac::Key, purpose: NonceUse, body: &[u8], tag: &[u8]) -> bool {
    let expected = mac(key, purpose, body);
    let expected = expected.as_ref().get(..MAC_BYTES).unwrap_or_default();
    subtle::ConstantTimeEq::ct_eq(expected, tag).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Redacted;

    fn key(first: u8) -> Key {
        Redacted::new(core::array::from_fn(|at| first ^ u8::try_from(at * 5).unwrap()))
    }

    #[test]
    fn a_nonce_lives_its_time_for_its_use_and_under_a_retired_key() {
        let now: DateTime<Utc> = "2026-03-02T02:00:00Z".parse().unwrap();
        let life = TimeDelta::seconds(300);
        let old = Nonces::new(&key(1), &[], life);
        let nonce = old.issue(NonceUse::Proof, now);
        assert_ne!(nonce, old.issue(NonceUse::Proof, now));
        assert_eq!(old.read(NonceUse::Proof, &nonce, now), Some(now));
        assert_eq!(old.read(NonceUse::Proof, &nonce, now + life), Some(now));
        assert_eq!(
            old.read(NonceUse::Proof, &nonce, now + life + TimeDelta::seconds(1)),
            None
        );
        assert_eq!(old.read(NonceUse::Challenge, &nonce, now), None);
        assert_eq!(
            old.read(NonceUse::Proof, &nonce, now - TimeDelta::seconds(6)),
            None
        );
        let rotated = Nonces::new(&key(2), &[key(1)], life);
        assert_eq!(rotated.read(NonceUse::Proof, &nonce, now), Some(now));
        assert_eq!(
            Nonces::new(&key(2), &[], life).read(NonceUse::Proof, &nonce, now),
            None
        );
        for bad in ["", "AAAA", nonce.get(1..).unwrap(), &format!("{nonce}A")] {
            assert_eq!(old.read(NonceUse::Proof, bad, now), None);
        }
    }
}
