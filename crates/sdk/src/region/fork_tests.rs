//! Forks of a process with threads. Each test is in a process of its own, which the test binary starts again.

use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::fs::{FlockOperation, fcntl_lock};
use rustix::process::{
    Pid, Signal, WaitOptions, getpid, kill_process, set_parent_process_death_signal, waitpid,
};

use super::home::Home;
use super::testkit;
use crate::arena::fork;
use crate::golden::Golden;
use crate::labels::{Field, OpenValues, Values};
use crate::{Labels, Opts, Registry, Sharing};

const DIRECTORY: &str = "BELLWETHER_TEST_DIRECTORY";

struct Any<'a>(&'a str);

impl Labels for Any<'_> {
    const FIELDS: &'static [Field] = &[Field { name: "any", values: Values::Open(OpenValues::DEFAULT) }];
    type At<'a> = Any<'a>;
    type Open<'s>
        = [&'s str; 1]
    where
        Self: 's;

    fn closed_index(&self) -> u32 {
        0
    }

    fn open_values(&self) -> [&str; 1] {
        [self.0]
    }
}

fn alone(test: &str) {
    let directory = tempfile::tempdir().expect("a directory");
    let output = Command::new(std::env::current_exe().expect("a program"))
        .args([test, "--exact", "--nocapture"])
        .env(DIRECTORY, directory.path())
        .output()
        .expect("the program starts itself");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn in_child(child: impl FnOnce()) -> Pid {
    if let Some(pid) = fork() {
        return pid;
    }
    child();
    kill_process(getpid(), Signal::KILL).expect("it may end itself");
    unreachable!("BUG: it ended itself")
}

fn wait(pid: Pid) {
    let (_, status) = waitpid(Some(pid), WaitOptions::empty()).expect("it is ours").expect("it ended");
    assert_eq!(status.terminating_signal(), Some(Signal::KILL.as_raw()), "a child failed");
}

fn value(text: &str, series: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in\n{text}")).parse().expect("it is a number")
}

#[test]
fn children_count_for_themselves_with_the_handles_of_their_parent() {
    let Some(directory) = std::env::var_os(DIRECTORY) else {
        return alone("region::fork_tests::children_count_for_themselves_with_the_handles_of_their_parent");
    };
    let registry = Registry::new();
    let counter = registry.counter::<()>(Opts::new("n", "N.")).expect("is right");
    let others = registry.counter::<Any<'static>>(Opts::new("o", "O.").max_series(2_000)).expect("is right");
    let times = registry.native_histogram::<()>(Opts::new("t", "T.")).expect("is right").with(());
    let shards = registry.sharded_counter::<()>(Opts::new("s", "S.")).expect("is right").with(());
    let handle = counter.with(());
    let golden = golden(&registry);
    golden.execution("parent", true, Duration::ZERO);
    handle.inc_by(5);
    // Without a region the child has a copy, and the parent does not see what it counts.
    wait(in_child(|| {
        handle.inc();
        assert_eq!(handle.get(), 6.0);
    }));
    assert_eq!(handle.get(), 5.0);

    registry
        .share(&Sharing::new("test").directory(Path::new(&directory)))
        .expect("the directory can be used");
    handle.inc_by(2);
    let ends = AtomicBool::new(false);
    let made = std::thread::scope(|scope| {
        // Somebody is always in the middle of a change.
        let making = scope.spawn(|| {
            let mut n = 0_u32;
            while !ends.load(Ordering::Relaxed) {
                times.observe(f64::from(n % 100).exp2());
                others.with(Any(&format!("of the parent {}", n % 1_000))).inc();
                n += 1;
            }
            n
        });
        let child = |n: u32| {
            in_child(|| {
                handle.inc_by(3);
                shards.inc();
                times.observe(1.0);
                golden.execution("forked", true, Duration::ZERO);
                others.with(Any(&format!("of child {n}"))).inc();
                if n.is_multiple_of(4) {
                    // A child of the child.
                    wait(in_child(|| handle.inc_by(10)));
                    // With what the parent, which goes on, observed so far.
                    assert!(value(&registry.text(), "t_count") > 0);
                }
                handle.inc();
            })
        };
        for n in 0..40 {
            wait(child(n));
        }
        let together: Vec<Pid> = (40..60).map(child).collect();
        together.into_iter().for_each(wait);
        ends.store(true, Ordering::Relaxed);
        making.join().expect("it ended")
    });
    for _ in 0..200 {
        wait(in_child(|| handle.inc()));
    }
    let n_files = std::fs::read_dir(&directory).expect("it is there").count();
    assert!(n_files < 80, "children leave {n_files} files though nobody scrapes");
    let text = registry.text();
    assert_eq!(value(&text, "n_total"), 7 + 60 * 4 + 15 * 10 + 200);
    assert_eq!(text.matches("of child").count(), 60);
    let of_parent = |line: &&str| line.starts_with("o_total{any=\"of the parent");
    let sum: u64 = text
        .lines()
        .filter(of_parent)
        .map(|line| value(line, line.rsplit_once(' ').expect("a value").0))
        .sum();
    assert_eq!(value(&text, "s_total"), 60);
    assert_eq!(value(&text, "t_count"), u64::from(made) + 60, "each value is observed in one process");
    assert_eq!(sum, u64::from(made), "what the parent counted is not copied");
    let domains: Vec<u64> = golden.snapshot().domains.iter().map(|domain| domain.calls).collect();
    assert_eq!(domains, [60, 1], "of the children, and of the parent");
    assert_eq!(handle.get(), 7.0, "the handle is still the one of the parent");
    assert!(registry.skipped_regions().is_empty(), "{:?}", registry.skipped_regions());
    let left: Vec<_> =
        std::fs::read_dir(directory).expect("it is there").map(|e| e.expect("is").file_name()).collect();
    assert!(left.len() <= 4, "the parent, the sums, and two locks: {left:?}");
}

#[test]
fn who_holds_the_lock_lives_even_if_it_cannot_be_seen() {
    let Some(directory) = std::env::var_os(DIRECTORY) else {
        return alone("region::fork_tests::who_holds_the_lock_lives_even_if_it_cannot_be_seen");
    };
    let directory = Path::new(&directory);
    // As in a container with processes of its own: there is nobody with that number here.
    testkit::leave(directory, 1, &vec![(0, 0, [2, 0, 0]), (4, 0, [1.0_f64.to_bits(), 0, 0])]);
    let (path, is_locked) = (directory.join("0000000000000001.region"), directory.join("locked"));
    let Some(holder) = fork() else {
        // Whatever becomes of the test.
        set_parent_process_death_signal(Some(Signal::KILL)).expect("it may be asked for");
        let file = File::options().write(true).open(&path).expect("it is there");
        fcntl_lock(&file, FlockOperation::LockExclusive).expect("nobody has it");
        File::create(&is_locked).expect("can be made");
        loop {
            std::thread::park();
        }
    };
    while !is_locked.exists() {
        std::thread::yield_now();
    }
    let mut home = testkit::home(directory);
    home.fold(None).expect("the directory can be used");
    let n_series = |home: &mut Home| testkit::totals(&home.read(None).expect("can be read").contents).len();
    assert!(path.exists());
    assert_eq!(n_series(&mut home), 2);
    kill_process(holder, Signal::KILL).expect("it is ours");
    wait(holder);
    assert_eq!(n_series(&mut home), 1, "a gauge of those that live");
    home.fold(None).expect("the directory can be used");
    assert!(!path.exists());
    assert_eq!(n_series(&mut home), 1);
}

/// Golden signals whose window has all of the test in it.
fn golden(registry: &Registry) -> Golden {
    Golden::builder("golden").window(Duration::from_hours(1)).register(registry).expect("is right")
}

/// What each thread counts while the memory is exchanged.
const N: u64 = 2_000_000;

#[test]
fn nothing_is_lost_while_the_memory_is_exchanged() {
    let Some(directory) = std::env::var_os(DIRECTORY) else {
        return alone("region::fork_tests::nothing_is_lost_while_the_memory_is_exchanged");
    };
    let (registry, other) = (Registry::new(), Registry::new());
    let counter = registry.counter::<()>(Opts::new("n", "N.")).expect("is right").with(());
    let local = other.counter::<()>(Opts::new("n", "N.")).expect("is right").with(());
    let times = registry.native_histogram::<()>(Opts::new("t", "T.")).expect("is right").with(());
    let waits = other.summary::<()>(Opts::new("w", "W.")).expect("is right").with(());
    let golden = golden(&registry);
    let sharing = Sharing::new("test").directory(Path::new(&directory)).epoch(1);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for n in 0..N {
                    counter.inc();
                    local.add(0.5);
                    if n % 10 == 0 {
                        // Of ever another size, so that somebody is often alone at the buckets.
                        times.observe(f64::exp2((n % 64) as f64));
                        waits.observe(1.0);
                        golden.execution("d", true, Duration::from_millis(n % 64));
                    }
                    if n % 100 == 0 {
                        std::thread::yield_now();
                    }
                }
            });
        }
        for _ in 0..40 {
            registry.share(&sharing).expect("the directory can be used");
            registry.leave().expect("there is memory");
        }
    });
    registry.share(&sharing).expect("the directory can be used");
    assert!(other.share(&sharing).is_err(), "a process shares one registry");
    assert_eq!(value(&registry.text(), "n_total"), 2 * N);
    assert_eq!(value(&registry.text(), "t_count"), 2 * N / 10);
    assert_eq!(golden.snapshot().executions, 2 * N / 10);
    assert_eq!(local.get(), N as f64, "what is not shared is not left behind");
    assert_eq!(value(&other.text(), "w_count"), 2 * N / 10);
}
