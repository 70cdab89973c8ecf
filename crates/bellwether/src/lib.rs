//! The parts of the program that other tools use: the configuration file, and the runner over its conformance data.
pub mod config;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
