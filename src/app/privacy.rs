//! What shows personal data, and the loop that keeps its index.

use std::sync::Arc;

use crate::config::Config;
use crate::service::cases::Cases;
use crate::service::privacy::Privacy;
use crate::service::privacy::indexing::Indexing;
use crate::worker::privacy;
use crate::worker::supervise::Supervisor;

/// Joins the use case and starts the loop.
pub(super) fn start(config: &Config, cases: &Arc<Cases>, supervisor: &Supervisor) -> Arc<Privacy> {
    privacy::spawn(supervisor, &Arc::new(Indexing::new(Arc::clone(cases))));
    Arc::new(Privacy::new(Arc::clone(cases), config.privacy))
}
