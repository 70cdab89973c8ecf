//! The one HTTP client for all outgoing requests, and its configuration.
