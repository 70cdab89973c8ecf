//! A snapshot with any list is copied or refused, and nothing is written outside of its folder.
#![no_main]

use bellwether_fuzz::store::{copy_snapshot, lines};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| copy_snapshot(lines(bytes)));
