//! Typed identifiers: one newtype over UUIDv7 per kind of thing, with a prefixed text form.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// A text that is not an identifier of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier with prefix `{prefix}`")]
pub struct IdError {
    /// The prefix that was expected, for example `case`.
    pub prefix: &'static str,
}

macro_rules! define_ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub struct $name(Uuid);

            impl $name {
                /// Text in front of the underscore, for example `case`.
                pub const PREFIX: &'static str = $prefix;

                /// Wraps a raw UUID that is known to name this kind of thing.
                #[must_use]
                pub const fn from_uuid(raw: Uuid) -> Self {
                    Self(raw)
                }

                /// The identifier that a name always has: the first bytes of SHA-256 over prefix and name (UUIDv8).
                /// Reference data is identified so, that replicas and repeated imports agree.
                #[must_use]
                pub fn named(name: &str) -> Self {
                    let hash = Sha256::new().chain_update($prefix).chain_update([0]).chain_update(name).finalize();
                    let mut bytes = [0; 16];
                    for (to, from) in bytes.iter_mut().zip(hash) {
                        *to = from;
                    }
                    Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
                }

                /// The raw UUID, for a database column.
                #[must_use]
                pub const fn uuid(self) -> Uuid {
                    self.0
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                    write!(out, "{}_{}", $prefix, self.0.simple())
                }
            }

            impl FromStr for $name {
                type Err = IdError;

                fn from_str(text: &str) -> Result<Self, Self::Err> {
                    text.strip_prefix(concat!($prefix, "_"))
                        .filter(|hex| hex.len() == 32)
                        .and_then(|hex| Uuid::try_parse(hex).ok())
                        .map(Self)
                        .ok_or(IdError { prefix: $prefix })
                }
            }

            impl Serialize for $name {
                fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                    to.collect_str(self)
                }
            }

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                    String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
                }
            }
        )*
    };
}

define_ids! {
    /// A case (办件).
    CaseId = "case";
    /// An uploaded document (附件).
    DocumentId = "document";
    /// A draft of an application, before it is submitted.
    DraftId = "draft";
    /// A handoff of a case between two organizations (移交).
    HandoffId = "handoff";
    /// A clock of a case: one limit that runs, pauses and ends.
    ClockId = "clock";
    /// A card (预警、黄牌、红牌) on a case.
    CardId = "card";
    /// A supervision order (督办单).
    SupervisionOrderId = "order";
    /// One line of the ledger.
    EventId = "event";
    /// A receipt (回执).
    ReceiptId = "receipt";
    /// A delivery to an upstream system, from the outbox.
    DeliveryId = "delivery";
    /// A comparison of all open cases with one upstream system (对账).
    ReconciliationId = "reconciliation";
    /// A difference that such a comparison found.
    DifferenceId = "difference";
    /// An administrative division (区划).
    DivisionId = "division";
    /// An organization (单位).
    OrganizationId = "organization";
    /// A government service item (事项), over all its versions.
    ServiceItemId = "item";
    /// One published version of a service item.
    ItemVersionId = "itemversion";
    /// A revocation of access.
    RevocationId = "revocation";
    /// A sign-in session of a browser.
    SessionId = "session";
    /// A kiosk (自助终端).
    KioskId = "kiosk";
    /// An entry of the audit log.
    AuditEntryId = "audit";
    /// A record of a look at personal data.
    AccessRecordId = "access";
    /// One import of the working-day calendar.
    CalendarVersionId = "calendar";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips_and_refuses_other_kinds() {
        let id = CaseId::from_uuid(Uuid::from_u128(7));
        let text = id.to_string();
        assert_eq!(text, "case_00000000000000000000000000000007");
        assert_eq!(text.parse::<CaseId>(), Ok(id));
        assert!(text.parse::<HandoffId>().is_err());
        assert!("case_７".parse::<CaseId>().is_err());
    }

    #[test]
    fn a_name_always_has_the_same_identifier_and_another_one_of_another_kind() {
        let id = DivisionId::named("340300000000");
        assert_eq!(id, DivisionId::named("340300000000"));
        assert_ne!(id.uuid(), OrganizationId::named("340300000000").uuid());
        assert_eq!(id.uuid().get_version_num(), 8);
    }
}
