//! A store whose reading costs next to nothing, so that what is measured is the engine.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use bellwether_model::{
    ColumnBuffer, CounterResetHint, FloatHistogram, Labels, Matcher, MetadataRequest, MetricMetadata,
    Querier, QueryContext, Queryable, SelectSpec, SeriesExemplars, SeriesSet, Span, StorageError, Tenant,
    TimeRange,
};

pub(crate) const SERIES: usize = 2_000;
pub(crate) const HISTOGRAMS: usize = 100;
pub(crate) const MINUTE_MS: i64 = 60_000;
pub(crate) const END_MS: i64 = SAMPLES * INTERVAL_MS;

const SAMPLES: i64 = 260;
const INTERVAL_MS: i64 = 15_000;
const BOUNDS: [&str; 12] =
    ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"];

/// Metrics whose series all have a sample every 15 seconds. Selectors are looked up by the name of the metric, and nothing else.
pub(crate) struct SteadyStore {
    metrics: Arc<HashMap<&'static str, Arc<Metric>>>,
}

struct Metric {
    ts: Vec<i64>,
    labels: Vec<Labels>,
    samples: Vec<Samples>,
}

enum Samples {
    Floats(Vec<f64>),
    Histograms(Vec<Option<Arc<FloatHistogram>>>),
}

impl SteadyStore {
    /// `m` and `other` are counters of 2,000 instances of 20 services, `latency_bucket` and `native` histograms of 100 instances.
    pub(crate) fn new() -> Self {
        let mut random = Random(1);
        let instances = |zone: bool| {
            let labels = |i: usize| {
                let mut labels = vec![
                    ("instance", format!("10.0.{}.{}:9090", i / 250, i % 250)),
                    ("job", "api".to_owned()),
                    ("service", format!("service-{}", i % 20)),
                ];
                if zone {
                    labels.push(("zone", format!("zone-{}", i % 3)));
                }
                labels
            };
            (0..SERIES).map(labels).collect::<Vec<_>>()
        };
        let buckets = (0..HISTOGRAMS).flat_map(|i| {
            BOUNDS.map(|le| vec![("instance", format!("10.0.0.{i}:9090")), ("le", le.to_owned())])
        });
        let natives = (0..HISTOGRAMS).map(|i| vec![("instance", format!("10.0.0.{i}:9090"))]);
        let metrics = [
            ("m", Metric::counters("m", instances(false), |_| random.below(10))),
            ("other", Metric::counters("other", instances(true), |i| (i % 7) as f64)),
            ("latency_bucket", Metric::counters("latency_bucket", buckets.collect(), |i| (i % 12) as f64)),
            ("native", Metric::histograms("native", natives.collect())),
        ];
        let metrics = metrics.into_iter().map(|(name, metric)| (name, Arc::new(metric)));
        Self { metrics: Arc::new(metrics.collect()) }
    }
}

impl Metric {
    /// Counters; `increase` says by how much a series grows.
    fn counters(
        name: &str,
        series: Vec<Vec<(&str, String)>>,
        mut increase: impl FnMut(usize) -> f64,
    ) -> Self {
        Self::new(name, series, |series| {
            let mut v = 0.0;
            let vals = (0..SAMPLES).map(|_| {
                v += increase(series);
                v
            });
            Samples::Floats(vals.collect())
        })
    }

    /// Histograms of 20 buckets that grow.
    fn histograms(name: &str, series: Vec<Vec<(&str, String)>>) -> Self {
        Self::new(name, series, |_| {
            let at = |n: i64| {
                let n = n as f64;
                Some(Arc::new(FloatHistogram {
                    counter_reset_hint: CounterResetHint::NotReset,
                    schema: 3,
                    zero_threshold: 1e-128,
                    count: 20.0 * n,
                    sum: 7.5 * n,
                    positive_spans: vec![Span { offset: -10, length: 20 }],
                    positive_buckets: vec![n; 20],
                    ..FloatHistogram::default()
                }))
            };
            Samples::Histograms((1..=SAMPLES).map(at).collect())
        })
    }

    fn new(name: &str, series: Vec<Vec<(&str, String)>>, mut samples: impl FnMut(usize) -> Samples) -> Self {
        let named = |labels: Vec<(&str, String)>| {
            Labels::from_pairs(labels.into_iter().chain([("__name__", name.to_owned())]))
        };
        let series = series.into_iter().enumerate().map(|(i, labels)| (named(labels), samples(i)));
        let mut series: Vec<_> = series.collect();
        series.sort_by(|(a, _), (b, _)| a.cmp(b));
        let (labels, samples) = series.into_iter().unzip();
        Self { ts: (1..=SAMPLES).map(|n| n * INTERVAL_MS).collect(), labels, samples }
    }
}

/// Numbers that look random and are the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % n) as f64
    }
}

impl Queryable for SteadyStore {
    fn querier(&self, _: &Tenant, _: TimeRange) -> Result<Box<dyn Querier>, StorageError> {
        Ok(Box::new(Self { metrics: Arc::clone(&self.metrics) }))
    }
}

impl Querier for SteadyStore {
    fn select(&self, spec: &SelectSpec, _: &QueryContext) -> Result<Box<dyn SeriesSet>, StorageError> {
        let name = spec.matchers.iter().find(|m| m.name() == "__name__").map_or("", Matcher::value);
        let metric = Arc::clone(&self.metrics[name]);
        let from = metric.ts.partition_point(|t| *t < spec.range.mint);
        let to = metric.ts.partition_point(|t| *t <= spec.range.maxt);
        Ok(Box::new(Selected { metric, rows: from..to }))
    }

    fn label_names(&self, _: &[Matcher], _: usize, _: &QueryContext) -> Result<Vec<String>, StorageError> {
        Ok(Vec::new())
    }

    fn label_values(
        &self,
        _: &str,
        _: &[Matcher],
        _: usize,
        _: &QueryContext,
    ) -> Result<Vec<String>, StorageError> {
        Ok(Vec::new())
    }

    fn series(&self, _: &[Matcher], _: usize, _: &QueryContext) -> Result<Vec<Labels>, StorageError> {
        Ok(Vec::new())
    }

    fn exemplars(&self, _: &[Vec<Matcher>], _: &QueryContext) -> Result<Vec<SeriesExemplars>, StorageError> {
        Ok(Vec::new())
    }

    fn metadata(
        &self,
        _: &MetadataRequest,
        _: &QueryContext,
    ) -> Result<Vec<(String, Vec<MetricMetadata>)>, StorageError> {
        Ok(Vec::new())
    }
}

struct Selected {
    metric: Arc<Metric>,
    rows: Range<usize>,
}

impl SeriesSet for Selected {
    fn labels(&self) -> &[Labels] {
        &self.metric.labels
    }

    fn read(&self, idx: usize, buf: &mut ColumnBuffer) -> Result<(), StorageError> {
        buf.clear();
        buf.ts.extend_from_slice(&self.metric.ts[self.rows.clone()]);
        match &self.metric.samples[idx] {
            Samples::Floats(vals) => buf.vals.extend_from_slice(&vals[self.rows.clone()]),
            Samples::Histograms(hists) => {
                buf.vals.resize(self.rows.len(), 0.0);
                buf.hists.extend_from_slice(&hists[self.rows.clone()]);
            }
        }
        Ok(())
    }
}
