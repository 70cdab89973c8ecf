use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// After so many failures in a row a service is left alone.
const FAILURES_MAX: u32 = 5;
/// For so long; then one message tries whether it is back.
const OPEN_FOR: Duration = Duration::from_secs(15);
/// While that one is under way the others ask again so often.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// Whether messages go to a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Circuit {
    /// They do.
    Closed,
    /// The service has failed too often, or wants to be left alone: they wait.
    Open,
}

impl Circuit {
    /// The name in APIs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
        }
    }
}

/// Keeps messages from a service that fails, so that it gets one attempt every now and then and not those of all groups.
///
/// It knows no clock: whoever asks says what time it is.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    open_until: Option<Instant>,
    is_probing: bool,
    why: String,
}

/// Leave to make one attempt; without a verdict the next one may try instead.
#[derive(Debug)]
pub(super) struct Attempt<'b> {
    breaker: &'b Breaker,
    is_probe: bool,
}

/// An attempt is not to be made now.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Closed {
    pub(super) until: Instant,
    /// The last failure.
    pub(super) why: String,
}

impl Breaker {
    pub(super) fn admit(&self, now: Instant) -> Result<Attempt<'_>, Closed> {
        let mut state = self.state.lock();
        let Some(until) = state.open_until else { return Ok(Attempt { breaker: self, is_probe: false }) };
        if now < until || state.is_probing {
            return Err(Closed { until: until.max(now + ASK_AGAIN), why: state.why.clone() });
        }
        state.is_probing = true;
        Ok(Attempt { breaker: self, is_probe: true })
    }

    pub(super) fn circuit(&self) -> Circuit {
        if self.state.lock().open_until.is_some() { Circuit::Open } else { Circuit::Closed }
    }
}

impl Attempt<'_> {
    /// The service answered as one that works.
    pub(super) fn succeeded(self) {
        *self.breaker.state.lock() = State::default();
    }

    /// It did not, because of `why`. `retry_after` is what it said about when to come back.
    pub(super) fn failed(self, now: Instant, why: &str, retry_after: Option<Duration>) {
        let mut state = self.breaker.state.lock();
        state.failures = state.failures.saturating_add(1);
        why.clone_into(&mut state.why);
        let tired = (state.failures >= FAILURES_MAX).then_some(OPEN_FOR);
        let wait = tired.max(retry_after).filter(|wait| !wait.is_zero());
        if let Some(wait) = wait {
            state.open_until = state.open_until.max(Some(now + wait));
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if self.is_probe {
            self.breaker.state.lock().is_probing = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(breaker: &Breaker, now: Instant, times: u32) {
        for _ in 0..times {
            breaker.admit(now).expect("closed").failed(now, "500", None);
        }
    }

    #[test]
    fn opens_probes_and_closes() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        fail(&breaker, start, FAILURES_MAX - 1);
        assert_eq!(breaker.circuit(), Circuit::Closed);
        fail(&breaker, start, 1);
        assert_eq!(breaker.circuit(), Circuit::Open);
        let refused = breaker.admit(start).expect_err("open");
        assert_eq!(refused, Closed { until: start + OPEN_FOR, why: "500".to_owned() });
        let later = start + OPEN_FOR;
        let probe = breaker.admit(later).expect("one may try");
        assert_eq!(breaker.admit(later).expect_err("only one").until, later + ASK_AGAIN);
        probe.failed(later, "503", None);
        assert_eq!(breaker.admit(later).expect_err("still open").until, later + OPEN_FOR);
        let last = later + OPEN_FOR;
        breaker.admit(last).expect("one may try").succeeded();
        assert_eq!(breaker.circuit(), Circuit::Closed);
        fail(&breaker, last, FAILURES_MAX - 1);
        assert_eq!(breaker.circuit(), Circuit::Closed, "it counts anew");
    }

    #[test]
    fn a_probe_that_is_given_up_leaves_room_for_the_next() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        fail(&breaker, start, FAILURES_MAX);
        drop(breaker.admit(start + OPEN_FOR).expect("one may try"));
        assert!(breaker.admit(start + OPEN_FOR).is_ok());
    }

    #[test]
    fn a_service_that_names_a_time_is_left_alone_till_then() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        let attempt = breaker.admit(start).expect("closed");
        attempt.failed(start, "429", Some(Duration::from_secs(90)));
        assert_eq!(breaker.admit(start).expect_err("open").until, start + Duration::from_secs(90));
        assert!(breaker.admit(start + Duration::from_secs(90)).is_ok());
    }
}
