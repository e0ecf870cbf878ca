//! A county department's system to try the gateway against; shares no types with upstream/.
