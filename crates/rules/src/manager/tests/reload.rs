//! What a reload changes, and what it leaves alone.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_reload_disturbs_nothing_that_it_does_not_change() {
    let world = World::new();
    world.store("up job=a", 0.0);
    world.apply(ONE_ALERT);
    let first = world.next_slot().await;
    let running = || Arc::clone(&world.manager.0.groups.lock()[&("f".to_owned(), "g".to_owned())]);
    let before = running();
    world.apply(&ONE_ALERT.replace("groups:", "# a comment\ngroups:"));
    assert!(Arc::ptr_eq(&before, &running()));
    // A changed group knows what the old one knew.
    world.apply(&ONE_ALERT.replace("15s}", "25s, annotations: {text: new}}"));
    assert!(!Arc::ptr_eq(&before, &running()));
    world.next_slot().await;
    let alert = world.group().rules[0].alerts[0].clone();
    assert_eq!((alert.active_at_ms, alert.annotations.get("text")), (first, Some("new")));
    assert_eq!(world.group().stats.iterations, 2);
}

#[tokio::test(start_paused = true)]
async fn series_of_what_is_gone_end() {
    let world = World::new();
    let rule = |name: &str| format!("  - {{record: {name}, expr: vector(1)}}\n");
    let group = |name: &str, rules: &str| format!("groups:\n- name: {name}\n  rules:\n{rules}");
    world.apply(&group("g", &(rule("a") + &rule("b"))));
    world.next_slot().await;
    world.lines();
    // A removed rule: at the next run.
    world.apply(&group("g", &rule("a")));
    let slot = world.next_slot().await;
    let mut lines = world.lines();
    lines.sort();
    assert_eq!(lines, [format!("{slot} a Float(1.0)"), format!("{slot} b stale")]);
    // A group that is gone: after two intervals, so that another one can go on with its series, and with the time at which it went.
    let gone_ms = world.clock.now_ms();
    world.apply(&group("renamed", &rule("a")));
    world.at(gone_ms + 19_000).await;
    assert!(!world.lines().iter().any(|line| line.ends_with("stale")));
    world.at(gone_ms + 21_000).await;
    let stale: Vec<String> = world.lines().into_iter().filter(|line| line.ends_with("stale")).collect();
    assert_eq!(stale, [format!("{gone_ms} a stale")]);
}

#[tokio::test(start_paused = true)]
async fn an_alert_of_a_rule_that_is_gone_is_not_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = StateStore::open(folder.path()).expect("opened");
    let world = World::after(1_700_000_000_000, Some(state.clone()), Arc::default());
    world.store("up job=a", 0.0);
    world.apply(ONE_ALERT);
    world.next_slot().await;
    assert_eq!(state.records("rule_alert").expect("read").len(), 1);
    world.apply(&ONE_ALERT.replace("Down", "Other"));
    world.settle().await;
    assert_eq!(state.records("rule_alert").expect("read"), []);
    let query = HistoryQuery { selectors: Vec::new(), start_ms: 0, end_ms: i64::MAX, from: None, limit: 1 };
    let last = world.manager.history(&query).expect("read").events.remove(0).1;
    assert_eq!((last.from.as_str(), last.to.as_str()), ("pending", "inactive"));
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_named_twice_is_evaluated_once() {
    let world = World::new();
    let text = "groups:\n- name: g\n  rules:\n  - {record: r, expr: vector(1)}\n";
    let file = RuleFile::parse("f", text.as_bytes(), &RuleFileOptions::default()).expect("a rule file");
    let [definition] = &file.groups[..] else { panic!("one group") };
    let source = GroupSource { file: "f".to_owned(), definition: definition.clone() };
    world.manager.apply(vec![source.clone(), source], DEFAULTS, Labels::empty());
    world.next_slot().await;
    assert_eq!(world.lines().len(), 1);
}
