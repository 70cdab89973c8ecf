//! The router as the program and its API hold it: it runs, and what it knows survives.

mod kept;
mod ledger;
mod notifications;
mod receivers;
mod restore;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bellwether_model::{Alert, Clock};
use bellwether_state::{StateError, StateStore};
use parking_lot::Mutex;
use tokio::task::JoinHandle;
use tokio::time::sleep;

pub use notifications::{
    NOTIFICATIONS_RETENTION_MS, NotificationKind, NotificationQuery, NotificationRecord, NotificationStatus,
    Notifications, ToldAlert,
};
pub use receivers::{IntegrationStatus, ReceiverStatus};

use crate::config::Config;
use crate::message::Templates;
use crate::router::{Router, Snapshot};
use crate::runner::{Keeper, Runner, Surroundings};
use crate::silence::{Silence, SilenceError, SilenceId, SilenceSpec};
use crate::test_message::{self, TestResult, UnknownReceiver};
use crate::way_out::UnusableIntegration;
use ledger::Ledger;

/// So often it is written down that the program runs, and what is old is forgotten.
const HOUSEKEEPING_EVERY: Duration = Duration::from_mins(1);

/// A router that runs, and all that it has to know after a restart. Clones are the same one; it stops when the last one is dropped.
#[derive(Clone)]
pub struct Alertmanager(Arc<Inner>);

struct Inner {
    runner: Runner,
    state: StateStore,
    clock: Arc<dyn Clock>,
    external_url: String,
    ledger: Arc<Ledger>,
    /// Silences are changed one after the other: what is planned is kept, and only then holds.
    changing_silences: Mutex<()>,
    received: Received,
    housekeeping: JoinHandle<()>,
}

/// Alerts that were taken since the program started, whoever found them.
#[derive(Debug, Default)]
pub struct Received {
    firing: AtomicU64,
    resolved: AtomicU64,
}

impl Received {
    fn count(&self, alerts: &[Alert], now_ms: i64) {
        let n_resolved = alerts.iter().filter(|alert| alert.is_resolved(now_ms)).count();
        self.firing.fetch_add((alerts.len() - n_resolved) as u64, Ordering::Relaxed);
        self.resolved.fetch_add(n_resolved as u64, Ordering::Relaxed);
    }

    /// Those that fired when they came.
    pub fn firing(&self) -> u64 {
        self.firing.load(Ordering::Relaxed)
    }

    /// Those that were over.
    pub fn resolved(&self) -> u64 {
        self.resolved.load(Ordering::Relaxed)
    }
}

/// Why a router does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// What it knew cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// A receiver cannot be told anything.
    #[error(transparent)]
    Integration(#[from] UnusableIntegration),
}

/// Why a silence does not hold, or still does.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeSilenceError {
    /// It is refused.
    #[error(transparent)]
    Refused(#[from] SilenceError),
    /// It cannot be kept.
    #[error(transparent)]
    State(#[from] StateError),
}

impl Alertmanager {
    /// Starts a router with all that is known of the last run: silences, alerts, what has been told, and when groups are looked at. In a runtime of tokio; reads files, so it blocks.
    pub fn start(
        config: Arc<Config>,
        templates: Templates,
        state: StateStore,
        surroundings: Surroundings,
    ) -> Result<Self, StartError> {
        let clock = Arc::clone(&surroundings.clock);
        let external_url = surroundings.external_url.clone();
        let router = restore::router(config, &state, clock.now_ms())?;
        let ledger = Arc::new(Ledger::new(router.config(), state.clone(), Arc::clone(&clock))?);
        let keeper = Arc::clone(&ledger) as Arc<dyn Keeper>;
        let failing = restore::failing(&state)?;
        let runner = Runner::start(router, failing, templates, surroundings, keeper)?;
        let housekeeping = tokio::spawn(keep_house(Arc::clone(&ledger)));
        Ok(Self(Arc::new(Inner {
            runner,
            state,
            clock,
            external_url,
            ledger,
            changing_silences: Mutex::default(),
            received: Received::default(),
            housekeeping,
        })))
    }

    /// Takes alerts. They are durable soon after. Those that are too many of one name are told in the log.
    pub fn insert(&self, alerts: Vec<Alert>) {
        self.0.received.count(&alerts, self.0.clock.now_ms());
        for (alertname, count) in self.0.runner.insert(alerts) {
            tracing::warn!(alertname, count, "alerts are refused: bellwether.limits.alerts_per_alertname");
        }
    }

    /// Begins to tell nobody any more, and waits until those have been told who are being told, for `patience` at most, so that the next run does not tell them twice.
    pub async fn stop(&self, patience: Duration) {
        self.0.runner.stop(patience).await;
    }

    /// How many alerts were taken.
    pub fn received(&self) -> &Received {
        &self.0.received
    }

    /// A copy of what there is, for who has much to look up.
    pub fn snapshot(&self) -> Snapshot {
        self.read(Router::snapshot)
    }

    /// Looks at the router, at the time that it is. It does nothing else meanwhile.
    pub fn read<T>(&self, look: impl FnOnce(&Router, i64) -> T) -> T {
        self.0.runner.read(look)
    }

    /// Makes a silence, or changes the one with this id. Returns the id of the one that now says it. It is durable, and holds, when this returns, which blocks.
    pub fn set_silence(
        &self,
        id: Option<SilenceId>,
        spec: SilenceSpec,
    ) -> Result<SilenceId, ChangeSilenceError> {
        let new_id = SilenceId::random();
        self.change_silences(|router, now_ms| router.silences.plan(id, spec, new_id, now_ms))
    }

    /// Ends a silence. Its end is durable when this returns, which blocks.
    pub fn expire_silence(&self, id: SilenceId) -> Result<(), ChangeSilenceError> {
        self.change_silences(|router, now_ms| Ok(vec![router.silences.plan_end(id, now_ms)?])).map(|_| ())
    }

    fn change_silences(
        &self,
        plan: impl FnOnce(&Router, i64) -> Result<Vec<Silence>, SilenceError>,
    ) -> Result<SilenceId, ChangeSilenceError> {
        let _turn = self.0.changing_silences.lock();
        let planned = self.read(plan)?;
        self.0.state.write(planned.iter().map(kept::silence).collect())?;
        let id = planned.first().map(|silence| silence.id);
        self.0.runner.change(|router, _| router.silences.put(planned));
        Ok(id.expect("BUG: a plan has a silence"))
    }

    /// Goes on with another configuration. If it cannot be used all stays as it is.
    pub fn set_config(&self, config: Arc<Config>, templates: Templates) -> Result<(), UnusableIntegration> {
        self.0.runner.set_config(config, templates)?;
        self.0.ledger.set_config(&self.config());
        Ok(())
    }

    /// The configuration.
    pub fn config(&self) -> Arc<Config> {
        self.read(|router, _| Arc::clone(router.config()))
    }

    /// What has been told to whom, the newest first.
    pub fn notifications(&self, query: &NotificationQuery) -> Result<Notifications, StateError> {
        notifications::find(&self.0.state, query)
    }

    /// All receivers, and how telling them goes.
    pub fn receivers(&self) -> Vec<ReceiverStatus> {
        self.0.ledger.receivers(&self.0.runner.way_out())
    }

    /// Sends a message that is marked as a test, about `alert` or one that only says that it is a test, through each integration of a receiver, once. That `asked_by` did so is remembered
    /// among the notifications, also if they do not wait for the end.
    pub async fn test_receiver(
        &self,
        name: &str,
        alert: Option<Alert>,
        asked_by: &str,
    ) -> Result<Vec<TestResult>, UnknownReceiver> {
        let (this, name, asked_by) = (self.clone(), name.to_owned(), asked_by.to_owned());
        let test = tokio::spawn(async move {
            let Inner { runner, clock, external_url, ledger, .. } = &*this.0;
            let (way_out, now_ms) = (runner.way_out(), clock.now_ms());
            let alert = test_message::marked(alert, external_url, now_ms);
            let results =
                test_message::test_receiver(&way_out, &name, Some(alert.clone()), external_url, now_ms);
            let results = results.await?;
            ledger.tested(&name, &alert, &results, &asked_by);
            Ok(results)
        });
        test.await.expect("BUG: a test message does not panic")
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.housekeeping.abort();
    }
}

async fn keep_house(ledger: Arc<Ledger>) {
    loop {
        let ledger_of_task = Arc::clone(&ledger);
        // It fails only when the runtime ends.
        let _ = tokio::task::spawn_blocking(move || ledger_of_task.keep_house()).await;
        sleep(HOUSEKEEPING_EVERY).await;
    }
}
