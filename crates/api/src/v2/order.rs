//! The order in which Alertmanager lists silences.

use std::cmp::Ordering;

use bellwether_alerts::silence::{Silence, SilenceState};

/// Silences: those that hold by their ends, then those that will by their beginnings, then those that are over, the last one first.
pub(super) fn silences(a: &Silence, b: &Silence, now_ms: i64) -> Ordering {
    let state = a.spec.state(now_ms);
    state.cmp(&b.spec.state(now_ms)).then_with(|| match state {
        SilenceState::Active => a.spec.ends_at_ms.cmp(&b.spec.ends_at_ms),
        SilenceState::Pending => a.spec.starts_at_ms.cmp(&b.spec.starts_at_ms),
        SilenceState::Expired => b.spec.ends_at_ms.cmp(&a.spec.ends_at_ms),
    })
}
