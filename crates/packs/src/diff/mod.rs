//! What a new version of a pack changes for those who rely on the old one.
//!
//! A change breaks if a query, a dashboard or a rule that was right with the old version can be wrong with the new one. What is experimental promises nothing, so nothing about it
//! breaks; neither does the end of what was announced with `deprecated` and `until`.
mod alerts;
mod metrics;

use std::fmt;

use bellwether_yaml::Position;

use crate::schema::Pack;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What has changed.
    pub kind: ChangeKind,
    /// Whether it breaks what relies on the old version.
    pub breaking: bool,
    /// The metric, recording or alert.
    pub name: String,
    /// The file of the version in which it stands: the new one, or the old one of what is gone.
    pub source: String,
    /// The place in it.
    pub position: Position,
    /// The change in words.
    pub message: String,
}

/// What has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    /// Something is new.
    Added,
    /// Something is gone.
    Removed,
    /// A metric has another name.
    Renamed,
    /// A metric has another type.
    Type,
    /// A metric has another unit.
    Unit,
    /// A label is new or gone, or has other values.
    Label,
    /// A histogram has other buckets, a summary other quantiles, or a state set other states.
    Bucket,
    /// More or less may be relied upon.
    Stability,
    /// An alert fires at other times, or is as bad as something else.
    Alert,
    /// A recording holds something else.
    Recording,
}

impl ChangeKind {
    /// The word for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Renamed => "renamed",
            Self::Type => "type",
            Self::Unit => "unit",
            Self::Label => "label",
            Self::Bucket => "bucket",
            Self::Stability => "stability",
            Self::Alert => "alert",
            Self::Recording => "recording",
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, breaking, source, position, message, .. } = self;
        let word = if *breaking { "breaking" } else { "compatible" };
        write!(f, "{source}:{position}: {word}: {message} [{}]", kind.as_str())
    }
}

/// What has changed from `old` to `new`: metrics first, then recordings, then alerts.
pub fn diff(old: &Pack, new: &Pack) -> Vec<Change> {
    let mut changes = Changes { old, new, list: Vec::new() };
    metrics::compare(&mut changes);
    alerts::recordings(&mut changes);
    alerts::compare(&mut changes);
    changes.list
}

/// Whether the versions say that what relies on the old one may break: the first number has grown, or is still 0.
pub fn may_break(old: &Pack, new: &Pack) -> bool {
    let major = |pack: &Pack| pack.version.split('.').next().and_then(|number| number.parse::<u32>().ok());
    major(new) > major(old) || major(new) == Some(0)
}

/// The changes so far.
struct Changes<'p> {
    old: &'p Pack,
    new: &'p Pack,
    list: Vec<Change>,
}

impl Changes<'_> {
    /// Adds one about what stands in the new version.
    fn add(&mut self, kind: ChangeKind, breaking: bool, (name, position): (&str, Position), message: String) {
        let source = self.new.source.clone();
        self.list.push(Change { kind, breaking, name: name.to_owned(), source, position, message });
    }

    /// Adds one about what stands only in the old version.
    fn gone(&mut self, breaking: bool, (name, position): (&str, Position), message: String) {
        let source = self.old.source.clone();
        let kind = ChangeKind::Removed;
        self.list.push(Change { kind, breaking, name: name.to_owned(), source, position, message });
    }
}
