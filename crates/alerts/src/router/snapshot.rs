//! The router as it was at a time.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::{Fingerprint, Labels};

use super::{KnownAlert, Mutes, Router};
use crate::config::Config;
use crate::inhibit::Inhibitor;
use crate::silence::Silence;

/// All alerts of a time and what mutes them, for who has much to look up: the router goes on meanwhile.
#[derive(Debug)]
pub struct Snapshot {
    at_ms: i64,
    config: Arc<Config>,
    alerts: BTreeMap<Fingerprint, KnownAlert>,
    /// Those that hold.
    silences: Vec<Silence>,
    /// Made when it is asked first, which is not while the router waits.
    inhibitor: OnceCell<Inhibitor>,
}

impl Router {
    /// What there is at `now_ms`. Only copies; whatever takes time is done when the snapshot is asked.
    pub fn snapshot(&self, now_ms: i64) -> Snapshot {
        Snapshot {
            at_ms: now_ms,
            config: Arc::clone(&self.config),
            alerts: self.alerts.iter().map(|(id, member)| (*id, member.known.clone())).collect(),
            silences: self.silences.holding(now_ms).cloned().collect(),
            inhibitor: OnceCell::new(),
        }
    }
}

impl Snapshot {
    /// The time, in milliseconds since the Unix epoch.
    pub fn at_ms(&self) -> i64 {
        self.at_ms
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// All alerts in the order of their fingerprints.
    pub fn alerts(&self) -> impl Iterator<Item = &KnownAlert> {
        self.alerts.values()
    }

    /// The alert that is called so.
    pub fn alert(&self, fingerprint: Fingerprint) -> Option<&KnownAlert> {
        self.alerts.get(&fingerprint)
    }

    /// Why nobody is told about an alert with these labels, if that is so.
    pub fn mutes(&self, labels: &Labels) -> Mutes {
        let inhibitor = self.inhibitor.get_or_init(|| {
            let mut inhibitor = Inhibitor::new(self.config.inhibit_rules.clone());
            for known in self.alerts() {
                inhibitor.see(&known.alert);
            }
            inhibitor
        });
        Mutes::of(labels, &self.silences, inhibitor, self.at_ms)
    }
}
