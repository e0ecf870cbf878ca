//! Upstream systems: translate, send once, say honestly what happened.
