//! A store reads any columns of a part, or leaves out what cannot be read. The first byte chooses the file.
#![no_main]

use bellwether_fuzz::store::{Store, paged};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, data)) = bytes.split_first() else { return };
    let (name, kind) = [("ts.bin", 1), ("val.bin", 2), ("hist.bin", 3)][usize::from(choice % 3)];
    Store::with_part().with(name, paged(data, kind)).read();
});
