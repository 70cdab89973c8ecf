//! Any bytes are an OpenMetrics exposition or are refused, known series read like new ones, and what the strict validator takes can be read.
#![no_main]

use bellwether_exposition::{CreatedHandling, Reader, validate_openmetrics};
use bellwether_fuzz::read_twice;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    read_twice(|| Reader::openmetrics(body, CreatedHandling::Series));
    read_twice(|| Reader::openmetrics(body, CreatedHandling::StartTimestamp));
    if validate_openmetrics(body).is_ok() {
        assert!(Reader::openmetrics(body, CreatedHandling::Series).all(|event| event.is_ok()));
    }
});
