use std::time::Duration;

/// What a query cost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueryStats {
    /// Where the time went.
    pub timings: QueryTimings,
    /// How many samples were looked at: each sample once per step and window it is in; a histogram counts by its size.
    pub total_samples: u64,
    /// The largest number of samples held at once.
    pub peak_samples: usize,
    /// `total_samples` by the time of the step in milliseconds, if asked for.
    pub samples_per_step: Option<Vec<(i64, u64)>>,
}

/// Where the time of a query went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueryTimings {
    /// Parsing and planning.
    pub preparation: Duration,
    /// Selecting series, reading samples and computing.
    pub evaluation: Duration,
    /// Putting the result in order.
    pub result_sort: Duration,
    /// All of it.
    pub total: Duration,
}
