//! Subscriptions over server-sent events, as a client reads them.

use std::time::Duration;

use reqwest::Response;
use reqwest::header::ACCEPT;
use serde_json::{Value, json};

use super::gql::Gql;
use super::wait::PATIENCE;

/// An open stream of events.
pub(crate) struct Events {
    answer: Response,
    bytes: Vec<u8>,
    over: bool,
}

/// What a stream says next.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Said {
    /// An answer of the operation.
    Next(Value),
    /// Nothing happened for a while.
    Ping,
    /// The operation is over.
    Complete,
}

impl Events {
    /// Subscribes.
    pub(crate) async fn open(caller: &Gql, document: &str, variables: Value) -> Self {
        let body = json!({ "query": document, "variables": variables });
        let answer = caller
            .request(&body)
            .header(ACCEPT, "text/event-stream")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200, "{document}");
        Self {
            answer,
            bytes: Vec::new(),
            over: false,
        }
    }

    /// The next thing said; bounded.
    pub(crate) async fn next(&mut self) -> Said {
        loop {
            if let Some(end) = self.bytes.windows(2).position(|pair| pair == b"\n\n") {
                let event: Vec<u8> = self.bytes.drain(..end + 2).collect();
                return said(std::str::from_utf8(&event).unwrap());
            }
            if self.over {
                return Said::Complete;
            }
            let chunk = tokio::time::timeout(PATIENCE, self.answer.chunk())
                .await
                .expect("an event in time")
                .unwrap();
            match chunk {
                Some(bytes) => self.bytes.extend_from_slice(&bytes),
                None => self.over = true,
            }
        }
    }

    /// The next answer, whatever the pauses before it.
    pub(crate) async fn answer(&mut self) -> Option<Value> {
        tokio::time::timeout(PATIENCE, async {
            loop {
                match self.next().await {
                    Said::Next(answer) => return Some(answer),
                    Said::Ping => {}
                    Said::Complete => return None,
                }
            }
        })
        .await
        .expect("an answer in time")
    }

    /// Listens through some pauses; what is said in them.
    pub(crate) async fn through_pauses(&mut self, pauses: usize) -> Vec<Value> {
        let (mut heard, mut pings) = (Vec::new(), 0);
        while pings < pauses {
            match tokio::time::timeout(Duration::from_secs(30), self.next())
                .await
                .unwrap()
            {
                Said::Next(answer) => heard.push(answer),
                Said::Ping => pings += 1,
                Said::Complete => break,
            }
        }
        heard
    }
}

/// The error codes a subscription begins with; none when it begins to listen in silence.
pub(crate) async fn first_codes(caller: &Gql, document: &str) -> Vec<String> {
    let mut events = Events::open(caller, document, json!({})).await;
    // the first comes at once with the head, the others after a pause each
    let heard = events.through_pauses(3).await;
    let errors = heard
        .first()
        .and_then(|answer| answer["errors"].as_array())
        .cloned()
        .unwrap_or_default();
    errors
        .iter()
        .filter_map(|error| error["extensions"]["code"].as_str())
        .map(str::to_owned)
        .collect()
}

fn said(event: &str) -> Said {
    let line = |name: &str| {
        event
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .map(str::trim)
    };
    match line("event:") {
        Some("next") => Said::Next(serde_json::from_str(line("data:").unwrap()).unwrap()),
        Some("complete") => Said::Complete,
        _ => Said::Ping,
    }
}
