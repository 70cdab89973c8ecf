use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::Ordering;

use crate::core::Core;
use crate::labels::Labels;
use crate::region::process;

/// What does not change while the process runs, as labels of a series whose value is always 1: versions, build settings, the model that is used.
pub struct Info<L> {
    core: &'static Core,
    labels: PhantomData<fn(L)>,
}

/// How many cells an info has: when it was said, which decides between processes.
pub(crate) const N_CELLS: usize = 1;

impl<L: Labels> Info<L> {
    pub(crate) fn new(core: &'static Core) -> Self {
        Self { core, labels: PhantomData }
    }

    /// Says what holds from now on, instead of what was said before.
    #[expect(clippy::needless_pass_by_value, reason = "labels are written where they are used")]
    pub fn set(&self, labels: L::At<'_>) {
        let [stamp] = self.core.replace(&labels).array::<N_CELLS>();
        stamp.store(process::uptime_ns(), Ordering::Relaxed);
    }
}

impl<L> Clone for Info<L> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<L> Copy for Info<L> {}

impl<L> fmt::Debug for Info<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Info({})", self.core.description.name)
    }
}
