//! Golden signals of an application are those of all its processes.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Child;
use std::time::Duration;

use bellwether_sdk::golden::{ApprovalOutcome, Golden, Snapshot};
use bellwether_sdk::{Registry, Sharing};

use super::{DONE, TEXT, end, read, say, say_text, start, value, wait_for};

/// Writes a snapshot as lines that are read like an exposition.
pub(super) fn write(out: &mut String, snapshot: &Snapshot) {
    let rate = snapshot.success_rate.unwrap_or(f64::NAN);
    let seconds = |time: Option<Duration>| time.map_or(f64::NAN, |time| time.as_secs_f64());
    let mut line = |name: &str, value: f64| writeln!(out, "{name} {value}").expect("it is a string");
    line("golden_total", snapshot.total_executions as f64);
    line("golden_executions", snapshot.executions as f64);
    line("golden_success_rate", rate);
    line("golden_p50", seconds(snapshot.latency_p50));
    line("golden_p99", seconds(snapshot.latency_p99));
    for domain in &snapshot.domains {
        line(&format!("golden_errors{{domain=\"{}\"}}", domain.name), domain.errors as f64);
    }
    for tool in &snapshot.tools {
        line(&format!("golden_calls{{tool=\"{}\"}}", tool.name), tool.calls as f64);
    }
    for (outcome, n) in &snapshot.approvals.by_outcome {
        line(&format!("golden_{outcome:?}"), *n as f64);
    }
}

/// Executes as often as its number says, each time for so many seconds, fails once, and waits until it is told to end.
pub(super) fn work(sharing: &Sharing, number: u32) {
    let registry = Registry::new();
    let golden =
        Golden::builder("agents").window(Duration::from_hours(1)).register(&registry).expect("is right");
    for n in 0..number {
        golden.execution("work", n > 0, Duration::from_secs(number.into()));
        golden.tool_call(&number.to_string(), true);
        golden.approval(ApprovalOutcome::Approved, Duration::from_secs(1));
        if n == 0 {
            // What was counted before is in the region as well.
            registry.share(sharing).expect("the directory can be used");
        }
    }
    registry.share(sharing).expect("the directory can be used");
    golden.expose();
    say(DONE);
    let mut told = [0];
    let _ = std::io::Read::read(&mut std::io::stdin(), &mut told);
    golden.expose();
    say_text(&registry, Some(&golden));
}

fn begin(directory: &Path, number: u32) -> Child {
    let mut child = start("golden", directory, number);
    assert_eq!(wait_for(&mut child, &[DONE, TEXT]), DONE);
    child
}

#[test]
fn a_snapshot_of_any_process_is_of_all() {
    let directory = tempfile::tempdir().expect("a directory");
    let [leader, mut killed, left] = [5, 3, 2].map(|number| begin(directory.path(), number));
    killed.kill().expect("it can be killed");
    killed.wait().expect("it ends");
    // One that was there from the beginning, one that comes when others are gone, and the one that leads.
    let texts = [left, begin(directory.path(), 0), leader].map(|child| read(end(child)));
    for text in &texts {
        for (name, expected) in [
            ("golden_total", 10.0),
            ("golden_executions", 10.0),
            ("golden_success_rate", 0.7),
            ("golden_errors{domain=\"work\"}", 3.0),
            ("golden_calls{tool=\"5\"}", 5.0),
            ("golden_calls{tool=\"3\"}", 3.0),
            ("golden_calls{tool=\"2\"}", 2.0),
            ("golden_Approved", 10.0),
            ("golden_Timeout", 0.0),
        ] {
            assert_eq!(value(text, name), expected, "{name} in\n{text}");
        }
        // Half of them took five seconds, and nearly half less.
        for (name, expected) in [("golden_p50", 3.0), ("golden_p99", 5.0)] {
            let quantile = value(text, name);
            assert!((quantile / expected - 1.0).abs() < 0.0101, "{name} is {quantile}, not {expected}");
        }
    }
    // The gauges of the window are there once, from the process that leads; its successor has not exposed any.
    let gauge = "agents_success_rate";
    assert!(!texts[0].contains("agents_window"), "{}", texts[0]);
    assert_eq!(value(&texts[2], gauge), 0.7, "{}", texts[2]);
    assert_eq!(texts[2].matches("agents_latency_ms{").count(), 3, "{}", texts[2]);
}
