//! `[callback]`: how the notices of an upstream system are checked, by one of three styles.

use std::time::Duration;

use super::SecretRef;
use super::section::Section;
use crate::upstream::callback::header::{
    HeaderStyle, MacAlgorithm, MacEncoding, SignedPart, TimestampUnit, signed_parts,
};
use crate::upstream::egress::AddressRange;

/// The longest name of a header and the longest prefix of a signature, characters.
const HEADER_LENGTH_MAX: usize = 100;

/// How an upstream's callbacks are checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbackConfig {
    /// How they prove who sent them.
    pub style: CallbackStyle,
    /// Secrets, any of which may have signed: list old and new while rotating. None in the style `address`.
    pub secrets: Vec<SecretRef>,
    /// Largest difference between the signature's time and ours, both ways.
    pub tolerance: Duration,
    /// Where they may come from; empty: anywhere (never so in the style `address`).
    pub addresses: Vec<AddressRange>,
}

/// How callbacks prove who sent them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallbackStyle {
    /// By Standard Webhooks 1.0.
    StandardWebhooks,
    /// By an HMAC in a header.
    Header(HeaderStyle),
    /// By the address they come from.
    Address,
}

impl CallbackConfig {
    pub(super) fn read(section: &mut Section) -> Self {
        let style = section.optional("style");
        let style = match style.as_deref() {
            None | Some("standard-webhooks") => CallbackStyle::StandardWebhooks,
            Some("hmac-header") => read_header_style(section),
            Some("address") => CallbackStyle::Address,
            Some(_) => {
                section.fault("style", "is not one of: standard-webhooks, hmac-header, address");
                CallbackStyle::StandardWebhooks
            }
        };
        let secrets = section.secrets("secrets");
        let addresses = section.texts("addresses");
        let addresses: Vec<AddressRange> = addresses
            .iter()
            .filter_map(|text| section.parsed("addresses", text))
            .collect();
        match (&style, secrets.is_empty(), addresses.is_empty()) {
            (CallbackStyle::StandardWebhooks | CallbackStyle::Header(_), true, _) => {
                section.fault("secrets", "name at least one secret, or leave [callback] out");
            }
            (CallbackStyle::Address, false, _) => {
                section.fault(
                    "secrets",
                    "nothing is signed in the style \"address\"; leave them out",
                );
            }
            (CallbackStyle::Address, true, true) => {
                section.fault(
                    "addresses",
                    "the style \"address\" needs the addresses to believe",
                );
            }
            (CallbackStyle::Address, true, false)
            | (CallbackStyle::StandardWebhooks | CallbackStyle::Header(_), false, _) => {}
        }
        Self {
            style,
            secrets,
            tolerance: Duration::from_secs(section.number("tolerance_s", 300, 1..=3_600)),
            addresses,
        }
    }
}

fn read_header_style(section: &mut Section) -> CallbackStyle {
    let signature_header = section.required("signature_header");
    let timestamp_header = section.optional("timestamp_header");
    let id_header = section.optional("id_header");
    for (option, name) in [
        ("signature_header", &signature_header),
        ("timestamp_header", &timestamp_header),
        ("id_header", &id_header),
    ] {
        if name.as_deref().is_some_and(|name| !is_header_name(name)) {
            section.fault(option, "must be the lowercase name of a header");
        }
    }
    let prefix = section.optional("prefix").unwrap_or_default();
    if prefix.len() > HEADER_LENGTH_MAX || !prefix.bytes().all(|byte| byte.is_ascii_graphic()) {
        section.fault("prefix", "must be visible ASCII, at most 100 characters");
    }
    let algorithm = section
        .optional("algorithm")
        .unwrap_or_else(|| "sha256".to_owned());
    let encoding = section.optional("encoding").unwrap_or_else(|| "hex".to_owned());
    let unit = section
        .optional("timestamp_unit")
        .unwrap_or_else(|| "s".to_owned());
    let signed = section.optional("signed").unwrap_or_else(|| {
        let with_time = timestamp_header.is_some();
        if with_time { "{timestamp}.{body}" } else { "{body}" }.to_owned()
    });
    let signed = signed_parts(&signed)
        .map_err(|error| section.fault("signed", error))
        .unwrap_or_else(|()| vec![SignedPart::Body]);
    lint_signed(section, &signed, timestamp_header.is_some(), id_header.is_some());
    CallbackStyle::Header(HeaderStyle {
        signature_header: signature_header.unwrap_or_default(),
        algorithm: section
            .choice("algorithm", &algorithm)
            .unwrap_or(MacAlgorithm::Sha256),
        encoding: section.choice("encoding", &encoding).unwrap_or(MacEncoding::Hex),
        prefix,
        timestamp_header,
        timestamp_unit: section
            .choice("timestamp_unit", &unit)
            .unwrap_or(TimestampUnit::Seconds),
        id_header,
        signed,
    })
}

/// What is believed is signed, and what is signed is known.
fn lint_signed(section: &mut Section, signed: &[SignedPart], has_timestamp: bool, has_id: bool) {
    let signs = |part: &SignedPart| signed.contains(part);
    if signs(&SignedPart::Timestamp) && !has_timestamp {
        section.fault("timestamp_header", "is missing, but {timestamp} is signed");
    }
    if !signs(&SignedPart::Timestamp) && has_timestamp {
        section.fault(
            "signed",
            "leaves {timestamp} out: anybody could make an old notice new",
        );
    }
    if signs(&SignedPart::Id) && !has_id {
        section.fault("id_header", "is missing, but {id} is signed");
    }
    if !signs(&SignedPart::Id) && has_id {
        section.fault(
            "id_header",
            "is not signed: anybody could repeat a notice under another one; leave it out, notices are then known by what they say",
        );
    }
}

fn is_header_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    !name.is_empty() && name.len() <= HEADER_LENGTH_MAX && name.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::fault::{Fault, Origin};

    fn read(text: &str) -> (CallbackConfig, Vec<Fault>) {
        let table = text.parse().expect("TOML");
        let mut section = Section::new("callback".to_owned(), Origin::Default, table);
        let config = CallbackConfig::read(&mut section);
        (config, section.finish())
    }

    fn faults(text: &str) -> Vec<String> {
        read(text).1.into_iter().map(|fault| fault.path).collect()
    }

    #[test]
    fn each_style_is_read_with_its_defaults() {
        let (config, faults) = read("secrets = [{ env = \"A\" }]");
        assert_eq!((config.style, faults), (CallbackStyle::StandardWebhooks, vec![]));
        let text = r#"style = "hmac-header"
            signature_header = "x-hub-signature-256"
            prefix = "sha256="
            secrets = [{ env = "A" }, { env = "B" }]"#;
        let (config, faults) = read(text);
        assert_eq!(faults, []);
        let CallbackStyle::Header(style) = config.style else {
            panic!("{:?}", config.style)
        };
        assert_eq!(style.signed, [SignedPart::Body]);
        assert_eq!(
            (style.algorithm, style.encoding),
            (MacAlgorithm::Sha256, MacEncoding::Hex)
        );
        let (config, faults) = read("style = \"address\"\naddresses = [\"10.34.3.0/24\"]");
        assert_eq!((config.style, faults), (CallbackStyle::Address, vec![]));
        assert_eq!(config.addresses.len(), 1);
    }

    #[test]
    fn what_would_be_believed_unsigned_is_refused() {
        let base = "style = \"hmac-header\"\nsignature_header = \"x-s\"\nsecrets = [{ env = \"A\" }]\n";
        let with = |more: &str| faults(&format!("{base}{more}"));
        assert_eq!(
            with("timestamp_header = \"x-t\"\nsigned = \"{body}\""),
            ["callback.signed"]
        );
        assert_eq!(with("id_header = \"x-i\""), ["callback.id_header"]);
        assert_eq!(
            with("signed = \"{timestamp}.{body}\""),
            ["callback.timestamp_header"]
        );
        assert_eq!(with("signed = \"{id}{body}\""), ["callback.id_header"]);
        assert_eq!(with("signed = \"nothing\""), ["callback.signed"]);
        assert_eq!(with("signed = \"{body}{url}\""), ["callback.signed"]);
        assert_eq!(with("algorithm = \"md5\""), ["callback.algorithm"]);
        assert_eq!(with("prefix = \"ä\""), ["callback.prefix"]);
        assert_eq!(
            with("id_header = \"X I\"\nsigned = \"{id}.{body}\""),
            ["callback.id_header"]
        );
        assert_eq!(faults("style = \"address\""), ["callback.addresses"]);
        assert_eq!(
            faults("style = \"address\"\naddresses = [\"10.1.1.1\"]\nsecrets = [{ env = \"A\" }]"),
            ["callback.secrets"]
        );
        assert_eq!(
            faults("style = \"trust-me\"\nsecrets = [{ env = \"A\" }]"),
            ["callback.style"]
        );
    }
}
