use std::sync::atomic::{AtomicUsize, Ordering};

use bellwether_exposition::{CreatedHandling, TypeAndUnitLabels};
use bellwether_model::{
    AppendBatch, AppendError, AppendReport, Labels, LabelsBuilder, Limit, ValidationScheme,
};
use bellwether_relabel::Rules;
use parking_lot::Mutex;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};

use super::*;
use crate::error::ScrapeError;
use crate::fetch::FetchFuture;
use crate::ingest::{HistogramSettings, LabelLimits, SampleLabels};
use crate::inspect::ScrapedBody;
use crate::target::{ActiveTarget, Health, TargetSpec, TargetUrl};
use crate::test_store::{TestClock, TestStore};

const TEXT: &str = "text/plain";

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// What a target does when it is asked for the n-th time.
type Answer = Box<dyn Fn(usize) -> (Duration, Result<String, ScrapeError>) + Send + Sync>;

struct Scripted {
    answer: Answer,
    asked: AtomicUsize,
}

impl Fetch for Scripted {
    fn fetch<'a>(&'a self, body: &'a mut Vec<u8>, _deadline: Instant) -> FetchFuture<'a> {
        let (delay, answer) = (self.answer)(self.asked.fetch_add(1, Ordering::SeqCst));
        Box::pin(async move {
            sleep(delay).await;
            body.extend_from_slice(answer?.as_bytes());
            Ok(TEXT.to_owned())
        })
    }
}

/// A target that is always there and exposes `m` with the number of the scrape.
fn counting() -> Answer {
    Box::new(|n| (Duration::ZERO, Ok(format!("m {n}\n"))))
}

fn environment(
    appender: Arc<dyn Appender>,
    clock: &Arc<TestClock>,
    inspector: Option<Arc<dyn Inspector>>,
) -> Arc<Environment> {
    Arc::new(Environment {
        appender,
        tenant: Tenant::default(),
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        counters: Counters::default(),
        workspaces: Workspaces::new(2),
        ingest_permits: Arc::new(Semaphore::new(2)),
        offset_seed: 3_000,
        inspector,
        shutdown: CancellationToken::new(),
        tasks: TaskTracker::new(),
    })
}

/// Remembers the bodies that it was shown.
#[derive(Default)]
struct Looked(Mutex<Vec<String>>);

impl Inspector for Looked {
    fn look(&self, body: &ScrapedBody<'_>) {
        let text = String::from_utf8_lossy(body.bytes);
        let (seconds, format) = (body.started_ms / 1000, body.format.media_type());
        self.0.lock().push(format!("{seconds} {} {} {format} {text}", body.job, body.url));
    }
}

/// A scrape loop in virtual time, which starts at 0 ms.
struct Running {
    env: Arc<Environment>,
    store: Arc<TestStore>,
    clock: Arc<TestClock>,
    fetch: Arc<Scripted>,
    target: Arc<ActiveTarget>,
    control: Arc<Control>,
    task: JoinHandle<()>,
    started: Instant,
}

impl Running {
    /// Scrapes every ten seconds with a timeout of five, first at second three.
    fn start(answer: Answer) -> Self {
        Self::start_with(answer, |store| store)
    }

    fn start_with(answer: Answer, appender: impl FnOnce(Arc<TestStore>) -> Arc<dyn Appender>) -> Self
    where
        TestStore: Appender,
    {
        let store = Arc::new(TestStore::default());
        let clock = Arc::new(TestClock::new(0));
        let env = environment(appender(Arc::clone(&store)), &clock, None);
        Self::run(store, clock, env, answer)
    }

    /// The same with somebody who looks at the bodies.
    fn start_inspected(answer: Answer, inspector: Arc<dyn Inspector>) -> Self {
        let (store, clock) = (Arc::new(TestStore::default()), Arc::new(TestClock::new(0)));
        let env = environment(Arc::clone(&store) as Arc<dyn Appender>, &clock, Some(inspector));
        Self::run(store, clock, env, answer)
    }

    /// Another target of the same server.
    fn start_in(env: Arc<Environment>, answer: Answer) -> Self {
        Self::run(Arc::default(), Arc::new(TestClock::new(0)), env, answer)
    }

    fn run(store: Arc<TestStore>, clock: Arc<TestClock>, env: Arc<Environment>, answer: Answer) -> Self {
        let fetch = Arc::new(Scripted { answer, asked: AtomicUsize::new(0) });
        let target = Arc::new(target());
        let control = Arc::new(Control::new(Arc::new(config(&fetch, |_| {}))));
        let scrape_loop = ScrapeLoop::new(Arc::clone(&target), Arc::clone(&control), Arc::clone(&env));
        let task = tokio::spawn(scrape_loop.run());
        Self { env, store, clock, fetch, target, control, task, started: Instant::now() }
    }

    /// Lets the time go on to `seconds` after the start.
    async fn until(&self, seconds: u64) {
        sleep_until(self.started + s(seconds)).await;
    }

    fn reconfigure(&self, change: impl FnOnce(&mut LoopConfig)) -> bool {
        self.control.run(Arc::new(config(&self.fetch, change)))
    }

    /// The samples of a metric as `second:value`.
    fn samples(&self, metric: &str) -> Vec<String> {
        let samples = self.store.samples(&format!("{metric}{{job=\"j\"}}"));
        samples.into_iter().map(|(ts, value)| format!("{}:{value}", ts as f64 / 1000.0)).collect()
    }

    fn error(&self) -> Option<String> {
        self.target.status.lock().last.as_ref().and_then(|last| last.error.as_ref()).map(ToString::to_string)
    }
}

/// A target whose place in the interval is decided by the seed alone.
fn target() -> ActiveTarget {
    let mut labels = LabelsBuilder::new();
    labels.set("__address__", "a:1").set("__metrics_path__", "/metrics");
    ActiveTarget::new(&TargetSpec {
        discovered: Labels::empty(),
        labels: Labels::from_pairs([("job", "j")]),
        url: TargetUrl::new(&labels, &std::collections::BTreeMap::new()).expect("a URL"),
        interval: s(10),
        timeout: s(5),
        identity: 0,
    })
}

fn settings(relabel: Rules) -> IngestSettings {
    IngestSettings {
        labels: SampleLabels {
            target: Labels::from_pairs([("job", "j")]),
            honor_labels: false,
            relabel,
            limits: LabelLimits::default(),
            validation: ValidationScheme::Utf8,
        },
        honor_timestamps: true,
        track_timestamps_staleness: false,
        sample_limit: 0,
        fallback_protocol: None,
        type_and_unit_labels: TypeAndUnitLabels::Omit,
        created: CreatedHandling::Series,
        extra_metrics: false,
        histograms: HistogramSettings::CLASSIC,
    }
}

fn config(fetch: &Arc<Scripted>, change: impl FnOnce(&mut LoopConfig)) -> LoopConfig {
    let mut config = LoopConfig {
        fetch: Arc::clone(fetch) as Arc<dyn Fetch>,
        ingest: Arc::new(settings(Rules::default())),
        interval: s(10),
        timeout: s(5),
        job: "j".into(),
        failure_log: None,
        target_limit_exceeded: None,
    };
    change(&mut config);
    config
}

#[tokio::test(start_paused = true)]
async fn scrapes_on_the_grid_however_long_it_takes() {
    let running =
        Running::start(Box::new(|n| (Duration::from_millis(4_999 * (n as u64 % 2)), Ok(format!("m {n}\n")))));
    assert_eq!(running.target.status.lock().next_scrape_ms, None, "the loop has not run yet");
    running.until(1).await;
    assert_eq!(running.target.status.lock().next_scrape_ms, Some(3_000));
    running.until(49).await;
    assert_eq!(running.samples("m"), ["3:0", "13:1", "23:2", "33:3", "43:4"]);
    assert_eq!(running.store.values("scrape_duration_seconds{job=\"j\"}"), ["0", "4.999", "0", "4.999", "0"]);
    let status = running.target.status.lock().clone();
    assert_eq!((status.health(), status.next_scrape_ms), (Health::Up, Some(53_000)));
    assert_eq!(status.last.expect("scraped").started_ms, 43_000);
}

#[tokio::test(start_paused = true)]
async fn a_scrape_that_takes_too_long_fails() {
    let running = Running::start(Box::new(|n| (s(if n == 1 { 1000 } else { 0 }), Ok("m 1\n".to_owned()))));
    running.until(17).await;
    assert_eq!(running.samples("m"), ["3:1"]);
    running.until(19).await;
    assert_eq!(running.samples("m"), ["3:1", "13:stale"]);
    assert_eq!(running.error().as_deref(), Some("context deadline exceeded"));
    assert_eq!(running.target.status.lock().health(), Health::Down);
    running.until(24).await;
    assert_eq!(running.samples("m"), ["3:1", "13:stale", "23:1"]);
    assert_eq!(running.samples("up"), ["3:1", "13:0", "23:1"]);
    assert_eq!(running.samples("scrape_duration_seconds"), ["3:0", "13:5", "23:0"]);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_gone_ends_after_two_intervals() {
    let running = Running::start(counting());
    running.until(14).await;
    running.control.retire();
    running.until(33).await;
    assert_eq!(running.samples("m"), ["3:0", "13:1"]);
    assert_eq!(running.target.status.lock().next_scrape_ms, None);
    running.until(35).await;
    assert_eq!(running.samples("m"), ["3:0", "13:1", "23:stale"]);
    assert_eq!(running.samples("up"), ["3:1", "13:1", "23:stale"]);
    assert_eq!(running.samples("scrape_series_added"), ["3:1", "13:0", "23:stale"]);
    assert!(running.control.has_ended());
    running.task.await.expect("ended in peace");
}

#[tokio::test(start_paused = true)]
async fn a_target_that_comes_back_goes_on() {
    let running = Running::start(counting());
    running.until(14).await;
    running.control.retire();
    running.until(30).await;
    assert!(running.reconfigure(|_| {}));
    running.until(54).await;
    assert_eq!(running.samples("m"), ["3:0", "13:1", "33:2", "43:3", "53:4"]);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_was_never_scraped_ends_at_once() {
    let running = Running::start(counting());
    running.until(1).await;
    running.control.retire();
    running.until(2).await;
    assert!(!running.reconfigure(|_| {}));
    running.task.await.expect("ended in peace");
    assert!(running.store.series().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_leaves_no_markers_and_waits_for_no_target() {
    let running = Running::start(Box::new(|n| (s(n as u64 * 1000), Ok("m 1\n".to_owned()))));
    running.until(14).await;
    running.env.shutdown.cancel();
    running.task.await.expect("ended in peace");
    assert_eq!(running.started.elapsed(), s(14));
    assert_eq!(running.store.samples("m{job=\"j\"}"), [(3_000, "1".to_owned())]);
    assert_eq!(running.store.samples("up{job=\"j\"}"), [(3_000, "1".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn new_settings_disturb_nothing() {
    let running = Running::start(counting());
    running.until(14).await;
    assert!(running.reconfigure(|config| config.timeout = s(7)));
    running.until(24).await;
    assert_eq!(running.samples("m"), ["3:0", "13:1", "23:2"]);
    // Other labels: the old series end with the next scrape, the new ones begin.
    assert!(running.reconfigure(|config| {
        let mut other = settings(Rules::default());
        other.labels.target = Labels::from_pairs([("job", "other")]);
        config.ingest = Arc::new(other);
    }));
    running.until(34).await;
    assert_eq!(running.samples("m"), ["3:0", "13:1", "23:2", "33:stale"]);
    assert_eq!(running.store.values("m{job=\"other\"}"), ["3"]);
    // Another interval: another grid.
    assert!(running.reconfigure(|config| config.interval = s(5)));
    running.until(50).await;
    assert_eq!(running.fetch.asked.load(Ordering::SeqCst), 4 + 3);
}

#[tokio::test(start_paused = true)]
async fn too_many_targets_are_not_scraped() {
    let running = Running::start(counting());
    running.until(4).await;
    running.reconfigure(|config| config.target_limit_exceeded = Some((3, 2)));
    running.until(14).await;
    assert_eq!(running.samples("m"), ["3:0", "13:stale"]);
    assert_eq!(running.samples("up"), ["3:1", "13:0"]);
    assert_eq!(running.error().as_deref(), Some("target_limit exceeded (number of targets: 3, limit: 2)"));
    running.reconfigure(|_| {});
    running.until(24).await;
    assert_eq!(running.samples("m"), ["3:0", "13:stale", "23:1"]);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_full_is_said_and_owed_markers_follow() {
    let running = Running::start(Box::new(|n| {
        (Duration::ZERO, Ok(if n == 0 { "a 1\nb 1\n" } else { "b 1\n" }.to_owned()))
    }));
    running.until(4).await;
    running.store.fail(Some("no room left in /data"));
    running.until(24).await;
    assert_eq!(running.error().as_deref(), Some("storage is full: no room left in /data"));
    assert_eq!(running.target.status.lock().health(), Health::Down);
    running.store.fail(None);
    running.until(34).await;
    assert_eq!(running.samples("a"), ["3:1", "33:stale"]);
    assert_eq!(running.samples("b"), ["3:1", "33:1"]);
    let counters = running.env.counters.read();
    assert_eq!((counters.batches_not_stored, counters.scrapes_failed, counters.scrapes), (2, 2, 4));
}

#[tokio::test(start_paused = true)]
async fn a_scrape_that_is_too_large_for_the_store_is_down() {
    let many = (0..10).map(|n| format!("m{n} 1\n")).collect::<Vec<_>>().concat();
    let running = Running::start(Box::new(move |n| {
        (Duration::ZERO, Ok(if n == 1 { many.clone() } else { "m0 1\n".into() }))
    }));
    running.store.limit_batches(10);
    running.until(24).await;
    assert_eq!(running.samples("up"), ["3:1", "13:0", "23:1"]);
    assert_eq!(running.samples("m0"), ["3:1", "13:stale", "23:1"]);
    assert_eq!(running.samples("m1"), [""; 0]);
    let counters = running.env.counters.read();
    assert_eq!((counters.batches_not_stored, counters.scrapes_failed, counters.scrapes), (1, 1, 3));
}

#[tokio::test(start_paused = true)]
async fn the_reason_is_shown_when_the_store_finds_a_scrape_too_large() {
    let running = Running::start(Box::new(|_| (Duration::ZERO, Ok("a 1\nb 1\nc 1\n".to_owned()))));
    running.store.limit_batches(7);
    running.until(4).await;
    assert_eq!(running.error().as_deref(), Some("batch too large: at most 7 samples"));
}

#[tokio::test(start_paused = true)]
async fn a_series_that_the_store_may_not_have_fails_the_scrape() {
    let running = Running::start(Box::new(|n| {
        (Duration::ZERO, Ok(if n == 1 { "a 2\nwide 1\n" } else { "a 1\n" }.to_owned()))
    }));
    running.store.limit("wide", Limit::LabelsPerSeries);
    running.until(14).await;
    assert_eq!(running.error().as_deref(), Some("max_labels_per_series reached"));
    assert_eq!(running.target.status.lock().health(), Health::Down);
    running.until(24).await;
    assert_eq!(running.samples("up"), ["3:1", "13:0", "23:1"]);
    assert_eq!(running.samples("a"), ["3:1", "13:stale", "23:1"]);
    let counters = running.env.counters.read();
    assert_eq!((counters.store_limits_exceeded, counters.scrapes_failed), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn series_that_are_there_go_on_when_the_store_takes_no_new_ones() {
    let running = Running::start(Box::new(|n| {
        (Duration::ZERO, Ok(if n == 1 { "a 2\nnew 1\nnew{x=\"1\"} 1\n" } else { "a 1\n" }.to_owned()))
    }));
    running.store.limit("new", Limit::ActiveSeries);
    running.until(14).await;
    assert_eq!(
        running.error().as_deref(),
        Some("max_active_series reached; 2 of the samples were not stored")
    );
    assert_eq!(running.target.status.lock().health(), Health::Down);
    running.until(24).await;
    assert_eq!(running.samples("up"), ["3:1", "13:0", "23:1"]);
    assert_eq!(running.samples("a"), ["3:1", "13:2", "23:1"], "no marker, no gap");
    assert_eq!(running.samples("scrape_samples_scraped"), ["3:1", "13:3", "23:1"]);
    let counters = running.env.counters.read();
    assert_eq!((counters.store_limits_exceeded, counters.samples_over_store_limit), (1, 2));
}

/// A store with a bug.
struct Panicking(Arc<TestStore>, AtomicUsize);

impl Appender for Panicking {
    fn append(&self, tenant: &Tenant, batch: &AppendBatch) -> Result<AppendReport, AppendError> {
        assert_ne!(self.1.fetch_add(1, Ordering::SeqCst), 1, "a bug");
        self.0.append(tenant, batch)
    }
}

#[tokio::test(start_paused = true)]
async fn a_bug_costs_one_scrape() {
    let running = Running::start_with(counting(), |store| Arc::new(Panicking(store, AtomicUsize::new(0))));
    running.until(14).await;
    assert!(running.error().expect("a bug").starts_with("internal error: "));
    running.until(24).await;
    assert_eq!(running.samples("m"), ["3:0", "23:2"]);
    let running = Running::start(Box::new(|n| {
        assert_ne!(n, 1, "a bug");
        (Duration::ZERO, Ok(format!("m {n}\n")))
    }));
    running.until(24).await;
    assert_eq!(running.samples("m"), ["3:0", "13:stale", "23:2"]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_target_delays_no_other() {
    let slow = Running::start(Box::new(|_| (s(1000), Ok(String::new()))));
    let fast = Running::start_in(Arc::clone(&slow.env), counting());
    slow.until(64).await;
    assert_eq!(fast.fetch.asked.load(Ordering::SeqCst), 7);
    assert_eq!(slow.samples("m").len(), 7);
    assert_eq!(slow.env.counters.read().scrapes_failed, 6);
}

#[tokio::test(start_paused = true)]
async fn timestamps_follow_the_wall_clock_and_timers_do_not() {
    let running = Running::start(counting());
    running.until(14).await;
    running.clock.jump_ms(1_000_000);
    running.until(24).await;
    running.clock.jump_ms(-500_000);
    running.until(34).await;
    assert_eq!(running.fetch.asked.load(Ordering::SeqCst), 4);
    // The sample after the jump back is older than the one before it; the store refuses it.
    assert_eq!(running.samples("m"), ["3:0", "13:1", "1023:2"]);
    assert_eq!(running.env.counters.read().samples_out_of_order, 1);
}

#[tokio::test(start_paused = true)]
async fn failures_are_logged_to_the_file() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = dir.path().join("failures");
    let log = Arc::new(FailureLog::open(&path).expect("writable"));
    let running = Running::start(Box::new(|n| (Duration::ZERO, Ok("m {\n".repeat(n % 2)))));
    running.reconfigure(|config| config.failure_log = Some(log));
    running.until(24).await;
    let text = std::fs::read_to_string(&path).expect("readable");
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains("\"target\":\"http://a:1/metrics\""), "{text}");
    assert!(text.contains("(line 1, column 4)"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn bodies_that_were_read_are_shown_and_broken_ones_are_not() {
    let looked = Arc::new(Looked::default());
    let body = |n| Ok(if n == 1 { "m one\n".to_owned() } else { format!("m {n}\n") });
    let running = Running::start_inspected(
        Box::new(move |n| (Duration::ZERO, body(n))),
        Arc::clone(&looked) as Arc<dyn Inspector>,
    );
    running.until(24).await;
    let url = running.target.url.shown();
    let shown = |seconds: u32, n: u32| format!("{seconds} j {url} text/plain m {n}\n");
    assert_eq!(*looked.0.lock(), [shown(3, 0), shown(23, 2)]);
}
