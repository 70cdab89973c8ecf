//! Work that is counted from its beginning to its end, whatever the end is.

use bellwether_sdk::{LabelValue, Labels, MetricSet, Operation, Opts, RegisterError, Registry};

#[derive(Clone, Copy, LabelValue)]
enum Phase {
    Plan,
    Act,
}

#[derive(Labels)]
struct Node<'a> {
    phase: Phase,
    name: &'a str,
}

#[derive(MetricSet)]
#[metrics(prefix = "dag")]
struct Dag {
    /// Runs of nodes.
    #[metric(buckets = &[60.0])]
    node_executions: Operation<Node<'static>>,
}

fn node(name: &str) -> Node<'_> {
    Node { phase: Phase::Act, name }
}

#[test]
fn every_end_is_counted_once() {
    let registry = Registry::new();
    let nodes = Dag::register(&registry).expect("it is right").node_executions;
    let name = String::from("fetch");
    nodes.start(node(&name)).ok();
    nodes.start(Node { phase: Phase::Plan, name: "x" }).ok();
    let run = nodes.start(node(&name));
    run.retry();
    run.retry();
    run.fail("timeout");
    nodes.start(node("fetch")).cancel();
    drop(nodes.start(node("fetch")));
    nodes.start(node("fetch")).discard();
    let panicked = std::panic::catch_unwind(|| {
        let _run = nodes.start(node("fetch"));
        panic!("on purpose");
    });
    assert!(panicked.is_err());
    let under_way = nodes.start(node("fetch"));
    let text = registry.text();
    let expect = |line: &str| assert!(text.contains(&format!("{line}\n")), "{line} is not in {text}");
    expect("# HELP dag_node_executions_total Runs of nodes. By how they ended.");
    expect(r#"dag_node_executions_total{phase="act",name="fetch",status="success",error_type=""} 1"#);
    expect(r#"dag_node_executions_total{phase="plan",name="x",status="success",error_type=""} 1"#);
    expect(r#"dag_node_executions_total{phase="act",name="fetch",status="failure",error_type="timeout"} 1"#);
    expect(r#"dag_node_executions_total{phase="act",name="fetch",status="cancelled",error_type=""} 2"#);
    expect(r#"dag_node_executions_total{phase="act",name="fetch",status="panic",error_type=""} 1"#);
    expect(r#"dag_node_executions_retries_total{phase="act",name="fetch"} 2"#);
    expect(r#"dag_node_executions_in_flight{phase="act",name="fetch"} 1"#);
    expect(r#"dag_node_executions_duration_seconds_bucket{phase="act",name="fetch",le="60"} 5"#);
    under_way.ok();
    assert!(registry.text().contains("dag_node_executions_in_flight{phase=\"act\",name=\"fetch\"} 0\n"));
}

#[test]
fn without_labels_and_with_a_clash() {
    #[derive(Labels)]
    struct Clash<'a> {
        status: &'a str,
    }
    let registry = Registry::new();
    let jobs = registry.operation::<()>(Opts::new("jobs_total", "Jobs.")).expect("is right");
    jobs.start(()).fail("disk_full");
    assert!(registry.text().contains("jobs_total{status=\"failure\",error_type=\"disk_full\"} 1\n"));
    assert!(registry.operation::<()>(Opts::new("jobs", "Jobs.")).is_ok(), "it is the same");
    let refused = registry.operation::<Clash<'static>>(Opts::new("x", "X.")).err();
    assert_eq!(refused, Some(RegisterError::LabelTwice { family: "x", label: "status" }));
}
