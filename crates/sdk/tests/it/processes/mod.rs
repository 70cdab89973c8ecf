//! Many processes that count together: the test binary starts itself again, in a role that the environment names, and kills what it started.
mod golden;

use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bellwether_sdk::golden::Golden;
use bellwether_sdk::{
    Counter, GaugeMerge, Histogram, Info, LabelValue, Labels, NativeHistogram, Opts, Registry, Request,
    Sharing, StateSet, Summary, TraceContext,
};

const ROLE: &str = "BELLWETHER_TEST_ROLE";
const DIRECTORY: &str = "BELLWETHER_TEST_DIRECTORY";
const NUMBER: &str = "BELLWETHER_TEST_NUMBER";

/// Written before something is counted, and after.
const INTENT: u8 = 1;
const DONE: u8 = 2;
/// Around a text.
const TEXT: u8 = 3;

#[derive(Labels)]
struct Work<'a> {
    worker: &'a str,
}

#[derive(Clone, Copy, LabelValue)]
enum Mode {
    Idle,
    Busy,
}

/// What workers count.
struct Families {
    registry: Registry,
    all: Counter,
    by_worker: Counter<Work<'static>>,
    seconds: Counter,
    took: Histogram,
    sizes: NativeHistogram,
    waits: Summary,
    traced: Counter,
    golden: Golden,
}

impl Families {
    fn new() -> Self {
        let registry = Registry::new();
        let is_right = "the families are right";
        Self {
            all: registry.counter(Opts::new("work", "Work.")).expect(is_right),
            by_worker: registry
                .counter(Opts::new("work_by_worker", "Work.").max_series(10_000))
                .expect(is_right),
            seconds: registry.counter(Opts::new("work_seconds", "Work.")).expect(is_right),
            took: registry.histogram(Opts::new("took", "Work.").buckets(&[1.0, 2.0])).expect(is_right),
            sizes: registry
                .native_histogram(Opts::new("sizes", "Work.").buckets(&[1.0, 1e9]))
                .expect(is_right),
            waits: registry.summary(Opts::new("waits", "Work.")).expect(is_right),
            traced: registry.counter(Opts::new("traced", "Work.").exemplars()).expect(is_right),
            // All of the test is in the window.
            golden: Golden::builder("agents")
                .window(Duration::from_hours(1))
                .register(&registry)
                .expect(is_right),
            registry,
        }
    }

    fn count(&self, worker: &str, n: u32) {
        self.all.inc();
        self.by_worker.with(Work { worker }).inc();
        self.seconds.add(0.25);
        self.took.observe(f64::from(n % 3) + 0.5);
        // Values of ever another size: the buckets are laid out anew again and again.
        self.sizes.observe(f64::exp2(f64::from(n * 7 % 200) - 100.0));
        self.waits.observe(f64::exp2(f64::from(n * 7 % 200) - 100.0));
        let trace = TraceContext { trace_id: u128::from(n) + 1, span_id: 7 };
        self.traced.with(()).inc_traced(trace);
        let took = Duration::from_millis(u64::from(n) * 7 % 200);
        self.golden.execution("work", !n.is_multiple_of(3), took);
        self.golden.tool_call(worker, true);
    }
}

fn start(role: &str, directory: &Path, number: u32) -> Child {
    Command::new(std::env::current_exe().expect("a program"))
        .args(["processes::in_a_process_of_its_own", "--exact", "--nocapture"])
        .env(ROLE, role)
        .env(DIRECTORY, directory)
        .env(NUMBER, number.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts itself")
}

/// What is started by the tests; does nothing when it is run as a test.
#[test]
fn in_a_process_of_its_own() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let directory = std::env::var_os(DIRECTORY).expect("the directory is told");
    let number: u32 = std::env::var(NUMBER).expect("a number is told").parse().expect("it is one");
    let sharing = Sharing::new("test").directory(directory).epoch(1);
    match role.as_str() {
        "work" => work(&sharing, number),
        "read" => {
            let families = Families::new();
            families.registry.share(&sharing).expect("the directory can be used");
            say_text(&families.registry, Some(&families.golden));
        }
        "golden" => golden::work(&sharing, number),
        "hold" => crate::blocking::hold_an_exposition(|registry| {
            registry.share(&sharing).expect("the directory can be used");
        }),
        "merge" => merge(&sharing, number),
        "collect" => collect(&sharing),
        other => panic!("BUG: no role {other}"),
    }
}

fn say(byte: u8) {
    let mut out = std::io::stdout();
    out.write_all(&[byte]).and_then(|()| out.flush()).expect("somebody listens");
}

fn say_text(registry: &Registry, golden: Option<&Golden>) {
    let mut text = registry.text();
    if let Some(golden) = golden {
        golden::write(&mut text, &golden.snapshot());
    }
    for left_out in registry.skipped_regions() {
        writeln!(text, "skipped {}: {:?}", left_out.path.display(), left_out.reason).expect("it is a string");
    }
    let open_metrics = registry.expose(&Request::new("application/openmetrics-text;version=1.0.0", "", ""));
    let n_exemplars = String::from_utf8_lossy(&open_metrics.body).matches("trace_id=").count();
    writeln!(text, "exemplars {n_exemplars}").expect("it is a string");
    say(TEXT);
    std::io::stdout().write_all(text.as_bytes()).expect("somebody listens");
    say(TEXT);
}

/// Counts until it is killed, and now and then exposes what all count, which folds what those left who were killed before.
fn work(sharing: &Sharing, number: u32) {
    let families = Families::new();
    let worker = number.to_string();
    families.registry.share(sharing).expect("the directory can be used");
    for n in 0_u32.. {
        if n % 5 == number % 5 {
            assert!(families.registry.text().contains("work_total "));
            assert!(u64::from(n) <= families.golden.snapshot().executions);
        }
        say(INTENT);
        families.count(&worker, n);
        say(DONE);
    }
}

/// The text that a process says.
fn read(mut child: Child) -> String {
    let mut said = Vec::new();
    child.stdout.take().expect("it is piped").read_to_end(&mut said).expect("it can be read");
    assert!(child.wait().expect("it ends").success(), "{}", String::from_utf8_lossy(&said));
    let text = said.split(|byte| *byte == TEXT).nth(1).expect("a text").to_vec();
    String::from_utf8(text).expect("it is text")
}

fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in\n{text}")).parse().expect("it is a number")
}

/// Numbers that look random.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// Whatever is acknowledged is in the sums, once. Of a worker that was killed between saying that it will count and that it has, the one increment under way counts or does not.
#[test]
fn nothing_is_lost_or_doubled_when_workers_are_killed() {
    let generations = std::env::var("BELLWETHER_GENERATIONS").map_or(20, |n| n.parse().expect("a number"));
    let seed = std::env::var("BELLWETHER_GENERATIONS_SEED").map_or(1, |n| n.parse().expect("a number"));
    let directory = tempfile::tempdir().expect("a directory");
    let mut numbers = Numbers(seed);
    let (mut intents, mut acks) = (Vec::new(), Vec::new());
    for _ in 0..generations {
        let first = intents.len() as u32;
        let mut workers: Vec<Child> =
            (first..first + 3).map(|n| start("work", directory.path(), n)).collect();
        // All run at the same time; each is killed after it said as much as was drawn for it, wherever it is by then.
        for worker in &mut workers {
            let mut said = vec![0; numbers.below(120) as usize];
            let mut out = worker.stdout.take().expect("it is piped");
            out.read_exact(&mut said).expect("it says more than that");
            worker.kill().expect("it can be killed");
            out.read_to_end(&mut said).expect("it can be read");
            let n = |what| said.iter().map(|byte| u64::from(*byte == what)).sum();
            intents.push(n(INTENT));
            acks.push(n(DONE));
        }
        for mut worker in workers {
            assert!(!worker.wait().expect("it ends").success());
        }
    }
    let text = read(start("read", directory.path(), 0));
    let mut sum = 0;
    for (worker, (intents, acks)) in intents.iter().zip(&acks).enumerate() {
        assert!(intents - acks <= 1);
        let counted = if *intents == 0 {
            0
        } else {
            let line = format!("work_by_worker_total{{worker=\"{worker}\"}}");
            if *acks == 0 && !text.contains(&line) { 0 } else { value(&text, &line) as u64 }
        };
        assert!((*acks..=*intents).contains(&counted), "worker {worker}: {acks} <= {counted} <= {intents}");
        if *acks > 0 {
            let calls = value(&text, &format!("golden_calls{{tool=\"{worker}\"}}")) as u64;
            assert!((*acks..=*intents).contains(&calls), "worker {worker}: {acks} <= {calls} <= {intents}");
        }
        sum += counted;
    }
    let (acks, intents): (u64, u64) = (acks.iter().sum(), intents.iter().sum());
    println!("{acks} acknowledged, {sum} counted, {} under way when their worker was killed", intents - acks);
    let once = [
        "work_total",
        "took_count",
        "sizes_count",
        "waits_count",
        "traced_total",
        "golden_total",
        "golden_executions",
        "agents_domain_usage_total{domain=\"work\"}",
    ];
    for (series, weight) in once.map(|name| (name, 1.0)).into_iter().chain([("work_seconds_total", 4.0)]) {
        let counted = value(&text, series) * weight;
        assert!(
            (acks as f64..=intents as f64).contains(&counted),
            "{series}: {acks} <= {counted} <= {intents}"
        );
    }
    let p99 = value(&text, "golden_p99");
    assert!((0.0..0.205).contains(&p99), "{p99}");
    assert_eq!(value(&text, "exemplars"), 1.0, "the latest of all: {text}");
    for bound in ["0.5", "0.9", "0.99"] {
        let quantile = value(&text, &format!("waits{{quantile=\"{bound}\"}}"));
        assert!((1e-31..1e31).contains(&quantile), "{text}");
    }
    assert!(!text.contains("bellwether_sdk_region_files_skipped_total{"), "{text}");
    let again = read(start("read", directory.path(), 0));
    assert_eq!(text, again, "what is folded is folded once");
    let files: Vec<_> = fs::read_dir(directory.path()).expect("it is there").collect();
    assert!(files.len() <= 4, "the last reader, the sums, and two locks: {files:?}");
}

/// Sets gauges, a state and an info, says so, and waits until it is told to end.
fn merge(sharing: &Sharing, number: u32) {
    let registry = Registry::new();
    registry.share(sharing).expect("the directory can be used");
    let merges = [
        ("sum_live", GaugeMerge::SumLive),
        ("max_live", GaugeMerge::MaxLive),
        ("min_live", GaugeMerge::MinLive),
        ("latest", GaugeMerge::Latest),
        ("per_process", GaugeMerge::PerProcess),
        ("sum_all", GaugeMerge::SumAll),
    ];
    let set = || {
        for (name, merge) in merges {
            registry
                .gauge::<()>(Opts::new(name, "G.").merge(merge))
                .expect("is right")
                .set(f64::from(number));
        }
        let mode: StateSet<Mode> = registry.state_set(Opts::new("mode", "M.")).expect("is right");
        mode.set(if number.is_multiple_of(2) { Mode::Idle } else { Mode::Busy });
        let info: Info<Work<'static>> = registry.info(Opts::new("build", "B.")).expect("is right");
        info.set(Work { worker: &number.to_string() });
    };
    if number > 0 {
        set();
    }
    say(DONE);
    let mut end = [0];
    let _ = std::io::stdin().read(&mut end);
    say_text(&registry, None);
}

/// Counts how often it collects, says so the first time it leads, and waits until it is told to end.
fn collect(sharing: &Sharing) {
    let registry = Registry::new();
    let collected = registry.counter::<()>(Opts::new("collected", "C.")).expect("is right");
    registry.share(sharing).expect("the directory can be used");
    let leads = registry.leads();
    let collector = registry.collector("all", Duration::from_millis(1), move || {
        collected.inc();
        say(INTENT);
        Ok::<(), ()>(())
    });
    let _collector = collector.expect("a thread can be started");
    say(if leads { DONE } else { 0 });
    let mut end = [0];
    let _ = std::io::stdin().read(&mut end);
    say_text(&registry, None);
}

fn wait_for(child: &mut Child, what: &[u8]) -> u8 {
    let out = child.stdout.as_mut().expect("it is piped");
    let mut byte = [0xff];
    while !what.contains(&byte[0]) {
        out.read_exact(&mut byte).expect("it says more");
    }
    byte[0]
}

#[test]
fn counting_goes_on_while_an_exposition_of_all_processes_is_held() {
    let directory = tempfile::tempdir().expect("a directory");
    let left = start("merge", directory.path(), 1);
    read(end(left));
    let mut holding = start("hold", directory.path(), 0);
    let mut said = String::new();
    holding.stdout.take().expect("it is piped").read_to_string(&mut said).expect("it is text");
    assert!(holding.wait().expect("it ends").success(), "{said}");
}

#[test]
fn one_process_collects_for_all_until_it_ends() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut first = start("collect", directory.path(), 0);
    assert_eq!(wait_for(&mut first, &[DONE, 0]), DONE);
    let mut second = start("collect", directory.path(), 0);
    assert_eq!(wait_for(&mut second, &[INTENT, DONE, 0]), 0, "it does not lead, and does not collect");
    wait_for(&mut first, &[INTENT]);
    first.kill().expect("it can be killed");
    first.wait().expect("it ends");
    wait_for(&mut second, &[INTENT]);
    let text = read(end(second));
    assert!(value(&text, "collected_total") >= 2.0, "of both: {text}");
    assert!(text.contains("bellwether_collector_age_seconds{collector=\"all\"}"), "{text}");
}

#[test]
fn gauges_are_merged_as_their_family_says() {
    let directory = tempfile::tempdir().expect("a directory");
    let begin = |number| {
        let mut child = start("merge", directory.path(), number);
        // One after the other, so that it is known who is the last.
        wait_for(&mut child, &[DONE]);
        child
    };
    let mut workers = [7, 3, 5].map(begin);
    let pids = workers.each_ref().map(Child::id);
    // Who has none of the families itself exposes them all the same.
    let text = |n: u32| read(end(begin(n)));
    let alive = text(0);
    let expect = |text: &str, expected: &[(&str, f64)]| {
        for (series, expected) in expected {
            assert_eq!(value(text, series), *expected, "{series} in\n{text}");
        }
    };
    expect(
        &alive,
        &[("sum_live", 15.0), ("max_live", 7.0), ("min_live", 3.0), ("latest", 5.0), ("sum_all", 15.0)],
    );
    for (pid, number) in pids.iter().zip([7.0, 3.0, 5.0]) {
        expect(&alive, &[(&format!("per_process{{pid=\"{pid}\"}}"), number)]);
    }
    expect(
        &alive,
        &[("mode{mode=\"busy\"}", 1.0), ("mode{mode=\"idle\"}", 0.0), ("build_info{worker=\"5\"}", 1.0)],
    );
    assert_eq!(alive.matches("build_info{").count(), 1, "{alive}");

    workers[0].kill().expect("it can be killed");
    workers[2].kill().expect("it can be killed");
    for worker in [0, 2] {
        workers[worker].wait().expect("it ends");
    }
    let text = text(0);
    expect(
        &text,
        &[("sum_live", 3.0), ("max_live", 3.0), ("min_live", 3.0), ("latest", 5.0), ("sum_all", 15.0)],
    );
    expect(&text, &[("build_info{worker=\"5\"}", 1.0), ("mode{mode=\"busy\"}", 1.0)]);
    assert_eq!(text.matches("per_process{").count(), 1, "{text}");
    for mut worker in workers {
        let _ = worker.kill();
        worker.wait().expect("it ends");
    }
}

/// Tells a process to end.
fn end(mut child: Child) -> Child {
    drop(child.stdin.take());
    child
}

#[test]
fn what_cannot_be_read_is_left_out_and_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name);
    let mut worker = start("work", directory.path(), 0);
    let mut said = [0; 200];
    worker.stdout.as_mut().expect("it is piped").read_exact(&mut said).expect("it says more than that");
    worker.kill().expect("it can be killed");
    worker.wait().expect("it ends");
    fs::write(path("0000000000000001.region"), b"").expect("can be written");
    fs::write(path("0000000000000002.region"), vec![7; 5_000]).expect("can be written");
    fs::create_dir(path("0000000000000003.region")).expect("can be made");
    fs::write(path("counter_17.db"), b"of another client").expect("can be written");
    let text = read(start("read", directory.path(), 0));
    assert!(value(&text, "work_total") > 0.0);
    // What is counted while an exposition is made is in the next one.
    let again = read(start("read", directory.path(), 0));
    for reason in ["torn", "foreign", "unreadable"] {
        let series = format!("bellwether_sdk_region_files_skipped_total{{reason=\"{reason}\"}}");
        assert_eq!(value(&again, &series), 1.0, "{again}");
    }
    let named = |name: &str| again.contains(&format!("skipped {}", path(name).display()));
    assert!(named("0000000000000001.region") && named("0000000000000002.region"), "{again}");
    assert!(path("0000000000000002.region").exists(), "it is left for who wants to know");
    assert_eq!(value(&again, "work_total"), value(&text, "work_total"));
}
