//! The HTTP server: the order of its layers, its routes, its start and its stop.

use std::any::Any;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use crate::config::server::ServerConfig;
use crate::http::edge::Edge;
use crate::http::graphiql::{self, GraphiqlFiles};
use crate::http::graphql_endpoint::graphql;
use crate::http::{cors, head, problem};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1_024;
/// The server's own clock moves twice a second: a shorter limit would refuse heads that arrive at once.
const HEAD_TIMEOUT_MIN: Duration = Duration::from_secs(1);
/// How long a client may leave what was sent to it unread before the kernel ends its connection.
const UNREAD_MAX: Duration = Duration::from_secs(30);
/// The share of connections beyond the limit that are accepted, so that they hear when to come back: an eighth.
const BEYOND_SHARE: usize = 8;
/// How long an idle connection is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A server that takes requests.
pub struct RunningServer {
    /// The address it listens on.
    pub addr: SocketAddr,
    edge: Arc<Edge>,
    handle: ServerHandle,
    task: JoinHandle<io::Result<()>>,
}

/// Starts the server on the process's runtime. `routes` adds those of other parts: health, metrics, callbacks.
///
/// A request passes, from the outside in: `head::stamp` (correlation id, security headers, count, log line), `cors`,
/// then its route. Everything else, from media type to token, is the route's own and read there in order.
///
/// # Errors
/// When the address cannot be listened on.
pub fn run<F>(edge: Arc<Edge>, files: GraphiqlFiles, routes: F) -> io::Result<RunningServer>
where
    F: Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
{
    let settings = edge.settings.server.clone();
    let listener = listen(settings.listen)?;
    let addr = listener.local_addr()?;
    let shared = web::Data::from(Arc::clone(&edge));
    let files = web::Data::new(files);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(shared.clone())
            .app_data(files.clone())
            .app_data(web::PayloadConfig::new(settings.body_max_bytes))
            .wrap(from_fn(cors::cors))
            .wrap(from_fn(head::stamp))
            .route("/graphql", web::route().to(graphql))
            .route("/graphiql", web::get().to(graphiql::page))
            .route("/graphiql/{name}", web::get().to(graphiql::asset))
            .route("/schema.graphql", web::get().to(graphiql::sdl))
            .configure(routes.clone())
            .default_service(web::to(problem::not_found))
    });
    let settings: &ServerConfig = &edge.settings.server;
    let workers = match settings.workers {
        0 => available_parallelism().map_or(1, NonZeroUsize::get),
        workers => workers,
    };
    // Those beyond the limit are accepted to be told so; those beyond these wait unaccepted.
    let accepted_max = settings.connections_max + settings.connections_max.div_ceil(BEYOND_SHARE);
    let crowd = Arc::clone(&edge.crowd);
    let server = server
        .workers(workers)
        .max_connections(accepted_max.div_ceil(workers))
        .client_request_timeout(Duration::from_millis(settings.body_timeout_ms).max(HEAD_TIMEOUT_MIN))
        .keep_alive(KEEP_ALIVE)
        .on_connect(move |connection, data| {
            bound_unread(connection);
            data.insert(crowd.connect());
        })
        // A client that has closed its side is gone: its query is dropped, its mutation goes on.
        .h1_allow_half_closed(false)
        .shutdown_timeout(settings.stop_timeout_ms.div_ceil(1_000))
        .disable_signals()
        .listen(listener)?
        .run();
    let handle = server.handle();
    let task = TaskTracker::new().spawn_on(server, &edge.runtime);
    Ok(RunningServer {
        addr,
        edge,
        handle,
        task,
    })
}

impl RunningServer {
    /// Takes no new connection, closes sockets and streams, and waits for them, for running requests and for mutations,
    /// all within the configured time. Gives whether all of them finished.
    pub async fn stop(self) -> bool {
        let limit = Duration::from_millis(self.edge.settings.server.stop_timeout_ms);
        self.edge.stop.cancel();
        self.edge.channels.close();
        self.edge.mutations.close();
        let whole = async {
            tokio::join!(self.handle.stop(true), self.edge.channels.wait());
            self.edge.mutations.wait().await;
        };
        let finished = tokio::time::timeout(limit, whole).await.is_ok();
        if !finished {
            tracing::warn!(
                mutations.running = self.edge.mutations.len(),
                "stopped with requests still running"
            );
            self.task.abort();
        }
        finished
    }

    /// Waits until the server ends by itself, which it does only when it fails.
    ///
    /// # Errors
    /// The failure.
    pub async fn ended(&mut self) -> io::Result<()> {
        match (&mut self.task).await {
            Ok(result) => result,
            Err(cut) => Err(io::Error::other(cut)),
        }
    }
}

/// Without this a client that stops reading holds its connection, and what is buffered for it, for as long as it likes.
fn bound_unread(connection: &dyn Any) {
    if let Some(stream) = connection.downcast_ref::<TcpStream>()
        && let Err(error) = SockRef::from(stream).set_tcp_user_timeout(Some(UNREAD_MAX))
    {
        tracing::debug!(%error, "a connection has no bound on unread data");
    }
}

/// Listens with address reuse, so that a restarted process takes its port back at once.
fn listen(addr: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
