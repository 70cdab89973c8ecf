use std::sync::Arc;

use bellwether_model::{ColumnBuffer, Labels, MemoryReservation, SeriesSet, StorageError, TimeRange};
use parking_lot::Mutex;

use crate::columns::merge_columns;
use crate::counters::add;
use crate::head::HeadSamples;
use crate::part::{Part, PartError};
use crate::store::Store;

/// A selection keeps at most this many warnings; one bad page can hit many series.
const MAX_WARNINGS: usize = 20;

/// Where samples of a series are.
#[derive(Debug)]
pub(super) enum Source {
    Head(HeadSamples),
    Part {
        /// Which of the parts of the selection.
        part: u32,
        ordinal: u32,
    },
}

/// The result of a selection. It needs neither the querier nor the head any more.
#[derive(Debug)]
pub(super) struct StoreSeriesSet {
    store: Arc<Store>,
    range: TimeRange,
    labels: Vec<Labels>,
    /// The sources of all series, those of one series together, by precedence.
    sources: Vec<Source>,
    /// For each series where its sources end.
    ends: Vec<u32>,
    parts: Vec<Arc<Part>>,
    warnings: Mutex<Vec<String>>,
    _memory: MemoryReservation,
}

impl StoreSeriesSet {
    /// Brings together what belongs to the same series. `found` comes by precedence; `parts` are those that the sources name.
    pub(super) fn new(
        store: Arc<Store>,
        range: TimeRange,
        mut found: Vec<(Labels, Source)>,
        parts: Vec<Arc<Part>>,
        order: Order,
        memory: MemoryReservation,
    ) -> Self {
        if order == Order::ByLabels {
            // Stable, so the precedence stays.
            found.sort_by(|a, b| a.0.cmp(&b.0));
        }
        let mut labels: Vec<Labels> = Vec::with_capacity(found.len());
        let mut sources = Vec::with_capacity(found.len());
        let mut ends: Vec<u32> = Vec::with_capacity(found.len());
        for (l, source) in found {
            sources.push(source);
            let end = sources.len() as u32;
            match ends.last_mut() {
                Some(last) if labels.last() == Some(&l) => *last = end,
                _ => {
                    labels.push(l);
                    ends.push(end);
                }
            }
        }
        Self { store, range, labels, sources, ends, parts, warnings: Mutex::default(), _memory: memory }
    }

    /// Keeps only the first series.
    pub(super) fn truncate(&mut self, n: usize) {
        self.labels.truncate(n);
        self.ends.truncate(n);
    }

    fn read_source(
        &self,
        series: usize,
        source: &Source,
        out: &mut ColumnBuffer,
    ) -> Result<(), StorageError> {
        match source {
            Source::Head(samples) => samples
                .read(out)
                .map_err(|e| StorageError::Corrupt { place: "head".to_owned(), what: e.to_string() }),
            Source::Part { part, ordinal } => {
                let part = &self.parts[*part as usize];
                let read = part.read_around(*ordinal, self.range, out, |e| self.bad(series, e));
                // What was read of the other chunks stays.
                Ok(read.or_else(|e| self.bad(series, e))?)
            }
        }
    }

    /// Something of a series cannot be read: it is left out with a warning, or an error if reads are strict.
    fn bad(&self, series: usize, e: PartError) -> Result<(), PartError> {
        add(&self.store.counters.corruptions, 1);
        tracing::error!(error = %e, series = %self.labels[series], "stored samples cannot be read");
        if self.store.options.strict_reads {
            return Err(e);
        }
        let mut warnings = self.warnings.lock();
        if warnings.len() < MAX_WARNINGS {
            let text = format!("samples of {} are left out: {e}", self.labels[series]);
            if !warnings.contains(&text) {
                warnings.push(text);
            }
        }
        Ok(())
    }
}

/// In which order series come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// As they were found; each series has one source.
    AsFound,
    ByLabels,
}

impl SeriesSet for StoreSeriesSet {
    fn labels(&self) -> &[Labels] {
        &self.labels
    }

    fn read(&self, idx: usize, buf: &mut ColumnBuffer) -> Result<(), StorageError> {
        buf.clear();
        let start = idx.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        let sources = &self.sources[start..self.ends[idx] as usize];
        if let [only] = sources {
            return self.read_source(idx, only, buf);
        }
        let mut pieces = Vec::with_capacity(sources.len());
        for source in sources {
            let mut piece = ColumnBuffer::default();
            self.read_source(idx, source, &mut piece)?;
            pieces.push(piece);
        }
        merge_columns(&mut pieces, buf);
        Ok(())
    }

    fn warnings(&self) -> Vec<String> {
        self.warnings.lock().clone()
    }
}
