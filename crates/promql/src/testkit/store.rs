use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use bellwether_model::{
    AppendBatch, AppendEntry, AppendError, AppendReport, Appender, ColumnBuffer, Exemplar, FloatHistogram,
    Labels, Matcher, MetadataRequest, MetricMetadata, Querier, QueryContext, Queryable, Rejection,
    SelectSpec, SeriesExemplars, SeriesRef, SeriesSet, StorageError, Tenant, TimeRange, Value,
};

/// A store in memory: sorted vectors, nothing clever, nothing forgotten.
///
/// It behaves as the real storage does where a query can tell: samples are taken in time order only, and counter reset hints of histograms are
/// worked out from the sample before.
#[derive(Debug, Default)]
pub struct MemoryStore {
    tenants: RwLock<HashMap<Tenant, Arc<Data>>>,
}

/// The data of a tenant. A querier keeps the version that it was opened with.
#[derive(Debug, Clone, Default)]
struct Data {
    series: BTreeMap<Labels, Series>,
    metadata: BTreeMap<String, Vec<MetricMetadata>>,
}

#[derive(Debug, Clone, Default)]
struct Series {
    id: u64,
    samples: Vec<StoredSample>,
    exemplars: Vec<Exemplar>,
}

#[derive(Debug, Clone)]
struct StoredSample {
    ts_ms: i64,
    start_ts_ms: i64,
    value: Value,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn data(&self, tenant: &Tenant) -> Arc<Data> {
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
        tenants.get(tenant).cloned().unwrap_or_default()
    }
}

impl Appender for MemoryStore {
    fn append(&self, tenant: &Tenant, batch: &AppendBatch) -> Result<AppendReport, AppendError> {
        // Series are known by their labels only.
        if !batch.known.is_empty() {
            return Err(AppendError::ForgottenSeries { places: (0..batch.known.len()).collect() });
        }
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        let data = Arc::make_mut(tenants.entry(tenant.clone()).or_default());
        let mut report = AppendReport::default();
        for entry in &batch.samples {
            let next_id = data.series.len() as u64 + 1;
            let series = data.series.entry(entry.labels.clone()).or_insert_with(|| {
                report.new_series += 1;
                Series { id: next_id, ..Series::default() }
            });
            report.samples.push(series.append(entry).map(|()| SeriesRef(series.id)));
        }
        for (idx, exemplar) in batch.exemplars.iter().enumerate() {
            let rejection = match data.series.get_mut(&exemplar.labels) {
                None => Some(Rejection::ExemplarWithoutSeries),
                Some(series)
                    if series.exemplars.last().is_some_and(|e| e.ts_ms >= exemplar.exemplar.ts_ms) =>
                {
                    Some(Rejection::OutOfOrderExemplar)
                }
                Some(series) => {
                    series.exemplars.push(exemplar.exemplar.clone());
                    None
                }
            };
            report.rejected_exemplars.extend(rejection.map(|rejection| (idx, rejection)));
        }
        for metadata in &batch.metadata {
            let entries = data.metadata.entry(metadata.family.clone()).or_default();
            if !entries.contains(&metadata.metadata) {
                entries.push(metadata.metadata.clone());
            }
        }
        Ok(report)
    }
}

impl Series {
    fn append(&mut self, entry: &AppendEntry) -> Result<(), Rejection> {
        if let Some(last) = self.samples.last() {
            if entry.ts_ms < last.ts_ms {
                return Err(Rejection::OutOfOrder);
            }
            if entry.ts_ms == last.ts_ms {
                let same = same_value(&last.value, &entry.value);
                return if same { Ok(()) } else { Err(Rejection::DuplicateTimestamp) };
            }
        }
        let value = match &entry.value {
            Value::Float(v) => Value::Float(*v),
            Value::Histogram(h) => Value::Histogram(self.with_stored_hint(h)),
        };
        self.samples.push(StoredSample { ts_ms: entry.ts_ms, start_ts_ms: entry.start_ts_ms, value });
        Ok(())
    }

    fn with_stored_hint(&self, h: &Arc<FloatHistogram>) -> Arc<FloatHistogram> {
        let previous = match self.samples.last().map(|sample| &sample.value) {
            Some(Value::Histogram(previous)) => Some(&**previous),
            _ => None,
        };
        let hint = h.stored_reset_hint(previous);
        if hint == h.counter_reset_hint {
            return Arc::clone(h);
        }
        Arc::new(FloatHistogram { counter_reset_hint: hint, ..FloatHistogram::clone(h) })
    }

    fn samples_in(&self, range: TimeRange) -> &[StoredSample] {
        let from = self.samples.partition_point(|s| s.ts_ms < range.mint);
        let to = self.samples.partition_point(|s| s.ts_ms <= range.maxt);
        self.samples.get(from..to).unwrap_or(&[])
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
        Ok(Box::new(MemoryQuerier { data: self.data(tenant), range }))
    }
}

struct MemoryQuerier {
    data: Arc<Data>,
    range: TimeRange,
}

impl MemoryQuerier {
    /// The series with samples in the range that match, in label order.
    fn matching<'a>(
        &'a self,
        matchers: &'a [Matcher],
        range: TimeRange,
    ) -> impl Iterator<Item = (&'a Labels, &'a Series)> {
        self.data.series.iter().filter(move |(labels, series)| {
            !series.samples_in(range).is_empty()
                && matchers.iter().all(|m| m.matches(labels.get(m.name()).unwrap_or("")))
        })
    }
}

impl Querier for MemoryQuerier {
    fn select(&self, spec: &SelectSpec, cx: &QueryContext) -> Result<Box<dyn SeriesSet>, StorageError> {
        cx.check()?;
        let labels = self.matching(&spec.matchers, spec.range).map(|(labels, _)| labels.clone()).collect();
        Ok(Box::new(MemorySeriesSet { data: Arc::clone(&self.data), range: spec.range, labels }))
    }

    fn label_names(
        &self,
        matchers: &[Matcher],
        limit: usize,
        cx: &QueryContext,
    ) -> Result<Vec<String>, StorageError> {
        cx.check()?;
        let series = self.matching(matchers, self.range);
        let names: BTreeSet<&str> = series.flat_map(|(labels, _)| labels.iter().map(|l| l.name)).collect();
        Ok(limited(names, limit))
    }

    fn label_values(
        &self,
        name: &str,
        matchers: &[Matcher],
        limit: usize,
        cx: &QueryContext,
    ) -> Result<Vec<String>, StorageError> {
        cx.check()?;
        let values: BTreeSet<&str> =
            self.matching(matchers, self.range).filter_map(|(labels, _)| labels.get(name)).collect();
        Ok(limited(values, limit))
    }

    fn series(
        &self,
        matchers: &[Matcher],
        limit: usize,
        cx: &QueryContext,
    ) -> Result<Vec<Labels>, StorageError> {
        cx.check()?;
        let limit = if limit == 0 { usize::MAX } else { limit };
        Ok(self.matching(matchers, self.range).take(limit).map(|(labels, _)| labels.clone()).collect())
    }

    fn exemplars(
        &self,
        selectors: &[Vec<Matcher>],
        cx: &QueryContext,
    ) -> Result<Vec<SeriesExemplars>, StorageError> {
        cx.check()?;
        let wanted = |labels: &Labels| {
            let matches = |m: &Matcher| m.matches(labels.get(m.name()).unwrap_or(""));
            selectors.iter().any(|matchers| matchers.iter().all(matches))
        };
        let mut found = Vec::new();
        for (labels, series) in self.data.series.iter().filter(|(labels, _)| wanted(labels)) {
            let in_range = series.exemplars.iter().filter(|e| self.range.contains(e.ts_ms));
            let exemplars: Vec<Exemplar> = in_range.cloned().collect();
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
        let no_limit = |limit: usize| if limit == 0 { usize::MAX } else { limit };
        let families = self
            .data
            .metadata
            .iter()
            .filter(|(family, _)| request.family.as_ref().is_none_or(|f| f == *family));
        let entries = |entries: &Vec<MetricMetadata>| {
            entries.iter().take(no_limit(request.limit_per_family)).cloned().collect()
        };
        Ok(families
            .take(no_limit(request.limit))
            .map(|(family, list)| (family.clone(), entries(list)))
            .collect())
    }
}

fn limited(found: BTreeSet<&str>, limit: usize) -> Vec<String> {
    let limit = if limit == 0 { usize::MAX } else { limit };
    found.into_iter().take(limit).map(str::to_owned).collect()
}

struct MemorySeriesSet {
    data: Arc<Data>,
    range: TimeRange,
    labels: Vec<Labels>,
}

impl SeriesSet for MemorySeriesSet {
    fn labels(&self) -> &[Labels] {
        &self.labels
    }

    fn read(&self, idx: usize, buf: &mut ColumnBuffer) -> Result<(), StorageError> {
        buf.clear();
        let series = self.data.series.get(&self.labels[idx]).expect("BUG: the set was made from this data");
        for sample in series.samples_in(self.range) {
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
    use bellwether_model::{AppendExemplar, AppendMetadata, CounterResetHint, MatchOp, MetricType};

    use super::*;

    fn entry(labels: &Labels, ts_ms: i64, value: Value) -> AppendEntry {
        AppendEntry { hint: None, labels: labels.clone(), ts_ms, start_ts_ms: 0, value }
    }

    fn counts(n: f64) -> Value {
        Value::Histogram(Arc::new(FloatHistogram { count: n, ..FloatHistogram::default() }))
    }

    #[test]
    fn takes_samples_in_order_and_serves_snapshots() {
        let store = MemoryStore::new();
        let (tenant, cx) = (Tenant::default(), QueryContext::unbounded());
        let up = Labels::from_pairs([("__name__", "up"), ("job", "a")]);
        let append = |samples| {
            let batch = AppendBatch { samples, ..AppendBatch::default() };
            store.append(&tenant, &batch).expect("takes everything")
        };
        let report = append(vec![entry(&up, 1, 1.0.into()), entry(&up, 2, 2.0.into())]);
        assert_eq!((report.stored(), report.new_series), (2, 1));
        let before = store.querier(&tenant, TimeRange::ALL).expect("opens");
        let report = append(vec![
            entry(&up, 1, 1.0.into()),
            entry(&up, 2, 2.0.into()),
            entry(&up, 2, 3.0.into()),
            entry(&up, 3, 3.0.into()),
        ]);
        let rejected: Vec<_> = report.samples.iter().map(|r| r.clone().err()).collect();
        assert_eq!(rejected, [Some(Rejection::OutOfOrder), None, Some(Rejection::DuplicateTimestamp), None]);
        let read = |querier: &dyn Querier, mint| {
            let matchers = vec![Matcher::new(MatchOp::Re, "job", "a|b").expect("compiles")];
            let spec = SelectSpec {
                matchers,
                range: TimeRange::new(mint, 10),
                sorted: true,
                hints: bellwether_model::SelectHints::default(),
            };
            let set = querier.select(&spec, &cx).expect("selects");
            let mut buf = ColumnBuffer::default();
            set.read(0, &mut buf).expect("reads");
            buf.ts
        };
        assert_eq!(read(&*before, 0), [1, 2]);
        assert_eq!(read(&*store.querier(&tenant, TimeRange::ALL).expect("opens"), 2), [2, 3]);
        let other = store.querier(&Tenant::new("other"), TimeRange::ALL).expect("opens");
        assert_eq!(other.series(&[], 0, &cx).expect("lists"), []);
    }

    #[test]
    fn works_out_reset_hints() {
        use CounterResetHint::{NotReset, Unknown};

        let store = MemoryStore::new();
        let labels = Labels::from_pairs([("__name__", "h")]);
        let samples = [5.0, 6.0, 1.0, 2.0].iter().enumerate();
        let samples = samples.map(|(ts, n)| entry(&labels, ts as i64, counts(*n))).collect();
        let batch = AppendBatch { samples, ..AppendBatch::default() };
        store.append(&Tenant::default(), &batch).expect("takes everything");
        let data = store.data(&Tenant::default());
        let hints: Vec<_> = data.series[&labels]
            .samples
            .iter()
            .map(|s| match &s.value {
                Value::Histogram(h) => h.counter_reset_hint,
                Value::Float(_) => panic!("a histogram"),
            })
            .collect();
        assert_eq!(hints, [Unknown, NotReset, Unknown, NotReset]);
    }

    #[test]
    fn lists_exemplars_and_metadata() {
        let store = MemoryStore::new();
        let (tenant, cx) = (Tenant::default(), QueryContext::unbounded());
        let up = Labels::from_pairs([("__name__", "up"), ("job", "a")]);
        let exemplar = |labels: &Labels, ts_ms| AppendExemplar {
            labels: labels.clone(),
            exemplar: Exemplar { labels: Labels::empty(), value: 1.0, ts_ms },
            is_timed: true,
        };
        let help = |text: &str| AppendMetadata {
            family: "up".to_owned(),
            metadata: MetricMetadata {
                metric_type: MetricType::Gauge,
                unit: String::new(),
                help: text.to_owned(),
            },
        };
        let batch = AppendBatch {
            samples: vec![entry(&up, 5, 1.0.into())],
            exemplars: vec![exemplar(&up, 5), exemplar(&up, 4), exemplar(&Labels::empty(), 5)],
            metadata: vec![help("a"), help("b"), help("a")],
            ..AppendBatch::default()
        };
        let report = store.append(&tenant, &batch).expect("takes it");
        let rejected = [(1, Rejection::OutOfOrderExemplar), (2, Rejection::ExemplarWithoutSeries)];
        assert_eq!(report.rejected_exemplars, rejected);
        let querier = store.querier(&tenant, TimeRange::new(0, 10)).expect("opens");
        let selectors = [vec![Matcher::equal("job", "a")], vec![Matcher::equal("job", "b")]];
        let found = querier.exemplars(&selectors, &cx).expect("lists");
        assert_eq!(found.iter().map(|f| f.exemplars.len()).collect::<Vec<_>>(), [1]);
        let request = MetadataRequest { limit_per_family: 1, ..MetadataRequest::default() };
        let metadata = querier.metadata(&request, &cx).expect("lists");
        assert_eq!(metadata.iter().map(|(f, m)| (f.as_str(), m.len())).collect::<Vec<_>>(), [("up", 1)]);
        assert_eq!(querier.label_names(&[], 0, &cx).expect("lists"), ["__name__", "job"]);
        assert_eq!(querier.label_values("job", &[], 0, &cx).expect("lists"), ["a"]);
    }
}
