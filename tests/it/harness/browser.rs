//! A browser as far as signing in needs one: it keeps cookies by host and follows nothing by itself.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;

use reqwest::header::{CONTENT_TYPE, COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use serde_json::{Value, json};

use super::gql::http_client;

/// One browser.
pub(crate) struct Browser {
    http: reqwest::Client,
    gateway: String,
    pub(crate) cookies: RefCell<BTreeMap<String, String>>,
}

/// What a page load gave.
pub(crate) struct Loaded {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Loaded {
    /// Where it leads.
    pub(crate) fn location(&self) -> String {
        let location = self.headers.get(LOCATION).expect("it leads somewhere");
        location.to_str().unwrap().to_owned()
    }

    /// The cookies it sets, as it says them.
    pub(crate) fn cookies(&self) -> Vec<&str> {
        let all = self.headers.get_all(SET_COOKIE).iter();
        all.map(|cookie| cookie.to_str().unwrap()).collect()
    }
}

impl Browser {
    /// A browser that was nowhere yet.
    pub(crate) fn at(gateway: SocketAddr) -> Self {
        Self {
            http: http_client(),
            gateway: format!("http://{gateway}"),
            cookies: RefCell::default(),
        }
    }

    /// The same cookies before another replica.
    pub(crate) fn before(&self, gateway: SocketAddr) -> Self {
        Self {
            cookies: self.cookies.clone(),
            ..Self::at(gateway)
        }
    }

    /// Loads a page; of the gateway with its cookies, of another host without.
    pub(crate) async fn load(&self, address: &str) -> Loaded {
        self.send(reqwest::Method::GET, address, &[], None).await
    }

    /// Posts to the gateway with these headers.
    pub(crate) async fn post(&self, path: &str, headers: &[(&str, &str)]) -> Loaded {
        self.send(reqwest::Method::POST, path, headers, None).await
    }

    /// Asks GraphQL, as a page does, with these headers.
    pub(crate) async fn ask(&self, query: &str, headers: &[(&str, &str)]) -> Loaded {
        let body = json!({ "query": query });
        self.send(reqwest::Method::POST, "/graphql", headers, Some(body))
            .await
    }

    /// Its own origin.
    pub(crate) fn origin(&self) -> &str {
        &self.gateway
    }

    async fn send(
        &self,
        method: reqwest::Method,
        address: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Loaded {
        let ours = address.starts_with('/') || address.starts_with(&self.gateway);
        let url = if address.starts_with('/') {
            format!("{}{address}", self.gateway)
        } else {
            address.to_owned()
        };
        let mut request = self.http.request(method, url);
        let cookies: Vec<String> = self
            .cookies
            .borrow()
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if ours && !cookies.is_empty() {
            request = request.header(COOKIE, cookies.join("; "));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request
                .header(CONTENT_TYPE, "application/json")
                .body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let loaded = Loaded {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or(Value::Null),
        };
        if ours {
            for cookie in loaded.cookies() {
                self.keep(cookie);
            }
        }
        loaded
    }

    fn keep(&self, cookie: &str) {
        let (pair, attributes) = cookie.split_once(';').unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        let mut cookies = self.cookies.borrow_mut();
        if attributes.contains("Max-Age=0") {
            cookies.remove(name);
        } else {
            cookies.insert(name.to_owned(), value.to_owned());
        }
    }
}
