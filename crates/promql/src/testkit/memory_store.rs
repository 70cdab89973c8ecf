use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use bellwether_model::{
    AppendBatch, AppendEntry, AppendError, AppendExemplar, AppendReport, Appender, ColumnBuffer, Exemplar,
    Labels, Matcher, MetadataRequest, MetricMetadata, Querier, QueryContext, Queryable, Rejection,
    SelectSpec, SeriesExemplars, SeriesRef, SeriesSet, StorageError, Tenant, TimeRange, Value,
};

/// How many series are looked at between two checks whether the query may go on.
const SERIES_PER_CHECK: usize = 64;

/// A store that keeps everything in sorted maps: the simplest one that honours the contracts, for scripts and unit tests.
///
/// Samples may come in any order. There are no limits and nothing is ever forgotten.
#[derive(Debug, Default)]
pub struct MemoryStore {
    tenants: RwLock<BTreeMap<Tenant, Arc<Contents>>>,
}

/// What one tenant has stored. Queriers share it; an append while one is open copies what it changes, so their view stays as it was.
#[derive(Debug, Clone, Default)]
struct Contents {
    series: BTreeMap<Labels, Arc<Series>>,
    metadata: BTreeMap<String, BTreeSet<MetricMetadata>>,
}

#[derive(Debug, Clone)]
struct Series {
    handle: SeriesRef,
    /// Sorted by time, each time once.
    samples: Vec<Sample>,
    /// Sorted by time.
    exemplars: Vec<Exemplar>,
}

#[derive(Debug, Clone)]
struct Sample {
    ts_ms: i64,
    start_ts_ms: i64,
    value: Value,
}

impl MemoryStore {
    /// A store without content.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Appender for MemoryStore {
    fn append(&self, tenant: &Tenant, batch: &AppendBatch) -> Result<AppendReport, AppendError> {
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        let contents = Arc::make_mut(tenants.entry(tenant.clone()).or_default());
        let known = contents.series.len();
        let mut report = AppendReport::default();
        for entry in &batch.samples {
            report.samples.push(contents.append_sample(entry));
        }
        for (idx, exemplar) in batch.exemplars.iter().enumerate() {
            if let Err(rejection) = contents.append_exemplar(exemplar) {
                report.rejected_exemplars.push((idx, rejection));
            }
        }
        for entry in &batch.metadata {
            contents.metadata.entry(entry.family.clone()).or_default().insert(entry.metadata.clone());
        }
        report.new_series = contents.series.len() - known;
        Ok(report)
    }
}

impl Contents {
    fn append_sample(&mut self, entry: &AppendEntry) -> Result<SeriesRef, Rejection> {
        let handle = SeriesRef(self.series.len() as u64);
        let series = self
            .series
            .entry(entry.labels.clone())
            .or_insert_with(|| Arc::new(Series { handle, samples: Vec::new(), exemplars: Vec::new() }));
        let at = series.samples.partition_point(|s| s.ts_ms < entry.ts_ms);
        match series.samples.get(at) {
            Some(present) if present.ts_ms == entry.ts_ms => {
                if !same_value(&present.value, &entry.value) {
                    return Err(Rejection::DuplicateTimestamp);
                }
            }
            _ => {
                let AppendEntry { ts_ms, start_ts_ms, value, .. } = entry;
                let sample = Sample { ts_ms: *ts_ms, start_ts_ms: *start_ts_ms, value: value.clone() };
                Arc::make_mut(series).samples.insert(at, sample);
            }
        }
        Ok(series.handle)
    }

    fn append_exemplar(&mut self, entry: &AppendExemplar) -> Result<(), Rejection> {
        let series = self.series.get_mut(&entry.labels).ok_or(Rejection::ExemplarWithoutSeries)?;
        if !series.exemplars.contains(&entry.exemplar) {
            let at = series.exemplars.partition_point(|e| e.ts_ms <= entry.exemplar.ts_ms);
            Arc::make_mut(series).exemplars.insert(at, entry.exemplar.clone());
        }
        Ok(())
    }
}

fn same_value(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
        (Value::Histogram(a), Value::Histogram(b)) => a.same_data(b),
        _ => false,
    }
}

impl Queryable for MemoryStore {
    fn querier(&self, tenant: &Tenant, range: TimeRange) -> Result<Box<dyn Querier>, StorageError> {
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
        let contents = tenants.get(tenant).cloned().unwrap_or_default();
        Ok(Box::new(View { contents, range }))
    }
}

struct View {
    contents: Arc<Contents>,
    range: TimeRange,
}

impl View {
    /// The series that match and have a sample in the range, in label order.
    fn matching(
        &self,
        matchers: &[Matcher],
        range: TimeRange,
        cx: &QueryContext,
    ) -> Result<Vec<(&Labels, &Arc<Series>)>, StorageError> {
        let mut found = Vec::new();
        for (idx, (labels, series)) in self.contents.series.iter().enumerate() {
            if idx % SERIES_PER_CHECK == 0 {
                cx.check()?;
            }
            if all_match(matchers, labels) && !series.in_range(range).is_empty() {
                found.push((labels, series));
            }
        }
        Ok(found)
    }
}

fn all_match(matchers: &[Matcher], labels: &Labels) -> bool {
    matchers.iter().all(|m| m.matches(labels.get(m.name()).unwrap_or("")))
}

impl Series {
    fn in_range(&self, range: TimeRange) -> &[Sample] {
        let start = self.samples.partition_point(|s| s.ts_ms < range.mint);
        let end = self.samples.partition_point(|s| s.ts_ms <= range.maxt);
        self.samples.get(start..end).unwrap_or(&[])
    }
}

/// The first `limit` items; all if it is 0.
fn limited<T>(items: impl IntoIterator<Item = T>, limit: usize) -> Vec<T> {
    items.into_iter().take(if limit == 0 { usize::MAX } else { limit }).collect()
}

impl Querier for View {
    fn select(&self, spec: &SelectSpec, cx: &QueryContext) -> Result<Box<dyn SeriesSet>, StorageError> {
        let found = limited(self.matching(&spec.matchers, spec.range, cx)?, spec.hints.limit);
        let (labels, series) =
            found.into_iter().map(|(labels, series)| (labels.clone(), Arc::clone(series))).unzip();
        Ok(Box::new(Selection { labels, series, range: spec.range }))
    }

    fn label_names(
        &self,
        matchers: &[Matcher],
        limit: usize,
        cx: &QueryContext,
    ) -> Result<Vec<String>, StorageError> {
        let found = self.matching(matchers, self.range, cx)?;
        let names: BTreeSet<&str> =
            found.iter().flat_map(|(labels, _)| labels.iter().map(|l| l.name)).collect();
        Ok(limited(names.into_iter().map(str::to_owned), limit))
    }

    fn label_values(
        &self,
        name: &str,
        matchers: &[Matcher],
        limit: usize,
        cx: &QueryContext,
    ) -> Result<Vec<String>, StorageError> {
        let found = self.matching(matchers, self.range, cx)?;
        let values: BTreeSet<&str> = found.iter().filter_map(|(labels, _)| labels.get(name)).collect();
        Ok(limited(values.into_iter().map(str::to_owned), limit))
    }

    fn series(
        &self,
        matchers: &[Matcher],
        limit: usize,
        cx: &QueryContext,
    ) -> Result<Vec<Labels>, StorageError> {
        let found = self.matching(matchers, self.range, cx)?;
        Ok(limited(found.into_iter().map(|(labels, _)| labels.clone()), limit))
    }

    fn exemplars(
        &self,
        selectors: &[Vec<Matcher>],
        cx: &QueryContext,
    ) -> Result<Vec<SeriesExemplars>, StorageError> {
        let mut found = Vec::new();
        for (idx, (labels, series)) in self.contents.series.iter().enumerate() {
            if idx % SERIES_PER_CHECK == 0 {
                cx.check()?;
            }
            if !selectors.iter().any(|matchers| all_match(matchers, labels)) {
                continue;
            }
            let exemplars: Vec<_> =
                series.exemplars.iter().filter(|e| self.range.contains(e.ts_ms)).cloned().collect();
            if !exemplars.is_empty() {
                found.push(SeriesExemplars { labels: labels.clone(), exemplars });
            }
        }
        Ok(found)
    }

    fn metadata(
        &self,
        request: &MetadataRequest,
        cx: &QueryContext,
    ) -> Result<Vec<(String, Vec<MetricMetadata>)>, StorageError> {
        cx.check()?;
        let wanted = |family: &String| request.family.as_ref().is_none_or(|name| name == family);
        let families = self.contents.metadata.iter().filter(|(family, _)| wanted(family));
        let entries = families.map(|(family, entries)| {
            (family.clone(), limited(entries.iter().cloned(), request.limit_per_family))
        });
        Ok(limited(entries, request.limit))
    }
}

struct Selection {
    labels: Vec<Labels>,
    series: Vec<Arc<Series>>,
    range: TimeRange,
}

impl SeriesSet for Selection {
    fn labels(&self) -> &[Labels] {
        &self.labels
    }

    fn read(&self, idx: usize, buf: &mut ColumnBuffer) -> Result<(), StorageError> {
        buf.clear();
        for sample in self.series[idx].in_range(self.range) {
            match &sample.value {
                Value::Float(v) => buf.push_float(sample.ts_ms, sample.start_ts_ms, *v),
                Value::Histogram(h) => buf.push_histogram(sample.ts_ms, sample.start_ts_ms, Arc::clone(h)),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use bellwether_model::{AppendMetadata, FloatHistogram, MatchOp, SelectHints};

    use super::*;

    fn entry(labels: &[(&str, &str)], ts_ms: i64, start_ts_ms: i64, value: Value) -> AppendEntry {
        let labels = Labels::from_pairs(labels.iter().copied());
        AppendEntry { hint: None, labels, ts_ms, start_ts_ms, value }
    }

    fn store() -> MemoryStore {
        let store = MemoryStore::new();
        let a = [("__name__", "a"), ("job", "x")];
        let b = [("__name__", "b"), ("zone", "z")];
        let samples = vec![
            entry(&b, 5, 0, Value::Histogram(Arc::new(FloatHistogram::default()))),
            entry(&a, 30, 0, 3.0.into()),
            entry(&a, 10, 4, 1.0.into()),
            entry(&a, 10, 4, 1.0.into()),
            entry(&a, 10, 4, 2.0.into()),
        ];
        let exemplar = |labels: &[(&str, &str)], ts_ms| AppendExemplar {
            labels: Labels::from_pairs(labels.iter().copied()),
            exemplar: Exemplar { labels: Labels::empty(), value: 1.0, ts_ms },
        };
        let batch = AppendBatch {
            samples,
            exemplars: vec![exemplar(&a, 20), exemplar(&a, 10), exemplar(&[("__name__", "c")], 1)],
            metadata: vec![AppendMetadata { family: "a".to_owned(), metadata: MetricMetadata::default() }; 2],
        };
        let report = store.append(&Tenant::default(), &batch).expect("is stored");
        assert_eq!(
            report.samples,
            [
                Ok(SeriesRef(0)),
                Ok(SeriesRef(1)),
                Ok(SeriesRef(1)),
                Ok(SeriesRef(1)),
                Err(Rejection::DuplicateTimestamp)
            ]
        );
        assert_eq!(report.rejected_exemplars, [(2, Rejection::ExemplarWithoutSeries)]);
        assert_eq!(report.new_series, 2);
        store
    }

    fn spec(matcher: Matcher, mint: i64, maxt: i64) -> SelectSpec {
        let range = TimeRange::new(mint, maxt);
        SelectSpec { matchers: vec![matcher], range, sorted: true, hints: SelectHints::default() }
    }

    #[test]
    fn samples_come_back_in_time_order() {
        let store = store();
        let cx = QueryContext::unbounded();
        let view = store.querier(&Tenant::default(), TimeRange::ALL).expect("opens");
        let read = |matcher, mint, maxt| {
            let set = view.select(&spec(matcher, mint, maxt), &cx).expect("selects");
            let mut buf = ColumnBuffer::default();
            let mut seen = Vec::new();
            for (idx, labels) in set.labels().iter().enumerate() {
                set.read(idx, &mut buf).expect("reads");
                seen.push((labels.to_string(), buf.ts.clone(), buf.start_ts.clone(), buf.hists.len()));
            }
            seen
        };
        let a = r#"a{job="x"}"#.to_owned();
        let b = r#"b{zone="z"}"#.to_owned();
        assert_eq!(read(Matcher::equal("__name__", "a"), 0, 100), [(a.clone(), vec![10, 30], vec![4, 0], 0)]);
        assert_eq!(read(Matcher::equal("job", "x"), 11, 30), [(a.clone(), vec![30], vec![], 0)]);
        let any = Matcher::new(MatchOp::Re, "__name__", ".+").expect("compiles");
        assert_eq!(read(any.clone(), 5, 10), [(a, vec![10], vec![4], 0), (b, vec![5], vec![], 1)]);
        assert_eq!(read(any, 31, 100), []);
    }

    #[test]
    fn listings() {
        let store = store();
        let cx = QueryContext::unbounded();
        let view = store.querier(&Tenant::default(), TimeRange::new(10, 40)).expect("opens");
        assert_eq!(view.label_names(&[], 0, &cx).expect("lists"), ["__name__", "job"]);
        assert_eq!(view.label_names(&[], 1, &cx).expect("lists"), ["__name__"]);
        assert_eq!(view.label_values("job", &[], 0, &cx).expect("lists"), ["x"]);
        let series = view.series(&[Matcher::equal("job", "x")], 0, &cx).expect("lists");
        assert_eq!(series.iter().map(ToString::to_string).collect::<Vec<_>>(), [r#"a{job="x"}"#]);
        let exemplars = view.exemplars(&[vec![Matcher::equal("job", "x")]], &cx).expect("lists");
        assert_eq!(exemplars[0].exemplars.iter().map(|e| e.ts_ms).collect::<Vec<_>>(), [10, 20]);
        let metadata = view.metadata(&MetadataRequest::default(), &cx).expect("lists");
        assert_eq!(metadata, [("a".to_owned(), vec![MetricMetadata::default()])]);
        let other = store.querier(&Tenant::new("other"), TimeRange::ALL).expect("opens");
        assert!(other.series(&[], 0, &cx).expect("lists").is_empty());
    }

    #[test]
    fn an_open_view_does_not_change() {
        let store = store();
        let cx = QueryContext::unbounded();
        let view = store.querier(&Tenant::default(), TimeRange::ALL).expect("opens");
        let samples = vec![entry(&[("__name__", "late")], 1, 0, 1.0.into())];
        let batch = AppendBatch { samples, ..AppendBatch::default() };
        store.append(&Tenant::default(), &batch).expect("is stored");
        assert_eq!(view.series(&[], 0, &cx).expect("lists").len(), 2);
        let fresh = store.querier(&Tenant::default(), TimeRange::ALL).expect("opens");
        assert_eq!(fresh.series(&[], 0, &cx).expect("lists").len(), 3);
    }
}
