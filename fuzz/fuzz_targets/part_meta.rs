//! A store starts with any description of a part, or puts the part aside.
#![no_main]

use bellwether_fuzz::store::{DESCRIPTION, Store};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| Store::with_part().with(DESCRIPTION, bytes.to_vec()).read());
