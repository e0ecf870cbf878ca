//! An authenticator that tells the audit log whom another one refused.

use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt as _};
use onedoor_domain::actor::Actor;
use onedoor_domain::audit::AuditAction;

use super::Services;
use super::identity::{Authenticated, Authenticator, Presented};
use crate::error::{AppError, ErrorCode};

/// Another authenticator, watched.
pub struct WatchedAuthenticator {
    inner: Arc<dyn Authenticator>,
    services: Services,
}

impl WatchedAuthenticator {
    /// Watches one.
    #[must_use]
    pub fn new(inner: Arc<dyn Authenticator>, services: Services) -> Self {
        Self { inner, services }
    }
}

impl Authenticator for WatchedAuthenticator {
    fn authenticate<'a>(
        &'a self,
        presented: &'a Presented,
    ) -> BoxFuture<'a, Result<Authenticated, AppError>> {
        let outcome = self.inner.authenticate(presented);
        outcome
            .inspect(|outcome| {
                if let Err(error) = outcome
                    && error.code == ErrorCode::Unauthenticated
                {
                    // nothing of what was presented is believed, so nothing of it is kept
                    let (nobody, reason) = (Actor::anonymous(), error.code.as_str());
                    self.services
                        .denied(&nobody, AuditAction::Authentication, None, reason);
                }
            })
            .boxed()
    }

    fn still_admits<'a>(&'a self, caller: &'a Authenticated) -> BoxFuture<'a, bool> {
        self.inner.still_admits(caller)
    }
}
