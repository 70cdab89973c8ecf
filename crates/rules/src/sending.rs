//! Which alerts are to be told, and until when what is told holds.

use bellwether_model::Alert;

use crate::alert::{ActiveAlert, AlertState, Alerts};

/// What is told holds for so many evaluations, or so many repetitions if these are further apart: some may fail.
const VALID_PERIODS: i64 = 4;

/// Where alerts go.
pub trait AlertSink: Send + Sync {
    /// Takes alerts that fire or are over. It must not wait for anybody.
    fn send(&self, alerts: &[Alert]);
}

/// The alerts that are to be told at `ts_ms`, as they are told. An alert is told when it fires, when it is over, and again and again in between, after more than
/// the delay; `url` makes the address of its page, given when it fired. An alert that is over is repeated for as long as it is remembered.
pub(crate) fn due_alerts(
    alerts: &mut Alerts,
    ts_ms: i64,
    (resend_delay_ms, interval_ms): (i64, i64),
    url: impl Fn(i64) -> String,
) -> Vec<Alert> {
    let valid_ms = VALID_PERIODS.saturating_mul(resend_delay_ms.max(interval_ms));
    let mut due = Vec::new();
    for alert in alerts.iter_mut().filter(|alert| is_due(alert, ts_ms, resend_delay_ms)) {
        alert.last_sent_at_ms = Some(ts_ms);
        let fired_at_ms = alert.fired_at_ms.unwrap_or(alert.active_at_ms);
        due.push(Alert {
            labels: alert.labels.clone(),
            annotations: alert.annotations.clone(),
            starts_at_ms: fired_at_ms,
            ends_at_ms: Some(alert.resolved_at_ms.unwrap_or(ts_ms.saturating_add(valid_ms))),
            generator_url: url(fired_at_ms),
        });
    }
    due
}

fn is_due(alert: &ActiveAlert, ts_ms: i64, resend_delay_ms: i64) -> bool {
    match (alert.state, alert.last_sent_at_ms) {
        (AlertState::Pending, _) => false,
        (_, None) => true,
        (_, Some(sent)) => {
            alert.resolved_at_ms.is_some_and(|resolved| resolved > sent)
                || sent.saturating_add(resend_delay_ms) < ts_ms
        }
    }
}

#[cfg(test)]
mod tests {
    use bellwether_model::Labels;

    use super::*;
    use crate::alert::{AlertCandidate, AlertTimes};

    /// Runs a rule at 30-second steps; `holds` says at which steps the condition holds. What is told: step, start and end in seconds.
    fn told(holds: &str, for_ms: i64) -> Vec<(i64, i64, i64)> {
        let mut alerts = Alerts::default();
        let mut told = Vec::new();
        for (step, c) in (0..).zip(holds.chars()) {
            let candidate = AlertCandidate {
                labels: Labels::from_pairs([("alertname", "A")]),
                annotations: Labels::empty(),
                value: 1.0.into(),
            };
            let candidates = if c == 'x' { vec![candidate] } else { Vec::new() };
            let times = AlertTimes { for_ms, keep_firing_for_ms: 0 };
            alerts.advance(step * 30_000, candidates, times, 0).expect("no duplicates");
            let due = due_alerts(&mut alerts, step * 30_000, (60_000, 30_000), |_| "u".to_owned());
            told.extend(due.iter().map(|a| (step, a.starts_at_ms / 1000, a.ends_at_ms.unwrap_or(0) / 1000)));
        }
        told
    }

    #[test]
    fn tells_the_start_the_end_and_repeats() {
        // Told when it fires at 30 s, again after more than a minute, and when it is over.
        let want = [(1, 30, 270), (4, 30, 360), (6, 30, 180), (9, 30, 180)];
        assert_eq!(told("xxxxxx-----", 30_000), want);
    }

    #[test]
    fn what_only_was_pending_is_never_told() {
        assert_eq!(told("xx-xx-", 60_000), []);
    }
}
