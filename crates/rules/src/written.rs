//! The series that a rule writes, and how they end.

use std::collections::HashMap;

use bellwether_model::{
    AppendBatch, AppendEntry, AppendError, Appender, Labels, Rejection, SeriesRef, Tenant, Value, stale_nan,
};

/// So many samples are stored at once: a batch is in memory three times on its way.
const SAMPLES_PER_BATCH: usize = 10_000;

/// The series that a rule wrote at its last evaluation. Those that it no longer writes get a staleness marker.
#[derive(Debug, Default)]
pub(crate) struct Written {
    series: HashMap<Labels, Known>,
    /// The number of the last evaluation.
    run: u64,
}

#[derive(Debug)]
struct Known {
    hint: Option<SeriesRef>,
    /// The evaluation that wrote it last.
    run: u64,
}

/// Where samples go.
#[derive(Clone, Copy)]
pub(crate) struct Destination<'a> {
    pub(crate) appender: &'a dyn Appender,
    pub(crate) tenant: &'a Tenant,
    pub(crate) ts_ms: i64,
}

impl Destination<'_> {
    fn entry(&self, labels: Labels, hint: Option<SeriesRef>, value: Value) -> AppendEntry {
        AppendEntry { hint, labels, ts_ms: self.ts_ms, start_ts_ms: 0, value }
    }

    fn append(&self, samples: Vec<AppendEntry>) -> Result<Vec<Offered>, AppendError> {
        let batch = AppendBatch { samples, ..AppendBatch::default() };
        let report = self.appender.append(self.tenant, &batch)?;
        Ok(batch.samples.into_iter().zip(report.samples).collect())
    }
}

/// A sample, and the handle of its series or why it was refused.
type Offered = (AppendEntry, Result<SeriesRef, Rejection>);

/// What became of the samples of an evaluation.
#[derive(Debug, Default)]
pub(crate) struct Stored {
    /// How many were stored, markers of ended series included.
    pub(crate) samples: usize,
    /// How many the store refused, and why the first of them.
    pub(crate) refused: Option<(usize, Rejection)>,
}

impl Written {
    /// Stores what the rule yields now, and ends what it no longer yields.
    pub(crate) fn write(
        &mut self,
        samples: Vec<(Labels, Value)>,
        destination: Destination<'_>,
    ) -> Result<Stored, AppendError> {
        self.run += 1;
        let run = self.run;
        let mut stored = Stored::default();
        let mut samples = samples.into_iter();
        loop {
            let chunk = samples.by_ref().take(SAMPLES_PER_BATCH);
            let entries: Vec<AppendEntry> = chunk
                .map(|(labels, value)| {
                    let hint = self.series.get(&labels).and_then(|known| known.hint);
                    destination.entry(labels, hint, value)
                })
                .collect();
            if entries.is_empty() {
                break;
            }
            for (entry, handle) in destination.append(entries)? {
                match handle {
                    Ok(hint) => {
                        stored.samples += 1;
                        self.series.insert(entry.labels, Known { hint: Some(hint), run });
                    }
                    Err(why) => stored.refused.get_or_insert((0, why)).0 += 1,
                }
            }
        }
        let gone: HashMap<Labels, Known> = self.series.extract_if(|_, known| known.run != run).collect();
        let mut gone = Self { series: gone, run };
        let ended = gone.end(destination);
        // What could not be ended is tried again.
        self.series.extend(gone.series);
        stored.samples += ended?;
        Ok(stored)
    }

    /// Ends all series, or none if that fails. Returns how many there were that had not gone on elsewhere.
    pub(crate) fn end(&mut self, destination: Destination<'_>) -> Result<usize, AppendError> {
        let mut stored = 0;
        let mut markers = self
            .series
            .iter()
            .map(|(labels, known)| destination.entry(labels.clone(), known.hint, Value::Float(stale_nan())));
        loop {
            let entries: Vec<AppendEntry> = markers.by_ref().take(SAMPLES_PER_BATCH).collect();
            if entries.is_empty() {
                break;
            }
            stored += destination.append(entries)?.iter().filter(|(_, handle)| handle.is_ok()).count();
        }
        self.series.clear();
        Ok(stored)
    }

    /// Takes over the series of another one.
    pub(crate) fn merge(&mut self, other: Self) {
        // As of no evaluation of this one, so that what is not written again ends.
        let series = other.series.into_iter().map(|(labels, known)| (labels, Known { run: 0, ..known }));
        for (labels, known) in series {
            self.series.entry(labels).or_insert(known);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.series.is_empty()
    }
}
