//! Recordings that keep old names alive, for applications whose instruments expose only the new ones.

use bellwether_yaml::{MapValue, Value};

use crate::schema::{Alias, Metric, MetricKind, Pack};

/// The rule file; `None` if no metric has another name.
pub(super) fn rule_file(pack: &Pack) -> Option<Value> {
    let aliases = pack.metrics.iter().flat_map(|m| m.aliases.iter().map(move |alias| (m, alias)));
    let rules: Vec<Value> = aliases.flat_map(|(metric, alias)| recordings(metric, alias)).collect();
    if rules.is_empty() {
        return None;
    }
    let mut group = MapValue::new();
    group.set("name", format!("{}_aliases", pack.name));
    group.set("rules", Value::List(rules));
    let mut file = MapValue::new();
    file.set("groups", Value::List(vec![group.into()]));
    Some(file.into())
}

/// One for each kind of series that the metric has.
fn recordings(metric: &Metric, alias: &Alias) -> Vec<Value> {
    let parts: &[&str] = match metric.kind {
        MetricKind::Histogram => &["_bucket", "_sum", "_count"],
        MetricKind::Summary => &["", "_sum", "_count"],
        _ => &[""],
    };
    let mut renamed: Vec<(&str, &str)> =
        alias.labels.iter().map(|(new, old)| (new.as_str(), old.as_str())).collect();
    if metric.kind == MetricKind::StateSet {
        // The label with the state is called like the metric.
        renamed.push((&metric.name, &alias.name));
    }
    let recording = |part: &&str| {
        let series = format!("{}{part}", metric.name);
        let copied = renamed.iter().fold(series, |expr, (new, old)| {
            format!("label_replace({expr}, \"{old}\", \"$1\", \"{new}\", \"(.*)\")")
        });
        let gone: Vec<&str> = renamed.iter().map(|(new, _)| *new).collect();
        let expr =
            if gone.is_empty() { copied } else { format!("sum without ({}) ({copied})", gone.join(", ")) };
        let mut rule = MapValue::new();
        rule.set("record", format!("{}{part}", alias.name));
        rule.set("expr", expr);
        rule.into()
    };
    parts.iter().map(recording).collect()
}
