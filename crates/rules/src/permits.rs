use std::sync::atomic::{AtomicUsize, Ordering};

/// How many rules may be evaluated beside those that are evaluated in order.
#[derive(Debug)]
pub(crate) struct Permits(AtomicUsize);

impl Permits {
    pub(crate) fn new(n: usize) -> Self {
        Self(AtomicUsize::new(n))
    }

    /// A permit, if one is left. It is given back when it is dropped.
    pub(crate) fn try_take(&self) -> Option<Permit<'_>> {
        let taken = self.0.fetch_update(Ordering::Acquire, Ordering::Relaxed, |left| left.checked_sub(1));
        taken.is_ok().then_some(Permit(self))
    }
}

#[derive(Debug)]
pub(crate) struct Permit<'a>(&'a Permits);

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, Ordering::Release);
    }
}
