//! A restart neither tells again nor forgets, and shifts no clock.
use std::collections::BTreeSet;

use bellwether_alerts::router::Router;
use bellwether_alerts::silence::{Mute, Silences};
use bellwether_model::{Alert, Fingerprint, Labels};
use proptest::prelude::*;

use crate::extensions::silence;
use crate::play::{CONFIG, Play, parse};

#[derive(Debug, Clone)]
struct Step {
    /// So many seconds later.
    after_s: i64,
    name: usize,
    job: usize,
    severity: usize,
    /// It ends after so many seconds; 0 for now.
    ends_in_s: i64,
    /// Deliveries fail from now on.
    broken: bool,
    restart: bool,
}

fn step() -> impl Strategy<Value = Step> {
    let ends = prop_oneof![2 => Just(0_i64), 1 => 1..2_000_i64, 3 => Just(100_000)];
    (0..900_i64, 0..2_usize, 0..3_usize, 0..2_usize, ends, proptest::bool::weighted(0.1), any::<bool>())
        .prop_map(|(after_s, name, job, severity, ends_in_s, broken, restart)| Step {
            after_s,
            name,
            job,
            severity,
            ends_in_s,
            broken,
            restart,
        })
}

fn play(steps: &[Step], restarts: bool) -> Vec<String> {
    let mut play = Play::new(CONFIG);
    let mut at_s = 0;
    for step in steps {
        at_s += step.after_s;
        play.broken = step.broken;
        let (name, job) = (["Slow", "Down"][step.name], ["a", "b", "c"][step.job]);
        play.alert(at_s, name, job, ["warn", "page"][step.severity], Some(step.ends_in_s));
        if restarts && step.restart {
            play.restart(CONFIG);
        }
    }
    play.broken = false;
    play.pass(at_s + 20_000);
    play.told
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_restart_changes_nothing_that_is_told(steps in proptest::collection::vec(step(), 1..12)) {
        prop_assert_eq!(play(&steps, true), play(&steps, false));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever is silenced, inhibited or muted by the time, and however often the program starts again: who was told that an alert fires is told that it is over.
    #[test]
    fn who_wants_every_end_of_what_it_knows_is_told_it(
        steps in proptest::collection::vec((step(), proptest::option::weighted(0.3, 0..3_usize)), 1..12),
    ) {
        let config = format!("{CONFIG}bellwether: {{receivers: {{all: {{resolve_if_notified: true}}, pager: {{resolve_if_notified: true}}}}}}\n");
        let mut play = Play::new(&config);
        // Before the night, which comes while all of this happens or after it.
        let mut at_s = 20 * 3600;
        for (step, silenced) in &steps {
            at_s += step.after_s;
            play.broken = step.broken;
            let (name, job) = (["Slow", "Down"][step.name], ["a", "b", "c"][step.job]);
            play.alert(at_s, name, job, ["warn", "page"][step.severity], Some(step.ends_in_s));
            if let Some(job) = silenced {
                silence(&mut play, ["a", "b", "c"][*job], Mute::All);
            }
            if step.restart {
                play.restart(&config);
            }
        }
        play.broken = false;
        play.pass(at_s + 200_000);
        prop_assert_eq!(play.router.next_wake_ms(), None, "all has ended");
        // The second integration of the pager wants no ends.
        let believed: Vec<_> = play.believed.iter().filter(|(to, _)| to.integration.nth == 0).collect();
        prop_assert!(believed.is_empty(), "{believed:?} of {:#?}", play.told);
    }
}

#[test]
fn what_mutes_others_is_known_before_the_first_flush() {
    let mut play = Play::new(CONFIG);
    play.alert(0, "Down", "a", "warn", Some(10_000));
    play.alert(1, "Slow", "a", "warn", Some(10_000));
    play.pass(29);
    play.restart(CONFIG);
    play.pass(1_000);
    assert_eq!(play.told, ["30: all/0 first_notification a"], "only of Down");
}

#[test]
fn a_flush_that_was_missed_is_made_up_for_at_once() {
    let mut play = Play::new(CONFIG);
    play.alert(0, "Slow", "a", "warn", Some(100_000));
    play.pass(10);
    play.at_s = 500;
    play.restart(CONFIG);
    play.pass(520);
    assert_eq!(play.told, ["500: all/0 first_notification a"]);
}

#[test]
fn news_keeps_its_key_until_it_is_noted() {
    let mut play = Play::new(CONFIG);
    play.insert(0, "Down", "a", "page", Some(100_000));
    let told = |play: &mut Play, at_s: i64| {
        play.at_s = at_s;
        let deliveries = play.router.poll(play.now_ms()).deliveries;
        let keys: BTreeSet<String> = deliveries.iter().map(|it| it.idempotency_key.clone()).collect();
        assert_eq!(keys.len(), deliveries.len(), "each integration has keys of its own");
        (deliveries, keys)
    };
    let (_, first) = told(&mut play, 0);
    assert_eq!(first.len(), 2);
    play.keep();
    play.die(CONFIG);
    let (again, keys) = told(&mut play, 1);
    assert_eq!(keys, first, "the same news");
    for delivery in again {
        play.router.delivered(delivery.id, None, play.now_ms());
    }
    let mut seen = first;
    for hour in 1..4 {
        let (repeated, keys) = told(&mut play, hour * 4_000);
        assert!(keys.len() == 2 && keys.is_disjoint(&seen), "that it still fires is news");
        for delivery in repeated {
            play.router.delivered(delivery.id, None, play.now_ms());
        }
        seen.extend(keys);
    }
}

#[test]
fn groups_of_routes_that_are_gone_are_forgotten() {
    let mut play = Play::new(CONFIG);
    play.alert(0, "Down", "a", "page", Some(100_000));
    let without_pager = CONFIG.replace("[severity=page]", "[severity=never]");
    play.restart(&without_pager);
    play.pass(100);
    assert_eq!(
        play.told,
        [
            "0: pager/0 first_notification a",
            "0: pager/1 first_notification a",
            "30: all/0 first_notification a"
        ]
    );
    assert!(play.router.take_changes().groups.iter().any(|(_, clock)| clock.is_none()));
}

#[test]
fn many_changes_come_in_rounds_that_end_and_lose_nothing() {
    const COUNT: usize = 12_000;
    let mut router = Router::new(parse(CONFIG), Silences::default(), []);
    let alert = |n: usize| Alert {
        labels: Labels::from_pairs([("alertname", "Slow"), ("n", &n.to_string())]),
        annotations: Labels::empty(),
        starts_at_ms: 0,
        ends_at_ms: Some(1_000_000),
        generator_url: String::new(),
    };
    router.insert((0..COUNT).map(alert), 0);
    let first = router.take_changes();
    assert!(first.has_more && first.alerts.len() < COUNT);
    let mut seen: BTreeSet<Fingerprint> = first.alerts.iter().map(|(id, _)| *id).collect();
    // One comes again and a new one comes meanwhile: both are for the next round, however long this one is.
    router.insert([alert(0), alert(COUNT)], 1);
    let mut changes = router.take_changes();
    seen.extend(changes.alerts.iter().map(|(id, _)| *id));
    // What could not be kept comes again, with the rest.
    router.put_back(changes);
    let mut left = 0;
    loop {
        changes = router.take_changes();
        left += changes.alerts.len();
        seen.extend(changes.alerts.iter().map(|(id, _)| *id));
        if !changes.has_more {
            break;
        }
    }
    assert_eq!(seen.len(), COUNT + 1);
    assert!((COUNT - first.alerts.len()..COUNT + 2 - first.alerts.len() + 1).contains(&left), "{left}");
    assert!(router.take_changes().is_empty());
}

#[test]
fn an_alert_that_is_only_heard_of_again_is_kept_now_and_then() {
    let mut router = Router::new(parse(CONFIG), Silences::default(), []);
    let heard = |minute: i64, ends_in_minutes: i64, text: &str| Alert {
        labels: Labels::from_pairs([("alertname", "Slow")]),
        annotations: Labels::from_pairs([("summary", text)]),
        starts_at_ms: 0,
        ends_at_ms: Some((minute + ends_in_minutes) * 60_000),
        generator_url: String::new(),
    };
    let kept_end_ms = |router: &mut Router| {
        let changes = router.take_changes().alerts;
        changes.first().map(|(_, known)| known.as_ref().and_then(|it| it.alert.ends_at_ms).expect("an end"))
    };
    let (mut kept_ms, mut times_kept) = (0, 0);
    for minute in 0..100 {
        let now_ms = minute * 60_000;
        router.insert([heard(minute, 4, "slow")], now_ms);
        router.poll(now_ms);
        if let Some(end_ms) = kept_end_ms(&mut router) {
            (kept_ms, times_kept) = (end_ms, times_kept + 1);
        }
        assert!(kept_ms >= now_ms + 60_000, "a crash in minute {minute} leaves time to hear of it");
    }
    assert!((10..60).contains(&times_kept), "{times_kept}");
    // Whatever else changes is kept at once, and so is that it is over, or an end that is far from the one that is kept.
    for (ends_in_minutes, text) in [(4, "slower"), (0, "slower"), (1_000, "slower")] {
        router.insert([heard(100, ends_in_minutes, text)], 6_000_000);
        assert_eq!(kept_end_ms(&mut router), Some((100 + ends_in_minutes) * 60_000));
    }
    router.insert([heard(100, 1_001, "slower")], 6_000_000);
    assert_eq!(kept_end_ms(&mut router), None);
    router.settle();
    assert_eq!(kept_end_ms(&mut router), Some(1_101 * 60_000), "the end of the program is no crash");
}
