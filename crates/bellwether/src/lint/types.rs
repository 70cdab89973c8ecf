use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use bellwether_model::MetricType;
use bellwether_packs::catalogue::Catalogue;
use bellwether_packs::schema::MetricKind;

/// The types of the metrics that packs promise, under all of their names. What packs say differently is not known.
pub(crate) fn promised_types(catalogue: &Catalogue) -> BTreeMap<String, MetricType> {
    let mut types: BTreeMap<String, Option<MetricType>> = BTreeMap::new();
    for metric in catalogue.packs().iter().flat_map(|pack| &pack.metrics) {
        let promised = metric_type(metric.kind);
        for name in metric.names() {
            match types.entry(name.to_owned()) {
                Entry::Vacant(entry) => drop(entry.insert(Some(promised))),
                Entry::Occupied(mut entry) if *entry.get() != Some(promised) => drop(entry.insert(None)),
                Entry::Occupied(_) => {}
            }
        }
    }
    types.into_iter().filter_map(|(name, promised)| Some((name, promised?))).collect()
}

fn metric_type(kind: MetricKind) -> MetricType {
    match kind {
        MetricKind::Counter => MetricType::Counter,
        MetricKind::Gauge => MetricType::Gauge,
        MetricKind::Histogram | MetricKind::NativeHistogram => MetricType::Histogram,
        MetricKind::Summary => MetricType::Summary,
        MetricKind::Info => MetricType::Info,
        MetricKind::StateSet => MetricType::StateSet,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bellwether_packs::schema::Pack;

    use super::*;

    #[test]
    fn packs_that_contradict_each_other_tell_nothing() {
        let mut catalogue = Catalogue::default();
        for (name, metrics) in [
            (
                "a",
                "{name: x_total, type: counter, help: x, aliases: [x]}, {name: depth, type: gauge, help: x}",
            ),
            ("b", "{name: depth, type: summary, quantiles: [0.5], help: x}"),
            ("c", "{name: depth, type: gauge, help: x}"),
        ] {
            let text = format!("pack: {name}\nversion: 1.0.0\nmetrics: [{metrics}]\n");
            let pack = Pack::parse("pack.yaml", text.as_bytes()).unwrap_or_else(|errors| panic!("{errors}"));
            catalogue.insert(Arc::new(pack));
        }
        let types = promised_types(&catalogue);
        let counter = |name: &str| (name.to_owned(), MetricType::Counter);
        assert_eq!(types, [counter("x"), counter("x_total")].into());
    }
}
