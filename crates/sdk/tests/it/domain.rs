//! Recorders for pools, queries, caches, queues and workers.

use std::future::Future as _;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use bellwether_sdk::Registry;
use bellwether_sdk::domain::{Caches, PoolStats, Pools, Queries, Queues, Verb, Workers};

fn assert_lines(registry: &Registry, lines: &[&str]) {
    let text = registry.text();
    for line in lines {
        assert!(text.lines().any(|l| l == *line), "no {line} in\n{text}");
    }
}

#[test]
fn a_pool_tells_who_waits_and_who_has_a_connection() {
    let registry = Registry::new();
    let pools = Pools::register(&registry).expect("is right");
    let pool = pools.pool("a", 2);
    let (one, two) = (pool.wait().acquired(), pool.wait().acquired());
    let waiting = pool.wait();
    assert_lines(
        &registry,
        &[
            r#"connection_pool_active_connections{pool="a"} 2"#,
            r#"connection_pool_waiting_requests{pool="a"} 1"#,
            r#"connection_pool_max_connections{pool="a"} 2"#,
            r#"connection_pool_wait_seconds_count{pool="a"} 2"#,
        ],
    );
    waiting.timed_out();
    drop(pool.wait());
    drop((one, two));
    assert_lines(
        &registry,
        &[
            r#"connection_pool_active_connections{pool="a"} 0"#,
            r#"connection_pool_active_connections_peak{pool="a"} 2"#,
            r#"connection_pool_waiting_requests{pool="a"} 0"#,
            r#"connection_pool_timeouts_total{pool="a"} 1"#,
            r#"connection_pool_wait_seconds_count{pool="a"} 3"#,
        ],
    );
    let stats = || PoolStats { active: 3, idle: 4, waiting: 5, max: 6 };
    let observed =
        pools.observe_every(&registry, "b", Duration::from_hours(1), stats).expect("there are threads");
    while !registry.text().contains(r#"connection_pool_idle_connections{pool="b"} 4"#) {
        std::thread::yield_now();
    }
    drop(observed);
}

#[test]
fn queries_are_told_by_their_verb() {
    for (statement, verb) in [
        ("SELECT 1", Verb::Select),
        ("  insert into a", Verb::Insert),
        ("WITH a AS (SELECT 1) SELECT * FROM a", Verb::With),
        ("MATCH (n) RETURN n", Verb::Match),
        ("// cypher\nMERGE (n)", Verb::Merge),
        ("/* never ends", Verb::Other),
        ("selection", Verb::Other),
        ("", Verb::Other),
        ("é", Verb::Other),
    ] {
        assert_eq!(Verb::of(statement), verb, "{statement}");
    }
    let registry = Registry::new();
    let queries = Queries::register(&registry).expect("is right");
    let wrapped = queries.call(Verb::Update, || queries.call(Verb::Update, || Err::<(), _>("no")));
    assert_eq!(wrapped, Err("no"));
    {
        let query = queries.track(Verb::Delete, std::future::pending::<Result<(), ()>>());
        assert!(pin!(query).poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    assert_lines(
        &registry,
        &[
            r#"db_queries_total{operation="update",status="failure"} 1"#,
            r#"db_queries_total{operation="delete",status="cancelled"} 1"#,
            r#"db_query_duration_seconds_count{operation="delete"} 1"#,
        ],
    );
}

#[test]
fn caches_and_queues_tell_what_goes_in_and_out() {
    let registry = Registry::new();
    let cache = Caches::register(&registry).expect("is right").cache("redis", "plans");
    assert_eq!(cache.get_or_insert(|| None, || 1) + cache.get_or_insert(|| Some(2), || 3), 3);
    cache.evict(4);
    cache.set_size(5, 6);
    let queue = Queues::register(&registry).expect("is right").queue("jobs");
    let (first, second) = (queue.enqueue(), queue.enqueue());
    queue.dequeue(first);
    assert_lines(&registry, &[r#"queue_depth{queue_name="jobs"} 1"#]);
    queue.observe(7, Some(second));
    assert_lines(
        &registry,
        &[
            r#"cache_hits_total{cache_layer="redis",cache_type="plans"} 1"#,
            r#"cache_misses_total{cache_layer="redis",cache_type="plans"} 1"#,
            r#"cache_evictions_total{cache_layer="redis",cache_type="plans"} 4"#,
            r#"cache_items{cache_layer="redis",cache_type="plans"} 5"#,
            r#"cache_size_bytes{cache_layer="redis",cache_type="plans"} 6"#,
            r#"queue_depth{queue_name="jobs"} 7"#,
            r#"queue_enqueued_total{queue_name="jobs"} 2"#,
            r#"queue_dequeued_total{queue_name="jobs"} 1"#,
            r#"queue_wait_seconds_count{queue_name="jobs"} 1"#,
        ],
    );
    assert!(
        !registry.text().contains("queue_oldest_age_seconds{queue_name=\"jobs\"} 0\n"),
        "it waits already"
    );
}

#[test]
fn a_task_ends_once_however_it_ends() {
    let registry = Registry::new();
    let workers = Workers::register(&registry).expect("is right");
    workers.task("a").fail();
    let panicked = std::panic::catch_unwind(|| {
        let _task = workers.task("a");
        panic!("on purpose");
    });
    assert!(panicked.is_err());
    drop(workers.start("w"));
    assert_lines(
        &registry,
        &[
            r#"worker_tasks_completed_total{task_type="a",status="failure"} 1"#,
            r#"worker_tasks_completed_total{task_type="a",status="panic"} 1"#,
            r#"worker_tasks_in_flight{task_type="a"} 0"#,
            r#"worker_task_duration_seconds_count{task_type="a"} 2"#,
            r#"worker_active{worker_type="w"} 0"#,
        ],
    );
    assert!(registry.text().contains("worker_heartbeat_timestamp_seconds{worker_type=\"w\"} 1"));
}
