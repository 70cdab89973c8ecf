use std::collections::VecDeque;

/// Calls that are looked at.
const WINDOW: usize = 20;
/// Calls before a verdict.
const MIN_CALLS: usize = 10;
/// Share of failures that opens the breaker.
const OPEN_AT: f64 = 0.5;
/// Good probes in a row that close it again.
const PROBES: u32 = 3;
/// The first rest after opening; it doubles with each probe that fails.
const REST_MS: i64 = 30 * 1000;
/// The longest rest.
const REST_MS_MAX: i64 = 4 * 60 * 1000;

/// The codes are those of the gauge: 0, 1 and 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BreakerState {
    Closed = 0,
    Open = 1,
    HalfOpen = 2,
}

/// A circuit breaker: opens when half of the recent calls failed, rests, then lets probes through; each probe that fails doubles the rest.
#[derive(Debug)]
pub(crate) struct Breaker {
    state: BreakerState,
    recent: VecDeque<bool>,
    rest_ms: i64,
    probe_at_ms: i64,
    good_probes: u32,
    probing: bool,
}

impl Breaker {
    pub(crate) fn new() -> Self {
        Self {
            state: BreakerState::Closed,
            recent: VecDeque::new(),
            rest_ms: REST_MS,
            probe_at_ms: 0,
            good_probes: 0,
            probing: false,
        }
    }

    pub(crate) fn state(&self) -> BreakerState {
        self.state
    }

    /// Whether a call may go out now.
    pub(crate) fn admit(&mut self, ts_ms: i64) -> bool {
        match self.state {
            BreakerState::Closed => true,
            BreakerState::Open if ts_ms < self.probe_at_ms => false,
            BreakerState::Open => {
                self.state = BreakerState::HalfOpen;
                self.good_probes = 0;
                self.probing = true;
                true
            }
            BreakerState::HalfOpen => !std::mem::replace(&mut self.probing, true),
        }
    }

    /// Takes note of the end of a call that was admitted.
    pub(crate) fn record(&mut self, ts_ms: i64, worked: bool) {
        match self.state {
            BreakerState::Closed => {
                if self.recent.len() == WINDOW {
                    self.recent.pop_front();
                }
                self.recent.push_back(worked);
                let failed = self.recent.iter().filter(|worked| !**worked).count();
                if self.recent.len() >= MIN_CALLS && failed as f64 >= OPEN_AT * self.recent.len() as f64 {
                    self.rest_ms = REST_MS;
                    self.open(ts_ms);
                }
            }
            BreakerState::HalfOpen if worked => {
                self.probing = false;
                self.good_probes += 1;
                if self.good_probes >= PROBES {
                    *self = Self::new();
                }
            }
            BreakerState::HalfOpen => {
                self.rest_ms = (self.rest_ms * 2).min(REST_MS_MAX);
                self.open(ts_ms);
            }
            // A call from before the breaker opened: its verdict is already spoken.
            BreakerState::Open => {}
        }
    }

    fn open(&mut self, ts_ms: i64) {
        self.state = BreakerState::Open;
        self.probe_at_ms = ts_ms + self.rest_ms;
        self.recent.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_probes_and_closes() {
        let mut breaker = Breaker::new();
        for _ in 0..MIN_CALLS {
            assert!(breaker.admit(0));
            breaker.record(0, false);
        }
        assert_eq!(breaker.state(), BreakerState::Open);
        assert!(!breaker.admit(REST_MS - 1));
        assert!(breaker.admit(REST_MS), "a probe");
        assert!(!breaker.admit(REST_MS), "one probe at a time");
        breaker.record(REST_MS, false);
        assert!(!breaker.admit(REST_MS * 3 - 1), "the second rest is twice as long");
        for _ in 0..PROBES {
            assert!(breaker.admit(REST_MS * 3));
            breaker.record(REST_MS * 3, true);
        }
        assert_eq!(breaker.state(), BreakerState::Closed);
    }

    #[test]
    fn a_few_failures_do_not_open_it() {
        let mut breaker = Breaker::new();
        for i in 0..200 {
            assert!(breaker.admit(i));
            breaker.record(i, i % 4 != 0);
        }
        assert_eq!(breaker.state(), BreakerState::Closed);
    }
}
