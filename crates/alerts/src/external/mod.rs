//! Other Alertmanagers that are told about alerts: one queue and one task for each, so that a slow one delays nobody.
//!
//! Who they are is found elsewhere and handed in as [`Target`]s. An alert that one of them does not take is not tried again: whoever has found it says it again every
//! minute while it fires, and for a quarter of an hour after it is over.

mod sender;
mod target;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bellwether_model::Alert;
use bellwether_outbound::HttpClient;
use bellwether_relabel::Rules;
use parking_lot::Mutex;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::sender::SenderStatus;
use self::sender::{Queue, run};
pub use self::target::{Found, Target, TargetRules};

/// Alertmanagers that are asked in the same way: an element of `alertmanagers`.
#[derive(Debug, Clone)]
pub struct Section {
    /// The number of the same section in what was applied before, if there was one: it goes on, with what waits.
    pub before: Option<usize>,
    /// What happens to the labels of alerts on their way.
    pub alert_relabel: Rules,
    /// What sends the requests.
    pub client: HttpClient,
    /// How long a request may take.
    pub timeout: Duration,
}

/// Other Alertmanagers. A clone is the same ones.
#[derive(Clone, Default)]
pub struct ExternalAlertmanagers(Arc<Shared>);

#[derive(Default)]
struct Shared {
    sections: Mutex<Vec<Running>>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

struct Running {
    section: Section,
    /// By address.
    queues: BTreeMap<String, Arc<Queue>>,
    dropped: Vec<String>,
}

impl ExternalAlertmanagers {
    /// Makes these sections those that are told. They have no targets before [`set_targets`](Self::set_targets), unless they were there before.
    pub fn apply(&self, sections: Vec<Section>) {
        let mut running = self.0.sections.lock();
        let mut before: Vec<Option<Running>> = running.drain(..).map(Some).collect();
        for section in sections {
            let same = section.before.and_then(|place| before.get_mut(place)?.take());
            running.push(same.unwrap_or(Running { section, queues: BTreeMap::new(), dropped: Vec::new() }));
        }
        for queue in before.iter().flatten().flat_map(|old| old.queues.values()) {
            queue.close();
        }
    }

    /// Makes these Alertmanagers those of a section, by its number. Must be called on a thread of tokio.
    pub fn set_targets(&self, section: usize, found: Found) {
        let mut sections = self.0.sections.lock();
        // The sections may have changed while somebody looked for targets.
        let Some(running) = sections.get_mut(section) else { return };
        let mut before = std::mem::take(&mut running.queues);
        for target in found.targets {
            let address = target.url.to_string();
            let queue = before.remove(&address).unwrap_or_else(|| self.start(&running.section, target));
            running.queues.insert(address, queue);
        }
        running.dropped = found.dropped;
        for queue in before.values() {
            queue.close();
        }
    }

    fn start(&self, section: &Section, target: Target) -> Arc<Queue> {
        let queue = Arc::new(Queue::new(target));
        let sending = run(Arc::clone(&queue), section.client.clone(), section.timeout, self.0.stop.clone());
        self.0.tasks.spawn(sending);
        queue
    }

    /// Lets all Alertmanagers know, soon.
    pub fn send(&self, alerts: &[Alert]) {
        for running in self.0.sections.lock().iter().filter(|running| !running.queues.is_empty()) {
            let alerts = relabelled(alerts, &running.section.alert_relabel);
            for queue in running.queues.values() {
                queue.push(&alerts);
            }
        }
    }

    /// How each of them fares, by section and address.
    pub fn status(&self) -> Vec<SenderStatus> {
        let sections = self.0.sections.lock();
        sections.iter().flat_map(|running| running.queues.values()).map(|queue| queue.status()).collect()
    }

    /// The addresses of those that relabelling leaves out.
    pub fn dropped(&self) -> Vec<String> {
        self.0.sections.lock().iter().flat_map(|running| running.dropped.clone()).collect()
    }

    /// Sends what waits and ends. Returns whether all was sent by the deadline.
    pub async fn shutdown(&self, deadline: Instant) -> bool {
        for queue in self.0.sections.lock().iter().flat_map(|running| running.queues.values()) {
            queue.close();
        }
        self.0.tasks.close();
        let is_done = timeout_at(deadline, self.0.tasks.wait()).await.is_ok();
        self.0.stop.cancel();
        is_done
    }
}

/// The alerts with the labels that rules give them; those that the rules drop are left out.
pub fn relabelled(alerts: &[Alert], rules: &Rules) -> Vec<Alert> {
    if rules.is_empty() {
        return alerts.to_vec();
    }
    let relabel = |alert: &Alert| Some(Alert { labels: rules.relabel(&alert.labels)?, ..alert.clone() });
    alerts.iter().filter_map(relabel).collect()
}
