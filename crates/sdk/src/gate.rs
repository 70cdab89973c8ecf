//! Many may count at once; whoever changes what the cells mean is alone for a moment.
//!
//! A child that is forked while another thread counts has that thread's count but not the thread, and whoever wants to be alone there waits for ever. So memory that a child takes over has to
//! begin with open gates: the word is zero then.

use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{hint, thread};

/// Set while somebody is alone. The lower bits are how many are counting.
const CLOSED: u64 = 1 << 63;
/// How often to look again before the processor is left to others: who is waited for has a few hundred instructions to go.
const SPINS: u32 = 64;

/// A cell that says who is at the others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gate {
    cell: &'static AtomicU64,
}

impl Gate {
    pub(crate) fn of(cell: &'static AtomicU64) -> Self {
        Self { cell }
    }

    /// Calls `count`, at the same time as others do.
    #[inline]
    pub(crate) fn shared<T>(self, count: impl FnOnce() -> T) -> T {
        if self.cell.fetch_add(1, Ordering::Acquire) & CLOSED != 0 {
            self.wait_outside();
        }
        let counted = count();
        self.cell.fetch_sub(1, Ordering::Release);
        counted
    }

    #[cold]
    fn wait_outside(self) {
        let mut spins = 0;
        loop {
            self.cell.fetch_sub(1, Ordering::Relaxed);
            while self.cell.load(Ordering::Relaxed) & CLOSED != 0 {
                pause(&mut spins);
            }
            if self.cell.fetch_add(1, Ordering::Acquire) & CLOSED == 0 {
                return;
            }
        }
    }

    /// Calls `change` while nobody counts.
    pub(crate) fn alone<T>(self, change: impl FnOnce() -> T) -> T {
        self.close();
        let changed = change();
        self.open();
        changed
    }

    /// Waits until nobody counts any more, and lets nobody begin.
    pub(crate) fn close(self) {
        let mut spins = 0;
        while self.cell.fetch_or(CLOSED, Ordering::Acquire) & CLOSED != 0 {
            pause(&mut spins);
        }
        while self.cell.load(Ordering::Acquire) != CLOSED {
            pause(&mut spins);
        }
    }

    /// Lets others count again, by whoever closed it.
    pub(crate) fn open(self) {
        self.cell.fetch_and(!CLOSED, Ordering::Release);
    }
}

fn pause(spins: &mut u32) {
    *spins += 1;
    if spins.is_multiple_of(SPINS) {
        thread::yield_now();
    } else {
        hint::spin_loop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_changes_is_alone() {
        let cells: &'static [AtomicU64] = Vec::leak((0..3).map(|_| AtomicU64::new(0)).collect());
        let gate = Gate::of(&cells[0]);
        let add = |idx: usize| cells[idx].store(cells[idx].load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..2_000 {
                        // Not one atomic step, so two at a time would lose some.
                        gate.alone(|| add(1));
                        gate.shared(|| cells[2].fetch_add(1, Ordering::Relaxed));
                    }
                });
            }
        });
        let value = |idx: usize| cells[idx].load(Ordering::Relaxed);
        assert_eq!((value(0), value(1), value(2)), (0, 8_000, 8_000));
    }
}
