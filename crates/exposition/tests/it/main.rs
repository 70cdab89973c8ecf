//! The crate's behaviour as others see it.
mod conformance;
mod round_trip;
