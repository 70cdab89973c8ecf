use std::sync::Arc;

use bellwether_model::{ColumnBuffer, Labels, SeriesSet};

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
    reference: Reference,
    range_ms: i64,
    mode: RangeMode,
    lookback_ms: i64,
    use_start_timestamps: bool,
    next: usize,
}

enum Source {
    Store { series: Arc<dyn SeriesSet>, histogram_stats: bool, buf: ColumnBuffer },
    Subquery { operand: Box<dyn Operator>, grid: Grid, block: Option<Block>, row: usize },
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
                let series = eval.query.series(selector.selection)?;
                let histogram_stats = selector.histogram_stats;
                let source = Source::Store { series, histogram_stats, buf: ColumnBuffer::default() };
                (source, selector.reference, selector.mode)
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
                (Source::Subquery { operand, grid, block: None, row: 0 }, reference, RangeMode::Plain)
            }
        };
        Ok(Self {
            source,
            reference,
            range_ms: plan.range_ms,
            mode,
            lookback_ms: eval.query.lookback_ms,
            use_start_timestamps: eval.query.options.use_start_timestamps,
            next: 0,
        })
    }

    pub(super) fn labels(&self) -> &[Labels] {
        match &self.source {
            Source::Store { series, .. } => series.labels(),
            Source::Subquery { operand, .. } => operand.labels(),
        }
    }

    /// How many series have been read.
    pub(super) fn n_read(&self) -> usize {
        self.next
    }

    pub(super) fn mode(&self) -> RangeMode {
        self.mode
    }

    /// Reads the next series; there must be one. Returns whether its name is to be dropped at the end of the query.
    pub(super) fn read_next(&mut self, columns: &mut SeriesColumns) -> Result<bool, QueryError> {
        let idx = self.next;
        self.next += 1;
        match &mut self.source {
            Source::Store { series, histogram_stats, buf } => {
                series.read(idx, buf)?;
                if *histogram_stats {
                    keep_count_and_sum(buf);
                }
                columns.load(buf, self.use_start_timestamps);
                Ok(false)
            }
            Source::Subquery { operand, grid, block, row } => loop {
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
