use std::sync::atomic::{AtomicI64, Ordering};

use bellwether_model::{
    Alert, AppendBatch, AppendEntry, AppendError, AppendReport, Appender, Matcher, MetadataRequest,
    MetricMetadata, QueryContext, SeriesExemplars, Tenant, Value, is_stale_nan,
};
use bellwether_promql::engine::{
    Engine, EngineOptions, ExemplarsRequest, InstantQuery, QueryEngine, QueryError, QueryOutput, RangeQuery,
    SeriesRequest,
};
use bellwether_promql::testkit::MemoryStore;
use parking_lot::Condvar;
use tokio::time::advance;

use super::*;
use crate::alert::AlertState;
use crate::file::{RuleFile, RuleFileOptions};

/// A wall clock that goes with the timers of a test.
struct TestClock {
    start: Instant,
    wall_ms: AtomicI64,
}

impl Clock for TestClock {
    fn now_ms(&self) -> i64 {
        self.wall_ms.load(Ordering::SeqCst) + self.start.elapsed().as_millis() as i64
    }

    fn monotonic(&self) -> Duration {
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

/// Remembers what is asked and when, and lets questions with a certain word wait.
struct Asked {
    engine: Engine,
    questions: Mutex<Vec<(String, i64)>>,
    held: Mutex<Option<&'static str>>,
    released: Condvar,
}

impl QueryEngine for Asked {
    fn instant(
        &self,
        tenant: &Tenant,
        query: &InstantQuery,
        cx: &QueryContext,
    ) -> Result<QueryOutput, QueryError> {
        self.questions.lock().push((query.query.clone(), query.ts_ms));
        let mut held = self.held.lock();
        self.released.wait_while(&mut held, |held| held.is_some_and(|word| query.query.contains(word)));
        drop(held);
        self.engine.instant(tenant, query, cx)
    }

    fn range(
        &self,
        tenant: &Tenant,
        query: &RangeQuery,
        cx: &QueryContext,
    ) -> Result<QueryOutput, QueryError> {
        self.engine.range(tenant, query, cx)
    }

    fn series(
        &self,
        tenant: &Tenant,
        request: &SeriesRequest,
        cx: &QueryContext,
    ) -> Result<Vec<Labels>, QueryError> {
        self.engine.series(tenant, request, cx)
    }

    fn labels(
        &self,
        tenant: &Tenant,
        request: &SeriesRequest,
        cx: &QueryContext,
    ) -> Result<Vec<String>, QueryError> {
        self.engine.labels(tenant, request, cx)
    }

    fn label_values(
        &self,
        tenant: &Tenant,
        name: &str,
        request: &SeriesRequest,
        cx: &QueryContext,
    ) -> Result<Vec<String>, QueryError> {
        self.engine.label_values(tenant, name, request, cx)
    }

    fn metadata(
        &self,
        tenant: &Tenant,
        request: &MetadataRequest,
        cx: &QueryContext,
    ) -> Result<Vec<(String, Vec<MetricMetadata>)>, QueryError> {
        self.engine.metadata(tenant, request, cx)
    }

    fn exemplars(
        &self,
        tenant: &Tenant,
        request: &ExemplarsRequest,
        cx: &QueryContext,
    ) -> Result<Vec<SeriesExemplars>, QueryError> {
        self.engine.exemplars(tenant, request, cx)
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
        let clock = Arc::new(TestClock { start: Instant::now(), wall_ms: AtomicI64::new(now_ms) });
        let recorder = Arc::new(Recorder { store, lines: Mutex::default() });
        let asked = Arc::new(Asked {
            engine: Engine::new(EngineOptions::default(), Arc::<MemoryStore>::clone(&recorder.store)),
            questions: Mutex::default(),
            held: Mutex::default(),
            released: Condvar::new(),
        });
        let told = Arc::new(Told::default());
        let manager = Manager::new(ManagerOptions {
            environment: Environment {
                engine: Arc::<Asked>::clone(&asked),
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

    fn lines(&self) -> Vec<String> {
        std::mem::take(&mut *self.recorder.lines.lock())
    }

    fn group(&self) -> GroupView {
        self.manager.groups(true).into_iter().next().expect("a group")
    }
}

const ONE_ALERT: &str = "groups:\n- name: g\n  rules:\n  - {alert: Down, expr: up == 0, for: 15s}\n";

#[tokio::test(start_paused = true)]
async fn evaluates_the_slot_and_not_the_time_of_the_day() {
    let world = World::new();
    world.apply("groups:\n- name: g\n  query_offset: 3s\n  rules:\n  - {record: r, expr: time()}\n");
    let slot = world.next_slot().await;
    let (asked_ms, s) = (slot - 3_000, (slot - 3_000) as f64 / 1000.0);
    assert_eq!(world.lines(), [format!("{asked_ms} r Float({s:?})")]);
    assert_eq!(world.next_slot().await, slot + 10_000);
    assert_eq!(world.group().stats.evaluated_at_ms, Some(slot + 10_000));
    assert_eq!(world.group().stats.iterations, 2);
}

#[tokio::test(start_paused = true)]
async fn an_alert_waits_fires_and_is_told() {
    let world = World::new();
    world.store("up job=a", 0.0);
    world.apply(ONE_ALERT);
    let first = world.next_slot().await;
    let alert = |world: &World| world.group().rules[0].alerts[0].clone();
    assert_eq!((alert(&world).state, alert(&world).active_at_ms), (AlertState::Pending, first));
    assert_eq!(world.told.0.lock().len(), 0);
    let since = first / 1000;
    let pending =
        format!("{first} ALERTS{{alertname=\"Down\", alertstate=\"pending\", job=\"a\"}} Float(1.0)");
    let state = format!("{first} ALERTS_FOR_STATE{{alertname=\"Down\", job=\"a\"}} Float({since}.0)");
    assert_eq!(world.lines(), [pending, state]);
    world.next_slot().await;
    let third = world.next_slot().await;
    assert_eq!(alert(&world).fired_at_ms, Some(third));
    let lines = world.lines();
    let stale = format!("{third} ALERTS{{alertname=\"Down\", alertstate=\"pending\", job=\"a\"}} stale");
    assert!(lines.contains(&stale), "{lines:?}");
    let told = world.told.0.lock().clone();
    let [told] = &told[..] else { panic!("one alert: {told:?}") };
    assert_eq!((told.starts_at_ms, told.ends_at_ms), (third, Some(third + 4 * 60_000)));
    let end = time::OffsetDateTime::from_unix_timestamp(third / 1000 + 15 * 60).expect("a time");
    let (date, time) = (end.date(), end.time().to_string());
    let time = time.split('.').next().unwrap_or_default().replace(':', "%3A");
    let graph = format!("graph?g0.expr=up+%3D%3D+0&g0.tab=0&g0.range_input=1h&g0.end_input={date}+{time}");
    assert_eq!(told.generator_url, format!("http://bw.example/{graph}"));
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_takes_too_long_misses_slots() {
    let world = World::new();
    world.apply("groups:\n- name: g\n  rules:\n  - {record: r, expr: slow or vector(1)}\n");
    world.next_slot().await;
    *world.asked.held.lock() = Some("slow");
    let slot = world.begin_next_slot().await;
    while world.asked.questions.lock().len() < 2 {
        tokio::task::yield_now().await;
    }
    advance(Duration::from_secs(35)).await;
    *world.asked.held.lock() = None;
    world.asked.released.notify_all();
    world.settle().await;
    let stats = world.group().stats;
    assert_eq!((stats.iterations, stats.missed), (5, 2));
    let asked: Vec<i64> = world.asked.questions.lock().iter().map(|(_, ts_ms)| ts_ms - slot).collect();
    assert_eq!(asked, [-10_000, 0, 30_000], "what was missed is not made up for");
}

#[tokio::test(start_paused = true)]
async fn a_reload_disturbs_nothing_that_it_does_not_change() {
    let world = World::new();
    world.store("up job=a", 0.0);
    world.apply(ONE_ALERT);
    let first = world.next_slot().await;
    let running = || Arc::clone(&world.manager.0.groups.lock()[&("f".to_owned(), "g".to_owned())]);
    let before = running();
    world.apply(&ONE_ALERT.replace("groups:", "# a comment\ngroups:"));
    assert!(Arc::ptr_eq(&before, &running()));
    // A changed group knows what the old one knew.
    world.apply(&ONE_ALERT.replace("15s}", "25s, annotations: {text: new}}"));
    assert!(!Arc::ptr_eq(&before, &running()));
    world.next_slot().await;
    let alert = world.group().rules[0].alerts[0].clone();
    assert_eq!((alert.active_at_ms, alert.annotations.get("text")), (first, Some("new")));
    assert_eq!(world.group().stats.iterations, 2);
}

#[tokio::test(start_paused = true)]
async fn series_of_what_is_gone_end() {
    let world = World::new();
    let rule = |name: &str| format!("  - {{record: {name}, expr: vector(1)}}\n");
    let group = |name: &str, rules: &str| format!("groups:\n- name: {name}\n  rules:\n{rules}");
    world.apply(&group("g", &(rule("a") + &rule("b"))));
    world.next_slot().await;
    world.lines();
    // A removed rule: at the next run.
    world.apply(&group("g", &rule("a")));
    let slot = world.next_slot().await;
    let mut lines = world.lines();
    lines.sort();
    assert_eq!(lines, [format!("{slot} a Float(1.0)"), format!("{slot} b stale")]);
    // A group that is gone: after two intervals, so that another one can go on with its series, and with the time at which it went.
    let gone_ms = world.clock.now_ms();
    world.apply(&group("renamed", &rule("a")));
    world.at(gone_ms + 19_000).await;
    assert!(!world.lines().iter().any(|line| line.ends_with("stale")));
    world.at(gone_ms + 21_000).await;
    let stale: Vec<String> = world.lines().into_iter().filter(|line| line.ends_with("stale")).collect();
    assert_eq!(stale, [format!("{gone_ms} a stale")]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_query_changes_no_alert() {
    let world = World::new();
    let many = "groups:\n- name: g\n  rules:\n  - {alert: A, expr: 'up * on () group_left () one'}\n";
    world.store("up job=a", 0.0);
    world.store("one x=1", 1.0);
    world.apply(many);
    world.next_slot().await;
    assert_eq!(world.group().rules[0].alerts.len(), 1);
    world.lines();
    world.store("one x=2", 1.0);
    world.next_slot().await;
    let rule = world.group().rules.remove(0);
    assert!(rule.health.last_error.is_some_and(|e| e.contains("many-to-many")), "an error is told");
    assert_eq!((rule.alerts.len(), rule.state), (1, AlertState::Firing));
    assert_eq!(world.lines(), Vec::<String>::new());
    assert_eq!(world.group().stats.failures, 1);
}

#[tokio::test(start_paused = true)]
async fn independent_rules_run_at_the_same_time() {
    let world = World::new();
    world.apply(
        "groups:\n- name: g\n  rules:\n  - {record: a, expr: held1 or vector(1)}\n  - {record: b, expr: held2 or vector(1)}\n  \
         - {record: c, expr: a + b}\n",
    );
    *world.asked.held.lock() = Some("held");
    let slot = world.begin_next_slot().await;
    // Both are asked before one is answered.
    while world.asked.questions.lock().len() < 2 {
        tokio::task::yield_now().await;
    }
    *world.asked.held.lock() = None;
    world.asked.released.notify_all();
    world.settle().await;
    assert!(world.lines().contains(&format!("{slot} c Float(2.0)")));
}

#[tokio::test(start_paused = true)]
async fn a_stop_cancels_queries() {
    let world = World::new();
    world.apply("groups:\n- name: g\n  rules:\n  - {record: r, expr: slow}\n");
    *world.asked.held.lock() = Some("slow");
    world.begin_next_slot().await;
    while world.asked.questions.lock().is_empty() {
        tokio::task::yield_now().await;
    }
    let manager = world.manager.clone();
    let stopping =
        tokio::spawn(async move { manager.shutdown(Instant::now() + Duration::from_secs(5)).await });
    tokio::task::yield_now().await;
    *world.asked.held.lock() = None;
    world.asked.released.notify_all();
    assert!(stopping.await.expect("no panic"));
    let error = world.group().rules.remove(0).health.last_error;
    assert!(error.as_deref().is_some_and(|e| e.contains("cancel")), "{error:?}");
}

/// What is there of a rule that raises one alert: the letter of its state, and since when.
fn alert_of(world: &World) -> (char, i64) {
    match world.group().rules[0].alerts.first() {
        None => ('-', 0),
        Some(alert) => (alert.state.as_str().chars().next().unwrap_or('?'), alert.active_at_ms),
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_continues_what_was_pending_and_firing() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = StateStore::open(folder.path()).expect("opened");
    let store: Arc<MemoryStore> = Arc::default();
    let rule = "groups:\n- name: g\n  rules:\n  - {alert: Down, expr: up == 0, for: 25s}\n";
    let first = World::after(1_700_000_000_000, Some(state.clone()), Arc::clone(&store));
    first.store("up job=a", 0.0);
    first.apply(rule);
    let since = first.next_slot().await;
    first.next_slot().await;
    let stopped_ms = first.clock.now_ms();
    assert!(first.manager.shutdown(Instant::now() + Duration::from_secs(1)).await);

    // Ten minutes later. The 10 s that it was pending count, the ten minutes do not.
    let second = World::after(stopped_ms + 600_000, Some(state.clone()), Arc::clone(&store));
    second.store("up job=a", 0.0);
    second.apply(rule);
    assert_eq!(second.next_slot().await, since + 620_000);
    assert_eq!(alert_of(&second), ('p', since + 600_000));
    let fired = second.next_slot().await;
    assert_eq!(alert_of(&second), ('f', since + 600_000), "30 s without the downtime");
    assert_eq!(second.told.0.lock().len(), 1);
    let stopped_ms = second.clock.now_ms();
    assert!(second.manager.shutdown(Instant::now() + Duration::from_secs(1)).await);

    // Half an hour later, with no data at first: it fires on, since the same time, and ends only at the third evaluation.
    let third = World::after(stopped_ms + 1_800_000, Some(state.clone()), store);
    third.apply(rule);
    assert_eq!(alert_of(&third).0, 'f');
    for _ in 0..2 {
        third.next_slot().await;
        assert_eq!(alert_of(&third).0, 'f');
    }
    let told = third.told.0.lock().clone();
    assert_eq!((told.len(), told[0].starts_at_ms), (1, fired), "the same alert is told at once");
    let ended = third.next_slot().await;
    assert_eq!(alert_of(&third).0, '-');
    assert_eq!(third.told.0.lock().last().expect("told").ends_at_ms, Some(ended));
    let query = HistoryQuery { selectors: Vec::new(), start_ms: 0, end_ms: i64::MAX, limit: 10 };
    let history = third.manager.history(&query).expect("read");
    let steps: Vec<_> = history.events.iter().map(|(at, e)| (*at, e.from.as_str(), e.to.as_str())).collect();
    let want = [(ended, "firing", "inactive"), (fired, "pending", "firing"), (since, "inactive", "pending")];
    assert_eq!(steps, want);
    assert!(!history.is_truncated);
    let only = |text: &str| vec![vec![Matcher::equal("job", text)]];
    let found = |job| {
        third
            .manager
            .history(&HistoryQuery { selectors: only(job), limit: 2, ..query.clone() })
            .expect("read")
    };
    assert_eq!((found("a").events.len(), found("a").is_truncated), (2, true));
    assert_eq!(found("b"), History::default());
}

#[tokio::test(start_paused = true)]
async fn what_was_long_ago_is_forgotten() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = StateStore::open(folder.path()).expect("opened");
    let first = World::after(1_700_000_000_000, Some(state.clone()), Arc::default());
    first.store("up job=a", 0.0);
    first.apply(ONE_ALERT);
    first.next_slot().await;
    assert!(first.manager.shutdown(Instant::now() + Duration::from_secs(1)).await);
    for (minutes, want) in [(59, 'p'), (62, '-')] {
        let later = World::after(1_700_000_000_000 + minutes * 60_000, Some(state.clone()), Arc::default());
        later.apply(ONE_ALERT);
        assert_eq!(alert_of(&later).0, want, "after {minutes} minutes");
    }
}

#[tokio::test(start_paused = true)]
async fn an_alert_of_a_rule_that_is_gone_is_not_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = StateStore::open(folder.path()).expect("opened");
    let world = World::after(1_700_000_000_000, Some(state.clone()), Arc::default());
    world.store("up job=a", 0.0);
    world.apply(ONE_ALERT);
    world.next_slot().await;
    assert_eq!(state.records("rule_alert").expect("read").len(), 1);
    world.apply(&ONE_ALERT.replace("Down", "Other"));
    world.settle().await;
    assert_eq!(state.records("rule_alert").expect("read"), []);
    let query = HistoryQuery { selectors: Vec::new(), start_ms: 0, end_ms: i64::MAX, limit: 1 };
    let last = world.manager.history(&query).expect("read").events.remove(0).1;
    assert_eq!((last.from.as_str(), last.to.as_str()), ("pending", "inactive"));
}

#[tokio::test(start_paused = true)]
async fn without_a_journal_samples_tell_since_when() {
    const MIN: i64 = 60_000;
    let now_ms = 1_700_000_000_000;
    let rule = "groups:\n- name: g\n  rules:\n  - {alert: Down, expr: up == 0, for: 20m}\n";
    // Minutes before the start at which it began and was last seen, and minutes before the second slot since when it counts as active.
    for (began, seen, want) in
        [(50, 20, Some(50)), (25, 20, Some(5)), (35, 20, Some(15)), (28, 20, Some(8)), (90, 70, None)]
    {
        let store: Arc<MemoryStore> = Arc::default();
        let world = World::after(now_ms - seen * MIN, None, Arc::clone(&store));
        let since_s = (now_ms - began * MIN) / 1000;
        world.store("ALERTS_FOR_STATE alertname=Down job=a", since_s as f64);
        let world = World::after(now_ms, None, store);
        world.store("up job=a", 0.0);
        world.apply(rule);
        let first = world.next_slot().await;
        let second = world.next_slot().await;
        let active_ms = alert_of(&world).1;
        let Some(want) = want else {
            assert_eq!(active_ms, first, "{began} {seen}");
            continue;
        };
        assert!(world.lines().is_empty(), "the old samples are not covered before they are read");
        // Fires already, waits for ten minutes, or keeps what it was pending.
        let want_ms = match want {
            50 => now_ms - 50 * MIN,
            15 => second + 10 * MIN - 20 * MIN,
            minutes => second - minutes * MIN,
        };
        assert_eq!(active_ms, want_ms, "{began} {seen}");
    }
}
