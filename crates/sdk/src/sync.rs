//! Atomics and threads under names of our own, so that `crates/sdk/loom` can put others in their place and try every order of steps in the files that use them.

pub(crate) use std::sync::atomic;
pub(crate) use std::{hint, thread};
