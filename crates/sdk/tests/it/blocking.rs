//! Who counts never waits for who exposes.

use std::cell::Cell;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use bellwether_sdk::{Counter, Labels, NativeHistogram, Opts, Registry, Summary};

#[derive(Labels)]
struct Job<'a> {
    job: &'a str,
}

/// What is counted before an exposition, while it is held, and after it.
#[derive(Clone)]
struct Families {
    registry: Registry,
    first: Counter<Job<'static>>,
    /// Its exposition asks for the time, so it can be held there: behind the first and in front of the last family.
    held: Summary,
    last: Counter<Job<'static>>,
    sizes: NativeHistogram,
}

impl Families {
    fn new(registry: Registry) -> Self {
        let is_right = "the families are right";
        Self {
            first: registry.counter(Opts::new("a", "A.")).expect(is_right),
            held: registry.summary(Opts::new("m", "M.")).expect(is_right),
            last: registry.counter(Opts::new("z", "Z.")).expect(is_right),
            sizes: registry.native_histogram(Opts::new("sizes", "S.")).expect(is_right),
            registry,
        }
    }

    /// Everything that somebody who counts may do: to series that are there, to new ones, to buckets that have to be laid out anew, and to a family that was not there.
    fn count(&self, round: u32) {
        let job = format!("of round {round}");
        for family in [self.first, self.last] {
            family.with(Job { job: "nightly" }).inc();
            family.with(Job { job: &job }).inc();
            family.with(Job { job: "gone" }).inc();
            assert!(family.remove(Job { job: "gone" }));
        }
        self.held.observe(1.0);
        self.sizes.observe(f64::exp2(f64::from(round) * 100.0 - 100.0));
        let name = format!("new_{round}").leak();
        self.registry.counter::<()>(Opts::new(name, "N.")).expect("is right").inc();
    }
}

/// Counts in another thread. Says so when that is done.
fn count_apart(families: &Families, round: u32) -> Receiver<()> {
    let (say, done) = channel();
    let families = families.clone();
    thread::spawn(move || {
        families.count(round);
        say.send(()).expect("somebody listens");
    });
    done
}

fn wait_for(done: &Receiver<()>) {
    done.recv_timeout(Duration::from_mins(1)).expect("who counts does not wait for the exposition");
}

fn value(text: &str, series: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

thread_local! {
    /// Whether the next one of this thread who asks for the time is held.
    static IS_HELD: Cell<bool> = const { Cell::new(false) };
}

/// Holds an exposition between two of its families while others count, in a registry that `prepare` may share.
pub(crate) fn hold_an_exposition(prepare: impl FnOnce(&Registry)) {
    let (held, goes_on) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let barriers = [Arc::clone(&held), Arc::clone(&goes_on)];
    let clock = move || {
        if IS_HELD.replace(false) {
            for barrier in &barriers {
                barrier.wait();
            }
        }
        Duration::from_secs(1_700_000_000)
    };
    let families = Families::new(Registry::with_clock(clock));
    prepare(&families.registry);
    families.count(0);
    let exposed = families.registry.clone();
    let exposition = thread::spawn(move || {
        IS_HELD.set(true);
        let text = exposed.text();
        assert!(!IS_HELD.get(), "it was held");
        text
    });
    held.wait();
    wait_for(&count_apart(&families, 1));
    // Nor does another exposition wait.
    let meanwhile = families.registry.text();
    assert_eq!(value(&meanwhile, "z_total{job=\"nightly\"}"), Some(2.0), "{meanwhile}");
    goes_on.wait();
    let text = exposition.join().expect("it is exposed");
    assert_eq!(value(&text, "a_total{job=\"nightly\"}"), Some(1.0), "that was written before: {text}");
    assert_eq!(value(&text, "new_0_total"), Some(1.0), "{text}");
    families.count(2);
    let text = families.registry.text();
    for (series, expected) in [
        ("a_total{job=\"nightly\"}", 3.0),
        ("z_total{job=\"of round 1\"}", 1.0),
        ("m_count", 3.0),
        ("sizes_count", 3.0),
        ("new_1_total", 1.0),
        ("new_2_total", 1.0),
    ] {
        assert_eq!(value(&text, series), Some(expected), "{series} in\n{text}");
    }
    assert!(!text.contains("gone"), "{text}");
}

#[test]
fn counting_goes_on_while_an_exposition_is_held_between_two_families() {
    hold_an_exposition(|_| ());
}

#[test]
fn counting_goes_on_while_a_client_takes_no_more_of_an_answer() {
    let registry = Registry::new();
    let families = Families::new(registry.clone());
    families.count(0);
    // Eight megabytes, which is more than the system takes of an answer that nobody reads.
    let bounds: Vec<f64> = (0..100).map(f64::from).collect();
    let opts = Opts::new("wide", "W.").buckets(bounds.leak());
    let wide = registry.histogram::<Job<'static>>(opts).expect("is right");
    for n in 0..500 {
        wide.with(Job { job: &format!("{n:0>120}") }).observe(1.0);
    }
    let server = registry.serve("127.0.0.1:0").expect("there is a port");
    let mut stream = TcpStream::connect(server.addr()).expect("it listens");
    stream.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").expect("it reads");
    let mut answer = vec![0; 1];
    stream.read_exact(&mut answer).expect("the answer begins");
    wait_for(&count_apart(&families, 1));
    assert_eq!(value(&registry.text(), "a_total{job=\"nightly\"}"), Some(2.0));
    stream.read_to_end(&mut answer).expect("the answer goes on");
    let answer = String::from_utf8(answer).expect("it is text");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"));
    assert_eq!(value(&answer, "a_total{job=\"nightly\"}"), Some(1.0), "it is of the time when it was made");
    assert_eq!(answer.lines().filter(|line| line.starts_with("wide_count{")).count(), 500);
}
