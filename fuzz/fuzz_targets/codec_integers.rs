//! Any bytes are columns of integers and of times or are refused, and what was read is written so that it reads the same.
#![no_main]

use bellwether_tsdb::fuzzing::{integers, times};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    integers(bytes);
    times(bytes);
});
