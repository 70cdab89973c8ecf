//! A store starts with any checkpoint, or says why not, and finds the same when it starts again.
#![no_main]

use bellwether_disk::SegmentKind;
use bellwether_fuzz::store::{CHECKPOINT_FILE, Store, frames};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    Store::without_parts().with(CHECKPOINT_FILE, frames(bytes.to_vec(), SegmentKind::Checkpoint)).read();
});
