//! Takes secrets and personal data out of a recorded exchange, leaving stars of the same kind; what cannot be cleaned is refused.

use std::collections::BTreeSet;

use encoding_rs::{Encoding, UTF_8};
use serde_json::Value;
use serde_json_path::JsonPath;

use crate::secret::Redacted;
use crate::upstream::adapters::template::document::Format;
use crate::upstream::config::UpstreamConfig;
use crate::upstream::exchange_file::Message;
use crate::upstream::view::CaseView;

/// Headers that carry secrets whatever the system.
const SECRET_HEADERS: &[&str] = &[
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "webhook-signature",
    "x-api-key",
    "x-auth-token",
];
/// Fields of the case view that are the applicant's own.
const APPLICANT: &[&str] = &[
    "case.applicant.name",
    "case.applicant.id_number",
    "case.applicant.phone",
    "case.applicant.address",
];
/// From this length on a value is found also within other text; a shorter one only as a word of its own.
const LETTERS_MIN: usize = 4;

/// What must not be written could still be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unredacted {
    /// The body is not text in the charset it names.
    #[error("the body is not text in its charset and cannot be cleaned 正文字符集无法识别，不能脱敏")]
    NotText,
    /// A secret is in a place where none belongs.
    #[error("a secret stands in the request or is repeated by the answer 交换内容中含有密钥")]
    Secret,
    /// A personal value is in a place that cannot be cleaned, for example the name of a field.
    #[error("a personal value stands where it cannot be taken out 个人信息出现在无法脱敏之处")]
    Personal,
}

/// Cleans the exchanges of one system and one case.
#[derive(Debug)]
pub struct Redactor {
    values: Vec<String>,
    paths: Vec<JsonPath>,
    headers: BTreeSet<String>,
    secrets: Vec<Redacted<String>>,
}

impl Redactor {
    /// Cleans what is the applicant's, what the protocol names (see
    /// [`Adapter::redactions`](crate::upstream::adapter::Adapter::redactions)), and all secrets.
    #[must_use]
    pub fn new(
        config: &UpstreamConfig,
        redactions: &[String],
        case: &CaseView,
        secrets: Vec<Redacted<String>>,
    ) -> Self {
        let view = serde_json::to_value(case).unwrap_or_default();
        let mut values = BTreeSet::new();
        let named = redactions.iter().map(String::as_str);
        for field in APPLICANT.iter().copied().chain(named) {
            if let Some(path) = field.strip_prefix("case.") {
                let mut found = vec![&view];
                for part in path.split('.') {
                    found = found.into_iter().flat_map(|value| member(value, part)).collect();
                }
                found.into_iter().for_each(|value| leaves(value, &mut values));
            }
        }
        let mut values: Vec<String> = values.into_iter().collect();
        values.sort_by_key(|value| std::cmp::Reverse(value.chars().count()));
        let mut headers: BTreeSet<String> = SECRET_HEADERS.iter().map(|&name| name.to_owned()).collect();
        headers.extend(config.auth.hmac.iter().map(|mac| mac.header.clone()));
        Self {
            values,
            paths: redactions
                .iter()
                .filter_map(|path| JsonPath::parse(path).ok())
                .collect(),
            headers,
            secrets,
        }
    }

    /// The same message without secrets and personal data.
    ///
    /// # Errors
    /// When it cannot be cleaned.
    pub fn clean(&self, message: &Message) -> Result<Message, Unredacted> {
        let charset = charset(message);
        let mut cleaned = message.clone();
        cleaned.line = self.address(&message.line, charset);
        for (name, value) in &mut cleaned.headers {
            *value = if self.headers.contains(name) {
                stars_of_header(value)
            } else {
                self.address(value, charset)
            };
        }
        if !message.body.is_empty() {
            let body = self.body(message, charset)?;
            if body != message.body {
                cleaned = cleaned.with_body(body);
            }
        }
        self.check(&cleaned, charset)?;
        Ok(cleaned)
    }

    /// A request line or header: values stand there plain or percent-encoded.
    fn address(&self, text: &str, charset: &'static Encoding) -> String {
        self.values.iter().fold(text.to_owned(), |text, value| {
            encoded(value, charset)
                .into_iter()
                .chain([value.clone()])
                .fold(text, |text, form| starred(&text, &form, value))
        })
    }

    fn body(&self, message: &Message, charset: &'static Encoding) -> Result<Vec<u8>, Unredacted> {
        let kind = message.header("content-type").unwrap_or_default();
        let text = text_of(&message.body, charset).ok_or(Unredacted::NotText)?;
        let is_answer = message.status().is_some();
        let cleaned = if kind.contains("form-urlencoded") {
            let found = self.found(Format::Form, &text, is_answer);
            self.plain(&self.address(&text, charset), &found, |value| {
                encoded(value, charset)
            })
        } else if let Ok(mut document) = serde_json::from_str::<Value>(&text) {
            let before = document.clone();
            self.json(&mut document, is_answer);
            if document == before {
                text
            } else {
                document.to_string()
            }
        } else {
            let found = self.found(Format::Xml, &text, is_answer);
            self.plain(&text, &found, |value| vec![xml(value)])
        };
        let (bytes, _, has_faults) = charset.encode(&cleaned);
        if has_faults {
            Err(Unredacted::NotText)
        } else {
            Ok(bytes.into_owned())
        }
    }

    fn json(&self, document: &mut Value, is_answer: bool) {
        if is_answer {
            for path in &self.paths {
                let places: Vec<String> = path
                    .query_located(document)
                    .all()
                    .iter()
                    .map(|node| node.location().to_json_pointer())
                    .collect();
                for place in places {
                    document.pointer_mut(&place).into_iter().for_each(star);
                }
            }
        }
        self.tree(document);
    }

    fn tree(&self, value: &mut Value) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(number) => {
                if self.values.contains(&number.to_string()) {
                    *value = Value::from(0);
                }
            }
            Value::String(text) => {
                *text = self
                    .values
                    .iter()
                    .fold(std::mem::take(text), |text, one| starred(&text, one, one));
            }
            Value::Array(list) => list.iter_mut().for_each(|one| self.tree(one)),
            Value::Object(members) => members.values_mut().for_each(|one| self.tree(one)),
        }
    }

    /// The values at the paths into an answer of another format than JSON.
    fn found(&self, format: Format, text: &str, is_answer: bool) -> Vec<String> {
        let mut values = BTreeSet::new();
        if is_answer && let Ok(document) = format.read(text) {
            for node in self.paths.iter().flat_map(|path| path.query(&document).all()) {
                leaves(node, &mut values);
            }
        }
        values.into_iter().collect()
    }

    fn plain(&self, text: &str, found: &[String], forms: impl Fn(&str) -> Vec<String>) -> String {
        self.values
            .iter()
            .chain(found)
            .fold(text.to_owned(), |text, value| {
                forms(value)
                    .into_iter()
                    .chain([value.clone()])
                    .fold(text, |text, form| starred(&text, &form, value))
            })
    }

    /// Whatever was missed above is found here.
    fn check(&self, message: &Message, charset: &'static Encoding) -> Result<(), Unredacted> {
        let bytes = message.to_bytes();
        let decoded: Vec<u8> = percent_encoding::percent_decode(&bytes).collect();
        for bytes in [&bytes, &decoded] {
            let contains = |text: &str| {
                !text.is_empty() && bytes.windows(text.len()).any(|window| window == text.as_bytes())
            };
            if self.secrets.iter().any(|secret| contains(secret.expose())) {
                return Err(Unredacted::Secret);
            }
            let text = text_of(bytes, charset).unwrap_or_else(|| String::from_utf8_lossy(bytes).into_owned());
            let is_there = |value: &&String| starred(&text, value, value) != text;
            if self
                .values
                .iter()
                .filter(|value| is_long(value))
                .any(|value| is_there(&value))
            {
                return Err(Unredacted::Personal);
            }
        }
        Ok(())
    }
}

/// The members of a name, of each entry where it is a list.
fn member<'a>(value: &'a Value, name: &str) -> Vec<&'a Value> {
    let name = name.trim_end_matches("[]");
    match value {
        Value::Object(members) => members.get(name).into_iter().collect(),
        Value::Array(list) => list.iter().flat_map(|one| member(one, name)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

fn leaves(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => {
            into.insert(number.to_string());
        }
        Value::String(text) => {
            let text = text.trim();
            if !text.is_empty() {
                into.insert(text.to_owned());
            }
        }
        Value::Array(list) => list.iter().for_each(|one| leaves(one, into)),
        Value::Object(members) => members.values().for_each(|one| leaves(one, into)),
    }
}

/// Stars of equal kind: a text stays a text of its length, a number a number.
fn star(value: &mut Value) {
    match value {
        Value::Null => {}
        Value::Bool(flag) => *flag = false,
        Value::Number(_) => *value = Value::from(0),
        Value::String(text) => *text = stars(text),
        Value::Array(list) => list.iter_mut().for_each(star),
        Value::Object(members) => members.values_mut().for_each(star),
    }
}

fn stars(text: &str) -> String {
    text.chars().map(|_| '*').collect()
}

/// The scheme stays: whether it is Bearer or Basic is no secret.
fn stars_of_header(value: &str) -> String {
    match value.split_once(' ') {
        Some((scheme, _)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            format!("{scheme} ***")
        }
        Some(_) | None => "***".to_owned(),
    }
}

fn is_long(value: &str) -> bool {
    let letters = value.chars().count();
    letters >= LETTERS_MIN || (letters > 1 && !value.is_ascii())
}

/// A text with stars in the place of one written form of a value.
fn starred(text: &str, form: &str, value: &str) -> String {
    let mut cleaned = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(form).filter(|_| !form.is_empty()) {
        cleaned.push_str(before);
        let touches = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
        let stands_alone = !touches(cleaned.chars().next_back()) && !touches(after.chars().next());
        if is_long(value) || stands_alone {
            cleaned.push_str(&stars(value));
        } else {
            cleaned.push_str(form);
        }
        rest = after;
    }
    cleaned.push_str(rest);
    cleaned
}

/// A value as addresses and forms write it.
fn encoded(value: &str, charset: &'static Encoding) -> Vec<String> {
    let (bytes, _, _) = charset.encode(value);
    let form: String = url::form_urlencoded::byte_serialize(&bytes).collect();
    let path = form.replace('+', "%20");
    vec![form, path]
}

fn xml(value: &str) -> String {
    value
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn charset(message: &Message) -> &'static Encoding {
    let kind = message
        .header("content-type")
        .unwrap_or_default()
        .to_ascii_lowercase();
    let label = kind.split_once("charset=").map_or("", |(_, label)| label);
    let label = label.trim_matches(|letter: char| letter == '"' || letter.is_whitespace());
    let label = label.split(';').next().unwrap_or_default();
    Encoding::for_label(label.as_bytes()).unwrap_or(UTF_8)
}

fn text_of(bytes: &[u8], charset: &'static Encoding) -> Option<String> {
    charset
        .decode_without_bom_handling_and_without_replacement(bytes)
        .map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::fault::Origin;
    use crate::upstream::sample::{self, Fullness};

    fn redactor(redactions: &[&str]) -> Redactor {
        let config = UpstreamConfig::parse(
            include_str!("../../../config/upstreams/example.toml"),
            &Origin::Default,
        );
        let redactions: Vec<String> = redactions.iter().map(|&one| one.to_owned()).collect();
        let secrets = vec![Redacted::new("hush-hush".to_owned())];
        let case = sample::case(Fullness::Full, sample::form());
        Redactor::new(&config.unwrap(), &redactions, &case, secrets)
    }

    fn cleaned(redactions: &[&str], message: &[u8]) -> Result<String, Unredacted> {
        let cleaned = redactor(redactions).clean(&Message::parse(message).unwrap())?;
        let charset = charset(&cleaned);
        Ok(text_of(&cleaned.to_bytes(), charset).unwrap())
    }

    #[test]
    fn a_request_loses_its_secrets_and_its_applicant_in_every_form() {
        let json = "POST /a?q=%E6%B5%8B%E8%AF%95%E7%94%B2 HTTP/1.1\r\nauthorization: Bearer hush-hush\r\ncookie: a=b\r\n\
             content-type: application/json\r\ncontent-length: 1\r\n\r\n\
             {\"n\":\"\\u6d4b\\u8bd5\\u7532\",\"t\":\"电话13800000000。\",\"p\":13800000000,\"m\":12}";
        let text = cleaned(&["case.form.months"], json.as_bytes()).unwrap();
        assert!(
            text.starts_with("POST /a?q=*** HTTP/1.1\r\nauthorization: Bearer ***\r\ncookie: ***\r\n"),
            "{text}"
        );
        assert!(
            text.ends_with("{\"m\":0,\"n\":\"***\",\"p\":0,\"t\":\"电话***********。\"}"),
            "{text}"
        );
        let form = "POST /a HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded; charset=gbk\r\n\r\n\
             n=%B2%E2%CA%D4%BC%D7&months=12&at=2012";
        let text = cleaned(&["case.form.months"], form.as_bytes()).unwrap();
        assert!(text.ends_with("n=***&months=**&at=2012"), "{text}");
        let (xml, _, _) = encoding_rs::GBK.encode(
            "POST /a HTTP/1.1\r\ncontent-type: text/xml; charset=\"GBK\"\r\n\r\n<a><n>测试甲</n><m c=\"12\">112</m></a>",
        );
        let text = cleaned(&["case.form.months"], &xml).unwrap();
        assert!(text.ends_with("<a><n>***</n><m c=\"**\">112</m></a>"), "{text}");
    }

    #[test]
    fn an_answer_loses_what_its_paths_name() {
        let answer = |kind: &str, body: &str| {
            format!("HTTP/1.1 200 OK\r\nset-cookie: s=1\r\ncontent-type: {kind}\r\n\r\n{body}")
        };
        let json = answer(
            "application/json",
            r#"{"data":{"no":"A-1","contact":{"who":"张三","age":41,"is":true}}}"#,
        );
        let text = cleaned(&["$.data.contact"], json.as_bytes()).unwrap();
        assert!(text.contains("set-cookie: ***"), "{text}");
        assert!(
            text.ends_with(r#"{"data":{"contact":{"age":0,"is":false,"who":"**"},"no":"A-1"}}"#),
            "{text}"
        );
        let xml = answer("application/xml", "<R><NO>A-1</NO><WHO>张三</WHO></R>");
        assert!(
            cleaned(&["$.R.WHO"], xml.as_bytes())
                .unwrap()
                .ends_with("<R><NO>A-1</NO><WHO>**</WHO></R>")
        );
        // nothing to clean: the bytes stay as they came
        let plain = answer("application/json", "{ \"b\": 1,\n \"a\": 2 }");
        assert!(
            cleaned(&["$.x"], plain.as_bytes())
                .unwrap()
                .ends_with("{ \"b\": 1,\n \"a\": 2 }")
        );
    }

    #[test]
    fn what_cannot_be_cleaned_is_refused() {
        let answer = |head: &str, body: &str| format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}").into_bytes();
        let json = "content-type: application/json";
        assert_eq!(
            cleaned(&[], &answer(json, "{\"token\":\"hush-hush\"}")),
            Err(Unredacted::Secret)
        );
        assert_eq!(
            cleaned(&[], &answer("x-echo: hush-hush", "")),
            Err(Unredacted::Secret)
        );
        assert_eq!(
            cleaned(&[], &answer("x-echo: hush%2Dhush", "")),
            Err(Unredacted::Secret)
        );
        assert_eq!(
            cleaned(&[], &answer(json, "{\"13800000000\":1}")),
            Err(Unredacted::Personal)
        );
        let mut bytes = answer(json, "");
        bytes.extend_from_slice(&[0xff, 0xfe, 0x80]);
        assert_eq!(cleaned(&[], &bytes), Err(Unredacted::NotText));
    }
}
