//! Running a router: time passes, messages go out, and what another run has to know is kept.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bellwether_model::{Alert, Clock};
use bellwether_outbound::ClientOptions;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::TaskTracker;

use crate::config::Config;
use crate::failing::{self, Failing, FailingReceiver, News};
use crate::message::{Notification, Templates};
use crate::notification::{Data, Kv};
use crate::router::{Changes, Delivery, DeliveryId, Due, Router, Skipped};
use crate::send::Backoff;
use crate::way_out::{DeliveryError, Told, UnusableIntegration, WayOut};

/// Even if nothing is due the clock is looked at so often: it may have been set.
const LOOK_EVERY: Duration = Duration::from_mins(1);
/// What could not be kept is tried again after this time.
const KEEP_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// People are told at the latest after this time, whether or not what they are told is kept by then.
const KEEP_BEFORE_TELLING_MAX: Duration = Duration::from_secs(2);
/// After so many alerts, or groups that are due, others may look at the router in between.
const AT_ONCE_MAX: usize = 500;

/// Who keeps what another run has to know.
pub trait Keeper: Send + Sync {
    /// Keeps what has changed, all of it or nothing. It is durable when this returns, which may block; if not, the same changes come again.
    fn keep(&self, changes: &Changes) -> Result<(), Box<dyn std::error::Error + Send + Sync>>;

    /// How a delivery ended.
    fn ended(&self, delivery: &Delivery, told: &Told);

    /// Nobody was told, and that is in order.
    fn skipped(&self, skipped: &Skipped);

    /// What is known of a receiver that fails has changed. To be kept soon.
    fn failing(&self, receiver: &FailingReceiver);
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
}

/// A router that runs. It stops when this is dropped, which blocks until all changes are kept.
pub struct Runner {
    shared: Arc<Shared>,
    tasks: [JoinHandle<()>; 2],
}

struct Shared {
    router: Mutex<Router>,
    way_out: Mutex<Arc<WayOut>>,
    /// Deliveries that are under way.
    under_way: Mutex<BTreeMap<DeliveryId, UnderWay>>,
    /// Their tasks, until all is noted. Nothing more begins once it is closed.
    tasks: TaskTracker,
    changed: Notify,
    /// There may be changes that nobody keeps yet.
    unkept: Notify,
    /// Whose turn it is to keep changes. They are taken from the router and kept in one turn, so that none overtakes an earlier one.
    keeping: Mutex<()>,
    /// The same for tasks, so that only one of them blocks a thread, even if nobody waits for it any more.
    turn: Arc<tokio::sync::Mutex<()>>,
    keeper: Arc<dyn Keeper>,
    failing: Failing,
    surroundings: Surroundings,
}

/// What a delivery is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    /// A group of alerts.
    Group,
    /// A receiver that cannot be told. If others cannot be told that, nobody is told of it.
    Receiver,
}

struct UnderWay {
    delivery: Arc<Delivery>,
    task: AbortHandle,
}

impl Runner {
    /// Starts a router, in a runtime of tokio. `failing` are receivers that could not be told something in another run. Certificates are read now, which blocks.
    pub fn start(
        router: Router,
        failing: Vec<FailingReceiver>,
        templates: Templates,
        surroundings: Surroundings,
        keeper: Arc<dyn Keeper>,
    ) -> Result<Self, UnusableIntegration> {
        let way_out = WayOut::new(router.config(), templates, &surroundings.client, surroundings.backoff)?;
        let shared = Arc::new(Shared {
            router: Mutex::new(router),
            way_out: Mutex::new(Arc::new(way_out)),
            under_way: Mutex::default(),
            tasks: TaskTracker::new(),
            changed: Notify::new(),
            unkept: Notify::new(),
            keeping: Mutex::default(),
            turn: Arc::default(),
            keeper,
            failing: Failing::new(failing),
            surroundings,
        });
        let tasks = [tokio::spawn(Arc::clone(&shared).run()), tokio::spawn(Arc::clone(&shared).keep_on())];
        shared.tell_of_removed();
        Ok(Self { shared, tasks })
    }

    /// Takes alerts. Returns how many were refused of each name, because there may be no more.
    pub fn insert(&self, alerts: impl IntoIterator<Item = Alert>) -> BTreeMap<String, usize> {
        let mut alerts = alerts.into_iter().peekable();
        let mut refused = BTreeMap::new();
        while alerts.peek().is_some() {
            let some = alerts.by_ref().take(AT_ONCE_MAX);
            for (name, n) in self.change(|router, now_ms| router.insert(some, now_ms)) {
                *refused.entry(name).or_default() += n;
            }
        }
        refused
    }

    /// Looks at the router, at the time that it is.
    pub fn read<T>(&self, look: impl FnOnce(&Router, i64) -> T) -> T {
        look(&self.shared.router.lock(), self.shared.surroundings.clock.now_ms())
    }

    /// Changes something in the router, and does at once what is due because of it.
    pub fn change<T>(&self, change: impl FnOnce(&mut Router, i64) -> T) -> T {
        let done = change(&mut self.shared.router.lock(), self.shared.surroundings.clock.now_ms());
        self.shared.changed.notify_one();
        self.shared.unkept.notify_one();
        done
    }

    /// Begins to tell nobody any more, and waits until those have been told who are being told, for `patience` at most; the next run tells the others. What has changed is kept.
    pub async fn stop(&self, patience: Duration) {
        {
            let _nothing_begins = self.shared.under_way.lock();
            self.shared.tasks.close();
        }
        let [run, _] = &self.tasks;
        run.abort();
        // Whoever hangs is told by the next run.
        let _ = timeout(patience, self.shared.tasks.wait()).await;
        self.shared.router.lock().settle();
        self.shared.keep().await;
    }

    /// What makes and sends messages.
    pub fn way_out(&self) -> Arc<WayOut> {
        Arc::clone(&self.shared.way_out.lock())
    }

    /// Goes on with another configuration. If it cannot be used all stays as it is.
    pub fn set_config(&self, config: Arc<Config>, templates: Templates) -> Result<(), UnusableIntegration> {
        let surroundings = &self.shared.surroundings;
        let way_out = WayOut::new(&config, templates, &surroundings.client, surroundings.backoff)?;
        let way_out = way_out.continuing(&self.way_out());
        *self.shared.way_out.lock() = Arc::new(way_out);
        let orphans = self.change(|router, now_ms| router.set_config(config, now_ms));
        self.shared.give_up(&orphans);
        self.shared.tell_of_removed();
        Ok(())
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
        for (_, under_way) in std::mem::take(&mut *self.shared.under_way.lock()) {
            under_way.task.abort();
        }
        self.shared.router.lock().settle();
        if let Err(error) = self.shared.keep_now() {
            tracing::error!(%error, "the last changes of the alert router are not kept");
        }
    }
}

impl Shared {
    async fn run(self: Arc<Self>) {
        loop {
            let now_ms = self.surroundings.clock.now_ms();
            let (due, wake_ms) = self.look(now_ms);
            self.act(due).await;
            let wait_ms = wake_ms.map(|wake| u64::try_from(wake - now_ms).unwrap_or(0));
            let wait = wait_ms.map_or(LOOK_EVERY, Duration::from_millis).min(LOOK_EVERY);
            tokio::select! {
                () = self.changed.notified() => {}
                () = sleep(wait) => {}
            }
        }
    }

    /// What is due, and when there is more.
    fn look(&self, now_ms: i64) -> (Due, Option<i64>) {
        let mut due = Due::default();
        let mut router = self.router.lock();
        while !router.poll_some(now_ms, AT_ONCE_MAX, &mut due) {
            MutexGuard::bump(&mut router);
        }
        (due, router.next_wake_ms())
    }

    async fn act(self: &Arc<Self>, due: Due) {
        self.give_up(&due.superseded);
        for skipped in &due.skipped {
            self.keeper.skipped(skipped);
        }
        if !due.deliveries.is_empty() {
            // Nobody is told of an alert whose end another run could not tell, because it knows nothing of it. A disk that does not answer keeps nothing from people.
            let _ = timeout(KEEP_BEFORE_TELLING_MAX, self.keep()).await;
        }
        for delivery in due.deliveries {
            // Another configuration may have come meanwhile.
            if self.router.lock().awaits(delivery.id) {
                self.begin(delivery, About::Group);
            }
        }
        self.unkept.notify_one();
    }

    /// Keeps changes soon after there are some.
    async fn keep_on(self: Arc<Self>) {
        loop {
            self.unkept.notified().await;
            while !self.keep().await {
                sleep(KEEP_AGAIN_AFTER).await;
            }
        }
    }

    /// Keeps the changes that there are by now. Whether that went well; if not they are not forgotten.
    async fn keep(self: &Arc<Self>) -> bool {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let shared = Arc::clone(self);
        let keep = move || {
            let _turn = turn;
            shared.keep_now()
        };
        match tokio::task::spawn_blocking(keep).await {
            Ok(Err(error)) => {
                tracing::error!(%error, "changes of the alert router are not kept yet");
                false
            }
            // Or the runtime ends, and whoever drops the runner keeps the rest.
            Ok(Ok(())) | Err(_) => true,
        }
    }

    fn keep_now(&self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let _turn = self.keeping.lock();
        loop {
            let changes = self.router.lock().take_changes();
            if changes.is_empty() {
                return Ok(());
            }
            if let Err(error) = self.keeper.keep(&changes) {
                self.router.lock().put_back(changes);
                return Err(error);
            }
            if !changes.has_more {
                return Ok(());
            }
        }
    }

    /// Deliveries that something newer replaces.
    fn give_up(&self, deliveries: &[DeliveryId]) {
        let given_up: Vec<UnderWay> = {
            let mut under_way = self.under_way.lock();
            deliveries.iter().filter_map(|id| under_way.remove(id)).collect()
        };
        for UnderWay { delivery, task } in given_up {
            task.abort();
            let result = Err(DeliveryError::Superseded);
            self.keeper.ended(&delivery, &Told { messages: Vec::new(), attempts: 0, result });
        }
    }

    /// Each delivery is a task of its own: whoever hangs delays nobody.
    fn begin(self: &Arc<Self>, delivery: Delivery, about: About) {
        let (delivery, shared) = (Arc::new(delivery), Arc::clone(self));
        // Locked until the handle is there, so that the task cannot end before.
        let mut under_way = self.under_way.lock();
        if self.tasks.is_closed() {
            return;
        }
        let of_task = Arc::clone(&delivery);
        let task = self.tasks.spawn(async move { shared.deliver(&of_task, about).await }).abort_handle();
        under_way.insert(delivery.id, UnderWay { delivery, task });
    }

    async fn deliver(self: &Arc<Self>, delivery: &Delivery, about: About) {
        let told = self.tell(delivery).await;
        let now_ms = self.surroundings.clock.now_ms();
        {
            // Whoever takes changes finds that somebody was told as soon as this is not under way any more.
            let mut router = self.router.lock();
            if self.under_way.lock().remove(&delivery.id).is_none() {
                return;
            }
            match &told.result {
                Ok(posted) => {
                    router.delivered(delivery.id, posted.clone(), now_ms);
                }
                Err(_) => router.failed(delivery.id, now_ms),
            }
        }
        // What was told is durable before anybody can see that it was.
        if !self.keep().await {
            self.unkept.notify_one();
        }
        self.keeper.ended(delivery, &told);
        self.changed.notify_one();
        if about == About::Group {
            self.tell_others(delivery, told.result.as_ref().err().map(ToString::to_string), now_ms);
        }
    }

    /// Tells the other receivers that one of them fails, or does so no more.
    fn tell_others(self: &Arc<Self>, delivery: &Delivery, error: Option<String>, now_ms: i64) {
        let news = match error {
            Some(error) => {
                let config = Arc::clone(self.router.lock().config());
                self.failing.failed(delivery, &error, &config, now_ms)
            }
            None => self.failing.went_well(delivery, now_ms),
        };
        self.spread(news, now_ms);
    }

    /// Tells those who are left of receivers that failed and are not there any more.
    fn tell_of_removed(self: &Arc<Self>) {
        let now_ms = self.surroundings.clock.now_ms();
        let config = Arc::clone(self.router.lock().config());
        self.spread(self.failing.removed(&config, now_ms), now_ms);
    }

    fn spread(self: &Arc<Self>, news: impl IntoIterator<Item = News>, now_ms: i64) {
        for news in news {
            self.keeper.failing(&news.about);
            let deliveries = {
                let mut router = self.router.lock();
                if !router.config().extensions.tell_failures {
                    continue;
                }
                failing::to_others(&mut router, &news, now_ms)
            };
            for delivery in deliveries {
                self.begin(delivery, About::Receiver);
            }
        }
    }

    async fn tell(&self, delivery: &Delivery) -> Told {
        let way_out = Arc::clone(&self.way_out.lock());
        let now_ms = self.surroundings.clock.now_ms();
        let group = delivery.group_labels.iter();
        let group = Kv(group.map(|label| (label.name.to_owned(), label.value.to_owned())).collect());
        let external_url = &self.surroundings.external_url;
        let mut data = Data::new(&delivery.to.receiver, group, &delivery.alerts, external_url, now_ms);
        data.truncated_alerts = delivery.more_alerts;
        data.route_labels = Some(Kv(delivery.route_labels.iter().cloned().collect()));
        let notification = Notification {
            data: Arc::new(data),
            group_key: &delivery.to.group_key,
            idempotency_key: &delivery.idempotency_key,
            reason: delivery.reason,
            templates: way_out.templates(),
            posted: delivery.posted.clone(),
        };
        let left_ms = u64::try_from(delivery.deadline_ms - now_ms).unwrap_or(0);
        let deadline = Instant::now() + Duration::from_millis(left_ms);
        let to = (delivery.to.receiver.as_str(), &delivery.to.integration);
        way_out.tell(to, &notification, delivery.since_ms, deadline, jitter).await
    }
}

/// A number from 0 to 1 that others do not have at the same time.
fn jitter() -> f64 {
    use std::hash::{BuildHasher as _, RandomState};

    let random = RandomState::new().hash_one(0_u8);
    random as f64 / u64::MAX as f64
}
