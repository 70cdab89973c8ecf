//! In what families of different types differ.

use bellwether_exposition::MetricType;

use crate::counter::CounterHandle;
use crate::exemplar;
use crate::gauge::GaugeHandle;
use crate::histogram::HistogramHandle;
use crate::info;
use crate::native::{self, NativeHistogramHandle};
use crate::observed::ObservedCounterHandle;
use crate::recent;
use crate::record::Record;
use crate::sharded;
use crate::state_set;
use crate::summary::{self, SummaryHandle};

/// What the cells of a family's series mean. Where it is not said otherwise, cells of several processes add up: as integers, or, where it says so, as floats.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    /// Whole events, the bits of the sum of fractions, an exemplar if there are some.
    Counter { has_exemplars: bool },
    /// Parts of a count of whole events.
    ShardedCounter,
    /// A counter, and the bits of the total that was seen last, which is of one process.
    ObservedCounter,
    /// The bits of the value, how often it was set if that is asked for, and when if that decides between processes. What the value of several processes is depends on what it measures.
    Gauge { counts_writes: bool, is_stamped: bool },
    /// The bits of the sum, a count for each bucket, an exemplar for each of them if there are some.
    Histogram { bounds: &'static [f64], has_exemplars: bool },
    /// The bits of the sum, how often came what is not a number, a sketch, classic buckets, exemplars; a journal and a gate, which are of one process.
    NativeHistogram(native::Shape<'static>),
    /// The count, the bits of the sum, sketches of slices; a journal and a gate, which are of one process.
    Summary(summary::Shape),
    /// The number of the state counted from 1, and when it was set.
    StateSet(&'static [&'static str]),
    /// When it was said.
    Info,
    /// A count for each slice of a window. It is not exposed.
    Recent(recent::Shape),
}

impl Kind {
    pub(crate) fn metric_type(&self) -> MetricType {
        match self {
            Self::Counter { .. } | Self::ShardedCounter | Self::ObservedCounter => MetricType::Counter,
            Self::Gauge { .. } => MetricType::Gauge,
            Self::Histogram { .. } | Self::NativeHistogram(_) => MetricType::Histogram,
            Self::Summary(_) => MetricType::Summary,
            Self::StateSet(_) => MetricType::StateSet,
            Self::Info => MetricType::Info,
            Self::Recent(_) => MetricType::Unknown,
        }
    }

    pub(crate) fn is_exposed(&self) -> bool {
        !matches!(self, Self::Recent(_))
    }

    pub(crate) fn n_cells(&self) -> usize {
        let exemplars = |n: usize, has: bool| if has { n * exemplar::N_CELLS } else { 0 };
        match self {
            Self::Counter { has_exemplars } => CounterHandle::N_CELLS + exemplars(1, *has_exemplars),
            Self::ShardedCounter => sharded::N_CELLS,
            Self::ObservedCounter => ObservedCounterHandle::N_CELLS,
            Self::Gauge { counts_writes, is_stamped } => {
                GaugeHandle::N_CELLS + usize::from(*counts_writes) + usize::from(*is_stamped)
            }
            Self::Histogram { bounds, has_exemplars } => {
                HistogramHandle::n_cells(bounds) + exemplars(bounds.len() + 1, *has_exemplars)
            }
            Self::NativeHistogram(shape) => shape.n_cells(),
            Self::Summary(_) => summary::N_CELLS,
            Self::StateSet(_) => state_set::N_CELLS,
            Self::Info => info::N_CELLS,
            Self::Recent(shape) => shape.n_cells(),
        }
    }

    /// So many cells, the first ones, tell whether somebody counted.
    pub(crate) fn n_telling_cells(&self) -> usize {
        match self {
            // The count is enough.
            Self::Summary(_) => 1,
            _ => self.n_cells(),
        }
    }

    /// The labels that the exposition adds.
    pub(crate) fn own_labels(&self) -> &'static [&'static str] {
        match self {
            Self::Histogram { .. } | Self::NativeHistogram(_) => &["le"],
            Self::Summary(_) => &["quantile"],
            _ => &[],
        }
    }

    /// In what it is another kind, if it is.
    pub(crate) fn difference(&self, other: &Self) -> Option<&'static str> {
        if self == other {
            return None;
        }
        Some(match (self, other) {
            _ if self.metric_type() != other.metric_type() => "another type",
            (Self::StateSet(_), Self::StateSet(_)) => "other states",
            (Self::Histogram { bounds: a, .. }, Self::Histogram { bounds: b, .. }) if a != b => {
                "other buckets"
            }
            (Self::NativeHistogram(_), Self::NativeHistogram(_)) => "other buckets",
            (Self::Recent(_), Self::Recent(_)) => "another window",
            (Self::Summary(_), Self::Summary(_)) => "other quantiles or another window",
            _ => "another way of counting",
        })
    }

    /// Lets a series that was removed begin again from nothing, while nobody counts.
    pub(crate) fn revive(&'static self, record: Record) {
        match self {
            Self::NativeHistogram(shape) => NativeHistogramHandle::of(shape, record).revive(record),
            Self::Summary(shape) => SummaryHandle::of(shape, record).revive(record),
            _ => record.revive(self.n_cells()),
        }
    }
}
