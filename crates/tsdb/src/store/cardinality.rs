//! Which metrics and labels the series in memory come from, and what there would be without them.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::hash::BuildHasher as _;
use std::time::Duration;

use bellwether_model::METRIC_NAME;
use hashbrown::{DefaultHashBuilder, HashMap};

use super::status::{NameCount, name_counts};
use super::top::Top;
use super::{Store, TENANT_LABEL};
use crate::head::{Series, entry_memory};

/// At most so many labels of series are looked at one by one for a breakdown; this bounds its memory to some 64 MiB.
const MAX_LABELS_EXAMINED: usize = 1 << 20;

/// Where the series in memory come from. Each list begins with the largest.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cardinality {
    /// All of them.
    pub total: MetricCost,
    /// How many metric names there are.
    pub n_metrics: usize,
    /// Metrics by series.
    pub by_series: Vec<MetricCost>,
    /// Metrics by series created in the window; only those that have some.
    pub by_created: Vec<MetricCost>,
    /// Metrics by memory.
    pub by_memory: Vec<MetricCost>,
    /// Labels, except the metric name, by values.
    pub labels_by_values: Vec<LabelCost>,
    /// The same by memory.
    pub labels_by_memory: Vec<LabelCost>,
    /// Labels with a value, except the metric name, by series.
    pub pairs: Vec<PairCost>,
}

/// What the series of a metric cost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetricCost {
    /// The metric name; empty where series have none.
    pub name: String,
    /// Series.
    pub series: u64,
    /// Those that were created in the window. The store does not know this of series that it found when it was opened.
    pub created: u64,
    /// Bytes of memory of their labels and samples, roughly.
    pub memory_bytes: u64,
}

/// What a label costs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LabelCost {
    /// Its name.
    pub name: String,
    /// Different values.
    pub values: u64,
    /// Series that have it.
    pub series: u64,
    /// Bytes of memory for its name and values in these series and in the index, roughly.
    pub memory_bytes: u64,
}

/// How many series have a label with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PairCost {
    /// The label.
    pub name: String,
    /// The value.
    pub value: String,
    /// Series.
    pub series: u64,
}

/// What some of the series in memory consist of.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Breakdown {
    /// All of them; the name is empty.
    pub total: MetricCost,
    /// Their metrics, the ones with the most series.
    pub metrics: Vec<NameCount>,
    /// How many of the series `labels` is about. Less than all only if there are very many.
    pub examined: u64,
    /// Their labels except the metric name, those with the most values first; if the series were chosen by a label whatever its value, only that label.
    pub labels: Vec<LabelBreakdown>,
}

/// A label of some series.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LabelBreakdown {
    /// What it costs in these series.
    pub cost: LabelCost,
    /// How many of the series could still be told apart without the label; the samples of the others would collide.
    pub distinct_without: u64,
    /// Its values with the most series.
    pub top_values: Vec<NameCount>,
}

impl MetricCost {
    fn count(&mut self, series: &Series, created_from_s: u32) {
        self.series += 1;
        self.created += u64::from(series.created_s >= created_from_s);
        self.memory_bytes += series.memory() as u64;
    }
}

impl LabelCost {
    /// Counts one more value, which so many series have.
    fn count_value(&mut self, name: &str, value: &str, n_series: usize) {
        // In each label set name and value, both with their length.
        let in_labels = n_series * (name.len() + value.len() + 2);
        self.values += 1;
        self.series += n_series as u64;
        self.memory_bytes += (in_labels + entry_memory(value, n_series)) as u64;
    }
}

impl Store {
    pub(super) fn cardinality(&self, limit: usize, window: Duration) -> Cardinality {
        let created_from_s = self.created_from_s(window);
        let mut total = MetricCost::default();
        let mut metrics: HashMap<String, MetricCost> = HashMap::new();
        self.head.for_each_series(|series| {
            total.count(series, created_from_s);
            metrics.entry_ref(series.labels.metric_name()).or_default().count(series, created_from_s);
        });
        let mut metrics: Vec<MetricCost> =
            metrics.into_iter().map(|(name, cost)| MetricCost { name, ..cost }).collect();
        // So that equal ones do not change places from one call to the next.
        metrics.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let index = self.head.index.read();
        let mut labels = Vec::new();
        let mut pairs = Top::new(limit);
        for (name, values) in index.names().filter(|(name, _)| is_listed(name)) {
            let mut cost = LabelCost { name: name.to_owned(), ..LabelCost::default() };
            for (value, ids) in values {
                cost.count_value(name, value, ids.len());
                pairs.offer(ids.len() as u64, || (name.to_owned(), value.to_string()));
            }
            labels.push(cost);
        }
        drop(index);
        Cardinality {
            total,
            n_metrics: metrics.len(),
            by_series: largest_metrics(limit, &metrics, |cost| cost.series),
            by_created: largest_metrics(limit, &metrics, |cost| cost.created),
            by_memory: largest_metrics(limit, &metrics, |cost| cost.memory_bytes),
            labels_by_values: largest_labels(limit, &labels, |cost| cost.values),
            labels_by_memory: largest_labels(limit, &labels, |cost| cost.memory_bytes),
            pairs: pairs.finish().map(|(series, (name, value))| PairCost { name, value, series }).collect(),
        }
    }

    pub(super) fn breakdown(
        &self,
        name: &str,
        value: Option<&str>,
        limit: usize,
        window: Duration,
    ) -> Option<Breakdown> {
        let created_from_s = self.created_from_s(window);
        let mut total = MetricCost::default();
        let mut metrics: HashMap<String, u64> = HashMap::new();
        let mut labels = LabelTallies::default();
        self.head.for_each_series_with(name, value, |series| {
            total.count(series, created_from_s);
            *metrics.entry_ref(series.labels.metric_name()).or_default() += 1;
            labels.add(series, value.is_none().then_some(name));
        });
        let mut metrics: Vec<_> = metrics.into_iter().collect();
        metrics.sort_unstable();
        let mut top = Top::new(limit);
        for (name, series) in metrics {
            top.offer(series, || name);
        }
        (total.series > 0).then(|| Breakdown {
            total,
            metrics: name_counts(top),
            examined: labels.hashes.len() as u64,
            labels: labels.finish(limit),
        })
    }

    /// Series created in this second of the store's clock, or later, were created in the window.
    fn created_from_s(&self, window: Duration) -> u32 {
        let from = self.clock.monotonic().saturating_sub(window).as_secs();
        // 0 is the mark of series that were found when the store was opened.
        (from as u32).max(1)
    }
}

/// Whether a label is one that somebody gave a series beside its name.
fn is_listed(name: &str) -> bool {
    name != TENANT_LABEL && name != METRIC_NAME
}

fn largest_metrics(limit: usize, metrics: &[MetricCost], size: fn(&MetricCost) -> u64) -> Vec<MetricCost> {
    let mut top = Top::new(limit);
    for cost in metrics.iter().filter(|cost| size(cost) > 0) {
        top.offer(size(cost), || cost.clone());
    }
    top.finish().map(|(_, cost)| cost).collect()
}

fn largest_labels(limit: usize, labels: &[LabelCost], size: fn(&LabelCost) -> u64) -> Vec<LabelCost> {
    let mut top = Top::new(limit);
    for cost in labels {
        top.offer(size(cost), || cost.clone());
    }
    top.finish().map(|(_, cost)| cost).collect()
}

/// Labels of series that are looked at one by one.
#[derive(Debug, Default)]
struct LabelTallies {
    hasher: DefaultHashBuilder,
    /// Of each series the sum of the hashes of its labels, so that a label can be taken out. Two label sets with the same sum are so unlikely that the
    /// counts are right for any practical number of series.
    hashes: Vec<u64>,
    labels: BTreeMap<Box<str>, LabelTally>,
    n_labels: usize,
}

#[derive(Debug, Default)]
struct LabelTally {
    values: HashMap<String, u32>,
    /// The series that have the label, with the hash of it and its value.
    hashes: Vec<(u32, u64)>,
}

impl LabelTallies {
    /// Counts the labels of a series, or only one of them.
    fn add(&mut self, series: &Series, only: Option<&str>) {
        if self.n_labels >= MAX_LABELS_EXAMINED {
            return;
        }
        let idx = self.hashes.len() as u32;
        let mut sum = 0_u64;
        for label in &series.labels {
            let hash = self.hasher.hash_one((label.name, label.value));
            sum = sum.wrapping_add(hash);
            if !is_listed(label.name) || only.is_some_and(|only| only != label.name) {
                continue;
            }
            self.n_labels += 1;
            if !self.labels.contains_key(label.name) {
                self.labels.insert(label.name.into(), LabelTally::default());
            }
            let tally = self.labels.get_mut(label.name).expect("BUG: the label was inserted above");
            *tally.values.entry_ref(label.value).or_default() += 1;
            tally.hashes.push((idx, hash));
        }
        self.hashes.push(sum);
    }

    fn finish(self, limit: usize) -> Vec<LabelBreakdown> {
        let mut labels: Vec<_> =
            self.labels.into_iter().map(|(name, tally)| tally.finish(&name, &self.hashes, limit)).collect();
        labels.sort_by_key(|label| Reverse(label.cost.values));
        labels
    }
}

impl LabelTally {
    fn finish(self, name: &str, hashes: &[u64], limit: usize) -> LabelBreakdown {
        let mut rest = hashes.to_vec();
        for (idx, hash) in self.hashes {
            rest[idx as usize] = rest[idx as usize].wrapping_sub(hash);
        }
        rest.sort_unstable();
        rest.dedup();
        let mut cost = LabelCost { name: name.to_owned(), ..LabelCost::default() };
        let mut top = Top::new(limit);
        let mut values: Vec<_> = self.values.into_iter().collect();
        values.sort_unstable();
        for (value, n_series) in values {
            cost.count_value(name, &value, n_series as usize);
            top.offer(u64::from(n_series), || value);
        }
        LabelBreakdown { cost, distinct_without: rest.len() as u64, top_values: name_counts(top) }
    }
}
