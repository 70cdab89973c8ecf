/// The times at which an expression is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grid {
    /// The first evaluation.
    pub(crate) start_ms: i64,
    /// The end as it was asked for; the last evaluation may be earlier.
    pub(crate) end_ms: i64,
    /// The distance of the evaluations; greater than zero.
    pub(crate) step_ms: i64,
    /// How many evaluations there are.
    pub(crate) n_steps: usize,
    /// Whether an instant query asked for this. A range query may have a single evaluation as well, but its result is still a matrix.
    pub(crate) of_instant_query: bool,
}

impl Grid {
    /// One evaluation.
    pub(crate) fn instant(ts_ms: i64) -> Self {
        Self { start_ms: ts_ms, end_ms: ts_ms, step_ms: 1, n_steps: 1, of_instant_query: true }
    }

    /// Evaluations from `start_ms` to at most `end_ms`, none if that is earlier.
    pub(crate) fn range(start_ms: i64, end_ms: i64, step_ms: i64) -> Self {
        let step_ms = step_ms.max(1);
        let n_steps = if end_ms < start_ms {
            0
        } else {
            let distance = end_ms.abs_diff(start_ms) / step_ms.unsigned_abs();
            usize::try_from(distance).unwrap_or(usize::MAX).saturating_add(1)
        };
        Self { start_ms, end_ms, step_ms, n_steps, of_instant_query: false }
    }

    /// The time of an evaluation.
    pub(crate) fn ts_ms(&self, step: usize) -> i64 {
        self.start_ms + self.step_ms * step as i64
    }

    /// Whether there is one time only: an instant query, a part that is evaluated once, or a range query that ends where it starts. Then the order of
    /// the series is that of the computation.
    pub(crate) fn is_instant(&self) -> bool {
        self.start_ms == self.end_ms
    }

    /// The times at which a subquery has to be evaluated for windows of `range_ms` that end at the times of this grid, `offset_ms` earlier: multiples of
    /// its step, so that they do not depend on the start of the query.
    pub(crate) fn of_subquery(first_end_ms: i64, last_end_ms: i64, range_ms: i64, step_ms: i64) -> Self {
        let before = first_end_ms.saturating_sub(range_ms);
        // The window is open on the left, so a multiple that lies exactly there is not in it.
        let mut start = (before / step_ms).saturating_mul(step_ms);
        if start <= before {
            start = start.saturating_add(step_ms);
        }
        Self::range(start, last_end_ms, step_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps() {
        let check = |start, end, step, n| assert_eq!(Grid::range(start, end, step).n_steps, n);
        check(0, 0, 10, 1);
        check(0, 9, 10, 1);
        check(0, 10, 10, 2);
        check(10, 0, 10, 0);
        check(i64::MIN, i64::MAX, 1, usize::MAX);
        assert!(Grid::instant(5).is_instant());
        assert!(!Grid::range(0, 5, 10).is_instant());
        assert!(Grid::range(5, 5, 10).is_instant() && !Grid::range(5, 5, 10).of_instant_query);
    }

    #[test]
    fn subqueries_are_aligned() {
        let check = |end, range, step, start, n| {
            let grid = Grid::of_subquery(end, end, range, step);
            assert_eq!((grid.start_ms, grid.n_steps), (start, n), "{end} {range} {step}");
        };
        check(1000, 30, 10, 980, 3);
        check(1005, 30, 10, 980, 3);
        check(1000, 25, 10, 980, 3);
        check(-5, 20, 10, -20, 2);
        check(0, 20, 10, -10, 2);
    }
}
