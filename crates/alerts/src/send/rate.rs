use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::gate::Gate;

/// At most so many messages per minute: that many at once, then one after the other, who waits longest first.
#[derive(Debug)]
pub struct RateLimit {
    per_minute: u32,
    bucket: Mutex<Bucket>,
    /// Only one waits for the next message to be allowed; the others wait for that one.
    turns: Arc<Gate>,
}

/// It knows no clock: whoever asks says what time it is.
#[derive(Debug)]
struct Bucket {
    between: Duration,
    burst: Duration,
    /// When the messages that were let through would have gone had they gone evenly.
    next: Option<Instant>,
}

impl RateLimit {
    /// `per_minute` messages; at least one.
    pub fn new(per_minute: u32) -> Self {
        let between = Duration::from_mins(1) / per_minute.max(1);
        let bucket = Bucket { between, burst: between * per_minute.saturating_sub(1), next: None };
        Self { per_minute, bucket: Mutex::new(bucket), turns: Arc::new(Gate::new(1)) }
    }

    /// How many there may be.
    pub(crate) fn per_minute(&self) -> u32 {
        self.per_minute
    }

    /// Waits until a message may go, which is taken for sent then. Whether that is before `deadline`; if not nothing is taken. `since_ms` is since when somebody is to be told.
    pub(super) async fn pass(&self, since_ms: i64, deadline: Instant) -> bool {
        let Ok(_turn) = timeout_at(deadline, self.turns.enter(since_ms)).await else { return false };
        let now = Instant::now();
        let at = self.bucket.lock().free_at(now);
        if at > now && at >= deadline {
            return false;
        }
        sleep_until(at).await;
        self.bucket.lock().take(Instant::now());
        true
    }
}

impl Bucket {
    /// When the next message may go.
    fn free_at(&self, now: Instant) -> Instant {
        let even = self.next.map_or(now, |next| next.max(now));
        even.checked_sub(self.burst).map_or(now, |at| at.max(now))
    }

    /// A message goes.
    fn take(&mut self, now: Instant) {
        self.next = Some(self.next.map_or(now, |next| next.max(now)) + self.between);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_at_once_then_one_after_the_other() {
        let (limit, start) = (RateLimit::new(3), Instant::now());
        let mut bucket = limit.bucket.lock();
        let mut pass = |asked: Instant| {
            let at = bucket.free_at(asked);
            bucket.take(at);
            at.duration_since(start).as_secs()
        };
        assert_eq!([(); 5].map(|()| pass(start)), [0, 0, 0, 20, 40]);
        let later = start + Duration::from_mins(10);
        assert_eq!([(); 4].map(|()| pass(later)), [600, 600, 600, 620], "all is forgotten after a while");
    }

    #[tokio::test]
    async fn a_turn_that_comes_too_late_is_left_to_others() {
        let limit = RateLimit::new(1);
        let (soon, far) =
            (Instant::now() + Duration::from_secs(50), Instant::now() + Duration::from_hours(1));
        assert!(limit.pass(0, far).await);
        let next = limit.bucket.lock().next;
        assert!(!limit.pass(0, soon).await, "only in a minute, and that is known at once");
        assert_eq!(limit.bucket.lock().next, next);
        // While one waits for its turn so do all others.
        let first = limit.turns.enter(0).await;
        assert!(!limit.pass(0, Instant::now()).await);
        drop(first);
    }
}
