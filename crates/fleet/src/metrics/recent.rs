use std::collections::VecDeque;

/// How far back the quantiles look.
const WINDOW_MS: i64 = 5 * 60 * 1000;
/// How many observations the window holds at most; the oldest go first.
const WINDOW_LEN_MAX: usize = 512;

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
        let mut recent = RecentValues::default();
        assert_eq!(quantile(&recent.sorted(0), 0.5), None);
        for i in 1..=100 {
            recent.push(f64::from(i), 0);
        }
        assert_eq!([0.5, 0.99].map(|q| quantile(&recent.sorted(0), q)), [Some(50.0), Some(99.0)]);
        recent.push(7.0, WINDOW_MS + 1);
        assert_eq!(quantile(&recent.sorted(WINDOW_MS + 1), 0.5), Some(7.0));
    }
}
