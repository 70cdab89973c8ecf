//! Recorders for what most services have: connection pools, queries, caches, queues, circuit breakers, workers.
//!
//! Each is registered once and hands out handles by name, which are `Copy` and cost an atomic addition or two:
//!
//! ```
//! use bellwether_sdk::Registry;
//! use bellwether_sdk::domain::{Caches, Queues};
//!
//! let registry = Registry::new();
//! let sessions = Caches::register(&registry)?.cache("memory", "sessions");
//! let found: Option<u32> = sessions.lookup(|| None);
//! assert_eq!(found, None);
//!
//! let jobs = Queues::register(&registry)?.queue("jobs");
//! let stamp = jobs.enqueue();
//! jobs.dequeue(stamp);
//!
//! let text = registry.text();
//! assert!(text.contains("cache_misses_total{cache_layer=\"memory\",cache_type=\"sessions\"} 1\n"));
//! assert!(text.contains("queue_wait_seconds_count{queue_name=\"jobs\"} 1\n"));
//! # Ok::<(), bellwether_sdk::RegisterError>(())
//! ```

mod breaker;
mod cache;
#[cfg(feature = "deadpool")]
mod deadpool;
mod pool;
mod query;
mod queue;
#[cfg(feature = "sqlx")]
mod sqlx;
mod worker;

pub use breaker::{Breaker, BreakerState, Breakers};
pub use cache::{Cache, Caches};
#[cfg(feature = "deadpool")]
pub use deadpool::{Deadpool, DeadpoolObject};
pub use pool::{Checkout, Pool, PoolStats, Pools, Waiting};
pub use query::{Queries, Verb};
pub use queue::{Queue, Queues, Stamp};
#[cfg(feature = "sqlx")]
pub use sqlx::{SqlxConnection, SqlxPool};
pub use worker::{Task, Worker, Workers};
