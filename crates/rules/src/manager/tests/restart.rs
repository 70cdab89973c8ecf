//! What is known after a restart.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_restart_continues_what_was_pending_and_firing() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = StateStore::open(folder.path()).expect("opened");
    let store: Arc<MemoryStore> = Arc::default();
    let rule = "groups:\n- name: g\n  rules:\n  - {alert: Down, expr: up == 0, for: 25s}\n";
    let first = World::after(1_700_000_000_000, Some(state.clone()), Arc::clone(&store));
    first.store("up job=a", 0.0);
    first.apply(rule);
    let since = first.next_slot().await;
    first.next_slot().await;
    let stopped_ms = first.clock.now_ms();
    assert!(first.manager.shutdown(Instant::now() + Duration::from_secs(1)).await);

    // Ten minutes later. The 10 s that it was pending count, the ten minutes do not.
    let second = World::after(stopped_ms + 600_000, Some(state.clone()), Arc::clone(&store));
    second.store("up job=a", 0.0);
    second.apply(rule);
    assert_eq!(second.next_slot().await, since + 620_000);
    assert_eq!(alert_of(&second), ('p', since + 600_000));
    let fired = second.next_slot().await;
    assert_eq!(alert_of(&second), ('f', since + 600_000), "30 s without the downtime");
    assert_eq!(second.told.0.lock().len(), 1);
    let stopped_ms = second.clock.now_ms();
    assert!(second.manager.shutdown(Instant::now() + Duration::from_secs(1)).await);

    // Half an hour later, with no data at first: it fires on, since the same time, and ends only at the third evaluation.
    let third = World::after(stopped_ms + 1_800_000, Some(state.clone()), store);
    third.apply(rule);
    assert_eq!(alert_of(&third).0, 'f');
    for _ in 0..2 {
        third.next_slot().await;
        assert_eq!(alert_of(&third).0, 'f');
    }
    let told = third.told.0.lock().clone();
    assert_eq!((told.len(), told[0].starts_at_ms), (1, fired), "the same alert is told at once");
    let ended = third.next_slot().await;
    assert_eq!(alert_of(&third).0, '-');
    assert_eq!(third.told.0.lock().last().expect("told").ends_at_ms, Some(ended));
    let query = HistoryQuery { selectors: Vec::new(), start_ms: 0, end_ms: i64::MAX, from: None, limit: 10 };
    let history = third.manager.history(&query).expect("read");
    let steps: Vec<_> = history.events.iter().map(|(at, e)| (*at, e.from.as_str(), e.to.as_str())).collect();
    let want = [(ended, "firing", "inactive"), (fired, "pending", "firing"), (since, "inactive", "pending")];
    assert_eq!(steps, want);
    assert_eq!(history.next, None);
    let only = |text: &str| vec![vec![Matcher::equal("job", text)]];
    let found = |job, limit, from| {
        let query = HistoryQuery { selectors: only(job), limit, from, ..query.clone() };
        third.manager.history(&query).expect("read")
    };
    let first = found("a", 2, None);
    let next = first.next.map(|next| next.to_string().parse().expect("a place"));
    let second = found("a", 2, next);
    assert_eq!((first.events.len(), second.next), (2, None));
    assert_eq!([first.events, second.events].concat(), history.events);
    assert_eq!(found("b", 2, None), History::default());
}

#[tokio::test(start_paused = true)]
async fn what_was_long_ago_is_forgotten() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = StateStore::open(folder.path()).expect("opened");
    let first = World::after(1_700_000_000_000, Some(state.clone()), Arc::default());
    first.store("up job=a", 0.0);
    first.apply(ONE_ALERT);
    first.next_slot().await;
    assert!(first.manager.shutdown(Instant::now() + Duration::from_secs(1)).await);
    for (minutes, want) in [(59, 'p'), (62, '-')] {
        let later = World::after(1_700_000_000_000 + minutes * 60_000, Some(state.clone()), Arc::default());
        later.apply(ONE_ALERT);
        assert_eq!(alert_of(&later).0, want, "after {minutes} minutes");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_journal_samples_tell_since_when() {
    const MIN: i64 = 60_000;
    let now_ms = 1_700_000_000_000;
    let rule = "groups:\n- name: g\n  rules:\n  - {alert: Down, expr: up == 0, for: 20m}\n";
    // Minutes before the start at which it began and was last seen, and minutes before the second slot since when it counts as active.
    for (began, seen, want) in
        [(50, 20, Some(50)), (25, 20, Some(5)), (35, 20, Some(15)), (28, 20, Some(8)), (90, 70, None)]
    {
        let store: Arc<MemoryStore> = Arc::default();
        let world = World::after(now_ms - seen * MIN, None, Arc::clone(&store));
        let since_s = (now_ms - began * MIN) / 1000;
        world.store("ALERTS_FOR_STATE alertname=Down job=a", since_s as f64);
        let world = World::after(now_ms, None, store);
        world.store("up job=a", 0.0);
        world.apply(rule);
        let first = world.next_slot().await;
        let second = world.next_slot().await;
        let active_ms = alert_of(&world).1;
        let Some(want) = want else {
            assert_eq!(active_ms, first, "{began} {seen}");
            continue;
        };
        assert!(world.lines().is_empty(), "the old samples are not covered before they are read");
        // Fires already, waits for ten minutes, or keeps what it was pending.
        let want_ms = match want {
            50 => now_ms - 50 * MIN,
            15 => second + 10 * MIN - 20 * MIN,
            minutes => second - minutes * MIN,
        };
        assert_eq!(active_ms, want_ms, "{began} {seen}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_samples_told_is_known_after_a_restart() {
    const MIN: i64 = 60_000;
    let folder = tempfile::tempdir().expect("a folder");
    let state = StateStore::open(folder.path()).expect("opened");
    let (now_ms, store) = (1_700_000_000_000, Arc::<MemoryStore>::default());
    let rule = "groups:\n- name: g\n  rules:\n  - {alert: Down, expr: up == 0, for: 20m}\n";
    let before = World::after(now_ms - MIN, None, Arc::clone(&store));
    before.store("ALERTS_FOR_STATE alertname=Down job=a", ((now_ms - 6 * MIN) / 1000) as f64);
    let world = World::after(now_ms, Some(state.clone()), Arc::clone(&store));
    world.store("up job=a", 0.0);
    world.apply(rule);
    world.next_slot().await;
    world.next_slot().await;
    let known = alert_of(&world);
    assert!(known.1 < now_ms - 4 * MIN, "{known:?}");
    world.next_slot().await;
    let stopped_ms = world.clock.now_ms();
    assert!(world.manager.shutdown(Instant::now() + Duration::from_secs(1)).await);
    let again = World::after(stopped_ms + 1, Some(state), store);
    again.apply(rule);
    assert_eq!(alert_of(&again), known);
}

#[tokio::test(start_paused = true)]
async fn many_alerts_with_long_texts_are_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = StateStore::open(folder.path()).expect("opened");
    let world = World::after(1_700_000_000_000, Some(state.clone()), Arc::default());
    for n in 0..100 {
        world.store(&format!("up job={n}"), 0.0);
    }
    let (short, long) = ("s".repeat(100), "l".repeat(60_000));
    world.apply(&format!("groups:\n- name: g\n  rules:\n  - {{alert: A, expr: up == 0, annotations: {{b: {short}, a: {long}}}}}\n"));
    world.next_slot().await;
    assert_eq!(state.records("rule_alert").expect("read").len(), 100);
    let query =
        HistoryQuery { selectors: Vec::new(), start_ms: 0, end_ms: i64::MAX, from: None, limit: 1000 };
    let events = world.manager.history(&query).expect("read").events;
    assert_eq!(events.len(), 100);
    let texts = &events[0].1.annotations;
    assert_eq!(
        texts.iter().collect::<Vec<_>>(),
        [(&"b".to_owned(), &short)],
        "what does not fit is left out"
    );
}
