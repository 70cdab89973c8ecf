//! Whether what an entry refers to is there.

use bellwether_yaml::nearest;

use super::Found;
use crate::schema::{Definition, Metric, Pack, Spanned};

pub(super) fn exist(pack: &Pack) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    let mut refer = |name: &Spanned<String>, what: &str, known: &[&str]| {
        if known.contains(&name.value.as_str()) {
            return;
        }
        let remedy = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean {near:?}?"),
            None => format!("there are {}", known.join(", ")),
        };
        found.push(Found::error(name.position, format!("there is no {what} {:?}", name.value), remedy));
    };
    let metrics: Vec<&str> = pack.metrics.iter().map(|metric| metric.name.as_str()).collect();
    let alerts: Vec<&str> = pack.alerts.iter().map(|alert| alert.name.as_str()).collect();
    let groups: Vec<&str> = pack.groups.iter().map(|group| group.name.as_str()).collect();
    let services: Vec<&str> = pack.services.iter().map(|service| service.name.as_str()).collect();
    let ratios: Vec<&str> = pack
        .named
        .iter()
        .filter(|named| matches!(named.definition, Definition::Ratio(_)))
        .map(|named| named.name.as_str())
        .collect();
    for replacement in pack.metrics.iter().filter_map(|metric| metric.replaced_by.as_ref()) {
        refer(replacement, "metric", &metrics);
    }
    for metric in &pack.metrics {
        let labels: Vec<&str> = metric.label_names().collect();
        for alias in &metric.aliases {
            for label in alias.labels.keys() {
                let label = Spanned { value: label.clone(), position: alias.name.position };
                refer(&label, "label", &labels);
            }
        }
    }
    for alert in &pack.alerts {
        alert.group.iter().for_each(|group| refer(group, "group", &groups));
        alert.inhibited_by.iter().for_each(|other| refer(other, "alert", &alerts));
    }
    for recording in &pack.recordings {
        recording.group.iter().for_each(|group| refer(group, "group", &groups));
    }
    for slo in &pack.slos {
        refer(&slo.sli, "ratio", &ratios);
    }
    let of_metrics: Vec<&str> = pack
        .metrics
        .iter()
        .flat_map(|metric| [metric.name.as_str(), metric.group.as_str()])
        .filter(|name| !name.is_empty())
        .collect();
    for exposed in pack.scrape.iter().flat_map(|scrape| &scrape.exposes).flatten() {
        refer(exposed, "metric or group of metrics", &of_metrics);
    }
    for endpoint in &pack.endpoints {
        endpoint.uses.iter().for_each(|metric| refer(metric, "metric", &metrics));
        endpoint.service.iter().for_each(|service| refer(service, "service", &services));
    }
    for variable in pack.dashboards.iter().flat_map(|dashboard| &dashboard.variables) {
        if let Some(metric) = &variable.of {
            refer(metric, "metric", &metrics);
            let labels: Vec<&str> = pack.metric(metric).into_iter().flat_map(Metric::label_names).collect();
            refer(&variable.label, "label", &labels);
        } else {
            let labels: Vec<&str> = pack.metrics.iter().flat_map(Metric::label_names).collect();
            refer(&variable.label, "label", &labels);
        }
    }
    found
}
