//! Requests and answers as plain data, so that adapters need no HTTP library.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

/// HTTP method of a request to an upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads only: may be repeated freely.
    Get,
    /// Creates or acts.
    Post,
    /// Replaces.
    Put,
    /// Changes in part.
    Patch,
    /// Removes.
    Delete,
}

/// A request that an adapter wrote. Authorization, signature and idempotency headers are the driver's.
#[derive(Clone, PartialEq, Eq)]
pub struct WireRequest {
    /// Method.
    pub method: Method,
    /// Path below the upstream's base address, one decoded segment each; the driver percent-encodes them.
    /// There is no way to name another host.
    pub segments: Vec<String>,
    /// Query parameters, decoded. Never personal data.
    pub query: Vec<(String, String)>,
    /// Further headers, lowercase names.
    pub headers: Vec<(String, String)>,
    /// Body; `None` sends none.
    pub body: Option<Vec<u8>>,
}

impl WireRequest {
    /// A request without body.
    #[must_use]
    pub fn get(segments: &[&str]) -> Self {
        Self::new(Method::Get, segments)
    }

    /// A request that acts, still without body.
    #[must_use]
    pub fn post(segments: &[&str]) -> Self {
        Self::new(Method::Post, segments)
    }

    fn new(method: Method, segments: &[&str]) -> Self {
        let segments = segments.iter().map(|&segment| segment.to_owned()).collect();
        Self {
            method,
            segments,
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
        }
    }

    /// Adds a query parameter.
    #[must_use]
    pub fn parameter(mut self, name: &str, value: &str) -> Self {
        self.query.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the body of a form and its content type.
    #[must_use]
    pub fn form(mut self, fields: &[(String, String)]) -> Self {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        self.body = Some(form.finish().into_bytes());
        self.header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
    }

    /// Sets a JSON body and its content type.
    ///
    /// # Errors
    /// When the value has no JSON form.
    pub fn json<T: Serialize>(mut self, value: &T) -> Result<Self, serde_json::Error> {
        self.body = Some(serde_json::to_vec(value)?);
        Ok(self.header("content-type", "application/json; charset=utf-8"))
    }
}

impl fmt::Debug for WireRequest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("WireRequest")
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

/// An answer that arrived whole, within all limits, decompressed.
#[derive(Clone)]
pub struct WireAnswer {
    /// Status code.
    pub status: u16,
    /// Headers with lowercase names; of repeated ones the first, values that are not ASCII left out.
    pub headers: BTreeMap<String, String>,
    /// The delay its Retry-After header asks for, however it was written; `None` without a readable one.
    pub retry_after: Option<Duration>,
    /// Body.
    pub body: Vec<u8>,
}

/// The body is not text in the charset its header names, or that charset is not one we read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer is not text in a known charset")]
pub struct UnknownText;

impl WireAnswer {
    /// One header by its lowercase name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The charset its content type names, lowercase; `None` when it names none.
    #[must_use]
    pub fn charset(&self) -> Option<String> {
        self.header("content-type").and_then(charset)
    }

    /// The body as UTF-8 text, a byte order mark removed.
    ///
    /// # Errors
    /// When the header names another charset than UTF-8 or US-ASCII, or the bytes are not UTF-8: a wrong
    /// charset read with replacement characters would put false names on record.
    pub fn text(&self) -> Result<&str, UnknownText> {
        let declared = self.charset();
        if declared.is_some_and(|name| !["utf-8", "utf8", "us-ascii"].contains(&name.as_str())) {
            return Err(UnknownText);
        }
        let text = std::str::from_utf8(&self.body).ok().ok_or(UnknownText)?;
        Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
    }
}

impl fmt::Debug for WireAnswer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("WireAnswer")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

fn charset(content_type: &str) -> Option<String> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let named = name.trim().eq_ignore_ascii_case("charset");
        named.then(|| value.trim().trim_matches('"').to_ascii_lowercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(content_type: &str, body: &[u8]) -> WireAnswer {
        let headers = BTreeMap::from([("content-type".to_owned(), content_type.to_owned())]);
        WireAnswer {
            status: 200,
            headers,
            retry_after: None,
            body: body.to_vec(),
        }
    }

    #[test]
    fn text_is_read_only_in_the_charset_it_claims() {
        assert_eq!(answer("application/json", "人社".as_bytes()).text(), Ok("人社"));
        assert_eq!(
            answer("application/json; Charset=\"UTF-8\"", b"\xef\xbb\xbf{}").text(),
            Ok("{}")
        );
        assert_eq!(
            answer("application/json; charset=gbk", b"{}").text(),
            Err(UnknownText)
        );
        assert_eq!(
            answer("application/json", b"\xc8\xcb\xc9\xe7").text(),
            Err(UnknownText)
        );
    }
}
