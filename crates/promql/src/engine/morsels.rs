use std::collections::VecDeque;
use std::ops::Range;

use rayon::prelude::*;

use super::annotation::Annotations;
use super::block::Block;
use super::error::QueryError;
use super::eval::Eval;

/// With fewer blocks than this left, the work is done where it is asked for: handing it to other threads would cost more.
const WORTH_SHARING: usize = 4;
/// At least so many blocks per thread are made ahead of whoever takes them,
const AHEAD_PER_THREAD: usize = 2;
/// and so many as have this many cells: handing over blocks of few steps one by one would cost more than making them.
const AHEAD_CELLS: usize = 32 * 1024;

/// The deadline is looked at once for so many series: looking at a clock costs as much as a small series.
pub(super) const SERIES_PER_CHECK: usize = 16;

/// Makes the blocks of an operator whose rows do not depend on each other, a few at a time on several threads, and hands them on in order.
///
/// Where a block begins depends on the query alone and blocks are handed on in order, so results are the same on any number of threads.
pub(super) struct Morsels {
    n_rows: usize,
    next_row: usize,
    ready: VecDeque<Morsel>,
}

/// A block and what has to be said about it.
type Morsel = Result<(Block, Annotations), QueryError>;

impl Morsels {
    pub(super) fn new(n_rows: usize) -> Self {
        Self { n_rows, next_row: 0, ready: VecDeque::new() }
    }

    /// The next block, made by `make` from the positions of its rows; `None` after the last one.
    pub(super) fn next(
        &mut self,
        eval: &Eval,
        make: impl Fn(Range<usize>) -> Morsel + Sync + Send,
    ) -> Result<Option<Block>, QueryError> {
        if self.ready.is_empty() {
            let rows = eval.rows_per_block();
            let n_blocks = (self.n_rows - self.next_row).div_ceil(rows);
            let n_ahead = if n_blocks < WORTH_SHARING {
                1
            } else {
                let cells_per_block = rows * eval.grid.n_steps.max(1);
                (AHEAD_PER_THREAD * rayon::current_num_threads()).max(AHEAD_CELLS / cells_per_block)
            };
            let starts = (self.next_row..self.n_rows).step_by(rows).take(n_ahead);
            let ranges: Vec<_> = starts.map(|start| start..self.n_rows.min(start + rows)).collect();
            self.next_row = ranges.last().map_or(self.n_rows, |range| range.end);
            match &ranges[..] {
                [] => return Ok(None),
                [only] => self.ready.push_back(make(only.clone())),
                _ => self.ready = ranges.into_par_iter().map(&make).collect(),
            }
        }
        let Some(morsel) = self.ready.pop_front() else { return Ok(None) };
        let (mut block, annotations) = morsel?;
        eval.query.merge_annotations(annotations);
        block.settle()?;
        Ok(Some(block))
    }
}
