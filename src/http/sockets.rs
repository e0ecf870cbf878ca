//! How many sockets and event streams each principal holds open.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::graphql::budget::Payer;

/// Open connections by principal, or by source for those without a token.
#[derive(Debug, Clone)]
pub struct SocketCounts {
    open: Arc<Mutex<HashMap<Payer, usize>>>,
    max: usize,
}

impl SocketCounts {
    /// No connection yet, and at most `max` each.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self {
            open: Arc::default(),
            max,
        }
    }

    /// Counts one more connection until the guard is dropped; `None` when that would be one too many.
    #[must_use]
    pub fn open(&self, payer: Payer) -> Option<SocketGuard> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(payer.clone()).or_default();
        if *count >= self.max {
            return None;
        }
        *count += 1;
        Some(SocketGuard {
            open: Arc::clone(&self.open),
            payer,
        })
    }
}

/// One counted connection.
#[derive(Debug)]
pub struct SocketGuard {
    open: Arc<Mutex<HashMap<Payer, usize>>>,
    payer: Payer,
}

impl Drop for SocketGuard {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.payer) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.remove(&self.payer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    #[test]
    fn a_principal_holds_no_more_than_its_share_and_gets_it_back() {
        let counts = SocketCounts::new(2);
        let payer = || Payer::Source(IpAddr::from([192, 0, 2, 1]));
        let first = counts.open(payer()).unwrap();
        let _second = counts.open(payer()).unwrap();
        assert!(counts.open(payer()).is_none());
        assert!(counts.open(Payer::Source(IpAddr::from([192, 0, 2, 2]))).is_some());
        drop(first);
        assert!(counts.open(payer()).is_some());
    }
}
