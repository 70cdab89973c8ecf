//! What the store says about its series, in the words of the HTTP surface.

use bellwether_api::{
    Breakdown, Cardinality, LabelBreakdown, LabelCost, MetricCost, NamedSeries, PairCost, SeriesCost,
};
use bellwether_tsdb::NameCount;

pub(crate) fn overview(found: bellwether_tsdb::Cardinality) -> Cardinality {
    Cardinality {
        total: series_cost(&found.total),
        metric_names: found.n_metrics,
        metrics_by_series: found.by_series.into_iter().map(metric_cost).collect(),
        metrics_by_created_series: found.by_created.into_iter().map(metric_cost).collect(),
        metrics_by_memory: found.by_memory.into_iter().map(metric_cost).collect(),
        labels_by_values: found.labels_by_values.into_iter().map(label_cost).collect(),
        labels_by_memory: found.labels_by_memory.into_iter().map(label_cost).collect(),
        label_pairs_by_series: found.pairs.into_iter().map(pair_cost).collect(),
        refused: Vec::new(),
    }
}

pub(crate) fn breakdown(found: bellwether_tsdb::Breakdown) -> Breakdown {
    let label = |label: bellwether_tsdb::LabelBreakdown| LabelBreakdown {
        cost: label_cost(label.cost),
        distinct_series_without: label.distinct_without,
        top_values: named_series(label.top_values),
    };
    Breakdown {
        total: series_cost(&found.total),
        metrics: named_series(found.metrics),
        examined_series: found.examined,
        labels: found.labels.into_iter().map(label).collect(),
    }
}

fn series_cost(cost: &bellwether_tsdb::MetricCost) -> SeriesCost {
    SeriesCost { series: cost.series, created_series: cost.created, memory_bytes: cost.memory_bytes }
}

fn metric_cost(cost: bellwether_tsdb::MetricCost) -> MetricCost {
    MetricCost { cost: series_cost(&cost), name: cost.name }
}

fn label_cost(cost: bellwether_tsdb::LabelCost) -> LabelCost {
    let bellwether_tsdb::LabelCost { name, values, series, memory_bytes, .. } = cost;
    LabelCost { name, values, series, memory_bytes }
}

fn pair_cost(cost: bellwether_tsdb::PairCost) -> PairCost {
    PairCost { name: cost.name, value: cost.value, series: cost.series }
}

fn named_series(list: Vec<NameCount>) -> Vec<NamedSeries> {
    list.into_iter().map(|entry| NamedSeries { name: entry.name, series: entry.count }).collect()
}
