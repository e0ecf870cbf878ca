//! The door over the house: its schema, its edge and its routes, listening.

use std::sync::Arc;

use super::AppFailure;
use super::gateway::House;
use crate::clock::SharedClock;
use crate::config::Config;
use crate::graphql::executor::{GraphqlExecutor, SchemaExecutor};
use crate::graphql::schema;
use crate::http::edge::{Edge, EdgeParts};
use crate::http::graphiql::GraphiqlFiles;
use crate::http::server::{self, RunningServer};
use crate::http::{attachments, callbacks, health, kiosk, session, verify};
use crate::service::watched::WatchedAuthenticator;
use crate::telemetry::metrics::Metrics;

/// Listens.
///
/// # Errors
/// The schema or the edge cannot be built, or the address cannot be listened on.
pub(super) fn open(
    config: &Config,
    metrics: &Metrics,
    house: &House,
    clock: SharedClock,
) -> Result<RunningServer, AppFailure> {
    let services = house.services.clone();
    let edge = Edge::new(
        config,
        EdgeParts {
            executor: executor(house)?,
            authenticator: Arc::new(WatchedAuthenticator::new(
                house.identity.callers.clone(),
                services.clone(),
            )),
            clock,
            metrics: metrics.clone(),
            denials: services.denials.clone(),
            shared_limits: services.shared_limits(),
        },
    )?;
    let (sign_in, notices, readiness, ledger, metrics) = (
        Arc::clone(&house.identity.sign_in),
        Arc::clone(&house.notices),
        Arc::clone(&house.readiness),
        Arc::clone(&house.ledger),
        metrics.clone(),
    );
    let (runtime, kiosks) = (edge.runtime.clone(), Arc::clone(&house.kiosks));
    let documents = Arc::clone(&house.attachments);
    server::run(edge, GraphiqlFiles::default(), move |routes| {
        health::configure(routes, &readiness, &metrics, &runtime);
        callbacks::configure(routes, &notices);
        session::configure(routes, &sign_in);
        kiosk::configure(routes, &kiosks);
        verify::configure(routes, &ledger);
        attachments::configure(routes, &documents);
    })
    .map_err(|source| AppFailure::Listen {
        listen: config.server.listen,
        source,
    })
}

/// The schema over the use cases.
fn executor(house: &House) -> Result<Arc<dyn GraphqlExecutor>, AppFailure> {
    let (services, cases, upstreams, live, ledger) = (
        house.services.clone(),
        Arc::clone(&house.cases),
        Arc::clone(&house.upstreams),
        Arc::clone(&house.live),
        Arc::clone(&house.ledger),
    );
    let (reconciling, revocations, kiosks, privacy, attachments) = (
        Arc::clone(&house.reconciling),
        Arc::clone(&house.identity.revocations),
        Arc::clone(&house.kiosks),
        Arc::clone(&house.privacy),
        Arc::clone(&house.attachments),
    );
    let executor = SchemaExecutor::new(move || {
        schema::builder()
            .data(services.clone())
            .data(Arc::clone(&cases))
            .data(Arc::clone(&upstreams))
            .data(Arc::clone(&live))
            .data(Arc::clone(&ledger))
            .data(Arc::clone(&reconciling))
            .data(Arc::clone(&revocations))
            .data(Arc::clone(&kiosks))
            .data(Arc::clone(&privacy))
            .data(Arc::clone(&attachments))
    })?;
    Ok(executor)
}
