//! `x-road`: any REST service behind X-Road security servers, by the Message Protocol for REST, version r1.
//!
//! X-Road carries what two systems have agreed on: another protocol of this gateway (`inner`) writes and reads the case,
//! this one puts it into the envelope. What it sends:
//!
//! - The path is `/r1/{instance}/{class}/{member}[/{subsystem}]/{service}` and then the inner path; each part is a segment
//!   of its own and percent-encoded by itself.
//! - `X-Road-Client` names us. `X-Road-Id` is one UUID per logical message: of a delivery the same on every attempt, and
//!   another one of each question. `X-Road-UserId` and `X-Road-Represented-Party` are as configured, `X-Road-Issue` is our
//!   number of the case. It is an answer's matter to repeat the identifier; nothing is known by it.
//! - The exchange is synchronous, so there are no callbacks; what the inner protocol can be polled for is polled.
//! - Hop-by-hop headers, `Host`, `User-Agent` and `X-Road-*` headers of the inner protocol are left out. The client
//!   certificate is that of `[auth.tls]`. Redirects pass through security servers and are not followed.
//!
//! What it reads: with `X-Road-Error` a security server answers, see `x_road/fault.rs`; else the provider does, and the
//! inner protocol reads it. `X-Road-Request-Id` and `X-Road-Request-Hash` prove which request an answer belongs to and are
//! kept with the attempt.

use std::collections::BTreeSet;
use std::sync::Arc;

use onedoor_domain::digest::Digest;
use uuid::Uuid;

use self::identifier::{ClientId, PartyId, ServiceId};
use crate::upstream::adapter::{
    Adapter, AttachmentView, Capability, EncodeContext, EncodeError, NoticeError, PollPage, Prepared,
};
use crate::upstream::adapters::{Protocol, county_rest, template};
use crate::upstream::callback::VerifiedNotice;
use crate::upstream::command::DeliveryCommand;
use crate::upstream::config::section::Section;
use crate::upstream::fact::UpstreamFact;
use crate::upstream::outcome::{Finding, OutcomeClass, UpstreamOutcome};
use crate::upstream::wire::{WireAnswer, WireRequest};

mod fault;
mod identifier;

/// The protocol's entry in the table.
pub const PROTOCOL: Protocol = Protocol { kind: KIND, build };

const KIND: &str = "x-road";
/// Version of the message protocol.
const VERSION: &str = "r1";
/// The protocols that can be carried.
const INNER: &[Protocol] = &[county_rest::PROTOCOL, template::PROTOCOL];
/// Headers that a security server replaces or drops: a message that depends on them would mean something else there.
const STRIPPED: &[&str] = &[
    "connection",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];
/// Beginning of the headers that are ours to set.
const OWN: &str = "x-road-";
/// The longest identifier of a user, characters.
const USER_MAX: usize = 100;
/// Headers of an answer that prove what it answers.
const EVIDENCE: &[&str] = &["x-road-request-id", "x-road-request-hash"];

/// The envelope around another protocol.
#[derive(Debug)]
struct XRoad {
    client: ClientId,
    service: ServiceId,
    user: Option<String>,
    party: Party,
    inner: Arc<dyn Adapter>,
}

/// For whom we act.
#[derive(Debug)]
enum Party {
    /// For ourselves.
    Nobody,
    /// Always the same.
    Fixed(PartyId),
    /// The organization that hands the case over, in the class of our own member.
    HandingOver,
}

fn build(section: &mut Section) -> Option<Arc<dyn Adapter>> {
    let client = section
        .required("client")
        .and_then(|text| section.parsed::<ClientId>("client", &text));
    let service = section
        .required("service")
        .and_then(|text| section.parsed::<ServiceId>("service", &text));
    let user = section.optional("user_id");
    if user.as_deref().is_some_and(|user| !is_user(user)) {
        section.fault(
            "user_id",
            "must be an ISO country code of two capitals and what names the user there, for example CN340321001 须为两位国家代码加用户标识",
        );
    }
    let party = party(section);
    let inner = section.required("inner").and_then(|name| inner(section, &name));
    Some(Arc::new(XRoad {
        client: client?,
        service: service?,
        user,
        party: party?,
        inner: inner?,
    }))
}

fn inner(section: &mut Section, name: &str) -> Option<Arc<dyn Adapter>> {
    let found = INNER.iter().find(|protocol| protocol.kind == name);
    let Some(protocol) = found else {
        let known: Vec<&str> = INNER.iter().map(|protocol| protocol.kind).collect();
        section.fault(
            "inner",
            format_args!("must be one of: {} 请改用所列协议之一", known.join(", ")),
        );
        // its options cannot be read, and are not unknown ones either
        let _unread = section.table("inner_options");
        return None;
    };
    section.section("inner_options", |options| (protocol.build)(options))
}

fn party(section: &mut Section) -> Option<Party> {
    if !section.is_text("represented_party") {
        return Some(if section.flag("represented_party", false) {
            Party::HandingOver
        } else {
            Party::Nobody
        });
    }
    let text = section.optional("represented_party")?;
    section.parsed("represented_party", &text).map(Party::Fixed)
}

fn is_user(user: &str) -> bool {
    let (country, name) = user.split_at_checked(2).unwrap_or_default();
    country.bytes().all(|byte| byte.is_ascii_uppercase())
        && (1..=USER_MAX).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_graphic())
}

impl XRoad {
    /// Puts a request of the inner protocol into the envelope.
    fn enveloped(&self, mut request: WireRequest, id: Uuid, of: Option<&DeliveryCommand>) -> WireRequest {
        let mut segments = vec![VERSION.to_owned()];
        segments.extend(self.service.segments().iter().cloned());
        segments.append(&mut request.segments);
        request.segments = segments;
        request.headers.retain(|(name, _)| {
            let name = name.to_ascii_lowercase();
            !STRIPPED.contains(&name.as_str()) && !name.starts_with(OWN)
        });
        let mut request = request
            .header("x-road-client", &self.client.header())
            .header("x-road-id", &id.hyphenated().to_string());
        if let Some(user) = &self.user {
            request = request.header("x-road-userid", user);
        }
        let Some(command) = of else {
            return match &self.party {
                Party::Fixed(party) => request.header("x-road-represented-party", &party.header()),
                Party::Nobody | Party::HandingOver => request,
            };
        };
        let party = match &self.party {
            Party::Nobody => None,
            Party::Fixed(party) => Some(party.header()),
            Party::HandingOver => {
                Some(PartyId::new(self.client.class(), &command.case.from.code).header())
            }
        };
        if let Some(party) = party {
            request = request.header("x-road-represented-party", &party);
        }
        request.header("x-road-issue", &command.case.case_number)
    }
}

/// The identifier of a message that is repeated under one key: the UUID in it, else one that the key always has.
fn message_id(key: &str) -> Uuid {
    let (_, last) = key.rsplit_once('_').unwrap_or(("", key));
    Uuid::try_parse(last).unwrap_or_else(|_| named(&[key.as_bytes()]))
}

/// The identifier of a question: each time it is asked it is another message.
fn question_id(about: &str, cx: &EncodeContext) -> Uuid {
    let asked_at = cx.now.timestamp_micros().to_string();
    named(&[b"question\n", about.as_bytes(), b"\n", asked_at.as_bytes()])
}

/// The first bytes of SHA-256 as a UUID of version 8.
fn named(parts: &[&[u8]]) -> Uuid {
    let digest = Digest::of_parts(parts);
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(digest.as_bytes()) {
        *to = *from;
    }
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

impl Adapter for XRoad {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn capabilities(&self) -> BTreeSet<Capability> {
        let mut able = self.inner.capabilities();
        able.remove(&Capability::Callback);
        able
    }

    fn encode(&self, command: &DeliveryCommand, cx: &EncodeContext) -> Result<WireRequest, EncodeError> {
        let request = self.inner.encode(command, cx)?;
        Ok(self.enveloped(request, message_id(&command.key), Some(command)))
    }

    fn encode_reading(
        &self,
        command: &DeliveryCommand,
        cx: &EncodeContext,
    ) -> Result<Option<WireRequest>, EncodeError> {
        let request = self.inner.encode_reading(command, cx)?;
        let id = question_id(&command.key, cx);
        Ok(request.map(|request| self.enveloped(request, id, Some(command))))
    }

    fn prepare(
        &self,
        command: &DeliveryCommand,
        read: &WireAnswer,
        cx: &EncodeContext,
    ) -> Result<Prepared, EncodeError> {
        if let Some(outcome) = fault::read(read) {
            return Ok(Prepared::Settled(outcome));
        }
        Ok(match self.inner.prepare(command, read, cx)? {
            Prepared::Request(request) => {
                Prepared::Request(self.enveloped(request, message_id(&command.key), Some(command)))
            }
            settled @ Prepared::Settled(_) => settled,
        })
    }

    fn decode(&self, command: &DeliveryCommand, answer: &WireAnswer) -> UpstreamOutcome {
        fault::read(answer).unwrap_or_else(|| self.inner.decode(command, answer))
    }

    fn encode_query(&self, command: &DeliveryCommand, cx: &EncodeContext) -> Result<WireRequest, EncodeError> {
        let request = self.inner.encode_query(command, cx)?;
        Ok(self.enveloped(request, question_id(&command.key, cx), Some(command)))
    }

    fn decode_query(&self, command: &DeliveryCommand, answer: &WireAnswer) -> Finding {
        if fault::is_ours(answer) {
            return Finding::Unanswered {
                class: OutcomeClass::Ambiguous,
                retry_after: None,
            };
        }
        self.inner.decode_query(command, answer)
    }

    fn says_absent(&self, answer: &WireAnswer) -> bool {
        !fault::is_ours(answer) && self.inner.says_absent(answer)
    }

    fn notifies_by_number(&self) -> bool {
        self.inner.notifies_by_number()
    }

    fn needs_signature(&self) -> bool {
        self.inner.needs_signature()
    }

    fn redactions(&self) -> &[String] {
        self.inner.redactions()
    }

    fn evidence(&self, answer: &WireAnswer) -> Option<String> {
        let said: Vec<String> = EVIDENCE
            .iter()
            .filter_map(|name| Some(format!("{name}: {}", answer.header(name)?)))
            .collect();
        (!said.is_empty()).then(|| said.join("; "))
    }

    fn encode_attachment(
        &self,
        command: &DeliveryCommand,
        attachment: &AttachmentView,
        cx: &EncodeContext,
    ) -> Result<WireRequest, EncodeError> {
        let request = self.inner.encode_attachment(command, attachment, cx)?;
        let document = format!("{}\n{}", command.key, attachment.sha256);
        Ok(self.enveloped(request, named(&[document.as_bytes()]), Some(command)))
    }

    fn encode_poll(&self, cursor: Option<&str>, cx: &EncodeContext) -> Result<WireRequest, EncodeError> {
        let request = self.inner.encode_poll(cursor, cx)?;
        Ok(self.enveloped(request, question_id(cursor.unwrap_or_default(), cx), None))
    }

    fn decode_poll_since(
        &self,
        cursor: Option<&str>,
        answer: &WireAnswer,
        cx: &EncodeContext,
    ) -> Option<PollPage> {
        if fault::is_ours(answer) {
            return None;
        }
        self.inner.decode_poll_since(cursor, answer, cx)
    }

    fn numbers_may_come_later(&self) -> bool {
        self.inner.numbers_may_come_later()
    }

    fn news_is_of_everybody(&self) -> bool {
        self.inner.news_is_of_everybody()
    }

    fn read_notice(&self, _: &VerifiedNotice) -> Result<Vec<UpstreamFact>, NoticeError> {
        Err(NoticeError::UnknownKind)
    }
}

#[cfg(test)]
mod tests;
