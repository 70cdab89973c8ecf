use crate::program::{Program, wait_for_value};
use crate::support::wait_for;

const FAILED: &str = r#"worker_tasks_completed_total{task_type="mail",status="failure"}"#;
const DONE: &str = r#"worker_tasks_completed_total{task_type="mail",status="success"}"#;

#[test]
fn queue_attempts_and_retries_of_a_worker_are_seen() {
    let worker = Program::start(env!("CARGO_BIN_EXE_worker"));
    // The tenth mail is the first one that cannot be delivered.
    wait_for("a mail that cannot be delivered", || {
        let series = worker.series();
        let is_over = |name, n| series.get(name).is_some_and(|value| *value >= n);
        (is_over(FAILED, 1.0) && is_over(DONE, 9.0)).then_some(())
    });
    // Once more: families are read one after the other while the worker goes on.
    let series = worker.series();
    let value = |name: &str| *series.get(name).unwrap_or_else(|| panic!("no {name} in {series:?}"));
    assert_eq!(value(r#"worker_active{worker_type="mailer"}"#), 2.0);
    assert!(value(r#"worker_heartbeat_timestamp_seconds{worker_type="mailer"}"#) > 1.7e9);
    assert!(value(r#"worker_task_retries_total{task_type="mail"}"#) >= 2.0, "the fourth and the ninth mail");
    assert!(value(r#"mail_failures_total{reason="busy"}"#) >= 2.0);
    assert!(value(r#"mail_failures_total{reason="no_such_mailbox"}"#) >= 1.0);
    let attempts: f64 =
        ["success", "failure"].iter().map(|s| value(&format!("mail_attempts_total{{status=\"{s}\"}}"))).sum();
    assert!(attempts >= 12.0, "ten mails and two retries");
    assert!((0.0..=2.0).contains(&value("mail_attempts_in_flight")));
    assert!(value(r#"queue_dequeued_total{queue_name="mails"}"#) >= 10.0);
    assert!(value(r#"queue_enqueued_total{queue_name="mails"}"#) >= 10.0);
    assert!(value(r#"queue_wait_seconds_count{queue_name="mails"}"#) >= 10.0);

    let dir = tempfile::tempdir().expect("a folder");
    let server = worker.scraped(dir.path());
    wait_for_value(&server, r#"worker_active{worker_type="mailer"}"#, 2.0);
    wait_for("mails to be delivered while they are scraped", || {
        server.value(&format!("increase({DONE}[1m])")).filter(|increase| *increase > 0.0)
    });
}

#[test]
fn a_port_that_is_taken_is_named() {
    let first = Program::start(env!("CARGO_BIN_EXE_worker"));
    let second =
        std::process::Command::new(env!("CARGO_BIN_EXE_worker")).arg(&first.addr).output().expect("runs");
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(!second.status.success() && said.contains(&first.addr), "{said}");
}
