use crate::syntax::ParserOptions;

/// How the engine evaluates. The default is what a Prometheus server does without feature flags.
#[derive(Debug, Clone, PartialEq)]
pub struct EngineOptions {
    /// Which parts of the language are switched on.
    pub parser: ParserOptions,
    /// How far an instant selector looks into the past, in milliseconds (`--query.lookback-delta`).
    pub lookback_delta_ms: i64,
    /// How many samples one query may hold at once (`--query.max-samples`).
    pub max_samples: usize,
    /// The step of subqueries that do not name one, in milliseconds; the server takes its evaluation interval.
    pub default_subquery_step_ms: i64,
    /// Whether names that an operation drops are dropped at the end of the query, so that functions on labels still see them
    /// (`--enable-feature=promql-delayed-name-removal`).
    pub delayed_name_removal: bool,
    /// Whether start timestamps tell counter resets (`--enable-feature=use-start-timestamps`).
    pub use_start_timestamps: bool,
    /// Whether the label `__type__` tells counters from other metrics (`--enable-feature=type-and-unit-labels`).
    pub type_and_unit_labels: bool,
    /// Whether queries that ask for it are told how many samples each step took (`--enable-feature=promql-per-step-stats`).
    pub per_step_stats: bool,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            parser: ParserOptions::default(),
            lookback_delta_ms: 5 * 60 * 1000,
            max_samples: 50_000_000,
            default_subquery_step_ms: 60 * 1000,
            delayed_name_removal: false,
            use_start_timestamps: false,
            type_and_unit_labels: false,
            per_step_stats: false,
        }
    }
}
