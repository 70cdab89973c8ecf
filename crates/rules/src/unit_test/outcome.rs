//! What became of unit tests.

use std::fmt;

use bellwether_model::RegexError;
use bellwether_yaml::Position;

use super::coverage::RuleCoverage;
use crate::error::RuleFileError;

/// What became of the tests of one file.
#[derive(Debug, Default)]
pub struct UnitTestReport {
    /// The tests that ran, in the order of the file.
    pub outcomes: Vec<TestOutcome>,
    /// What is suspicious, in words.
    pub warnings: Vec<String>,
    /// The rules of the rule files, and whether the tests that ran look at them.
    pub rules: Vec<RuleCoverage>,
}

impl UnitTestReport {
    /// What went wrong, in the order of the file.
    pub fn failures(&self) -> impl Iterator<Item = &TestFailure> {
        self.outcomes.iter().flat_map(|outcome| &outcome.failures)
    }

    /// Whether everything was as expected.
    pub fn passed(&self) -> bool {
        self.failures().next().is_none()
    }
}

/// What became of one test.
#[derive(Debug)]
pub struct TestOutcome {
    /// Its name; may be empty.
    pub name: String,
    /// Where it stands.
    pub position: Position,
    /// What went wrong.
    pub failures: Vec<TestFailure>,
    /// What happened on the way, a line each, if that was asked for.
    pub log: Vec<String>,
}

/// One expectation that was not met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestFailure {
    /// Where the expectation stands; `None` if the file as a whole is meant.
    pub position: Option<Position>,
    /// The name of the test; may be empty.
    pub test: String,
    /// What was looked at, or what is wrong.
    pub message: String,
    /// In what the result differs, if it is there.
    pub mismatch: Option<Mismatch>,
}

/// What was expected and what was found, a line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// What was expected.
    pub expected: Vec<String>,
    /// What was found.
    pub got: Vec<String>,
}

impl fmt::Display for TestFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(position) = self.position {
            write!(f, "{position}: ")?;
        }
        if !self.test.is_empty() {
            write!(f, "{}: ", self.test)?;
        }
        f.write_str(&self.message)?;
        match &self.mismatch {
            Some(Mismatch { expected, got }) => {
                write!(f, ",\n  exp: {}\n  got: {}", list(expected), list(got))
            }
            None => Ok(()),
        }
    }
}

fn list(items: &[String]) -> String {
    if items.is_empty() { "nil".to_owned() } else { items.join("\n       ") }
}

/// Why a unit-test file could not be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnitTestError {
    /// The file or one of its rule files is not valid.
    #[error(transparent)]
    File(#[from] RuleFileError),
    /// A pattern of test names is not a regular expression.
    #[error("pattern of test names: {0}")]
    Pattern(#[from] RegexError),
    /// The configuration of Alertmanager that the file names cannot be used.
    #[error("alertmanager_config: {0}")]
    Routing(String),
    /// There are expectations about routes, and no routes.
    #[error("{file}: route_test needs alertmanager_config, the file with the routes")]
    NoRouting {
        /// The unit-test file.
        file: String,
    },
}
