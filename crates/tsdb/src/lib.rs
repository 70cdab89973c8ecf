//! The time series store: head, log, parts, index, retention.
