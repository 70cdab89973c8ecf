//! A restart neither tells again nor forgets, and shifts no clock.
use proptest::prelude::*;

use crate::play::{CONFIG, Play};

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
