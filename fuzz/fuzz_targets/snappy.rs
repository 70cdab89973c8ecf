//! The compressed body of a write request is decompressed and decoded or refused, within the limits.
#![no_main]

use bellwether_wire::{WriteLimits, receive_write};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let limits = WriteLimits { max_decoded_bytes: 1 << 20, ..WriteLimits::default() };
    let mut message = Vec::new();
    let _ = receive_write(body, &limits, &mut message);
    assert!(message.len() <= limits.max_decoded_bytes);
});
