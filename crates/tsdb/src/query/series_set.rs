use std::hash::BuildHasher as _;
use std::ops::Range;
use std::sync::Arc;

use bellwether_model::{ColumnBuffer, Labels, MemoryReservation, SeriesSet, StorageError, TimeRange};
use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};
use parking_lot::Mutex;

use crate::columns::{merge_columns, settle_hint};
use crate::counters::add;
use crate::head::HeadCopies;
use crate::part::{Part, PartError, SeriesBlock};
use crate::store::Store;

/// A selection keeps at most this many warnings; one bad page can hit many series.
const MAX_WARNINGS: usize = 20;

/// Where samples of a series are.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source {
    /// Which of the copies from the head.
    Head(u32),
    /// Which of the blocks, and which series there.
    Part { block: u32, series: u32 },
}

/// What a selection found so far, by precedence.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) labels: Vec<Labels>,
    /// As many as labels.
    pub(super) sources: Vec<Source>,
    pub(super) head: Option<HeadCopies>,
    /// The blocks that sources name, each with its part.
    pub(super) blocks: Vec<(u32, Arc<SeriesBlock>)>,
    /// The parts that blocks name.
    pub(super) parts: Vec<Arc<Part>>,
}

impl Findings {
    pub(super) fn len(&self) -> usize {
        self.labels.len()
    }

    /// Forgets all but the first `n` series.
    pub(super) fn truncate(&mut self, n: usize) {
        self.labels.truncate(n);
        self.sources.truncate(n);
    }

    /// Brings together what belongs to the same series, without losing the precedence. Returns for each series where its sources end.
    fn group(&mut self) -> Vec<u32> {
        let hasher = DefaultHashBuilder::default();
        let hash = |labels: &Labels| hasher.hash_one(labels.as_bytes());
        let mut table: HashTable<u32> = HashTable::with_capacity(self.len());
        // The first place at which each series was found; for each place which series it is; for each series how many places there are.
        let mut firsts: Vec<u32> = Vec::with_capacity(self.len());
        let mut series_of: Vec<u32> = Vec::with_capacity(self.len());
        let mut ends: Vec<u32> = Vec::with_capacity(self.len());
        for (place, labels) in (0..).zip(&self.labels) {
            let next = firsts.len() as u32;
            let is_it = |series: &u32| self.labels[firsts[*series as usize] as usize] == *labels;
            let rehash = |series: &u32| hash(&self.labels[firsts[*series as usize] as usize]);
            match table.entry(hash(labels), is_it, rehash) {
                Entry::Occupied(series) => {
                    series_of.push(*series.get());
                    ends[*series.get() as usize] += 1;
                }
                Entry::Vacant(vacant) => {
                    vacant.insert(next);
                    series_of.push(next);
                    firsts.push(place);
                    ends.push(1);
                }
            }
        }
        let mut at = 0;
        let mut starts: Vec<u32> = Vec::with_capacity(ends.len());
        for end in &mut ends {
            starts.push(at);
            at += *end;
            *end = at;
        }
        let mut sources = self.sources.clone();
        for (series, source) in series_of.into_iter().zip(&self.sources) {
            sources[starts[series as usize] as usize] = *source;
            starts[series as usize] += 1;
        }
        self.sources = sources;
        self.labels = firsts.iter().map(|place| self.labels[*place as usize].clone()).collect();
        ends
    }
}

/// The result of a selection. It needs neither the querier nor the head any more.
#[derive(Debug)]
pub(super) struct StoreSeriesSet {
    store: Arc<Store>,
    range: TimeRange,
    /// The sources of all series, those of one series together, by precedence.
    found: Findings,
    /// For each series where its sources end.
    ends: Vec<u32>,
    warnings: Mutex<Vec<String>>,
    _memory: MemoryReservation,
}

impl StoreSeriesSet {
    pub(super) fn new(
        store: Arc<Store>,
        range: TimeRange,
        mut found: Findings,
        form: Form,
        warnings: Vec<String>,
        memory: MemoryReservation,
    ) -> Self {
        let mut ends = if form.has_duplicates { found.group() } else { (1..=found.len() as u32).collect() };
        if form.must_sort {
            let mut order: Vec<u32> = (0..found.len() as u32).collect();
            order.sort_by(|a, b| found.labels[*a as usize].cmp(&found.labels[*b as usize]));
            let mut sources = Vec::with_capacity(found.sources.len());
            let mut new_ends = Vec::with_capacity(ends.len());
            for series in &order {
                sources.extend_from_slice(&found.sources[sources_of(&ends, *series as usize)]);
                new_ends.push(sources.len() as u32);
            }
            found.labels = order.iter().map(|series| found.labels[*series as usize].clone()).collect();
            found.sources = sources;
            ends = new_ends;
        }
        Self { store, range, found, ends, warnings: Mutex::new(warnings), _memory: memory }
    }

    /// Keeps only the first series.
    pub(super) fn truncate(&mut self, n: usize) {
        self.found.labels.truncate(n);
        self.ends.truncate(n);
    }

    /// Appends the samples that a source has of a series.
    fn read_source(&self, series: usize, source: Source, out: &mut ColumnBuffer) -> Result<(), StorageError> {
        match source {
            Source::Head(copy) => self
                .found
                .head
                .as_ref()
                .expect("BUG: a source names a copy where there are none")
                .read(copy as usize, out)
                .map_err(|e| StorageError::Corrupt { place: "head".to_owned(), what: e.to_string() }),
            Source::Part { block, series: in_block } => {
                let (part, block) = &self.found.blocks[block as usize];
                let part = &self.found.parts[*part as usize];
                // What was read of the other chunks stays.
                let read = part.read_series(block, in_block, self.range, out, |e| self.bad(series, e));
                Ok(read?)
            }
        }
    }

    /// Something of a series cannot be read: it is left out with a warning, or an error if reads are strict.
    fn bad(&self, series: usize, e: PartError) -> Result<(), PartError> {
        add(&self.store.counters.corruptions, 1);
        tracing::error!(error = %e, series = %self.found.labels[series], "stored samples cannot be read");
        if self.store.options.strict_reads {
            return Err(e);
        }
        let mut warnings = self.warnings.lock();
        if warnings.len() < MAX_WARNINGS {
            let text = format!("samples of {} are left out: {e}", self.found.labels[series]);
            if !warnings.contains(&text) {
                warnings.push(text);
            }
        }
        Ok(())
    }
}

/// What is known about the series that were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    /// Whether a series may have been found in several places.
    pub(super) has_duplicates: bool,
    /// Whether they must be put in the order of their labels.
    pub(super) must_sort: bool,
}

fn sources_of(ends: &[u32], series: usize) -> Range<usize> {
    let start = series.checked_sub(1).map_or(0, |before| ends[before]);
    start as usize..ends[series] as usize
}

impl SeriesSet for StoreSeriesSet {
    fn labels(&self) -> &[Labels] {
        &self.found.labels
    }

    fn read(&self, idx: usize, buf: &mut ColumnBuffer) -> Result<(), StorageError> {
        buf.clear();
        let mut seams = Vec::new();
        for source in &self.found.sources[sources_of(&self.ends, idx)] {
            let seam = buf.len();
            self.read_source(idx, *source, buf)?;
            if 0 < seam && seam < buf.len() {
                seams.push(seam);
            }
        }
        // The usual case: the sources follow each other in time.
        if seams.iter().any(|seam| buf.ts[seam - 1] >= buf.ts[*seam]) {
            let mut pieces: Vec<ColumnBuffer> = Vec::with_capacity(seams.len() + 1);
            pieces.extend(seams.iter().rev().map(|seam| split_off(buf, *seam)));
            pieces.push(std::mem::take(buf));
            pieces.reverse();
            merge_columns(&mut pieces, buf);
        } else {
            for seam in seams {
                settle_hint(buf, seam);
            }
        }
        Ok(())
    }

    fn warnings(&self) -> Vec<String> {
        self.warnings.lock().clone()
    }
}

/// Takes the rows from `at` on away.
fn split_off(samples: &mut ColumnBuffer, at: usize) -> ColumnBuffer {
    fn rest<T>(column: &mut Vec<T>, at: usize) -> Vec<T> {
        if column.is_empty() { Vec::new() } else { column.split_off(at) }
    }
    ColumnBuffer {
        ts: rest(&mut samples.ts, at),
        vals: rest(&mut samples.vals, at),
        hists: rest(&mut samples.hists, at),
        start_ts: rest(&mut samples.start_ts, at),
    }
}
