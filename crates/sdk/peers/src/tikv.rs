use std::any::Any;
use std::cell::RefCell;
use std::hint::black_box;

use prometheus::{Encoder as _, Histogram, HistogramOpts, IntCounterVec, Opts, Registry, TextEncoder};

use crate::{COMBINATIONS, FEW, MANY, Operation, Subject, in_turns};

fn family(registry: &Registry) -> IntCounterVec {
    let labels = ["node_type", "phase_name", "status"];
    let family = IntCounterVec::new(Opts::new("open_total", "Open."), &labels).expect("the name is right");
    registry.register(Box::new(family.clone())).expect("it is the first");
    family
}

fn filled() -> Registry {
    let registry = Registry::new();
    let family = family(&registry);
    for i in 0..MANY {
        family.with_label_values(&["phase", &format!("phase-{i}"), "success"]).inc_by(i as u64);
    }
    registry
}

/// Makes many counters, and what keeps them.
pub fn fill() -> Box<dyn Any> {
    Box::new(filled())
}

pub fn subject() -> Subject {
    let registry = Registry::new();
    let family = family(&registry);
    let closed = family.clone();
    let handle = family.with_label_values(&["phase", "x", "success"]);
    let options = HistogramOpts::new("h", "H.").buckets(crate::typed::BUCKETS.to_vec());
    let histogram = Histogram::with_opts(options).expect("the name is right");
    let names: Vec<String> = (0..FEW).map(|i| format!("phase-{i}")).collect();
    let many = filled();
    let inc: Operation = Box::new(move |n| {
        for _ in 0..n {
            black_box(&handle).inc();
        }
    });
    let sets = COMBINATIONS.map(|[node_type, status, retried]| {
        let node_type = ["phase", "agent", "gate"][node_type];
        [node_type, ["false", "true"][retried], ["success", "failure", "cancelled"][status]]
    });
    let by_closed: Operation =
        Box::new(move |n| in_turns(&sets, n, |labels| closed.with_label_values(labels).inc()));
    let by_open: Operation = Box::new(move |n| {
        for i in 0..n {
            family.with_label_values(&black_box(["phase", names[i % FEW].as_str(), "success"])).inc();
        }
    });
    let observe: Operation = Box::new(move |n| {
        for i in 0..n {
            black_box(&histogram).observe((i % 20) as f64);
        }
    });
    let out = RefCell::new(Vec::new());
    let encode: Operation = Box::new(move |n| {
        for _ in 0..n {
            let mut out = out.borrow_mut();
            out.clear();
            TextEncoder::new().encode(&many.gather(), &mut *out).expect("it can be written");
            black_box(out.len());
        }
    });
    Subject {
        name: "prometheus",
        operations: [Some(inc), Some(by_closed), Some(by_open), Some(observe), Some(encode)],
    }
}
