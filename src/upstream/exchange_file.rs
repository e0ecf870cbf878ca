//! One HTTP message as a file holds it: a start line, headers and a body; read within limits, written as it was.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::upstream::outcome::{Ambiguity, Exchange};
use crate::upstream::transport::delay_of;
use crate::upstream::wire::WireAnswer;

/// The longest file, bytes; more than the longest answer that is ever read.
pub const FILE_BYTES_MAX: usize = 17_000_000;
/// The longest start line or header, bytes.
const LINE_BYTES_MAX: usize = 16_384;
/// The most headers.
const HEADERS_MAX: usize = 128;

/// One request or answer, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Message {
    /// Request line or status line.
    pub line: String,
    /// Headers in their order, lowercase names.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

/// A file that is no HTTP message. Where, but not what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Longer than any message.
    #[error("is longer than {FILE_BYTES_MAX} bytes 文件过大")]
    TooLong,
    /// No blank line after the headers.
    #[error("has no blank line after its headers 缺少头部后的空行")]
    HeadOpen,
    /// A line of the head is not text, too long, or no header.
    #[error("line {0} is not a start line or a header (name: value) 不是起始行或头部")]
    Line(usize),
    /// Too many headers.
    #[error("has more than {HEADERS_MAX} headers 头部过多")]
    TooManyHeaders,
    /// No `HTTP/1.1 200 OK` or `POST /path HTTP/1.1`.
    #[error("does not begin with a status line or request line 起始行无效")]
    Start,
    /// Its body is coded in a way that no recording has.
    #[error(
        "has a body in a coding (chunked, gzip); write it plain with its content-length 正文须为未编码的原文"
    )]
    Coded,
    /// Content-Length is no number.
    #[error("has a content-length that is no number 正文长度无效")]
    Length,
}

impl Message {
    /// Takes a file apart. Lines end in CRLF; a bare LF is read too.
    ///
    /// # Errors
    /// When it is no HTTP message.
    pub fn parse(bytes: &[u8]) -> Result<Self, MessageError> {
        if bytes.len() > FILE_BYTES_MAX {
            return Err(MessageError::TooLong);
        }
        let mut rest = bytes;
        let mut message = Self::default();
        for number in 1.. {
            let end = rest
                .iter()
                .take(LINE_BYTES_MAX + 2)
                .position(|byte| *byte == b'\n')
                .ok_or(if rest.len() > LINE_BYTES_MAX {
                    MessageError::Line(number)
                } else {
                    MessageError::HeadOpen
                })?;
            let (line, after) = rest.split_at(end);
            rest = after.split_first().map_or(&[], |(_, rest)| rest);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let line = std::str::from_utf8(line).ok().ok_or(MessageError::Line(number))?;
            if line.chars().any(char::is_control) {
                return Err(MessageError::Line(number));
            }
            if number == 1 {
                line.clone_into(&mut message.line);
                continue;
            }
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').ok_or(MessageError::Line(number))?;
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!#$%&'*+^`|~".contains(&byte);
            if name.is_empty() || !name.bytes().all(is_name) {
                return Err(MessageError::Line(number));
            }
            if message.headers.len() >= HEADERS_MAX {
                return Err(MessageError::TooManyHeaders);
            }
            message
                .headers
                .push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        rest.clone_into(&mut message.body);
        message.start()?;
        Ok(message)
    }

    /// The file of a message. The length of a body that was altered must be set first, see [`Message::with_body`].
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut head = format!("{}\r\n", self.line);
        for (name, value) in &self.headers {
            head.push_str(name);
            head.push_str(": ");
            head.push_str(value);
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// The same with another body and its length; how the old one was coded for the way is left out.
    #[must_use]
    pub fn with_body(mut self, body: Vec<u8>) -> Self {
        self.headers.retain(|(name, _)| {
            !["content-length", "transfer-encoding", "content-encoding"].contains(&name.as_str())
        });
        if !body.is_empty() || !self.is_request() {
            self.headers
                .push(("content-length".to_owned(), body.len().to_string()));
        }
        self.body = body;
        self
    }

    /// The first header of this lowercase name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(one, _)| one == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The status of an answer; `None` for a request.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        let mut parts = self.line.split(' ');
        let version = parts.next()?;
        let status = parts.next().filter(|_| version.starts_with("HTTP/"))?;
        status.parse().ok().filter(|status| (100..1_000).contains(status))
    }

    /// Whether it begins as a request does.
    #[must_use]
    pub fn is_request(&self) -> bool {
        let parts: Vec<&str> = self.line.split(' ').collect();
        matches!(parts.as_slice(), [method, target, version]
            if method.bytes().all(|byte| byte.is_ascii_uppercase()) && !method.is_empty()
                && target.starts_with('/') && version.starts_with("HTTP/"))
    }

    /// The message of an answer that was received.
    #[must_use]
    pub fn of_answer(answer: &WireAnswer) -> Self {
        let reason = reqwest::StatusCode::from_u16(answer.status)
            .ok()
            .and_then(|status| status.canonical_reason())
            .unwrap_or("Status");
        Self {
            line: format!("HTTP/1.1 {} {reason}", answer.status),
            headers: answer
                .headers
                .iter()
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            body: Vec::new(),
        }
        .with_body(answer.body.clone())
    }

    /// What a client receives of an answer: whole, or cut where the file ends before its content-length does, or where
    /// it is longer than a client reads.
    ///
    /// # Errors
    /// When it is no answer.
    pub fn received(
        &self,
        body_bytes_max: usize,
        now: DateTime<Utc>,
    ) -> Result<(Exchange, Option<WireAnswer>), MessageError> {
        let status = self.status().ok_or(MessageError::Start)?;
        if self.header("transfer-encoding").is_some() || self.header("content-encoding").is_some() {
            return Err(MessageError::Coded);
        }
        let announced = match self.header("content-length") {
            Some(text) => text.parse::<usize>().ok().ok_or(MessageError::Length)?,
            None => self.body.len(),
        };
        let retry_after = self.header("retry-after").and_then(|text| delay_of(text, now));
        let fault = if announced > body_bytes_max {
            Some(Ambiguity::TooLong)
        } else {
            (announced > self.body.len()).then_some(Ambiguity::Truncated)
        };
        if let Some(fault) = fault {
            let cut = Exchange::Partial {
                status,
                retry_after,
                fault,
            };
            return Ok((cut, None));
        }
        let mut headers = BTreeMap::new();
        for (name, value) in &self.headers {
            if value.is_ascii() {
                headers.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        let answer = WireAnswer {
            status,
            headers,
            retry_after,
            body: self.body.iter().copied().take(announced).collect(),
        };
        Ok((Exchange::Whole { status, retry_after }, Some(answer)))
    }

    fn start(&self) -> Result<(), MessageError> {
        if self.status().is_some() || self.is_request() {
            Ok(())
        } else {
            Err(MessageError::Start)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const ANSWER: &[u8] =
        b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\n{}";

    #[test]
    fn a_message_is_read_and_written_as_it_was() {
        let text: &[u8] = b"POST /a?b=c HTTP/1.1\r\nidempotency-key: k\r\ncontent-length: 4\r\n\r\n\r\n\r\n";
        let message = Message::parse(text).unwrap();
        assert!(message.is_request());
        assert_eq!(
            (message.line.as_str(), message.header("idempotency-key")),
            ("POST /a?b=c HTTP/1.1", Some("k"))
        );
        assert_eq!(message.body, b"\r\n\r\n");
        assert_eq!(message.to_bytes(), text);
        let bare = Message::parse(b"GET / HTTP/1.1\nx: y\n\nz\n\n").unwrap();
        assert_eq!(
            (bare.header("x"), bare.body.as_slice()),
            (Some("y"), &b"z\n\n"[..])
        );
        assert_eq!(
            message.with_body(b"abc".to_vec()).header("content-length"),
            Some("3")
        );
    }

    #[test]
    fn an_answer_is_received_whole_cut_or_too_long() {
        let now = DateTime::UNIX_EPOCH;
        let answer = Message::parse(ANSWER).unwrap();
        let (exchange, whole) = answer.received(10, now).unwrap();
        let retry_after = Some(Duration::from_secs(7));
        assert_eq!(
            exchange,
            Exchange::Whole {
                status: 503,
                retry_after
            }
        );
        assert_eq!(whole.unwrap().body, b"{}");
        let cut = |bytes: &[u8], max| match Message::parse(bytes).unwrap().received(max, now).unwrap() {
            (Exchange::Partial { fault, .. }, None) => fault,
            other => panic!("{other:?}"),
        };
        assert_eq!(cut(ANSWER, 1), Ambiguity::TooLong);
        assert_eq!(cut(&ANSWER[..ANSWER.len() - 1], 10), Ambiguity::Truncated);
        // what follows the announced length is not the answer's
        let more = [ANSWER, b"more"].concat();
        assert_eq!(
            Message::parse(&more)
                .unwrap()
                .received(10, now)
                .unwrap()
                .1
                .unwrap()
                .body,
            b"{}"
        );
        for (head, error) in [
            ("Transfer-Encoding: chunked", MessageError::Coded),
            ("Content-Encoding: gzip", MessageError::Coded),
            ("Content-Length: -1", MessageError::Length),
            ("Content-Length: 99999999999999999999999", MessageError::Length),
        ] {
            let text = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n");
            let read = Message::parse(text.as_bytes()).unwrap().received(10, now);
            assert_eq!(read.unwrap_err(), error, "{head}");
        }
        let request = Message::parse(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        assert_eq!(request.received(10, now).unwrap_err(), MessageError::Start);
    }

    #[test]
    fn what_is_no_message_is_refused_with_its_place() {
        let long = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(20_000));
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(200));
        for (bytes, error) in [
            (&b""[..], MessageError::HeadOpen),
            (b"GET / HTTP/1.1", MessageError::HeadOpen),
            (b"GET / HTTP/1.1\r\nx: y\r\n", MessageError::HeadOpen),
            (b"\r\n\r\n", MessageError::Start),
            (b"GET / HTTP/1.1\r\nno header\r\n\r\n", MessageError::Line(2)),
            (b"GET / HTTP/1.1\r\n: y\r\n\r\n", MessageError::Line(2)),
            (b"GET / HTTP/1.1\r\nx y: z\r\n\r\n", MessageError::Line(2)),
            (b"GET / HTTP/1.1\r\nx: \xff\r\n\r\n", MessageError::Line(2)),
            (b"GET / HTTP/1.1\r\nx: a\0b\r\n\r\n", MessageError::Line(2)),
            (b"GET / HTTP/1.1\r\nx: a\rb: c\r\n\r\n", MessageError::Line(2)),
            (b"get nothing\r\n\r\n", MessageError::Start),
            (b"GET http://elsewhere/ HTTP/1.1\r\n\r\n", MessageError::Start),
            (b"HTTP/1.1 99999 Much\r\n\r\n", MessageError::Start),
            (long.as_bytes(), MessageError::Line(1)),
            (many.as_bytes(), MessageError::TooManyHeaders),
        ] {
            assert_eq!(
                Message::parse(bytes),
                Err(error),
                "{}",
                String::from_utf8_lossy(bytes)
            );
        }
        assert_eq!(
            Message::parse(&vec![b'a'; FILE_BYTES_MAX + 1]),
            Err(MessageError::TooLong)
        );
        // whatever the bytes, there is an answer
        for seed in 0..2_000_u32 {
            let mut state = seed;
            let bytes: Vec<u8> = (0..60)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    *b"GET / HTTP/1.1\r\n: \xffa"
                        .get(usize::try_from(state >> 16).unwrap() % 20)
                        .unwrap_or(&b'\n')
                })
                .collect();
            if let Ok(message) = Message::parse(&bytes) {
                assert_eq!(Message::parse(&message.to_bytes()), Ok(message));
            }
        }
    }
}
