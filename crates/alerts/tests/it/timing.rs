//! When somebody is told what, played through second by second on a clock that is only a number.
use bellwether_alerts::matcher::MatcherSyntax;
use bellwether_alerts::message::Posted;
use bellwether_alerts::router::Router;
use bellwether_alerts::silence::{Mute, SilenceId, SilenceSpec, Silences};
use bellwether_model::Labels;

use crate::play::{CONFIG, Play, parse};

#[test]
fn a_group_waits_gathers_repeats_and_ends() {
    let mut play = Play::new(CONFIG);
    play.alert(0, "Slow", "a", "warn", Some(100_000));
    play.alert(10, "Slow", "b", "warn", Some(100_000));
    // After the first notification what is new waits for the interval.
    play.alert(40, "Slow", "c", "warn", Some(100_000));
    play.pass(4_000);
    play.alert(4_000, "Slow", "a", "warn", Some(0));
    play.pass(5_000);
    play.alert(5_000, "Slow", "b", "warn", Some(0));
    play.alert(5_000, "Slow", "c", "warn", Some(0));
    play.pass(20_000);
    assert_eq!(
        play.told,
        [
            "30: all/0 first_notification a b",
            "330: all/0 new_alerts_in_group a b c",
            // The first flush after more than an hour.
            "4230: all/0 new_resolved_alerts (a) b c",
            "5130: all/0 all_alerts_resolved (b) (c)",
        ]
    );
    assert_eq!(play.router.next_wake_ms(), None, "nothing is left");
    assert_eq!(play.router.alerts().count(), 0);
}

#[test]
fn what_fires_after_all_was_over_begins_with_a_message_of_its_own() {
    let mut play = Play::new(CONFIG);
    let posted = Posted { channel: "C1".to_owned(), id: "1.5".to_owned() };
    // The message that each integration of the pager has had until then.
    let told = |play: &mut Play, at_s: i64, ends_in_s: i64| {
        play.insert(at_s, "Down", "a", "page", Some(ends_in_s));
        let now_ms = play.now_ms();
        let deliveries = play.router.poll(now_ms).deliveries;
        let before =
            deliveries.iter().map(|it| (it.to.integration.nth, it.posted.is_some())).collect::<Vec<_>>();
        for delivery in deliveries {
            let over = delivery.alerts.iter().all(|alert| alert.is_resolved(now_ms));
            play.router.delivered(delivery.id, (!over).then(|| posted.clone()), now_ms).expect("it was open");
        }
        before
    };
    assert_eq!(told(&mut play, 0, 100_000), [(0, false), (1, false)]);
    assert_eq!(told(&mut play, 300, 0), [(0, true)], "the other one is not told of the end");
    assert_eq!(told(&mut play, 600, 100_000), [(0, false), (1, false)]);
}

#[test]
fn nothing_new_is_repeated_after_the_repeat_interval() {
    let mut play = Play::new(CONFIG);
    play.alert(0, "Slow", "a", "warn", Some(100_000));
    play.pass(8_000);
    let want = [
        "30: all/0 first_notification a",
        "3930: all/0 repeat_interval_elapsed a",
        "7830: all/0 repeat_interval_elapsed a",
    ];
    assert_eq!(play.told, want);
}

#[test]
fn who_is_not_told_of_the_end_is_told_of_a_new_beginning() {
    let mut play = Play::new(CONFIG);
    play.alert(0, "Down", "a", "page", Some(1_000));
    play.alert(60, "Down", "a", "page", Some(0));
    play.alert(400, "Down", "a", "page", Some(1_000));
    play.pass(500);
    assert_eq!(
        play.told,
        [
            "0: pager/0 first_notification a",
            "0: pager/1 first_notification a",
            "300: pager/0 all_alerts_resolved (a)",
            "400: pager/0 new_alerts_in_group a",
            "400: pager/1 new_alerts_in_group a",
        ]
    );
}

#[test]
fn an_alert_of_which_nothing_more_is_heard_ends() {
    let mut play = Play::new(CONFIG);
    play.alert(0, "Slow", "a", "warn", None);
    play.alert(200, "Slow", "a", "warn", None);
    play.pass(1_000);
    assert_eq!(play.told, ["30: all/0 first_notification a", "630: all/0 all_alerts_resolved (a)"]);
}

#[test]
fn what_failed_is_told_with_the_next_flush() {
    let mut play = Play::new(CONFIG);
    play.broken = true;
    play.alert(0, "Slow", "a", "warn", Some(100_000));
    play.pass(40);
    play.alert(40, "Slow", "a", "warn", Some(0));
    play.alert(50, "Slow", "b", "warn", Some(100_000));
    play.pass(335);
    play.broken = false;
    play.pass(1_000);
    assert_eq!(
        play.told,
        [
            "30: all/0 first_notification a failed",
            "330: all/0 first_notification (a) b failed",
            "630: all/0 first_notification (a) b",
        ]
    );
}

#[test]
fn muted_alerts_are_not_told_until_they_are_not_muted() {
    let mut play = Play::new(CONFIG);
    play.alert(0, "Down", "a", "warn", Some(1_000));
    play.alert(1, "Slow", "a", "warn", Some(5_000));
    play.alert(2, "Slow", "b", "warn", Some(5_000));
    let labels = Labels::from_pairs([("alertname", "Slow"), ("job", "a")]);
    assert_eq!(play.router.mutes(&labels, play.now_ms()).inhibited_by.len(), 1);
    play.pass(1_400);
    assert_eq!(
        play.told,
        [
            "30: all/0 first_notification a",
            "31: all/0 first_notification b",
            "1230: all/0 all_alerts_resolved (a)",
            // Down is over at 1000, so people are told of Slow of the same job.
            "1231: all/0 new_alerts_in_group a b",
        ]
    );
}

#[test]
fn a_silence_mutes_and_its_end_unmutes() {
    let mut play = Play::new(CONFIG);
    let spec = SilenceSpec {
        matchers: MatcherSyntax::Utf8.parse("job=a").expect("valid"),
        starts_at_ms: play.now_ms(),
        ends_at_ms: play.now_ms() + 400_000,
        created_by: "ann".to_owned(),
        comment: "upgrade".to_owned(),
        annotations: std::collections::BTreeMap::new(),
        mute: Mute::All,
        recurs: None,
    };
    let now_ms = play.now_ms();
    play.router.silences.set(None, spec, SilenceId::from_random(7), now_ms).expect("valid");
    play.alert(0, "Slow", "a", "warn", Some(100_000));
    play.pass(1_000);
    assert_eq!(play.told, ["630: all/0 first_notification a"]);
}

#[test]
fn at_night_nobody_is_paged() {
    let mut play = Play::new(CONFIG);
    let evening_s = 21 * 3600 + 3590;
    play.alert(evening_s, "Down", "a", "page", Some(100_000));
    play.alert(evening_s + 20, "Down", "b", "page", Some(100_000));
    play.pass(24 * 3600 + 1_000);
    let told_at: Vec<&str> = play.told.iter().filter_map(|it| it.split(':').next()).collect();
    assert_eq!(told_at[..2], [evening_s.to_string().as_str(); 2], "at once");
    let first_of_tuesday = evening_s + 300 * ((24 * 3600 - evening_s) / 300 + 1);
    assert_eq!(told_at[2..], [first_of_tuesday.to_string().as_str(); 2], "{:?}", play.told);
    assert!(play.told[2].ends_with("pager/0 new_alerts_in_group a b"), "{:?}", play.told);
}

#[test]
fn another_run_does_not_tell_again() {
    let mut play = Play::new(CONFIG);
    play.alert(0, "Slow", "a", "warn", Some(100_000));
    play.pass(29);
    play.at_s = 30;
    let now_ms = play.now_ms();
    let due = play.router.poll(now_ms).deliveries;
    let noted = play.router.delivered(due[0].id, None, now_ms).expect("open");
    let mut next = Play::new(CONFIG);
    next.router = Router::new(parse(CONFIG), Silences::default(), [noted]);
    next.alert(100, "Slow", "a", "warn", Some(100_000));
    next.pass(2_000);
    assert_eq!(next.told, Vec::<String>::new());
    next.pass(4_000);
    assert_eq!(next.told.len(), 1, "only repeated: {:?}", next.told);
}

#[test]
fn another_configuration_keeps_the_clocks_of_groups_that_it_does_not_change() {
    let mut play = Play::new(CONFIG);
    play.alert(0, "Slow", "a", "warn", Some(100_000));
    play.pass(20);
    let now_ms = play.now_ms();
    assert_eq!(play.router.set_config(parse(CONFIG), now_ms), []);
    play.pass(40);
    assert_eq!(play.told, ["30: all/0 first_notification a"]);
    let slower = CONFIG.replace("group_interval: 5m", "group_interval: 10m");
    let now_ms = play.now_ms();
    play.router.set_config(parse(&slower), now_ms);
    play.alert(41, "Slow", "b", "warn", Some(100_000));
    play.pass(700);
    // A group of another route begins anew, and since its alert has waited long enough that is at once; what has been told is not told again.
    assert_eq!(play.told[1..], ["640: all/0 new_alerts_in_group a b"].map(str::to_owned));
}

#[test]
fn who_is_being_told_has_some_seconds_however_short_the_interval_is() {
    let mut play = Play::new(&CONFIG.replace("group_interval: 5m", "group_interval: 1s"));
    play.insert(0, "Slow", "a", "warn", Some(100_000));
    let at = |play: &Play, s: i64| play.now_ms() + s * 1000;
    let first = play.router.poll(at(&play, 30)).deliveries;
    play.insert(0, "Slow", "b", "warn", Some(100_000));
    let meanwhile = play.router.poll(at(&play, 39));
    assert_eq!((meanwhile.deliveries.len(), meanwhile.superseded.len()), (0, 0), "not yet");
    let late = play.router.poll(at(&play, 40));
    assert_eq!((late.deliveries.len(), late.superseded.len()), (1, 1));
    assert_eq!(late.superseded, [first[0].id]);
    assert_eq!(play.router.poll(at(&play, 42)).deliveries, [], "not yet again");
    // As soon as it has been told the group is due.
    play.router.delivered(late.deliveries[0].id, None, at(&play, 43)).expect("open");
    assert_eq!(play.router.next_wake_ms(), Some(at(&play, 43)));
}

/// The configuration with other routes before that of the pager.
fn with_route(route: &str) -> String {
    CONFIG.replace("  routes:\n", &format!("  routes:\n{route}"))
}

#[test]
fn who_is_not_meant_any_more_after_a_reload_is_not_told_any_more() {
    let mut play = Play::new(CONFIG);
    play.alert(0, "Slow", "a", "warn", Some(100_000));
    play.alert(0, "Slow", "b", "warn", Some(100_000));
    play.pass(100);
    let for_pager = with_route("  - {matchers: [job=a], receiver: pager, group_wait: 0s}\n");
    assert!(play.router.set_config(parse(&for_pager), play.now_ms()).is_empty());
    play.pass(200);
    play.alert(200, "Slow", "a", "warn", Some(0));
    play.pass(5_000);
    assert_eq!(
        play.told,
        [
            "30: all/0 first_notification a b",
            "100: pager/0 first_notification a",
            "100: pager/1 first_notification a",
            // Each only of those that are for it.
            "400: pager/0 all_alerts_resolved (a)",
            "3930: all/0 repeat_interval_elapsed b",
        ]
    );
    assert_eq!(play.router.alerts().count(), 1);
}

#[test]
fn who_is_being_told_during_a_reload_is_not_told_at_the_same_time_again() {
    let mut play = Play::new(CONFIG);
    play.insert(0, "Down", "a", "page", Some(100_000));
    let under_way = play.router.poll(play.now_ms()).deliveries;
    // The route has another interval, so its groups begin anew.
    let other = CONFIG.replace("group_interval: 5m", "group_interval: 6m");
    assert!(play.router.set_config(parse(&other), play.now_ms()).is_empty(), "it goes on");
    assert!(play.router.poll(play.now_ms() + 1_000).deliveries.is_empty());
    for delivery in under_way {
        play.router.delivered(delivery.id, None, play.now_ms() + 1_000).expect("it was open");
    }
    play.pass(1_000);
    assert_eq!(play.told, [""; 0], "all is known");
}

#[test]
fn who_could_not_be_told_waits_since_then() {
    let mut play = Play::new(CONFIG);
    play.insert(0, "Down", "a", "page", Some(100_000));
    let since = |play: &mut Play, fails: bool| -> Vec<i64> {
        let now_ms = play.now_ms();
        let due = play.router.poll(now_ms).deliveries;
        for delivery in &due {
            if fails && delivery.to.integration.nth == 0 {
                play.router.failed(delivery.id, now_ms);
            } else {
                play.router.delivered(delivery.id, None, now_ms).expect("it was open");
            }
        }
        due.iter().map(|delivery| now_ms - delivery.since_ms).collect()
    };
    assert_eq!(since(&mut play, true), [0, 0]);
    play.insert(300, "Down", "b", "page", Some(100_000));
    assert_eq!(since(&mut play, false), [300_000, 0]);
    play.insert(600, "Down", "c", "page", Some(100_000));
    assert_eq!(since(&mut play, false), [0, 0], "it was told meanwhile");
}

#[test]
fn a_clock_that_is_set_back_delays_nobody() {
    let mut play = Play::new(CONFIG);
    play.alert(7_200, "Slow", "a", "warn", Some(100_000));
    play.pass(7_300);
    play.insert(7_300, "Slow", "b", "warn", Some(100_000));
    // An hour back.
    play.pass(7_360);
    assert!(play.router.poll(play.now_ms()).deliveries.is_empty());
    play.at_s = 3_760;
    assert!(play.router.poll(play.now_ms()).deliveries.is_empty());
    assert_eq!(play.router.next_wake_ms(), Some(play.now_ms() + 170_000), "as without that");
    // A little is no reason to look at all groups.
    assert!(play.router.poll(play.now_ms() - 500).deliveries.is_empty());
    assert_eq!(play.router.next_wake_ms(), Some(play.now_ms() + 170_000));
}

#[test]
fn an_integration_that_is_added_is_not_taken_for_one_that_was_told() {
    let config = |more: &str| {
        format!(
            "route: {{receiver: r, group_by: [alertname], group_wait: 0s, group_interval: 5m}}\n\
             receivers: [{{name: r, slack_configs: [{{api_url: 'http://h/', channel: c, send_resolved: true}}]{more}}}]\n"
        )
    };
    let with_hook = config(", webhook_configs: [{url: 'http://h/'}]");
    let told = |play: &mut Play| -> Vec<String> {
        let now_ms = play.now_ms();
        let due = play.router.poll(now_ms).deliveries;
        for delivery in &due {
            play.router.delivered(delivery.id, None, now_ms).expect("it was open");
        }
        due.iter().map(|it| format!("{} {}", it.to.integration, it.reason.as_str())).collect()
    };
    for restarts in [false, true] {
        let mut play = Play::new(&config(""));
        play.insert(0, "Slow", "a", "warn", Some(100_000));
        assert_eq!(told(&mut play), ["slack[0] first_notification"]);
        if restarts {
            play.restart(&with_hook);
        } else {
            play.router.set_config(parse(&with_hook), play.now_ms());
        }
        play.at_s = 300;
        assert_eq!(told(&mut play), ["webhook[0] first_notification"], "after a restart: {restarts}");
        play.insert(600, "Slow", "a", "warn", Some(0));
        let mut ends = told(&mut play);
        ends.sort();
        assert_eq!(ends, ["slack[0] all_alerts_resolved", "webhook[0] all_alerts_resolved"]);
    }
}
