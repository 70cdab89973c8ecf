use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bellwether_model::{Labels, MemoryReservation, Querier, QueryContext, SelectSpec, SeriesSet};

use super::annotation::{Annotations, Remark};
use super::error::QueryError;
use super::grid::Grid;
use super::limits::SampleCounter;
use super::options::EngineOptions;
use crate::syntax::TextSpan;

/// What a label set takes beside its text: counters, and its places in a list and in a table.
const BYTES_PER_LABEL_SET: usize = 128;

/// What all operators of one query share.
pub(crate) struct QueryState {
    /// Deadline, cancel flag and memory budget.
    pub(crate) context: QueryContext,
    /// How many samples are held, and how many may be.
    pub(crate) samples: SampleCounter,
    pub(crate) options: EngineOptions,
    /// How far instant selectors look into the past, in milliseconds.
    pub(crate) lookback_ms: i64,
    /// How many samples were looked at.
    pub(crate) tally: Tally,
    /// The view of the store; none if the query selects nothing.
    querier: Option<Box<dyn Querier>>,
    selections: Vec<Selection>,
    annotations: Mutex<Annotations>,
    /// Memory that stays set aside until the result was handed out.
    kept: Mutex<Option<MemoryReservation>>,
}

/// A selection, made when it is first needed.
struct Selection {
    spec: SelectSpec,
    series: OnceLock<Arc<dyn SeriesSet>>,
}

/// Names a selection of a query; selectors that select the same share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SelectionId(pub(crate) usize);

impl QueryState {
    pub(crate) fn new(
        options: EngineOptions,
        lookback_ms: i64,
        context: QueryContext,
        querier: Option<Box<dyn Querier>>,
        specs: Vec<SelectSpec>,
        tally: Tally,
    ) -> Self {
        Self {
            context,
            samples: SampleCounter::new(options.max_samples),
            options,
            lookback_ms,
            tally,
            querier,
            selections: specs.into_iter().map(|spec| Selection { spec, series: OnceLock::new() }).collect(),
            annotations: Mutex::default(),
            kept: Mutex::default(),
        }
    }

    /// The series of a selection that was planned.
    pub(crate) fn series(&self, id: SelectionId) -> Result<Arc<dyn SeriesSet>, QueryError> {
        let selection = &self.selections[id.0];
        if let Some(series) = selection.series.get() {
            return Ok(Arc::clone(series));
        }
        let series = self.select(&selection.spec)?;
        Ok(Arc::clone(selection.series.get_or_init(|| series)))
    }

    /// Series that could not be planned because what to select depends on data.
    pub(crate) fn select(&self, spec: &SelectSpec) -> Result<Arc<dyn SeriesSet>, QueryError> {
        self.context.check()?;
        let querier = self.querier.as_ref().expect("BUG: a query that selects has a querier");
        let series: Arc<dyn SeriesSet> = querier.select(spec, &self.context)?.into();
        for warning in series.warnings() {
            self.annotations().add_storage_warning(warning);
        }
        Ok(series)
    }

    /// Sets memory aside until the result was handed out, for what may well be part of it.
    pub(crate) fn keep(&self, bytes: usize) -> Result<(), QueryError> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *kept {
            Some(reservation) => reservation.grow(bytes)?,
            None => *kept = Some(self.context.reserve(bytes)?),
        }
        Ok(())
    }

    /// Sets memory aside for a list of so many label sets that exist already.
    pub(crate) fn keep_label_list(&self, n: usize) -> Result<(), QueryError> {
        self.keep(n.saturating_mul(size_of::<Labels>()))
    }

    /// Sets memory aside for a label set that is new, and for its place in lists and tables.
    pub(crate) fn keep_labels(&self, labels: &Labels) -> Result<(), QueryError> {
        self.keep(labels.as_bytes().len() + BYTES_PER_LABEL_SET)
    }

    /// What is set aside for the result.
    pub(crate) fn take_kept(&self) -> Option<MemoryReservation> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(crate) fn annotate(&self, remark: Remark, span: TextSpan) {
        self.annotations().add(remark, span);
    }

    pub(crate) fn merge_annotations(&self, more: Annotations) {
        if !more.is_empty() {
            self.annotations().merge(more);
        }
    }

    /// The annotations so far.
    pub(crate) fn take_annotations(&self) -> Annotations {
        std::mem::take(&mut *self.annotations())
    }

    /// Annotations stay usable even if another thread panicked between two of them.
    fn annotations(&self) -> MutexGuard<'_, Annotations> {
        self.annotations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        let options = EngineOptions::default();
        let lookback_ms = options.lookback_delta_ms;
        let tally = Tally::new(Grid::instant(0), false);
        Self::new(options, lookback_ms, QueryContext::unbounded(), None, Vec::new(), tally)
    }
}

/// Counts the samples that a query looks at.
#[derive(Debug)]
pub(crate) struct Tally {
    grid: Grid,
    total: AtomicU64,
    /// One counter per step of the query, if asked for.
    per_step: Vec<AtomicU64>,
}

/// How the samples of a part of a query count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TallyScope {
    /// At the step they are looked at.
    PerStep,
    /// At every step of the query: the part is evaluated once and holds for all of them.
    EveryStep,
    /// Not at all: they count again where the result of the subquery is used.
    Subquery,
}

impl Tally {
    pub(crate) fn new(grid: Grid, per_step: bool) -> Self {
        let n = if per_step { grid.n_steps } else { 0 };
        Self { grid, total: AtomicU64::new(0), per_step: (0..n).map(|_| AtomicU64::new(0)).collect() }
    }

    /// Counts `n` samples that were looked at for a step.
    pub(crate) fn add(&self, scope: TallyScope, step: usize, n: usize) {
        let n = n as u64;
        match scope {
            TallyScope::PerStep => {
                self.total.fetch_add(n, Ordering::Relaxed);
                if let Some(counter) = self.per_step.get(step) {
                    counter.fetch_add(n, Ordering::Relaxed);
                }
            }
            TallyScope::EveryStep => {
                self.total.fetch_add(n.saturating_mul(self.grid.n_steps as u64), Ordering::Relaxed);
                for counter in &self.per_step {
                    counter.fetch_add(n, Ordering::Relaxed);
                }
            }
            TallyScope::Subquery => {}
        }
    }

    /// Counts many samples with few accesses to the shared counters.
    pub(crate) fn counter(&self, scope: TallyScope) -> TallyCounter<'_> {
        TallyCounter { tally: self, scope, total: 0 }
    }

    pub(crate) fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// The counts by time, if they were asked for.
    pub(crate) fn per_step(&self) -> Option<Vec<(i64, u64)>> {
        let counts = self.per_step.iter().enumerate();
        let list: Vec<_> =
            counts.map(|(step, n)| (self.grid.ts_ms(step), n.load(Ordering::Relaxed))).collect();
        (!list.is_empty()).then_some(list)
    }
}

/// Counts samples of one part of a query; the total is told when this is dropped.
pub(crate) struct TallyCounter<'a> {
    tally: &'a Tally,
    scope: TallyScope,
    total: usize,
}

impl TallyCounter<'_> {
    /// Whether it matters for which step samples are looked at.
    pub(crate) fn counts_steps(&self) -> bool {
        !self.tally.per_step.is_empty()
    }

    /// Counts `n` samples that were looked at for whichever steps.
    pub(crate) fn add_all(&mut self, n: usize) {
        debug_assert!(!self.counts_steps(), "BUG: samples are counted by step");
        self.total += n;
    }

    /// Counts `n` samples that were looked at for a step.
    pub(crate) fn add(&mut self, step: usize, n: usize) {
        if self.tally.per_step.is_empty() {
            self.total += n;
        } else {
            self.tally.add(self.scope, step, n);
        }
    }
}

impl Drop for TallyCounter<'_> {
    fn drop(&mut self) {
        if self.total > 0 {
            self.tally.add(self.scope, 0, self.total);
        }
    }
}
