//! The demo platforms: simulated services that expose real metrics.
