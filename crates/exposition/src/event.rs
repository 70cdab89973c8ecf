use crate::{Escaped, MetricType, Series};

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
    /// A unit declaration (OpenMetrics only).
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
}
