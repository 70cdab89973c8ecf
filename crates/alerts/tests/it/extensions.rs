//! What Alertmanager does not have: the section `bellwether`, and silences that let the end of alerts through.
use std::collections::BTreeMap;

use bellwether_alerts::config::{Config, ConfigOptions};
use bellwether_alerts::silence::{Mute, SilenceId, SilenceSpec};

use crate::alertmanager::matchers;
use crate::play::{CONFIG, Play};

/// Silences what is of a job, for longer than any test takes.
pub(crate) fn silence(play: &mut Play, job: &str, mute: Mute) {
    let now_ms = play.now_ms();
    let spec = SilenceSpec {
        matchers: matchers(&format!("job={job}")),
        starts_at_ms: now_ms,
        ends_at_ms: now_ms + 100_000_000,
        created_by: "ann".to_owned(),
        comment: "upgrade".to_owned(),
        annotations: BTreeMap::new(),
        mute,
        recurs: None,
    };
    let id = SilenceId::from_random(play.router.silences.iter().count() as u128);
    play.router.silences.set(None, spec, id, now_ms).expect("valid");
}

fn with(section: &str) -> String {
    format!("{CONFIG}bellwether:\n  {section}\n")
}

fn refusal(text: &str) -> String {
    Config::parse("a.yml", text.as_bytes(), ConfigOptions::default()).expect_err("refused").to_string()
}

/// Fires, is told, is silenced, and ends while `b` of the same group goes on until later.
fn silenced_before_its_end(config: &str, mute: Mute) -> Vec<String> {
    let mut play = Play::new(config);
    play.alert(0, "Slow", "a", "warn", Some(100_000));
    play.alert(0, "Slow", "b", "warn", Some(100_000));
    play.pass(100);
    silence(&mut play, "a", mute);
    // Told again while it is silenced, so that the last that was told is not about it.
    play.alert(200, "Slow", "c", "warn", Some(100_000));
    play.pass(400);
    play.alert(400, "Slow", "a", "warn", Some(0));
    play.pass(1_000);
    play.told
}

#[test]
fn the_end_of_what_was_told_goes_out_if_only_firing_is_muted() {
    assert_eq!(
        silenced_before_its_end(CONFIG, Mute::Firing),
        [
            "30: all/0 first_notification a b",
            "330: all/0 new_alerts_in_group b c",
            "630: all/0 new_resolved_alerts (a) b c",
        ]
    );
    assert_eq!(
        silenced_before_its_end(CONFIG, Mute::All),
        ["30: all/0 first_notification a b", "330: all/0 new_alerts_in_group b c"]
    );
}

#[test]
fn a_receiver_may_want_the_end_of_all_that_it_was_told() {
    let wants = with("receivers: {all: {resolve_if_notified: true}}");
    assert_eq!(
        silenced_before_its_end(&wants, Mute::All).last().map(String::as_str),
        Some("630: all/0 new_resolved_alerts (a) b c")
    );
    // Of what it never knew it is told nothing.
    let mut play = Play::new(&wants);
    silence(&mut play, "a", Mute::All);
    play.alert(0, "Slow", "a", "warn", Some(100_000));
    play.pass(100);
    play.alert(100, "Slow", "a", "warn", Some(0));
    play.pass(1_000);
    assert_eq!(play.told, Vec::<String>::new());
}

#[test]
fn the_end_goes_out_at_night_and_while_inhibited_too() {
    let wants = with("receivers: {all: {resolve_if_notified: true}, pager: {resolve_if_notified: true}}");
    let mut play = Play::new(&wants);
    let evening_s = 21 * 3600 + 3590;
    play.alert(evening_s, "Down", "a", "page", Some(100_000));
    play.alert(evening_s + 20, "Down", "a", "page", Some(0));
    play.pass(24 * 3600);
    let ended = format!("{}: pager/0 all_alerts_resolved (a)", evening_s + 300);
    assert!(play.told.contains(&ended), "{:?}", play.told);

    let mut play = Play::new(&wants);
    play.alert(0, "Slow", "a", "warn", Some(100_000));
    play.alert(100, "Down", "a", "warn", Some(100_000));
    play.alert(200, "Slow", "a", "warn", Some(0));
    play.pass(1_000);
    assert!(play.told.contains(&"330: all/0 all_alerts_resolved (a)".to_owned()), "{:?}", play.told);
}

#[test]
fn alerts_of_one_name_are_bounded() {
    let mut play = Play::new(&with("limits: {alerts_per_alertname: 2}"));
    for job in ["a", "b", "c"] {
        play.alert(0, "Slow", job, "warn", Some(100_000));
    }
    play.alert(0, "Down", "c", "warn", Some(100_000));
    // One that is known may be sent again, and there is room when one has ended.
    play.alert(40, "Slow", "a", "warn", Some(0));
    play.alert(400, "Slow", "d", "warn", Some(100_000));
    play.alert(401, "Slow", "e", "warn", Some(100_000));
    play.pass(1_000);
    assert_eq!(
        play.told,
        [
            "30: all/0 first_notification c",
            "30: all/0 first_notification a b",
            "330: all/0 new_resolved_alerts (a) b",
            "630: all/0 new_alerts_in_group b d",
        ]
    );
}

#[test]
fn groups_beyond_the_limit_are_one() {
    let config = with("limits: {groups_per_route: 2}").replace("[alertname]", "[alertname, job]");
    let mut play = Play::new(&config);
    for job in ["a", "b", "c", "d", "c"] {
        play.alert(0, "Slow", job, "warn", Some(100_000));
    }
    play.pass(100);
    let mut told = play.told.clone();
    told.sort();
    let first = |jobs: &str| format!("30: all/0 first_notification {jobs}");
    assert_eq!(told, [first("a"), first("b"), first("c d")]);
}

#[test]
fn a_notification_says_how_many_alerts_it_leaves_out() {
    let mut play = Play::new(&with("limits: {alerts_per_notification: 2}"));
    for job in ["a", "b", "c"] {
        play.alert(0, "Slow", job, "warn", Some(100_000));
    }
    play.pass(29);
    let due = play.router.poll(play.now_ms() + 1_000).deliveries;
    assert_eq!((due[0].alerts.len(), due[0].more_alerts), (2, 1));
    let noted = play.router.delivered(due[0].id, None, play.now_ms()).expect("open");
    assert_eq!(noted.1.firing.len(), 3, "those that are left out are not news later");
}

#[test]
fn the_section_is_checked_and_not_shown_to_others() {
    let unknown = refusal(&with("receivers: {nobody: {resolve_if_notified: true}}"));
    assert!(unknown.contains("undefined receiver \"nobody\" in bellwether.receivers"), "{unknown}");
    let pattern = refusal(&with("silences: {comment: '('}"));
    assert!(pattern.contains("a.yml:26:") && pattern.contains("missing closing )"), "{pattern}");
    let key = refusal(&with("limits: {alerts: 1}"));
    assert!(key.contains("alerts"), "{key}");
    let text = with("tell_failures: false");
    let config = Config::parse("a.yml", text.as_bytes(), ConfigOptions::default()).expect("valid");
    assert!(!config.original_yaml().contains("bellwether"), "amtool would refuse it");
}
