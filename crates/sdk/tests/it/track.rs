//! Functions that are tracked.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bellwether_sdk::track::Status;
use bellwether_sdk::{Counter, Gauge, Histogram, LabelValue, Labels, MetricSet, Registry, track};
use futures_util::stream::{self, Stream, StreamExt as _};

#[derive(Labels)]
struct Run<'a> {
    workflow: &'a str,
    status: Status,
}

#[derive(Clone, Copy, LabelValue)]
enum Kind {
    Timeout,
    Refused,
}

#[derive(Labels)]
struct Failure {
    kind: Kind,
}

#[derive(Labels)]
struct Workflow<'a> {
    workflow: &'a str,
}

#[derive(MetricSet)]
#[metrics(prefix = "tracked")]
struct Metrics {
    /// Runs.
    runs: Counter<Run<'static>>,
    /// Failures.
    failures: Counter<Failure>,
    /// Seconds.
    #[metric(unit = "seconds")]
    time: Histogram<Workflow<'static>>,
    /// In flight.
    in_flight: Gauge,
}

static METRICS: LazyLock<Metrics> = LazyLock::new(|| Metrics::register(&REGISTRY).expect("is right"));
static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::new);

/// How often a workflow of this name ended in each way: success, failure, cancelled, panic.
fn ends(workflow: &str) -> [f64; 4] {
    [Status::Success, Status::Failure, Status::Cancelled, Status::Panic]
        .map(|status| METRICS.runs.with(Run { workflow, status }).get())
}

fn observed(workflow: &str) -> bool {
    let ends: f64 = ends(workflow).iter().sum();
    REGISTRY.text().contains(&format!("tracked_time_seconds_count{{workflow=\"{workflow}\"}} {ends}\n"))
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("it starts").block_on(future)
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

struct Outcome {
    success: bool,
}

struct Refusal(Kind);

#[track(
    counter = METRICS.runs.with(Run { workflow: name, status }),
    histogram = METRICS.time.with(Workflow { workflow: name }),
    errors = METRICS.failures.with(Failure { kind: error_type }),
    error_type = |error| error.0,
    ok = |outcome| outcome.success,
    err = |error| if matches!(error.0, Kind::Timeout) { Status::Cancelled } else { Status::Failure },
)]
fn all_options(name: &str, n: u32) -> Result<Outcome, Refusal> {
    if n == 0 {
        return Err(Refusal(Kind::Refused));
    }
    let n = n.checked_sub(2).ok_or(Refusal(Kind::Timeout))?;
    assert!(n < 9, "on purpose");
    Ok(Outcome { success: n > 0 })
}

#[test]
fn the_result_says_how_a_run_ended() {
    let outcomes = [0, 1, 2, 3, 4].map(|n| all_options("results", n).is_ok());
    assert_eq!(outcomes, [false, false, true, true, true]);
    assert!(catch_unwind(|| all_options("results", 20)).is_err());
    assert_eq!(ends("results"), [2.0, 2.0, 1.0, 1.0]);
    assert!(observed("results"));
    let failures = |kind| METRICS.failures.with(Failure { kind }).get();
    assert_eq!((failures(Kind::Timeout), failures(Kind::Refused)), (1.0, 1.0));
}

struct Engine {
    name: String,
    in_flight: Gauge,
    n: u32,
}

impl Engine {
    fn new(name: &str) -> Self {
        let opts = bellwether_sdk::Opts::new("engine_in_flight", "In flight.");
        let in_flight = Registry::new().gauge(opts).expect("is right");
        Self { name: name.to_owned(), in_flight, n: 0 }
    }

    #[track(
        counter = METRICS.runs.with(Run { workflow: &self.name, status }),
        histogram = METRICS.time.with(Workflow { workflow: &self.name }),
        in_flight = self.in_flight,
    )]
    async fn step<'a>(&self, input: &'a str, done: tokio::sync::oneshot::Receiver<bool>) -> Option<&'a str> {
        assert!(done.await.expect("it is sent"), "on purpose");
        if input.is_empty() {
            return None;
        }
        Some(input)
    }

    /// Changes itself and gives its argument away, so what the labels need is kept.
    #[track(
        counter = METRICS.runs.with(Run { workflow: label, status }),
        in_flight = in_flight,
        keep(label = format!("{}-{}", self.name, input), in_flight = self.in_flight),
    )]
    async fn change(&mut self, input: String) -> String {
        assert_eq!(self.in_flight.with(()).get(), 1.0);
        self.n += 1;
        tokio::task::yield_now().await;
        input
    }

    #[track(counter = METRICS.runs.with(Run { workflow: name, status }), keep(name), in_flight = METRICS.in_flight)]
    fn later(name: String, is_ok: bool) -> impl Future<Output = Result<String, ()>> + Send {
        async move { if is_ok { Ok(name) } else { Err(()) } }
    }

    #[track(counter = METRICS.runs.with(Run { workflow: name, status }), ok = |n| *n > 0)]
    fn boxed<'a>(&'a self, name: &'a str, n: u32) -> Pin<Box<dyn Future<Output = u32> + Send + 'a>> {
        Box::pin(async move { self.n + n })
    }
}

fn is_send<T: Send>(it: T) -> T {
    it
}

#[test]
fn a_future_counts_however_it_ends() {
    let engine = Engine::new("futures");
    let in_flight = engine.in_flight.with(());
    let channel = tokio::sync::oneshot::channel;
    let never_polled = engine.step("", channel().1);
    drop(never_polled);
    assert_eq!(ends("futures"), [0.0; 4], "what is never polled never began");

    let (sender, receiver) = channel();
    {
        let mut waiting = pin!(is_send(engine.step("a", receiver)));
        assert!(poll_once(waiting.as_mut()).is_pending() && poll_once(waiting.as_mut()).is_pending());
        assert_eq!(in_flight.get(), 1.0);
    }
    drop(sender);
    assert_eq!((ends("futures"), in_flight.get()), ([0.0, 0.0, 1.0, 0.0], 0.0));

    for (input, may) in [("a", true), ("", true), ("a", false)] {
        let (sender, receiver) = channel();
        let mut step = pin!(engine.step(input, receiver));
        assert!(poll_once(step.as_mut()).is_pending());
        assert_eq!(in_flight.get(), 1.0);
        sender.send(may).expect("somebody waits");
        match catch_unwind(AssertUnwindSafe(|| poll_once(step.as_mut()))) {
            Ok(polled) => assert!(may && polled == Poll::Ready((!input.is_empty()).then_some(input))),
            Err(_) => assert!(!may),
        }
        assert_eq!(in_flight.get(), 0.0, "it is gone before the future is dropped");
    }
    assert_eq!((ends("futures"), in_flight.get()), ([2.0, 0.0, 1.0, 1.0], 0.0));
    assert!(observed("futures"));
}

#[test]
fn arguments_that_are_given_away_can_be_kept() {
    let mut engine = Engine::new("kept");
    assert_eq!(block_on(is_send(engine.change("input".to_owned()))), "input");
    assert_eq!((ends("kept-input"), engine.n), ([1.0, 0.0, 0.0, 0.0], 1));
    assert_eq!(engine.in_flight.with(()).get(), 0.0);
}

#[test]
fn functions_that_return_futures_are_tracked_when_those_run() {
    let (well, ill) =
        (is_send(Engine::later("later".to_owned(), true)), Engine::later("later".to_owned(), false));
    assert_eq!(ends("later"), [0.0; 4]);
    assert_eq!((block_on(well), block_on(ill)), (Ok("later".to_owned()), Err(())));
    assert_eq!(ends("later"), [1.0, 1.0, 0.0, 0.0]);
    let engine = Engine::new("boxed");
    assert_eq!(block_on(async { engine.boxed("boxed", 3).await + engine.boxed("boxed", 0).await }), 3);
    assert_eq!(ends("boxed"), [1.0, 1.0, 0.0, 0.0]);
}

#[track(
    counter = METRICS.runs.with(Run { workflow: name, status }),
    in_flight = METRICS.in_flight,
    name = "workflow",
    key = name,
)]
async fn outer(name: &str, inner_name: &str, depth: u32) -> u32 {
    tokio::task::yield_now().await;
    if depth == 0 {
        return inner(inner_name);
    }
    let nested = Box::pin(outer(name, inner_name, depth - 1));
    nested.await
}

#[track(counter = METRICS.runs.with(Run { workflow: name, status }), name = "workflow", key = name)]
fn inner(name: &str) -> u32 {
    7
}

#[test]
fn a_run_inside_of_a_run_of_the_same_operation_is_no_other_one() {
    // Defect D16: the decorated function and the engine inside of it both counted.
    assert_eq!(block_on(outer("nested", "nested", 2)), 7);
    assert_eq!(ends("nested"), [1.0, 0.0, 0.0, 0.0]);
    assert_eq!(block_on(outer("parent", "child", 1)), 7);
    assert_eq!((ends("parent"), ends("child")), ([1.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]));
    assert_eq!(inner("nested") + inner("nested"), 14);
    assert_eq!(ends("nested"), [3.0, 0.0, 0.0, 0.0], "one after the other are two");
}

#[test]
fn what_is_under_way_is_so_for_a_task_and_not_for_a_thread() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("it starts");
    runtime.block_on(async {
        // Both are suspended in the middle while the other one runs on the same threads.
        let tasks = (0..50).map(|_| tokio::spawn(is_send(outer("tasks", "tasks", 3))));
        for task in tasks.collect::<Vec<_>>() {
            assert_eq!(task.await.expect("it ends"), 7);
        }
    });
    assert_eq!(ends("tasks"), [50.0, 0.0, 0.0, 0.0]);
    let (one, two) = (outer("turns", "turns", 0), outer("turns", "turns", 0));
    let (mut one, mut two) = (pin!(one), pin!(two));
    assert!(poll_once(one.as_mut()).is_pending() && poll_once(two.as_mut()).is_pending());
    assert!(poll_once(one).is_ready() && poll_once(two).is_ready());
    assert_eq!(ends("turns"), [2.0, 0.0, 0.0, 0.0]);
}

#[test]
fn a_panic_leaves_nothing_under_way() {
    #[track(counter = METRICS.runs.with(Run { workflow: "again", status }), name = "again")]
    fn again(is_ill: bool) {
        assert!(!is_ill, "on purpose");
    }
    assert!(catch_unwind(|| again(true)).is_err());
    again(false);
    assert_eq!(ends("again"), [1.0, 0.0, 0.0, 1.0]);
}

#[test]
fn what_is_slow_is_told() {
    static SLOW: AtomicU64 = AtomicU64::new(0);
    #[track(slow(limit, |elapsed: Duration| {
        assert!(elapsed >= limit);
        SLOW.fetch_add(1, Ordering::Relaxed);
    }))]
    fn run(limit: Duration) -> (u32, impl Fn() -> u32) {
        (1, || 2)
    }
    let (one, two) = run(Duration::from_hours(1));
    assert_eq!((one + two(), SLOW.load(Ordering::Relaxed)), (3, 0));
    let _ = run(Duration::ZERO);
    assert_eq!(SLOW.load(Ordering::Relaxed), 1);
}

#[track(
    stream,
    counter = METRICS.runs.with(Run { workflow: name, status }),
    in_flight = in_flight,
    keep(name, in_flight),
)]
fn items(name: String, in_flight: Gauge, items: Vec<Result<u32, ()>>) -> impl Stream<Item = Result<u32, ()>> {
    stream::iter(items).map(move |item| {
        assert_ne!(item, Ok(13), "{name}: on purpose");
        item
    })
}

#[track(stream, counter = METRICS.runs.with(Run { workflow: "boxed stream", status }), ok = |n| *n > 0)]
fn boxed_items(items: Vec<u32>) -> Pin<Box<dyn Stream<Item = u32> + Send>> {
    Box::pin(stream::iter(items))
}

#[test]
fn a_stream_is_a_run_until_its_end() {
    let opts = bellwether_sdk::Opts::new("streams_in_flight", "In flight.");
    let in_flight: Gauge = Registry::new().gauge(opts).expect("is right");
    let of = |name: &str, all: &[Result<u32, ()>]| items(name.to_owned(), in_flight, all.to_vec());
    drop(of("stream", &[]));
    assert_eq!(block_on(of("stream", &[Ok(1), Ok(2)]).count()), 2);
    assert_eq!(block_on(of("stream", &[Ok(1), Err(()), Ok(2)]).count()), 3);
    assert_eq!(ends("stream"), [1.0, 1.0, 0.0, 0.0]);
    let mut cut = of("stream", &[Ok(1), Ok(2)]);
    assert_eq!(block_on(cut.next()), Some(Ok(1)));
    assert_eq!((in_flight.with(()).get(), ends("stream")), (1.0, [1.0, 1.0, 0.0, 0.0]));
    drop(cut);
    assert!(catch_unwind(AssertUnwindSafe(|| block_on(of("stream", &[Ok(13)]).count()))).is_err());
    assert_eq!((in_flight.with(()).get(), ends("stream")), (0.0, [1.0, 1.0, 1.0, 1.0]));
    assert_eq!(
        block_on(async { boxed_items(vec![1, 2]).count().await + boxed_items(vec![1, 0]).count().await }),
        4
    );
    assert_eq!(ends("boxed stream"), [1.0, 1.0, 0.0, 0.0]);
}

/// What functions look like otherwise.
struct Shapes<T> {
    items: Vec<T>,
}

impl<T: Clone + Send + Sync> Shapes<T> {
    #[track(counter = METRICS.runs.with(Run { workflow: "shapes", status }), ok = Option::is_some)]
    fn first(&mut self) -> Option<&mut T> {
        self.items.first_mut()
    }

    #[track(counter = METRICS.runs.with(Run { workflow: "shapes", status }), in_flight = METRICS.in_flight)]
    fn into_last<F>(mut self, other: impl AsRef<[T]>, change: F) -> std::io::Result<T>
    where
        F: FnOnce(T) -> T,
    {
        self.items.extend_from_slice(other.as_ref());
        let last = self.items.pop().ok_or(std::io::ErrorKind::NotFound)?;
        Ok(change(last))
    }

    #[track(counter = METRICS.runs.with(Run { workflow: "shapes", status }))]
    async fn longest<'a, const N: usize>(
        &'a mut self,
        others: &'a mut [T; N],
    ) -> Result<&'a mut [T], String> {
        self.items.truncate(N);
        if N == 0 {
            return Err("none".into());
        }
        Ok(if self.items.len() < N { others } else { &mut self.items })
    }
}

trait Step {
    fn step(&self) -> Result<u32, ()>;
}

impl Step for u32 {
    #[track(counter = METRICS.runs.with(Run { workflow: "shapes", status }))]
    fn step(&self) -> Result<u32, ()> {
        self.checked_sub(1).ok_or(())
    }
}

#[test]
fn functions_of_any_shape_are_tracked() {
    let mut shapes = Shapes { items: vec![1, 2] };
    *shapes.first().expect("there is one") = 7;
    assert_eq!(block_on(shapes.longest(&mut [4, 5, 6])), Ok(&mut [4, 5, 6][..]));
    assert_eq!(block_on(shapes.longest(&mut [])), Err("none".to_owned()));
    assert!(shapes.first().is_none());
    assert_eq!(shapes.into_last([8, 9], |n| n + 1).expect("there is one"), 10);
    assert_eq!((1.step(), 0.step()), (Ok(0), Err(())));
    assert_eq!(ends("shapes"), [4.0, 3.0, 0.0, 0.0]);
}

/// Other words for how a run ended.
#[derive(Clone, Copy, LabelValue)]
enum Verdict {
    Passed,
    Broke,
}

impl From<Status> for Verdict {
    fn from(status: Status) -> Self {
        if status.is_success() { Self::Passed } else { Self::Broke }
    }
}

#[derive(Labels)]
struct Judged {
    verdict: Verdict,
}

#[test]
fn a_status_can_have_other_words() {
    #[track(counter = judged.with(Judged { verdict: status.into() }), ok = |is_ok| *is_ok)]
    fn run(judged: Counter<Judged>, is_ok: bool) -> bool {
        is_ok
    }
    let registry = Registry::new();
    let opts = bellwether_sdk::Opts::new("judged", "Runs.");
    let judged = registry.counter::<Judged>(opts).expect("is right");
    assert!(run(judged, true) && !run(judged, false) && !run(judged, false));
    let text = registry.text();
    assert!(text.contains("{verdict=\"passed\"} 1\n") && text.contains("{verdict=\"broke\"} 2\n"), "{text}");
}
