//! Measures the instruments of `bellwether-sdk` and of other crates in turns, so that a busy machine hits all of them alike.
//!
//! Processor time of the thread, the median of the rounds, and the ratio to the best peer. `sdk-peers memory NAME` prints what one of them takes for 100,000
//! counters with three labels, in a process of its own. `sdk-peers regions` measures what an exposition of four processes costs that share 100,000 counters each.
mod clock;
mod contention;
mod ours;
mod regions;
mod tikv;
mod typed;

use std::hint::black_box;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use clock::cpu_ns;

/// How often everything is measured.
pub const ROUNDS: usize = 5;
/// Series of the exposition and of the measure of memory.
pub const MANY: usize = 100_000;
/// Different label values that are looked up in turns.
pub const FEW: usize = 1_000;

/// Combinations of two labels with three values and one with two. All libraries have them as label sets before the clock runs.
pub const COMBINATIONS: [[usize; 3]; 18] = {
    let mut all = [[0; 3]; 18];
    let mut idx = 0;
    while idx < all.len() {
        all[idx] = [idx % 3, idx / 3 % 3, idx / 9];
        idx += 1;
    }
    all
};

/// Calls `operation` so many times with one label set after the other, of which the compiler knows nothing.
pub fn in_turns<T>(sets: &[T], n: usize, mut operation: impl FnMut(&T)) {
    for _ in 0..n / sets.len() {
        sets.iter().for_each(|set| operation(black_box(set)));
    }
}

/// One operation of one library: runs it `n` times.
pub type Operation = Box<dyn Fn(usize)>;

/// What one library can do.
pub struct Subject {
    /// Its name.
    pub name: &'static str,
    /// The same operations for all, in the order of [`OPERATIONS`]. `None`: it cannot.
    pub operations: [Option<Operation>; 5],
}

const BARE: &str = "bare atomic";

const OPERATIONS: [(&str, usize); 5] = [
    ("inc, handle", 20_000_000),
    ("inc, closed labels", 5_000_000),
    ("inc, open labels", 5_000_000),
    ("observe, 14 buckets, handle", 5_000_000),
    ("encode 100,000 series", 1),
];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, command, name] = arguments.as_slice()
        && command == "memory"
    {
        let fill = match name.as_str() {
            "bellwether-sdk" => ours::fill,
            "prometheus" => tikv::fill,
            _ => typed::fill,
        };
        let before = clock::resident_bytes();
        let kept = fill();
        println!("{}", (clock::resident_bytes() - before) / MANY);
        drop(kept);
        return;
    }
    if let [_, command, arguments @ ..] = arguments.as_slice()
        && command == "regions"
    {
        return regions::print(arguments.first().map(String::as_str));
    }
    let subjects = [ours::subject(), typed::subject(), tikv::subject(), bare()];
    for (idx, (operation, n)) in OPERATIONS.iter().enumerate() {
        let mut times = vec![Vec::new(); subjects.len()];
        for _ in 0..ROUNDS {
            for (subject, times) in subjects.iter().zip(&mut times) {
                if let Some(run) = &subject.operations[idx] {
                    let start = cpu_ns();
                    run(*n);
                    times.push((cpu_ns() - start) as f64 / *n as f64);
                }
            }
        }
        let medians: Vec<Option<f64>> = times.into_iter().map(median).collect();
        print_row(operation, &subjects, &medians);
    }
    let program = std::env::current_exe().expect("it runs");
    let bytes = |name: &str| {
        let output = Command::new(&program).args(["memory", name]).output().expect("it runs again");
        String::from_utf8_lossy(&output.stdout).trim().parse::<f64>().ok()
    };
    let memory: Vec<Option<f64>> = subjects[..3].iter().map(|subject| bytes(subject.name)).collect();
    print_row("bytes per counter, 3 labels", &subjects[..3], &memory);
    contention::print();
}

/// What is there without a library: an atomic addition, and one in an array whose place is made of the labels.
fn bare() -> Subject {
    static CELLS: [AtomicU64; 18] = [const { AtomicU64::new(0) }; 18];
    let add: Operation = Box::new(|n| {
        for _ in 0..n {
            black_box(&CELLS[0]).fetch_add(1, Ordering::Relaxed);
        }
    });
    let sets = COMBINATIONS.map(|set| set.map(|value| value as u8));
    let indexed: Operation = Box::new(move |n| {
        in_turns(&sets, n, |[a, b, c]| {
            CELLS[usize::from(*a) + 3 * usize::from(*b) + 9 * usize::from(*c)]
                .fetch_add(1, Ordering::Relaxed);
        });
    });
    Subject { name: BARE, operations: [Some(add), Some(indexed), None, None, None] }
}

fn median(mut times: Vec<f64>) -> Option<f64> {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied()
}

fn print_row(what: &str, subjects: &[Subject], medians: &[Option<f64>]) {
    let peers = subjects.iter().zip(medians).filter(|(subject, _)| subject.name != BARE).skip(1);
    let best_peer = peers.filter_map(|(_, median)| *median).fold(f64::INFINITY, f64::min);
    print!("{what:<28}");
    for (subject, median) in subjects.iter().zip(medians) {
        if let Some(median) = median {
            print!("  {} {median:.1}", subject.name);
        }
    }
    println!("  ratio {:.2}", medians[0].unwrap_or(f64::NAN) / best_peer);
}
