//! The HTTP edge: authenticates, bounds and answers requests.
