//! Whom the demo's alertmanager.yml tells of what, and when.

use std::collections::BTreeSet;

use bellwether_alerts::inhibit::Inhibitor;
use bellwether_alerts::router::{Due, Router};
use bellwether_alerts::silence::Silences;
use bellwether_fleet::Platform;
use bellwether_model::{Alert, Labels};
use bellwether_packs::catalogue::Catalogue;

use super::*;

/// Monday 2024-01-08, 00:00 UTC.
const MONDAY_MS: i64 = 1_704_672_000_000;
const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const WEEK_MINUTES: i64 = 7 * 24 * 60;

fn setup() -> AlertmanagerSetup {
    alertmanager("http://127.0.0.1:1").expect("valid")
}

fn alert(labels: &[(&str, &str)], starts_at_ms: i64, ends_at_ms: i64) -> Alert {
    Alert {
        labels: Labels::from_pairs(labels.iter().copied()),
        annotations: Labels::empty(),
        starts_at_ms,
        ends_at_ms: Some(ends_at_ms),
        generator_url: String::new(),
    }
}

/// A router whose messages all arrive.
struct Play {
    router: Router,
    at_ms: i64,
}

impl Play {
    fn at(at_ms: i64) -> Self {
        Self { router: Router::new(setup().config, Silences::default(), []), at_ms }
    }

    /// Tells the router of an alert that fires for `length_ms` from now on.
    fn fires(&mut self, labels: &[(&str, &str)], length_ms: i64) {
        self.router.insert([alert(labels, self.at_ms, self.at_ms + length_ms)], self.at_ms);
    }

    /// Who is told until `to_ms`: the receiver, and whether the alert is over.
    fn told_until(&mut self, to_ms: i64) -> Vec<(String, bool)> {
        let mut told = Vec::new();
        while let Some(at_ms) = self.router.next_wake_ms().filter(|at_ms| *at_ms <= to_ms) {
            self.at_ms = at_ms;
            let Due { deliveries, .. } = self.router.poll(at_ms);
            for delivery in deliveries {
                let is_over = delivery.alerts.iter().all(|alert| alert.is_resolved(at_ms));
                told.push((delivery.to.receiver.clone(), is_over));
                self.router.delivered(delivery.id, None, at_ms);
            }
        }
        self.at_ms = to_ms;
        told
    }
}

/// The receivers that hear that something fires.
fn paged(told: &[(String, bool)]) -> BTreeSet<&str> {
    told.iter().filter(|(_, is_over)| !is_over).map(|(receiver, _)| receiver.as_str()).collect()
}

#[test]
fn each_team_is_told_of_its_own_alerts_and_somebody_on_call_of_the_worst() {
    let setup = setup();
    assert!(setup.config.warnings.is_empty(), "{:?}", setup.config.warnings);
    let told = |labels: &[(&str, &str)]| -> Vec<&str> {
        let routes = setup.config.route.matching(&Labels::from_pairs(labels.iter().copied()));
        routes.into_iter().map(|route| route.options.receiver.as_str()).collect()
    };
    for platform in Platform::ALL {
        let (name, team) = (platform.name(), format!("{platform}-team"));
        assert_eq!(told(&[("platform", name), ("severity", "warning")]), [team.as_str()]);
        let all = ["on-call-first", "on-call-second", &team];
        assert_eq!(told(&[("platform", name), ("severity", "critical")]), all);
    }
    assert_eq!(told(&[("alertname", "Watchdog")]), ["dead-man"]);
    assert_eq!(told(&[("severity", "info")]), ["board"]);
    let is_told = |name: &str| setup.config.receiver(name).is_some_and(|it| !it.integrations.is_empty());
    assert!(setup.config.receivers.iter().all(|receiver| is_told(&receiver.name)));
}

#[test]
fn exactly_one_half_of_the_week_is_on_call_at_any_minute() {
    let config = setup().config;
    let is_on = |name: &str, ts_ms| config.time_intervals[name].iter().any(|it| it.contains(ts_ms));
    let mut minutes_of_first = 0;
    for minute in 0..WEEK_MINUTES {
        let ts_ms = MONDAY_MS + minute * MINUTE_MS;
        let halves = ["first-half", "second-half"].map(|half| is_on(half, ts_ms));
        assert!(halves[0] != halves[1], "minute {minute} of the week: {halves:?}");
        minutes_of_first += i64::from(halves[0]);
    }
    assert_eq!(minutes_of_first, 3 * 24 * 60, "from Monday at nine to Thursday at nine");
}

#[test]
fn whoever_is_on_call_is_paged_within_seconds_and_told_of_the_end_after_the_turn() {
    let nine = |day: i64| MONDAY_MS + day * 24 * HOUR_MS + 9 * HOUR_MS;
    let labels = [("alertname", "APIServiceDown"), ("platform", "causal"), ("severity", "critical")];
    for (handover_ms, before, after) in
        [(nine(3), "on-call-first", "on-call-second"), (nine(0), "on-call-second", "on-call-first")]
    {
        let mut play = Play::at(handover_ms - 10 * MINUTE_MS);
        play.fires(&labels, 30 * MINUTE_MS);
        let started_ms = play.at_ms;
        assert_eq!(paged(&play.told_until(started_ms + 15_000)), [before, "causal-team"].into());
        // It goes on, so who takes over hears of it as well.
        assert_eq!(paged(&play.told_until(handover_ms + 2 * MINUTE_MS)), [after].into());
        let ends = play.told_until(handover_ms + 30 * MINUTE_MS);
        let told: BTreeSet<&str> = ends.iter().map(|(receiver, _)| receiver.as_str()).collect();
        assert_eq!(told, [before, after, "causal-team"].into(), "whoever was paged hears that it is over");
        assert!(ends.iter().all(|(_, is_over)| *is_over), "{ends:?}");
    }
}

#[test]
fn what_is_only_good_to_know_waits_for_the_day() {
    let labels = [("alertname", "LowCacheHitRate"), ("platform", "causal"), ("severity", "info")];
    let mut play = Play::at(MONDAY_MS + 2 * HOUR_MS);
    play.fires(&labels, 24 * HOUR_MS);
    assert_eq!(paged(&play.told_until(MONDAY_MS + 6 * HOUR_MS - 1)), [].into());
    assert_eq!(paged(&play.told_until(MONDAY_MS + 6 * HOUR_MS + 10 * MINUTE_MS)), ["board"].into());
}

/// What the packs say about alerts that explain others is in the file.
#[test]
fn the_louder_alert_of_a_pair_is_told_alone() {
    let mut seen = 0;
    for platform in Platform::ALL {
        let catalogue = Catalogue::built_in();
        let pack = catalogue.get(platform.name()).expect("each platform has a pack");
        for alert_of_pack in &pack.alerts {
            for louder in &alert_of_pack.inhibited_by {
                let labels =
                    |name: &str| Labels::from_pairs([("alertname", name), ("platform", platform.name())]);
                let (quiet, loud) = (alert_of_pack.name.as_str(), louder.as_str());
                let mut inhibitor = Inhibitor::new(setup().config.inhibit_rules.clone());
                assert!(!inhibitor.is_inhibited(&labels(quiet), MONDAY_MS));
                inhibitor.see(&Alert { labels: labels(loud), ..alert(&[], 0, MONDAY_MS + HOUR_MS) });
                assert!(inhibitor.is_inhibited(&labels(quiet), MONDAY_MS), "{quiet} beside {loud}");
                let elsewhere = Labels::from_pairs([("alertname", quiet), ("platform", "other")]);
                assert!(!inhibitor.is_inhibited(&elsewhere, MONDAY_MS), "{quiet} of another platform");
                seen += 1;
            }
        }
    }
    assert_eq!(seen, 4, "pairs in the packs");
}
