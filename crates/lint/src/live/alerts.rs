//! What rules would have done, what they cost, and where their links lead.

use std::collections::BTreeMap;

use bellwether_model::format_duration_ms;
use bellwether_rules::RuleKind;

use super::LiveFindings;
use super::server::{History, Presence};
use crate::rules::{Found, Scene};

pub(super) fn noise(scene: &Scene<'_>, history: &History<'_>) -> LiveFindings {
    let mut found = Vec::new();
    for rule in scene.alerts() {
        let RuleKind::Alerting { for_ms, .. } = rule.rule.kind else { continue };
        let Some(series) = history.range(&rule.rule.expr_text)? else { continue };
        let firings: usize = series.iter().map(|times| firings(times, history.step_ms, for_ms)).sum();
        if firings > history.options.max_firings {
            let message = format!(
                "the alert would have fired at least {firings} times in the last {}",
                format_duration_ms(history.options.lookback_ms)
            );
            let remedy = "raise the threshold or `for`, or make it an alert that wakes nobody";
            found.push(("noisy-alert", Found::at(rule.at_name(), rule, message, remedy)));
        }
    }
    Ok(found)
}

/// How often one alert has fired: the times without a break that are long enough.
fn firings(times: &Presence, step_ms: i64, for_ms: i64) -> usize {
    let mut count = 0;
    let mut begun = None;
    for (idx, time) in times.iter().enumerate() {
        let start = *begun.get_or_insert(*time);
        let is_last = times.get(idx + 1).is_none_or(|next| next - time > step_ms + step_ms / 2);
        if is_last {
            count += usize::from(time - start >= for_ms);
            begun = None;
        }
    }
    count
}

pub(super) fn cost(scene: &Scene<'_>, history: &History<'_>) -> LiveFindings {
    let mut found = Vec::new();
    for rule in &scene.rules {
        let params = [
            ("query", rule.rule.expr_text.clone()),
            ("time", format!("{}", history.now_ms / 1000)),
            ("stats", "all".to_owned()),
        ];
        let whole = |message, remedy: &str| Found::at(rule.at_field("expr"), rule, message, remedy);
        let data = match history.ask("query", &params)? {
            Ok(data) => data,
            Err(why) => {
                let message = format!("the server does not evaluate the expression: {why}");
                found.push(("query-cost", whole(message, "let it read less")));
                continue;
            }
        };
        let samples = data["stats"]["samples"]["totalQueryableSamples"].as_u64().unwrap_or(0);
        let took_s = data["stats"]["timings"]["execTotalTime"].as_f64().unwrap_or(0.0);
        let series = data["result"].as_array().map_or(0, Vec::len);
        let interval_ms = rule.group.interval_ms.unwrap_or(scene.options.evaluation_interval_ms);
        // A tenth of its interval is what one rule among many may have.
        let is_slow = took_s * 10_000.0 > interval_ms as f64;
        if samples > history.options.max_samples || is_slow {
            let message = format!(
                "an evaluation reads {samples} samples for {series} series and takes {took_s:.3} s, every {}",
                format_duration_ms(interval_ms)
            );
            found.push(("query-cost", whole(message, "record a part of it, or evaluate it less often")));
        }
    }
    Ok(found)
}

pub(super) fn links(scene: &Scene<'_>, history: &History<'_>) -> Vec<(&'static str, Found)> {
    let mut found = Vec::new();
    let mut known: BTreeMap<&str, Result<(), String>> = BTreeMap::new();
    for rule in scene.alerts().filter(|_| history.options.check_links) {
        let RuleKind::Alerting { annotations, .. } = &rule.rule.kind else { continue };
        for (name, link) in
            annotations.iter().filter(|(name, _)| matches!(name.as_str(), "runbook_url" | "runbook"))
        {
            let is_url = link.starts_with("http://") || link.starts_with("https://");
            if !is_url || link.contains("{{") {
                continue;
            }
            if let Err(why) = known.entry(link).or_insert_with(|| history.server.follow(link)) {
                let message = format!("{name} leads to {link}, and there: {why}");
                let place = rule.at_entry("annotations", name);
                found.push(("runbook-dead", Found::at(place, rule, message, "correct the link")));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_long_times_without_a_break_fire() {
        let times = vec![0, 60, 120, 300, 600, 660];
        assert_eq!(firings(&times, 60, 0), 3);
        assert_eq!(firings(&times, 60, 60), 2);
        assert_eq!(firings(&times, 60, 61), 1);
        assert_eq!(firings(&Vec::new(), 60, 0), 0);
    }
}
