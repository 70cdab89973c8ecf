//! How deliveries end, and what is forgotten then.

use std::collections::BTreeSet;

use bellwether_model::Fingerprint;

use super::Router;
use super::changes::KEPT_END_AHEAD_MS;
use super::delivery::{DeliveryId, LogKey, Open};
use super::flush::SWEEP_EVERY_MS;
use super::group::GroupId;
use crate::dedup::LogEntry;
use crate::message::Posted;

/// What has been told is remembered for so long after its group has ended, in milliseconds.
pub const LOG_RETENTION_MS: i64 = 120 * 3_600_000;

impl Router {
    /// Somebody knows something, and it is known what.
    pub(super) fn note(&mut self, key: LogKey, entry: LogEntry) {
        if self.unsure.remove(&key).is_some() {
            self.dirty.unsure.insert(key.clone());
        }
        self.dirty.log.insert(key.clone());
        self.log.insert(key, entry);
    }

    /// Somebody has been told, and the service has the message `posted`, if it lets messages be changed or answered. Returns what is noted; `None` if the delivery was not
    /// awaited any more.
    pub fn delivered(
        &mut self,
        id: DeliveryId,
        posted: Option<Posted>,
        now_ms: i64,
    ) -> Option<(LogKey, LogEntry)> {
        let open = self.open.remove(&id)?;
        let entry = open.entry(posted, now_ms);
        self.note(open.key.clone(), entry.clone());
        if let Some(group) = self.groups.get_mut(&open.group) {
            group.untold.remove(&open.key.integration);
        }
        self.close(&open.group, id, false, now_ms);
        Some((open.key, entry))
    }

    /// Whether anything comes of it if the delivery goes well.
    pub fn awaits(&self, id: DeliveryId) -> bool {
        self.open.contains_key(&id)
    }

    /// Somebody could not be told. It is tried again when the group is due next, because nothing is noted.
    pub fn failed(&mut self, id: DeliveryId, now_ms: i64) {
        if let Some(open) = self.give_up(id) {
            self.close(&open.group, id, true, now_ms);
        }
    }

    /// Nobody waits for a delivery any more. As in Alertmanager, who was not told for sure that an alert fires is not told of its end.
    pub(super) fn give_up(&mut self, id: DeliveryId) -> Option<Open> {
        let open = self.open.remove(&id)?;
        if let Some(unsure) = self.unsure.get_mut(&open.key) {
            unsure.now.clear();
            if unsure.before.is_empty() {
                self.unsure.remove(&open.key);
            }
            self.dirty.unsure.insert(open.key.clone());
        }
        Some(open)
    }

    /// An id for something that is told without a group.
    pub fn next_delivery_id(&mut self) -> DeliveryId {
        self.deliveries_made += 1;
        DeliveryId(self.deliveries_made)
    }

    fn close(&mut self, group: &GroupId, id: DeliveryId, failed: bool, now_ms: i64) {
        let Some(state) = self.groups.get_mut(group) else { return };
        state.open.remove(&id);
        state.has_failed |= failed;
        if state.open.is_empty() {
            // It may have been put off while somebody was being told.
            let due_ms = state.last_flush_ms + state.options.group_interval_ms;
            let next_flush_ms = state.clock.next_flush_ms.min(due_ms.max(now_ms));
            self.reschedule(group, next_flush_ms);
        }
        self.leave_if_done(group, now_ms);
    }

    /// Alerts that are over leave the group once everybody knows, and a group without alerts ends.
    pub(super) fn leave_if_done(&mut self, id: &GroupId, now_ms: i64) {
        let Some(group) = self.groups.get_mut(id) else { return };
        if !group.open.is_empty() || group.has_failed {
            return;
        }
        let mut forgotten = Vec::new();
        for (fingerprint, end) in std::mem::take(&mut group.leaving) {
            let Some(member) = self.alerts.get_mut(&fingerprint) else { continue };
            // It may fire again since.
            let alert = &member.known.alert;
            if alert.ends_at_ms == end && alert.is_resolved(now_ms) && group.alerts.remove(&fingerprint) {
                member.groups -= 1;
                member.is_settled = false;
                if member.groups == 0 {
                    forgotten.push(fingerprint);
                }
            }
        }
        if group.alerts.is_empty() {
            self.schedule.remove(&(group.clock.next_flush_ms, id.clone()));
            self.groups.remove(id);
            self.dirty.groups.insert(id.clone());
        }
        for fingerprint in forgotten {
            self.forget(fingerprint);
        }
    }

    fn forget(&mut self, fingerprint: Fingerprint) {
        let Some(member) = self.alerts.remove(&fingerprint) else { return };
        self.mark_alert(fingerprint);
        let name = member.known.name();
        if let Some(count) = self.by_name.get_mut(name) {
            *count -= 1;
            if *count == 0 {
                self.by_name.remove(name);
            }
        }
    }

    /// Forgets what is not needed any more: alerts that are over and in no group, what mutes nobody, what was told long ago, old silences.
    pub(super) fn sweep(&mut self, now_ms: i64) {
        self.inhibitor.forget_resolved(now_ms);
        self.dirty.forgotten_silences.extend(self.silences.forget_expired(now_ms));
        let over = |member: &super::Member| member.groups == 0 && member.known.alert.is_resolved(now_ms);
        let over: Vec<Fingerprint> =
            self.alerts.iter().filter(|(_, member)| over(member)).map(|(id, _)| *id).collect();
        for fingerprint in over {
            self.forget(fingerprint);
        }
        self.mark_waiting(now_ms + KEPT_END_AHEAD_MS + SWEEP_EVERY_MS);
        let dirty = &mut self.dirty;
        let living: BTreeSet<&str> = self.groups.values().map(|group| group.key.as_str()).collect();
        self.log.retain(|key, entry| {
            let needed =
                entry.notified_at_ms + LOG_RETENTION_MS >= now_ms || living.contains(key.group_key.as_str());
            if !needed {
                dirty.log.insert(key.clone());
            }
            needed
        });
        self.unsure.retain(|key, _| {
            let needed = living.contains(key.group_key.as_str());
            if !needed {
                dirty.unsure.insert(key.clone());
            }
            needed
        });
    }
}
