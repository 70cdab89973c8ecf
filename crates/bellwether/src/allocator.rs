//! The allocator of the process.

use std::ffi::c_long;

use libmimalloc_sys::{mi_option_set, mi_option_t};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` in `mimalloc.h`; the bindings have no name for it.
const PURGE_DELAY: mi_option_t = 15;
/// How long memory that was freed is kept for the next allocation before the kernel gets it back, in milliseconds.
///
/// The allocator's own second is long for a process whose threads take turns with large buffers: after a cut, which empties the head, twice as
/// much stayed resident as was in use. With none at all, ingest spends a tenth more of its processor time in the kernel.
const PURGE_DELAY_MS: c_long = 10;

/// Sets the allocator up. To be called once, first of all.
pub(crate) fn configure() {
    #[expect(unsafe_code, reason = "the bindings of the allocator's options are foreign functions")]
    // SAFETY: the option exists in this version, and it takes any number. It is a plain word that the allocator reads when it next frees memory.
    unsafe {
        mi_option_set(PURGE_DELAY, PURGE_DELAY_MS);
    }
}
