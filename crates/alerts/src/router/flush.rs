//! What is due, and how it went.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bellwether_model::{Alert, Fingerprint, Labels};

use super::delivery::{Delivery, DeliveryId, Due, LogKey, Open, Skipped, idempotency_key};
use super::group::{GroupId, muted_by};
use super::{KnownAlert, Router};
use crate::config::{Integration, IntegrationId, IntegrationKind, Receiver};
use crate::dedup::{LogEntry, Reason, reason};
use crate::order;
use crate::route::RouteOptions;
use crate::silence::{Mute, Silence};

/// What is not needed any more is looked for so often, in milliseconds.
pub(super) const SWEEP_EVERY_MS: i64 = 60_000;
/// If the clock is set back by more, in milliseconds, groups are looked at that much earlier.
const SET_BACK_MIN_MS: i64 = 1_000;
/// A delivery is given up so long before the next one is due, so that its failure is known by then: a tenth of the time between them, and not longer than this.
const GIVE_UP_BEFORE_MS: i64 = 5_000;

/// Whoever is being told has so long at least, however short the interval of the group is, in milliseconds. Meanwhile the group is not looked at.
const TELL_MIN_MS: i64 = 10_000;

/// Whether somebody is told about an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Voice {
    /// Yes.
    Told,
    /// Only that it is over, to those who know that it fired.
    OnlyItsEnd,
    /// No.
    Muted,
}

impl Voice {
    /// What these silences leave of an alert with these labels.
    fn under(silences: &[&Silence], labels: &Labels) -> Self {
        let mut voice = Self::Told;
        for silence in silences.iter().filter(|silence| silence.spec.is_about(labels)) {
            match silence.spec.mute {
                Mute::Firing => voice = Self::OnlyItsEnd,
                Mute::All => return Self::Muted,
            }
        }
        voice
    }
}

/// An alert of a group as it is told.
struct Member {
    alert: Alert,
    fingerprint: Fingerprint,
    is_resolved: bool,
    voice: Voice,
}

/// A group that is looked at.
struct Flush<'f> {
    id: &'f GroupId,
    key: &'f str,
    options: &'f RouteOptions,
    members: &'f [Member],
    /// Since when integrations are to be told that could not be at the last flush.
    untold: &'f BTreeMap<IntegrationId, i64>,
    now_ms: i64,
}

impl Router {
    /// What is due at `now_ms`.
    pub fn poll(&mut self, now_ms: i64) -> Due {
        let mut out = Due::default();
        self.poll_some(now_ms, usize::MAX, &mut out);
        out
    }

    /// Adds what is due at `now_ms` in so many groups at most, those first that have been due for longest. Whether nothing is left that is due.
    pub fn poll_some(&mut self, now_ms: i64, groups_max: usize, out: &mut Due) -> bool {
        let by_ms = self.polled_at_ms.map_or(0, |before_ms| before_ms - now_ms);
        if by_ms > SET_BACK_MIN_MS {
            self.set_back(by_ms, now_ms);
            self.polled_at_ms = None;
        }
        self.polled_at_ms = self.polled_at_ms.max(Some(now_ms));
        for _ in 0..groups_max {
            let due = self.schedule.first().filter(|(due_ms, _)| *due_ms <= now_ms);
            let Some((_, id)) = due.cloned() else {
                if now_ms >= self.next_sweep_ms {
                    self.sweep(now_ms);
                    self.next_sweep_ms = now_ms + SWEEP_EVERY_MS;
                }
                return true;
            };
            self.flush(&id, now_ms, out);
        }
        false
    }

    /// The clock has been set back, and nobody is to wait for longer because of that.
    fn set_back(&mut self, by_ms: i64, now_ms: i64) {
        for group in self.groups.values_mut() {
            group.clock.next_flush_ms -= by_ms;
            group.last_flush_ms -= by_ms;
        }
        self.schedule =
            self.groups.iter().map(|(id, group)| (group.clock.next_flush_ms, id.clone())).collect();
        self.dirty.groups.extend(self.groups.keys().cloned());
        self.next_sweep_ms = now_ms;
    }

    fn flush(&mut self, id: &GroupId, now_ms: i64, out: &mut Due) {
        let Some(group) = self.groups.get_mut(id) else { return };
        let given_until_ms = group.last_flush_ms + TELL_MIN_MS;
        if !group.open.is_empty() && now_ms < given_until_ms {
            self.reschedule(id, given_until_ms);
            return;
        }
        let superseded = std::mem::take(&mut group.open);
        let untold = std::mem::take(&mut group.untold);
        group.clock.has_flushed = true;
        group.last_flush_ms = now_ms;
        group.has_failed = false;
        let (options, key) = (group.options.clone(), group.key.clone());
        let ids: Vec<Fingerprint> = group.alerts.iter().copied().collect();
        for superseded in superseded {
            self.give_up(superseded);
            out.superseded.push(superseded);
        }
        self.reschedule(id, now_ms + options.group_interval_ms);
        let is_muted = !muted_by(&self.config, &options, now_ms).is_empty();
        // Looked for once, not for each alert.
        let silences: Vec<&Silence> = self.silences.holding(now_ms).collect();
        let member = |it| self.member(it, is_muted, &silences, now_ms);
        let mut members: Vec<Member> = ids.into_iter().filter_map(member).collect();
        members.sort_by(|a, b| order::alerts(&a.alert.labels, &b.alert.labels));
        if let Some(group) = self.groups.get_mut(id) {
            let over = members.iter().filter(|member| member.is_resolved);
            group.leaving = over.map(|member| (member.fingerprint, member.alert.ends_at_ms)).collect();
        }
        let config = Arc::clone(&self.config);
        if let Some(receiver) = config.receiver(&options.receiver) {
            let flush =
                Flush { id, key: &key, options: &options, members: &members, untold: &untold, now_ms };
            for (id, integration) in receiver.integrations_by_id() {
                self.tell(&flush, receiver, (id, integration), out);
            }
        }
        self.leave_if_done(id, now_ms);
    }

    fn member(
        &self,
        fingerprint: Fingerprint,
        is_muted: bool,
        silences: &[&Silence],
        now_ms: i64,
    ) -> Option<Member> {
        let KnownAlert { alert, .. } = &self.alerts.get(&fingerprint)?.known;
        let is_resolved = alert.is_resolved(now_ms);
        let voice = if is_muted || self.inhibitor.is_inhibited(&alert.labels, now_ms) {
            Voice::Muted
        } else {
            Voice::under(silences, &alert.labels)
        };
        // One that fires is not to be over by the time that somebody reads of it.
        let ends_at_ms = alert.ends_at_ms.filter(|_| is_resolved);
        Some(Member { alert: Alert { ends_at_ms, ..alert.clone() }, fingerprint, is_resolved, voice })
    }

    /// What an integration of the receiver has to be told.
    fn tell(
        &mut self,
        flush: &Flush<'_>,
        receiver: &Receiver,
        (integration_id, integration): (IntegrationId, &Integration),
        out: &mut Due,
    ) {
        let Flush { id, options, now_ms, .. } = *flush;
        let key = LogKey {
            group_key: flush.key.to_owned(),
            receiver: receiver.name.clone(),
            integration: integration_id,
        };
        let send_resolved = integration.common.send_resolved;
        let resolve_if_notified = self.config.extensions.receiver(&receiver.name).resolve_if_notified;
        let entry = self.log.get(&key);
        let unsure = self.unsure.get(&key).map(|unsure| &unsure.before);
        let is_unsure = |member: &Member| unsure.is_some_and(|it| it.contains(&member.fingerprint));
        let owes = |member: &Member| {
            is_unsure(member) || entry.is_some_and(|entry| entry.owed.contains(&member.fingerprint))
        };
        let is_told = |member: &&Member| match member.voice {
            Voice::Told => true,
            Voice::OnlyItsEnd => member.is_resolved && owes(member),
            Voice::Muted => resolve_if_notified && member.is_resolved && owes(member),
        };
        let told: Vec<&Member> = flush.members.iter().filter(is_told).collect();
        let side = |resolved: bool| -> BTreeSet<Fingerprint> {
            told.iter().filter(|it| it.is_resolved == resolved).map(|it| it.fingerprint).collect()
        };
        let (firing, resolved) = (side(false), side(true));
        if told.is_empty() {
            return;
        }
        let why = reason(entry, &firing, &resolved, send_resolved, options.repeat_interval_ms, now_ms);
        let is_owed = |it: &&Member| {
            let owes = owes(it) && (it.voice != Voice::Told || resolve_if_notified);
            it.is_resolved && (owes || is_unsure(it))
        };
        let owed_end = if firing.is_empty() { Reason::AllResolved } else { Reason::NewlyResolved };
        let why = why.or_else(|| (send_resolved && told.iter().any(is_owed)).then_some(owed_end));
        let Some(reason) = why else { return };
        let owed = owed_after(entry, &firing, &resolved, flush.members);
        self.deliveries_made += 1;
        let alerts = told.into_iter().filter(|it| send_resolved || !it.is_resolved).collect();
        let (alerts, more_alerts) = cut(alerts, self.config.extensions.limits.alerts_per_notification);
        let told_ms = entry.map_or(0, |entry| entry.notified_at_ms);
        let delivery = Delivery {
            id: DeliveryId(self.deliveries_made),
            to: key.clone(),
            idempotency_key: idempotency_key(&key, told_ms, &alerts),
            group_labels: id.labels.clone(),
            reason,
            alerts,
            more_alerts,
            route_labels: options.labels.clone(),
            posted: entry.and_then(|entry| entry.posted.clone()),
            since_ms: flush.untold.get(&key.integration).copied().unwrap_or(now_ms),
            deadline_ms: now_ms + options.group_interval_ms.max(TELL_MIN_MS)
                - (options.group_interval_ms / 10).min(GIVE_UP_BEFORE_MS),
        };
        let open = Open { group: id.clone(), key, firing, resolved, owed };
        let skipped = match &integration.kind {
            IntegrationKind::Foreign(_) => Some("this integration is not supported"),
            _ if open.firing.is_empty() && !send_resolved => Some("send_resolved is off"),
            _ => None,
        };
        if let Some(why) = skipped {
            // All is over, if nobody is told of it: what fires after that is not told by changing the message of what did before.
            let entry = open.entry(None, now_ms);
            self.note(open.key, entry);
            out.skipped.push(Skipped { delivery, why });
            return;
        }
        let news: BTreeSet<Fingerprint> = match self.log.get(&open.key) {
            Some(entry) => open.firing.difference(&entry.firing).copied().collect(),
            None => open.firing.clone(),
        };
        if !news.is_empty() {
            self.unsure.entry(open.key.clone()).or_default().now = news;
            self.dirty.unsure.insert(open.key.clone());
        }
        self.open.insert(delivery.id, open);
        if let Some(group) = self.groups.get_mut(id) {
            group.open.insert(delivery.id);
            group.untold.insert(delivery.to.integration.clone(), delivery.since_ms);
        }
        out.deliveries.push(delivery);
    }
}

/// At most so many alerts, and how many there are more. Those that are over go first. 0 is any number.
fn cut(mut members: Vec<&Member>, max: usize) -> (Vec<Alert>, usize) {
    let more = if max == 0 { 0 } else { members.len().saturating_sub(max) };
    if more > 0 {
        members.sort_by_key(|member| member.is_resolved);
        members.truncate(max);
    }
    (members.into_iter().map(|member| member.alert.clone()).collect(), more)
}

/// The alerts of which somebody knows that they fire and not that they are over, after they were told this. Those that have left the group are not waited for.
fn owed_after(
    entry: Option<&LogEntry>,
    firing: &BTreeSet<Fingerprint>,
    resolved: &BTreeSet<Fingerprint>,
    members: &[Member],
) -> BTreeSet<Fingerprint> {
    let mut owed: BTreeSet<Fingerprint> = entry.map(|entry| entry.owed.clone()).unwrap_or_default();
    owed.extend(firing);
    let members: BTreeSet<Fingerprint> = members.iter().map(|member| member.fingerprint).collect();
    owed.retain(|id| !resolved.contains(id) && members.contains(id));
    owed
}
