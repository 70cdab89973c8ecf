//! A manager with everything around it, for tests: a clock, a store that can be held, and who is told.

mod life;
mod reload;
mod restart;
mod running;

use std::sync::atomic::{AtomicI64, Ordering};

use bellwether_model::{
    Alert, AppendBatch, AppendEntry, AppendError, AppendReport, Appender, Matcher, Querier, StorageError,
    Tenant, TimeRange, Value, is_stale_nan,
};
use bellwether_promql::engine::{Engine, EngineOptions};
use bellwether_promql::testkit::MemoryStore;
use parking_lot::Condvar;
use tokio::runtime::Handle;
use tokio::time::advance;

use super::*;
use crate::alert::AlertState;
use crate::file::{RuleFile, RuleFileOptions};

/// A wall clock that goes with the timers of a test.
struct TestClock {
    /// Whose timers.
    runtime: Handle,
    start: Instant,
    wall_ms: AtomicI64,
}

impl Clock for TestClock {
    fn now_ms(&self) -> i64 {
        self.wall_ms.load(Ordering::SeqCst) + self.monotonic().as_millis() as i64
    }

    fn monotonic(&self) -> Duration {
        // Threads that evaluate rules are not those of tokio.
        let _inside = self.runtime.enter();
        self.start.elapsed()
    }
}

/// Remembers what is stored, one line per sample.
struct Recorder {
    store: Arc<MemoryStore>,
    lines: Mutex<Vec<String>>,
}

impl Appender for Recorder {
    fn append(&self, tenant: &Tenant, batch: &AppendBatch) -> Result<AppendReport, AppendError> {
        self.lines.lock().extend(batch.samples.iter().map(|sample| {
            let value = match &sample.value {
                Value::Float(v) if is_stale_nan(*v) => "stale".to_owned(),
                value => format!("{value:?}"),
            };
            format!("{} {} {value}", sample.ts_ms, sample.labels)
        }));
        self.store.append(tenant, batch)
    }
}

/// Remembers for which times the store is asked, and can let those wait who ask.
struct Asked {
    store: Arc<MemoryStore>,
    clock: Arc<TestClock>,
    /// The end of the time that each question is about.
    times: Mutex<Vec<i64>>,
    /// So many questions more are answered; all if there is no number.
    allowed: Mutex<Option<usize>>,
    released: Condvar,
    /// So much later it is after each question, in milliseconds.
    takes_ms: AtomicI64,
}

impl Queryable for Asked {
    fn querier(&self, tenant: &Tenant, range: TimeRange) -> Result<Box<dyn Querier>, StorageError> {
        self.times.lock().push(range.maxt);
        let mut allowed = self.allowed.lock();
        self.released.wait_while(&mut allowed, |allowed| *allowed == Some(0));
        *allowed = allowed.map(|n| n - 1);
        self.clock.wall_ms.fetch_add(self.takes_ms.load(Ordering::SeqCst), Ordering::SeqCst);
        self.store.querier(tenant, range)
    }
}

#[derive(Default)]
struct Told(Mutex<Vec<Alert>>);

impl AlertSink for Told {
    fn send(&self, alerts: &[Alert]) {
        self.0.lock().extend_from_slice(alerts);
    }
}

/// A manager with everything around it. The time is that of tokio, which stands still until all work is done.
struct World {
    manager: Manager,
    clock: Arc<TestClock>,
    recorder: Arc<Recorder>,
    asked: Arc<Asked>,
    told: Arc<Told>,
}

const DEFAULTS: GroupDefaults = GroupDefaults { interval_ms: 10_000, query_offset_ms: 0 };

impl World {
    fn new() -> Self {
        Self::after(1_700_000_000_000, None, Arc::default())
    }

    /// At a time, with what is left of an earlier one.
    fn after(now_ms: i64, state: Option<StateStore>, store: Arc<MemoryStore>) -> Self {
        let clock = Arc::new(TestClock {
            runtime: Handle::current(),
            start: Instant::now(),
            wall_ms: AtomicI64::new(now_ms),
        });
        let recorder = Arc::new(Recorder { store, lines: Mutex::default() });
        let asked = Arc::new(Asked {
            store: Arc::clone(&recorder.store),
            times: Mutex::default(),
            clock: Arc::clone(&clock),
            allowed: Mutex::default(),
            released: Condvar::new(),
            takes_ms: AtomicI64::new(0),
        });
        let told = Arc::new(Told::default());
        let manager = Manager::new(ManagerOptions {
            environment: Environment {
                engine: Arc::new(Engine::new(EngineOptions::default(), Arc::<Asked>::clone(&asked))),
                appender: Arc::<Recorder>::clone(&recorder),
                tenant: Tenant::default(),
                external_labels: Labels::empty(),
                external_url: "http://bw.example/".to_owned(),
            },
            clock: Arc::<TestClock>::clone(&clock),
            sink: Arc::<Told>::clone(&told),
            state,
            store: Some(Arc::<MemoryStore>::clone(&recorder.store)),
            outage_tolerance_ms: 3_600_000,
            for_grace_period_ms: 600_000,
            query_timeout: Duration::from_mins(1),
            query_memory: QueryMemory::new(1 << 20, 1 << 20),
            max_concurrent_evals: 4,
            resend_delay_ms: 60_000,
        });
        let manager = manager.expect("nothing to be read");
        Self { manager, clock, recorder, asked, told }
    }

    fn apply(&self, text: &str) {
        let file = RuleFile::parse("f", text.as_bytes(), &RuleFileOptions::default()).expect("a rule file");
        let groups = file.groups.into_iter();
        let groups = groups.map(|definition| GroupSource { file: "f".to_owned(), definition });
        self.manager.apply(groups.collect(), DEFAULTS, Labels::empty());
    }

    fn store(&self, series: &str, value: f64) {
        let (name, rest) = series.split_once(' ').unwrap_or((series, ""));
        let labels = rest.split(' ').filter_map(|pair| pair.split_once('='));
        let labels = Labels::from_pairs(labels.chain([("__name__", name)]));
        let (ts_ms, value) = (self.clock.now_ms(), value.into());
        let samples = vec![AppendEntry { hint: None, labels, ts_ms, start_ts_ms: 0, value }];
        let batch = AppendBatch { samples, ..AppendBatch::default() };
        self.recorder.store.append(&Tenant::default(), &batch).expect("stored");
    }

    fn upcoming_slot(&self) -> i64 {
        let groups = self.manager.0.groups.lock();
        groups.values().next().expect("a group").schedule.next_after(self.clock.now_ms())
    }

    /// Lets the next slot of the only group come, and waits until it was evaluated.
    async fn next_slot(&self) -> i64 {
        let slot = self.upcoming_slot();
        self.at(slot).await;
        slot
    }

    /// Lets the next slot of the only group come, while threads may wait for the test.
    async fn begin_next_slot(&self) -> i64 {
        // A group that was just started must know when it is to wake.
        self.settle().await;
        let slot = self.upcoming_slot();
        // While a thread works, the clock goes only if it is told to; timers are up to a millisecond late.
        advance(Duration::from_millis((slot - self.clock.now_ms()).unsigned_abs() + 2)).await;
        slot
    }

    async fn at(&self, ts_ms: i64) {
        let wait = (ts_ms - self.clock.now_ms()).max(0).unsigned_abs();
        // Timers that are due first come first; the clock stops while a thread works.
        tokio::time::sleep(Duration::from_millis(wait + 1)).await;
        self.settle().await;
    }

    /// Waits until nobody works.
    async fn settle(&self) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    /// Answers so many questions more, and lets the others wait; answers all if there is no number.
    fn answer(&self, questions: Option<usize>) {
        *self.asked.allowed.lock() = questions;
        self.asked.released.notify_all();
    }

    /// Waits until so many questions were asked since the begin of the test, answered or not.
    async fn are_asked(&self, n: usize) {
        while self.n_asked() < n {
            tokio::task::yield_now().await;
        }
    }

    fn n_asked(&self) -> usize {
        self.asked.times.lock().len()
    }

    fn lines(&self) -> Vec<String> {
        std::mem::take(&mut *self.recorder.lines.lock())
    }

    fn group(&self) -> GroupView {
        self.manager.groups(true).into_iter().next().expect("a group")
    }
}

const ONE_ALERT: &str = "groups:\n- name: g\n  rules:\n  - {alert: Down, expr: up == 0, for: 15s}\n";

/// What is there of a rule that raises one alert: the letter of its state, and since when.
fn alert_of(world: &World) -> (char, i64) {
    match world.group().rules[0].alerts.first() {
        None => ('-', 0),
        Some(alert) => (alert.state.as_str().chars().next().unwrap_or('?'), alert.active_at_ms),
    }
}
