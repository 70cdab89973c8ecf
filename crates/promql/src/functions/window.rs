use std::sync::Arc;

use bellwether_model::FloatHistogram;

use crate::syntax::RangeMode;

/// The samples of one series that a range function looks at, and the window that they were taken for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window<'a> {
    /// The floats in time order.
    pub(crate) floats: Floats<'a>,
    /// The histograms in time order; no time is also among the floats.
    pub(crate) histograms: Histograms<'a>,
    /// The left edge of the window; a sample exactly there is not inside.
    pub(crate) start_ms: i64,
    /// The right edge of the window.
    pub(crate) end_ms: i64,
    /// When the function is evaluated; not the same as the end if there is an offset.
    pub(crate) eval_ms: i64,
    /// Unless plain, there may be samples outside of the window.
    pub(crate) mode: RangeMode,
    /// The scalar arguments of the call.
    pub(crate) args: &'a [f64],
}

/// Floats as columns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Floats<'a> {
    pub(crate) ts: &'a [i64],
    pub(crate) vals: &'a [f64],
    /// Start timestamps, 0 where unknown; empty if none is known.
    pub(crate) start_ts: &'a [i64],
}

/// Histograms as columns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Histograms<'a> {
    pub(crate) ts: &'a [i64],
    pub(crate) vals: &'a [Arc<FloatHistogram>],
    /// As in [`Floats`].
    pub(crate) start_ts: &'a [i64],
}

impl Window<'_> {
    /// The width of the window in seconds.
    pub(crate) fn seconds(&self) -> f64 {
        (self.end_ms - self.start_ms) as f64 / 1000.0
    }
}

impl<'a> Floats<'a> {
    pub(crate) fn len(self) -> usize {
        self.ts.len()
    }

    pub(crate) fn is_empty(self) -> bool {
        self.ts.is_empty()
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = (i64, f64)> + 'a {
        self.ts.iter().copied().zip(self.vals.iter().copied())
    }

    /// The start timestamp of a sample, 0 if unknown.
    pub(crate) fn start(self, idx: usize) -> i64 {
        self.start_ts.get(idx).copied().unwrap_or(0)
    }

    /// The samples from `idx` on.
    pub(crate) fn skip(self, idx: usize) -> Self {
        Self {
            ts: &self.ts[idx..],
            vals: &self.vals[idx..],
            start_ts: self.start_ts.get(idx..).unwrap_or(&[]),
        }
    }
}

impl<'a> Histograms<'a> {
    pub(crate) fn len(self) -> usize {
        self.ts.len()
    }

    pub(crate) fn is_empty(self) -> bool {
        self.ts.is_empty()
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = (i64, &'a Arc<FloatHistogram>)> {
        self.ts.iter().copied().zip(self.vals)
    }

    /// The start timestamp of a sample, 0 if unknown.
    pub(crate) fn start(self, idx: usize) -> i64 {
        self.start_ts.get(idx).copied().unwrap_or(0)
    }

    /// The samples from `idx` on.
    pub(crate) fn skip(self, idx: usize) -> Self {
        Self {
            ts: &self.ts[idx..],
            vals: &self.vals[idx..],
            start_ts: self.start_ts.get(idx..).unwrap_or(&[]),
        }
    }
}
