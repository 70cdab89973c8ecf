//! What another run of the router has to know, and how it goes on from there.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::Fingerprint;

use super::delivery::LogKey;
use super::group::{Group, GroupClock, GroupId};
use super::{KnownAlert, Router};
use crate::dedup::LogEntry;
use crate::silence::SilenceId;

/// What has changed since it was asked last: what there is now, or `None` where it is gone.
///
/// All of it is kept at once or not at all: that an alert is gone means that somebody has been told.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Changes {
    /// Alerts.
    pub alerts: Vec<(Fingerprint, Option<KnownAlert>)>,
    /// Clocks of groups.
    pub groups: Vec<(GroupId, Option<GroupClock>)>,
    /// What has been told.
    pub log: Vec<(LogKey, Option<LogEntry>)>,
    /// Silences that are not needed any more. Others are changed by whoever made them.
    pub forgotten_silences: Vec<SilenceId>,
}

impl Changes {
    /// Whether nothing has.
    pub fn is_empty(&self) -> bool {
        self.alerts.is_empty()
            && self.groups.is_empty()
            && self.log.is_empty()
            && self.forgotten_silences.is_empty()
    }
}

/// What has changed, by name.
#[derive(Debug, Default)]
pub(super) struct Dirty {
    pub(super) alerts: BTreeSet<Fingerprint>,
    pub(super) groups: BTreeSet<GroupId>,
    pub(super) log: BTreeSet<LogKey>,
    pub(super) forgotten_silences: BTreeSet<SilenceId>,
}

impl Router {
    /// What has changed since this was called last.
    pub fn take_changes(&mut self) -> Changes {
        let dirty = std::mem::take(&mut self.dirty);
        let alert = |id| (id, self.alerts.get(&id).map(|member| member.known.clone()));
        let group = |id: GroupId| {
            let clock = self.groups.get(&id).map(Group::kept_clock);
            (id, clock)
        };
        let entry = |key: LogKey| {
            let entry = self.log.get(&key).cloned();
            (key, entry)
        };
        Changes {
            alerts: dirty.alerts.into_iter().map(alert).collect(),
            groups: dirty.groups.into_iter().map(group).collect(),
            log: dirty.log.into_iter().map(entry).collect(),
            forgotten_silences: dirty.forgotten_silences.into_iter().collect(),
        }
    }

    /// Changes that could not be kept: they count as changed again.
    pub fn put_back(&mut self, changes: Changes) {
        self.dirty.alerts.extend(changes.alerts.into_iter().map(|(id, _)| id));
        self.dirty.groups.extend(changes.groups.into_iter().map(|(id, _)| id));
        self.dirty.log.extend(changes.log.into_iter().map(|(key, _)| key));
        self.dirty.forgotten_silences.extend(changes.forgotten_silences);
    }

    /// Goes on with the alerts and clocks of another run. What mutes others is known before anybody is told.
    pub fn restore(
        &mut self,
        alerts: impl IntoIterator<Item = KnownAlert>,
        clocks: impl IntoIterator<Item = (GroupId, GroupClock)>,
        now_ms: i64,
    ) {
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
