//! `[auth]`: how our requests prove who sends them; every secret is a reference.

use serde::{Deserialize, Serialize};
use url::Url;

use super::SecretRef;
use super::section::Section;
use crate::upstream::auth::body::PATH_JOINT;

/// The longest name of a header, a client or a scope, characters.
const NAME_LENGTH_MAX: usize = 500;
/// The most keys that sign at once: old, new, and of either scheme.
const SIGNING_KEYS_MAX: usize = 4;
/// What a canonical string may name.
pub const CANONICAL_PARTS: &[&str] = &[
    "method",
    "path",
    "query",
    "timestamp",
    "nonce",
    "key_id",
    "key",
    "body",
    "body_sha256",
];

/// How requests to an upstream prove who sends them. One of `bearer`, `basic` and `oauth2`; the others beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuthConfig {
    /// Bearer token.
    pub bearer: Option<SecretRef>,
    /// User and password.
    pub basic: Option<BasicConfig>,
    /// Tokens of a token endpoint.
    pub oauth2: Option<OauthConfig>,
    /// Keys of Standard Webhooks signatures (`whsec_…`, `whsk_…`) over our requests: each signs, the newest first.
    pub signing: Vec<SecretRef>,
    /// An HMAC in a header, in the system's own canonical form.
    pub hmac: Option<MacConfig>,
    /// A secret in the body of our requests.
    pub body: Option<BodySecretConfig>,
    /// Our certificate of TLS.
    pub tls: TlsConfig,
}

/// RFC 7617.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BasicConfig {
    /// User.
    pub user: String,
    /// Password.
    pub password: SecretRef,
}

/// RFC 6749, client credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OauthConfig {
    /// Token endpoint; the egress rules of the upstream hold for it too.
    pub token_url: Url,
    /// Our identifier there.
    pub client_id: String,
    /// Our secret there.
    pub client_secret: SecretRef,
    /// Scope; `None` asks for none.
    pub scope: Option<String>,
    /// Audience; `None` asks for none.
    pub audience: Option<String>,
    /// Where identifier and secret stand in the request.
    pub credentials_in: CredentialsIn,
}

/// A secret that a protocol wants in the body: the `api_key` of a form, the token of a JSON envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodySecretConfig {
    /// Parameter of a form; in JSON the member, or a path of members joined by dots.
    pub field: String,
    /// The secret.
    pub secret: SecretRef,
}

/// Where the token endpoint wants identifier and secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CredentialsIn {
    /// In the header of RFC 7617.
    Header,
    /// In the form.
    Body,
}

/// An HMAC over parts of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MacConfig {
    /// Shared secret, as it stands.
    pub secret: SecretRef,
    /// Hash.
    pub algorithm: MacHash,
    /// How the tag is written.
    pub encoding: TagEncoding,
    /// Header of the tag.
    pub header: String,
    /// Before the tag.
    pub prefix: String,
    /// Our identifier there; may be empty.
    pub key_id: String,
    /// Header of our identifier; `None` sends none.
    pub key_id_header: Option<String>,
    /// Header of the time; `None` sends none.
    pub timestamp_header: Option<String>,
    /// Unit of the time.
    pub timestamp_unit: EpochUnit,
    /// Header of a number used once; `None` sends none.
    pub nonce_header: Option<String>,
    /// What is signed: text with `{…}` of [`CANONICAL_PARTS`].
    pub canonical: String,
}

/// Hash of an HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MacHash {
    /// SHA-1, only for old systems; as an HMAC it still holds.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// How a tag is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TagEncoding {
    /// Lowercase hexadecimal.
    Hex,
    /// Base64.
    Base64,
}

/// Unit of a time since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EpochUnit {
    /// Seconds.
    S,
    /// Milliseconds.
    Ms,
}

/// What TLS needs beside the system's own trust.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsConfig {
    /// Our certificate with its chain, PEM; together with `key`.
    pub certificate: Option<SecretRef>,
    /// Its key, PEM.
    pub key: Option<SecretRef>,
    /// The only authorities that the upstream's certificate may come from, PEM; `None`: those the machine trusts.
    pub authority: Option<SecretRef>,
}

impl AuthConfig {
    pub(super) fn read(section: &mut Section) -> Self {
        let bearer = section.secret("bearer");
        let basic = section
            .has("basic")
            .then(|| section.section("basic", read_basic))
            .flatten();
        let oauth2 = section
            .has("oauth2")
            .then(|| section.section("oauth2", read_oauth))
            .flatten();
        let signing = section.secret_or_secrets("signing");
        if signing.len() > SIGNING_KEYS_MAX {
            section.fault(
                "signing",
                format_args!("at most {SIGNING_KEYS_MAX} keys sign at once: take out the oldest 签名密钥过多，请移除最旧的"),
            );
        }
        let hmac = section
            .has("hmac")
            .then(|| section.section("hmac", read_mac))
            .flatten();
        let body = section
            .has("body")
            .then(|| section.section("body", read_body))
            .flatten();
        let tls = section.section("tls", read_tls);
        let ways = [bearer.is_some(), basic.is_some(), oauth2.is_some()];
        if ways.into_iter().filter(|way| *way).count() > 1 {
            section.fault(
                "bearer",
                "a request has one authorization: keep one of bearer, basic and oauth2 三者只能选其一",
            );
        }
        Self {
            bearer,
            basic,
            oauth2,
            signing,
            hmac,
            body,
            tls,
        }
    }

    /// All secrets it refers to.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretRef> {
        [
            self.bearer.as_ref(),
            self.basic.as_ref().map(|basic| &basic.password),
            self.oauth2.as_ref().map(|oauth| &oauth.client_secret),
            self.hmac.as_ref().map(|mac| &mac.secret),
            self.body.as_ref().map(|body| &body.secret),
            self.tls.certificate.as_ref(),
            self.tls.key.as_ref(),
            self.tls.authority.as_ref(),
        ]
        .into_iter()
        .flatten()
        .chain(&self.signing)
    }
}

fn needed(section: &mut Section, key: &str) -> Option<SecretRef> {
    if !section.has(key) {
        section.fault(key, "is missing 缺少该项");
    }
    section.secret(key)
}

fn read_basic(section: &mut Section) -> Option<BasicConfig> {
    let user = section.text("user", NAME_LENGTH_MAX);
    if user
        .as_deref()
        .is_some_and(|user| user.contains(':') || user.chars().any(char::is_control))
    {
        section.fault(
            "user",
            "must hold no colon and no control character 用户名不得含冒号",
        );
    }
    let password = needed(section, "password");
    Some(BasicConfig {
        user: user?,
        password: password?,
    })
}

fn read_oauth(section: &mut Section) -> Option<OauthConfig> {
    let token_url = section
        .required("token_url")
        .and_then(|text| super::base_url(section, "token_url", &text));
    let client_id = section.text("client_id", NAME_LENGTH_MAX);
    let client_secret = needed(section, "client_secret");
    let place = section
        .optional("credentials_in")
        .unwrap_or_else(|| "header".to_owned());
    let credentials_in = section.choice("credentials_in", &place);
    let (scope, audience) = (section.optional("scope"), section.optional("audience"));
    Some(OauthConfig {
        token_url: token_url?,
        client_id: client_id?,
        client_secret: client_secret?,
        scope,
        audience,
        credentials_in: credentials_in?,
    })
}

fn read_mac(section: &mut Section) -> Option<MacConfig> {
    let secret = needed(section, "secret");
    let mut choice_or =
        |key: &str, default: &str| section.optional(key).unwrap_or_else(|| default.to_owned());
    let (algorithm, encoding, unit) = (
        choice_or("algorithm", "sha256"),
        choice_or("encoding", "hex"),
        choice_or("timestamp_unit", "s"),
    );
    let (prefix, key_id) = (choice_or("prefix", ""), choice_or("key_id", ""));
    let canonical = choice_or(
        "canonical",
        "{method}\n{path}\n{query}\n{timestamp}\n{nonce}\n{body_sha256}",
    );
    let header = section.required("header");
    let algorithm = section.choice("algorithm", &algorithm);
    let encoding = section.choice("encoding", &encoding);
    let timestamp_unit = section.choice("timestamp_unit", &unit);
    let others = ["key_id_header", "timestamp_header", "nonce_header"].map(|key| section.optional(key));
    for (key, name) in ["header", "key_id_header", "timestamp_header", "nonce_header"]
        .into_iter()
        .zip(std::iter::once(&header).chain(&others))
    {
        if name.as_deref().is_some_and(|name| !is_header(name)) {
            section.fault(
                key,
                "must be the lowercase name of a header of its own 须为小写的自有请求头名",
            );
        }
    }
    for (key, text) in [("prefix", &prefix), ("key_id", &key_id)] {
        if !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            section.fault(key, "must be visible ASCII 须为可见 ASCII 字符");
        }
    }
    let [key_id_header, timestamp_header, nonce_header] = others;
    check_canonical(
        section,
        &canonical,
        timestamp_header.is_some(),
        nonce_header.is_some(),
    );
    Some(MacConfig {
        secret: secret?,
        algorithm: algorithm?,
        encoding: encoding?,
        header: header?,
        prefix,
        key_id,
        key_id_header,
        timestamp_header,
        timestamp_unit: timestamp_unit?,
        nonce_header,
        canonical,
    })
}

fn read_body(section: &mut Section) -> Option<BodySecretConfig> {
    let field = section.text("field", NAME_LENGTH_MAX);
    let named = |member: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        !member.is_empty() && member.bytes().all(allowed)
    };
    if field
        .as_deref()
        .is_some_and(|field| !field.split(PATH_JOINT).all(named))
    {
        section.fault(
            "field",
            "must be a name, or names joined by dots: letters, digits, _ and - \
             须为字段名，或以点连接的字段路径",
        );
    }
    let secret = needed(section, "secret");
    Some(BodySecretConfig {
        field: field?,
        secret: secret?,
    })
}

/// What is signed is known to the other side, and the body is signed.
fn check_canonical(section: &mut Section, canonical: &str, has_timestamp: bool, has_nonce: bool) {
    let parts = crate::upstream::auth::mac::parts(canonical);
    if let Some(unknown) = parts.iter().find(|part| !CANONICAL_PARTS.contains(part)) {
        section.fault(
            "canonical",
            format_args!(
                "{{{unknown}}} is none of: {} 请改用所列名称",
                CANONICAL_PARTS.join(", ")
            ),
        );
    }
    if !parts.contains(&"body") && !parts.contains(&"body_sha256") {
        section.fault(
            "canonical",
            "signs no body: name {body} or {body_sha256} 须对请求体签名",
        );
    }
    for (part, header, has) in [
        ("timestamp", "timestamp_header", has_timestamp),
        ("nonce", "nonce_header", has_nonce),
    ] {
        if parts.contains(&part) && !has {
            section.fault(
                header,
                format_args!("is missing, but {{{part}}} is signed: name the header that carries it 缺少承载该值的请求头"),
            );
        }
    }
}

fn read_tls(section: &mut Section) -> TlsConfig {
    let tls = TlsConfig {
        certificate: section.secret("certificate"),
        key: section.secret("key"),
        authority: section.secret("authority"),
    };
    if tls.certificate.is_some() != tls.key.is_some() {
        section.fault(
            "certificate",
            "certificate and key go together 证书与私钥须同时给出",
        );
    }
    tls
}

fn is_header(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    let taken = [
        "authorization",
        "content-type",
        "content-length",
        "host",
        "idempotency-key",
    ];
    !name.is_empty() && name.len() <= 100 && name.bytes().all(allowed) && !taken.contains(&name)
}
