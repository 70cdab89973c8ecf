//! Rule unit tests: series made up in a file, and what alerts, expressions and routes are expected to yield over them.

mod compare;
mod coverage;
mod file;
mod outcome;
mod routing;
mod run;

pub use coverage::RuleCoverage;
pub use file::{
    AlertTest, ExpectedAlert, ExpectedSample, ExprTest, InputSeries, RouteTest, TestGroup, UnitTestFile,
};
pub use outcome::{Mismatch, TestFailure, TestOutcome, UnitTestError, UnitTestReport};
pub use routing::{RoutedTo, Routing};
pub use run::{UnitTestOptions, run_unit_tests};
