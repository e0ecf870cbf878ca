//! Logs and metrics: one subscriber, one registry, no personal data in either.
