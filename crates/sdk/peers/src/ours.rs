use std::any::Any;
use std::cell::RefCell;
use std::hint::black_box;

use bellwether_sdk::{Counter, LabelValue, Labels, Opts, OutputFormat, Registry};

use crate::{COMBINATIONS, FEW, MANY, Operation, Subject, in_turns};

#[derive(Clone, Copy, LabelValue)]
enum NodeType {
    Phase,
    Agent,
    Gate,
}

#[derive(Clone, Copy, LabelValue)]
enum Status {
    Success,
    Failure,
    Cancelled,
}

#[derive(Clone, Copy, Labels)]
struct Closed {
    node_type: NodeType,
    status: Status,
    retried: bool,
}

#[derive(Labels)]
struct Open<'a> {
    #[label(max = 1_000_000)]
    node_type: &'a str,
    #[label(max = 1_000_000)]
    phase_name: &'a str,
    #[label(max = 1_000_000)]
    status: &'a str,
}

fn open(registry: &Registry) -> Counter<Open<'static>> {
    registry.counter(Opts::new("open", "Open.").max_series(1_000_000)).expect("the name is right")
}

/// A registry with many counters.
pub fn filled() -> Registry {
    let registry = Registry::new();
    let counter = open(&registry);
    for i in 0..MANY {
        let phase_name = format!("phase-{i}");
        counter
            .with(Open { node_type: "phase", phase_name: &phase_name, status: "success" })
            .inc_by(i as u64);
    }
    registry
}

/// Makes many counters, and what keeps them.
pub fn fill() -> Box<dyn Any> {
    Box::new(filled())
}

pub fn subject() -> Subject {
    let registry = Registry::new();
    let closed = registry.counter::<Closed>(Opts::new("closed", "Closed.")).expect("the name is right");
    let histogram = registry
        .histogram::<()>(Opts::new("h", "H.").buckets(crate::typed::BUCKETS))
        .expect("the name is right")
        .with(());
    let handle = closed.with(Closed { node_type: NodeType::Phase, status: Status::Success, retried: false });
    let counter = open(&registry);
    let names: Vec<String> = (0..FEW).map(|i| format!("phase-{i}")).collect();
    let many = filled();
    let sets = COMBINATIONS.map(|[node_type, status, retried]| Closed {
        node_type: NodeType::ALL[node_type],
        status: Status::ALL[status],
        retried: retried == 1,
    });
    let inc: Operation = Box::new(move |n| (0..n).for_each(|_| black_box(handle).inc()));
    let by_closed: Operation = Box::new(move |n| in_turns(&sets, n, |labels| closed.with(*labels).inc()));
    let by_open: Operation = Box::new(move |n| {
        for i in 0..n {
            let phase_name = names[i % FEW].as_str();
            counter.with(black_box(Open { node_type: "phase", phase_name, status: "success" })).inc();
        }
    });
    let observe: Operation =
        Box::new(move |n| (0..n).for_each(|i| black_box(histogram).observe((i % 20) as f64)));
    let out = RefCell::new(String::new());
    let encode: Operation = Box::new(move |n| {
        for _ in 0..n {
            let mut out = out.borrow_mut();
            out.clear();
            many.encode(&mut out, OutputFormat::FALLBACK);
            black_box(out.len());
        }
    });
    Subject {
        name: "bellwether-sdk",
        operations: [Some(inc), Some(by_closed), Some(by_open), Some(observe), Some(encode)],
    }
}
