use std::f64::consts::TAU;

use super::dice::hash;

const MINUTE_MS: i64 = 60 * 1000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Each span of this length has at most one burst.
const BURST_SPAN_MS: i64 = 12 * MINUTE_MS;
/// Load drifts from one random level to the next in this time.
const DRIFT_SPAN_MS: i64 = 3 * MINUTE_MS;

/// How much work arrives: a daily wave in UTC, quieter weekends, slow drift, and bursts. A function of the time alone, so it does not
/// depend on when the simulation began.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Traffic {
    pub(crate) seed: u64,
    /// Arrivals per second on a working day at the busiest hour, without bursts.
    pub(crate) peak_per_s: f64,
    /// The share of the peak that is left at the quietest hour.
    pub(crate) night_share: f64,
    /// The busiest hour, UTC.
    pub(crate) busiest_hour: f64,
}

impl Traffic {
    pub(crate) fn rate_per_s(&self, ts_ms: i64) -> f64 {
        self.peak_per_s * self.daily(ts_ms) * self.drift(ts_ms) * self.burst(ts_ms)
    }

    fn daily(&self, ts_ms: i64) -> f64 {
        let hour = ts_ms.rem_euclid(DAY_MS) as f64 / HOUR_MS as f64;
        let height = 0.5 + 0.5 * ((hour - self.busiest_hour) / 24.0 * TAU).cos();
        // 1970-01-01 was a Thursday, so days 2 and 3 of each week are the weekend.
        let weekend = matches!(ts_ms.div_euclid(DAY_MS).rem_euclid(7), 2 | 3);
        let wave = self.night_share + (1.0 - self.night_share) * height.powf(0.8);
        if weekend { wave.min(self.night_share.mul_add(0.3, 0.7)) } else { wave }
    }

    fn drift(&self, ts_ms: i64) -> f64 {
        let (span, into) = (ts_ms.div_euclid(DRIFT_SPAN_MS), ts_ms.rem_euclid(DRIFT_SPAN_MS));
        let x = into as f64 / DRIFT_SPAN_MS as f64;
        let smooth = x * x * (3.0 - 2.0 * x);
        let level = |idx| 0.92 + 0.16 * hash(self.seed, 1, idx);
        level(span) + (level(span + 1) - level(span)) * smooth
    }

    fn burst(&self, ts_ms: i64) -> f64 {
        let span = ts_ms.div_euclid(BURST_SPAN_MS);
        if hash(self.seed, 2, span) > 0.4 {
            return 1.0;
        }
        let height = 0.4 + 0.8 * hash(self.seed, 3, span);
        let length_ms = 60_000.0 + 90_000.0 * hash(self.seed, 4, span);
        let begin_ms = hash(self.seed, 5, span) * (BURST_SPAN_MS as f64 - length_ms);
        let x = (ts_ms.rem_euclid(BURST_SPAN_MS) as f64 - begin_ms) / length_ms;
        // Up fast, down slowly.
        let shape = if !(0.0..1.0).contains(&x) {
            0.0
        } else if x < 0.2 {
            x / 0.2
        } else {
            (1.0 - x) / 0.8
        };
        1.0 + height * shape
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_busier_than_nights() {
        let traffic = Traffic { seed: 1, peak_per_s: 10.0, night_share: 0.4, busiest_hour: 14.0 };
        // Monday 2024-01-01.
        let mean = |hour: i64| {
            let begin = 1_704_067_200_000 + hour * HOUR_MS;
            (0..60).map(|minute| traffic.rate_per_s(begin + minute * MINUTE_MS)).sum::<f64>() / 60.0
        };
        assert!((9.0..14.0).contains(&mean(14)), "{}", mean(14));
        assert!((3.5..6.0).contains(&mean(2)), "{}", mean(2));
    }

    #[test]
    fn bursts_come_and_go() {
        let traffic = Traffic { seed: 1, peak_per_s: 1.0, night_share: 1.0, busiest_hour: 0.0 };
        let rates: Vec<f64> = (0..24 * 360).map(|i| traffic.rate_per_s(i * 10_000)).collect();
        let bursting = rates.iter().filter(|r| **r > 1.25).count();
        assert!((100..2000).contains(&bursting), "{bursting} of {}", rates.len());
        assert!(rates.iter().all(|r| (0.5..2.6).contains(r)));
    }
}
