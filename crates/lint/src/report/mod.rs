//! Findings for people and for programs.
mod github;
mod json;
mod sarif;
mod text;

use std::collections::BTreeMap;

use crate::finding::{Finding, Severity};

/// How findings are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// With the lines of the files, for people.
    Text,
    /// One object with a list, for programs.
    Json,
    /// Annotations as GitHub's workflows take them from the output of a step.
    Github,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
}

/// What came of looking at some files.
#[derive(Debug, Default)]
pub struct Report {
    /// What was found, in order.
    pub findings: Vec<Finding>,
    /// The texts of the files, by name, for showing lines.
    pub texts: BTreeMap<String, String>,
    /// Files in which nothing is wrong, with what is to say about them.
    pub good: Vec<String>,
    /// What the rules demand by which something was found, by their ids, if they are none of [`RULES`](crate::RULES).
    pub demands: BTreeMap<&'static str, &'static str>,
    /// Whether what is only good to know counts as a finding.
    pub is_strict: bool,
}

/// What a report amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// There is nothing, or nothing that is more than good to know.
    Good,
    /// A file is refused.
    Errors,
    /// The files are legal, and something in them is probably not meant.
    Findings,
}

impl Verdict {
    /// The exit code: 0, 1 or 3. A command line that cannot be meant has 2.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Good => 0,
            Self::Errors => 1,
            Self::Findings => 3,
        }
    }
}

impl Report {
    /// What the report amounts to.
    pub fn verdict(&self) -> Verdict {
        let counts = if self.is_strict { Severity::Info } else { Severity::Warning };
        if self.findings.iter().any(|finding| finding.refuses) {
            Verdict::Errors
        } else if self.findings.iter().any(|finding| finding.severity >= counts) {
            Verdict::Findings
        } else {
            Verdict::Good
        }
    }

    /// The report in a format, with a line feed at its end unless it is empty.
    pub fn show(&self, format: Format) -> String {
        match format {
            Format::Text => text::show(self),
            Format::Json => format!("{:#}\n", self.to_json()),
            Format::Github => github::show(self),
            Format::Sarif => format!("{:#}\n", sarif::show(self)),
        }
    }

    /// The report as one object.
    pub fn to_json(&self) -> serde_json::Value {
        json::show(self)
    }

    /// `1 error, 0 warnings, 2 infos`
    pub fn counted(&self) -> String {
        self.counts().map(|(severity, count)| counted(count, severity.as_str())).join(", ")
    }

    /// How many findings there are, by severity from the worst on.
    fn counts(&self) -> [(Severity, usize); 3] {
        [Severity::Error, Severity::Warning, Severity::Info]
            .map(|severity| (severity, self.findings.iter().filter(|f| f.severity == severity).count()))
    }
}

/// `1 rule`, `2 rules`: a number of things whose name only gets an `s` if there is not one of them.
pub fn counted(n: usize, name: &str) -> String {
    let end = if n == 1 { "" } else { "s" };
    format!("{n} {name}{end}")
}
