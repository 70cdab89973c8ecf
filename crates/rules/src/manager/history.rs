//! What has become of alerts: the changes of their states.

use std::collections::BTreeMap;

use bellwether_model::Matcher;
use bellwether_state::{EVENTS_AT_ONCE_MAX, EventQuery, StateError, StateStore};
use serde::{Deserialize, Serialize};

/// The kind of these events.
pub(crate) const EVENTS: &str = "alert_state";
/// How long they are kept, in milliseconds: 90 days.
pub(crate) const RETENTION_MS: i64 = 90 * 24 * 3600 * 1000;
/// How many are kept at most.
pub(crate) const EVENTS_MAX: u64 = 1_000_000;
/// And how many bytes of them.
pub(crate) const EVENTS_BYTES_MAX: u64 = 1 << 30;
/// So many events are looked at for one question; what is older is left out then, and the answer says so.
const LOOKED_AT_MAX: usize = 100_000;

/// An alert has gone from one state to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertEvent {
    /// The labels of the alert.
    pub labels: BTreeMap<String, String>,
    /// The state before: `inactive`, `pending` or `firing`.
    pub from: String,
    /// The state after.
    pub to: String,
    /// The value of the expression; empty if there was none.
    pub value: String,
    /// The texts of the alert.
    pub annotations: BTreeMap<String, String>,
    /// The rule that it is of.
    pub rule: RuleName,
}

/// What a rule is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleName {
    /// Its file.
    pub file: String,
    /// Its group.
    pub group: String,
    /// The name of the alert.
    pub name: String,
}

/// Which events are wanted.
#[derive(Debug, Clone)]
pub struct HistoryQuery {
    /// Those of alerts that fit all matchers of one of these lists; of all if there is no list.
    pub selectors: Vec<Vec<Matcher>>,
    /// Not before, in milliseconds since the Unix epoch.
    pub start_ms: i64,
    /// Not after.
    pub end_ms: i64,
    /// Not more than so many.
    pub limit: usize,
}

/// The events that were found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// When they happened, in milliseconds since the Unix epoch, and what; the newest first.
    pub events: Vec<(i64, AlertEvent)>,
    /// Whether there may be older ones.
    pub is_truncated: bool,
}

pub(crate) fn find(state: &StateStore, query: &HistoryQuery) -> Result<History, StateError> {
    let mut history = History::default();
    let mut skip = 0;
    loop {
        let page =
            EventQuery { start_ms: query.start_ms, end_ms: query.end_ms, skip, ..EventQuery::of(EVENTS) };
        let found = state.events(&page)?;
        skip += found.len();
        let is_last = found.len() < EVENTS_AT_ONCE_MAX;
        for event in found {
            let Ok(changes) = serde_json::from_slice::<Vec<AlertEvent>>(&event.value) else { continue };
            for change in changes.into_iter().filter(|change| is_selected(change, &query.selectors)) {
                if history.events.len() == query.limit {
                    history.is_truncated = true;
                    return Ok(history);
                }
                history.events.push((event.at_ms, change));
            }
        }
        if is_last || skip >= LOOKED_AT_MAX {
            history.is_truncated = !is_last;
            return Ok(history);
        }
    }
}

fn is_selected(event: &AlertEvent, selectors: &[Vec<Matcher>]) -> bool {
    let value = |name: &str| event.labels.get(name).map_or("", String::as_str);
    selectors.is_empty() || selectors.iter().any(|all| all.iter().all(|m| m.matches(value(m.name()))))
}
