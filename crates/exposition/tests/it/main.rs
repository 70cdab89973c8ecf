//! The crate's behaviour as others see it.
mod conformance;
mod mutation;
mod protobuf;
mod protobuf_writer;
mod round_trip;
