//! What receivers have been told, and whether there is something new to tell. The rules are those of Alertmanager's notification log.

use std::collections::BTreeSet;

use bellwether_model::Fingerprint;

use crate::message::Posted;

/// What an integration of a receiver was told last about a group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogEntry {
    /// The alerts that fired.
    pub firing: BTreeSet<Fingerprint>,
    /// The alerts that were over.
    pub resolved: BTreeSet<Fingerprint>,
    /// The alerts of which it knows that they fire and not yet that they are over, those that were muted since included.
    pub owed: BTreeSet<Fingerprint>,
    /// When that was, in milliseconds since the Unix epoch.
    pub notified_at_ms: i64,
    /// The message that the group has in the service, if that lets messages be changed or answered.
    pub posted: Option<Posted>,
}

/// Why somebody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Nothing has been told of the group.
    FirstNotification,
    /// Alerts fire that did not.
    NewAlerts,
    /// All alerts are over.
    AllResolved,
    /// More alerts are over.
    NewlyResolved,
    /// Nothing is new, and it has been long.
    Repeat,
}

impl Reason {
    /// The name in histories and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FirstNotification => "first_notification",
            Self::NewAlerts => "new_alerts_in_group",
            Self::AllResolved => "all_alerts_resolved",
            Self::NewlyResolved => "new_resolved_alerts",
            Self::Repeat => "repeat_interval_elapsed",
        }
    }

    /// The reason in words, for people.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::FirstNotification => "first notification",
            Self::NewAlerts => "new alerts in the group",
            Self::AllResolved => "all alerts resolved",
            Self::NewlyResolved => "more alerts resolved",
            Self::Repeat => "repeat interval elapsed",
        }
    }
}

/// Why there is something to tell at `now_ms` about alerts that fire and that are over; `None` if there is nothing.
///
/// That all alerts are over is a reason also for who is not told of it: it is only noted then, so that the next alert of the group is a new one.
pub fn reason(
    entry: Option<&LogEntry>,
    firing: &BTreeSet<Fingerprint>,
    resolved: &BTreeSet<Fingerprint>,
    send_resolved: bool,
    repeat_interval_ms: i64,
    now_ms: i64,
) -> Option<Reason> {
    let Some(entry) = entry else { return (!firing.is_empty()).then_some(Reason::FirstNotification) };
    if !firing.is_subset(&entry.firing) {
        return Some(Reason::NewAlerts);
    }
    if firing.is_empty() {
        return (!entry.firing.is_empty()).then_some(Reason::AllResolved);
    }
    if send_resolved && !resolved.is_subset(&entry.resolved) {
        return Some(Reason::NewlyResolved);
    }
    (entry.notified_at_ms < now_ms - repeat_interval_ms).then_some(Reason::Repeat)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(ids: &[u64]) -> BTreeSet<Fingerprint> {
        ids.iter().map(|id| Fingerprint(*id)).collect()
    }

    #[test]
    fn tells_what_is_new() {
        let entry = |firing: &[u64], resolved: &[u64]| {
            Some(LogEntry {
                firing: set(firing),
                resolved: set(resolved),
                notified_at_ms: 100,
                ..LogEntry::default()
            })
        };
        let check =
            |entry: Option<LogEntry>, firing: &[u64], resolved: &[u64], send_resolved, now_ms, want| {
                let got = reason(entry.as_ref(), &set(firing), &set(resolved), send_resolved, 50, now_ms);
                assert_eq!(got, want, "{entry:?} {firing:?} {resolved:?}");
            };
        check(None, &[1], &[], true, 0, Some(Reason::FirstNotification));
        check(None, &[], &[1], true, 0, None);
        check(entry(&[1], &[]), &[1], &[], true, 110, None);
        check(entry(&[1], &[]), &[1], &[], true, 150, None);
        check(entry(&[1], &[]), &[1], &[], true, 151, Some(Reason::Repeat));
        check(entry(&[1], &[]), &[1, 2], &[], true, 110, Some(Reason::NewAlerts));
        check(entry(&[1, 2], &[]), &[1], &[], true, 110, None);
        check(entry(&[1, 2], &[]), &[1], &[2], true, 110, Some(Reason::NewlyResolved));
        check(entry(&[1, 2], &[]), &[1], &[2], false, 110, None);
        check(entry(&[1, 2], &[2]), &[1], &[2], true, 110, None);
        check(entry(&[1], &[]), &[], &[1], false, 110, Some(Reason::AllResolved));
        check(entry(&[], &[1]), &[], &[1], true, 1000, None);
    }
}
