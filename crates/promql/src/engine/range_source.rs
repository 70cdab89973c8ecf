use std::sync::Arc;

use bellwether_model::{ColumnBuffer, Labels, MemoryReservation, SeriesSet};

use super::block::Block;
use super::columns::SeriesColumns;
use super::error::QueryError;
use super::eval::Eval;
use super::grid::Grid;
use super::histogram_stats::keep_count_and_sum;
use super::operator::{Operator, Rows};
use super::plan::{RangePlan, RangeSource, Reference};
use super::state::TallyScope;
use crate::functions::Windows;
use crate::syntax::RangeMode;

/// The series of a range selector or subquery, read one after the other.
pub(super) struct RangeSeries {
    source: Source,
    frame: Frame,
    next: usize,
}

/// Which window belongs to an evaluation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    reference: Reference,
    range_ms: i64,
    mode: RangeMode,
    lookback_ms: i64,
}

/// Reads any series of a range selector.
pub(super) struct SeriesReader {
    series: Arc<dyn SeriesSet>,
    histogram_stats: bool,
    use_start_timestamps: bool,
    buf: ColumnBuffer,
}

enum Source {
    Store(SeriesReader),
    Subquery {
        operand: Box<dyn Operator>,
        grid: Grid,
        block: Option<Block>,
        row: usize,
        /// For the times and values of one series.
        _memory: MemoryReservation,
    },
}

/// A window, and how far beyond it samples are looked at. All times in milliseconds; the left ends are exclusive.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edges {
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) after: i64,
    pub(super) until: i64,
}

impl RangeSeries {
    pub(super) fn open(eval: &Eval, plan: &RangePlan) -> Result<Self, QueryError> {
        let (source, reference, mode) = match &plan.source {
            RangeSource::Selector(selector) => {
                let reader = SeriesReader {
                    series: eval.query.series(selector.selection)?,
                    histogram_stats: selector.histogram_stats,
                    use_start_timestamps: eval.query.options.use_start_timestamps,
                    buf: ColumnBuffer::default(),
                };
                (Source::Store(reader), selector.reference, selector.mode)
            }
            RangeSource::Subquery(subquery) => {
                let reference = subquery.reference;
                let (grid, operand) = if eval.grid.n_steps == 0 {
                    (eval.grid, Rows::with_capacity(&eval.query, 0, 0)?.into_operator())
                } else {
                    let last_ms = eval.grid.ts_ms(eval.grid.n_steps - 1);
                    let grid = Grid::of_subquery(
                        reference.time_ms(eval.grid.start_ms),
                        reference.time_ms(last_ms),
                        plan.range_ms,
                        subquery.step_ms,
                    );
                    (grid, eval.on(grid, TallyScope::Subquery)?.open(&subquery.operand)?)
                };
                let memory = eval.query.context.reserve(grid.n_steps.saturating_mul(16))?;
                let source = Source::Subquery { operand, grid, block: None, row: 0, _memory: memory };
                (source, reference, RangeMode::Plain)
            }
        };
        let frame = Frame { reference, range_ms: plan.range_ms, mode, lookback_ms: eval.query.lookback_ms };
        Ok(Self { source, frame, next: 0 })
    }

    pub(super) fn labels(&self) -> &[Labels] {
        match &self.source {
            Source::Store(reader) => reader.series.labels(),
            Source::Subquery { operand, .. } => operand.labels(),
        }
    }

    /// How many series have been read.
    pub(super) fn n_read(&self) -> usize {
        self.next
    }

    /// Which window belongs to an evaluation.
    pub(super) fn frame(&self) -> Frame {
        self.frame
    }

    /// A reader of its own, unless the series have to be read in their order.
    pub(super) fn reader(&self) -> Option<SeriesReader> {
        match &self.source {
            Source::Store(reader) => Some(reader.fresh()),
            Source::Subquery { .. } => None,
        }
    }

    /// Reads the next series; there must be one. Returns whether its name is to be dropped at the end of the query.
    pub(super) fn read_next(&mut self, columns: &mut SeriesColumns) -> Result<bool, QueryError> {
        let idx = self.next;
        self.next += 1;
        match &mut self.source {
            Source::Store(reader) => {
                reader.read(idx, columns)?;
                Ok(false)
            }
            Source::Subquery { operand, grid, block, row, .. } => loop {
                if let Some(rows) = block.as_ref().filter(|rows| *row < rows.n_rows()) {
                    let found = rows.row(*row);
                    columns.load_row(found, *grid);
                    *row += 1;
                    return Ok(found.drop_name());
                }
                *block = operand.next()?;
                *row = 0;
                assert!(block.is_some(), "BUG: an operator did not keep what its labels promise");
            },
        }
    }
}

impl SeriesReader {
    /// A reader of the same series with memory of its own.
    pub(super) fn fresh(&self) -> Self {
        Self { series: Arc::clone(&self.series), buf: ColumnBuffer::default(), ..*self }
    }

    /// Reads the series at a position.
    pub(super) fn read(&mut self, idx: usize, columns: &mut SeriesColumns) -> Result<(), QueryError> {
        self.series.read(idx, &mut self.buf)?;
        if self.histogram_stats {
            keep_count_and_sum(&mut self.buf);
        }
        columns.load(&mut self.buf, self.use_start_timestamps);
        Ok(())
    }
}

impl Frame {
    pub(super) fn mode(&self) -> RangeMode {
        self.mode
    }

    /// The windows for all evaluations, if nothing outside of them is looked at.
    pub(super) fn windows(&self, grid: &Grid) -> Option<Windows> {
        (self.mode == RangeMode::Plain).then(|| Windows {
            first_end_ms: self.reference.time_ms(grid.start_ms),
            advance_ms: if self.reference.at_ms.is_some() { 0 } else { grid.step_ms },
            range_ms: self.range_ms,
            n: grid.n_steps,
        })
    }

    /// The window for an evaluation at `ts_ms`.
    pub(super) fn edges(&self, ts_ms: i64) -> Edges {
        let end = self.reference.time_ms(ts_ms);
        let start = end.saturating_sub(self.range_ms);
        let (before, behind) = match self.mode {
            RangeMode::Plain => (0, 0),
            RangeMode::Anchored => (self.lookback_ms, 0),
            RangeMode::Smoothed => (self.lookback_ms, self.lookback_ms),
        };
        Edges { start, end, after: start.saturating_sub(before), until: end.saturating_add(behind) }
    }
}
