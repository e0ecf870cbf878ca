//! The section `[database]`: which database, how many connections, how long to wait.

use serde::{Deserialize, Serialize};
use url::Url;

use super::fault::Faults;
use crate::secret::Redacted;

/// The database.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    /// Address with password; empty: SQLite in the data folder. Use [`super::Config::database_url`].
    pub url: Redacted<String>,
    /// Largest number of connections (SQLite: readers beside the one writer).
    pub connections_max: u32,
    /// How long a request waits for a connection before it is shed.
    pub acquire_timeout_ms: u64,
    /// Longest statement (PostgreSQL).
    pub statement_timeout_ms: u64,
    /// Apply pending migrations at start.
    pub migrate_at_start: bool,
}

/// Passwords of tutorials; a database behind one of them is open.
const EXAMPLE_PASSWORDS: [&str; 6] = [
    "password",
    "changeme",
    "change-me",
    "secret",
    "example",
    "postgres",
];

impl DatabaseConfig {
    pub(super) fn check(&self, demo: bool, faults: &mut Faults) {
        let url = self.url.expose();
        if !url.is_empty() && !url.starts_with("sqlite:") {
            match Url::parse(url) {
                Ok(parsed) if matches!(parsed.scheme(), "postgres" | "postgresql") => {
                    if !demo
                        && parsed
                            .password()
                            .is_some_and(|word| EXAMPLE_PASSWORDS.contains(&word))
                    {
                        faults.at("database.url", "has an example password; set a real one");
                    }
                }
                Ok(_) | Err(_) => {
                    faults.at(
                        "database.url",
                        "must be sqlite://path or postgres://user:password@host:port/name",
                    );
                }
            }
        }
        faults.within("database.connections_max", self.connections_max, &(1..=1_000));
        faults.within(
            "database.acquire_timeout_ms",
            self.acquire_timeout_ms,
            &(10..=60_000),
        );
        faults.within(
            "database.statement_timeout_ms",
            self.statement_timeout_ms,
            &(100..=600_000),
        );
    }
}
