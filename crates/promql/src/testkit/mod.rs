//! Scripts that load samples, run queries and say what must come out, in the language of `promtool`'s engine tests; and the in-memory store that they run against.
//!
//! [`run_script`] reads a script from top to bottom. It keeps one store, loads samples into it, evaluates queries and tells for each evaluation whether the result was the expected
//! one. The store comes from the caller, so that the same scripts pin the behaviour of every store; [`MemoryStore`] is the simplest one that is correct.
//!
//! ```
//! use std::sync::Arc;
//!
//! use bellwether_promql::testkit::{MemoryStore, ScriptOptions, run_script};
//!
//! let script = "
//! load 1m
//!   requests_total{job=\"api\"} 0+60x10
//!
//! eval instant at 10m sum(rate(requests_total[5m]))
//!   {} 1
//! ";
//! let new_store = || Arc::new(MemoryStore::new()) as Arc<_>;
//! let report = run_script("example.test", script, &ScriptOptions::default(), &new_store);
//! assert_eq!((report.passed(), report.evaluations.len()), (1, 1));
//! ```

mod compare;
mod expectation;
mod load;
mod pin;
mod run;
mod script;
mod store;

#[cfg(test)]
mod conformance;

pub use compare::{almost_equal, compare_histograms};
#[cfg(test)]
pub(crate) use pin::asks_for_query_times;
pub use run::{Evaluation, ScriptOptions, ScriptReport, TestStore, run_script};
pub use script::ScriptError;
pub use store::MemoryStore;
