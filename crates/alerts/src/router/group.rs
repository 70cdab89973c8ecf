//! Groups of alerts and their clocks.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{Fingerprint, Labels};

use super::delivery::DeliveryId;
use crate::config::{Config, IntegrationId};
use crate::route::{Route, RouteOptions};

/// A group: a route, and the labels on which the alerts agree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupId {
    /// The id of the route.
    pub route: String,
    /// The labels.
    pub labels: Labels,
}

/// When a group is looked at. Another run goes on with it, so that a restart neither hurries nor delays anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupClock {
    /// When it is looked at next, in milliseconds since the Unix epoch.
    pub next_flush_ms: i64,
    /// Whether it has been looked at: whether its first wait is over.
    pub has_flushed: bool,
}

/// A group with its alerts and its clock.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) options: RouteOptions,
    pub(super) key: String,
    pub(super) alerts: BTreeSet<Fingerprint>,
    pub(super) clock: GroupClock,
    /// When it was looked at last.
    pub(super) last_flush_ms: i64,
    /// Deliveries of the last flush that are under way.
    pub(super) open: BTreeSet<DeliveryId>,
    /// The alerts that were over at the last flush, with their ends; they leave the group once all have been told.
    pub(super) leaving: Vec<(Fingerprint, Option<i64>)>,
    /// One of the deliveries of the last flush failed.
    pub(super) has_failed: bool,
    /// Since when integrations are to be told, in milliseconds since the Unix epoch.
    pub(super) untold: BTreeMap<IntegrationId, i64>,
}

impl Group {
    pub(super) fn new(route: &Route, labels: &Labels, now_ms: i64) -> Self {
        Self {
            options: route.options.clone(),
            key: format!("{}:{labels}", route.key),
            alerts: BTreeSet::new(),
            clock: GroupClock { next_flush_ms: now_ms + route.options.group_wait_ms, has_flushed: false },
            last_flush_ms: now_ms,
            open: BTreeSet::new(),
            leaving: Vec::new(),
            has_failed: false,
            untold: BTreeMap::new(),
        }
    }

    /// The same group by a route that has changed: it begins anew, but who is being told of it is not told at the same time again.
    pub(super) fn anew(self, route: &Route, labels: &Labels, now_ms: i64) -> Self {
        let Self { last_flush_ms, open, untold, .. } = self;
        Self { last_flush_ms, open, untold, ..Self::new(route, labels, now_ms) }
    }

    /// The clock with which another run goes on: while somebody is being told it is still due.
    pub(super) fn kept_clock(&self) -> GroupClock {
        let next_flush_ms = if self.open.is_empty() { self.clock.next_flush_ms } else { self.last_flush_ms };
        GroupClock { next_flush_ms, ..self.clock }
    }

    /// One of another run. What its route has changed to since bounds how long it still waits.
    pub(super) fn restored(route: &Route, labels: &Labels, clock: GroupClock, now_ms: i64) -> Self {
        let wait_ms =
            if clock.has_flushed { route.options.group_interval_ms } else { route.options.group_wait_ms };
        let next_flush_ms = clock.next_flush_ms.min(now_ms + wait_ms);
        Self { clock: GroupClock { next_flush_ms, ..clock }, ..Self::new(route, labels, now_ms) }
    }
}

/// The names of the times for which nobody is told now: times at which all are muted, or all those outside of which they are.
pub fn muted_by(config: &Config, options: &RouteOptions, now_ms: i64) -> Vec<String> {
    let is_now = |name: &&String| {
        config.time_intervals.get(*name).is_some_and(|times| times.iter().any(|it| it.contains(now_ms)))
    };
    let muting = options.mute_time_intervals.iter().filter(is_now).cloned();
    let is_active = options.active_time_intervals.is_empty()
        || options.active_time_intervals.iter().any(|name| is_now(&name));
    let inactive = options.active_time_intervals.iter().filter(|_| !is_active).cloned();
    muting.chain(inactive).collect()
}
