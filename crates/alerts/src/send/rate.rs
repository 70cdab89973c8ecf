use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// At most so many messages per minute: that many at once, then one after the other.
///
/// It knows no clock: whoever asks says what time it is.
#[derive(Debug)]
pub struct RateLimit {
    between: Duration,
    burst: Duration,
    /// When the messages that were let through would have gone had they gone evenly.
    next: Mutex<Option<Instant>>,
}

impl RateLimit {
    /// `per_minute` messages; at least one.
    pub fn new(per_minute: u32) -> Self {
        let between = Duration::from_mins(1) / per_minute.max(1);
        Self { between, burst: between * per_minute.saturating_sub(1), next: Mutex::new(None) }
    }

    /// When the next message may go, which is taken for sent then. `None` if that is not before `deadline`; nothing is taken then.
    pub(super) fn reserve(&self, now: Instant, deadline: Instant) -> Option<Instant> {
        let mut next = self.next.lock();
        let even = next.map_or(now, |next| next.max(now));
        let at = even.checked_sub(self.burst).map_or(now, |at| at.max(now));
        if at > now && at >= deadline {
            return None;
        }
        *next = Some(even + self.between);
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_at_once_then_one_after_the_other() {
        let (limit, start) = (RateLimit::new(3), Instant::now());
        let after = |secs| start + Duration::from_secs(secs);
        let far = after(3600);
        let times: Vec<Instant> = (0..5).filter_map(|_| limit.reserve(start, far)).collect();
        assert_eq!(times, [start, start, start, after(20), after(40)]);
        assert_eq!(limit.reserve(start, after(60)), None, "its turn is too late");
        assert_eq!(limit.reserve(start, after(61)), Some(after(60)), "nobody took it");
        assert_eq!(limit.reserve(after(600), far), Some(after(600)), "all is forgotten after a while");
    }
}
