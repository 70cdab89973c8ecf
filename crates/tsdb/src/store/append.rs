//! Taking samples: judged, logged, then visible.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use bellwether_disk::LogError;
use bellwether_model::{
    AppendBatch, AppendEntry, AppendError, AppendReport, FloatHistogram, KnownSample, Labels, Limit,
    OverLimit, Rejection, Tenant, TimeRange, Value,
};

use crate::codec::is_consistent;
use crate::counters::add;
use crate::head::{
    ExemplarVerdict, Exemplars, Found, LastSample, LockedShards, MetadataStore, NewSample, OpenCommit,
    Placement, RangeTally, Series, SeriesId, ShardSet,
};
use crate::options::SeriesLimits;
use crate::part::CHUNK_RANGE_MS;
use crate::records::RecordWriter;

use super::limits::check_labels;
use super::tenancy::{TENANT_LABEL, stored_labels};
use super::{PartSet, Store};

/// Timestamps beyond this are impossible: about 285,000 years from the epoch. Differences of two of them always fit.
const MAX_TS_MS: i64 = 1 << 53;
/// A native histogram has at most this many buckets.
const MAX_BUCKETS: usize = 10_000;
/// All definitions together may take this share of each segment; with more, a series is defined in every second, third, ... segment.
const DEFINITION_SHARE: u64 = 8;
/// How much of an offender's labels a message shows.
const SHOWN_LABELS: usize = 200;
/// For how many appends at once memory is kept.
const SPARE_SCRATCHES: usize = 8;
/// Memory that has grown larger is not kept.
const SPARE_WRITER_BYTES: usize = 4 << 20;
const SPARE_ACCEPTED: usize = 1 << 15;

/// Memory that an append works with, kept for the next one.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    writer: RecordWriter,
    accepted: Vec<Accepted>,
    /// Of those accepted, by their places in the batch, in rising order: what is stored where that is not quite the value that came.
    settled: Vec<(u32, Value)>,
    /// The series that the batch defines in the log, with the segment that had their definition before.
    defined: Vec<(SeriesId, Option<u64>)>,
}

/// A sample that was judged and will be stored.
#[derive(Debug)]
struct Accepted {
    /// Its place in the batch: the known samples have the first ones, then the others.
    place: u32,
    series: SeriesId,
    rank: Rank,
}

/// Where a sample belongs in its series.
#[derive(Debug)]
enum Rank {
    /// At the end. With the newest one before it, which is put back if the log fails.
    Newest(Option<LastSample>),
    /// Before the newest one.
    Late,
}

/// A sample of a batch, whichever way it names its series.
struct Incoming {
    ts_ms: i64,
    start_ts_ms: i64,
    value: Value,
}

impl Incoming {
    /// The one at a place in the batch.
    #[inline]
    fn at(batch: &AppendBatch, place: u32) -> Self {
        let place = place as usize;
        match batch.known.get(place) {
            Some(known) => known.into(),
            None => (&batch.samples[place - batch.known.len()]).into(),
        }
    }
}

impl From<&KnownSample> for Incoming {
    #[inline]
    fn from(known: &KnownSample) -> Self {
        let KnownSample { ts_ms, start_ts_ms, value, .. } = *known;
        Self { ts_ms, start_ts_ms, value: Value::Float(value) }
    }
}

impl From<&AppendEntry> for Incoming {
    fn from(entry: &AppendEntry) -> Self {
        Self { ts_ms: entry.ts_ms, start_ts_ms: entry.start_ts_ms, value: entry.value.clone() }
    }
}

/// Which definitions of series the log will keep long enough.
#[derive(Clone, Copy)]
struct Definitions {
    segment: u64,
    keep_for: u64,
}

impl Definitions {
    #[inline]
    fn has(self, series: &Series) -> bool {
        series.defined_in().is_some_and(|segment| self.segment.saturating_sub(segment) < self.keep_for)
    }
}

impl Scratch {
    /// Takes a sample that was judged: writes it for the log, with the definition of its series if that is needed.
    #[inline]
    fn accept(
        &mut self,
        accepted: Accepted,
        sample: &Incoming,
        series: &mut Series,
        definitions: Definitions,
    ) {
        if !definitions.has(series) {
            self.defined.push((accepted.series, series.defined_in()));
            series.set_defined_in(Some(definitions.segment));
            self.writer.series(series.log_id, &series.labels);
        }
        let Incoming { ts_ms, start_ts_ms, value } = sample;
        match accepted.rank {
            Rank::Newest(_) => self.writer.sample(series.log_id, *ts_ms, *start_ts_ms, value),
            Rank::Late => self.writer.late_sample(series.log_id, *ts_ms, *start_ts_ms, value),
        }
        self.accepted.push(accepted);
    }

    /// Lets the series be as they were before their samples were judged, and forgets the samples.
    fn take_back(&mut self, shards: &mut LockedShards<'_>) {
        for accepted in self.accepted.drain(..).rev() {
            if let Rank::Newest(before) = accepted.rank {
                shards.series(accepted.series).replace_last(before);
            }
        }
        for (series, before) in self.defined.drain(..) {
            shards.series(series).set_defined_in(before);
        }
        self.writer.clear();
        self.settled.clear();
    }
}

/// What a sample is to its series, if it is not refused.
enum Verdict {
    /// One that it does not have. With what is stored if it is not quite the value that came.
    New(Rank, Option<Value>),
    /// The series has this very sample.
    Known,
}

/// What became of one attempt to append a batch.
enum Attempt<'s> {
    Done(AppendReport, Option<OpenCommit<'s>>),
    /// A hint was wrong. Nothing was stored; without hints it will work. Series may have been created: so many.
    WrongHint(usize),
    /// The series of these known samples are gone. Nothing was stored.
    Forgotten(Vec<usize>),
    /// A limit refuses a sample of a batch that is stored only as a whole. Nothing was stored, but series may have been created.
    OverLimit(Box<OverLimit>),
}

impl Store {
    pub(super) fn append(&self, tenant: &Tenant, batch: &AppendBatch) -> Result<AppendReport, AppendError> {
        if batch.is_empty() {
            return Ok(AppendReport::default());
        }
        if self.check_open().is_err() {
            return Err(AppendError::Closed);
        }
        if let Err(what) = self.space.check(self.fs.as_ref(), &self.dir, self.clock.monotonic()) {
            add(&self.counters.batches_refused_full, 1);
            return Err(AppendError::StorageFull(what));
        }
        let (attempt, created_before) = match self.try_append(tenant, batch, true)? {
            Attempt::WrongHint(created) => (self.try_append(tenant, batch, false)?, created),
            other => (other, 0),
        };
        let (mut report, commit) = match attempt {
            Attempt::Done(report, commit) => (report, commit),
            Attempt::Forgotten(places) => return Err(AppendError::ForgottenSeries { places }),
            Attempt::OverLimit(over) => return Err(AppendError::Limit(over)),
            Attempt::WrongHint(_) => unreachable!("BUG: a hint was wrong although none was used"),
        };
        report.new_series += created_before;
        if let Some(commit) = commit {
            commit.end();
        }
        Ok(report)
    }

    /// Appends the batch. The commit that is returned, if any, is the caller's to end.
    fn try_append(
        &self,
        tenant: &Tenant,
        batch: &AppendBatch,
        use_hints: bool,
    ) -> Result<Attempt<'_>, AppendError> {
        let limits = self.series_limits(tenant);
        let bounds = Bounds {
            oldest_ms: self.oldest_kept(&self.part_set()).unwrap_or(-MAX_TS_MS).max(-MAX_TS_MS),
            now_ms: self.clock.now_ms(),
            max_future_ms: limits.max_future_ms,
        };
        let mut set = ShardSet::default();
        for known in &batch.known {
            set.add(Placement::Hinted(known.series.into()));
        }
        let mut placed = Vec::with_capacity(batch.samples.len());
        for entry in &batch.samples {
            placed.push(judge_alone(entry, &bounds).and_then(|()| {
                let labels = labels_of(tenant, &entry.labels)?;
                let placement = self.head.place(&labels, entry.hint.filter(|_| use_hints));
                set.add(placement);
                Ok((placement, labels))
            }));
        }
        let exemplar_labels: Vec<_> = batch.exemplars.iter().map(|e| labels_of(tenant, &e.labels)).collect();
        for labels in exemplar_labels.iter().flatten() {
            set.add(self.head.place(labels, None));
        }
        let mut shards = self.head.lock(set);
        let forgotten = shards.forgotten(batch.known.iter().map(|known| known.series));
        if !forgotten.is_empty() {
            return Ok(Attempt::Forgotten(forgotten));
        }
        // Only now: a series that is not in the locked shards may just have moved into a part.
        let now_s = self.clock.monotonic().as_secs() as u32;
        let mut judge = Judge {
            store: self,
            parts: self.part_set(),
            window_ms: self.limits().out_of_order_window_ms,
            now_s,
            newest: None,
            in_batch: None,
            definitions: Definitions {
                segment: self.log.segment(),
                keep_for: self.segments_per_definition(),
            },
            n_repeated: 0,
        };
        let mut scratch = self.scratch.lock().pop().unwrap_or_default();
        let mut report = AppendReport::default();
        report.samples.reserve(batch.samples.len());
        let mut n_known = 0;
        for (idx, (entry, placed)) in batch.samples.iter().zip(placed).enumerate() {
            let known = n_known..batch.known_before(idx).clamp(n_known, batch.known.len());
            n_known = known.end;
            judge.known(known, &mut shards, batch, &bounds, &mut scratch, &mut report);
            let place = (batch.known.len() + idx) as u32;
            let series = match placed {
                Err(rejection) => Err(rejection),
                Ok((placement, labels)) => {
                    match self.find_or_create(&mut shards, placement, tenant, &labels, &limits) {
                        Ok(Some(series)) => Ok(series),
                        Ok(None) => {
                            let created = shards.index_created();
                            add(&self.counters.series_created, created as u64);
                            scratch.take_back(&mut shards);
                            return Ok(Attempt::WrongHint(created));
                        }
                        Err(rejection) => Err(rejection),
                    }
                }
            };
            let verdict = series.and_then(|series| {
                let mut sample = Incoming::from(entry);
                match judge.sample(&mut shards, series, &sample, batch, &scratch.accepted)? {
                    Verdict::New(rank, settled) => {
                        judge.note(series, entry.ts_ms, place);
                        if let Some(value) = settled {
                            scratch.settled.push((place, value.clone()));
                            sample.value = value;
                        }
                        let accepted = Accepted { place, series, rank };
                        scratch.accept(accepted, &sample, shards.series(series), judge.definitions);
                    }
                    Verdict::Known => judge.n_repeated += 1,
                }
                Ok(shards.to_ref(series))
            });
            if batch.stops_at_limit
                && let Err(Rejection::Limit(over)) = verdict
            {
                add(&self.counters.series_created, shards.index_created() as u64);
                scratch.take_back(&mut shards);
                // A part of the batch comes again if there are too many series, and then the rest of it is counted.
                if !over.limit.counts_series() {
                    add(&self.counters.samples_over_limit, 1);
                    self.refusals.note(tenant, [(over.limit, entry.labels.metric_name())].into_iter());
                }
                return Ok(Attempt::OverLimit(over));
            }
            report.samples.push(verdict);
        }
        judge.known(n_known..batch.known.len(), &mut shards, batch, &bounds, &mut scratch, &mut report);
        report.known = batch.known.len() - report.rejected_known.len();
        add(&self.counters.samples_repeated, judge.n_repeated);
        report.new_series = shards.index_created();
        add(&self.counters.series_created, report.new_series as u64);
        let (exemplars, exemplar_guard) =
            self.judge_exemplars(&shards, batch, &exemplar_labels, &bounds, &mut report, &mut scratch.writer);
        self.count_refused(tenant, batch, &limits, &shards, &mut report);
        let (metadata, metadata_guard) = self.judge_metadata(tenant, batch, &mut scratch.writer);
        let result = self.log_and_apply(batch, &mut shards, &mut scratch);
        if result.is_ok() {
            if let Some(mut guard) = exemplar_guard {
                for idx in &exemplars {
                    if let Ok(labels) = &exemplar_labels[*idx] {
                        guard.push(labels, batch.exemplars[*idx].exemplar.clone());
                    }
                }
            }
            if let Some(mut guard) = metadata_guard {
                for idx in &metadata {
                    let entry = &batch.metadata[*idx];
                    guard.put(tenant.as_str(), &entry.family, entry.metadata.clone());
                }
            }
        }
        drop(shards);
        self.keep_scratch(scratch);
        let (commit, seq) = result?;
        // What the store has already is promised again, so the frame that brought it, whichever it is, must be as safe as those of this batch.
        let seq = if judge.n_repeated > 0 { Some(self.log.last_seq()) } else { seq };
        add(&self.counters.exemplars_appended, exemplars.len() as u64);
        add(&self.counters.exemplars_rejected, report.rejected_exemplars.len() as u64);
        add(&self.counters.metadata_appended, metadata.len() as u64);
        if let Some(seq) = seq {
            // If this fails, the samples may or may not survive; nobody was told that they would.
            self.log.commit(seq).map_err(|e| self.refusal(e))?;
        }
        Ok(Attempt::Done(report, commit))
    }

    /// The series with these labels; `None` if a hint was wrong and the right shard is not locked.
    fn find_or_create(
        &self,
        shards: &mut LockedShards<'_>,
        placement: Placement,
        tenant: &Tenant,
        labels: &Labels,
        limits: &SeriesLimits,
    ) -> Result<Option<SeriesId>, Rejection> {
        let mut placement = placement;
        let mut found = shards.find(placement, labels);
        if found == Found::WrongHint {
            placement = self.head.place(labels, None);
            if !shards.has(placement) {
                return Ok(None);
            }
            found = shards.find(placement, labels);
        }
        if let Found::Series(series) = found {
            return Ok(Some(series));
        }
        check_names(labels)?;
        check_labels(tenant, labels, limits).map_err(Rejection::Limit)?;
        self.check_memory(labels).map_err(Rejection::Limit)?;
        let now = self.clock.monotonic();
        self.series_counts.admit(tenant, labels, limits, now).map_err(Rejection::Limit)?;
        let series = shards.create(placement, labels);
        shards.series(series).created_s = (now.as_secs() as u32).max(1);
        Ok(Some(series))
    }

    /// Counts what was refused, and says when what a rate refused may come again.
    fn count_refused(
        &self,
        tenant: &Tenant,
        batch: &AppendBatch,
        limits: &SeriesLimits,
        shards: &LockedShards<'_>,
        report: &mut AppendReport,
    ) {
        let mut over_limit = Vec::new();
        let mut n_later = 0;
        let others = batch.samples.iter().zip(&report.samples);
        let others = others.filter_map(|(entry, verdict)| Some((&entry.labels, verdict.as_ref().err()?)));
        let known = report
            .rejected_known
            .iter()
            .map(|(place, rejection)| (shards.labels(batch.known[*place].series.into()), rejection));
        for (labels, rejection) in known.chain(others) {
            self.counters.count_rejection(rejection);
            let Some(limit) = limit_of(rejection) else { continue };
            n_later += usize::from(limit.passes_with_time());
            over_limit.push((limit, labels.metric_name()));
        }
        for (idx, rejection) in &report.rejected_exemplars {
            if let Some(limit) = limit_of(rejection) {
                over_limit.push((limit, batch.exemplars[*idx].labels.metric_name()));
            }
        }
        self.refusals.note(tenant, over_limit.into_iter());
        if n_later > 0 {
            report.retry_after = Some(self.series_counts.retry_after(tenant, n_later, limits));
        }
    }

    /// The places in the batch of the exemplars that will be stored, and the lock that keeps this true.
    fn judge_exemplars<'s>(
        &'s self,
        shards: &LockedShards<'_>,
        batch: &AppendBatch,
        labels: &[Result<Cow<'_, Labels>, Rejection>],
        bounds: &Bounds,
        report: &mut AppendReport,
        writer: &mut RecordWriter,
    ) -> (Vec<usize>, Option<parking_lot::MutexGuard<'s, Exemplars>>) {
        if batch.exemplars.is_empty() {
            return (Vec::new(), None);
        }
        let exemplars = self.head.exemplars.lock();
        if !exemplars.is_enabled() {
            return (Vec::new(), None);
        }
        let mut accepted: Vec<usize> = Vec::new();
        for (idx, entry) in batch.exemplars.iter().enumerate() {
            let verdict = labels[idx].as_ref().map_err(Clone::clone).and_then(|labels| {
                let is_known = matches!(shards.find(self.head.place(labels, None), labels), Found::Series(_));
                if !is_known {
                    return Err(Rejection::ExemplarWithoutSeries);
                }
                // It would keep out those that come after it until the clock has caught up.
                bounds.check_future(entry.exemplar.ts_ms)?;
                // Those before it in the batch are not in the ring yet; several of one series are rare.
                let earlier = accepted.iter().rev().find(|i| batch.exemplars[**i].labels == entry.labels);
                let in_ring = exemplars.judge(labels, &entry.exemplar, entry.is_timed)?;
                let verdict = earlier.map_or(Ok(in_ring), |i| {
                    Exemplars::compare(&entry.exemplar, &batch.exemplars[*i].exemplar)
                })?;
                Ok((labels, verdict))
            });
            match verdict {
                Ok((_, ExemplarVerdict::Known)) => {}
                Ok((labels, ExemplarVerdict::New)) => {
                    writer.exemplar(labels, &entry.exemplar);
                    accepted.push(idx);
                }
                Err(rejection) => report.rejected_exemplars.push((idx, rejection)),
            }
        }
        (accepted, Some(exemplars))
    }

    /// The places in the batch of the descriptions that are news, and the lock that keeps this true.
    fn judge_metadata<'s>(
        &'s self,
        tenant: &Tenant,
        batch: &AppendBatch,
        writer: &mut RecordWriter,
    ) -> (Vec<usize>, Option<parking_lot::MutexGuard<'s, MetadataStore>>) {
        if batch.metadata.is_empty() {
            return (Vec::new(), None);
        }
        let known = self.head.metadata.lock();
        let mut accepted = Vec::new();
        for (idx, entry) in batch.metadata.iter().enumerate() {
            let fits = entry.family.len() + entry.metadata.help.len() + entry.metadata.unit.len()
                <= MAX_METADATA_BYTES;
            if fits && known.is_news(tenant.as_str(), &entry.family, &entry.metadata) {
                writer.metadata(tenant.as_str(), &entry.family, &entry.metadata);
                accepted.push(idx);
            }
        }
        (accepted, Some(known))
    }

    /// Writes the batch to the log and appends the samples. Returns the commit to end and the last frame in the log, where there are any.
    fn log_and_apply<'s>(
        &'s self,
        batch: &AppendBatch,
        shards: &mut LockedShards<'_>,
        scratch: &mut Scratch,
    ) -> Result<(Option<OpenCommit<'s>>, Option<u64>), AppendError> {
        if scratch.writer.is_empty() {
            return Ok((None, None));
        }
        let mut group = self.log.group();
        let framed = scratch.writer.finish_batch(&mut group);
        let logged = framed.map_err(|e| AppendError::TooLarge(e.to_string())).and_then(|()| {
            add(&self.counters.log_bytes_written, group.len() as u64);
            let appended = self.log.append(group);
            self.space.note_log(match &appended {
                Err(LogError::Full(what)) => Some(what),
                _ => None,
            });
            appended.map_err(|e| self.refusal(e))
        });
        let appended = match logged {
            Ok(appended) => appended,
            Err(e) => {
                scratch.take_back(shards);
                return Err(e);
            }
        };
        let Scratch { accepted, settled, .. } = scratch;
        if accepted.is_empty() {
            return Ok((None, Some(appended.last_seq)));
        }
        let commit = self.head.commits.begin();
        let (mut tally, mut n_late) = (RangeTally::default(), 0);
        let mut settled = settled.drain(..).peekable();
        let new = |a: &Accepted| {
            let Incoming { ts_ms, start_ts_ms, value } = Incoming::at(batch, a.place);
            let value = settled.next_if(|(place, _)| *place == a.place).map_or(value, |(_, value)| value);
            tally.add(ts_ms);
            let is_late = matches!(a.rank, Rank::Late);
            n_late += u64::from(is_late);
            NewSample { series: a.series, ts_ms, start_ts_ms, value, is_late }
        };
        shards.apply(commit.number(), accepted.iter().map(new));
        self.head.ranges.add(&tally, self.clock.monotonic());
        add(&self.counters.samples_appended, accepted.len() as u64);
        add(&self.counters.samples_appended_late, n_late);
        Ok((Some(commit), Some(appended.last_seq)))
    }

    fn keep_scratch(&self, mut scratch: Scratch) {
        let is_small =
            scratch.writer.capacity() <= SPARE_WRITER_BYTES && scratch.accepted.capacity() <= SPARE_ACCEPTED;
        if is_small && scratch.writer.is_empty() {
            scratch.accepted.clear();
            scratch.defined.clear();
            let mut spare = self.scratch.lock();
            if spare.len() < SPARE_SCRATCHES {
                spare.push(scratch);
            }
        }
    }

    /// In how many segments in a row a definition need not be repeated.
    fn segments_per_definition(&self) -> u64 {
        (self.head.label_bytes() * DEFINITION_SHARE).div_ceil(self.options.segment_bytes.max(1)).max(1)
    }

    fn refusal(&self, e: LogError) -> AppendError {
        match e {
            LogError::Full(what) => {
                add(&self.counters.batches_refused_full, 1);
                AppendError::StorageFull(what)
            }
            LogError::Closed => AppendError::Closed,
            e => {
                add(&self.counters.batches_refused_read_only, 1);
                AppendError::ReadOnly(e.to_string())
            }
        }
    }
}

/// The limit that a sample is against.
fn limit_of(rejection: &Rejection) -> Option<Limit> {
    match rejection {
        Rejection::Limit(over) => Some(over.limit),
        Rejection::TooFarInFuture { .. } => Some(Limit::Future),
        _ => None,
    }
}

/// Which times a sample may have.
#[expect(clippy::struct_field_names, reason = "the unit is part of the name")]
struct Bounds {
    oldest_ms: i64,
    now_ms: i64,
    /// How far ahead of now.
    max_future_ms: Option<i64>,
}

impl Bounds {
    #[inline]
    fn check(&self, ts_ms: i64) -> Result<(), Rejection> {
        // What the retention would drop must not be acknowledged.
        if ts_ms < self.oldest_ms {
            return Err(Rejection::OutOfBounds);
        }
        self.check_future(ts_ms)
    }

    /// Compared with the clock, and never with what was stored before: one wrong sender must not keep out the others.
    #[inline]
    fn check_future(&self, ts_ms: i64) -> Result<(), Rejection> {
        match self.max_future_ms {
            Some(limit_ms) if ts_ms > self.now_ms.saturating_add(limit_ms) => {
                let ahead_ms = ts_ms.saturating_sub(self.now_ms);
                Err(Rejection::TooFarInFuture { ahead_ms, limit_ms })
            }
            _ if ts_ms > MAX_TS_MS => Err(Rejection::OutOfBounds),
            _ => Ok(()),
        }
    }
}

/// What can be said without looking at the series.
fn judge_alone(entry: &AppendEntry, bounds: &Bounds) -> Result<(), Rejection> {
    bounds.check(entry.ts_ms)?;
    match &entry.value {
        Value::Float(_) => Ok(()),
        Value::Histogram(h) if !is_consistent(h) => Err(Rejection::InvalidHistogram(format!(
            "the spans hold another number of buckets than there are, at {}",
            shown(&entry.labels)
        ))),
        Value::Histogram(h) => {
            let custom = h.custom_values.as_ref().map_or(0, |v| v.len());
            let n = h.positive_buckets.len() + h.negative_buckets.len() + custom;
            if n > MAX_BUCKETS {
                let shown = shown(&entry.labels);
                let what = format!("{n} histogram buckets, more than the {MAX_BUCKETS} allowed, at {shown}");
                return Err(Rejection::Limit(Box::new(OverLimit { limit: Limit::HistogramBuckets, what })));
            }
            Ok(())
        }
    }
}

/// The labels under which a series is stored.
fn labels_of<'a>(tenant: &Tenant, labels: &'a Labels) -> Result<Cow<'a, Labels>, Rejection> {
    if labels.has(TENANT_LABEL) {
        let shown = shown(labels);
        return Err(Rejection::InvalidLabels(format!("the label {TENANT_LABEL} is reserved, at {shown}")));
    }
    Ok(stored_labels(tenant, labels))
}

/// A description of a family has at most this many bytes; longer ones are ignored.
const MAX_METADATA_BYTES: usize = 64 << 10;

/// Says of each sample whether it can be stored.
struct Judge<'a> {
    store: &'a Store,
    parts: Arc<PartSet>,
    /// How far behind the newest sample of the store a late one may be.
    window_ms: i64,
    /// The time of the batch, in seconds on the clock that never goes back.
    now_s: u32,
    /// The time of the newest sample of the store before this batch, once it was asked for.
    newest: Option<i64>,
    /// The samples of the batch that were accepted so far, once they were asked for: their place in the batch by series and time.
    in_batch: Option<BTreeMap<(SeriesId, i64), u32>>,
    definitions: Definitions,
    /// How many samples their series had already.
    n_repeated: u64,
}

impl Judge<'_> {
    /// Judges some of the known samples, and takes those that can be stored.
    fn known(
        &mut self,
        places: Range<usize>,
        shards: &mut LockedShards<'_>,
        batch: &AppendBatch,
        bounds: &Bounds,
        scratch: &mut Scratch,
        report: &mut AppendReport,
    ) {
        for (place, known) in places.clone().zip(&batch.known[places]) {
            let (id, sample) = (SeriesId::from(known.series), Incoming::from(known));
            let verdict = bounds
                .check(known.ts_ms)
                .and_then(|()| self.sample(shards, id, &sample, batch, &scratch.accepted));
            match verdict {
                Ok(Verdict::New(rank, _)) => {
                    let place = place as u32;
                    self.note(id, known.ts_ms, place);
                    let accepted = Accepted { place, series: id, rank };
                    scratch.accept(accepted, &sample, shards.series(id), self.definitions);
                }
                Ok(Verdict::Known) => self.n_repeated += 1,
                Err(rejection) => report.rejected_known.push((place, rejection)),
            }
        }
    }

    /// Notes that a sample of the batch was accepted.
    fn note(&mut self, series: SeriesId, ts_ms: i64, place: u32) {
        if let Some(in_batch) = &mut self.in_batch {
            in_batch.insert((series, ts_ms), place);
        }
    }

    /// Whether a sample can be stored. If it is newer than all of its series, this counts as having it from now on.
    #[inline]
    fn sample(
        &mut self,
        shards: &mut LockedShards<'_>,
        id: SeriesId,
        sample: &Incoming,
        batch: &AppendBatch,
        accepted: &[Accepted],
    ) -> Result<Verdict, Rejection> {
        let series = shards.series(id);
        if let Value::Float(v) = &sample.value
            && let Some((ts_ms, before)) = series.advance(sample.ts_ms, *v)
        {
            series.touched_s = self.now_s;
            let before = LastSample { ts_ms, value: Value::Float(before) };
            return Ok(Verdict::New(Rank::Newest(Some(before)), None));
        }
        self.unusual_sample(shards, id, sample, batch, accepted)
    }

    fn unusual_sample(
        &mut self,
        shards: &mut LockedShards<'_>,
        id: SeriesId,
        sample: &Incoming,
        batch: &AppendBatch,
        accepted: &[Accepted],
    ) -> Result<Verdict, Rejection> {
        let window_ms = self.window_ms;
        let series = shards.series(id);
        if series.is_last_unsure() {
            // The series is new here, but may have had samples before.
            let is_in_parts = self.parts.maxt().is_some_and(|maxt| sample.ts_ms <= maxt);
            let found = is_in_parts.then(|| self.parts.last_sample(&series.labels, sample.ts_ms));
            let found = found.and_then(|found| self.readable(found)).flatten();
            series.raise_last(found.map(|(ts_ms, value)| LastSample { ts_ms, value }));
        }
        if let Some(last) = series.last()
            && last.ts_ms >= sample.ts_ms
        {
            let same = if last.ts_ms == sample.ts_ms {
                Some(last.has_value(&sample.value))
            } else {
                // A sender that repeats a request must not be told that it is too late with what is stored.
                let is_same = |v: &Value| crate::head::same_value(v, &sample.value);
                let in_batch = (window_ms > 0).then(|| {
                    let at = |a: &Accepted| ((a.series, Incoming::at(batch, a.place).ts_ms), a.place);
                    let in_batch = self.in_batch.get_or_insert_with(|| accepted.iter().map(at).collect());
                    in_batch.get(&(id, sample.ts_ms)).map(|place| is_same(&Incoming::at(batch, *place).value))
                });
                let in_head =
                    in_batch.flatten().or_else(|| series.value_at(sample.ts_ms).as_ref().map(is_same));
                in_head.or_else(|| {
                    self.readable(self.parts.compare(&series.labels, sample.ts_ms, &sample.value)).flatten()
                })
            };
            return match same {
                Some(true) => Ok(Verdict::Known),
                Some(false) => Err(Rejection::DuplicateTimestamp),
                // The series has gone on, so a marker of its end is wrong.
                None if window_ms <= 0 || sample.value.is_stale() => Err(Rejection::OutOfOrder),
                None if sample.ts_ms < self.newest().saturating_sub(window_ms) => Err(Rejection::TooOld),
                None => {
                    series.touched_s = self.now_s;
                    let before = match &sample.value {
                        Value::Float(_) => None,
                        Value::Histogram(_) => self.sample_before(id, series, sample.ts_ms, batch),
                    };
                    Ok(Verdict::New(Rank::Late, with_stored_hint(&sample.value, before.as_ref())))
                }
            };
        }
        let stored = with_stored_hint(&sample.value, series.last().as_ref());
        let value = stored.as_ref().unwrap_or(&sample.value).clone();
        series.touched_s = self.now_s;
        let before = series.replace_last(Some(LastSample { ts_ms: sample.ts_ms, value }));
        Ok(Verdict::New(Rank::Newest(before), stored))
    }

    /// The sample of a series before a time, if it is not far away. What is in the batch counts as there.
    fn sample_before(
        &self,
        id: SeriesId,
        series: &Series,
        ts_ms: i64,
        batch: &AppendBatch,
    ) -> Option<LastSample> {
        let range = TimeRange::new(ts_ms.saturating_sub(CHUNK_RANGE_MS), ts_ms - 1);
        let in_batch = self.in_batch.as_ref().and_then(|in_batch| {
            let ((_, ts_ms), place) = in_batch.range((id, range.mint)..=(id, range.maxt)).next_back()?;
            Some(LastSample { ts_ms: *ts_ms, value: Incoming::at(batch, *place).value })
        });
        let in_parts = self.readable(self.parts.last_in(&series.labels, range)).flatten();
        let in_parts = in_parts.map(|(ts_ms, value)| LastSample { ts_ms, value });
        // Where several places have the same one, it does not matter which is taken.
        [series.last_in(range), in_parts, in_batch].into_iter().flatten().max_by_key(|s| s.ts_ms)
    }

    /// The time of the newest sample of the store.
    fn newest(&mut self) -> i64 {
        let stored = || self.store.head.ranges.maxt().max(self.parts.maxt()).unwrap_or(i64::MIN);
        *self.newest.get_or_insert_with(stored)
    }

    /// Damage in parts is counted; the sample is judged by what can be read.
    fn readable<T>(&self, found: Result<T, crate::part::PartError>) -> Option<T> {
        found.inspect_err(|_| add(&self.store.counters.corruptions, 1)).ok()
    }
}

/// A histogram with what the store knows about resets since the sample before; `None` if that is what the value says already.
fn with_stored_hint(value: &Value, before: Option<&LastSample>) -> Option<Value> {
    let Value::Histogram(h) = value else { return None };
    let previous = match before.map(|last| &last.value) {
        Some(Value::Histogram(previous)) => Some(&**previous),
        _ => None,
    };
    let hint = h.stored_reset_hint(previous);
    let stored = || Value::Histogram(Arc::new(FloatHistogram { counter_reset_hint: hint, ..(**h).clone() }));
    (hint != h.counter_reset_hint).then(stored)
}

/// Whether these are labels at all.
fn check_names(labels: &Labels) -> Result<(), Rejection> {
    if labels.is_empty() {
        return Err(Rejection::InvalidLabels("empty label set".to_owned()));
    }
    if labels.iter().any(|label| label.name.is_empty()) {
        return Err(Rejection::InvalidLabels(format!("empty label name, at {}", shown(labels))));
    }
    Ok(())
}

/// Labels for a message, cut if they are long.
pub(super) fn shown(labels: &Labels) -> String {
    let mut text = labels.to_string();
    if text.len() > SHOWN_LABELS {
        let end = (0..=SHOWN_LABELS).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
        text.truncate(end);
        text.push_str("...");
    }
    text
}
