//! What an Alertmanager needs so that a slower alert is not sent while a faster one says the same.

use std::collections::BTreeSet;

use bellwether_yaml::{MapValue, Value};

use super::burn::Burn;
use super::compile::SLO_ID;
use super::objective::Objective;

/// The rules of inhibition for all objectives: while an alert on a fast burn fires, those on slower ones of the same objective and the same groups are not sent.
pub fn inhibit_rules<'o>(objectives: impl IntoIterator<Item = &'o Objective>) -> Value {
    // A label that both alerts lack counts as equal, so that one list serves all.
    let mut groups: BTreeSet<&str> = BTreeSet::new();
    for objective in objectives {
        groups.extend(objective.indicator.grouping.iter().map(String::as_str));
    }
    let equal: Vec<Value> = std::iter::once(SLO_ID).chain(groups).map(Value::str).collect();
    let speeds = [Burn::Fast, Burn::Medium, Burn::Slow, Burn::Long];
    let rules = speeds.iter().enumerate().take(speeds.len() - 1).map(|(place, faster)| {
        let slower: Vec<&str> = speeds[place + 1..].iter().map(|burn| burn.as_str()).collect();
        let mut rule = MapValue::new();
        rule.set("source_matchers", Value::strings([format!("burn=\"{}\"", faster.as_str())]));
        let target = [format!("{SLO_ID}!=\"\""), format!("burn=~\"{}\"", slower.join("|"))];
        rule.set("target_matchers", Value::strings(target));
        rule.set("equal", Value::FlowList(equal.clone()));
        rule.into()
    });
    Value::List(rules.collect())
}
