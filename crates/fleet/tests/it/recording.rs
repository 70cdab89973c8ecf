//! A recording of what a platform exposed, and as much of a query language as the tests need.
use std::collections::{BTreeMap, BTreeSet};

use bellwether_exposition::{Event, LabelBuf, OutputFormat, Reader, TypeAndUnitLabels};
use bellwether_fleet::{History, HistoryRange, Platform, Snapshot};
use bellwether_model::{AppendBatch, AppendEntry, Appender as _, Labels, Tenant, Value, stale_nan};
use bellwether_promql::testkit::MemoryStore;

/// Samples of all series of a platform, one per step; `NaN` where there was none.
pub(crate) struct Recording {
    pub(crate) times_ms: Vec<i64>,
    pub(crate) step_s: f64,
    series: BTreeMap<String, Vec<Series>>,
}

pub(crate) struct Series {
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) values: Vec<f64>,
}

/// One value per group of series.
pub(crate) type Groups = BTreeMap<String, f64>;

impl Recording {
    pub(crate) fn new(platform: Platform, seed: u64, begin_ms: i64, range: HistoryRange) -> Self {
        Self::of(History::new(seed, begin_ms, &[platform], range, OutputFormat::FALLBACK), range)
    }

    /// What a history of this range tells in text 0.0.4.
    pub(crate) fn of(history: impl Iterator<Item = Snapshot>, range: HistoryRange) -> Self {
        let mut this =
            Self { times_ms: Vec::new(), step_s: range.step_ms as f64 / 1000.0, series: BTreeMap::new() };
        let mut places: BTreeMap<Vec<u8>, (String, usize)> = BTreeMap::new();
        for snapshot in history {
            if this.times_ms.last() != Some(&snapshot.ts_ms) {
                this.times_ms.push(snapshot.ts_ms);
            }
            let up = u8::from(snapshot.exposition.is_some());
            let report = format!("up {up}\nscrape_duration_seconds 0.002\n");
            let body = snapshot.exposition.unwrap_or_default() + &report;
            let mut reader = Reader::text(body.as_bytes());
            let mut labels = LabelBuf::new();
            while let Some(event) = reader.next() {
                let Event::Series(series) = event.expect("a valid exposition") else { continue };
                let mut key = series.raw().to_vec();
                key.extend(snapshot.instance.bytes());
                if !places.contains_key(&key) {
                    reader.read_labels(&series, TypeAndUnitLabels::Omit, &mut labels);
                    let mut pairs: BTreeMap<String, String> =
                        labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
                    let name = pairs.remove("__name__").expect("every series has a name");
                    pairs.insert("job".into(), snapshot.job.into());
                    pairs.insert("instance".into(), snapshot.instance.into());
                    let all = this.series.entry(name.clone()).or_default();
                    all.push(Series { labels: pairs, values: Vec::new() });
                    places.insert(key.clone(), (name, all.len() - 1));
                }
                let (name, idx) = &places[&key];
                let values = &mut this.series.get_mut(name).expect("just made")[*idx].values;
                values.resize(this.times_ms.len() - 1, f64::NAN);
                values.push(series.value);
            }
        }
        let steps = this.times_ms.len();
        this.series.values_mut().flatten().for_each(|it| it.values.resize(steps, f64::NAN));
        this
    }

    /// The series of a metric whose labels have the given values; a value that ends in `*` stands for its beginnings.
    pub(crate) fn select<'a>(
        &'a self,
        metric: &str,
        matchers: &'a [(&'a str, &'a str)],
    ) -> impl Iterator<Item = &'a Series> + use<'a> {
        let all = self.series.get(metric).unwrap_or_else(|| panic!("no series of {metric}"));
        all.iter().filter(move |series| {
            matchers.iter().all(|(name, want)| {
                let value = series.labels.get(*name).map_or("", String::as_str);
                want.strip_suffix('*').map_or(value == *want, |prefix| value.starts_with(prefix))
            })
        })
    }

    /// The samples of some metrics as a server has them, with a marker where a series ends.
    pub(crate) fn store(&self, names: &BTreeSet<String>) -> MemoryStore {
        let store = MemoryStore::new();
        for name in names {
            for series in self.series.get(name).into_iter().flatten() {
                let pairs = series.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                let labels = Labels::from_pairs(pairs.chain([("__name__", name.as_str())]));
                let entry = |(ts_ms, value)| AppendEntry {
                    hint: None,
                    labels: labels.clone(),
                    ts_ms,
                    start_ts_ms: 0,
                    value: Value::Float(value),
                };
                let mut is_there = false;
                let samples = self.times_ms.iter().zip(&series.values).filter_map(|(ts_ms, value)| {
                    let was_there = std::mem::replace(&mut is_there, !value.is_nan());
                    match (was_there, is_there) {
                        (_, true) => Some((*ts_ms, *value)),
                        (true, false) => Some((*ts_ms, stale_nan())),
                        (false, false) => None,
                    }
                });
                let batch = AppendBatch { samples: samples.map(entry).collect(), ..AppendBatch::default() };
                let report = store.append(&Tenant::default(), &batch).expect("it takes everything");
                assert_eq!(report.stored(), batch.samples.len(), "{name}");
            }
        }
        store
    }

    /// All metric names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.series.keys().map(String::as_str)
    }

    /// `sum by (by) (metric{matchers})`
    pub(crate) fn sum(&self, metric: &str, matchers: &[(&str, &str)], by: &[&str], at: usize) -> Groups {
        self.fold(metric, matchers, by, |series| Some(series.values[at]).filter(|it| !it.is_nan()))
    }

    /// `sum by (by) (rate(metric{matchers}[range]))`, without extrapolation.
    pub(crate) fn rate(
        &self,
        metric: &str,
        matchers: &[(&str, &str)],
        by: &[&str],
        range_s: f64,
        at: usize,
    ) -> Groups {
        let steps = (range_s / self.step_s) as usize;
        let first = at.saturating_sub(steps);
        self.fold(metric, matchers, by, |series| {
            let window = series.values[first..=at].iter().copied().filter(|it| !it.is_nan());
            let (mut increase, mut last, mut n) = (0.0, f64::NAN, 0_u32);
            for value in window {
                if n > 0 {
                    // After a reset the counter began at zero.
                    increase += if value < last { value } else { value - last };
                }
                last = value;
                n += 1;
            }
            (n > 1).then(|| increase / (f64::from(n - 1) * self.step_s))
        })
    }

    fn fold(
        &self,
        metric: &str,
        matchers: &[(&str, &str)],
        by: &[&str],
        value: impl Fn(&Series) -> Option<f64>,
    ) -> Groups {
        let mut groups = Groups::new();
        for series in self.select(metric, matchers) {
            if let Some(value) = value(series) {
                let key: Vec<_> =
                    by.iter().map(|it| series.labels.get(*it).map_or("", String::as_str)).collect();
                *groups.entry(key.join("|")).or_default() += value;
            }
        }
        groups
    }
}
