use std::any::Any;
use std::cell::RefCell;
use std::hint::black_box;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::{COMBINATIONS, FEW, MANY, Operation, Subject, in_turns};

/// Upper bounds of the histograms of all.
pub const BUCKETS: &[f64] = &[0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 15.0, 18.0];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
enum NodeType {
    Phase,
    Agent,
    Gate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
enum Status {
    Success,
    Failure,
    Cancelled,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Closed {
    node_type: NodeType,
    status: Status,
    retried: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Open {
    node_type: String,
    phase_name: String,
    status: String,
}

fn open(phase_name: &str) -> Open {
    Open { node_type: "phase".to_owned(), phase_name: phase_name.to_owned(), status: "success".to_owned() }
}

fn filled() -> Registry {
    let mut registry = Registry::default();
    let family = Family::<Open, Counter>::default();
    for i in 0..MANY {
        family.get_or_create(&open(&format!("phase-{i}"))).inc_by(i as u64);
    }
    registry.register("open", "Open", family);
    registry
}

/// Makes many counters, and what keeps them.
pub fn fill() -> Box<dyn Any> {
    Box::new(filled())
}

pub fn subject() -> Subject {
    let closed = Family::<Closed, Counter>::default();
    let family = Family::<Open, Counter>::default();
    let histogram = Histogram::new(BUCKETS.iter().copied());
    let handle = closed
        .get_or_create(&Closed { node_type: NodeType::Phase, status: Status::Success, retried: false })
        .clone();
    let names: Vec<String> = (0..FEW).map(|i| format!("phase-{i}")).collect();
    let many = filled();
    let inc: Operation = Box::new(move |n| {
        for _ in 0..n {
            black_box(&handle).inc();
        }
    });
    let sets = COMBINATIONS.map(|[node_type, status, retried]| Closed {
        node_type: [NodeType::Phase, NodeType::Agent, NodeType::Gate][node_type],
        status: [Status::Success, Status::Failure, Status::Cancelled][status],
        retried: retried == 1,
    });
    let by_closed: Operation = Box::new(move |n| {
        in_turns(&sets, n, |labels| {
            closed.get_or_create(labels).inc();
        });
    });
    let by_open: Operation = Box::new(move |n| {
        for i in 0..n {
            family.get_or_create(&black_box(open(&names[i % FEW]))).inc();
        }
    });
    let observe: Operation = Box::new(move |n| {
        for i in 0..n {
            black_box(&histogram).observe((i % 20) as f64);
        }
    });
    let out = RefCell::new(String::new());
    let encode: Operation = Box::new(move |n| {
        for _ in 0..n {
            let mut out = out.borrow_mut();
            out.clear();
            prometheus_client::encoding::text::encode(&mut *out, &many).expect("it can be written");
            black_box(out.len());
        }
    });
    Subject {
        name: "prometheus-client",
        operations: [Some(inc), Some(by_closed), Some(by_open), Some(observe), Some(encode)],
    }
}
