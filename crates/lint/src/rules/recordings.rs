use std::collections::BTreeSet;

use bellwether_yaml::nearest;

use super::{Found, Scene};

/// Series whose names say that they are recorded, and that no rule records.
pub(super) fn missing(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    let elsewhere: BTreeSet<&str> = scene
        .options
        .rules_elsewhere()
        .filter(|(_, rule)| !rule.is_alerting())
        .map(|(_, rule)| rule.name())
        .collect();
    for rule in &scene.rules {
        let mut told = BTreeSet::new();
        for used in rule.rule.expr.selectors() {
            let Some(name) = used.selector.metric_name().filter(|name| name.contains(':')) else { continue };
            let is_recorded = scene.recorded.contains_key(name) || elsewhere.contains(name);
            if is_recorded || !told.insert(name) {
                continue;
            }
            let message = format!("no rule of these files records {name}");
            let remedy = match nearest(name, scene.recorded.keys().copied()) {
                Some(near) => format!("did you mean {near:?}?"),
                None => "record it, or name the file that does as well".to_owned(),
            };
            found.push(Found::in_expr(rule, used.span, message, remedy));
        }
    }
    found
}
