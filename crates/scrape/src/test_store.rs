//! A store in memory that follows the contract of `Appender`, for tests.

use std::collections::{BTreeMap, HashMap};

use bellwether_model::{
    AppendBatch, AppendEntry, AppendError, AppendReport, Appender, KnownSample, Labels, Limit, OverLimit,
    Rejection, SeriesRef, Tenant, Value,
};
use parking_lot::Mutex;

#[derive(Debug, Default)]
pub(crate) struct TestStore {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    refs: HashMap<Labels, SeriesRef>,
    samples: BTreeMap<String, Vec<(i64, String)>>,
    exemplars: Vec<String>,
    metadata: Vec<String>,
    fail: Option<String>,
    /// Series whose samples are refused, by metric name.
    refuse: Vec<String>,
    bad_hints: usize,
    /// Handles that were given so far.
    n_refs: u64,
    /// Samples of the last batch that had labels, report series left out.
    named: usize,
    /// Batches with more samples are refused.
    max_batch: Option<usize>,
    /// Samples of metrics with this name are against this limit.
    over_limit: Option<(String, Limit)>,
    /// Later samples are too far in the future.
    latest_ms: Option<i64>,
}

impl TestStore {
    /// The samples of a series as `ts value`, in the order of their time; `stale` or `stale histogram` for markers.
    pub(crate) fn samples(&self, series: &str) -> Vec<(i64, String)> {
        self.state.lock().samples.get(series).cloned().unwrap_or_default()
    }

    /// All series that have samples, report series left out.
    pub(crate) fn series(&self) -> Vec<String> {
        let is_report = |s: &str| s == "up" || s.starts_with("up{") || s.starts_with("scrape_");
        self.state.lock().samples.keys().filter(|s| !is_report(s)).cloned().collect()
    }

    /// All samples of all series, report series left out.
    pub(crate) fn all(&self) -> BTreeMap<String, Vec<(i64, String)>> {
        self.series().into_iter().map(|s| (s.clone(), self.samples(&s))).collect()
    }

    /// The values of a report series.
    pub(crate) fn values(&self, series: &str) -> Vec<String> {
        self.samples(series).into_iter().map(|(_, value)| value).collect()
    }

    pub(crate) fn exemplars(&self) -> Vec<String> {
        self.state.lock().exemplars.clone()
    }

    /// The metadata since the last call.
    pub(crate) fn take_metadata(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().metadata)
    }

    /// From now on takes nothing and says why.
    pub(crate) fn fail(&self, reason: Option<&str>) {
        self.state.lock().fail = reason.map(str::to_owned);
    }

    /// From now on refuses samples of metrics with this name.
    pub(crate) fn refuse(&self, metrics: &[&str]) {
        self.state.lock().refuse = metrics.iter().map(|m| (*m).to_owned()).collect();
    }

    /// From now on refuses batches with more samples.
    pub(crate) fn limit_batches(&self, samples: usize) {
        self.state.lock().max_batch = Some(samples);
    }

    /// From now on samples of metrics with this name are against a limit.
    pub(crate) fn limit(&self, metric: &str, limit: Limit) {
        self.state.lock().over_limit = Some((metric.to_owned(), limit));
    }

    /// From now on refuses later samples.
    pub(crate) fn refuse_after(&self, latest_ms: i64) {
        self.state.lock().latest_ms = Some(latest_ms);
    }

    /// Forgets the handle of a series without labels.
    pub(crate) fn forget(&self, metric: &str) {
        self.state.lock().refs.remove(&Labels::from_pairs([("__name__", metric), ("job", "j")]));
    }

    /// How many samples of the last batch came with labels.
    pub(crate) fn named(&self) -> usize {
        self.state.lock().named
    }

    /// How many hints were given that belong to another series.
    pub(crate) fn bad_hints(&self) -> usize {
        self.state.lock().bad_hints
    }
}

impl State {
    /// A known sample with the labels of its handle.
    fn name(&self, known: &KnownSample) -> Option<AppendEntry> {
        let (labels, _) = self.refs.iter().find(|(_, handle)| **handle == known.series)?;
        Some(known.with_labels(labels.clone()))
    }

    /// Whether a sample is against the limit.
    fn over_limit(&self, entry: &AppendEntry) -> Option<Box<OverLimit>> {
        let (_, limit) =
            self.over_limit.as_ref().filter(|(metric, _)| entry.labels.metric_name() == metric)?;
        Some(Box::new(OverLimit { limit: *limit, what: format!("{} reached", limit.as_str()) }))
    }

    fn store(&mut self, entry: &AppendEntry) -> Result<SeriesRef, Rejection> {
        if let Some(over) = self.over_limit(entry) {
            return Err(Rejection::Limit(over));
        }
        if let Some(latest_ms) = self.latest_ms.filter(|latest_ms| entry.ts_ms > *latest_ms) {
            let ahead_ms = entry.ts_ms.saturating_sub(latest_ms);
            return Err(Rejection::TooFarInFuture { ahead_ms, limit_ms: 0 });
        }
        let next = SeriesRef(self.n_refs + 1);
        let sref = *self.refs.entry(entry.labels.clone()).or_insert(next);
        self.n_refs += u64::from(sref == next);
        if entry.hint.is_some_and(|hint| hint != sref) {
            self.bad_hints += 1;
        }
        if self.refuse.iter().any(|metric| entry.labels.metric_name() == metric) && !entry.value.is_stale() {
            return Err(Rejection::OutOfOrder);
        }
        let value = match &entry.value {
            Value::Float(_) if entry.value.is_stale() => "stale".to_owned(),
            Value::Histogram(_) if entry.value.is_stale() => "stale histogram".to_owned(),
            Value::Float(v) => v.to_string(),
            Value::Histogram(h) => format!("histogram({})", h.count),
        };
        let samples = self.samples.entry(entry.labels.to_string()).or_default();
        match samples.last() {
            Some((ts, _)) if *ts > entry.ts_ms => return Err(Rejection::OutOfOrder),
            Some((ts, before)) if *ts == entry.ts_ms && *before != value => {
                return Err(Rejection::DuplicateTimestamp);
            }
            Some((ts, _)) if *ts == entry.ts_ms => {}
            _ => samples.push((entry.ts_ms, value)),
        }
        Ok(sref)
    }
}

impl Appender for TestStore {
    fn append(&self, _tenant: &Tenant, batch: &AppendBatch) -> Result<AppendReport, AppendError> {
        let mut state = self.state.lock();
        if let Some(reason) = &state.fail {
            return Err(AppendError::StorageFull(reason.clone()));
        }
        if let Some(max) = state.max_batch.filter(|max| batch.n_samples() > *max) {
            return Err(AppendError::TooLarge(format!("at most {max} samples")));
        }
        let named: Vec<_> = batch.known.iter().map(|known| state.name(known)).collect();
        let places: Vec<_> = (0..named.len()).filter(|place| named[*place].is_none()).collect();
        if !places.is_empty() {
            return Err(AppendError::ForgottenSeries { places });
        }
        let known: Vec<AppendEntry> = named.into_iter().flatten().collect();
        if let Some(over) = known.iter().chain(&batch.samples).find_map(|entry| state.over_limit(entry))
            && batch.stops_at_limit
        {
            return Err(AppendError::Limit(over));
        }
        state.named = batch.samples.len();
        let outcomes = known.iter().map(|entry| state.store(entry)).enumerate();
        let rejected_known: Vec<_> = outcomes.filter_map(|(place, o)| Some((place, o.err()?))).collect();
        let samples = batch.samples.iter().map(|entry| state.store(entry)).collect();
        for AppendExemplarShown(text) in batch.exemplars.iter().map(AppendExemplarShown::new) {
            state.exemplars.push(text);
        }
        for metadata in &batch.metadata {
            let m = &metadata.metadata;
            state.metadata.push(format!("{} {} {:?} {:?}", metadata.family, m.metric_type, m.unit, m.help));
        }
        let n_known = known.len() - rejected_known.len();
        Ok(AppendReport { known: n_known, rejected_known, samples, ..AppendReport::default() })
    }
}

struct AppendExemplarShown(String);

impl AppendExemplarShown {
    fn new(exemplar: &bellwether_model::AppendExemplar) -> Self {
        let e = &exemplar.exemplar;
        Self(format!("{} {} {} {}", exemplar.labels, e.labels, e.value, e.ts_ms))
    }
}

/// A clock that runs on tokio's time, which tests can pause.
#[derive(Debug)]
pub(crate) struct TestClock {
    start: tokio::time::Instant,
    wall_ms: std::sync::atomic::AtomicI64,
}

impl TestClock {
    /// The wall clock shows `now_ms` now.
    pub(crate) fn new(now_ms: i64) -> Self {
        Self { start: tokio::time::Instant::now(), wall_ms: now_ms.into() }
    }

    /// Somebody sets the wall clock.
    pub(crate) fn jump_ms(&self, ms: i64) {
        self.wall_ms.fetch_add(ms, std::sync::atomic::Ordering::SeqCst);
    }
}

impl bellwether_model::Clock for TestClock {
    fn now_ms(&self) -> i64 {
        self.wall_ms.load(std::sync::atomic::Ordering::SeqCst) + self.start.elapsed().as_millis() as i64
    }

    fn monotonic(&self) -> std::time::Duration {
        self.start.elapsed()
    }
}
