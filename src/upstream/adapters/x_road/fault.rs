//! What an error of the security servers themselves means for a delivery.

use serde::Deserialize;

use crate::upstream::outcome::{Ambiguity, HeldReason, UpstreamOutcome};
use crate::upstream::wire::WireAnswer;

/// The header that marks an error of X-Road itself; without it the provider speaks.
const MARK: &str = "x-road-error";
/// Faults of our own security server that may come up after the provider acted: on the way back, or while its answer is
/// checked and logged.
const PERHAPS_AFTER: &[&str] = &[
    "NetworkError",
    "IOError",
    "InternalError",
    "InvalidMessage",
    "InvalidHash",
    "InvalidSignature",
    "MissingSignature",
    "SignatureVerification",
    "InconsistentResponse",
    "LoggingFailed",
];
/// Faults that the provider's security server finds before it calls the service, and that only configuration mends.
const BEFORE_CALLING: &[(&str, HeldReason)] = &[
    ("AccessDenied", HeldReason::Forbidden),
    ("UnknownService", HeldReason::NotFound),
    ("InvalidServiceType", HeldReason::NotFound),
    ("ServiceDisabled", HeldReason::Configuration),
    ("ServiceType", HeldReason::Configuration),
    ("UnknownMember", HeldReason::Configuration),
    ("InvalidClientIdentifier", HeldReason::Configuration),
    ("SslAuthenticationFailed", HeldReason::Configuration),
    ("OutdatedGlobalConf", HeldReason::Configuration),
];

/// The body of an error of X-Road: `{type, message, detail}`.
#[derive(Deserialize)]
struct Said {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    message: String,
}

/// Whether X-Road itself answers, and not the provider.
pub(super) fn is_ours(answer: &WireAnswer) -> bool {
    answer.header(MARK).is_some()
}

/// What an error of X-Road means; `None` when the provider speaks.
///
/// - `Client.*`: our request is not as the protocol wants it. Neither clerk nor applicant can do anything about that, so
///   it is no business no and nobody is told "refused": this delivery alone waits, and somebody is called.
/// - `Server.ClientProxy.*`: our security server is not set up: held, except what may come up after the provider acted.
/// - `Server.ServerProxy.*`: access and service are checked before the service is called: held. `NetworkError` is
///   repeated freely only where its words say that no connection stood, because a connection that broke later is
///   called the same. `ServiceFailed` says that the service gave no answer that could be used, not that it did nothing:
///   what follows is for the upstream's `idempotency` to say, as after any lost answer, and a system that can neither
///   recognize a repetition nor be asked is never sent the same twice. So with everything else.
pub(super) fn read(answer: &WireAnswer) -> Option<UpstreamOutcome> {
    let marked = answer.header(MARK)?.trim();
    let said: Option<Said> = answer
        .text()
        .ok()
        .and_then(|text| serde_json::from_str(text).ok());
    let kind = match &said {
        Some(said) if !is_type(marked) => said.kind.trim(),
        Some(_) | None => marked,
    };
    let message = said.as_ref().map(|said| said.message.as_str()).unwrap_or_default();
    Some(outcome(kind, message, answer))
}

fn is_type(text: &str) -> bool {
    text.starts_with("Client") || text.starts_with("Server.")
}

fn outcome(kind: &str, message: &str, answer: &WireAnswer) -> UpstreamOutcome {
    let held = |reason| UpstreamOutcome::Held { reason };
    let perhaps = UpstreamOutcome::Ambiguous {
        reason: Ambiguity::ServerError,
    };
    if kind == "Client" || kind.starts_with("Client.") {
        return held(HeldReason::Refused);
    }
    let (proxy, fault) = match (
        kind.strip_prefix("Server.ClientProxy."),
        kind.strip_prefix("Server.ServerProxy."),
    ) {
        (Some(fault), _) => (Proxy::Ours, fault),
        (None, Some(fault)) => (Proxy::Theirs, fault),
        (None, None) => return perhaps,
    };
    if fault.ends_with("NetworkError") && never_connected(message) {
        return UpstreamOutcome::Retryable {
            retry_after: answer.retry_after,
        };
    }
    let before = BEFORE_CALLING
        .iter()
        .find(|(name, _)| fault == *name || fault.starts_with(&format!("{name}.")));
    match (before, proxy) {
        (Some((_, reason)), _) => held(*reason),
        (None, Proxy::Ours) if !PERHAPS_AFTER.iter().any(|name| fault.starts_with(name)) => {
            held(HeldReason::Configuration)
        }
        (None, Proxy::Ours | Proxy::Theirs) => perhaps,
    }
}

/// Whose security server found the fault.
#[derive(Clone, Copy)]
enum Proxy {
    Ours,
    Theirs,
}

/// Whether the words say that no connection stood, as in "Connect to 10.0.0.1:8080 […] failed: Connection refused".
fn never_connected(message: &str) -> bool {
    message.starts_with("Connect to ") || message.starts_with("Connection refused")
}
