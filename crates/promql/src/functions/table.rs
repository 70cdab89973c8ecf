use bellwether_model::{FloatHistogram, Value};

use super::avg_over_time::avg_over_time;
use super::changes::changes;
use super::date::DateField;
use super::extremes::{max_over_time, min_over_time, ts_of_max_over_time, ts_of_min_over_time};
use super::float::{self, FloatFunction};
use super::instant_rate::{idelta, irate};
use super::mad_over_time::mad_over_time;
use super::notes::Notes;
use super::over_time::{
    count_over_time, first_over_time, last_over_time, present_over_time, ts_of_first_over_time,
    ts_of_last_over_time,
};
use super::quantile::quantile_over_time;
use super::rate::{delta, increase, rate};
use super::regression::{deriv, predict_linear};
use super::resets::resets;
use super::row::{self, RowKernel};
use super::smoothing::{check_smoothing_factors, double_exponential_smoothing};
use super::sum_over_time::sum_over_time;
use super::variance::{stddev_over_time, stdvar_over_time};
use super::window::Window;
use crate::engine::QueryError;

/// How a function is evaluated.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Implementation {
    /// From each float; histograms are left out.
    Float(FloatFunction),
    /// From each histogram; floats are left out.
    Histogram(fn(&FloatHistogram) -> f64),
    /// From each float, taken as a Unix time.
    Date(DateField),
    /// From the samples of a window.
    Range(RangeFunction),
    /// In a way of its own.
    Special(Special),
}

/// A function of the samples in a window; there is at least one sample. `None` means that there is no result.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RangeFunction {
    pub(crate) call: fn(&Window<'_>, &mut Notes<'_>) -> Option<Value>,
    /// Says what is wrong with the scalar arguments.
    pub(crate) check: fn(&[f64]) -> Result<(), QueryError>,
    /// Whether the result is still a sample of the metric, so that it keeps its name.
    pub(crate) keeps_name: bool,
    /// The same for all windows of a series of floats at once, if there is a faster form.
    pub(crate) row: Option<RowKernel>,
}

/// Functions that look at more than one value or window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Special {
    Absent,
    AbsentOverTime,
    HistogramFraction,
    HistogramQuantile,
    HistogramQuantiles,
    Info,
    LabelJoin,
    LabelReplace,
    MaxOf,
    MinOf,
    Pi,
    QueryEnd,
    QueryRange,
    QueryStart,
    QueryStep,
    Scalar,
    Sort { descending: bool },
    SortByLabel { descending: bool },
    Time,
    Timestamp { start: bool },
    Vector,
}

/// The implementation of a function that the parser knows.
pub(crate) fn implementation(name: &str) -> Implementation {
    let idx = TABLE
        .binary_search_by(|(known, _)| (*known).cmp(name))
        .unwrap_or_else(|_| unreachable!("BUG: function {name} is declared but not implemented"));
    TABLE[idx].1
}

type WindowFunction = fn(&Window<'_>, &mut Notes<'_>) -> Option<Value>;

const fn range(call: WindowFunction) -> Implementation {
    Implementation::Range(RangeFunction { call, check: |_| Ok(()), keeps_name: false, row: None })
}

const fn range_keeping_name(call: WindowFunction) -> Implementation {
    Implementation::Range(RangeFunction { call, check: |_| Ok(()), keeps_name: true, row: None })
}

impl Implementation {
    /// The same with a faster form for rows.
    const fn with_row(self, row: RowKernel) -> Self {
        match self {
            Self::Range(function) => Self::Range(RangeFunction { row: Some(row), ..function }),
            other => other,
        }
    }
}

const fn special(special: Special) -> Implementation {
    Implementation::Special(special)
}

/// All functions, sorted by name.
static TABLE: &[(&str, Implementation)] = &[
    ("abs", Implementation::Float(float::abs)),
    ("absent", special(Special::Absent)),
    ("absent_over_time", special(Special::AbsentOverTime)),
    ("acos", Implementation::Float(float::acos)),
    ("acosh", Implementation::Float(float::acosh)),
    ("asin", Implementation::Float(float::asin)),
    ("asinh", Implementation::Float(float::asinh)),
    ("atan", Implementation::Float(float::atan)),
    ("atanh", Implementation::Float(float::atanh)),
    ("avg_over_time", range(avg_over_time).with_row(row::avg_over_time)),
    ("ceil", Implementation::Float(float::ceil)),
    ("changes", range(changes).with_row(row::changes)),
    ("clamp", Implementation::Float(float::clamp)),
    ("clamp_max", Implementation::Float(float::clamp_max)),
    ("clamp_min", Implementation::Float(float::clamp_min)),
    ("cos", Implementation::Float(float::cos)),
    ("cosh", Implementation::Float(float::cosh)),
    ("count_over_time", range(count_over_time).with_row(row::count_over_time)),
    ("day_of_month", Implementation::Date(DateField::DayOfMonth)),
    ("day_of_week", Implementation::Date(DateField::DayOfWeek)),
    ("day_of_year", Implementation::Date(DateField::DayOfYear)),
    ("days_in_month", Implementation::Date(DateField::DaysInMonth)),
    ("deg", Implementation::Float(float::deg)),
    ("delta", range(delta).with_row(row::delta)),
    ("deriv", range(deriv)),
    (
        "double_exponential_smoothing",
        Implementation::Range(RangeFunction {
            call: double_exponential_smoothing,
            check: check_smoothing_factors,
            keeps_name: false,
            row: None,
        }),
    ),
    ("end", special(Special::QueryEnd)),
    ("exp", Implementation::Float(float::exp)),
    ("first_over_time", range_keeping_name(first_over_time).with_row(row::first_over_time)),
    ("floor", Implementation::Float(float::floor)),
    ("histogram_avg", Implementation::Histogram(FloatHistogram::mean)),
    ("histogram_count", Implementation::Histogram(|h| h.count)),
    ("histogram_fraction", special(Special::HistogramFraction)),
    ("histogram_quantile", special(Special::HistogramQuantile)),
    ("histogram_quantiles", special(Special::HistogramQuantiles)),
    ("histogram_stddev", Implementation::Histogram(FloatHistogram::standard_deviation)),
    ("histogram_stdvar", Implementation::Histogram(FloatHistogram::variance)),
    ("histogram_sum", Implementation::Histogram(|h| h.sum)),
    ("hour", Implementation::Date(DateField::Hour)),
    ("idelta", range(idelta).with_row(row::idelta)),
    ("increase", range(increase).with_row(row::increase)),
    ("info", special(Special::Info)),
    ("irate", range(irate).with_row(row::irate)),
    ("label_join", special(Special::LabelJoin)),
    ("label_replace", special(Special::LabelReplace)),
    ("last_over_time", range_keeping_name(last_over_time).with_row(row::last_over_time)),
    ("ln", Implementation::Float(float::ln)),
    ("log10", Implementation::Float(float::log10)),
    ("log2", Implementation::Float(float::log2)),
    ("mad_over_time", range(mad_over_time)),
    ("max_of", special(Special::MaxOf)),
    ("max_over_time", range(max_over_time).with_row(row::max_over_time)),
    ("min_of", special(Special::MinOf)),
    ("min_over_time", range(min_over_time).with_row(row::min_over_time)),
    ("minute", Implementation::Date(DateField::Minute)),
    ("month", Implementation::Date(DateField::Month)),
    ("pi", special(Special::Pi)),
    ("predict_linear", range(predict_linear)),
    ("present_over_time", range(present_over_time).with_row(row::present_over_time)),
    ("quantile_over_time", range(quantile_over_time)),
    ("rad", Implementation::Float(float::rad)),
    ("range", special(Special::QueryRange)),
    ("rate", range(rate).with_row(row::rate)),
    ("resets", range(resets).with_row(row::resets)),
    ("round", Implementation::Float(float::round)),
    ("scalar", special(Special::Scalar)),
    ("sgn", Implementation::Float(float::sgn)),
    ("sin", Implementation::Float(float::sin)),
    ("sinh", Implementation::Float(float::sinh)),
    ("sort", special(Special::Sort { descending: false })),
    ("sort_by_label", special(Special::SortByLabel { descending: false })),
    ("sort_by_label_desc", special(Special::SortByLabel { descending: true })),
    ("sort_desc", special(Special::Sort { descending: true })),
    ("sqrt", Implementation::Float(float::sqrt)),
    ("start", special(Special::QueryStart)),
    ("start_timestamp", special(Special::Timestamp { start: true })),
    ("stddev_over_time", range(stddev_over_time).with_row(row::stddev_over_time)),
    ("stdvar_over_time", range(stdvar_over_time).with_row(row::stdvar_over_time)),
    ("step", special(Special::QueryStep)),
    ("sum_over_time", range(sum_over_time).with_row(row::sum_over_time)),
    ("tan", Implementation::Float(float::tan)),
    ("tanh", Implementation::Float(float::tanh)),
    ("time", special(Special::Time)),
    ("timestamp", special(Special::Timestamp { start: false })),
    ("ts_of_first_over_time", range(ts_of_first_over_time)),
    ("ts_of_last_over_time", range(ts_of_last_over_time)),
    ("ts_of_max_over_time", range(ts_of_max_over_time)),
    ("ts_of_min_over_time", range(ts_of_min_over_time)),
    ("vector", special(Special::Vector)),
    ("year", Implementation::Date(DateField::Year)),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::FUNCTIONS;

    #[test]
    fn every_declared_function_is_implemented() {
        let declared: Vec<&str> = FUNCTIONS.iter().map(|f| f.name).collect();
        let implemented: Vec<&str> = TABLE.iter().map(|(name, _)| *name).collect();
        assert_eq!(declared, implemented);
    }
}
