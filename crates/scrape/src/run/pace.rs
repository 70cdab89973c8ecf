use std::time::Duration;

/// Below this, reading and storing a body counts as quick. It is what the other tasks of the thread may have to wait.
const QUICK: Duration = Duration::from_millis(1);
/// A larger body is never expected to be quick, whatever the one before was: this many bytes are read in about a millisecond.
const QUICK_BYTES: usize = 512 << 10;

/// Whether the bodies of a target are stored so quickly that handing them to another thread would cost more than it gains.
///
/// With a thousand samples the way there and back, two threads woken from their sleep, costs about half of what reading and storing does. A
/// guess may be wrong, because stores get busy; then the next body of the target goes to a thread that may block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Pace {
    /// The last body was quick.
    quick: bool,
}

impl Pace {
    /// Whether a body of this size is likely to be quick.
    pub(super) fn is_quick(self, body_bytes: usize) -> bool {
        self.quick && body_bytes <= QUICK_BYTES
    }

    /// Learns how long the last body took.
    pub(super) fn record(&mut self, took: Duration) {
        self.quick = took <= QUICK;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_by_the_last_time() {
        let mut pace = Pace::default();
        assert!(!pace.is_quick(0), "nothing is known of the target");
        pace.record(QUICK);
        assert!(pace.is_quick(QUICK_BYTES));
        assert!(!pace.is_quick(QUICK_BYTES + 1), "it has grown");
        pace.record(QUICK * 2);
        assert!(!pace.is_quick(0), "it was slow");
    }
}
