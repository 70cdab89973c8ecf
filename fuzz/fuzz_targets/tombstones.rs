//! A store starts with any deletions of a part, and finds the same when it starts again.
#![no_main]

use bellwether_disk::SegmentKind;
use bellwether_fuzz::store::{Store, TOMBSTONES, frames};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    Store::with_part().with(TOMBSTONES, frames(bytes.to_vec(), SegmentKind::Tombstones)).read();
});
