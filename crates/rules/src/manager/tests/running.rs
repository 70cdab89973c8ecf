//! When rules are evaluated, and at what time.

use super::*;

#[tokio::test(start_paused = true)]
async fn evaluates_the_slot_and_not_the_time_of_the_day() {
    let world = World::new();
    world.apply("groups:\n- name: g\n  query_offset: 3s\n  rules:\n  - {record: r, expr: time()}\n");
    let slot = world.next_slot().await;
    let (asked_ms, s) = (slot - 3_000, (slot - 3_000) as f64 / 1000.0);
    assert_eq!(world.lines(), [format!("{asked_ms} r Float({s:?})")]);
    assert_eq!(world.next_slot().await, slot + 10_000);
    assert_eq!(world.group().stats.evaluated_at_ms, Some(slot + 10_000));
    assert_eq!(world.group().stats.iterations, 2);
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_takes_too_long_misses_slots() {
    let world = World::new();
    world.apply("groups:\n- name: g\n  rules:\n  - {record: r, expr: slow or vector(1)}\n");
    world.next_slot().await;
    world.answer(Some(0));
    let slot = world.begin_next_slot().await;
    world.are_asked(2).await;
    advance(Duration::from_secs(35)).await;
    world.answer(None);
    world.settle().await;
    let stats = world.group().stats;
    assert_eq!((stats.iterations, stats.missed), (5, 2));
    let asked: Vec<i64> = world.asked.times.lock().iter().map(|ts_ms| ts_ms - slot).collect();
    assert_eq!(asked, [-10_000, 0, 30_000], "what was missed is not made up for");
}

#[tokio::test(start_paused = true)]
async fn independent_rules_run_at_the_same_time() {
    let world = World::new();
    world.apply(
        "groups:\n- name: g\n  rules:\n  - {record: a, expr: held1 or vector(1)}\n  - {record: b, expr: held2 or vector(1)}\n  \
         - {record: c, expr: a + b}\n",
    );
    world.answer(Some(0));
    let slot = world.begin_next_slot().await;
    // Both are asked before one is answered.
    world.are_asked(2).await;
    world.answer(None);
    world.settle().await;
    assert!(world.lines().contains(&format!("{slot} c Float(2.0)")));
}

#[tokio::test(start_paused = true)]
async fn a_stop_cancels_queries() {
    let world = World::new();
    world.apply("groups:\n- name: g\n  rules:\n  - {record: r, expr: slow}\n");
    world.answer(Some(0));
    world.begin_next_slot().await;
    world.are_asked(1).await;
    let manager = world.manager.clone();
    let stopping =
        tokio::spawn(async move { manager.shutdown(Instant::now() + Duration::from_secs(5)).await });
    tokio::task::yield_now().await;
    world.answer(None);
    assert!(stopping.await.expect("no panic"));
    let error = world.group().rules.remove(0).health.last_error;
    assert!(error.as_deref().is_some_and(|e| e.contains("cancel")), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn an_alert_does_not_wait_for_slow_rules_beside_its_own() {
    let world = World::new();
    world.store("up job=a", 0.0);
    world
        .apply("groups:\n- name: g\n  rules:\n  - {alert: A, expr: up == 0}\n  - {alert: B, expr: up < 1}\n");
    world.answer(Some(0));
    world.begin_next_slot().await;
    world.are_asked(2).await;
    advance(Duration::from_secs(1)).await;
    world.answer(Some(1));
    while world.told.0.lock().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.told.0.lock().len(), 1, "the other one is still evaluated");
    world.answer(None);
    world.settle().await;
    assert_eq!(world.told.0.lock().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_always_late_can_be_replaced() {
    let world = World::new();
    world.asked.takes_ms.store(15_000, Ordering::SeqCst);
    world.apply("groups:\n- name: g\n  rules:\n  - {record: before, expr: up or vector(1)}\n");
    world.begin_next_slot().await;
    world.are_asked(2).await;
    world.apply("groups:\n- name: g\n  rules:\n  - {record: after, expr: up or vector(1)}\n");
    let asked = world.n_asked();
    while !world.lines().iter().any(|line| line.contains(" after ")) {
        assert!(world.n_asked() < asked + 10, "the old group goes on");
        advance(Duration::from_secs(1)).await;
    }
}
