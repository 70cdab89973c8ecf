//! Any bytes are a protobuf exposition or are refused, and known series read like new ones.
#![no_main]

use bellwether_exposition::{CreatedHandling, NativeHistograms, ProtobufReader};
use bellwether_fuzz::read_twice;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    for native in [NativeHistograms::Ignore, NativeHistograms::Instead, NativeHistograms::Beside] {
        read_twice(|| ProtobufReader::new(body, native, CreatedHandling::StartTimestamp));
    }
});
