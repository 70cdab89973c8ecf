//! The whole program, as its users meet it: real processes, real peers, loopback only.
#![expect(clippy::missing_panics_doc, missing_docs, unreachable_pub, reason = "a test binary has no callers")]

mod support;

mod bad_input;
mod crash;
mod http_api;
mod peers;
mod readme;
mod reload;
mod scraping;
mod startup;
