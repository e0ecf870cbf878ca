//! `[[auth.issuers]]`: one more issuer of tokens, and how its claims become an actor.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::auth::{TokenAlgorithm, TokenType};
use super::fault::Faults;

/// The name of the issuer of `[auth]` itself; no other one can have it.
pub const DEFAULT_ISSUER: &str = "default";

/// The roles that a claim can mean.
pub const ROLES: [&str; 9] = [
    "citizen",
    "kiosk",
    "clerk",
    "officer",
    "supervisor",
    "auditor",
    "system-admin",
    "security-admin",
    "audit-admin",
];

/// Longest name of an issuer; it stands in subjects.
const NAME_MAX_BYTES: usize = 24;

/// One issuer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IssuerConfig {
    /// Our name for it: part of its subjects, and how revocations and sign-ins name it.
    pub name: String,
    /// The claim `iss`; with discovery also where its documents are.
    pub issuer: String,
    /// The claim `aud` of its access tokens; empty: `auth.audience`.
    pub audience: String,
    /// The algorithm of its keys; a token's own `alg` never chooses.
    pub algorithm: TokenAlgorithm,
    /// The header `typ` of its access tokens.
    pub token_type: TokenType,
    /// The claim that says from when a token is good.
    pub valid_from: ValidFrom,
    /// Where its keys are; empty: discovery says it.
    pub jwks_url: String,
    /// Its public key, PEM (SPKI), instead of keys that are fetched.
    pub public_key_file: PathBuf,
    /// The header `kid` of tokens signed with that key.
    pub key_id: String,
    /// Addresses that are not public and may be reached to ask it.
    pub allow_addresses: Vec<String>,
    /// Accepted difference of clocks, seconds.
    pub leeway_s: u16,
    /// The roles that its tokens may carry.
    pub roles: Vec<String>,
    /// Where in the claims the parts of an actor are.
    pub claims: ClaimPaths,
    /// What its words for roles mean here; empty: its words are ours.
    pub role_values: BTreeMap<String, String>,
    /// What its words for organizations mean; one that is left out means itself.
    pub organization_values: BTreeMap<String, String>,
    /// The same for divisions.
    pub division_values: BTreeMap<String, String>,
    /// The word in the claim of approvers that makes one; empty: the claim is true or false.
    pub approver_value: String,
    /// Administrators: the claim `acr` must be one of these; empty: any.
    pub admin_acr: Vec<String>,
    /// Administrators: the claim `amr` must hold one of these; empty: any.
    pub admin_amr: Vec<String>,
    /// Our client at the issuer; empty: nobody signs in by it.
    pub client_id: String,
    /// File with the client's secret; none: a public client. PKCE is used either way.
    pub client_secret_file: PathBuf,
    /// What is asked for at sign-in.
    pub scope: String,
}

/// The claim that says from when a token is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ValidFrom {
    /// `nbf`.
    Nbf,
    /// `iat`, for issuers that cannot write the former.
    Iat,
}

/// Where in the claims the parts of an actor are: names joined by dots, or a JSON pointer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClaimPaths {
    /// The role: a text, or a list of which one means a role.
    pub role: String,
    /// Code of the organization.
    pub organization: String,
    /// Code of the division.
    pub division: String,
    /// Whether an officer may extend a case.
    pub approver: String,
}

impl Default for ClaimPaths {
    fn default() -> Self {
        Self {
            role: "role".to_owned(),
            organization: "organization".to_owned(),
            division: "division".to_owned(),
            approver: "approver".to_owned(),
        }
    }
}

impl Default for IssuerConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            issuer: String::new(),
            audience: String::new(),
            algorithm: TokenAlgorithm::EdDSA,
            token_type: TokenType::AccessToken,
            valid_from: ValidFrom::Nbf,
            jwks_url: String::new(),
            public_key_file: PathBuf::new(),
            key_id: String::new(),
            allow_addresses: Vec::new(),
            leeway_s: 30,
            roles: Vec::new(),
            claims: ClaimPaths::default(),
            role_values: BTreeMap::new(),
            organization_values: BTreeMap::new(),
            division_values: BTreeMap::new(),
            approver_value: String::new(),
            admin_acr: Vec::new(),
            admin_amr: Vec::new(),
            client_id: String::new(),
            client_secret_file: PathBuf::new(),
            scope: "openid".to_owned(),
        }
    }
}

impl IssuerConfig {
    /// Whether its keys are fetched and not in a file.
    #[must_use]
    pub fn is_remote(&self) -> bool {
        self.public_key_file == Path::new("")
    }

    fn check(&self, at: usize, demo: bool, faults: &mut Faults) {
        let mut fault = |option: &str, reason: &str| {
            faults.at(&format!("auth.issuers[{at}].{option}"), reason);
        };
        if !is_name(&self.name) {
            fault("name", "must be 1 to 24 of a-z, 0-9 and -, and not `default`");
        }
        if self.leeway_s > 300 {
            fault("leeway_s", "must be from 0 to 300");
        }
        self.check_keys(demo, &mut fault);
        self.check_roles(&mut fault);
        self.check_sign_in(&mut fault);
    }

    fn check_keys(&self, demo: bool, fault: &mut impl FnMut(&str, &str)) {
        const ADDRESS: &str =
            "must be an https:// address (http:// only to a loopback address, or in demo mode)";
        let fetched = |text: &str| is_safe_address(text, demo);
        if self.issuer.is_empty() {
            fault("issuer", "must be the claim `iss` of its tokens");
        }
        if self.is_remote() {
            if !self.key_id.is_empty() {
                fault(
                    "key_id",
                    "is set without public_key_file; keys that are fetched have their own",
                );
            }
            if self.jwks_url.is_empty() && !fetched(&self.issuer) {
                fault("issuer", ADDRESS);
            }
            if !self.jwks_url.is_empty() && !fetched(&self.jwks_url) {
                fault("jwks_url", ADDRESS);
            }
        } else {
            if !self.jwks_url.is_empty() {
                fault("jwks_url", "is set beside public_key_file; set one of them");
            }
            if self.key_id.is_empty() {
                fault(
                    "key_id",
                    "must be the `kid` of its tokens when public_key_file is set",
                );
            }
            if let Err(error) = std::fs::metadata(&self.public_key_file) {
                fault("public_key_file", &format!("cannot be read: {error}"));
            }
        }
        if !self.allow_addresses.iter().all(|range| is_range(range)) {
            fault(
                "allow_addresses",
                "must be addresses like 10.34.3.7 or ranges like 10.34.3.0/24, at least /8 (IPv6: /16)",
            );
        }
    }

    fn check_roles(&self, fault: &mut impl FnMut(&str, &str)) {
        let known = |role: &String| ROLES.contains(&role.as_str());
        if self.roles.is_empty() || !self.roles.iter().all(known) {
            fault(
                "roles",
                "must name the roles that its tokens may carry, of citizen, kiosk, clerk, officer, supervisor, auditor, \
                 system-admin, security-admin and audit-admin",
            );
        }
        if !self.role_values.values().all(known) {
            fault("role_values", "must translate into roles of the gateway");
        }
        if self.claims.role.is_empty() {
            fault("claims.role", "must say where the role is");
        }
        let paths = [
            ("claims.role", &self.claims.role),
            ("claims.organization", &self.claims.organization),
            ("claims.division", &self.claims.division),
            ("claims.approver", &self.claims.approver),
        ];
        for (option, path) in paths {
            let broken = !path.starts_with('/') && path.split('.').any(str::is_empty);
            if broken && !path.is_empty() {
                fault(
                    option,
                    "must be names joined by dots, or a JSON pointer that begins with /",
                );
            }
        }
    }

    fn check_sign_in(&self, fault: &mut impl FnMut(&str, &str)) {
        let has_secret = self.client_secret_file != Path::new("");
        if self.client_id.is_empty() {
            if has_secret {
                fault("client_secret_file", "is set without client_id");
            }
            return;
        }
        if !self.is_remote() || !self.jwks_url.is_empty() {
            fault(
                "client_id",
                "needs discovery, which says where people sign in: leave jwks_url and public_key_file empty",
            );
        }
        if self.token_type == TokenType::Jwt && self.client_id == self.audience {
            fault(
                "client_id",
                "must not be the audience of access tokens that are typed JWT: identity tokens would pass as such",
            );
        }
        if !self.scope.split(' ').any(|word| word == "openid") {
            fault("scope", "must hold `openid`");
        }
        if has_secret && let Err(reason) = super::secret_source::file(&self.client_secret_file) {
            fault("client_secret_file", &reason);
        }
    }
}

/// Checks all, and that they can be told apart.
pub(super) fn check(issuers: &[IssuerConfig], default: &str, demo: bool, faults: &mut Faults) {
    let (mut names, mut texts) = (BTreeSet::new(), BTreeSet::from([default]));
    for (at, issuer) in issuers.iter().enumerate() {
        issuer.check(at, demo, faults);
        if !names.insert(issuer.name.as_str()) {
            faults.at(
                &format!("auth.issuers[{at}].name"),
                "another issuer has this name",
            );
        }
        if !issuer.issuer.is_empty() && !texts.insert(issuer.issuer.as_str()) {
            faults.at(
                &format!("auth.issuers[{at}].issuer"),
                "another issuer has this claim `iss`",
            );
        }
    }
}

fn is_name(text: &str) -> bool {
    (1..=NAME_MAX_BYTES).contains(&text.len())
        && text != DEFAULT_ISSUER
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// Keys that came over a line that anybody can write to prove nothing.
fn is_safe_address(text: &str, demo: bool) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(_)) => false,
        None => return false,
    };
    match url.scheme() {
        "https" => true,
        "http" => demo || loopback,
        _ => false,
    }
}

fn is_range(text: &str) -> bool {
    let (address, prefix) = text
        .split_once('/')
        .map_or((text, None), |(address, prefix)| (address, Some(prefix)));
    let Ok(address) = address.parse::<IpAddr>() else {
        return false;
    };
    let bounds = if address.is_ipv4() { 8..=32 } else { 16..=128 };
    prefix.is_none_or(|prefix| prefix.parse().is_ok_and(|prefix: u8| bounds.contains(&prefix)))
}
