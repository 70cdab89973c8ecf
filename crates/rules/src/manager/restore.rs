//! What a group knows of the time before the server was started.

use bellwether_model::{
    ColumnBuffer, Labels, METRIC_NAME, Matcher, QueryContext, Queryable, SelectHints, SelectSpec,
    StorageError, Tenant, TimeRange, is_stale_nan,
};

use super::driver::Running;
use super::journal::Journal;
use crate::alert::AlertState;
use crate::group::ALERTS_FOR_STATE;

/// How the time between two runs of the server is dealt with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tolerance {
    /// What was known longer ago is not taken up again, in milliseconds.
    pub(crate) outage_ms: i64,
    /// An alert that was pending waits for so long at least, in milliseconds, if nothing but samples tells how long it was pending.
    pub(crate) grace_ms: i64,
}

/// Takes up the alerts that the journal has of the rules of a group. What fired goes on firing. What was pending keeps the time that it was, and the slots that
/// were left out do not count.
pub(crate) fn from_journal(running: &Running, journal: &Journal, now_ms: i64, tolerance: Tolerance) {
    let Some(last_ms) = journal.last_ms.filter(|last_ms| now_ms - last_ms <= tolerance.outage_ms) else {
        return;
    };
    let first_slot = running.schedule.next_after(now_ms);
    let left_out_ms = first_slot - running.schedule.last_at(last_ms) - running.schedule.interval_ms();
    for (rule, key) in running.rule_keys.iter().enumerate() {
        for mut alert in journal.take_known(key) {
            if alert.state == AlertState::Pending {
                alert.active_at_ms += left_out_ms.max(0);
            }
            running.group.restore(rule, alert);
        }
    }
}

/// Takes from `ALERTS_FOR_STATE` since when the alerts that are active now were active before the start, with the rules of Prometheus: this is for data that comes from
/// there, of which there is no journal. Returns whether there was anything to be taken.
pub(crate) fn from_samples(
    running: &Running,
    (store, tenant): (&dyn Queryable, &Tenant),
    now_ms: i64,
    tolerance: Tolerance,
) -> Result<(), StorageError> {
    for (rule, definition) in running.group.definition().rules.iter().enumerate() {
        let Some(for_ms) = definition.for_ms() else { continue };
        // It will not wait for the grace period only because the server was restarted.
        if for_ms < tolerance.grace_ms {
            continue;
        }
        for (labels, seen_at_ms, active_at_s) in
            last_states(store, tenant, definition.name(), now_ms, tolerance.outage_ms)?
        {
            let before_ms = (active_at_s as i64).saturating_mul(1000);
            let remaining_ms = for_ms - (seen_at_ms - before_ms);
            let active_at_ms = if remaining_ms <= 0 {
                before_ms
            } else if remaining_ms < tolerance.grace_ms {
                now_ms + tolerance.grace_ms - for_ms
            } else {
                before_ms + (now_ms - seen_at_ms)
            };
            running.group.set_active_since(rule, &labels, active_at_ms);
        }
    }
    Ok(())
}

/// Whether there is anything to be taken from samples.
pub(crate) fn has_samples(
    running: &Running,
    (store, tenant): (&dyn Queryable, &Tenant),
    now_ms: i64,
    tolerance: Tolerance,
) -> Result<bool, StorageError> {
    for rule in running.group.definition().rules.iter().filter(|rule| rule.is_alerting()) {
        if !last_states(store, tenant, rule.name(), now_ms, tolerance.outage_ms)?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The last samples of the alerts of a rule that were active to the end: labels, time and value.
fn last_states(
    store: &dyn Queryable,
    tenant: &Tenant,
    alert: &str,
    now_ms: i64,
    outage_ms: i64,
) -> Result<Vec<(Labels, i64, f64)>, StorageError> {
    let range = TimeRange::new(now_ms - outage_ms, now_ms);
    let matchers = vec![Matcher::equal(METRIC_NAME, ALERTS_FOR_STATE), Matcher::equal("alertname", alert)];
    let spec = SelectSpec { matchers, range, sorted: false, hints: SelectHints::default() };
    let found = store.querier(tenant, range)?.select(&spec, &QueryContext::unbounded())?;
    let mut states = Vec::new();
    let mut samples = ColumnBuffer::default();
    for (idx, labels) in found.labels().iter().enumerate() {
        found.read(idx, &mut samples)?;
        let in_range = samples.ts.iter().zip(&samples.vals).rfind(|(ts_ms, _)| range.contains(**ts_ms));
        if let Some((ts_ms, value)) = in_range
            && !is_stale_nan(*value)
        {
            states.push((labels.without_metric_name(), *ts_ms, *value));
        }
    }
    Ok(states)
}
