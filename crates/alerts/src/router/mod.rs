//! From alerts to notifications: which groups there are, and when somebody is to be told what.
//!
//! The router does nothing by itself and knows no clock. Alerts are put in with [`insert`](Router::insert); whoever runs it calls [`poll`](Router::poll) at the times that
//! [`next_wake_ms`](Router::next_wake_ms) names, sends what comes out, and says how that went with [`delivered`](Router::delivered) and [`failed`](Router::failed). So every
//! course of events can be played through in a test. What another run has to know comes out of [`take_changes`](Router::take_changes).

mod changes;
mod close;
mod delivery;
mod flush;
mod group;
mod snapshot;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bellwether_model::{Alert, Fingerprint, Labels};

pub use changes::Changes;
pub use close::LOG_RETENTION_MS;
pub(crate) use delivery::idempotency_key;
pub use delivery::{Delivery, DeliveryId, Due, LogKey, Skipped};
pub use group::{GroupClock, GroupId, muted_by};
pub use snapshot::Snapshot;

use crate::config::Config;
use crate::dedup::LogEntry;
use crate::inhibit::Inhibitor;
use crate::route::Route;
use crate::silence::{Silence, SilenceId, Silences};
use changes::Dirty;
use delivery::{Open, Unsure};
use group::Group;

/// Why nobody is told about an alert, in whatever group it is; [`muted_by`] tells the times of a group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mutes {
    /// Silences.
    pub silenced_by: Vec<SilenceId>,
    /// Alerts that explain it.
    pub inhibited_by: BTreeSet<Fingerprint>,
}

impl Mutes {
    /// What mutes an alert with these labels at `now_ms`. `silences` are those that hold then.
    fn of<'s>(
        labels: &Labels,
        silences: impl IntoIterator<Item = &'s Silence>,
        inhibitor: &Inhibitor,
        now_ms: i64,
    ) -> Self {
        let silencing = silences.into_iter().filter(|silence| silence.spec.is_about(labels));
        Self {
            silenced_by: silencing.map(|silence| silence.id).collect(),
            inhibited_by: inhibitor.inhibiting(labels, now_ms),
        }
    }
}

/// An alert with what is known of its course.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownAlert {
    /// The alert.
    pub alert: Alert,
    /// When it was heard of last, in milliseconds since the Unix epoch.
    pub updated_at_ms: i64,
    /// Whether its end is only that nobody was heard of it any more.
    pub timed_out: bool,
}

impl KnownAlert {
    fn name(&self) -> &str {
        self.alert.labels.get("alertname").unwrap_or("")
    }
}

/// An alert, and in how many groups it is.
#[derive(Debug)]
struct Member {
    known: KnownAlert,
    groups: usize,
    /// It is in a group of every route that it is for, and each of them has been looked at: that it is heard of again changes no group.
    is_settled: bool,
    /// The end with which it has been handed out to be kept, if nothing but the end may have changed since.
    kept_end_ms: Option<i64>,
}

/// All alerts, groups and silences, and what has been told.
#[derive(Debug)]
pub struct Router {
    config: Arc<Config>,
    alerts: BTreeMap<Fingerprint, Member>,
    /// How many alerts there are of each name.
    by_name: BTreeMap<String, usize>,
    inhibitor: Inhibitor,
    /// Alerts about which nobody is to be told.
    pub silences: Silences,
    groups: BTreeMap<GroupId, Group>,
    /// The groups by the time at which they are looked at next.
    schedule: BTreeSet<(i64, GroupId)>,
    log: BTreeMap<LogKey, LogEntry>,
    open: BTreeMap<DeliveryId, Open>,
    unsure: BTreeMap<LogKey, Unsure>,
    deliveries_made: u64,
    next_sweep_ms: i64,
    polled_at_ms: Option<i64>,
    dirty: Dirty,
}

impl Router {
    /// A router without alerts. `log` is what has been told in another run.
    pub fn new(
        config: Arc<Config>,
        silences: Silences,
        log: impl IntoIterator<Item = (LogKey, LogEntry)>,
    ) -> Self {
        Self {
            inhibitor: Inhibitor::new(config.inhibit_rules.clone()),
            config,
            alerts: BTreeMap::new(),
            by_name: BTreeMap::new(),
            silences,
            groups: BTreeMap::new(),
            schedule: BTreeSet::new(),
            log: log.into_iter().collect(),
            open: BTreeMap::new(),
            unsure: BTreeMap::new(),
            deliveries_made: 0,
            next_sweep_ms: i64::MIN,
            polled_at_ms: None,
            dirty: Dirty::default(),
        }
    }

    /// Goes on with another configuration. Groups whose route is the same keep their clocks; all others begin anew, and what has been told is not told again.
    /// Returns the deliveries that need not be tried any more.
    pub fn set_config(&mut self, config: Arc<Config>, now_ms: i64) -> Vec<DeliveryId> {
        self.inhibitor = Inhibitor::new(config.inhibit_rules.clone());
        self.silences.set_policy(config.extensions.silences.clone());
        self.config = config;
        self.schedule.clear();
        self.by_name.clear();
        let mut old = std::mem::take(&mut self.groups);
        // Its alerts may take another way by now.
        for group in old.values_mut() {
            group.alerts.clear();
        }
        for member in std::mem::take(&mut self.alerts).into_values() {
            self.take_in(member.known, now_ms, &mut old);
        }
        // Where a route is gone nobody waits for its deliveries.
        let orphans: Vec<DeliveryId> = old.values().flat_map(|group| group.open.iter().copied()).collect();
        for id in &orphans {
            self.give_up(*id);
        }
        self.dirty.groups.extend(old.into_keys());
        orphans
    }

    /// Takes alerts. One without an end fires until nothing was heard of it for the configured time. Returns how many were refused of each name, because there may be no more.
    pub fn insert(
        &mut self,
        alerts: impl IntoIterator<Item = Alert>,
        now_ms: i64,
    ) -> BTreeMap<String, usize> {
        let mut refused = BTreeMap::new();
        let limit = self.config.extensions.limits.alerts_per_alertname;
        for alert in alerts {
            let timed_out = alert.ends_at_ms.is_none();
            let end_ms = alert.ends_at_ms.unwrap_or(now_ms + self.config.global.resolve_timeout_ms);
            let known = KnownAlert {
                alert: Alert { ends_at_ms: Some(end_ms), ..alert },
                updated_at_ms: now_ms,
                timed_out,
            };
            let count = self.by_name.get(known.name()).copied().unwrap_or(0);
            if limit > 0 && count >= limit && !self.alerts.contains_key(&known.alert.fingerprint()) {
                *refused.entry(known.name().to_owned()).or_default() += 1;
                continue;
            }
            self.take_in(known, now_ms, &mut BTreeMap::new());
        }
        refused
    }

    /// Puts an alert among the others and into the groups that it belongs to. Groups of `old` are taken over as they are.
    fn take_in(&mut self, known: KnownAlert, now_ms: i64, old: &mut BTreeMap<GroupId, Group>) {
        let fingerprint = known.alert.fingerprint();
        let (known, kept_end_ms) = if let Some(before) = self.alerts.get(&fingerprint) {
            let known = merge(&before.known, known, now_ms);
            let kept_end_ms = before.kept_end_ms.filter(|_| only_time_passed(&before.known, &known));
            (known, kept_end_ms)
        } else {
            *self.by_name.entry(known.name().to_owned()).or_default() += 1;
            (known, None)
        };
        self.inhibitor.see(&known.alert);
        let (groups, is_settled) = match self.alerts.get(&fingerprint) {
            Some(before) if before.is_settled => (before.groups, true),
            _ => self.enter_groups(&known.alert, fingerprint, now_ms, old),
        };
        let can_wait = kept_end_ms.is_some_and(|kept| changes::can_wait(kept, &known.alert, now_ms));
        self.alerts.insert(fingerprint, Member { known, groups, is_settled, kept_end_ms });
        if !can_wait {
            self.mark_alert(fingerprint);
        }
    }

    /// Puts an alert into its groups. Returns how many these are, and whether there is one for each route, and all have been looked at.
    fn enter_groups(
        &mut self,
        alert: &Alert,
        fingerprint: Fingerprint,
        now_ms: i64,
        old: &mut BTreeMap<GroupId, Group>,
    ) -> (usize, bool) {
        let config = Arc::clone(&self.config);
        let (mut entered, mut is_settled) = (0, true);
        for route in config.route.matching(&alert.labels) {
            let id = self.group_for(route, alert, fingerprint, old);
            if !self.groups.contains_key(&id) {
                // Nobody has been told of it, so nobody needs to be told that it is over.
                if alert.is_resolved(now_ms) && !old.contains_key(&id) {
                    is_settled = false;
                    continue;
                }
                // What another receiver is being told of the group is left behind, and given up.
                let is_same = |group: &Group| group.options.receiver == route.options.receiver;
                let before = if old.get(&id).is_some_and(is_same) { old.remove(&id) } else { None };
                let group = match before {
                    Some(same) if same.options == route.options => same,
                    Some(before) => before.anew(route, &id.labels, now_ms),
                    None => Group::new(route, &id.labels, now_ms),
                };
                self.schedule.insert((group.clock.next_flush_ms, id.clone()));
                self.dirty.groups.insert(id.clone());
                self.groups.insert(id.clone(), group);
            }
            let Some(group) = self.groups.get_mut(&id) else { continue };
            group.alerts.insert(fingerprint);
            entered += 1;
            is_settled &= group.clock.has_flushed;
            let is_late = alert.starts_at_ms + group.options.group_wait_ms < now_ms;
            if !group.clock.has_flushed && is_late {
                self.reschedule(&id, now_ms);
            }
        }
        (entered, is_settled)
    }

    /// The group of an alert by a route. Where there may be no more groups it is the one that all others share.
    fn group_for(
        &self,
        route: &Route,
        alert: &Alert,
        fingerprint: Fingerprint,
        old: &BTreeMap<GroupId, Group>,
    ) -> GroupId {
        let own = GroupId { route: route.id.clone(), labels: route.options.group_by.key(&alert.labels) };
        let limit = self.config.extensions.limits.groups_per_route;
        if limit == 0 {
            return own;
        }
        let shared = GroupId { route: route.id.clone(), labels: Labels::empty() };
        if self.groups.get(&shared).is_some_and(|group| group.alerts.contains(&fingerprint)) {
            return shared;
        }
        let is_there = self.groups.contains_key(&own) || old.contains_key(&own);
        let of_route = self.groups.range(shared.clone()..).take_while(|(id, _)| id.route == route.id);
        if is_there || of_route.take(limit).count() < limit { own } else { shared }
    }

    /// Looks at a group next at another time.
    fn reschedule(&mut self, id: &GroupId, next_flush_ms: i64) {
        let Some(group) = self.groups.get_mut(id) else { return };
        self.schedule.remove(&(group.clock.next_flush_ms, id.clone()));
        group.clock.next_flush_ms = next_flush_ms;
        self.schedule.insert((next_flush_ms, id.clone()));
        self.dirty.groups.insert(id.clone());
    }

    /// When [`poll`](Self::poll) has something to do next, in milliseconds since the Unix epoch.
    pub fn next_wake_ms(&self) -> Option<i64> {
        self.schedule.first().map(|(at_ms, _)| *at_ms)
    }

    /// All alerts in the order of their fingerprints.
    pub fn alerts(&self) -> impl Iterator<Item = &KnownAlert> {
        self.alerts.values().map(|member| &member.known)
    }

    /// Why nobody is told about an alert with these labels at `now_ms`, if that is so.
    pub fn mutes(&self, labels: &Labels, now_ms: i64) -> Mutes {
        Mutes::of(labels, self.silences.holding(now_ms), &self.inhibitor, now_ms)
    }

    /// The groups with the receiver of each and what its alerts are called by, in the order of their ids.
    pub fn groups(&self) -> impl Iterator<Item = (&GroupId, &str, &BTreeSet<Fingerprint>)> {
        self.groups.iter().map(|(id, group)| (id, group.options.receiver.as_str(), &group.alerts))
    }

    /// The configuration.
    pub fn config(&self) -> &Arc<Config> {
        &self.config
    }
}

/// Whether an alert has only been heard of again, and ends no earlier for it.
fn only_time_passed(before: &KnownAlert, now: &KnownAlert) -> bool {
    let (a, b) = (&before.alert, &now.alert);
    a.starts_at_ms == b.starts_at_ms
        && a.annotations == b.annotations
        && a.generator_url == b.generator_url
        && before.timed_out == now.timed_out
        && a.ends_at_ms <= b.ends_at_ms
}

/// An alert that was known and is heard of again. If the one begins or ends within the other, it is one that began with the earlier of them; else the new one takes its place.
fn merge(before: &KnownAlert, mut now: KnownAlert, now_ms: i64) -> KnownAlert {
    let times = |alert: &Alert| (alert.starts_at_ms, alert.ends_at_ms.unwrap_or(i64::MAX));
    let ((old_start, old_end), (start, end)) = (times(&before.alert), times(&now.alert));
    let is_within = |at: i64| old_start < at && at < old_end;
    if !is_within(end) && !is_within(start) {
        return now;
    }
    now.alert.starts_at_ms = start.min(old_start);
    // Of two ends that are past the later one counts. One that is not is not taken back by an earlier one that is neither, unless it only comes of waiting.
    let old_end_counts =
        if now.alert.is_resolved(now_ms) { before.alert.is_resolved(now_ms) } else { !before.timed_out };
    if old_end_counts && old_end > end {
        now.alert.ends_at_ms = before.alert.ends_at_ms;
    }
    now
}
