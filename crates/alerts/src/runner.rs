//! Running a router: time passes, messages go out, and what was told is kept.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bellwether_model::{Alert, Clock};
use bellwether_outbound::{ClientConfigError, ClientOptions};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::{Instant, sleep};

use crate::config::Config;
use crate::dedup::LogEntry;
use crate::message::{Notification, Posted, Templates};
use crate::notification::{Data, Kv};
use crate::router::{Delivery, DeliveryId, LogKey, Router};
use crate::send::Backoff;
use crate::way_out::{Told, WayOut};

/// Even if nothing is due the clock is looked at so often: it may have been set.
const LOOK_EVERY: Duration = Duration::from_mins(1);

/// What the world is told of a runner's work.
pub trait Keeper: Send + Sync {
    /// Somebody has been told, or it was noted that they need not be. To be kept before this returns, so that another run does not tell it again.
    fn told(&self, key: &LogKey, entry: &LogEntry);

    /// How a delivery ended.
    fn ended(&self, delivery: &Delivery, told: &Told);

    /// The message that a group has in a service, as it was kept last.
    fn posted(&self, key: &LogKey) -> Option<Posted>;

    /// Keeps the message that a group has in a service; `None` if it has none any more.
    fn keep_posted(&self, key: &LogKey, posted: Option<&Posted>);
}

/// What a runner needs besides a router.
#[derive(Clone)]
pub struct Surroundings {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The URL under which people reach the server, without a slash at its end.
    pub external_url: String,
    /// What all requests have in common.
    pub client: ClientOptions,
    /// How long to wait before something is tried again.
    pub backoff: Backoff,
    /// Who keeps what was told.
    pub keeper: Arc<dyn Keeper>,
}

/// A router that runs. It stops when this is dropped.
pub struct Runner {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    router: Mutex<Router>,
    way_out: Mutex<Arc<WayOut>>,
    /// Deliveries that are under way.
    under_way: Mutex<BTreeMap<DeliveryId, AbortHandle>>,
    changed: Notify,
    surroundings: Surroundings,
}

impl Runner {
    /// Starts a router, in a runtime of tokio. Certificates are read now, which blocks.
    pub fn start(
        router: Router,
        templates: Templates,
        surroundings: Surroundings,
    ) -> Result<Self, ClientConfigError> {
        let way_out = WayOut::new(router.config(), templates, &surroundings.client, surroundings.backoff)?;
        let shared = Arc::new(Shared {
            router: Mutex::new(router),
            way_out: Mutex::new(Arc::new(way_out)),
            under_way: Mutex::default(),
            changed: Notify::new(),
            surroundings,
        });
        let task = tokio::spawn(Arc::clone(&shared).run());
        Ok(Self { shared, task })
    }

    /// Takes alerts.
    pub fn insert(&self, alerts: impl IntoIterator<Item = Alert>) {
        self.change(|router, now_ms| router.insert(alerts, now_ms));
    }

    /// Looks at the router, at the time that it is.
    pub fn read<T>(&self, look: impl FnOnce(&Router, i64) -> T) -> T {
        look(&self.shared.router.lock(), self.shared.surroundings.clock.now_ms())
    }

    /// Changes something in the router, and does at once what is due because of it.
    pub fn change<T>(&self, change: impl FnOnce(&mut Router, i64) -> T) -> T {
        let done = change(&mut self.shared.router.lock(), self.shared.surroundings.clock.now_ms());
        self.shared.changed.notify_one();
        done
    }

    /// Goes on with another configuration. If it cannot be used all stays as it is.
    pub fn set_config(&self, config: Arc<Config>, templates: Templates) -> Result<(), ClientConfigError> {
        let surroundings = &self.shared.surroundings;
        let way_out = WayOut::new(&config, templates, &surroundings.client, surroundings.backoff)?;
        *self.shared.way_out.lock() = Arc::new(way_out);
        let orphans = self.change(|router, now_ms| router.set_config(config, now_ms));
        self.shared.give_up(&orphans);
        Ok(())
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.task.abort();
        for (_, delivery) in std::mem::take(&mut *self.shared.under_way.lock()) {
            delivery.abort();
        }
    }
}

impl Shared {
    async fn run(self: Arc<Self>) {
        loop {
            let now_ms = self.surroundings.clock.now_ms();
            let (due, wake_ms) = {
                let mut router = self.router.lock();
                let due = router.poll(now_ms);
                (due, router.next_wake_ms())
            };
            self.give_up(&due.superseded);
            for (key, entry) in &due.noted {
                self.surroundings.keeper.told(key, entry);
            }
            for delivery in due.deliveries {
                self.begin(delivery);
            }
            let wait_ms = wake_ms.map(|wake| u64::try_from(wake - now_ms).unwrap_or(0));
            let wait = wait_ms.map_or(LOOK_EVERY, Duration::from_millis).min(LOOK_EVERY);
            tokio::select! {
                () = self.changed.notified() => {}
                () = sleep(wait) => {}
            }
        }
    }

    /// Deliveries that something newer replaces.
    fn give_up(&self, deliveries: &[DeliveryId]) {
        let mut under_way = self.under_way.lock();
        for delivery in deliveries.iter().filter_map(|id| under_way.remove(id)) {
            delivery.abort();
        }
    }

    /// Each delivery is a task of its own: whoever hangs delays nobody.
    fn begin(self: &Arc<Self>, delivery: Delivery) {
        let (id, shared) = (delivery.id, Arc::clone(self));
        // Locked until the handle is there, so that the task cannot end before.
        let mut under_way = self.under_way.lock();
        let task = tokio::spawn(async move { shared.deliver(delivery).await });
        under_way.insert(id, task.abort_handle());
    }

    async fn deliver(&self, delivery: Delivery) {
        let told = self.tell(&delivery).await;
        if self.under_way.lock().remove(&delivery.id).is_none() {
            return;
        }
        let now_ms = self.surroundings.clock.now_ms();
        match &told.result {
            Ok(_) => {
                let told = self.router.lock().delivered(delivery.id, now_ms);
                if let Some((key, entry)) = told {
                    self.surroundings.keeper.told(&key, &entry);
                }
            }
            Err(_) => self.router.lock().failed(delivery.id, now_ms),
        }
        self.surroundings.keeper.ended(&delivery, &told);
        self.changed.notify_one();
    }

    async fn tell(&self, delivery: &Delivery) -> Told {
        let way_out = Arc::clone(&self.way_out.lock());
        let now_ms = self.surroundings.clock.now_ms();
        let group = delivery.group_labels.iter();
        let group = Kv(group.map(|label| (label.name.to_owned(), label.value.to_owned())).collect());
        let external_url = &self.surroundings.external_url;
        let mut data = Data::new(&delivery.to.receiver, group, &delivery.alerts, external_url, now_ms);
        data.route_labels = Some(Kv(delivery.route_labels.iter().cloned().collect()));
        let keeper = &self.surroundings.keeper;
        let before = keeper.posted(&delivery.to);
        let notification = Notification {
            data: Arc::new(data),
            group_key: &delivery.to.group_key,
            reason: delivery.reason,
            templates: way_out.templates(),
            posted: before.clone(),
        };
        let left_ms = u64::try_from(delivery.deadline_ms - now_ms).unwrap_or(0);
        let deadline = Instant::now() + Duration::from_millis(left_ms);
        let to = (delivery.to.receiver.as_str(), delivery.to.integration);
        let told = way_out.tell(to, &notification, deadline, jitter).await;
        if let Ok(after) = &told.result
            && *after != before
        {
            keeper.keep_posted(&delivery.to, after.as_ref());
        }
        told
    }
}

/// A number from 0 to 1 that others do not have at the same time.
fn jitter() -> f64 {
    use std::hash::{BuildHasher as _, RandomState};

    let random = RandomState::new().hash_one(0_u8);
    random as f64 / u64::MAX as f64
}
