use bellwether_model::{Matcher, TimeRange};

use super::error::QueryError;

/// An instant query: one evaluation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstantQuery {
    /// The PromQL expression.
    pub query: String,
    /// When to evaluate, in milliseconds since the Unix epoch.
    pub ts_ms: i64,
    /// What may be set per query.
    pub settings: QuerySettings,
}

/// A range query: evaluations at a fixed distance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeQuery {
    /// The PromQL expression.
    pub query: String,
    /// The first evaluation, in milliseconds since the Unix epoch.
    pub start_ms: i64,
    /// The last evaluation is at or before this time.
    pub end_ms: i64,
    /// The distance of the evaluations in milliseconds.
    pub step_ms: i64,
    /// What may be set per query.
    pub settings: QuerySettings,
}

/// What may be set per query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QuerySettings {
    /// Overrides the lookback delta of the engine, in milliseconds.
    pub lookback_delta_ms: Option<i64>,
    /// Whether to count samples per step, if the engine is set up to do so.
    pub per_step_stats: bool,
}

impl RangeQuery {
    /// How many evaluations the query asks for; zero if it ends before it starts.
    pub fn n_steps(&self) -> u64 {
        if self.end_ms < self.start_ms || self.step_ms <= 0 {
            return 0;
        }
        (self.end_ms.abs_diff(self.start_ms) / self.step_ms.unsigned_abs()).saturating_add(1)
    }

    /// Checks that the times make sense. Error texts are those of the HTTP API of Prometheus.
    pub fn check_grid(&self) -> Result<(), QueryError> {
        let refuse = |name, reason: String| Err(QueryError::Parameter { name, reason });
        if self.end_ms < self.start_ms {
            return refuse("end", "end timestamp must not be before start time".to_owned());
        }
        if self.step_ms <= 0 {
            let reason =
                "zero or negative query resolution step widths are not accepted. Try a positive integer";
            return refuse("step", reason.to_owned());
        }
        Ok(())
    }
}

/// Which series a listing is about.
#[derive(Debug, Clone)]
pub struct SeriesRequest {
    /// Series that match any of these; an empty list means all series where the listing allows it.
    pub selectors: Vec<Vec<Matcher>>,
    /// Only series with data in this range.
    pub range: TimeRange,
    /// At most this many entries; 0 for all.
    pub limit: usize,
}

/// Which exemplars are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExemplarsRequest {
    /// A PromQL expression; the exemplars are those of the series that its selectors select.
    pub query: String,
    /// Only exemplars in this range.
    pub range: TimeRange,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grids() {
        let check = |start_ms, end_ms, step_ms, want: Result<u64, &str>| {
            let query = RangeQuery {
                query: String::new(),
                start_ms,
                end_ms,
                step_ms,
                settings: QuerySettings::default(),
            };
            let got = query.check_grid().map(|()| query.n_steps()).map_err(|e| e.to_string());
            assert_eq!(got, want.map_err(str::to_owned));
        };
        check(0, 0, 1, Ok(1));
        check(0, 10, 3, Ok(4));
        check(0, 11_000, 1, Ok(11_001));
        check(i64::MIN, i64::MAX, 1, Ok(u64::MAX));
        check(1, 0, 1, Err("invalid parameter \"end\": end timestamp must not be before start time"));
        check(
            0,
            1,
            0,
            Err(
                "invalid parameter \"step\": zero or negative query resolution step widths are not accepted. Try a positive integer",
            ),
        );
    }
}
