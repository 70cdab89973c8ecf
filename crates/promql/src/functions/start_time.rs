//! What start timestamps say about consecutive samples.

/// Two consecutive samples: their times and start timestamps in milliseconds, 0 for a start that is not known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub(super) previous_start_ms: i64,
    pub(super) previous_ms: i64,
    pub(super) start_ms: i64,
    pub(super) ms: i64,
}

impl Pair {
    /// Whether the counter was reset between the two, as far as the start timestamps tell.
    pub(super) fn is_reset(self) -> bool {
        let Self { previous_start_ms, previous_ms, start_ms, ms } = self;
        // A start that is not before its sample is not known; OpenTelemetry writes unknown starts as the time of the sample.
        if start_ms == 0 || start_ms >= ms || start_ms < previous_ms {
            return false;
        }
        if start_ms > previous_ms {
            return true;
        }
        // The sample starts where the one before it ended. So do the samples of a delta, but also the second sample of a counter whose
        // start is not known; they differ in whether the start of the first one is known.
        previous_start_ms != 0 && previous_start_ms < previous_ms
    }

    /// Whether the sample claims to count from a time in the middle of the one before it.
    pub(super) fn overlaps(self) -> bool {
        self.start_ms != 0 && self.start_ms < self.previous_ms && self.start_ms != self.previous_start_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resets_and_overlaps() {
        let check = |starts: (i64, i64), reset, overlap| {
            let pair = Pair { previous_start_ms: starts.0, previous_ms: 100, start_ms: starts.1, ms: 200 };
            assert_eq!((pair.is_reset(), pair.overlaps()), (reset, overlap), "{starts:?}");
        };
        check((0, 0), false, false);
        check((50, 50), false, false);
        check((50, 150), true, false);
        check((50, 100), true, false);
        check((0, 100), false, false);
        check((100, 100), false, false);
        check((160, 100), false, false);
        check((50, 200), false, false);
        check((50, 300), false, false);
        check((50, 70), false, true);
        check((0, 70), false, true);
    }
}
