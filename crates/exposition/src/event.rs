use crate::{Escaped, MetricType, NativeHistogram, Series};

/// One entry of an exposition, borrowed from it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event<'a> {
    /// A help text.
    Help {
        /// The family it describes.
        family: Escaped<'a>,
        /// The text.
        text: Escaped<'a>,
    },
    /// A type declaration.
    Type {
        /// The family it declares.
        family: Escaped<'a>,
        /// The type.
        metric_type: MetricType,
    },
    /// A unit declaration (OpenMetrics and protobuf only).
    Unit {
        /// The family it declares.
        family: Escaped<'a>,
        /// The unit, possibly empty.
        unit: &'a str,
    },
    /// A comment (text 0.0.4 only), from its `#` to the end of the line.
    Comment(&'a [u8]),
    /// A sample.
    Series(Series<'a>),
    /// A sample that is a native histogram (protobuf only).
    Histogram {
        /// The series, with the sum of the observations as value.
        series: Series<'a>,
        /// The histogram.
        histogram: NativeHistogram<'a>,
    },
}
