//! How telling receivers goes.

use std::collections::BTreeMap;

use bellwether_state::{StateError, StateStore};
use parking_lot::Mutex;

use super::notifications::{
    self, NotificationKind, NotificationQuery, NotificationRecord, NotificationStatus,
};
use crate::config::{Config, IntegrationId, IntegrationKind};
use crate::router::LogKey;
use crate::send::{Circuit, FailureReason};
use crate::way_out::WayOut;

/// So many of the last notifications to a receiver are looked at for how telling it went before the program started.
const RECALLED_MAX: usize = 10;

/// A receiver of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiverStatus {
    /// Its name.
    pub name: String,
    /// The ways in which it is told.
    pub integrations: Vec<IntegrationStatus>,
}

/// A way in which a receiver is told, and how that went. The counts begin with the program, the times and the error may come from the log of notifications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntegrationStatus {
    /// The name of its kind.
    pub kind: &'static str,
    /// Which of that kind it is in the receiver, counted from 0.
    pub index: usize,
    /// Whether anything is sent at all.
    pub supported: bool,
    /// Whether it is told that alerts are over.
    pub send_resolved: bool,
    /// When a notification was taken last, in milliseconds since the Unix epoch.
    pub last_success_ms: Option<i64>,
    /// When one was not.
    pub last_failure_ms: Option<i64>,
    /// Why; empty if none ever failed.
    pub last_error: String,
    /// How many notifications were taken.
    pub sent: u64,
    /// How many were not, by the reason.
    pub failed: BTreeMap<FailureReason, u64>,
    /// Whether messages go to the service now.
    pub circuit: Circuit,
}

/// All receivers of the configuration.
pub(super) struct Receivers(Mutex<Vec<ReceiverStatus>>);

impl Receivers {
    pub(super) fn new(config: &Config) -> Self {
        Self(Mutex::new(statuses(config)))
    }

    /// Goes on with the receivers of another configuration. Those that stay keep their counts.
    pub(super) fn set_config(&self, config: &Config) {
        let mut statuses = statuses(config);
        let mut current = self.0.lock();
        let old: BTreeMap<(&str, &str, usize), &IntegrationStatus> = current
            .iter()
            .flat_map(|receiver| {
                receiver.integrations.iter().map(|it| ((receiver.name.as_str(), it.kind, it.index), it))
            })
            .collect();
        for receiver in &mut statuses {
            for integration in &mut receiver.integrations {
                if let Some(old) = old.get(&(receiver.name.as_str(), integration.kind, integration.index)) {
                    let send_resolved = integration.send_resolved;
                    *integration = IntegrationStatus { send_resolved, ..(*old).clone() };
                }
            }
        }
        *current = statuses;
    }

    pub(super) fn status(&self, way_out: &WayOut) -> Vec<ReceiverStatus> {
        let mut receivers = self.0.lock().clone();
        for ReceiverStatus { name, integrations } in &mut receivers {
            for integration in integrations {
                let circuit = way_out.circuit(name, integration.kind, integration.index);
                integration.circuit = circuit.unwrap_or(Circuit::Closed);
            }
        }
        receivers
    }

    /// Takes note of a notification to an integration.
    pub(super) fn note(&self, key: &LogKey, record: &NotificationRecord, failure: Option<FailureReason>) {
        let mut receivers = self.0.lock();
        let receiver = receivers.iter_mut().find(|receiver| receiver.name == key.receiver);
        let mut integrations = receiver.into_iter().flat_map(|receiver| &mut receiver.integrations);
        let Some(status) = integrations.find(|it| it.is(&key.integration)) else { return };
        if record.status == NotificationStatus::Sent {
            status.sent += 1;
        }
        if let Some(reason) = failure {
            *status.failed.entry(reason).or_default() += 1;
        }
        status.remember(record);
    }

    /// Learns from the log how telling went last before the program started.
    pub(super) fn recall(&self, state: &StateStore) -> Result<(), StateError> {
        for receiver in self.0.lock().iter_mut().filter(|receiver| !receiver.integrations.is_empty()) {
            let query = NotificationQuery {
                kind: Some(NotificationKind::Alert),
                receiver: Some(receiver.name.clone()),
                limit: RECALLED_MAX,
                ..NotificationQuery::default()
            };
            // The newest counts, so it comes last.
            for record in notifications::find(state, &query)?.records.iter().rev() {
                let mut integrations = receiver.integrations.iter_mut();
                if let Some(status) = integrations.find(|it| it.name() == record.integration) {
                    status.remember(record);
                }
            }
        }
        Ok(())
    }
}

impl IntegrationStatus {
    /// As in the log of notifications.
    fn name(&self) -> String {
        IntegrationId { kind: self.kind.into(), nth: self.index }.to_string()
    }

    fn is(&self, id: &IntegrationId) -> bool {
        self.kind == id.kind && self.index == id.nth
    }

    fn remember(&mut self, record: &NotificationRecord) {
        match record.status {
            NotificationStatus::Sent => self.last_success_ms = Some(record.at_ms),
            NotificationStatus::Failed => {
                self.last_failure_ms = Some(record.at_ms);
                self.last_error.clone_from(&record.error);
            }
            NotificationStatus::Skipped => {}
        }
    }
}

fn statuses(config: &Config) -> Vec<ReceiverStatus> {
    let receivers = config.receivers.iter().map(|receiver| {
        let integrations = receiver.integrations_by_id().map(|(id, integration)| IntegrationStatus {
            kind: integration.kind.name(),
            index: id.nth,
            supported: !matches!(integration.kind, IntegrationKind::Foreign(_)),
            send_resolved: integration.common.send_resolved,
            last_success_ms: None,
            last_failure_ms: None,
            last_error: String::new(),
            sent: 0,
            failed: BTreeMap::new(),
            circuit: Circuit::Closed,
        });
        ReceiverStatus { name: receiver.name.clone(), integrations: integrations.collect() }
    });
    receivers.collect()
}
