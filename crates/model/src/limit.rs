use std::fmt;

/// A limit of what a store takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Limit {
    /// Labels of a series.
    LabelsPerSeries,
    /// Bytes of a label name.
    LabelNameBytes,
    /// Bytes of a label value.
    LabelValueBytes,
    /// Bytes of all labels of a series together.
    LabelSetBytes,
    /// Series of one metric.
    SeriesPerMetric,
    /// Series that got samples lately.
    ActiveSeries,
    /// Memory of the series and samples that are not on the disk.
    HeadMemory,
    /// Series that come into being in a minute.
    NewSeriesPerMinute,
    /// How far ahead of the clock a sample is.
    Future,
    /// Buckets of a native histogram.
    HistogramBuckets,
    /// Characters of the labels of an exemplar.
    ExemplarLabels,
}

impl Limit {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::LabelsPerSeries,
        Self::LabelNameBytes,
        Self::LabelValueBytes,
        Self::LabelSetBytes,
        Self::SeriesPerMetric,
        Self::ActiveSeries,
        Self::HeadMemory,
        Self::NewSeriesPerMinute,
        Self::Future,
        Self::HistogramBuckets,
        Self::ExemplarLabels,
    ];

    /// The name, that of the setting where the limit is one.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LabelsPerSeries => "max_labels_per_series",
            Self::LabelNameBytes => "max_label_name_bytes",
            Self::LabelValueBytes => "max_label_value_bytes",
            Self::LabelSetBytes => "label_set_bytes",
            Self::SeriesPerMetric => "max_series_per_metric",
            Self::ActiveSeries => "max_active_series",
            Self::HeadMemory => "memory_budget",
            Self::NewSeriesPerMinute => "max_new_series_per_minute",
            Self::Future => "max_future",
            Self::HistogramBuckets => "histogram_buckets",
            Self::ExemplarLabels => "exemplar_labels",
        }
    }

    /// Whether what is refused now may be taken a moment later, without anybody doing anything.
    pub fn passes_with_time(self) -> bool {
        self == Self::NewSeriesPerMinute
    }

    /// Whether the limit is about how many series there are, so that series which are there already are none of its business.
    pub fn counts_series(self) -> bool {
        matches!(
            self,
            Self::SeriesPerMetric | Self::ActiveSeries | Self::HeadMemory | Self::NewSeriesPerMinute
        )
    }
}

/// What was refused because of a limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct OverLimit {
    /// The limit.
    pub limit: Limit,
    /// Names the limit, its value and the offender.
    pub what: String,
}

impl fmt::Display for OverLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_different() {
        let names: std::collections::BTreeSet<_> = Limit::ALL.iter().map(|l| l.as_str()).collect();
        assert_eq!(names.len(), Limit::ALL.len());
    }
}
