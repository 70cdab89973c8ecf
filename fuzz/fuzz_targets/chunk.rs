//! Any bytes are a chunk of a checkpoint or are refused, and what was read is written so that it reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| bellwether_tsdb::fuzzing::chunk(bytes));
