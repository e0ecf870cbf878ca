//! Kiosks: devices that prove their keys, copies and thieves that cannot, and batches collected offline (P21, P30).
#![expect(
    clippy::needless_pass_by_value,
    reason = "json! literals read best when handed over"
)]

mod batches;
mod browser;
mod copies;
mod device;
mod enrolment;
mod thieves;
