//! Tries every order in which the steps of a few threads can happen, in the files of `bellwether-sdk` themselves: `cargo run --release` in `crates/sdk/loom`.
//!
//! They take their atomics from `crate::sync`, which here is loom's. A model that fails panics and tells the order.
#![allow(dead_code, reason = "the files have more in them than is tried here")]

#[path = "../../src/clock.rs"]
mod clock;
#[path = "../../src/exemplar.rs"]
mod exemplar;
#[path = "../../src/gate.rs"]
mod gate;
#[path = "../../src/slices.rs"]
mod slices;
#[path = "../../src/table.rs"]
mod table;

mod sync {
    pub(crate) use loom::sync::atomic;
    pub(crate) use loom::{hint, thread};
}

mod arena {
    pub(crate) const MAX_WORDS: usize = 1 << 29;
}

use loom::model::Builder;
use loom::sync::Arc;
use loom::thread;

use exemplar::{N_CELLS, Slot, TraceContext};
use gate::Gate;
use sync::atomic::{AtomicU64, Ordering};
use table::Table;

/// How often a thread may be interrupted where it need not be: beyond this there are too many orders, and mistakes show with less.
const PREEMPTIONS: usize = 3;

fn main() {
    run("what is read of an exemplar was written together", exemplars_are_whole);
    run("who counts waits for who changes", || gates_keep_apart(false));
    run("two who change wait for each other", || gates_keep_apart(true));
    run("what was put into a table is found while it grows", tables_grow);
    run("what is counted while a slice begins is in it", slices_begin);
}

fn run(what: &str, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS);
    // The standard library's, because it counts beside the model.
    static ORDERS: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    ORDERS.store(0, std::sync::atomic::Ordering::Relaxed);
    builder.check(move || {
        ORDERS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        model();
    });
    let n = ORDERS.load(std::sync::atomic::Ordering::Relaxed);
    assert!(n > 1, "there is only one order of {what:?}: nothing was tried");
    println!("{what}: {n} orders");
}

/// Two write, one reads.
fn exemplars_are_whole() {
    let cells: Arc<[AtomicU64; N_CELLS]> = Arc::new(std::array::from_fn(|_| AtomicU64::new(0)));
    let write = |id: u64| {
        let cells = Arc::clone(&cells);
        thread::spawn(move || {
            let trace = TraceContext { trace_id: u128::from(id) << 64 | u128::from(id), span_id: id };
            Slot::of(&cells).set(trace, id as f64);
        })
    };
    let writers = [write(1), write(2)];
    let check = || {
        Slot::of(&cells).get().map(|exemplar| {
            let id = exemplar.trace.span_id;
            assert_eq!(exemplar.trace.trace_id, u128::from(id) << 64 | u128::from(id));
            assert_eq!(exemplar.value, id as f64);
        })
    };
    check();
    writers.into_iter().for_each(|writer| writer.join().expect("it does not panic"));
    assert!(check().is_some(), "one of them wrote");
}

/// One changes what the cells mean, which is not one step, while another counts or changes it as well.
fn gates_keep_apart(both_change: bool) {
    let cells: &'static [AtomicU64; 3] = Box::leak(Box::new(std::array::from_fn(|_| AtomicU64::new(0))));
    let gate = Gate::of(&cells[0]);
    let count = move || {
        gate.shared(|| {
            // Whoever counts sees both halves of a change or none.
            assert_eq!(cells[1].load(Ordering::Relaxed), cells[2].load(Ordering::Relaxed));
        });
    };
    let change = move || {
        gate.alone(|| {
            for cell in &cells[1..] {
                cell.store(cell.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
            }
        });
    };
    let other = if both_change { thread::spawn(change) } else { thread::spawn(count) };
    change();
    other.join().expect("it does not panic");
    let n = 1 + u64::from(both_change);
    assert_eq!([1, 2].map(|idx| cells[idx].load(Ordering::Relaxed)), [n, n], "all changes are there");
    assert_eq!(cells[0].load(Ordering::Relaxed), 0, "it is open again");
}

/// One looks for what is there and for what is being added, which makes a larger table.
fn tables_grow() {
    /// As many as the first size takes.
    const N: u32 = 6;
    // All collide, so that finding one means passing others.
    let hash = |_: u32| 0x8000_0001;
    let table = Arc::new(Table::default());
    for at in 1..=N {
        assert!(table.insert(hash(at), at, at as usize - 1, hash));
    }
    let finds = move |table: &Table, at: u32| table.candidates(hash(at)).any(|found| found == at);
    // The reader is the other thread: loom tries the orders of a load and a store of two threads only if the one that stores has not loaded the same in between.
    let reader = {
        let table = Arc::clone(&table);
        thread::spawn(move || {
            let found_new = finds(&table, N + 1);
            assert!(finds(&table, 1) && finds(&table, N), "what was there stays");
            assert!(!found_new || finds(&table, N + 1), "what was found is found again");
        })
    };
    assert!(table.insert(hash(N + 1), N + 1, N as usize, hash));
    reader.join().expect("it does not panic");
    assert!((1..=N + 1).all(|at| finds(&table, at)), "all are there");
}

/// Two count in a slice that begins, and one comes late with something of the slice that had the word before.
fn slices_begin() {
    const N: u32 = 3;
    let words: Arc<[AtomicU64; N as usize]> = Arc::new(std::array::from_fn(|_| AtomicU64::new(0)));
    slices::count(&*words, 1);
    let count = |number| {
        let words = Arc::clone(&words);
        thread::spawn(move || slices::count(&*words, number))
    };
    let others = [count(1 + N), count(1)];
    slices::count(&*words, 1 + N);
    others.into_iter().for_each(|other| other.join().expect("it does not panic"));
    let words: Vec<u64> = words.iter().map(|word| word.load(Ordering::Relaxed)).collect();
    let counted: Vec<(u32, u64)> = slices::counted(&words, 1 + N).collect();
    // What came late is in the slice that took the place, or went with its own.
    assert!([[(1 + N, 2)], [(1 + N, 3)]].iter().any(|expected| counted == expected), "{counted:?}");
}
