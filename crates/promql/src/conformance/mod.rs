//! Runs the language against the conformance data: Prometheus' own parser cases, the queries of its script tests, of the compliance
//! suite and of real dashboards.
//!
//! Each suite answers with one outcome per case, so that tests can demand all of them and tools can count them. A [`QueryGenerator`]
//! makes correct queries beyond these lists, for property tests and for comparisons with other engines.

mod dashboards;
mod generator;
mod parser_cases;
mod queries;
mod series_cases;

use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

pub use dashboards::dashboard_queries;
pub use generator::{ByteChoices, Choices, QueryGenerator, Vocabulary};
pub use parser_cases::{parse, print};
pub use queries::{ComplianceCase, compliance_cases, compliance_queries, script_queries};
pub use series_cases::series_syntax;

/// What became of one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseOutcome {
    /// The identifier of the case, unique in its suite.
    pub id: String,
    /// What went wrong, if anything did.
    pub failure: Option<String>,
}

/// What became of the cases of one suite. `Display` writes `NAME: N passed, N failed`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuiteOutcome {
    /// The name of the suite.
    pub name: &'static str,
    /// The outcomes in the order of the cases.
    pub cases: Vec<CaseOutcome>,
}

impl SuiteOutcome {
    /// The cases that failed.
    pub fn failures(&self) -> impl Iterator<Item = &CaseOutcome> {
        self.cases.iter().filter(|case| case.failure.is_some())
    }
}

impl fmt::Display for SuiteOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failed = self.failures().count();
        write!(f, "{}: {} passed, {failed} failed", self.name, self.cases.len() - failed)
    }
}

/// Why a suite could not be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConformanceError {
    /// A file could not be read.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A file is not what its notes say.
    #[error("{path}: {message}")]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
}

/// Runs all suites whose data is in `dir`.
pub fn run_all(dir: &Path) -> Result<Vec<SuiteOutcome>, ConformanceError> {
    let suites = [
        parse(dir)?,
        print(dir)?,
        series_syntax(dir)?,
        script_queries(dir)?,
        compliance_queries(dir)?,
        dashboard_queries(dir)?,
    ];
    Ok(suites.into_iter().flatten().collect())
}

/// The text of a file; `None` if there is no such file.
fn read(path: &Path) -> Result<Option<String>, ConformanceError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ConformanceError::Io { path: path.to_owned(), source }),
    }
}

/// The content of a JSON file; `None` if there is no such file.
fn read_json(path: &Path) -> Result<Option<serde_json::Value>, ConformanceError> {
    let Some(text) = read(path)? else { return Ok(None) };
    let format =
        |e: serde_json::Error| ConformanceError::Format { path: path.to_owned(), message: e.to_string() };
    serde_json::from_str(&text).map(Some).map_err(format)
}

/// The outcomes of a case file: an object with a list `cases`, each with an `id`.
fn run_cases(
    name: &'static str,
    path: &Path,
    check: impl Fn(&serde_json::Value) -> Result<(), String>,
) -> Result<Option<SuiteOutcome>, ConformanceError> {
    let Some(file) = read_json(path)? else { return Ok(None) };
    let format =
        |message: &str| ConformanceError::Format { path: path.to_owned(), message: message.to_owned() };
    let cases = file["cases"].as_array().ok_or_else(|| format("there is no list of cases"))?;
    let outcome = |case: &serde_json::Value| {
        let id = case["id"].as_str().ok_or_else(|| format("a case has no id"))?.to_owned();
        Ok(CaseOutcome { id, failure: check(case).err() })
    };
    let cases = cases.iter().map(outcome).collect::<Result<_, _>>()?;
    Ok(Some(SuiteOutcome { name, cases }))
}

/// The files of a folder with the given extension, sorted by name; none if there is no such folder.
fn files(dir: &Path, extension: &str) -> Result<Vec<PathBuf>, ConformanceError> {
    let io_error = |source| ConformanceError::Io { path: dir.to_owned(), source };
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(io_error(e)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(io_error)?.path();
        if path.extension().is_some_and(|e| e == extension) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// The name of a file without its folder.
fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the data is: `CONFORMANCE_DIR`, or beside the project. `None` if it is not there.
    fn data_dir() -> Option<PathBuf> {
        if let Some(dir) = std::env::var_os("CONFORMANCE_DIR") {
            let dir = PathBuf::from(dir);
            assert!(dir.is_dir(), "CONFORMANCE_DIR names {}, which is no folder", dir.display());
            return Some(dir);
        }
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance");
        if !dir.is_dir() {
            println!("skipped: there is no conformance data at {}", dir.display());
            return None;
        }
        Some(dir)
    }

    #[test]
    fn all_cases_pass() {
        let Some(dir) = data_dir() else { return };
        let mut failures = Vec::new();
        for suite in run_all(&dir).expect("the data can be read") {
            println!("{suite}");
            failures.extend(suite.failures().map(|case| (suite.name, case.clone())));
        }
        assert!(failures.is_empty(), "{failures:#?}");
    }

    #[test]
    fn a_folder_without_data_has_no_suites() {
        assert_eq!(run_all(Path::new("/nonexistent")).expect("nothing to read"), []);
    }

    #[test]
    fn outcomes_are_counted() {
        let case =
            |failure: Option<&str>| CaseOutcome { id: "a".to_owned(), failure: failure.map(str::to_owned) };
        let suite = SuiteOutcome { name: "print", cases: vec![case(None), case(Some("no")), case(None)] };
        assert_eq!(suite.to_string(), "print: 2 passed, 1 failed");
    }
}
