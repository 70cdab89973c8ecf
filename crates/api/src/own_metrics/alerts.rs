//! Alerts, and who was told of them.

use std::collections::BTreeMap;

use bellwether_alerts::send::FailureReason;
use bellwether_alerts::silence::SilenceState;
use bellwether_exposition::MetricType;

use super::{Metrics, Rows};
use crate::state::AppState;

pub(super) fn write(metrics: &mut Metrics<'_>, state: &AppState) {
    let received = state.alertmanager.received();
    let received = [
        ("firing", received.firing()),
        ("resolved", received.resolved()),
        ("invalid", state.alert_stats.invalid()),
    ];
    let rows: Rows<'_> = received.map(|(status, n)| (vec![("status", status.to_owned())], n as f64)).into();
    metrics.family(
        "bellwether_alerts_received_total",
        MetricType::Counter,
        "Alerts that rules of this server found or that were sent to it, by what they were; those that are invalid were refused.",
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
    let mut sent: BTreeMap<&str, u64> = BTreeMap::new();
    let mut failed: BTreeMap<(&str, FailureReason), u64> = BTreeMap::new();
    for integration in receivers.iter().flat_map(|receiver| &receiver.integrations) {
        *sent.entry(integration.kind).or_default() += integration.sent;
        // All reasons are there from the start, so that the first failure is an increase.
        for reason in FailureReason::ALL {
            let n = integration.failed.get(&reason).copied().unwrap_or(0);
            *failed.entry((integration.kind, reason)).or_default() += n;
        }
    }
    let kind = |kind: &str| ("integration", kind.to_owned());
    let all = sent.iter().map(|(name, n_sent)| {
        let n_failed: u64 = FailureReason::ALL.iter().map(|reason| failed[&(*name, *reason)]).sum();
        (vec![kind(name)], (n_sent + n_failed) as f64)
    });
    let all: Rows<'_> = all.collect();
    metrics.family(
        "bellwether_notifications_total",
        MetricType::Counter,
        "Notifications that were sent, or given up.",
        &all,
    );
    let failed = failed
        .iter()
        .map(|((name, reason), n)| (vec![kind(name), ("reason", reason.as_str().to_owned())], *n as f64));
    let failed: Rows<'_> = failed.collect();
    metrics.family(
        "bellwether_notifications_failed_total",
        MetricType::Counter,
        "Notifications that were given up after all attempts, by the last reason; what they would have said is tried again when the group is due next.",
        &failed,
    );
}
