//! Reads the GraphQL request out of a JSON body, a query string or a socket's message, checking every type.

use async_graphql::{Value as ConstValue, Variables};
use serde_json::{Map, Value};

/// Longest operation name or document id, bytes.
const NAME_MAX_BYTES: usize = 256;

/// A GraphQL request as it arrived.
#[derive(Debug, Default)]
pub struct Envelope {
    /// The document's text.
    pub query: Option<String>,
    /// Name of a registered document.
    pub document_id: Option<String>,
    /// SHA-256 in hex of a document sent before (`extensions.persistedQuery`).
    pub persisted_hash: Option<String>,
    /// Which of the document's operations.
    pub operation_name: Option<String>,
    /// Its variables.
    pub variables: Variables,
    /// Whether its body was larger than `server.body_max_bytes`: only the batch of a kiosk may be.
    pub oversized: bool,
}

/// Why an envelope is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeFault {
    /// Not JSON.
    #[error("not JSON")]
    NotJson,
    /// A batch.
    #[error("batches are not accepted")]
    Batch,
    /// Not a JSON object.
    #[error("not a JSON object")]
    NotAnObject,
    /// A member of the wrong type.
    #[error("`{0}` has the wrong type")]
    WrongType(&'static str),
    /// Neither a document nor a reference to one.
    #[error("`query` is missing")]
    NoDocument,
}

impl EnvelopeFault {
    /// Public text in Chinese and English.
    #[must_use]
    pub fn texts(self) -> (String, String) {
        let (zh, en) = match self {
            Self::NotJson => ("请求体不是有效的 JSON。", "The body is not valid JSON."),
            Self::Batch => (
                "不接受批量请求，请逐个发送。",
                "Batches are not accepted; send one at a time.",
            ),
            Self::NotAnObject => ("请求体应为 JSON 对象。", "The body must be a JSON object."),
            Self::NoDocument => ("缺少参数 query。", "The parameter `query` is missing."),
            Self::WrongType(name) => {
                return (
                    format!("参数 {name} 的类型不正确。"),
                    format!("The parameter `{name}` has the wrong type."),
                );
            }
        };
        (zh.to_owned(), en.to_owned())
    }
}

impl Envelope {
    /// From a JSON body.
    ///
    /// # Errors
    /// The first fault.
    pub fn from_json(body: &[u8]) -> Result<Self, EnvelopeFault> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => Self::from_members(members),
            Ok(Value::Array(_)) => Err(EnvelopeFault::Batch),
            Ok(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
                Err(EnvelopeFault::NotAnObject)
            }
            Err(_) => Err(EnvelopeFault::NotJson),
        }
    }

    /// From a query string; empty parameters count as absent, and of a repeated one the first counts.
    ///
    /// # Errors
    /// The first fault.
    pub fn from_query_string(text: &str) -> Result<Self, EnvelopeFault> {
        let mut members = Map::new();
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            if value.is_empty() || members.contains_key(name.as_ref()) {
                continue;
            }
            let value = match name.as_ref() {
                "query" | "operationName" | "documentId" => Value::String(value.into_owned()),
                "variables" => json(&value).ok_or(EnvelopeFault::WrongType("variables"))?,
                "extensions" => json(&value).ok_or(EnvelopeFault::WrongType("extensions"))?,
                _ => continue,
            };
            members.insert(name.into_owned(), value);
        }
        Self::from_members(members)
    }

    /// From the members of a JSON object; unknown ones are ignored, null counts as absent.
    ///
    /// # Errors
    /// The first fault.
    pub fn from_members(mut members: Map<String, Value>) -> Result<Self, EnvelopeFault> {
        let query = text(&mut members, "query")?;
        let document_id = text(&mut members, "documentId")?.filter(|it| it.len() <= NAME_MAX_BYTES);
        let operation_name = text(&mut members, "operationName")?.filter(|it| !it.is_empty());
        let variables = match object(&mut members, "variables")? {
            Some(found) => ConstValue::from_json(Value::Object(found))
                .map(Variables::from_value)
                .ok()
                .ok_or(EnvelopeFault::WrongType("variables"))?,
            None => Variables::default(),
        };
        let persisted_hash = object(&mut members, "extensions")?
            .as_ref()
            .and_then(|it| it.get("persistedQuery")?.get("sha256Hash")?.as_str())
            .map(str::to_owned);
        if query.is_none() && document_id.is_none() && persisted_hash.is_none() {
            return Err(EnvelopeFault::NoDocument);
        }
        Ok(Self {
            query,
            document_id,
            persisted_hash,
            operation_name,
            variables,
            oversized: false,
        })
    }
}

fn json(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

fn text(members: &mut Map<String, Value>, name: &'static str) -> Result<Option<String>, EnvelopeFault> {
    match members.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(found)) => Ok(Some(found)),
        Some(_) => Err(EnvelopeFault::WrongType(name)),
    }
}

fn object(
    members: &mut Map<String, Value>,
    name: &'static str,
) -> Result<Option<Map<String, Value>>, EnvelopeFault> {
    match members.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(found)) => Ok(Some(found)),
        Some(_) => Err(EnvelopeFault::WrongType(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(body: &str) -> EnvelopeFault {
        Envelope::from_json(body.as_bytes()).unwrap_err()
    }

    #[test]
    fn only_a_map_with_members_of_the_right_types_is_an_envelope() {
        assert_eq!(fault("{ not json"), EnvelopeFault::NotJson);
        assert_eq!(fault("[{\"query\": \"{a}\"}]"), EnvelopeFault::Batch);
        assert_eq!(fault("\"text\""), EnvelopeFault::NotAnObject);
        assert_eq!(fault("{}"), EnvelopeFault::NoDocument);
        assert_eq!(fault("{\"query\": 0}"), EnvelopeFault::WrongType("query"));
        assert_eq!(
            fault("{\"query\": \"{a}\", \"variables\": \"x\"}"),
            EnvelopeFault::WrongType("variables")
        );
        assert_eq!(
            fault("{\"query\": \"{a}\", \"operationName\": {}}"),
            EnvelopeFault::WrongType("operationName")
        );
        assert_eq!(
            fault("{\"query\": \"{a}\", \"extensions\": []}"),
            EnvelopeFault::WrongType("extensions")
        );
        let deep = format!(
            "{{\"query\": \"{{a}}\", \"variables\": {}1{}}}",
            "[".repeat(60_000),
            "]".repeat(60_000)
        );
        assert_eq!(fault(&deep), EnvelopeFault::NotJson);
    }

    #[test]
    fn null_is_absent_and_unknown_members_are_ignored() {
        let body =
            r#"{"query": "{a}", "variables": null, "operationName": null, "extensions": null, "more": 1}"#;
        let found = Envelope::from_json(body.as_bytes()).unwrap();
        assert_eq!(found.query.as_deref(), Some("{a}"));
        assert_eq!(found.operation_name, None);
    }

    #[test]
    fn a_query_string_carries_json_and_empty_parameters_are_absent() {
        let text = "query=%7Ba%7D&operationName=Q&variables=%7B%22x%22%3A1%7D&extensions=";
        let found = Envelope::from_query_string(text).unwrap();
        assert_eq!(found.operation_name.as_deref(), Some("Q"));
        assert_eq!(found.variables.get("x"), Some(&ConstValue::from(1)));
        assert_eq!(
            Envelope::from_query_string("query=&variables=").unwrap_err(),
            EnvelopeFault::NoDocument
        );
        let fault = Envelope::from_query_string("query=%7Ba%7D&variables=%5B1%5D").unwrap_err();
        assert_eq!(fault, EnvelopeFault::WrongType("variables"));
    }
}
