//! A store starts with any segment of its log, or says why not, and finds the same when it starts again.
#![no_main]

use bellwether_disk::SegmentKind;
use bellwether_fuzz::store::{SEGMENT_FILE, Store, frames};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    Store::without_parts().with(SEGMENT_FILE, frames(bytes.to_vec(), SegmentKind::Log)).read();
});
