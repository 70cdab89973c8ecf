//! What has become of alerts: the changes of their states.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use bellwether_model::Matcher;
use bellwether_state::{EVENTS_AT_ONCE_MAX, EventPlace, EventQuery, PlaceError, StateError, StateStore};
use serde::{Deserialize, Serialize};

/// The kind of these events.
pub(crate) const EVENTS: &str = "alert_state";
/// How long they are kept, in milliseconds: 90 days.
pub(crate) const RETENTION_MS: i64 = 90 * 24 * 3600 * 1000;
/// How many are kept at most.
pub(crate) const EVENTS_MAX: u64 = 1_000_000;
/// And how many bytes of them.
pub(crate) const EVENTS_BYTES_MAX: u64 = 1 << 30;
/// So many events are looked at for one question; what is older is left out then, and the answer says where to go on.
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
    /// From here on, where an earlier answer ended; from the newest on if there is none.
    pub from: Option<HistoryPlace>,
    /// Not more than so many.
    pub limit: usize,
}

/// Where a change stands in the history. Written as `1700000000000-42-7`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryPlace {
    /// What is kept together with it.
    event: EventPlace,
    /// How many changes come before it there.
    change: usize,
}

impl fmt::Display for HistoryPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.event, self.change)
    }
}

impl FromStr for HistoryPlace {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        let read = || {
            let (event, change) = text.rsplit_once('-')?;
            Some(Self { event: event.parse().ok()?, change: change.parse().ok()? })
        };
        read().ok_or_else(|| PlaceError(text.to_owned()))
    }
}

/// The events that were found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// When they happened, in milliseconds since the Unix epoch, and what; the newest first.
    pub events: Vec<(i64, AlertEvent)>,
    /// Where to go on, if there may be older ones.
    pub next: Option<HistoryPlace>,
}

pub(crate) fn find(state: &StateStore, query: &HistoryQuery) -> Result<History, StateError> {
    let (mut events, mut looked_at) = (Vec::new(), 0);
    let mut from = query.from;
    loop {
        let page = EventQuery {
            start_ms: query.start_ms,
            end_ms: query.end_ms,
            from: from.map(|from| from.event),
            ..EventQuery::of(EVENTS)
        };
        let mut found = state.events(&page)?;
        // A full page is followed by one that begins with its last event.
        let last = if found.len() == EVENTS_AT_ONCE_MAX { found.pop() } else { None };
        looked_at += found.len();
        for kept in found {
            let Ok(changes) = serde_json::from_slice::<Vec<AlertEvent>>(&kept.event.value) else { continue };
            let told = from.filter(|from| from.event == kept.place).map_or(0, |from| from.change);
            for (change, event) in changes.into_iter().enumerate().skip(told) {
                if !is_selected(&event, &query.selectors) {
                    continue;
                }
                if events.len() == query.limit {
                    return Ok(History { events, next: Some(HistoryPlace { event: kept.place, change }) });
                }
                events.push((kept.place.at_ms, event));
            }
        }
        let next = last.map(|last| HistoryPlace { event: last.place, change: 0 });
        if next.is_none() || looked_at >= LOOKED_AT_MAX {
            return Ok(History { events, next });
        }
        from = next;
    }
}

fn is_selected(event: &AlertEvent, selectors: &[Vec<Matcher>]) -> bool {
    let value = |name: &str| event.labels.get(name).map_or("", String::as_str);
    selectors.is_empty() || selectors.iter().any(|all| all.iter().all(|m| m.matches(value(m.name()))))
}
