use bellwether_model::Labels;

/// When a group is evaluated: at the multiples of its interval, moved by an offset that depends only on what the group is called. So a restart changes nothing, the
/// groups of a server are spread over the interval, and two servers with the same files evaluate the same times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Schedule {
    interval_ms: i64,
    offset_ms: i64,
}

impl Schedule {
    /// The slots of the group `name` of `file`.
    pub(crate) fn new(interval_ms: i64, file: &str, name: &str) -> Self {
        let interval_ms = interval_ms.max(1);
        let hash = Labels::from_pairs([("file", file), ("name", name)]).hash64();
        Self { interval_ms, offset_ms: (hash % interval_ms.unsigned_abs()) as i64 }
    }

    pub(crate) fn interval_ms(self) -> i64 {
        self.interval_ms
    }

    /// The last slot that is not after `now_ms`.
    pub(crate) fn last_at(self, now_ms: i64) -> i64 {
        let since = now_ms.saturating_sub(self.offset_ms);
        now_ms - since.rem_euclid(self.interval_ms)
    }

    /// The first slot after `now_ms`.
    pub(crate) fn next_after(self, now_ms: i64) -> i64 {
        self.last_at(now_ms) + self.interval_ms
    }

    /// The slot to evaluate at `now_ms` if `next_ms` was to be next, and how many before it are left out; `None` while it is too early.
    pub(crate) fn due(self, next_ms: i64, now_ms: i64) -> Option<(i64, u64)> {
        let slot_ms = self.last_at(now_ms);
        let missed = slot_ms.checked_sub(next_ms)?.checked_div(self.interval_ms)?;
        (slot_ms >= next_ms).then_some((slot_ms, missed.unsigned_abs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_do_not_depend_on_when_somebody_asks() {
        let schedule = Schedule::new(15_000, "rules.yml", "g");
        let slot = schedule.next_after(1_700_000_000_000);
        for now_ms in [slot, slot + 1, slot + 14_999] {
            assert_eq!(schedule.last_at(now_ms), slot);
            assert_eq!(schedule.next_after(now_ms), slot + 15_000);
        }
        assert_eq!(schedule.last_at(slot - 1), slot - 15_000);
        let other = Schedule::new(15_000, "rules.yml", "h");
        assert_ne!(other.last_at(slot), slot, "another group has other slots");
        assert_eq!(Schedule::new(15_000, "rules.yml", "g"), schedule);
    }

    #[test]
    fn late_slots_are_left_out_and_counted() {
        let schedule = Schedule::new(10, "f", "g");
        let next = schedule.next_after(1000);
        assert_eq!(schedule.due(next, next - 1), None);
        assert_eq!(schedule.due(next, next), Some((next, 0)));
        assert_eq!(schedule.due(next, next + 9), Some((next, 0)));
        assert_eq!(schedule.due(next, next + 35), Some((next + 30, 3)));
        // Somebody has set the clock back.
        assert_eq!(schedule.due(next, next - 1_000), None);
    }
}
