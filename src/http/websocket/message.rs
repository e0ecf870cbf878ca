//! The messages of `graphql-transport-ws`, read strictly and written compactly.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::graphql::mask::PublicError;
use crate::http::answer::Answer;

/// Longest id of an operation, bytes.
const ID_MAX_BYTES: usize = 128;

/// What a client may say.
#[derive(Debug)]
pub(super) enum ClientMessage {
    /// `connection_init` with the header value in its payload, if any.
    Init {
        /// `Authorization` or `authorization` of the payload.
        authorization: Option<String>,
        /// `DPoP` or `dpop` of the payload: the proof for the GET that opened the socket.
        proof: Option<String>,
    },
    /// `ping`.
    Ping,
    /// `pong`.
    Pong,
    /// `subscribe`; also for queries.
    Subscribe {
        /// The client's id of the operation.
        id: String,
        /// The GraphQL request.
        envelope: Map<String, Value>,
    },
    /// `complete`: the client wants no more of this operation.
    Complete {
        /// The client's id of the operation.
        id: String,
    },
}

impl ClientMessage {
    /// Reads a text message; `None` when it is not one of the protocol.
    pub(super) fn read(text: &str) -> Option<Self> {
        let Ok(Value::Object(mut members)) = serde_json::from_str(text) else {
            return None;
        };
        let payload = members.remove("payload");
        match members.get("type")?.as_str()? {
            "connection_init" => match payload {
                None | Some(Value::Null) => Some(Self::Init {
                    authorization: None,
                    proof: None,
                }),
                Some(Value::Object(payload)) => {
                    let given = payload
                        .get("Authorization")
                        .or_else(|| payload.get("authorization"));
                    let authorization = given.and_then(Value::as_str).map(str::to_owned);
                    let proof = payload.get("DPoP").or_else(|| payload.get("dpop"));
                    let proof = proof.and_then(Value::as_str).map(str::to_owned);
                    Some(Self::Init { authorization, proof })
                }
                Some(_) => None,
            },
            "ping" => payload_is_object(payload.as_ref()).then_some(Self::Ping),
            "pong" => payload_is_object(payload.as_ref()).then_some(Self::Pong),
            "subscribe" => match payload {
                Some(Value::Object(envelope)) => Some(Self::Subscribe {
                    id: id(&members)?,
                    envelope,
                }),
                Some(_) | None => None,
            },
            "complete" => Some(Self::Complete { id: id(&members)? }),
            _ => None,
        }
    }
}

fn id(members: &Map<String, Value>) -> Option<String> {
    let id = members.get("id")?.as_str()?;
    (!id.is_empty() && id.len() <= ID_MAX_BYTES).then(|| id.to_owned())
}

const fn payload_is_object(payload: Option<&Value>) -> bool {
    matches!(payload, None | Some(Value::Null | Value::Object(_)))
}

/// What the server says.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ServerMessage<'a> {
    /// The client may subscribe now.
    ConnectionAck,
    /// Answer to `ping`.
    Pong,
    /// One answer of an operation.
    Next {
        /// The client's id of the operation.
        id: &'a str,
        /// The answer.
        payload: &'a Answer,
    },
    /// The operation was not executed; nothing follows.
    Error {
        /// The client's id of the operation.
        id: &'a str,
        /// Why.
        payload: &'a [PublicError],
    },
    /// The operation is over.
    Complete {
        /// The client's id of the operation.
        id: &'a str,
    },
}

impl ServerMessage<'_> {
    /// The message as text.
    pub(super) fn text(&self) -> String {
        // Like an answer, a message has nothing in it that JSON cannot say.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_outside_the_protocol_are_none() {
        for text in [
            "",
            "hello",
            "[]",
            "{}",
            r#"{"type":"start","id":"1"}"#,
            r#"{"type":"subscribe","id":"1"}"#,
            r#"{"type":"subscribe","payload":{}}"#,
            r#"{"type":"subscribe","id":"","payload":{}}"#,
            r#"{"type":"subscribe","id":1,"payload":{}}"#,
            r#"{"type":"complete"}"#,
            r#"{"type":"connection_init","payload":"token"}"#,
            r#"{"type":"ping","payload":1}"#,
        ] {
            assert!(ClientMessage::read(text).is_none(), "{text}");
        }
        assert!(matches!(
            ClientMessage::read(r#"{"type":"ping"}"#),
            Some(ClientMessage::Ping)
        ));
        let init =
            ClientMessage::read(r#"{"type":"connection_init","payload":{"authorization":"Bearer x"}}"#);
        assert!(
            matches!(init, Some(ClientMessage::Init { authorization: Some(it), proof: None }) if it == "Bearer x")
        );
    }

    #[test]
    fn server_messages_read_as_the_protocol_says() {
        assert_eq!(
            ServerMessage::ConnectionAck.text(),
            r#"{"type":"connection_ack"}"#
        );
        assert_eq!(
            ServerMessage::Complete { id: "1" }.text(),
            r#"{"type":"complete","id":"1"}"#
        );
    }
}
