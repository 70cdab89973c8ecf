//! The platforms meet their objectives while nothing goes wrong, and what pages about a budget comes from an incident.
use bellwether_fleet::{HistoryRange, Platform};
use bellwether_rules::RuleGroup;
use bellwether_rules::slo::{BAD_EVENTS, TOTAL_EVENTS};

use crate::alerts::happenings;
use crate::generated::pack;
use crate::recording::Recording;
use crate::rules::{Evaluation, groups, names};
use crate::{HOUR_MS, MINUTE_MS, MORNING_MS, NIGHT_MS};

/// From one sample to the next.
const STEP_MS: i64 = MINUTE_MS / 2;
/// What an incident has made slow ends so long after it, and for five minutes more it is counted.
const SETTLED_MS: i64 = 7 * MINUTE_MS;
/// The demo has so much past when it starts.
const PAST_MS: i64 = 3 * HOUR_MS;

/// The groups with the windows and alerts of objectives.
fn windows(platform: Platform) -> Vec<RuleGroup> {
    let of_objective = |group: &RuleGroup| group.name.starts_with("slo_") && !group.name.ends_with("_budget");
    groups(platform).into_iter().filter(of_objective).collect()
}

/// Of these the rules that count events.
fn counting(mut groups: Vec<RuleGroup>) -> Vec<RuleGroup> {
    for group in &mut groups {
        group.rules.retain(|rule| [BAD_EVENTS, TOTAL_EVENTS].contains(&rule.name()));
    }
    groups
}

/// A platform with a past of `past_ms` in front of `from_ms`, in which the events of its objectives were counted.
fn counted(platform: Platform, from_ms: i64, past_ms: i64, to_ms: i64) -> Evaluation {
    let begin_ms = from_ms - past_ms;
    let range = HistoryRange { from_ms: begin_ms, to_ms, step_ms: STEP_MS };
    let recording = Recording::new(platform, 1, begin_ms, range);
    let used =
        windows(platform).iter().flat_map(|group| &group.rules).flat_map(|rule| names(&rule.expr)).collect();
    let mut evaluation = Evaluation::new(counting(windows(platform)), &recording, &used);
    evaluation.run(begin_ms, from_ms - MINUTE_MS);
    evaluation
}

/// What happens while no incident is on, and none has been for as long as it takes to settle, is good enough for each objective: the alerts of the demo come from its incidents.
fn check_healthy(platform: Platform) {
    let to_ms = MORNING_MS + 6 * HOUR_MS;
    let evaluation = counted(platform, to_ms, to_ms - MORNING_MS, to_ms);
    let incidents = happenings(platform, MORNING_MS - HOUR_MS, to_ms);
    let is_quiet =
        |ts_ms: &i64| !incidents.iter().any(|it| (it.start_ms..it.end_ms + SETTLED_MS).contains(ts_ms));
    let quiet: Vec<i64> =
        (MORNING_MS + HOUR_MS..to_ms).step_by(MINUTE_MS as usize).filter(is_quiet).collect();
    assert!(quiet.len() >= 20, "{platform} has {} quiet minutes", quiet.len());
    for slo in &pack(platform).slos {
        let name = slo.name.as_str();
        let sum = |series: &str| {
            let query = format!("{series}{{slo_id=\"{platform}-{name}\"}}");
            quiet.iter().map(|ts_ms| evaluation.sum(&query, *ts_ms)).sum::<f64>()
        };
        let (bad, total) = (sum(BAD_EVENTS), sum(TOTAL_EVENTS));
        let (share, budget) = (bad / total, 1.0 - slo.objective / 100.0);
        assert!(share < budget / 2.0, "{name}: {share} is bad without an incident, and {budget} may be");
    }
}

/// What pages about budgets within an hour of the start.
fn check_pages(platform: Platform, from_ms: i64) {
    let to_ms = from_ms + HOUR_MS;
    let fired = counted(platform, from_ms, PAST_MS, to_ms).go_on_with(windows(platform)).run(from_ms, to_ms);
    let incidents = happenings(platform, from_ms - HOUR_MS, to_ms);
    let pages = fired.iter().filter(|it| it.labels.get("slo_severity") == Some("page"));
    for page in pages {
        let during =
            |ts_ms: i64| incidents.iter().find(|it| (it.start_ms..it.end_ms + SETTLED_MS).contains(&ts_ms));
        let cause = during(page.fired_ms);
        let minutes = (page.fired_ms - from_ms) / MINUTE_MS;
        assert!(cause.is_some(), "{platform}: {} after {minutes} minutes, and nothing is wrong", page.labels);
    }
}

fn check(platform: Platform) {
    check_healthy(platform);
    for from_ms in [MORNING_MS, NIGHT_MS] {
        check_pages(platform, from_ms);
    }
}

#[test]
fn genesis_meets_its_objectives_and_pages_in_incidents_only() {
    check(Platform::Genesis);
}

#[test]
fn dag_meets_its_objectives_and_pages_in_incidents_only() {
    check(Platform::Dag);
}

#[test]
fn causal_meets_its_objectives_and_pages_in_incidents_only() {
    check(Platform::Causal);
}

#[test]
fn cugar_meets_its_objectives_and_pages_in_incidents_only() {
    check(Platform::Cugar);
}

#[test]
fn devskyy_meets_its_objectives_and_pages_in_incidents_only() {
    check(Platform::Devskyy);
}
