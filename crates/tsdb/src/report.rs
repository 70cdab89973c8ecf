use std::path::PathBuf;

/// What was found when a store was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecoveryReport {
    /// The checkpoint that was read, if there was one.
    pub checkpoint: Option<u64>,
    /// How many frames of the log were read.
    pub log_frames: u64,
    /// How many samples came back into memory.
    pub samples: u64,
    /// How many series came back into memory.
    pub series: usize,
    /// Samples of the log that were there already: in parts, or in the checkpoint.
    pub samples_known: u64,
    /// Samples of series whose definition was lost.
    pub samples_orphaned: u64,
    /// Frames of the log that are not there although later ones are.
    pub frames_missing: u64,
    /// Everything that was damaged or in a place where it should not be.
    pub problems: Vec<Problem>,
}

impl RecoveryReport {
    /// Whether nothing was lost. A torn tail of the log is what a crash leaves behind and no loss of anything that was durable.
    pub fn is_clean(&self) -> bool {
        self.problems.iter().all(|p| p.kind == ProblemKind::TornTail)
            && self.samples_orphaned == 0
            && self.frames_missing == 0
    }
}

/// Something that was damaged or out of place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind of problem.
    pub kind: ProblemKind,
    /// The file or folder.
    pub path: PathBuf,
    /// What is wrong, for people.
    pub what: String,
    /// Where it was moved or copied to, if it was.
    pub quarantined: Option<PathBuf>,
}

/// What kind of problem was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProblemKind {
    /// The log ends with something incomplete, as after a power cut.
    TornTail,
    /// A damaged range of the log.
    Log,
    /// A damaged checkpoint.
    Checkpoint,
    /// A damaged line of MANIFEST, or no MANIFEST.
    Manifest,
    /// A part that is damaged or missing.
    Part,
    /// A part that is not listed in MANIFEST.
    UnlistedPart,
    /// Deletions of a part that are lost: deleted samples may be back.
    Tombstones,
}

impl ProblemKind {
    /// A word for logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TornTail => "torn tail",
            Self::Log => "log",
            Self::Checkpoint => "checkpoint",
            Self::Manifest => "manifest",
            Self::Part => "part",
            Self::UnlistedPart => "unlisted part",
            Self::Tombstones => "tombstones",
        }
    }
}
