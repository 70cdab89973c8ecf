//! What it costs that several threads count in the same counter.

use std::hint::black_box;
use std::thread;
use std::time::Instant;

use bellwether_sdk::{Opts, Registry};

use crate::ROUNDS;

const THREADS: usize = 8;
const PER_THREAD: usize = 2_000_000;

/// Prints how long an addition takes with a counter and with a sharded one, in turns, and how many times as many the latter lets through.
pub fn print() {
    let registry = Registry::new();
    let one = registry.counter::<()>(Opts::new("one", "One.")).expect("the name is right").with(());
    let many =
        registry.sharded_counter::<()>(Opts::new("many", "Many.")).expect("the name is right").with(());
    let (mut of_one, mut of_many) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        of_one.push(nanoseconds(|| black_box(one).inc()));
        of_many.push(nanoseconds(|| black_box(many).inc()));
    }
    let median = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let (one, many) = (median(of_one), median(of_many));
    let cores = thread::available_parallelism().map_or(1, usize::from);
    println!(
        "inc, {THREADS} threads, {cores} cores    counter {one:.1}  sharded {many:.1}  throughput {:.1} times",
        one / many
    );
}

/// The time of an addition when all threads do the same, by the clock on the wall.
fn nanoseconds(inc: impl Fn() + Sync) -> f64 {
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| (0..PER_THREAD).for_each(|_| inc()));
        }
    });
    start.elapsed().as_nanos() as f64 / (THREADS * PER_THREAD) as f64
}
