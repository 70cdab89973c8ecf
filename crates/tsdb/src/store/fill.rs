//! Filling the head with samples from the log, on several threads.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Scope, ScopedJoinHandle};

use bellwether_model::{TimeRange, Value};

use crate::head::{Head, RangeTally, SeriesId};

/// How many samples are passed to a thread at once, and how many such loads may wait for it: memory is bounded, and whoever reads the log waits.
const LOAD: usize = 8 << 10;
const WAITING_LOADS: usize = 4;
/// More threads than this would wait for the one that reads the log.
const MAX_FILLERS: usize = 4;

/// What nearly all samples are.
#[derive(Debug, Clone, Copy)]
pub(super) struct FloatSample {
    pub(super) series: SeriesId,
    pub(super) ts_ms: i64,
    pub(super) value: f64,
}

/// A sample of any kind.
#[derive(Debug)]
pub(super) struct Sample {
    pub(super) series: SeriesId,
    pub(super) ts_ms: i64,
    pub(super) start_ts_ms: i64,
    pub(super) value: Value,
    pub(super) place: SamplePlace,
}

/// Where a sample belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SamplePlace {
    /// At the end of its series.
    Newest,
    /// Before the newest one.
    Late,
    /// In a part, where it is already; only the series' newest sample is to be remembered.
    Cut,
}

impl From<FloatSample> for Sample {
    fn from(FloatSample { series, ts_ms, value }: FloatSample) -> Self {
        Self { series, ts_ms, start_ts_ms: 0, value: Value::Float(value), place: SamplePlace::Newest }
    }
}

/// What a thread is given.
enum Load {
    Floats(Vec<FloatSample>),
    Any(Vec<Sample>),
    /// A series is defined anew.
    Return(SeriesId),
    /// What came before of a series in a range is gone.
    Deletion(SeriesId, TimeRange),
    /// Somebody waits for what was done since the last time.
    Report(SyncSender<Filled>),
}

/// What the threads did.
#[derive(Debug, Default)]
pub(super) struct Filled {
    /// Samples that were appended.
    pub(super) samples: u64,
    /// Samples that were there already.
    pub(super) known: u64,
    pub(super) tally: RangeTally,
}

/// Threads that append samples. Each has its own shards of the head, so the samples of a series stay in order.
pub(super) struct Fillers<'s> {
    fillers: Vec<Filler<'s>>,
}

struct Filler<'s> {
    loads: SyncSender<Load>,
    thread: ScopedJoinHandle<'s, Filled>,
    floats: Vec<FloatSample>,
    others: Vec<Sample>,
}

impl<'s> Fillers<'s> {
    /// Starts a thread for each processor. Fails if the operating system does not give one.
    pub(super) fn start<'e>(scope: &'s Scope<'s, 'e>, head: &'e Head) -> io::Result<Self> {
        let n = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_FILLERS);
        let start = |_| {
            let (loads, receiver) = sync_channel(WAITING_LOADS);
            let thread = std::thread::Builder::new().name("replay".to_owned());
            let thread = thread.spawn_scoped(scope, move || fill(head, &receiver))?;
            Ok(Filler { loads, thread, floats: Vec::with_capacity(LOAD), others: Vec::new() })
        };
        Ok(Self { fillers: (0..n).map(start).collect::<io::Result<_>>()? })
    }

    fn of(&mut self, series: SeriesId) -> &mut Filler<'s> {
        let n = self.fillers.len();
        &mut self.fillers[series.shard() % n]
    }

    /// Appends floats, each at the end of its series.
    pub(super) fn floats(&mut self, samples: &[FloatSample]) {
        // Series of one source share a shard and stand together.
        for run in samples.chunk_by(|a, b| a.series.shard() == b.series.shard()) {
            let filler = self.of(run[0].series);
            filler.pass_on_others();
            filler.floats.extend_from_slice(run);
            if filler.floats.len() >= LOAD {
                filler.pass_on_floats();
            }
        }
    }

    /// Adds a sample where it belongs.
    pub(super) fn sample(&mut self, sample: Sample) {
        let filler = self.of(sample.series);
        filler.pass_on_floats();
        filler.others.push(sample);
        if filler.others.len() >= LOAD {
            filler.pass_on_others();
        }
    }

    /// Lets a series return to the head after what came so far.
    pub(super) fn return_of(&mut self, series: SeriesId) {
        self.of(series).pass_on(Load::Return(series));
    }

    /// Deletes samples of a series that came so far.
    pub(super) fn deletion(&mut self, series: SeriesId, range: TimeRange) {
        self.of(series).pass_on(Load::Deletion(series, range));
    }

    /// Waits until all samples that came so far are in the head, and returns what was done since the last time.
    pub(super) fn settle(&mut self) -> Filled {
        let mut all = Filled::default();
        let ask = |filler: &mut Filler<'s>| {
            let (report, receiver) = sync_channel(1);
            filler.pass_on(Load::Report(report));
            receiver
        };
        let reports: Vec<_> = self.fillers.iter_mut().map(ask).collect();
        // A thread that is gone has panicked, which is found out when it is joined.
        reports.into_iter().filter_map(|report| report.recv().ok()).for_each(|filled| all.merge(&filled));
        all
    }

    /// Waits until all samples are in the head.
    pub(super) fn finish(self) -> Filled {
        let mut all = Filled::default();
        let end = |mut filler: Filler<'s>| {
            filler.pass_on_floats();
            filler.pass_on_others();
            drop(filler.loads);
            filler.thread
        };
        let threads: Vec<_> = self.fillers.into_iter().map(end).collect();
        for thread in threads {
            let filled = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            all.merge(&filled);
        }
        all
    }
}

impl Filler<'_> {
    /// Passes on what waits, and then a load.
    fn pass_on(&mut self, load: Load) {
        self.pass_on_floats();
        self.pass_on_others();
        self.send(load);
    }

    fn pass_on_floats(&mut self) {
        if !self.floats.is_empty() {
            let floats = std::mem::replace(&mut self.floats, Vec::with_capacity(LOAD));
            self.send(Load::Floats(floats));
        }
    }

    fn pass_on_others(&mut self) {
        if !self.others.is_empty() {
            let others = std::mem::take(&mut self.others);
            self.send(Load::Any(others));
        }
    }

    fn send(&self, load: Load) {
        // A thread that is gone has panicked, which is found out when it is joined.
        let _ = self.loads.send(load);
    }
}

/// Appends what comes, until nothing more can come.
fn fill(head: &Head, loads: &Receiver<Load>) -> Filled {
    let mut filled = Filled::default();
    for load in loads {
        match load {
            Load::Floats(samples) => {
                for run in samples.chunk_by(|a, b| a.series.shard() == b.series.shard()) {
                    let floats = run.iter().map(|s| (s.series, s.ts_ms, s.value));
                    let stored = head.replay_floats(run[0].series.shard(), floats, &mut filled.tally);
                    filled.samples += stored;
                    filled.known += run.len() as u64 - stored;
                }
            }
            Load::Any(samples) => samples.iter().for_each(|sample| filled.add(head, sample)),
            Load::Return(series) => head.replay_return(series),
            Load::Deletion(series, range) => head.replay_deletion(series, range),
            Load::Report(to) => {
                let _ = to.send(std::mem::take(&mut filled));
            }
        }
    }
    filled
}

impl Filled {
    fn merge(&mut self, other: &Self) {
        self.samples += other.samples;
        self.known += other.known;
        self.tally.merge(&other.tally);
    }

    fn add(&mut self, head: &Head, sample: &Sample) {
        let Sample { series, ts_ms, start_ts_ms, ref value, place } = *sample;
        let is_new = match place {
            SamplePlace::Newest => head.replay_sample(series, ts_ms, start_ts_ms, value),
            SamplePlace::Late => head.replay_late(series, ts_ms, start_ts_ms, value),
            SamplePlace::Cut => {
                head.replay_last(series, ts_ms, value);
                false
            }
        };
        if is_new {
            self.samples += 1;
            self.tally.add(ts_ms);
        } else {
            self.known += 1;
        }
    }
}
