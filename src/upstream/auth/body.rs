//! A secret that stands in the body of our requests, put there last and before anything is signed.

use serde_json::{Map, Value};

use crate::secret::Redacted;
use crate::upstream::wire::WireRequest;

/// Between the members of a path into a JSON body.
pub const PATH_JOINT: char = '.';
/// Media type of forms.
const FORM: &str = "application/x-www-form-urlencoded";

/// A secret, and the parameter of a form or the member of a JSON body that holds it.
#[derive(Debug)]
pub struct BodySecret {
    field: String,
    secret: Redacted<String>,
}

/// A body that cannot hold the secret. Nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unplaceable {
    /// Neither a form nor JSON.
    #[error("the body is neither a form nor JSON, so it cannot hold the secret of [auth.body]")]
    OtherKind,
    /// JSON that is not an object in UTF-8, or whose path leads through something else than an object.
    #[error("the JSON body has no place for the field of [auth.body]")]
    NoPlace,
    /// The place holds something already.
    #[error("the body already says what the field of [auth.body] names")]
    Taken,
}

impl BodySecret {
    /// A secret and its place: a name in a form, the same as a path of members joined by [`PATH_JOINT`] in JSON.
    #[must_use]
    pub const fn new(field: String, secret: Redacted<String>) -> Self {
        Self { field, secret }
    }

    /// Puts the secret into a request's body; a request without body is left alone.
    ///
    /// # Errors
    /// When the body cannot hold it, or holds something in its place: sent without it the request would be refused,
    /// and whatever stood there was never meant to be one.
    pub fn put_into(&self, request: &mut WireRequest) -> Result<(), Unplaceable> {
        let kind = kind_of(request);
        let Some(body) = &mut request.body else {
            return Ok(());
        };
        if kind == FORM {
            self.append(body)
        } else if kind == "application/json" || kind.ends_with("+json") {
            self.set(body)
        } else {
            Err(Unplaceable::OtherKind)
        }
    }

    fn append(&self, body: &mut Vec<u8>) -> Result<(), Unplaceable> {
        if url::form_urlencoded::parse(body).any(|(name, _)| name == self.field) {
            return Err(Unplaceable::Taken);
        }
        if !body.is_empty() {
            body.push(b'&');
        }
        let pair = url::form_urlencoded::Serializer::new(String::new())
            .append_pair(&self.field, self.secret.expose())
            .finish();
        body.extend_from_slice(pair.as_bytes());
        Ok(())
    }

    fn set(&self, body: &mut Vec<u8>) -> Result<(), Unplaceable> {
        let mut document: Value = serde_json::from_slice(body).ok().ok_or(Unplaceable::NoPlace)?;
        let (path, name) = self
            .field
            .rsplit_once(PATH_JOINT)
            .unwrap_or(("", self.field.as_str()));
        let mut place = &mut document;
        for member in path.split(PATH_JOINT).filter(|member| !member.is_empty()) {
            let Value::Object(members) = place else {
                return Err(Unplaceable::NoPlace);
            };
            place = members.entry(member).or_insert_with(|| Value::Object(Map::new()));
        }
        let Value::Object(members) = place else {
            return Err(Unplaceable::NoPlace);
        };
        // a protocol may write the member empty where it wants it to stand
        let is_free = members
            .get(name)
            .is_none_or(|found| found.is_null() || found.as_str() == Some(""));
        if !is_free {
            return Err(Unplaceable::Taken);
        }
        members.insert(name.to_owned(), Value::String(self.secret.expose().clone()));
        *body = serde_json::to_vec(&document).ok().ok_or(Unplaceable::NoPlace)?;
        Ok(())
    }
}

fn kind_of(request: &WireRequest) -> String {
    let named = request.headers.iter().find(|(name, _)| name == "content-type");
    let value = named.map_or("", |(_, value)| value.as_str());
    let kind = value.split(';').next().unwrap_or_default();
    kind.trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn secret(field: &str) -> BodySecret {
        BodySecret::new(field.to_owned(), Redacted::new("a&b=c".to_owned()))
    }

    fn request(kind: &str, body: &str) -> WireRequest {
        let mut request = WireRequest::post(&["requests.json"]).header("content-type", kind);
        request.body = Some(body.as_bytes().to_vec());
        request
    }

    fn placed(field: &str, mut request: WireRequest) -> Result<String, Unplaceable> {
        secret(field).put_into(&mut request)?;
        Ok(String::from_utf8(request.body.unwrap()).unwrap())
    }

    #[test]
    fn a_form_gets_one_more_parameter_and_keeps_the_others_byte_for_byte() {
        let kind = "application/x-www-form-urlencoded; charset=utf-8";
        assert_eq!(
            placed("api_key", request(kind, "service_code=001&description=%E8%AF%95")),
            Ok("service_code=001&description=%E8%AF%95&api_key=a%26b%3Dc".to_owned())
        );
        assert_eq!(
            placed("api_key", request(kind, "")),
            Ok("api_key=a%26b%3Dc".to_owned())
        );
    }

    #[test]
    fn a_json_body_gets_the_member_at_the_path() {
        let read = |text: Result<String, Unplaceable>| serde_json::from_str::<Value>(&text.unwrap()).unwrap();
        let body = r#"{"RequestInfo":{"apiId":"x","authToken":""},"service":{}}"#;
        assert_eq!(
            read(placed(
                "RequestInfo.authToken",
                request("application/json; charset=utf-8", body)
            )),
            json!({ "RequestInfo": { "apiId": "x", "authToken": "a&b=c" }, "service": {} })
        );
        assert_eq!(
            read(placed(
                "RequestInfo.authToken",
                request("application/vnd.x+json", "{}")
            )),
            json!({ "RequestInfo": { "authToken": "a&b=c" } })
        );
        assert_eq!(
            read(placed("token", request("application/json", "{}"))),
            json!({ "token": "a&b=c" })
        );
    }

    #[test]
    fn a_body_without_a_place_for_the_secret_is_not_sent() {
        let form = "application/x-www-form-urlencoded";
        for (kind, body, field, expected) in [
            ("text/xml", "<a/>", "a", Unplaceable::OtherKind),
            ("", "a=1", "a", Unplaceable::OtherKind),
            (form, "api_key=guessed", "api_key", Unplaceable::Taken),
            (form, "api%5Fkey=guessed", "api_key", Unplaceable::Taken),
            (
                "application/json",
                r#"{"a":{"b":"x"}}"#,
                "a.b",
                Unplaceable::Taken,
            ),
            ("application/json", r#"{"a":[1]}"#, "a.b", Unplaceable::NoPlace),
            ("application/json", r#"{"a":"x"}"#, "a.b.c", Unplaceable::NoPlace),
            ("application/json", "[]", "a", Unplaceable::NoPlace),
            ("application/json", "no json", "a", Unplaceable::NoPlace),
        ] {
            assert_eq!(placed(field, request(kind, body)), Err(expected), "{kind} {body}");
        }
    }

    #[test]
    fn a_question_without_body_carries_no_secret() {
        let mut question = WireRequest::get(&["requests", "1.json"]);
        let before = question.clone();
        assert_eq!(secret("api_key").put_into(&mut question), Ok(()));
        assert!(question == before);
    }

    #[test]
    fn the_secret_is_not_in_the_debug_form() {
        assert!(!format!("{:?}", secret("api_key")).contains("a&b=c"));
    }
}
