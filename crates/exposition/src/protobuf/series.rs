//! What tells the series of a protobuf exposition apart.
use crate::MetricType;

/// Stands behind the name in a key; it occurs in no UTF-8 text.
const SEPARATOR: u8 = 0xff;
/// Bytes of a key beside name and labels: type, part, bound and separator.
const FRAME_LEN: usize = 1 + 1 + 8 + 1;

/// A series of a protobuf exposition: part of a metric, which is one message with one set of labels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct MetricSeries<'a> {
    /// The name of the family.
    pub(crate) family: &'a str,
    /// The fields of the `Metric` from its first label to its last one.
    pub(crate) labels: &'a [u8],
    pub(crate) metric_type: MetricType,
    pub(crate) part: MetricPart,
}

/// Which of the series of a metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum MetricPart {
    /// The only one.
    Value,
    /// The histogram as a whole.
    Native,
    Count,
    Sum,
    /// Observations up to a bound.
    Bucket(f64),
    Quantile(f64),
}

impl MetricPart {
    /// What the name of the series has behind that of the family.
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Self::Value | Self::Native | Self::Quantile(_) => "",
            Self::Count => "_count",
            Self::Sum => "_sum",
            Self::Bucket(_) => "_bucket",
        }
    }

    /// The label that the series has beside those of the metric.
    pub(super) fn bound(self) -> Option<(&'static str, f64)> {
        match self {
            Self::Bucket(bound) => Some(("le", bound)),
            Self::Quantile(quantile) => Some(("quantile", quantile)),
            Self::Value | Self::Native | Self::Count | Self::Sum => None,
        }
    }

    /// The part as the first bytes of a key have it.
    fn code(self) -> (u8, [u8; 8]) {
        let (code, bound) = match self {
            Self::Value => (0, 0.0),
            Self::Native => (1, 0.0),
            Self::Count => (2, 0.0),
            Self::Sum => (3, 0.0),
            Self::Bucket(bound) => (4, bound),
            Self::Quantile(quantile) => (5, quantile),
        };
        (code, bound.to_bits().to_le_bytes())
    }
}

impl MetricSeries<'_> {
    /// Replaces `out` by bytes that mean this series and no other. They begin with a control character, as no line of a text format does.
    pub(crate) fn write_key(&self, out: &mut Vec<u8>) {
        let (part, bound) = self.part.code();
        out.clear();
        out.reserve(FRAME_LEN + self.family.len() + self.labels.len());
        out.extend([self.metric_type as u8, part]);
        out.extend(bound);
        out.extend(self.family.as_bytes());
        out.push(SEPARATOR);
        out.extend(self.labels);
    }

    /// Whether that key is `key`. The labels are compared first: between the series of a family they are what differs.
    #[inline]
    pub(super) fn has_key(&self, key: &[u8]) -> bool {
        if key.len() != FRAME_LEN + self.family.len() + self.labels.len() {
            return false;
        }
        let (frame, labels) = key.split_at(key.len() - self.labels.len());
        let (part, bound) = self.part.code();
        labels == self.labels
            && frame[0] == self.metric_type as u8
            && frame[1] == part
            && frame[2..10] == bound
            && frame[10..frame.len() - 1] == *self.family.as_bytes()
            && frame[frame.len() - 1] == SEPARATOR
    }
}
