//! PromQL: the language, the engine that runs it and the script tests that pin its behaviour.
//!
//! [`syntax`] turns a query into an [`Expr`](syntax::Expr) whose every node knows the bytes it was written in, and back into text.

pub mod engine;
mod functions;
pub mod syntax;
pub mod testkit;

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
