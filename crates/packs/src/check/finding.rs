use std::collections::BTreeMap;
use std::fmt;

use bellwether_yaml::Position;

use crate::schema::{Metric, Pack};

/// In what an exposition is not what a pack says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub kind: FindingKind,
    /// How bad it is.
    pub severity: Severity,
    /// The pack.
    pub pack: String,
    /// The metric by its name in the pack; empty if the pack as a whole is meant.
    pub metric: String,
    /// The file of the pack.
    pub source: String,
    /// The place in it.
    pub position: Position,
    /// What is wrong, as a sentence.
    pub message: String,
    /// What the pack says.
    pub expected: String,
    /// What is exposed instead.
    pub found: String,
    /// What to do about it.
    pub remedy: String,
}

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingKind {
    /// The pack has it, the exposition does not.
    Missing,
    /// The exposition has it, the pack does not.
    Undeclared,
    /// Only the old name is exposed.
    OldName,
    /// The type is another one.
    Type,
    /// The unit is another one.
    Unit,
    /// A label is missing or too many.
    Label,
    /// A label has a value that it must not have.
    Value,
    /// The bounds of a histogram or the quantiles of a summary are others.
    Bucket,
    /// There are nearly as many series or values as there may be, or more.
    Cardinality,
    /// It is exposed, and nothing has ever been counted.
    Untouched,
}

impl FindingKind {
    /// The word for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Undeclared => "undeclared",
            Self::OldName => "old-name",
            Self::Type => "type",
            Self::Unit => "unit",
            Self::Label => "label",
            Self::Value => "value",
            Self::Bucket => "bucket",
            Self::Cardinality => "cardinality",
            Self::Untouched => "untouched",
        }
    }

    /// What is demanded of an exposition.
    pub fn demands(self) -> &'static str {
        match self {
            Self::Missing => "What the pack has is exposed.",
            Self::Undeclared => "What is exposed in the namespace of the pack, the pack has.",
            Self::OldName => "A metric is exposed under its new name.",
            Self::Type => "A metric has the type that the pack says.",
            Self::Unit => "A metric has the unit that the pack says.",
            Self::Label => "Series have the labels that the pack says, and no others.",
            Self::Value => "A label has a value that the pack allows.",
            Self::Bucket => "Histograms have the bounds and summaries the quantiles that the pack says.",
            Self::Cardinality => "There are fewer series and values than the pack allows.",
            Self::Untouched => "Something has been counted.",
        }
    }
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Info,
    /// Probably not meant.
    Warning,
    /// Alerts, dashboards or queries that rely on the pack are wrong with it.
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

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, severity, source, position, message, remedy, .. } = self;
        write!(f, "{source}:{position}: {}: {message}; {remedy} [{}]", severity.as_str(), kind.as_str())
    }
}

/// The words of a finding.
pub(super) struct Words {
    pub(super) message: String,
    pub(super) expected: String,
    pub(super) found: String,
    pub(super) remedy: String,
}

/// The findings about one pack.
pub(super) struct Findings<'p> {
    pack: &'p Pack,
    pub(super) list: Vec<Finding>,
}

impl<'p> Findings<'p> {
    pub(super) fn new(pack: &'p Pack) -> Self {
        Self { pack, list: Vec::new() }
    }

    /// Adds one about `metric`, or about the pack as a whole, unless the pack sets this kind aside there.
    pub(super) fn add(
        &mut self,
        kind: FindingKind,
        severity: Severity,
        metric: Option<&Metric>,
        words: Words,
    ) {
        let is_allowed = |allow: &BTreeMap<String, String>| allow.contains_key(kind.as_str());
        if is_allowed(&self.pack.allow) || metric.is_some_and(|metric| is_allowed(&metric.allow)) {
            return;
        }
        let Words { message, expected, found, remedy } = words;
        self.list.push(Finding {
            kind,
            severity,
            pack: self.pack.name.value.clone(),
            metric: metric.map(|metric| metric.name.value.clone()).unwrap_or_default(),
            source: self.pack.source.clone(),
            position: metric.map_or(self.pack.name.position, |metric| metric.name.position),
            message,
            expected,
            found,
            remedy,
        });
    }
}

/// So much of a text that strangers chose is shown.
const SHOWN_CHARS: usize = 80;
/// So many of a list of such texts.
const SHOWN_TEXTS: usize = 5;

/// A text that strangers chose, in bounds.
pub(super) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A list of such texts, in quotes.
pub(super) fn list<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let mut texts = texts.into_iter();
    let first: Vec<String> =
        texts.by_ref().take(SHOWN_TEXTS).map(|text| format!("{:?}", shown(text))).collect();
    match texts.count() {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}
