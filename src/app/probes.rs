//! What readiness looks at: the database takes writes, its schema is this version's, keys work, the calendar is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{Datelike as _, NaiveDate};
use futures_util::future::BoxFuture;

use crate::secret::keyring::Keyring;
use crate::service::health::{Finding, Probe};
use crate::service::{Services, calendar};
use crate::store::database::Database;

/// All probes, in the order they are shown.
pub(super) fn all(database: &Database, keys: &Arc<Keyring>, services: &Services) -> Vec<Arc<dyn Probe>> {
    vec![
        Arc::new(Writable(database.clone())),
        Arc::new(Migrations {
            database: database.clone(),
            complete: AtomicBool::new(false),
        }),
        Arc::new(Keys(Arc::clone(keys))),
        Arc::new(Calendar(services.clone())),
    ]
}

struct Writable(Database);

impl Probe for Writable {
    fn name(&self) -> &'static str {
        "database"
    }

    fn check(&self) -> BoxFuture<'_, Finding> {
        Box::pin(async {
            if self.0.wrote_a_moment_ago() {
                return Finding::pass();
            }
            match self.0.check_writable().await {
                Ok(()) => Finding::pass(),
                Err(_) => Finding::fail("the database takes no writes, or none of a case's size"),
            }
        })
    }
}

struct Migrations {
    database: Database,
    /// Seen once: only an operator takes a step back, and a busy database should not be asked in vain.
    complete: AtomicBool,
}

impl Probe for Migrations {
    fn name(&self) -> &'static str {
        "migrations"
    }

    fn check(&self) -> BoxFuture<'_, Finding> {
        Box::pin(async {
            if self.complete.load(Ordering::Relaxed) {
                return Finding::pass();
            }
            match self.database.pending_migrations().await {
                Ok(pending) if pending.is_empty() => {
                    self.complete.store(true, Ordering::Relaxed);
                    Finding::pass()
                }
                Ok(pending) => Finding::fail(format!("{} migrations are not applied", pending.len())),
                Err(_) => Finding::fail("the schema's version cannot be read"),
            }
        })
    }
}

struct Keys(Arc<Keyring>);

impl Probe for Keys {
    fn name(&self) -> &'static str {
        "keys"
    }

    fn check(&self) -> BoxFuture<'_, Finding> {
        let finding = match self.0.self_test() {
            Ok(()) => Finding::pass(),
            Err(_) => Finding::fail("a key failed its self-test"),
        };
        Box::pin(std::future::ready(finding))
    }
}

struct Calendar(Services);

impl Probe for Calendar {
    fn name(&self) -> &'static str {
        "calendar"
    }

    /// From 1 December on it warns while the next year is not official (DOMAIN §3).
    fn check(&self) -> BoxFuture<'_, Finding> {
        Box::pin(async {
            let Ok(current) = calendar::current(&self.0).await else {
                return Finding::fail("there is no working-day calendar");
            };
            let today = onedoor_domain::sla::beijing_date(self.0.clock.now());
            let official = |year: i32| {
                NaiveDate::from_ymd_opt(year, 1, 1).is_some_and(|day| !current.calendar().is_provisional(day))
            };
            if !official(today.year()) {
                Finding::warn("the working days of this year are not official; import its notice")
            } else if today.month() == 12 && !official(today.year() + 1) {
                Finding::warn("the working days of next year are not official yet; import its notice")
            } else {
                Finding::pass()
            }
        })
    }
}
