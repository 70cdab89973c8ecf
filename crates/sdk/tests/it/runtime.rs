//! The metrics of a tokio runtime.

use bellwether_sdk::Registry;
use bellwether_sdk::runtime::Runtime;

#[test]
fn a_runtime_tells_what_it_does() {
    let registry = Registry::new();
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("it starts");
    let runtime = Runtime::register(&registry, tokio.handle().clone()).expect("is right");
    let waiting = tokio.spawn(std::future::pending::<()>());
    runtime.refresh();
    let has = |line: &str| registry.text().lines().any(|l| l == line);
    while !has("tokio_runtime_scheduling_delay_seconds_count 1") {
        std::thread::yield_now();
    }
    assert!(has("tokio_runtime_workers 2") && has("tokio_runtime_alive_tasks 1"), "{}", registry.text());
    assert!(registry.text().contains("tokio_runtime_worker_busy_seconds_total{worker=\"1\"} "));
    waiting.abort();
    assert!(tokio.block_on(waiting).is_err());
    let ended = || {
        runtime.refresh();
        has("tokio_runtime_alive_tasks 0")
    };
    while !ended() {
        std::thread::yield_now();
    }
}

#[test]
fn what_blocks_a_runtime_shows_as_a_delay() {
    let registry = Registry::new();
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("it starts");
    let runtime = Runtime::register(&registry, tokio.handle().clone()).expect("is right");
    let (blocked, is_blocked) = std::sync::mpsc::channel();
    let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
    let task = tokio.spawn(async move {
        blocked.send(()).expect("the test waits");
        // What must not be done in a task.
        may_go_on.recv().expect("the test sends");
    });
    is_blocked.recv().expect("it runs");
    runtime.refresh();
    assert!(
        registry.text().contains("tokio_runtime_scheduling_delay_seconds_count 0\n"),
        "nobody can run it"
    );
    go_on.send(()).expect("it waits");
    tokio.block_on(task).expect("it ends");
    while !registry.text().contains("tokio_runtime_scheduling_delay_seconds_count 1\n") {
        std::thread::yield_now();
    }
}
