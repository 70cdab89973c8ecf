use std::fmt;

use bellwether_yaml::{Error, Position};
use serde_json::{Map, Value};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Info,
    /// Probably not meant.
    Warning,
    /// Does not do what it says.
    Error,
}

impl Severity {
    /// `info`, `warning` or `error`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A part of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file as it was named.
    pub file: String,
    /// Its first character; `None` if the file as a whole is meant.
    pub start: Option<Position>,
    /// The character behind its last one; as `start` if only a point is known.
    pub end: Option<Position>,
}

impl Place {
    /// A file as a whole.
    pub fn file(file: impl Into<String>) -> Self {
        Self { file: file.into(), start: None, end: None }
    }

    /// A point in a file.
    pub fn point(file: impl Into<String>, at: Position) -> Self {
        Self { file: file.into(), start: Some(at), end: Some(at) }
    }
}

/// `FILE:LINE:COLUMN`, or the file alone.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        self.start.map_or(Ok(()), |start| write!(f, ":{start}"))
    }
}

/// The rule of a rule file that a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// The name of its group.
    pub group: String,
    /// Its number in the group, counted from 0.
    pub index: usize,
    /// The name of the alert or of the recorded series.
    pub name: String,
    /// Where it begins in its file.
    pub position: Position,
}

/// Something that is wrong or probably not meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The id of the rule that found it, in lower case with hyphens.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Where it is.
    pub place: Place,
    /// Which rule of a rule file it is about; `None` for other files, and if the file as a whole is meant.
    pub subject: Option<Subject>,
    /// What is wrong.
    pub message: String,
    /// What to do about it; may be empty.
    pub remedy: String,
    /// Whether a server refuses the file because of it, or an exposition is not what a pack promises.
    pub refuses: bool,
    /// What else is known, for programs: fields of the finding in JSON, properties in SARIF.
    pub details: Map<String, Value>,
}

impl Finding {
    /// A finding that is about no rule of a rule file, without a remedy.
    pub fn new(rule: &'static str, severity: Severity, place: Place, message: impl Into<String>) -> Self {
        Self {
            rule,
            severity,
            place,
            subject: None,
            message: message.into(),
            remedy: String::new(),
            refuses: false,
            details: Map::new(),
        }
    }

    /// A problem because of which a file is refused.
    pub fn refusal(rule: &'static str, error: &Error) -> Self {
        let place = match error.position() {
            Some(at) => Place::point(error.source_name(), at),
            None => Place::file(error.source_name()),
        };
        Self {
            remedy: error.remedy().unwrap_or_default().to_owned(),
            refuses: true,
            ..Self::new(rule, Severity::Error, place, error.kind().to_string())
        }
    }
}

/// `FILE:LINE:COLUMN: SEVERITY: what is wrong; what to do [RULE]`
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, severity, place, message, remedy, .. } = self;
        write!(f, "{place}: {}: {message}", severity.as_str())?;
        if !remedy.is_empty() {
            write!(f, "; {remedy}")?;
        }
        write!(f, " [{rule}]")
    }
}
