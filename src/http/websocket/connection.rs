//! The loop of one socket: what the client says, what its clock says, when it is over.

use std::sync::Arc;
use std::time::Duration;

use actix_ws::{AggregatedMessage, AggregatedMessageStream, ProtocolError, Session as Socket};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::error::ErrorClass;
use crate::error::{AppError, ErrorCode};
use crate::http::caller::Caller;
use crate::http::edge::Edge;
use crate::http::head::Head;
use crate::http::metrics::Channel;
use crate::http::sockets::SocketGuard;
use crate::http::websocket::Close;
use crate::http::websocket::message::{ClientMessage, ServerMessage};
use crate::http::websocket::operation::{Operation, Operations, Outbound};
use crate::secret::Redacted;
use crate::service::identity::{Authenticated, Presented};

/// How long a closing socket may take to pass on its close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// A wait without end, for a token that has none.
const FOREVER: Duration = Duration::from_secs(86_400 * 365);

/// Serves a socket until it is over.
pub(super) async fn serve(
    edge: Arc<Edge>,
    head: Head,
    presented: Presented,
    socket: Socket,
    messages: AggregatedMessageStream,
) {
    let _counted = edge.metrics.opened(Channel::WebSocket);
    let (queue, mut queued) = mpsc::channel::<String>(edge.settings.websocket.queue_max);
    let out = Outbound {
        queue,
        slow: CancellationToken::new(),
    };
    let mut writing = socket.clone();
    let mut writer = actix_web::rt::spawn(async move {
        while let Some(text) = queued.recv().await {
            if writing.text(text).await.is_err() {
                return;
            }
        }
    });
    let operations = Operations::default();
    let mut connection = Connection {
        edge,
        head,
        presented,
        state: State::Fresh,
        operations: operations.clone(),
        out,
    };
    let over = connection.run(socket.clone(), messages).await;
    operations.cut_all();
    // Dropping the connection ends the queue, so that what is in it goes out before the close frame.
    drop(connection);
    let flushed =
        over != Some(Close::TryLater) && tokio::time::timeout(CLOSE_TIMEOUT, &mut writer).await.is_ok();
    if !flushed {
        // It may wait for a client that does not read, and holds the socket as long as it does.
        writer.abort();
        tracing::debug!(correlation.id = %head.correlation_id, "a socket was closed with messages unsent");
    }
    if let Some(reason) = over {
        close(socket, reason).await;
    }
}

/// Sends a close frame, unless the client does not take it in time.
pub(super) async fn close(socket: Socket, why: Close) {
    // Whether the frame got out does not matter: the socket ends either way.
    let _sent = tokio::time::timeout(CLOSE_TIMEOUT, socket.close(Some(why.reason()))).await;
}

enum State {
    /// No `connection_init` yet.
    Fresh,
    /// `connection_ack` was sent.
    Open(Box<Admitted>),
}

struct Admitted {
    session: Authenticated,
    _counted: SocketGuard,
}

struct Connection {
    edge: Arc<Edge>,
    head: Head,
    /// What the upgrade itself presents, for clients that can set headers.
    presented: Presented,
    state: State,
    operations: Operations,
    out: Outbound,
}

impl Connection {
    /// Runs until the socket is over; gives the code to close with, or `None` when the client is gone.
    async fn run(&mut self, mut socket: Socket, mut messages: AggregatedMessageStream) -> Option<Close> {
        let settings = self.edge.settings.websocket.clone();
        let pause = Duration::from_millis(settings.ping_interval_ms);
        let mut ping = tokio::time::interval_at(Instant::now() + pause, pause);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        let end = tokio::time::sleep(Duration::from_millis(settings.init_timeout_ms));
        tokio::pin!(end);
        let (stop, slow) = (self.edge.stop.clone(), self.out.slow.clone());
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Some(Close::Away),
                () = slow.cancelled() => return Some(Close::TryLater),
                () = &mut end => return Some(match self.state {
                    State::Fresh => Close::InitTimeout,
                    State::Open(_) => Close::Forbidden,
                }),
                message = messages.recv() => {
                    heard = Instant::now();
                    let fresh = matches!(self.state, State::Fresh);
                    match self.heard(message).await {
                        Heard::Nothing => {}
                        Heard::Over(code) => return code,
                        Heard::Ping(bytes) => {
                            if socket.pong(&bytes).await.is_err() {
                                return None;
                            }
                        }
                    }
                    if fresh && let State::Open(admitted) = &self.state {
                        end.as_mut().reset(Instant::now() + self.left(&admitted.session));
                    }
                }
                _ = ping.tick() => {
                    if heard.elapsed() > pause * 2 {
                        return Some(Close::Away);
                    }
                    if !self.still_admitted().await {
                        return Some(Close::Forbidden);
                    }
                    if socket.ping(b"").await.is_err() {
                        return None;
                    }
                }
            }
        }
    }

    async fn heard(&mut self, message: Option<Result<AggregatedMessage, ProtocolError>>) -> Heard {
        match message {
            Some(Ok(AggregatedMessage::Text(text))) => match ClientMessage::read(&text) {
                Some(message) => self
                    .obey(message)
                    .await
                    .map_or(Heard::Nothing, |code| Heard::Over(Some(code))),
                None => Heard::Over(Some(Close::BadMessage)),
            },
            Some(Ok(AggregatedMessage::Binary(_))) => Heard::Over(Some(Close::BadMessage)),
            Some(Ok(AggregatedMessage::Ping(bytes))) => Heard::Ping(bytes.to_vec()),
            Some(Ok(AggregatedMessage::Pong(_))) => Heard::Nothing,
            Some(Err(ProtocolError::Overflow)) => Heard::Over(Some(Close::TooBig)),
            Some(Err(_)) => Heard::Over(Some(Close::BadMessage)),
            Some(Ok(AggregatedMessage::Close(_))) => Heard::Over(Some(Close::Normal)),
            None => Heard::Over(None),
        }
    }

    /// Does what a message asks for; gives the code to close with when it must not be asked.
    async fn obey(&mut self, message: ClientMessage) -> Option<Close> {
        match (message, &self.state) {
            (ClientMessage::Ping, _) => {
                self.out.send(ServerMessage::Pong.text());
                None
            }
            (ClientMessage::Pong, _) => None,
            (ClientMessage::Init { authorization, proof }, State::Fresh) => {
                self.admit(authorization, proof).await
            }
            (ClientMessage::Init { .. }, State::Open(_)) => Some(Close::TooManyInits),
            (ClientMessage::Subscribe { .. }, State::Fresh) => Some(Close::Unauthorized),
            (ClientMessage::Subscribe { id, .. }, State::Open(_)) if self.operations.contains(&id) => {
                Some(Close::SubscriberExists)
            }
            (ClientMessage::Subscribe { id, envelope }, State::Open(admitted)) => {
                let caller = Caller {
                    head: self.head.renewed(&self.edge),
                    session: admitted.session.clone(),
                    traceparent: None,
                };
                if self.operations.len() >= self.edge.settings.websocket.operations_max {
                    let error = caller
                        .head
                        .mask()
                        .app_error(&AppError::of(ErrorCode::RateLimited));
                    self.edge.metrics.rejected("socket_operations");
                    self.out.send(
                        ServerMessage::Error {
                            id: &id,
                            payload: &[error],
                        }
                        .text(),
                    );
                } else {
                    let (edge, out) = (Arc::clone(&self.edge), self.out.clone());
                    self.operations.start(
                        id,
                        Operation {
                            edge,
                            caller,
                            envelope,
                            out,
                        },
                    );
                }
                None
            }
            (ClientMessage::Complete { id }, _) => {
                self.operations.cut(&id);
                None
            }
        }
    }

    async fn admit(&mut self, authorization: Option<String>, proof: Option<String>) -> Option<Close> {
        if let Some(said) = authorization {
            self.presented.authorization = Some(Redacted::new(said));
        }
        if let Some(said) = proof {
            self.presented.proof = Some(Redacted::new(said));
        }
        let known = self.edge.authenticate(&self.presented).await;
        self.presented = Presented::default();
        let session = match known {
            Ok(session) => session,
            Err(error) => {
                self.edge.metrics.rejected(error.code.as_str());
                // Masking logs the cause; the close code is all that the client gets.
                let _public = self.head.mask().app_error(&error);
                return Some(match error.code.class() {
                    ErrorClass::Auth => Close::Forbidden,
                    ErrorClass::Caller | ErrorClass::Conflict | ErrorClass::Upstream | ErrorClass::System => {
                        Close::TryLater
                    }
                });
            }
        };
        let payer = Caller {
            head: self.head,
            session: session.clone(),
            traceparent: None,
        }
        .payer();
        let Some(counted) = self.edge.sockets.open(payer) else {
            self.edge.metrics.rejected("sockets");
            return Some(Close::TryLater);
        };
        self.state = State::Open(Box::new(Admitted {
            session,
            _counted: counted,
        }));
        self.out.send(ServerMessage::ConnectionAck.text());
        None
    }

    /// Whether whoever opened the socket was not revoked meanwhile.
    async fn still_admitted(&self) -> bool {
        match &self.state {
            State::Fresh => true,
            State::Open(admitted) => self.edge.still_admits(&admitted.session).await,
        }
    }

    /// How long the session's token still holds.
    fn left(&self, session: &Authenticated) -> Duration {
        session.expires_at.map_or(FOREVER, |end| {
            (end - self.edge.clock.now()).to_std().unwrap_or_default()
        })
    }
}

enum Heard {
    Nothing,
    Ping(Vec<u8>),
    Over(Option<Close>),
}
