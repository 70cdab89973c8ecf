//! Runs the rules of a server: each group at its slots, with reload and restart.

mod contexts;
mod driver;
mod history;
mod journal;
mod restore;
mod schedule;
mod stats;
#[cfg(test)]
mod tests;
mod view;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bellwether_model::{Clock, Labels, QueryMemory, Queryable};
use bellwether_state::{Keep, StateError, StateStore};
use parking_lot::{Mutex, RwLock};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::contexts::Contexts;
use self::driver::{Running, drive, end_series};
pub use self::history::{AlertEvent, History, HistoryPlace, HistoryQuery, RuleName};
use self::journal::{Journal, rule_keys};
use self::restore::{Tolerance, from_journal};
use self::schedule::Schedule;
pub use self::stats::GroupStats;
pub use self::view::{GroupView, RuleView};
use crate::alert::ActiveAlert;
use crate::file::RuleGroup;
use crate::group::{Environment, Group};
use crate::permits::Permits;
use crate::sending::AlertSink;

/// So many groups are evaluated at once; the others wait, and their slots are missed if that takes too long.
const GROUPS_AT_ONCE: usize = 64;
/// How often old events are forgotten.
const FORGET_INTERVAL: Duration = Duration::from_mins(10);

/// What a manager works with.
#[derive(Clone)]
pub struct ManagerOptions {
    /// Where rules are evaluated.
    pub environment: Environment,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Who is told about alerts.
    pub sink: Arc<dyn AlertSink>,
    /// Where alerts and their history are kept across restarts, if anywhere.
    pub state: Option<StateStore>,
    /// The samples as they are stored. They tell since when alerts are active if nothing else does, as after a move from Prometheus.
    pub store: Option<Arc<dyn Queryable>>,
    /// How long one expression may take.
    pub query_timeout: Duration,
    /// How much memory expressions may use.
    pub query_memory: QueryMemory,
    /// How many rules are evaluated at once beside those that are evaluated in the order of their group.
    pub max_concurrent_evals: usize,
    /// How often an alert that fires is told again, in milliseconds.
    pub resend_delay_ms: i64,
    /// Alerts are not taken up again if the server was away for longer, in milliseconds.
    pub outage_tolerance_ms: i64,
    /// Where only samples tell since when an alert is active, it waits for so long before it fires, in milliseconds, if it has not fired before.
    pub for_grace_period_ms: i64,
}

/// A group and where it comes from.
#[derive(Debug, Clone)]
pub struct GroupSource {
    /// The file. Together with the group's name it says which group this is.
    pub file: String,
    /// The group.
    pub definition: RuleGroup,
}

/// What the groups have that do not say otherwise.
#[derive(Debug, Clone, Copy)]
pub struct GroupDefaults {
    /// How often they are evaluated, in milliseconds.
    pub interval_ms: i64,
    /// How far in the past, in milliseconds.
    pub query_offset_ms: i64,
}

/// Runs rules. A clone is the same manager.
#[derive(Clone)]
pub struct Manager(Arc<Shared>);

pub(crate) struct Shared {
    options: ManagerOptions,
    environment: RwLock<Arc<Environment>>,
    contexts: Contexts,
    permits: Permits,
    places: Arc<Semaphore>,
    groups: Mutex<BTreeMap<GroupKey, Arc<Running>>>,
    journal: Option<Journal>,
    /// Whether rules were loaded before.
    is_loaded: AtomicBool,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// File and name.
type GroupKey = (String, String);

impl Shared {
    fn environment(&self) -> Arc<Environment> {
        Arc::clone(&self.environment.read())
    }

    fn tolerance(&self) -> Tolerance {
        let options = &self.options;
        Tolerance { outage_ms: options.outage_tolerance_ms, grace_ms: options.for_grace_period_ms }
    }

    /// Whether the journal tells what was before the start.
    fn has_journal(&self) -> bool {
        self.journal.as_ref().is_some_and(|journal| journal.last_ms.is_some())
    }
}

impl Manager {
    /// A manager without rules. Reads what is known of alerts from before.
    pub fn new(options: ManagerOptions) -> Result<Self, StateError> {
        let journal = options.state.clone().map(Journal::open).transpose()?;
        Ok(Self(Arc::new(Shared {
            environment: RwLock::new(Arc::new(options.environment.clone())),
            contexts: Contexts::new(options.query_timeout, options.query_memory.clone()),
            permits: Permits::new(options.max_concurrent_evals),
            places: Arc::new(Semaphore::new(GROUPS_AT_ONCE)),
            groups: Mutex::default(),
            journal,
            is_loaded: AtomicBool::new(false),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            options,
        })))
    }

    /// Makes these groups those that are evaluated. A group that is the same as before goes on undisturbed; one that was changed takes over the state of its
    /// rules that have the same name and labels. Must be called on a thread of tokio.
    pub fn apply(&self, groups: Vec<GroupSource>, defaults: GroupDefaults, external_labels: Labels) {
        let shared = &self.0;
        let environment = Environment { external_labels, ..(*shared.environment()).clone() };
        *shared.environment.write() = Arc::new(environment);
        let mut running = shared.groups.lock();
        let mut before = std::mem::take(&mut *running);
        for GroupSource { file, mut definition } in groups {
            definition.interval_ms =
                Some(definition.interval_ms.filter(|ms| *ms > 0).unwrap_or(defaults.interval_ms));
            definition.query_offset_ms = Some(definition.query_offset_ms.unwrap_or(defaults.query_offset_ms));
            let key = (file, definition.name.clone());
            // The same file twice, by two patterns: it is still one group.
            if running.contains_key(&key) {
                continue;
            }
            let old = before.remove(&key);
            let group = match old {
                Some(old) if old.group.definition().is_same_as(&definition) => old,
                old => self.start(&key.0, definition, old),
            };
            running.insert(key, group);
        }
        if !shared.is_loaded.swap(true, Ordering::Relaxed)
            && let Some(journal) = &shared.journal
        {
            journal.forget_unclaimed();
            shared.tasks.spawn(forget_old_events(Arc::clone(shared)));
        }
        for gone in before.into_values() {
            gone.stop.cancel();
            shared.tasks.spawn(end_series(Arc::clone(shared), gone));
        }
    }

    /// Starts a group in place of an old one, if there is one.
    fn start(&self, file: &str, definition: RuleGroup, old: Option<Arc<Running>>) -> Arc<Running> {
        let shared = &self.0;
        let interval_ms = definition.interval_ms.unwrap_or_default();
        let group = Group::new(definition);
        let is_first = !shared.is_loaded.load(Ordering::Relaxed);
        let running = Arc::new(Running {
            schedule: Schedule::new(interval_ms, file, &group.definition().name),
            rule_keys: rule_keys(file, &group),
            file: file.to_owned(),
            group,
            is_first,
            unwritten: Mutex::default(),
            counted: old.as_ref().map(|old| Arc::clone(&old.counted)).unwrap_or_default(),
            stop: shared.stop.child_token(),
            ended: CancellationToken::new(),
        });
        if let Some(old) = &old {
            old.stop.cancel();
        }
        if let Some(journal) = shared.journal.as_ref().filter(|_| is_first) {
            from_journal(&running, journal, shared.options.clock.now_ms(), shared.tolerance());
        }
        shared.tasks.spawn(drive(Arc::clone(shared), Arc::clone(&running), old));
        running
    }

    /// The groups as they are now, by file and name; without their alerts if nobody wants them, which may be many.
    pub fn groups(&self, with_alerts: bool) -> Vec<GroupView> {
        self.running().iter().map(|running| view(running, with_alerts)).collect()
    }

    fn running(&self) -> Vec<Arc<Running>> {
        self.0.groups.lock().values().cloned().collect()
    }

    /// The alerts of all groups that are pending or firing, in the order of [`groups`](Self::groups).
    pub fn active_alerts(&self) -> Vec<ActiveAlert> {
        let mut found = Vec::new();
        for running in self.running() {
            for (_, alerts) in running.group.rules() {
                found.extend(alerts.active().cloned());
            }
        }
        found
    }

    /// What has become of alerts. Nothing is known if nothing is kept.
    pub fn history(&self, query: &HistoryQuery) -> Result<History, StateError> {
        match &self.0.journal {
            Some(journal) => history::find(journal.state(), query),
            None => Ok(History::default()),
        }
    }

    /// Ends all evaluations, with the queries that run. Returns whether they had all ended by the deadline.
    pub async fn shutdown(&self, deadline: Instant) -> bool {
        self.0.stop.cancel();
        self.0.contexts.cancel();
        self.0.tasks.close();
        timeout_at(deadline, self.0.tasks.wait()).await.is_ok()
    }
}

/// Forgets events that are too old or too many, now and then.
async fn forget_old_events(shared: Arc<Shared>) {
    loop {
        let with = Arc::clone(&shared);
        let forgetting = tokio::task::spawn_blocking(move || {
            let Some(journal) = &with.journal else { return };
            let from_ms = with.options.clock.now_ms() - history::RETENTION_MS;
            let keep = Keep { from_ms, rows: history::EVENTS_MAX, bytes: history::EVENTS_BYTES_MAX };
            if let Err(error) = journal.state().forget_events(history::EVENTS, keep) {
                tracing::warn!(%error, "old events of alerts could not be forgotten; it will be tried again");
            }
        });
        // A thread that panicked has said so.
        let _ = forgetting.await;
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = tokio::time::sleep(FORGET_INTERVAL) => {}
        }
    }
}

fn view(running: &Running, with_alerts: bool) -> GroupView {
    let definition = running.group.definition();
    GroupView {
        file: running.file.clone(),
        name: definition.name.clone(),
        interval_ms: running.schedule.interval_ms(),
        limit: definition.limit,
        stats: running.counted.get(),
        rules: running.group.views(with_alerts),
    }
}
