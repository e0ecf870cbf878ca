//! One operation on a socket, from `subscribe` to `complete`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::rt::task::JoinHandle;
use futures_util::StreamExt as _;
use serde_json::{Map, Value};
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

use crate::error::ErrorCode;
use crate::http::caller::Caller;
use crate::http::edge::Edge;
use crate::http::envelope::Envelope;
use crate::http::pipeline::{self, Carries};
use crate::http::websocket::message::ServerMessage;

/// The operations that run on one socket, by the client's ids.
#[derive(Clone, Default)]
pub(super) struct Operations(Rc<RefCell<HashMap<String, JoinHandle<()>>>>);

impl Operations {
    pub(super) fn contains(&self, id: &str) -> bool {
        self.0.borrow().contains_key(id)
    }

    pub(super) fn len(&self) -> usize {
        self.0.borrow().len()
    }

    /// Ends an operation; nothing more of it is sent.
    pub(super) fn cut(&self, id: &str) {
        if let Some(task) = self.0.borrow_mut().remove(id) {
            task.abort();
        }
    }

    /// Ends all of them.
    pub(super) fn cut_all(&self) {
        self.0.borrow_mut().drain().for_each(|(_, task)| task.abort());
    }

    /// Starts an operation in a task of its own.
    pub(super) fn start(&self, id: String, operation: Operation) {
        let operations = self.clone();
        let own_id = id.clone();
        // The task cannot end before it is put in the map: it runs on this thread, which does not yield here.
        let channels = operation.edge.channels.clone();
        let task = actix_web::rt::spawn(channels.track_future(async move {
            let last = operation.run(&own_id).await;
            // The id is free before the client can read that it is.
            operations.0.borrow_mut().remove(&own_id);
            operation.out.send(last);
        }));
        self.0.borrow_mut().insert(id, task);
    }
}

/// The way out of a socket: a bounded queue in front of its writer.
#[derive(Clone)]
pub(super) struct Outbound {
    pub(super) queue: Sender<String>,
    /// Cancelled when the queue overflows: the client is too slow for its events.
    pub(super) slow: CancellationToken,
}

impl Outbound {
    /// Queues a message, or gives the client up.
    pub(super) fn send(&self, text: String) {
        if self.queue.try_send(text).is_err() {
            self.slow.cancel();
        }
    }
}

/// What one operation needs.
pub(super) struct Operation {
    pub(super) edge: Arc<Edge>,
    pub(super) caller: Caller,
    pub(super) envelope: Map<String, Value>,
    pub(super) out: Outbound,
}

impl Operation {
    /// Sends every answer but the last message, which it gives back.
    async fn run(&self, id: &str) -> String {
        let envelope = match Envelope::from_members(self.envelope.clone()) {
            Ok(envelope) => envelope,
            Err(fault) => {
                self.edge.metrics.rejected(ErrorCode::BadRequest.as_str());
                let (zh, en) = fault.texts();
                let error = self.caller.head.mask().detail(ErrorCode::BadRequest, zh, en);
                return ServerMessage::Error {
                    id,
                    payload: &[error],
                }
                .text();
            }
        };
        let prepared = pipeline::prepare(
            &self.edge,
            &self.caller,
            envelope,
            Carries::QueriesAndSubscriptions,
        )
        .await;
        let mut answers = match prepared {
            Ok(prepared) => pipeline::execute_stream(&self.edge, &self.caller, prepared),
            Err(refused) => {
                return ServerMessage::Error {
                    id,
                    payload: &refused.errors,
                }
                .text();
            }
        };
        while let Some(answer) = answers.next().await {
            self.out.send(ServerMessage::Next { id, payload: &answer }.text());
            // A stream that is always ready must not starve the socket's other work.
            tokio::task::yield_now().await;
        }
        ServerMessage::Complete { id }.text()
    }
}
