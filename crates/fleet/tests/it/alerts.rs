//! Each incident trips the alerts that it names, and nothing else does.
//!
//! The rules are those that are made of the platforms' packs, evaluated by the engine over what the fleet would have exposed.
use std::collections::BTreeMap;

use bellwether_fleet::{HistoryRange, Incident, Platform, incidents, occurrence_at};
use bellwether_promql::syntax::DurationArg;

use crate::generated::pack;
use crate::recording::Recording;
use crate::rules::{Evaluation, Firing, alerting_groups, names};
use crate::{HOUR_MS, MINUTE_MS, MORNING_MS, NIGHT_MS};

/// From one sample to the next.
const STEP_MS: i64 = 30_000;
/// What an incident has held up goes on for a while: queues empty, breakers try again.
const SETTLING_MS: i64 = 5 * MINUTE_MS;
/// Where it goes on for longer, with the reason.
const SETTLING_LONGER: [(Platform, &str, i64, &str); 2] = [
    (
        Causal,
        "SlowExportTasks",
        15,
        "an export that was begun in the incident takes up to a quarter of an hour",
    ),
    (Cugar, "FrequentBudgetExceeded", 11, "a budget that is overrun is filled up to ten minutes later"),
];

use Platform::{Causal, Cugar, Dag, Devskyy, Genesis};

/// Something that goes wrong, with what is needed of it here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Happening {
    pub(crate) incident: &'static Incident,
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
}

/// Everything that goes wrong on a platform from `from_ms` to `to_ms`.
pub(crate) fn happenings(platform: Platform, from_ms: i64, to_ms: i64) -> Vec<Happening> {
    let mut happenings: Vec<Happening> = Vec::new();
    for ts_ms in (from_ms..to_ms).step_by(MINUTE_MS as usize) {
        let occurrence = occurrence_at(platform, ts_ms);
        let (incident, start_ms, end_ms) = (occurrence.incident, occurrence.start_ms, occurrence.end_ms());
        if happenings.last().is_none_or(|last| last.start_ms != start_ms) {
            happenings.push(Happening { incident, start_ms, end_ms });
        }
    }
    happenings
}

/// For how long each alert remembers what was, in milliseconds: the longest window of its condition, and the time in which things settle.
fn memories(platform: Platform) -> BTreeMap<String, i64> {
    let mut memories = BTreeMap::new();
    for rule in alerting_groups(platform).iter().flat_map(|group| &group.rules) {
        let window_ms = |arg: &DurationArg| match arg {
            DurationArg::Literal(ms) => *ms,
            DurationArg::Expr(_) => panic!("{} has a window that depends on the query", rule.name()),
        };
        let windows = rule.expr.selectors().into_iter().filter_map(|used| used.range.map(window_ms));
        let longer = SETTLING_LONGER.iter().find(|(at, alert, ..)| *at == platform && *alert == rule.name());
        let settling_ms = longer.map_or(SETTLING_MS, |(.., minutes, _)| minutes * MINUTE_MS);
        memories.insert(rule.name().to_owned(), windows.max().unwrap_or(0) + settling_ms);
    }
    memories
}

/// Runs `hours` of a platform and holds everything that fires against the incidents. What it tells is when each alert of each incident fired.
fn check(
    platform: Platform,
    seed: u64,
    from_ms: i64,
    hours: i64,
) -> BTreeMap<(&'static str, &'static str), String> {
    // The first hour is not judged: the expressions need their past.
    let (warm_up_ms, to_ms) = (65 * MINUTE_MS, from_ms + hours * HOUR_MS);
    let range = HistoryRange { from_ms: from_ms - warm_up_ms, to_ms, step_ms: STEP_MS };
    let recording = Recording::new(platform, seed, range.from_ms, range);
    let groups = alerting_groups(platform);
    let used = groups.iter().flat_map(|group| &group.rules).flat_map(|rule| names(&rule.expr)).collect();
    let fired = Evaluation::new(groups, &recording, &used).run(from_ms, to_ms);

    let (happenings, memories) = (happenings(platform, range.from_ms - HOUR_MS, to_ms), memories(platform));
    for it in &fired {
        let explains = |happening: &&Happening| {
            happening.incident.alerts.contains(&it.alert.as_str())
                && happening.start_ms <= it.active_ms
                && it.until_ms <= happening.end_ms + memories[&it.alert]
        };
        let last = happenings.iter().rfind(|happening| happening.start_ms <= it.active_ms);
        assert!(
            happenings.iter().any(|happening| explains(&happening)),
            "{platform} seed {seed}: {} {} fired for {} s, {:?} s after {:?} began",
            it.alert,
            it.labels,
            (it.until_ms - it.fired_ms) / 1000,
            last.map(|it| it.start_ms).map(|start_ms| (it.fired_ms - start_ms) / 1000),
            last.map(|it| it.incident.name),
        );
    }
    let mut seen = BTreeMap::new();
    for happening in
        happenings.iter().filter(|it| it.start_ms >= from_ms && it.end_ms + 2 * MINUTE_MS <= to_ms)
    {
        for alert in happening.incident.alerts {
            let own = fired.iter().filter(|it| it.alert == *alert && it.active_ms >= happening.start_ms);
            // It may fire when the cause is gone, if it looks back for so long.
            let first = own.min_by_key(|it| it.fired_ms).filter(|it| it.active_ms <= happening.end_ms);
            let name = happening.incident.name;
            let seconds = |ts_ms: i64| (ts_ms - happening.start_ms) / 1000;
            let Some(first) = first else {
                let times = |it: &&Firing| it.alert == *alert;
                let times =
                    fired.iter().filter(times).map(|it| (seconds(it.active_ms), seconds(it.fired_ms)));
                let times: Vec<_> = times.collect();
                panic!(
                    "{platform} seed {seed}: {alert} did not fire in {name}; by seconds after its begin it was active and fired at {times:?}"
                )
            };
            let story = format!(
                "pending after {} s, fires after {} s, resolves after {} s",
                seconds(first.active_ms),
                seconds(first.fired_ms),
                seconds(first.until_ms)
            );
            seen.insert((name, *alert), story);
        }
    }
    seen
}

#[expect(clippy::print_stdout, reason = "with --nocapture this is the table for the documentation")]
fn check_all(platform: Platform) {
    // Long enough for every incident of the rotation to begin and end, whatever the time at which we start.
    let turns = || incidents().iter().filter(|it| it.platform == platform).map(|it| it.turns);
    let hours = (turns().sum::<i64>() + turns().max().unwrap_or(0)) / 3 + 2;
    let by_day = check(platform, 1, MORNING_MS, hours);
    let by_night = check(platform, 2, NIGHT_MS, hours);
    for incident in incidents().iter().filter(|it| it.platform == platform) {
        for alert in incident.alerts {
            let story = &by_day[&(incident.name, *alert)];
            assert!(
                by_night.contains_key(&(incident.name, *alert)),
                "{} was not seen by night",
                incident.name
            );
            println!("{platform}: {}: {alert} {story}", incident.name);
        }
    }
}

#[test]
fn genesis_incidents_trip_their_alerts() {
    check_all(Genesis);
}

#[test]
fn dag_incidents_trip_their_alerts() {
    check_all(Dag);
}

#[test]
fn causal_incidents_trip_their_alerts() {
    check_all(Causal);
}

#[test]
fn cugar_incidents_trip_their_alerts() {
    check_all(Cugar);
}

#[test]
fn devskyy_incidents_trip_their_alerts() {
    check_all(Devskyy);
}

#[test]
fn incidents_name_alerts_of_the_packs_and_leave_none_out() {
    for platform in Platform::ALL {
        let pack = pack(platform);
        let known = |alert: &str| pack.alerts.iter().any(|it| it.name.value == alert);
        for incident in incidents().iter().filter(|it| it.platform == platform) {
            for alert in incident.alerts {
                assert!(known(alert), "{} names {alert}, which pack {platform} does not have", incident.name);
            }
        }
        for alert in &pack.alerts {
            let alert = alert.name.as_str();
            let tripped = incidents().iter().any(|it| it.platform == platform && it.alerts.contains(&alert));
            assert!(tripped, "no incident trips {alert} of {platform}");
        }
    }
}
