//! What becomes of alerts, and of what their rules write.

use super::*;

#[tokio::test(start_paused = true)]
async fn an_alert_waits_fires_and_is_told() {
    let world = World::new();
    world.store("up job=a", 0.0);
    world.apply(ONE_ALERT);
    let first = world.next_slot().await;
    let alert = |world: &World| world.group().rules[0].alerts[0].clone();
    assert_eq!((alert(&world).state, alert(&world).active_at_ms), (AlertState::Pending, first));
    assert_eq!(world.told.0.lock().len(), 0);
    let since = first / 1000;
    let pending =
        format!("{first} ALERTS{{alertname=\"Down\", alertstate=\"pending\", job=\"a\"}} Float(1.0)");
    let state = format!("{first} ALERTS_FOR_STATE{{alertname=\"Down\", job=\"a\"}} Float({since}.0)");
    assert_eq!(world.lines(), [pending, state]);
    world.next_slot().await;
    let third = world.next_slot().await;
    assert_eq!(alert(&world).fired_at_ms, Some(third));
    let lines = world.lines();
    let stale = format!("{third} ALERTS{{alertname=\"Down\", alertstate=\"pending\", job=\"a\"}} stale");
    assert!(lines.contains(&stale), "{lines:?}");
    let told = world.told.0.lock().clone();
    let [told] = &told[..] else { panic!("one alert: {told:?}") };
    assert_eq!((told.starts_at_ms, told.ends_at_ms), (third, Some(third + 4 * 60_000)));
    let end = time::OffsetDateTime::from_unix_timestamp(third / 1000 + 15 * 60).expect("a time");
    let (date, time) = (end.date(), end.time().to_string());
    let time = time.split('.').next().unwrap_or_default().replace(':', "%3A");
    let graph = format!("graph?g0.expr=up+%3D%3D+0&g0.tab=0&g0.range_input=1h&g0.end_input={date}+{time}");
    assert_eq!(told.generator_url, format!("http://bw.example/{graph}"));
}

#[tokio::test(start_paused = true)]
async fn a_failed_query_changes_no_alert() {
    let world = World::new();
    let many = "groups:\n- name: g\n  rules:\n  - {alert: A, expr: 'up * on () group_left () one'}\n";
    world.store("up job=a", 0.0);
    world.store("one x=1", 1.0);
    world.apply(many);
    world.next_slot().await;
    assert_eq!(world.group().rules[0].alerts.len(), 1);
    world.lines();
    world.store("one x=2", 1.0);
    world.next_slot().await;
    let rule = world.group().rules.remove(0);
    assert!(rule.health.last_error.is_some_and(|e| e.contains("many-to-many")), "an error is told");
    assert_eq!((rule.alerts.len(), rule.state), (1, AlertState::Firing));
    assert_eq!(world.lines(), Vec::<String>::new());
    assert_eq!(world.group().stats.failures, 1);
}

#[tokio::test(start_paused = true)]
async fn results_that_the_store_refuses_are_an_error_of_the_rule() {
    let world = World::new();
    world.store("up job=a", 1.0);
    world.store("up job=b", 1.0);
    world.apply("groups:\n- name: g\n  query_offset: 15s\n  rules:\n  - {record: r, expr: up}\n");
    for _ in 0..3 {
        world.next_slot().await;
    }
    let result = |world: &World| {
        let group = world.group();
        (group.rules[0].health.last_error.clone(), group.stats.last_samples, group.stats.failures)
    };
    assert_eq!(result(&world), (None, 2, 0));
    // Somebody else writes one of the series, and is ahead.
    world.store("r job=a", 7.0);
    world.next_slot().await;
    let error = "1 of 2 samples were not stored, the first because of: out of order sample";
    assert_eq!(result(&world), (Some(error.to_owned()), 1, 1));
}
