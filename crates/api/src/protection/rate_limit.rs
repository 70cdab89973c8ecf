//! A bucket of tokens: one for each request.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How many requests are answered, whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// How long it takes until there is one more token; more than nothing.
    pub interval: Duration,
    /// How many there are at most, and at the start.
    pub burst: u32,
}

#[derive(Debug)]
pub(super) struct Bucket {
    limit: RateLimit,
    /// How many tokens there were, and when that was.
    tokens: Mutex<(f64, Instant)>,
}

impl Bucket {
    pub(super) fn new(limit: RateLimit, now: Instant) -> Self {
        Self { limit, tokens: Mutex::new((f64::from(limit.burst), now)) }
    }

    /// Takes a token if there is one.
    pub(super) fn take(&self, now: Instant) -> bool {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, at) = *tokens;
        let come = now.saturating_duration_since(at).as_secs_f64() / self.limit.interval.as_secs_f64();
        let there = (left + come).min(f64::from(self.limit.burst));
        let is_there = there >= 1.0;
        *tokens = (if is_there { there - 1.0 } else { there }, now.max(at));
        is_there
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_followed_by_one_for_each_interval() {
        let start = Instant::now();
        let bucket = Bucket::new(RateLimit { interval: Duration::from_secs(2), burst: 3 }, start);
        let at = |seconds: u64, want: bool| {
            assert_eq!(bucket.take(start + Duration::from_secs(seconds)), want, "{seconds}");
        };
        for want in [true, true, true, false] {
            at(0, want);
        }
        at(1, false);
        at(2, true);
        at(3, false);
        at(4, true);
        // After a long time there are no more than the burst.
        for want in [true, true, true, false] {
            at(1_000, want);
        }
    }
}
