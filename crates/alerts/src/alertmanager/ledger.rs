//! Who keeps what a router does.

use std::sync::Arc;

use bellwether_model::{Alert, Clock};
use bellwether_state::{Change, StateError, StateStore, VALUE_BYTES_MAX, WRITE_BYTES_MAX};

use super::notifications::{self, NotificationRecord};
use super::receivers::Receivers;
use super::{ReceiverStatus, kept};
use crate::config::Config;
use crate::failing::FailingReceiver;
use crate::router::{Changes, Delivery, LogKey, Skipped};
use crate::runner::Keeper;
use crate::send::FailureReason;
use crate::test_message::TestResult;
use crate::way_out::{DeliveryError, Told, WayOut};

/// The books: what another run has to know, and what has been told.
pub(super) struct Ledger {
    state: StateStore,
    clock: Arc<dyn Clock>,
    receivers: Receivers,
}

impl Ledger {
    pub(super) fn new(config: &Config, state: StateStore, clock: Arc<dyn Clock>) -> Result<Self, StateError> {
        let receivers = Receivers::new(config);
        receivers.recall(&state)?;
        Ok(Self { state, clock, receivers })
    }

    pub(super) fn set_config(&self, config: &Config) {
        self.receivers.set_config(config);
    }

    pub(super) fn receivers(&self, way_out: &WayOut) -> Vec<ReceiverStatus> {
        self.receivers.status(way_out)
    }

    /// What is done every now and then.
    pub(super) fn keep_house(&self) {
        let now_ms = self.clock.now_ms();
        self.state.queue(vec![kept::alive(now_ms)]);
        if let Err(error) = notifications::forget(&self.state, now_ms) {
            tracing::warn!(%error, "old notifications are not forgotten");
        }
    }

    /// Takes note of a test message, by integrations. It says nothing about how alerts are told.
    pub(super) fn tested(&self, receiver: &str, alert: &Alert, results: &[TestResult], asked_by: &str) {
        let now_ms = self.clock.now_ms();
        let record = |result| notifications::of_test(receiver, alert, result, asked_by, now_ms);
        let events = results.iter().map(|result| Change::Event(notifications::event(&record(result))));
        self.state.offer(events.collect());
    }

    fn record(&self, to: &LogKey, record: &NotificationRecord, failure: Option<FailureReason>) {
        self.receivers.note(to, record, failure);
        // A disk that hangs must not keep people from being told.
        self.state.offer(vec![Change::Event(notifications::event(record))]);
    }
}

impl Keeper for Ledger {
    fn keep(&self, changes: &Changes) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let mut all = vec![kept::alive(self.clock.now_ms())];
        all.extend(changes.log.iter().map(|(key, entry)| kept::entry(key, entry.as_ref())));
        all.extend(changes.unsure.iter().map(|(key, firing)| kept::unsure(key, firing.as_ref())));
        all.extend(changes.groups.iter().map(|(id, clock)| kept::group(id, *clock)));
        all.extend(changes.alerts.iter().map(|(id, known)| kept::alert(*id, known.as_ref())));
        all.extend(changes.forgotten_silences.iter().map(|id| kept::no_silence(*id)));
        for part in parts(all) {
            self.state.write(part)?;
        }
        Ok(())
    }

    fn ended(&self, delivery: &Delivery, told: &Told) {
        let now_ms = self.clock.now_ms();
        let failure = told.result.as_ref().err().map(DeliveryError::reason);
        self.record(&delivery.to, &notifications::of(delivery, told, now_ms), failure);
    }

    fn skipped(&self, skipped: &Skipped) {
        let now_ms = self.clock.now_ms();
        self.record(&skipped.delivery.to, &notifications::of_skipped(skipped, now_ms), None);
    }

    fn failing(&self, receiver: &FailingReceiver) {
        self.state.offer(vec![kept::failing(receiver)]);
    }
}

/// Changes in parts that may be written at once; usually it is one. What has been told comes first, so that a part without the next one forgets no alert of which nobody knows.
fn parts(changes: Vec<Change>) -> Vec<Vec<Change>> {
    let mut parts = Vec::new();
    let (mut part, mut bytes) = (Vec::new(), 0);
    for change in changes {
        let size = change.bytes();
        if size > VALUE_BYTES_MAX {
            tracing::error!(
                bytes = size,
                limit = VALUE_BYTES_MAX,
                "something of the alert router is too large to be kept"
            );
            continue;
        }
        if bytes + size > WRITE_BYTES_MAX {
            parts.push(std::mem::take(&mut part));
            bytes = 0;
        }
        bytes += size;
        part.push(change);
    }
    parts.push(part);
    parts
}
