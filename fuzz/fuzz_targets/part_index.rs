//! A store starts with any index of a part, or puts the part aside.
#![no_main]

use bellwether_fuzz::store::{Store, sectioned};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some(file) = sectioned(bytes, 5) {
        Store::with_part().with("index.bin", file).read();
    }
});
