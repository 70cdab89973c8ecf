//! From alerts to notifications: which groups there are, and when somebody is to be told what.
//!
//! The router does nothing by itself and knows no clock. Alerts are put in with [`insert`](Router::insert); whoever runs it calls [`poll`](Router::poll) at the times that
//! [`next_wake_ms`](Router::next_wake_ms) names, sends what comes out, and says how that went with [`delivered`](Router::delivered) and [`failed`](Router::failed). So every
//! course of events can be played through in a test.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bellwether_model::{Alert, Fingerprint, Labels};

use crate::config::Config;
use crate::dedup::{LogEntry, Reason, reason};
use crate::inhibit::Inhibitor;
use crate::route::{Route, RouteOptions};
use crate::silence::{SilenceId, Silences};

/// A group: a route, and the labels on which the alerts agree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupId {
    /// The id of the route.
    pub route: String,
    /// The labels.
    pub labels: Labels,
}

/// Who was told about a group: an integration of a receiver.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogKey {
    /// The key of the group: the matchers down to the route, and the labels.
    pub group_key: String,
    /// The receiver.
    pub receiver: String,
    /// Which of its integrations, counted from 0.
    pub integration: usize,
}

/// What a delivery is called by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId(u64);

/// Something to tell.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// What it is called by.
    pub id: DeliveryId,
    /// To whom, and about which group.
    pub to: LogKey,
    /// The labels of the group.
    pub group_labels: Labels,
    /// Why.
    pub reason: Reason,
    /// The alerts, by their labels. One that fires has no end.
    pub alerts: Vec<Alert>,
    /// Texts of the route; each is a template.
    pub route_labels: Vec<(String, String)>,
    /// Until when it may be tried again and again, in milliseconds since the Unix epoch; then the next one is due.
    pub deadline_ms: i64,
}

/// What comes of the passing of time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Due {
    /// What to tell now.
    pub deliveries: Vec<Delivery>,
    /// Deliveries that need not be tried any more, because something newer is told.
    pub superseded: Vec<DeliveryId>,
    /// What is noted although nobody is told of it.
    pub noted: Vec<(LogKey, LogEntry)>,
}

/// Why nobody is told about an alert.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mutes {
    /// Silences.
    pub silenced_by: Vec<SilenceId>,
    /// Alerts that explain it.
    pub inhibited_by: BTreeSet<Fingerprint>,
    /// Names of times, of all routes that it is for.
    pub muted_by: BTreeSet<String>,
}

impl Mutes {
    /// Whether somebody is told.
    pub fn is_empty(&self) -> bool {
        self.silenced_by.is_empty() && self.inhibited_by.is_empty() && self.muted_by.is_empty()
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

/// A group with its alerts and its clock.
#[derive(Debug)]
struct Group {
    options: RouteOptions,
    key: String,
    alerts: BTreeSet<Fingerprint>,
    next_flush_ms: i64,
    has_flushed: bool,
    /// Deliveries of the last flush that are under way.
    open: BTreeSet<DeliveryId>,
    /// The alerts that were over at the last flush, with their ends; they leave the group once all have been told.
    leaving: Vec<(Fingerprint, Option<i64>)>,
    /// One of the deliveries of the last flush failed.
    has_failed: bool,
}

/// A delivery that is under way, and what will be noted if it succeeds.
#[derive(Debug)]
struct Open {
    group: GroupId,
    key: LogKey,
    firing: BTreeSet<Fingerprint>,
    resolved: BTreeSet<Fingerprint>,
}

/// All alerts, groups and silences, and what has been told.
#[derive(Debug)]
pub struct Router {
    config: Arc<Config>,
    alerts: BTreeMap<Fingerprint, KnownAlert>,
    inhibitor: Inhibitor,
    /// Alerts about which nobody is to be told.
    pub silences: Silences,
    groups: BTreeMap<GroupId, Group>,
    log: BTreeMap<LogKey, LogEntry>,
    open: BTreeMap<DeliveryId, Open>,
    deliveries_made: u64,
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
            silences,
            groups: BTreeMap::new(),
            log: log.into_iter().collect(),
            open: BTreeMap::new(),
            deliveries_made: 0,
        }
    }

    /// Goes on with another configuration. Groups whose route is the same keep their clocks; all others begin anew, and what has been told is not told again.
    /// Returns the deliveries that need not be tried any more.
    pub fn set_config(&mut self, config: Arc<Config>, now_ms: i64) -> Vec<DeliveryId> {
        self.inhibitor = Inhibitor::new(config.inhibit_rules.clone());
        self.config = config;
        let mut old = std::mem::take(&mut self.groups);
        let alerts: Vec<KnownAlert> = self.alerts.values().cloned().collect();
        for known in &alerts {
            self.inhibitor.see(&known.alert);
            self.enter_groups(&known.alert, now_ms, &mut old);
        }
        // Where a route is gone nobody waits for its deliveries.
        let orphans: Vec<DeliveryId> = old.into_values().flat_map(|group| group.open).collect();
        for id in &orphans {
            self.open.remove(id);
        }
        orphans
    }

    /// Takes alerts. One without an end fires until nothing was heard of it for the configured time; one without a beginning begins now.
    pub fn insert(&mut self, alerts: impl IntoIterator<Item = Alert>, now_ms: i64) {
        for alert in alerts {
            let timed_out = alert.ends_at_ms.is_none();
            let end_ms = alert.ends_at_ms.unwrap_or(now_ms + self.config.global.resolve_timeout_ms);
            let known = KnownAlert {
                alert: Alert { ends_at_ms: Some(end_ms), ..alert },
                updated_at_ms: now_ms,
                timed_out,
            };
            let fingerprint = known.alert.fingerprint();
            let merged = match self.alerts.get(&fingerprint) {
                Some(before) => merge(before, known),
                None => known,
            };
            self.inhibitor.see(&merged.alert);
            self.enter_groups(&merged.alert, now_ms, &mut BTreeMap::new());
            self.alerts.insert(fingerprint, merged);
        }
    }

    /// Puts an alert into the groups that it belongs to. Groups of `old` are taken over as they are.
    fn enter_groups(&mut self, alert: &Alert, now_ms: i64, old: &mut BTreeMap<GroupId, Group>) {
        let config = Arc::clone(&self.config);
        for route in config.route.matching(&alert.labels) {
            let labels = route.options.group_by.key(&alert.labels);
            let id = GroupId { route: route.id.clone(), labels };
            let group = match self.groups.get_mut(&id) {
                Some(group) => group,
                // Nobody has been told of it, so nobody needs to be told that it is over.
                None if alert.is_resolved(now_ms) && !old.contains_key(&id) => continue,
                None => {
                    let same = old.remove(&id).filter(|group| group.options == route.options);
                    let group = same.unwrap_or_else(|| Group::new(route, &id.labels, now_ms));
                    self.groups.entry(id).or_insert(group)
                }
            };
            group.alerts.insert(alert.fingerprint());
            let is_late = alert.starts_at_ms + group.options.group_wait_ms < now_ms;
            if !group.has_flushed && is_late {
                group.next_flush_ms = now_ms;
            }
        }
    }

    /// When [`poll`](Self::poll) has something to do next, in milliseconds since the Unix epoch.
    pub fn next_wake_ms(&self) -> Option<i64> {
        self.groups.values().map(|group| group.next_flush_ms).min()
    }

    /// What is due at `now_ms`.
    pub fn poll(&mut self, now_ms: i64) -> Due {
        let due: Vec<GroupId> = self
            .groups
            .iter()
            .filter(|(_, group)| group.next_flush_ms <= now_ms)
            .map(|(id, _)| id.clone())
            .collect();
        let mut out = Due::default();
        for id in due {
            self.flush(&id, now_ms, &mut out);
        }
        self.inhibitor.forget_resolved(now_ms);
        out
    }

    fn flush(&mut self, id: &GroupId, now_ms: i64, out: &mut Due) {
        let Some(group) = self.groups.get_mut(id) else { return };
        for superseded in std::mem::take(&mut group.open) {
            self.open.remove(&superseded);
            out.superseded.push(superseded);
        }
        group.next_flush_ms = now_ms + group.options.group_interval_ms;
        group.has_flushed = true;
        group.has_failed = false;
        let members: Vec<&KnownAlert> = group.alerts.iter().filter_map(|it| self.alerts.get(it)).collect();
        group.leaving = members
            .iter()
            .filter(|known| known.alert.is_resolved(now_ms))
            .map(|known| (known.alert.fingerprint(), known.alert.ends_at_ms))
            .collect();
        let options = group.options.clone();
        let is_muted = !muted_by(&self.config, &options, now_ms).is_empty();
        let told = |known: &&KnownAlert| {
            let labels = &known.alert.labels;
            !self.inhibitor.is_inhibited(labels, now_ms)
                && self.silences.silencing(labels, now_ms).next().is_none()
        };
        let mut alerts: Vec<Alert> = members
            .into_iter()
            .filter(|known| !is_muted && told(known))
            .map(|known| {
                // One that fires is not to be over by the time that somebody reads of it.
                let ends_at_ms = known.alert.ends_at_ms.filter(|end| *end <= now_ms);
                Alert { ends_at_ms, ..known.alert.clone() }
            })
            .collect();
        alerts.sort_by(|a, b| a.labels.cmp(&b.labels));
        let group_key = group.key.clone();
        if !alerts.is_empty() {
            self.tell(id, &options, &group_key, &alerts, now_ms, out);
        }
        self.leave_if_done(id, now_ms);
    }

    /// What each integration of the receiver has to be told.
    fn tell(
        &mut self,
        id: &GroupId,
        options: &RouteOptions,
        group_key: &str,
        alerts: &[Alert],
        now_ms: i64,
        out: &mut Due,
    ) {
        let side = |resolved: bool| -> BTreeSet<Fingerprint> {
            alerts
                .iter()
                .filter(|alert| alert.is_resolved(now_ms) == resolved)
                .map(Alert::fingerprint)
                .collect()
        };
        let (firing, resolved) = (side(false), side(true));
        let config = Arc::clone(&self.config);
        let Some(receiver) = config.receiver(&options.receiver) else { return };
        for (integration, kind) in receiver.integrations.iter().enumerate() {
            let key =
                LogKey { group_key: group_key.to_owned(), receiver: receiver.name.clone(), integration };
            let send_resolved = kind.common.send_resolved;
            let entry = self.log.get(&key);
            let Some(reason) =
                reason(entry, &firing, &resolved, send_resolved, options.repeat_interval_ms, now_ms)
            else {
                continue;
            };
            if firing.is_empty() && !send_resolved {
                let entry =
                    LogEntry { firing: firing.clone(), resolved: resolved.clone(), notified_at_ms: now_ms };
                self.log.insert(key.clone(), entry.clone());
                out.noted.push((key, entry));
                continue;
            }
            self.deliveries_made += 1;
            let delivery = DeliveryId(self.deliveries_made);
            out.deliveries.push(Delivery {
                id: delivery,
                to: key.clone(),
                group_labels: id.labels.clone(),
                reason,
                alerts: alerts
                    .iter()
                    .filter(|alert| send_resolved || !alert.is_resolved(now_ms))
                    .cloned()
                    .collect(),
                route_labels: options.labels.clone(),
                deadline_ms: now_ms + options.group_interval_ms,
            });
            let open = Open { group: id.clone(), key, firing: firing.clone(), resolved: resolved.clone() };
            self.open.insert(delivery, open);
            if let Some(group) = self.groups.get_mut(id) {
                group.open.insert(delivery);
            }
        }
    }

    /// Somebody has been told. Returns what to keep, so that another run knows it; `None` if the delivery was not awaited any more.
    pub fn delivered(&mut self, id: DeliveryId, now_ms: i64) -> Option<(LogKey, LogEntry)> {
        let open = self.open.remove(&id)?;
        let entry = LogEntry { firing: open.firing, resolved: open.resolved, notified_at_ms: now_ms };
        self.log.insert(open.key.clone(), entry.clone());
        self.close(&open.group, id, false, now_ms);
        Some((open.key, entry))
    }

    /// Somebody could not be told. It is tried again when the group is due next, because nothing is noted.
    pub fn failed(&mut self, id: DeliveryId, now_ms: i64) {
        if let Some(open) = self.open.remove(&id) {
            self.close(&open.group, id, true, now_ms);
        }
    }

    fn close(&mut self, group: &GroupId, id: DeliveryId, failed: bool, now_ms: i64) {
        let Some(state) = self.groups.get_mut(group) else { return };
        state.open.remove(&id);
        state.has_failed |= failed;
        self.leave_if_done(group, now_ms);
    }

    /// Alerts that are over leave the group once everybody knows, and a group without alerts ends.
    fn leave_if_done(&mut self, id: &GroupId, now_ms: i64) {
        let Some(group) = self.groups.get_mut(id) else { return };
        if !group.open.is_empty() || group.has_failed {
            return;
        }
        for (fingerprint, end) in std::mem::take(&mut group.leaving) {
            // It may fire again since.
            let unchanged = self
                .alerts
                .get(&fingerprint)
                .is_none_or(|known| known.alert.ends_at_ms == end && known.alert.is_resolved(now_ms));
            if unchanged {
                group.alerts.remove(&fingerprint);
            }
        }
        if group.alerts.is_empty() {
            self.groups.remove(id);
        }
        self.forget_alerts(now_ms);
    }

    /// Alerts that are over and in no group are not needed any more.
    fn forget_alerts(&mut self, now_ms: i64) {
        let needed: BTreeSet<Fingerprint> =
            self.groups.values().flat_map(|group| group.alerts.iter().copied()).collect();
        self.alerts
            .retain(|fingerprint, known| !known.alert.is_resolved(now_ms) || needed.contains(fingerprint));
    }

    /// All alerts in the order of their fingerprints.
    pub fn alerts(&self) -> impl Iterator<Item = &KnownAlert> {
        self.alerts.values()
    }

    /// Why nobody is told about an alert with these labels at `now_ms`, if that is so.
    pub fn mutes(&self, labels: &Labels, now_ms: i64) -> Mutes {
        let routes = self.config.route.matching(labels);
        Mutes {
            silenced_by: self.silences.silencing(labels, now_ms).collect(),
            inhibited_by: self.inhibitor.inhibiting(labels, now_ms),
            muted_by: routes
                .into_iter()
                .flat_map(|route| muted_by(&self.config, &route.options, now_ms))
                .collect(),
        }
    }

    /// The groups with the receiver of each and its alerts, in the order of their ids.
    pub fn groups(&self) -> impl Iterator<Item = (&GroupId, &str, impl Iterator<Item = &KnownAlert>)> {
        self.groups.iter().map(|(id, group)| {
            let alerts = group.alerts.iter().filter_map(|it| self.alerts.get(it));
            (id, group.options.receiver.as_str(), alerts)
        })
    }

    /// The configuration.
    pub fn config(&self) -> &Arc<Config> {
        &self.config
    }
}

impl Group {
    fn new(route: &Route, labels: &Labels, now_ms: i64) -> Self {
        Self {
            options: route.options.clone(),
            key: format!("{}:{labels}", route.key),
            alerts: BTreeSet::new(),
            next_flush_ms: now_ms + route.options.group_wait_ms,
            has_flushed: false,
            open: BTreeSet::new(),
            leaving: Vec::new(),
            has_failed: false,
        }
    }
}

/// The names of the times for which nobody is told now: times at which all are muted, or all those outside of which they are.
fn muted_by(config: &Config, options: &RouteOptions, now_ms: i64) -> Vec<String> {
    let is_now = |name: &&String| {
        config.time_intervals.get(*name).is_some_and(|times| times.iter().any(|it| it.contains(now_ms)))
    };
    let muting = options.mute_time_intervals.iter().filter(is_now).cloned();
    let is_active = options.active_time_intervals.is_empty()
        || options.active_time_intervals.iter().any(|name| is_now(&name));
    let inactive = options.active_time_intervals.iter().filter(|_| !is_active).cloned();
    muting.chain(inactive).collect()
}

/// An alert that was known and is heard of again. If both overlap it is one that began with the earlier of them; else it is a new one.
fn merge(before: &KnownAlert, mut now: KnownAlert) -> KnownAlert {
    let ended_before = before.alert.ends_at_ms.is_some_and(|end| end < now.alert.starts_at_ms);
    let ends_before = now.alert.ends_at_ms.is_some_and(|end| end < before.alert.starts_at_ms);
    if !ended_before && !ends_before {
        now.alert.starts_at_ms = now.alert.starts_at_ms.min(before.alert.starts_at_ms);
    }
    // An end that somebody has said counts more than one that only comes of waiting.
    if now.timed_out && !before.timed_out && before.alert.ends_at_ms > now.alert.ends_at_ms {
        now.alert.ends_at_ms = before.alert.ends_at_ms;
        now.timed_out = false;
    }
    now
}
