//! What another run of the router has to know, and how it goes on from there.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{Alert, Fingerprint};

use super::delivery::{LogKey, Unsure};
use super::flush::SWEEP_EVERY_MS;
use super::group::{Group, GroupClock, GroupId};
use super::{KnownAlert, Member, Router};
use crate::dedup::LogEntry;
use crate::silence::SilenceId;

/// What has changed since it was asked last: what there is now, or `None` where it is gone.
///
/// All of it is kept at once or not at all: that an alert is gone means that somebody has been told. If many alerts have changed, these are not all of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Changes {
    /// Alerts.
    pub alerts: Vec<(Fingerprint, Option<KnownAlert>)>,
    /// Clocks of groups.
    pub groups: Vec<(GroupId, Option<GroupClock>)>,
    /// What has been told.
    pub log: Vec<(LogKey, Option<LogEntry>)>,
    /// Of which alerts integrations are being told that they fire, and may know it although this cannot be noted any more.
    pub unsure: Vec<(LogKey, Option<BTreeSet<Fingerprint>>)>,
    /// Silences that are not needed any more. Others are changed by whoever made them.
    pub forgotten_silences: Vec<SilenceId>,
    /// More alerts had changed when this round began; the next call has them.
    pub has_more: bool,
}

impl Changes {
    /// Whether nothing has.
    pub fn is_empty(&self) -> bool {
        self.alerts.is_empty()
            && self.groups.is_empty()
            && self.log.is_empty()
            && self.unsure.is_empty()
            && self.forgotten_silences.is_empty()
    }
}

/// So many alerts that are there are among the changes at once: they are copied while nobody else can look at the router.
const ALERTS_AT_ONCE_MAX: usize = 5_000;

/// An alert that is only heard of again need not be kept at once: another run begins with the end that is kept. That end is not nearer than this, in milliseconds, so that who starts after a crash
/// has time to hear of the alert.
pub(super) const KEPT_END_AHEAD_MS: i64 = SWEEP_EVERY_MS;
/// And it is not so much earlier than the alert ends, in milliseconds.
const KEPT_END_EARLY_MAX_MS: i64 = 5 * 60_000;

/// Whether an alert that was only heard of again need not be kept yet, if another run would know it with this end.
pub(super) fn can_wait(kept_end_ms: i64, alert: &Alert, now_ms: i64) -> bool {
    let later_ms = alert.ends_at_ms.map_or(i64::MAX, |end| end.saturating_sub(kept_end_ms));
    later_ms == 0 || (later_ms <= KEPT_END_EARLY_MAX_MS && kept_end_ms > now_ms + KEPT_END_AHEAD_MS)
}

/// What has changed, by name.
#[derive(Debug, Default)]
pub(super) struct Dirty {
    /// Alerts that are there.
    pub(super) alerts: BTreeSet<Fingerprint>,
    /// Those of them that had changed when the last round of changes began, so that a round ends however many come meanwhile.
    pub(super) round: BTreeSet<Fingerprint>,
    pub(super) gone_alerts: BTreeSet<Fingerprint>,
    pub(super) groups: BTreeSet<GroupId>,
    pub(super) log: BTreeSet<LogKey>,
    pub(super) unsure: BTreeSet<LogKey>,
    pub(super) forgotten_silences: BTreeSet<SilenceId>,
}

impl Router {
    /// What has changed since this was called last; some alerts that are there may be left for the next time.
    pub fn take_changes(&mut self) -> Changes {
        let Dirty { alerts, mut round, gone_alerts, groups, log, unsure, forgotten_silences } =
            std::mem::take(&mut self.dirty);
        if round.is_empty() {
            round = alerts;
        } else {
            self.dirty.alerts = alerts;
        }
        let mut changed: Vec<_> = gone_alerts.into_iter().map(|id| (id, None)).collect();
        for _ in 0..ALERTS_AT_ONCE_MAX {
            let Some(id) = round.pop_first() else { break };
            // One that was over when it came is in no group: nobody is told of it, by another run neither.
            let mut member = self.alerts.get_mut(&id).filter(|member| member.groups > 0);
            if let Some(member) = &mut member {
                member.kept_end_ms = member.known.alert.ends_at_ms;
            }
            changed.push((id, member.map(|member| member.known.clone())));
        }
        let has_more = !round.is_empty();
        self.dirty.round = round;
        let group = |id: GroupId| {
            let clock = self.groups.get(&id).map(Group::kept_clock);
            (id, clock)
        };
        let entry = |key: LogKey| {
            let entry = self.log.get(&key).cloned();
            (key, entry)
        };
        let unsure_of = |key: LogKey| {
            let alerts = self.unsure.get(&key).map(|it| it.before.union(&it.now).copied().collect());
            (key, alerts)
        };
        Changes {
            alerts: changed,
            groups: groups.into_iter().map(group).collect(),
            log: log.into_iter().map(entry).collect(),
            unsure: unsure.into_iter().map(unsure_of).collect(),
            forgotten_silences: forgotten_silences.into_iter().collect(),
            has_more,
        }
    }

    /// Changes that could not be kept: they count as changed again.
    pub fn put_back(&mut self, changes: Changes) {
        // The round is over, and the next one has all.
        let rest = std::mem::take(&mut self.dirty.round);
        self.dirty.alerts.extend(rest);
        for (id, _) in changes.alerts {
            self.mark_alert(id);
        }
        self.dirty.groups.extend(changes.groups.into_iter().map(|(id, _)| id));
        self.dirty.log.extend(changes.log.into_iter().map(|(key, _)| key));
        self.dirty.unsure.extend(changes.unsure.into_iter().map(|(key, _)| key));
        self.dirty.forgotten_silences.extend(changes.forgotten_silences);
    }

    /// The alert has changed, come or gone.
    pub(super) fn mark_alert(&mut self, id: Fingerprint) {
        let Dirty { alerts, round, gone_alerts, .. } = &mut self.dirty;
        if self.alerts.contains_key(&id) {
            gone_alerts.remove(&id);
            alerts.insert(id);
        } else {
            alerts.remove(&id);
            round.remove(&id);
            gone_alerts.insert(id);
        }
    }

    /// Alerts that have only been heard of again count as changed, if another run would take them for over before `until_ms`.
    pub(super) fn mark_waiting(&mut self, until_ms: i64) {
        let waits = |member: &Member| {
            let kept = member.kept_end_ms.filter(|kept| *kept <= until_ms);
            kept.is_some() && kept < member.known.alert.ends_at_ms
        };
        let waiting = self.alerts.iter().filter(|(_, member)| waits(member)).map(|(id, _)| *id);
        self.dirty.alerts.extend(waiting);
    }

    /// Nothing comes any more: what waited to be kept is among the changes now.
    pub fn settle(&mut self) {
        self.mark_waiting(i64::MAX);
    }

    /// Goes on with the alerts and clocks of another run, and with what was being told when it ended. What mutes others is known before anybody is told.
    pub fn restore(
        &mut self,
        alerts: impl IntoIterator<Item = KnownAlert>,
        clocks: impl IntoIterator<Item = (GroupId, GroupClock)>,
        unsure: impl IntoIterator<Item = (LogKey, BTreeSet<Fingerprint>)>,
        now_ms: i64,
    ) {
        let unsure = unsure.into_iter().map(|(key, before)| (key, Unsure { before, ..Unsure::default() }));
        self.unsure = unsure.collect();
        let config = std::sync::Arc::clone(&self.config);
        let routes: BTreeMap<&str, _> = config.route.walk().map(|route| (route.id.as_str(), route)).collect();
        let mut old = BTreeMap::new();
        for (id, clock) in clocks {
            match routes.get(id.route.as_str()) {
                Some(route) => {
                    let group = Group::restored(route, &id.labels, clock, now_ms);
                    old.insert(id, group);
                }
                None => {
                    self.dirty.groups.insert(id);
                }
            }
        }
        for known in alerts {
            self.take_in(known, now_ms, &mut old);
        }
        // Groups without alerts.
        self.dirty.groups.extend(old.into_keys());
    }
}
