//! Alerts, and who was told of them.

use std::collections::BTreeMap;

use bellwether_alerts::silence::SilenceState;
use bellwether_exposition::MetricType;

use super::{Metrics, Rows};
use crate::state::AppState;

pub(super) fn write(metrics: &mut Metrics<'_>, state: &AppState) {
    let received = state.alert_stats.counts();
    let rows: Rows<'_> = received.map(|(status, n)| (vec![("status", status.to_owned())], n as f64)).into();
    metrics.family(
        "bellwether_alerts_received_total",
        MetricType::Counter,
        "Alerts that were sent to this server, by what they were; those that are invalid were refused.",
        &rows,
    );
    router(metrics, state);
    notifications(metrics, state);
}

/// What the router holds now.
fn router(metrics: &mut Metrics<'_>, state: &AppState) {
    let (alerts, silences, n_groups) = state.alertmanager.read(|router, now_ms| {
        let mut alerts = [("firing", 0_u64), ("resolved", 0)];
        for known in router.alerts() {
            alerts[usize::from(known.alert.is_resolved(now_ms))].1 += 1;
        }
        let states = [SilenceState::Active, SilenceState::Pending, SilenceState::Expired];
        let mut silences = states.map(|state| (state.as_str(), 0_u64));
        for silence in router.silences.iter() {
            let state = silence.spec.state(now_ms).as_str();
            silences.iter_mut().filter(|(name, _)| *name == state).for_each(|(_, n)| *n += 1);
        }
        (alerts, silences, router.groups().count())
    });
    let by_state = |counts: &[(&str, u64)]| -> Rows<'static> {
        counts.iter().map(|(state, n)| (vec![("state", (*state).to_owned())], *n as f64)).collect()
    };
    metrics.family(
        "bellwether_alertmanager_alerts",
        MetricType::Gauge,
        "Alerts that the router knows; resolved ones until everybody has been told.",
        &by_state(&alerts),
    );
    metrics.family(
        "bellwether_silences",
        MetricType::Gauge,
        "Silences; those that have expired are kept for five days.",
        &by_state(&silences),
    );
    metrics.gauge(
        "bellwether_alertmanager_groups",
        "Groups of alerts that are told of together.",
        n_groups as f64,
    );
}

/// What became of notifications, by the kind of integration.
fn notifications(metrics: &mut Metrics<'_>, state: &AppState) {
    let receivers = state.alertmanager.receivers();
    let mut kinds: BTreeMap<&str, [u64; 2]> = BTreeMap::new();
    for integration in receivers.iter().flat_map(|receiver| &receiver.integrations) {
        let [sent, failed] = kinds.entry(integration.kind).or_default();
        *sent += integration.sent;
        *failed += integration.failed;
    }
    let rows = |value: fn(&[u64; 2]) -> u64| -> Rows<'_> {
        kinds
            .iter()
            .map(|(kind, counts)| (vec![("integration", (*kind).to_owned())], value(counts) as f64))
            .collect()
    };
    metrics.family(
        "bellwether_notifications_total",
        MetricType::Counter,
        "Notifications that were sent, or given up.",
        &rows(|[sent, failed]| sent + failed),
    );
    metrics.family(
        "bellwether_notifications_failed_total",
        MetricType::Counter,
        "Notifications that were given up after all attempts; what they would have said is tried again when the group is due next.",
        &rows(|[_, failed]| *failed),
    );
}
