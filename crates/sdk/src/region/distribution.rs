//! Native histograms and summaries of several processes: what their cells mean changes while they are counted in, so they do not add up one by one.

use std::sync::atomic::AtomicU64;

use crate::exponential::{MAX_SCHEMA, MIN_SCHEMA, ZERO_THRESHOLD};
use crate::journal::Journal;
use crate::sketch::{MAX_BUCKETS, MIN_BUCKETS};
use crate::{native, summary};

use super::schema::Cell;

/// What a family counts that is made of sketches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Distribution<'s> {
    Native(native::Shape<'s>),
    /// How far back it reaches, in milliseconds. Slices of other windows have other numbers.
    Summary {
        window_ms: u64,
    },
}

impl<'s> Distribution<'s> {
    /// What its description says beside the bounds of buckets or the ranks of quantiles.
    pub(crate) fn parameters(self) -> Vec<u64> {
        match self {
            Self::Native(shape) => {
                vec![shape.schema as u64, shape.max_buckets as u64, shape.zero_threshold.to_bits()]
            }
            Self::Summary { window_ms } => vec![window_ms],
        }
    }

    /// The native histogram that is described so. `None` if there is no such.
    pub(crate) fn native(parameters: &[u64], bounds: &'s [f64], has_exemplars: bool) -> Option<Self> {
        let &[schema, max_buckets, zero_threshold] = parameters else { return None };
        let shape = native::Shape {
            schema: i32::try_from(schema as i64).ok()?,
            max_buckets: usize::try_from(max_buckets).ok()?,
            zero_threshold: f64::from_bits(zero_threshold),
            bounds,
            has_exemplars,
        };
        let is_possible = (MIN_SCHEMA..=MAX_SCHEMA).contains(&shape.schema)
            && (MIN_BUCKETS..=MAX_BUCKETS).contains(&shape.max_buckets)
            && (ZERO_THRESHOLD..f64::MAX).contains(&shape.zero_threshold);
        is_possible.then_some(Self::Native(shape))
    }

    /// The same for a summary.
    pub(crate) fn summary(parameters: &[u64]) -> Option<Self> {
        let &[window_ms] = parameters else { return None };
        Some(Self::Summary { window_ms })
    }

    pub(crate) fn n_cells(self) -> usize {
        match self {
            Self::Native(shape) => shape.n_cells(),
            Self::Summary { .. } => summary::N_CELLS,
        }
    }

    pub(crate) fn cell(self, idx: usize) -> Cell {
        match self {
            Self::Native(shape) => shape.cell(idx),
            Self::Summary { .. } => summary::cell(idx),
        }
    }

    pub(crate) fn journal(self) -> Journal {
        match self {
            Self::Native(shape) => shape.journal(),
            Self::Summary { .. } => summary::JOURNAL,
        }
    }

    /// Whether the cells of a series are such as a process writes, those of its journal left out.
    pub(crate) fn is_possible(self, cells: &[u64]) -> bool {
        match self {
            Self::Native(shape) => shape.is_possible(cells),
            Self::Summary { .. } => summary::is_possible(cells),
        }
    }

    /// Adds cells to others of the same family.
    pub(crate) fn merge(self, into: &mut [u64], from: &[u64]) {
        let shared = |cells: &[u64]| cells.iter().map(|cell| AtomicU64::new(*cell)).collect::<Vec<_>>();
        let (sum, from) = (shared(into), shared(from));
        match self {
            Self::Native(shape) => shape.add_cells(&sum, &from),
            Self::Summary { .. } => summary::add_cells(&sum, &from),
        }
        into.iter_mut().zip(sum).for_each(|(into, sum)| *into = sum.into_inner());
    }
}
