//! One trace from a caller's request over the outbox, a retry and a restart to the upstream, told to a collector.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message as _;
use uuid::Uuid;

use super::county::County;
use super::desks::{Desks, Request, accepting};
use crate::harness::people::assert_nobody_in;
use crate::harness::process::Gateway;
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, until};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

story!(a_trace_goes_through_the_outbox_to_the_upstream, async |world| {
    let county = County::open(world, 40).await;
    let elsewhere = Recorder::open().await;
    // the department's place is taken by one that is out of order, then by nobody's: only what arrives matters here
    county.moved_to(world, &elsewhere.url(""));
    let endpoint = elsewhere.url("/v1/traces");
    let settings = county.settings_and(&[("ONEDOOR__TRACES__ENDPOINT", &endpoint)]);
    let mut gateway = Gateway::start(world, &settings).await;
    let caller = format!("00-{TRACE}-{CALLER}-01");
    let mut desks = Desks::at(gateway.address(), world);
    let submitted = desks.insist(&Request::Submit(Uuid::new_v4()), PATIENCE).await;
    desks.clerk = desks.clerk.within(&caller);
    desks.insist(&accepting(&submitted), PATIENCE).await;
    until("the upstream was tried twice", PATIENCE, async || {
        elsewhere.parents().len() >= 2
    })
    .await;
    assert!(gateway.terminate(Duration::from_secs(15)).await.success());
    let spans = elsewhere.spans();
    let of_trace: Vec<&Span> = spans
        .iter()
        .filter(|span| hex::encode(&span.trace_id) == TRACE)
        .collect();
    let named = |name: &str| -> Vec<&Span> {
        of_trace
            .iter()
            .filter(|span| span.name == name)
            .copied()
            .collect()
    };

    let [door] = named("graphql")[..] else {
        panic!("one request of the clerk's, {of_trace:?}")
    };
    assert_eq!(
        hex::encode(&door.parent_span_id),
        CALLER,
        "the caller's trace goes on"
    );
    assert_eq!(door.kind(), SpanKind::Server);
    let deliveries = named("delivery");
    assert!(deliveries.len() >= 2, "each attempt is told: {of_trace:?}");
    for delivery in &deliveries {
        assert_eq!(delivery.parent_span_id, door.span_id, "asked for by that request");
    }
    let sent: BTreeSet<String> = named("send")
        .iter()
        .map(|send| {
            assert_eq!(send.kind(), SpanKind::Client);
            assert!(deliveries.iter().any(|one| one.span_id == send.parent_span_id));
            format!("00-{TRACE}-{}-01", hex::encode(&send.span_id))
        })
        .collect();
    let arrived = elsewhere.parents();
    assert!(arrived.is_subset(&sent), "{arrived:?} of {sent:?}");

    // a later life of the gateway tries again, in the same trace
    let before = arrived.len();
    gateway.start_again().await;
    until("the upstream is tried again", PATIENCE, async || {
        elsewhere.parents().len() > before
    })
    .await;
    assert!(gateway.terminate(Duration::from_secs(15)).await.success());
    assert!(elsewhere.parents().iter().all(|one| one.contains(TRACE)));
    // P26: what a collector is sent names nobody
    for batch in &elsewhere.seen.lock().unwrap().batches {
        assert_nobody_in("a batch of spans", batch);
    }
    elsewhere.close().await;
});

story!(a_collector_that_is_down_costs_nobody_anything, async |world| {
    let county = County::open(world, 40).await;
    let nobody = format!(
        "http://127.0.0.1:{}/v1/traces",
        crate::harness::files::free_port()
    );
    let settings = county.settings_and(&[("ONEDOOR__TRACES__ENDPOINT", &nobody)]);
    let mut gateway = Gateway::start(world, &settings).await;
    let desks = Desks::at(gateway.address(), world);
    let submitted = desks.insist(&Request::Submit(Uuid::new_v4()), PATIENCE).await;
    desks.insist(&accepting(&submitted), PATIENCE).await;
    assert!(gateway.terminate(Duration::from_secs(15)).await.success());
    assert!(gateway.log().contains("spans could not be sent to the collector"));
});

/// A collector, and an upstream that is out of order; keeps what both were sent.
struct Recorder {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    handle: ServerHandle,
}

#[derive(Default)]
struct Seen {
    batches: Vec<Vec<u8>>,
    parents: BTreeSet<String>,
}

impl Recorder {
    async fn open() -> Self {
        let seen = Arc::<Mutex<Seen>>::default();
        let kept = Arc::clone(&seen);
        let server = HttpServer::new(move || {
            App::new()
                .app_data(web::Data::from(Arc::clone(&kept)))
                .app_data(web::PayloadConfig::new(1 << 24))
                .route("/v1/traces", web::post().to(collect))
                .default_service(web::to(refuse))
        })
        .workers(1)
        .disable_signals()
        .bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap();
        let address = server.addrs()[0];
        let server = server.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self {
            address,
            seen,
            handle,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn parents(&self) -> BTreeSet<String> {
        self.seen.lock().unwrap().parents.clone()
    }

    fn spans(&self) -> Vec<Span> {
        let seen = self.seen.lock().unwrap();
        seen.batches
            .iter()
            .map(|bytes| ExportTraceServiceRequest::decode(bytes.as_slice()).unwrap())
            .flat_map(|batch| batch.resource_spans)
            .flat_map(|resource| resource.scope_spans)
            .flat_map(|scope| scope.spans)
            .collect()
    }

    async fn close(self) {
        self.handle.stop(false).await;
    }
}

async fn collect(body: web::Bytes, seen: web::Data<Mutex<Seen>>) -> HttpResponse {
    seen.lock().unwrap().batches.push(body.to_vec());
    HttpResponse::Ok().content_type("application/x-protobuf").finish()
}

async fn refuse(request: HttpRequest, seen: web::Data<Mutex<Seen>>) -> HttpResponse {
    let parent = request
        .headers()
        .get("traceparent")
        .expect("every request is part of a trace");
    let parent = parent.to_str().unwrap().to_owned();
    seen.lock().unwrap().parents.insert(parent);
    HttpResponse::ServiceUnavailable()
        .insert_header(("retry-after", "0"))
        .finish()
}
