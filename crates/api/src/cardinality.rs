use std::time::Duration;

use serde::Serialize;

/// What is asked about the series in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CardinalityQuery {
    /// Each list has at most so many entries.
    pub top: usize,
    /// Series count as created that were created so long ago, or later.
    pub window: Duration,
}

/// The series that have a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelChoice {
    /// The label; `__name__` for the series of a metric.
    pub name: String,
    /// With this value; `None`: with any.
    pub value: Option<String>,
}

/// Where the series in memory come from. Each list begins with the largest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cardinality {
    /// All of them.
    pub total: SeriesCost,
    /// How many metric names there are.
    pub metric_names: usize,
    /// Metrics by series.
    pub metrics_by_series: Vec<MetricCost>,
    /// Metrics by series created in the window; only those that have some.
    pub metrics_by_created_series: Vec<MetricCost>,
    /// Metrics by memory.
    pub metrics_by_memory: Vec<MetricCost>,
    /// Labels, except the metric name, by values.
    pub labels_by_values: Vec<LabelCost>,
    /// The same by memory.
    pub labels_by_memory: Vec<LabelCost>,
    /// Label names and values, except the metric name, by series.
    pub label_pairs_by_series: Vec<PairCost>,
    /// Whose samples were refused because of limits since the server started.
    pub refused: Vec<RefusedSamples>,
}

/// How many samples of a metric were refused because of a limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RefusedSamples {
    /// The name of the limit.
    pub limit: &'static str,
    /// The tenant; empty for the default one.
    pub tenant: String,
    /// The metric; empty where the series has no name.
    pub metric: String,
    /// How many.
    pub samples: u64,
}

/// What some series cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SeriesCost {
    /// How many they are.
    pub series: u64,
    /// Those that were created in the window, as far as the store saw that happen: not those that it found when it was opened.
    pub created_series: u64,
    /// Bytes of memory, roughly.
    pub memory_bytes: u64,
}

/// What the series of a metric cost.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct MetricCost {
    /// Its name; empty where series have none.
    pub name: String,
    /// What they cost.
    #[serde(flatten)]
    pub cost: SeriesCost,
}

/// What a label costs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LabelCost {
    /// Its name.
    pub name: String,
    /// Different values.
    pub values: u64,
    /// Series that have it.
    pub series: u64,
    /// Bytes of memory of its name and values, roughly.
    pub memory_bytes: u64,
}

/// How many series have a label with a value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PairCost {
    /// The label.
    pub name: String,
    /// The value.
    pub value: String,
    /// Series.
    pub series: u64,
}

/// What chosen series consist of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Breakdown {
    /// All of them.
    pub total: SeriesCost,
    /// Their metrics with the most series.
    pub metrics: Vec<NamedSeries>,
    /// How many of the series `labels` is about. Less than all only if there are very many.
    pub examined_series: u64,
    /// Their labels, those with the most values first; only the label itself if they were chosen by a label with any value.
    pub labels: Vec<LabelBreakdown>,
}

/// A label of chosen series.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LabelBreakdown {
    /// What it costs in these series.
    #[serde(flatten)]
    pub cost: LabelCost,
    /// How many of the series could still be told apart without it.
    pub distinct_series_without: u64,
    /// Its values with the most series.
    pub top_values: Vec<NamedSeries>,
}

/// A metric name, or a value, and how many series have it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct NamedSeries {
    /// The name or value.
    pub name: String,
    /// Series.
    pub series: u64,
}
