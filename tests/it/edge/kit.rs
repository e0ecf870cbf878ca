//! A server with a small schema, in which every way of failing has a field.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_graphql::{Context, InputObject, MaybeUndefined, Object, Schema, SimpleObject, Subscription};
use chrono::Duration;
use futures_util::Stream;
use futures_util::future::BoxFuture;
use futures_util::stream;
use onedoor::clock::{Clock as _, SystemClock};
use onedoor::config::{Config, ConfigInputs};
use onedoor::error::{AppError, ErrorCode};
use onedoor::graphql::context::RequestContext;
use onedoor::graphql::executor::SchemaExecutor;
use onedoor::http::edge::{Edge, EdgeParts};
use onedoor::http::graphiql::GraphiqlFiles;
use onedoor::http::server::{self, RunningServer};
use onedoor::service::denials::Denials;
use onedoor::service::identity::{Authenticated, Authenticator, Presented};
use onedoor::service::shared_limits::SharedLimits;
use onedoor::telemetry::metrics::Metrics;
use onedoor_domain::actor::{Actor, ActorKind};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

/// What the schema's fields share with the test.
#[derive(Default)]
pub(crate) struct Probe {
    pub(crate) begun: AtomicU32,
    pub(crate) finished: AtomicU32,
    /// Fields that were cut, and put down in the process's runtime or elsewhere.
    pub(crate) cut_at_home: AtomicU32,
    pub(crate) cut_elsewhere: AtomicU32,
    /// Items that `flood` has made.
    pub(crate) flooded: AtomicU32,
}

/// The process's runtime, where connections to the database live.
#[derive(Clone, Copy)]
struct Home(tokio::runtime::Id);

impl Home {
    fn here(self) -> bool {
        Handle::try_current().is_ok_and(|runtime| runtime.id() == self.0)
    }
}

/// Held by a field as a connection is; tells where it is put down.
struct Held(Arc<Probe>, Home);

impl Drop for Held {
    fn drop(&mut self) {
        let count = if self.1.here() {
            &self.0.cut_at_home
        } else {
            &self.0.cut_elsewhere
        };
        count.fetch_add(1, Ordering::SeqCst);
    }
}

/// Lets the mutation `gated` finish.
pub(crate) struct Gate(pub(crate) Semaphore);

pub(crate) struct Query;

#[derive(InputObject)]
struct Change {
    note: MaybeUndefined<String>,
    count: Option<i32>,
}

#[derive(SimpleObject)]
struct Leaf {
    a: i32,
    b: i32,
}

struct Node;

#[Object]
impl Node {
    async fn a(&self) -> i32 {
        1
    }
    async fn node(&self) -> Self {
        Self
    }
    async fn nodes(&self, first: Option<i32>) -> Vec<Self> {
        (0..first.unwrap_or(0)).map(|_| Self).collect()
    }
}

#[Object]
impl Query {
    async fn hello(&self, name: Option<String>) -> String {
        format!("hello {}", name.unwrap_or_default())
    }
    async fn who(&self, ctx: &Context<'_>) -> async_graphql::Result<String> {
        let request = ctx.data::<RequestContext>()?;
        Ok(format!("{:?} {}", request.actor.kind, request.correlation_id))
    }
    async fn change(&self, input: Change) -> String {
        format!("{:?} {:?}", input.note, input.count)
    }
    async fn note(&self, note: MaybeUndefined<String>) -> String {
        format!("{note:?}")
    }
    async fn leaf(&self) -> Leaf {
        Leaf { a: 1, b: 2 }
    }
    async fn node(&self) -> Node {
        Node
    }
    async fn refused(&self) -> Option<Result<i32, async_graphql::Error>> {
        Some(Err(AppError::of(ErrorCode::UpstreamTimeout)
            .because("internal cause")
            .into()))
    }
    async fn required(&self) -> async_graphql::Result<i32> {
        Err(AppError::of(ErrorCode::NotFound).into())
    }
    async fn buggy(&self) -> Option<Result<i32, async_graphql::Error>> {
        Some(Err("password=hunter2".into()))
    }
    async fn panics(&self) -> Option<i32> {
        assert!(std::hint::black_box(false), "secret in a panic");
        None
    }
    async fn never(&self, ctx: &Context<'_>) -> async_graphql::Result<i32> {
        let probe = ctx.data::<Arc<Probe>>()?;
        probe.begun.fetch_add(1, Ordering::SeqCst);
        let _held = Held(Arc::clone(probe), *ctx.data::<Home>()?);
        std::future::pending().await
    }
    async fn at_home(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        Ok(ctx.data::<Home>()?.here())
    }
    async fn date(&self, on: Option<async_graphql::types::ID>, day: Option<chrono::NaiveDate>) -> String {
        format!("{on:?} {day:?}")
    }
}

pub(crate) struct Mutation;

#[Object]
impl Mutation {
    async fn bump(&self, ctx: &Context<'_>) -> async_graphql::Result<u32> {
        Ok(ctx.data::<Arc<Probe>>()?.finished.fetch_add(1, Ordering::SeqCst) + 1)
    }
    async fn at_home(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        Ok(ctx.data::<Home>()?.here())
    }
    /// Waits for the gate between its two halves.
    async fn gated(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        let probe = ctx.data::<Arc<Probe>>()?;
        probe.begun.fetch_add(1, Ordering::SeqCst);
        ctx.data::<Arc<Gate>>()?.0.acquire().await?.forget();
        probe.finished.fetch_add(1, Ordering::SeqCst);
        Ok(true)
    }
}

pub(crate) struct Subscription_;

#[Subscription(name = "Subscription")]
impl Subscription_ {
    async fn countdown(&self, from: i32) -> impl Stream<Item = i32> {
        stream::iter((0..from).rev())
    }
    async fn silence(&self) -> impl Stream<Item = i32> {
        stream::pending()
    }
    /// Never pauses: a client that does not read must not fill the memory.
    async fn flood(&self, ctx: &Context<'_>) -> async_graphql::Result<impl Stream<Item = String> + use<>> {
        let probe = Arc::clone(ctx.data::<Arc<Probe>>()?);
        Ok(stream::repeat_with(move || {
            probe.flooded.fetch_add(1, Ordering::SeqCst);
            "x".repeat(10_000)
        }))
    }
    /// One event, then silence while it holds what a connection would be.
    async fn at_home(&self, ctx: &Context<'_>) -> async_graphql::Result<impl Stream<Item = bool> + use<>> {
        let (probe, home) = (Arc::clone(ctx.data::<Arc<Probe>>()?), *ctx.data::<Home>()?);
        Ok(stream::unfold(None, move |held| {
            let probe = Arc::clone(&probe);
            async move {
                if held.is_some() {
                    return std::future::pending().await;
                }
                Some((home.here(), Some(Held(probe, home))))
            }
        }))
    }
    async fn failing(&self) -> impl Stream<Item = Result<i32, async_graphql::Error>> {
        stream::iter([Ok(1), Err(AppError::of(ErrorCode::StoreUnavailable).into())])
    }
}

/// Tokens are the names of kinds of actors.
pub(crate) struct Names;

impl Authenticator for Names {
    fn authenticate<'a>(
        &'a self,
        presented: &'a Presented,
    ) -> BoxFuture<'a, Result<Authenticated, AppError>> {
        Box::pin(async move {
            let Some(header) = presented
                .authorization
                .as_ref()
                .map(|header| header.expose().as_str())
            else {
                return Ok(Authenticated::anonymous());
            };
            let (kind, left) = match header {
                "Bearer clerk" => (ActorKind::Clerk, Duration::hours(1)),
                "Bearer citizen" => (ActorKind::Citizen, Duration::hours(1)),
                "Bearer brief" => (ActorKind::Clerk, Duration::milliseconds(300)),
                _ => return Err(AppError::of(ErrorCode::Unauthenticated)),
            };
            let actor = Actor {
                kind,
                subject: header.to_owned(),
                ..Actor::anonymous()
            };
            Ok(Authenticated {
                actor: Arc::new(actor),
                expires_at: Some(SystemClock.now() + left),
                grounds: None,
            })
        })
    }

    fn still_admits<'a>(&'a self, _caller: &'a Authenticated) -> BoxFuture<'a, bool> {
        Box::pin(std::future::ready(true))
    }
}

/// A running edge.
pub(crate) struct TestEdge {
    pub(crate) addr: SocketAddr,
    pub(crate) url: String,
    pub(crate) edge: Arc<Edge>,
    pub(crate) metrics: Metrics,
    pub(crate) probe: Arc<Probe>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) server: RunningServer,
    pub(crate) http: reqwest::Client,
}

/// An answer with its JSON.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) json: Value,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        Self {
            status,
            headers,
            json: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
        }
    }

    pub(crate) fn code(&self) -> &str {
        self.json["errors"][0]["extensions"]["code"]
            .as_str()
            .unwrap_or("no error")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map(|it| it.to_str().unwrap())
            .unwrap_or_default()
    }
}

pub(crate) fn shipped() -> Config {
    Config::load(&ConfigInputs {
        demo: true,
        ..ConfigInputs::default()
    })
    .unwrap()
}

impl TestEdge {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(adjust: impl FnOnce(&mut Config)) -> Self {
        let mut config = shipped();
        config.server.listen = "127.0.0.1:0".parse().unwrap();
        config.server.workers = 2;
        adjust(&mut config);
        let (probe, gate) = (Arc::new(Probe::default()), Arc::new(Gate(Semaphore::new(0))));
        let build = || {
            Schema::build(Query, Mutation, Subscription_)
                .data(Arc::clone(&probe))
                .data(Arc::clone(&gate))
                .data(Home(Handle::current().id()))
        };
        let metrics = Metrics::default();
        let parts = EdgeParts {
            executor: SchemaExecutor::new(build).unwrap(),
            authenticator: Arc::new(Names),
            clock: Arc::new(SystemClock),
            metrics: metrics.clone(),
            denials: Denials::default(),
            shared_limits: SharedLimits::default(),
        };
        let edge = Edge::new(&config, parts).unwrap();
        let server = server::run(Arc::clone(&edge), GraphiqlFiles::default(), |_| {}).unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("http://{}/graphql", server.addr);
        Self {
            addr: server.addr,
            url,
            edge,
            metrics,
            probe,
            gate,
            server,
            http,
        }
    }

    /// Sends a body as JSON, as a clerk, and takes the modern media type.
    pub(crate) async fn post(&self, body: Value) -> Reply {
        self.send(self.request(&body.to_string()).bearer_auth("clerk"))
            .await
    }

    pub(crate) async fn ask(&self, query: &str) -> Reply {
        self.post(json!({ "query": query })).await
    }

    pub(crate) async fn ask_anonymously(&self, query: &str) -> Reply {
        self.send(self.request(&json!({ "query": query }).to_string()))
            .await
    }

    pub(crate) fn request(&self, body: &str) -> reqwest::RequestBuilder {
        self.http
            .post(&self.url)
            .header("content-type", "application/json")
            .header("accept", "application/graphql-response+json")
            .header("accept-language", "en")
            .body(body.to_owned())
    }

    pub(crate) fn get(&self, query_string: &str) -> reqwest::RequestBuilder {
        self.http
            .get(format!("{}?{query_string}", self.url))
            .header("accept", "application/graphql-response+json")
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Reply {
        Reply::of(request.send().await.unwrap()).await
    }
}
