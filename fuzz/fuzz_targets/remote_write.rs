//! Any bytes are a `prometheus.WriteRequest` or are refused, within the limits.
#![no_main]

use bellwether_wire::{WriteLimits, decode_write_request};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|message: &[u8]| {
    let limits = WriteLimits { max_entries: 1_000, max_histogram_buckets: 100, ..WriteLimits::default() };
    if let Ok(decoded) = decode_write_request(message, &limits) {
        let batch = &decoded.batch;
        assert!(batch.samples.len() + batch.exemplars.len() + batch.metadata.len() <= limits.max_entries);
    }
});
