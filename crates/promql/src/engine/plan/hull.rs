use bellwether_model::TimeRange;

use super::Reference;
use crate::syntax::RangeMode;

/// The first and the last time at which a part of a query is evaluated.
#[derive(Debug, Clone, Copy)]
pub(super) struct Evaluations {
    pub(super) first_ms: i64,
    pub(super) last_ms: i64,
}

impl Evaluations {
    /// The times to which a selector or subquery inside the part refers.
    pub(super) fn referred(self, reference: Reference) -> Self {
        Self { first_ms: reference.time_ms(self.first_ms), last_ms: reference.time_ms(self.last_ms) }
    }

    /// The times at which the operand of a subquery is evaluated, given the times to which the subquery refers.
    pub(super) fn of_subquery(self, range_ms: i64) -> Self {
        Self { first_ms: self.first_ms.saturating_sub(range_ms), last_ms: self.last_ms }
    }

    /// All samples that an instant selector may look at, given the times to which it refers. The lookback window is open on the left.
    pub(super) fn of_instant(self, lookback_ms: i64, mode: RangeMode) -> TimeRange {
        self.widened(lookback_ms, if mode == RangeMode::Smoothed { lookback_ms } else { 0 })
    }

    /// All samples that a range selector may look at, given the times to which it refers. The window is open on the left.
    pub(super) fn of_range(self, range_ms: i64, lookback_ms: i64, mode: RangeMode) -> TimeRange {
        let (before, after) = match mode {
            RangeMode::Plain => (0, 0),
            RangeMode::Anchored => (lookback_ms, 0),
            RangeMode::Smoothed => (lookback_ms, lookback_ms),
        };
        self.widened(range_ms.saturating_add(before), after)
    }

    fn widened(self, before_ms: i64, after_ms: i64) -> TimeRange {
        TimeRange::new(
            self.first_ms.saturating_sub(before_ms).saturating_add(1),
            self.last_ms.saturating_add(after_ms),
        )
    }
}
