use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::error::QueryError;

/// Counts the samples that a query holds at once. Clones share the count.
#[derive(Debug, Clone)]
pub(crate) struct SampleCounter {
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    held: AtomicUsize,
    peak: AtomicUsize,
    max: usize,
}

impl SampleCounter {
    pub(crate) fn new(max: usize) -> Self {
        Self { state: Arc::new(State { held: AtomicUsize::new(0), peak: AtomicUsize::new(0), max }) }
    }

    /// The largest number of samples that were held at once.
    pub(crate) fn peak(&self) -> usize {
        self.state.peak.load(Ordering::Relaxed)
    }

    /// Nothing held yet, to be grown.
    pub(crate) fn lease(&self) -> SampleLease {
        SampleLease { state: Arc::clone(&self.state), held: 0 }
    }
}

/// Samples that are held, until this is dropped.
#[derive(Debug)]
pub(crate) struct SampleLease {
    state: Arc<State>,
    held: usize,
}

impl SampleLease {
    /// How many samples are held.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    /// Says that from now on `held` samples are held instead of what was said before.
    pub(crate) fn set(&mut self, held: usize) -> Result<(), QueryError> {
        if held < self.held {
            self.state.held.fetch_sub(self.held - held, Ordering::Relaxed);
            self.held = held;
            return Ok(());
        }
        let more = held - self.held;
        let all = self.state.held.fetch_add(more, Ordering::Relaxed) + more;
        self.held = held;
        self.state.peak.fetch_max(all, Ordering::Relaxed);
        if all > self.state.max {
            return Err(QueryError::TooManySamples { during: "query execution" });
        }
        Ok(())
    }
}

impl Drop for SampleLease {
    fn drop(&mut self) {
        self.state.held.fetch_sub(self.held, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_is_held_at_once() {
        let counter = SampleCounter::new(10);
        let mut a = counter.lease();
        let mut b = counter.lease();
        a.set(6).expect("fits");
        b.set(4).expect("fits");
        let error = b.set(5).expect_err("one too many");
        assert_eq!(
            error.to_string(),
            "query processing would load too many samples into memory in query execution"
        );
        drop(a);
        b.set(1).expect("fits");
        assert_eq!(counter.peak(), 11);
        drop(b);
        counter.lease().set(10).expect("all were given back");
    }
}
