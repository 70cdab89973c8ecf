//! A store starts with any list of its parts, or says why not.
#![no_main]

use bellwether_fuzz::store::{MANIFEST, Store, lines};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| Store::with_part().with(MANIFEST, lines(bytes)).read());
