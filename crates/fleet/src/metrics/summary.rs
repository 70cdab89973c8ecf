use std::collections::VecDeque;

/// How far back the quantiles look.
const WINDOW_MS: i64 = 5 * 60 * 1000;
/// How many observations the window holds at most; the oldest go first.
const WINDOW_LEN_MAX: usize = 512;

/// Count, sum, and quantiles over the last five minutes.
#[derive(Debug, Clone)]
pub(crate) struct Summary {
    pub(crate) quantiles: &'static [f64],
    pub(crate) count: u64,
    pub(crate) sum: f64,
    recent: RecentValues,
}

impl Summary {
    pub(crate) fn new(quantiles: &'static [f64]) -> Self {
        Self { quantiles, count: 0, sum: 0.0, recent: RecentValues::default() }
    }

    pub(crate) fn observe(&mut self, value: f64, ts_ms: i64) {
        self.count += 1;
        self.sum += value;
        self.recent.push(value, ts_ms);
    }

    /// The values at [`Self::quantiles`] among the observations that are young at `ts_ms`, `NaN` if there are none.
    pub(crate) fn values(&self, ts_ms: i64) -> Vec<f64> {
        let sorted = self.recent.sorted(ts_ms);
        self.quantiles.iter().map(|q| quantile(&sorted, *q).unwrap_or(f64::NAN)).collect()
    }

    pub(crate) fn reset(&mut self) {
        *self = Self::new(self.quantiles);
    }
}

/// The observations of the last five minutes.
#[derive(Debug, Clone, Default)]
pub(crate) struct RecentValues {
    values: VecDeque<(i64, f64)>,
}

impl RecentValues {
    pub(crate) fn push(&mut self, value: f64, ts_ms: i64) {
        while self.values.len() >= WINDOW_LEN_MAX
            || self.values.front().is_some_and(|(at, _)| *at < ts_ms - WINDOW_MS)
        {
            self.values.pop_front();
        }
        self.values.push_back((ts_ms, value));
    }

    /// The values that are young at `ts_ms`, smallest first.
    pub(crate) fn sorted(&self, ts_ms: i64) -> Vec<f64> {
        let young = self.values.iter().filter(|(at, _)| *at >= ts_ms - WINDOW_MS);
        let mut sorted: Vec<f64> = young.map(|(_, value)| *value).collect();
        sorted.sort_by(f64::total_cmp);
        sorted
    }

    pub(crate) fn clear(&mut self) {
        self.values.clear();
    }
}

/// The value at quantile `q` of a sorted list: nearest rank.
pub(crate) fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let rank = (q * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).or(sorted.last()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_forget() {
        let mut summary = Summary::new(&[0.5, 0.99]);
        assert!(summary.values(0).iter().all(|v| v.is_nan()));
        for i in 1..=100 {
            summary.observe(f64::from(i), 0);
        }
        assert_eq!(summary.values(0), [50.0, 99.0]);
        summary.observe(7.0, WINDOW_MS + 1);
        assert_eq!(summary.values(WINDOW_MS + 1), [7.0, 7.0]);
        assert_eq!((summary.count, summary.sum), (101, 5057.0));
    }
}
