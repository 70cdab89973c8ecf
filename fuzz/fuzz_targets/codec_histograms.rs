//! Any bytes are a column of native histograms or are refused, and what was read is written so that it reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| bellwether_tsdb::fuzzing::histograms(bytes));
