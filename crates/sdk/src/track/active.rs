//! The operations that are under way on a thread.

use std::cell::RefCell;

thread_local! {
    /// The outermost first.
    static ACTIVE: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// An operation that is under way on this thread until this is dropped.
pub(super) struct Entered {
    /// How many were under way before. What a panic left behind goes with it.
    outer: usize,
}

/// Whether an operation is under way on this thread.
pub(super) fn is_active(operation: u64) -> bool {
    with(|active| active.contains(&operation)).unwrap_or(false)
}

impl Entered {
    /// `None` if the operation is under way already.
    #[inline]
    pub(super) fn first(operation: u64) -> Option<Self> {
        (!is_active(operation)).then(|| Self::new(operation))
    }

    #[inline]
    pub(super) fn new(operation: u64) -> Self {
        let outer = with(|active| {
            active.push(operation);
            active.len() - 1
        });
        Self { outer: outer.unwrap_or(0) }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        with(|active| active.truncate(self.outer));
    }
}

/// `None` while the thread ends: then nothing is nested.
#[inline]
fn with<T>(f: impl FnOnce(&mut Vec<u64>) -> T) -> Option<T> {
    ACTIVE.try_with(|active| active.try_borrow_mut().ok().map(|mut active| f(&mut active))).ok().flatten()
}
