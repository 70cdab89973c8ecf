//! Rule unit tests: series made up in a file, and what alerts and expressions are expected to yield over them.

mod file;
mod run;

pub use file::{AlertTest, ExpectedAlert, ExpectedSample, ExprTest, InputSeries, TestGroup, UnitTestFile};
pub use run::{TestFailure, UnitTestError, UnitTestOptions, UnitTestReport, run_unit_tests};
