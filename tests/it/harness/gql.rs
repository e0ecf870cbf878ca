//! A GraphQL client that keeps everything of an answer: status, headers, bytes and JSON.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use reqwest::header::{ACCEPT, ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use serde_json::{Value, json};

/// One caller with or without a token.
#[derive(Clone)]
pub(crate) struct Gql {
    http: reqwest::Client,
    url: String,
    token: Option<String>,
    language: &'static str,
    traceparent: Option<String>,
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
    pub(crate) body: Value,
}

impl Gql {
    /// A caller without a token.
    pub(crate) fn anonymous(gateway: SocketAddr) -> Self {
        Self {
            http: http_client(),
            url: format!("http://{gateway}/graphql"),
            token: None,
            language: "zh-CN",
            traceparent: None,
        }
    }

    /// The same caller, who reads English.
    pub(crate) fn in_english(&self) -> Self {
        Self {
            language: "en",
            ..self.clone()
        }
    }

    /// The same caller, whose requests are part of a trace.
    pub(crate) fn within(&self, traceparent: &str) -> Self {
        Self {
            traceparent: Some(traceparent.to_owned()),
            ..self.clone()
        }
    }

    /// The same caller at another address of this machine.
    pub(crate) fn at_address(&self, address: IpAddr) -> Self {
        Self {
            http: http().local_address(address).build().unwrap(),
            ..self.clone()
        }
    }

    /// The token, for a way in other than a question.
    pub(crate) fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    /// Where it asks.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The same caller with a token.
    pub(crate) fn bearing(&self, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            ..self.clone()
        }
    }

    /// A request with a body of the story's own, for what [`Self::ask`] does not say.
    pub(crate) fn request(&self, body: &Value) -> reqwest::RequestBuilder {
        let request = self
            .http
            .post(&self.url)
            .header(CONTENT_TYPE, "application/json")
            .body(body.to_string());
        match &self.token {
            Some(token) => request.header(AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        }
    }

    /// Asks and takes any answer, also a refusal; an error is a connection that gave none.
    pub(crate) async fn try_ask(&self, document: &str, variables: Value) -> reqwest::Result<Answer> {
        let body = json!({ "query": document, "variables": variables }).to_string();
        let mut request = self
            .http
            .post(&self.url)
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT_LANGUAGE, self.language)
            .header(
                ACCEPT,
                "application/graphql-response+json, application/json;q=0.9",
            )
            .body(body);
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(traceparent) = &self.traceparent {
            request = request.header("traceparent", traceparent);
        }
        let answer = request.send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let bytes = answer.bytes().await?.to_vec();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Ok(Answer {
            status,
            headers,
            bytes,
            body,
        })
    }

    /// Asks and gives the answer.
    pub(crate) async fn ask(&self, document: &str, variables: Value) -> Answer {
        self.try_ask(document, variables)
            .await
            .unwrap_or_else(|error| panic!("no answer: {error:?}"))
    }

    /// Asks for something that must be answered without any error, and gives `data`.
    pub(crate) async fn data(&self, document: &str, variables: Value) -> Value {
        let answer = self.ask(document, variables).await;
        assert!(
            answer.status == 200 && answer.body.get("errors").is_none(),
            "refused: {} {}",
            answer.status,
            answer.body
        );
        answer.body["data"].clone()
    }
}

impl Answer {
    /// The value at a JSON pointer below `data`; null when it is not there.
    pub(crate) fn at(&self, pointer: &str) -> &Value {
        self.body["data"].pointer(pointer).unwrap_or(&Value::Null)
    }

    /// The codes of the errors, in order.
    pub(crate) fn codes(&self) -> Vec<&str> {
        let errors = self.body["errors"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        errors
            .iter()
            .filter_map(|error| error["extensions"]["code"].as_str())
            .collect()
    }
}

/// A client for the suite: bounded, direct, following nothing.
pub(crate) fn http_client() -> reqwest::Client {
    http().build().unwrap()
}

fn http() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .timeout(Duration::from_secs(60))
}
