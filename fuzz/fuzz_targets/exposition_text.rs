//! Any bytes are a text exposition or are refused, and known series read like new ones.
#![no_main]

use bellwether_exposition::Reader;
use bellwether_fuzz::read_twice;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| read_twice(|| Reader::text(body)));
